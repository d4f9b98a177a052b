/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables of the process on the runtime socket: get var, set var.
 *
 * Thread:  control.
 */
#include <string.h>

#include "weir/cli/command.h"
#include "private.h"
#include "variable.h"

/* --- get ------------------------------------------------------------------------------------- */

static void
print_value(struct text *out, struct value *value, struct arena *arena)
{
    if (value->type == VALUE_BOOL)
        text_puts(out, value->num != 0 ? "1" : "0");
    else if (value_has_bytes(value) || value_cast(value, VALUE_STR, arena))
        text_add(out, value->str);
}

static void
print_variable(struct text *out, const char *name, struct value *value, struct arena *arena)
{
    text_printf(out, "%s: type=%s value=<", name, value_type_name(value->type));
    print_value(out, value, arena);
    text_add_char(out, '>'); /* the frame ends the line */
}

/* The word after the command; NULL: said. */
static const char *
take_name(struct command_call *call)
{
    const char *name = command_next(call);

    if (name == NULL)
        command_say(call, 3, "Missing process-wide variable identifier.");
    return name;
}

/* An own look-up: asking for a name must not make the variable. */
static struct proc_variable *
find_variable(const char *name)
{
    struct proc_variable *var = NULL;

    if (strncmp(name, "proc.", strlen("proc.")) != 0)
        return NULL;
    while ((var = proc_variable_next(var)) != NULL) {
        if (strcmp(proc_variable_name(var), name + strlen("proc.")) == 0)
            return var;
    }
    return NULL;
}

static enum command_result
run_get(struct command_call *call)
{
    const char *name = take_name(call);
    struct proc_variable *var = name == NULL ? NULL : find_variable(name);
    struct value value = { .type = VALUE_NONE };
    struct arena arena;

    if (name == NULL)
        return COMMAND_DONE;
    memset(&arena, 0, sizeof(arena));
    if (var != NULL && proc_variable_find(var, &arena, &value))
        print_variable(call->out, name, &value, &arena);
    else
        command_say(call, 3, "Variable not found.");
    arena_give(&arena);
    return COMMAND_DONE;
}

/* --- set ------------------------------------------------------------------------------------- */

struct setting {
    bool is_format;
    const struct sample *sample;
    const struct log_format *format;
};

static bool
parse_setting(struct parse *parse, void *arg)
{
    struct setting *setting = arg;
    const char *word;

    if (!setting->is_format) {
        setting->sample = sample_parse(parse, PLACE_CLI);
        return setting->sample != NULL && parse_end(parse);
    }
    word = words_rest(parse);
    setting->format = log_format_parse(parse, word, PLACE_CLI, 0);
    return setting->format != NULL;
}

static bool
find_value(const struct setting *setting, struct eval *eval, struct value *value)
{
    value->cursor = VALUE_SINGLE;
    if (setting->sample != NULL)
        return sample_run(setting->sample, eval, value) == FETCH_OK;
    value_set_str(value, log_format_to_str(setting->format, eval));
    return value->str.ptr != NULL;
}

static void
store(struct command_call *call, const struct variable_name *name, const struct setting *setting)
{
    struct arena arena;
    struct eval eval = {
        .snapshot = snapshot_current(), .arena = &arena, .place = PLACE_CLI, .final = 1
    };
    struct value value = { .type = VALUE_NONE };

    memset(&arena, 0, sizeof(arena));
    if (!find_value(setting, &eval, &value))
        command_say(call, 3, "The expression gives no value; nothing was changed.");
    else if (!proc_variable_store(name->proc, &value))
        command_say(call, 3, "The value is too long (tune.vars.proc-max-size).");
    arena_give(&arena);
}

static enum command_result
run_set(struct command_call *call)
{
    const char *word = take_name(call);
    struct variable_name name;
    struct setting setting = { .is_format = false };
    struct live_text live;
    struct error err = ERROR_INIT;

    if (word == NULL)
        return COMMAND_DONE;
    if (strncmp(word, "proc.", strlen("proc.")) != 0)
        return command_say(call, 3, "'set var': cannot set variable '%s', only scope 'proc' is permitted here.", word);
    if (!variable_name_parse(str_from(word), &name, &err))
        return command_say(call, 3, "'set var': %s", err.text);
    setting.is_format = command_accept(call, "fmt");
    if (!setting.is_format)
        command_accept(call, "expr");
    if (call->at == call->count)
        return command_say(call, 3, "Missing either 'expr', 'fmt' or expression.");
    if (live_text_compile(&live, call->words + call->at, call->count - call->at, NULL,
                          parse_setting, &setting, call->out))
        store(call, &name, &setting);
    live_text_fini(&live);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "get var", "<name>", LEVEL_OPERATOR, run_get, "show a variable of the process" },
    { "set var", "<name> [expr|fmt] <expression>|<format>", LEVEL_OPERATOR, run_set,
      "change a variable of the process", .is_experimental = true },
};
REGISTER(command, commands);
