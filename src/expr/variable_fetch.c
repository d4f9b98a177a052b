/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables in expressions: the fetches var and dump_all_vars, the converters set-var and
 * unset-var.
 *
 * Thread: traffic, inside an expression.
 */
#include <string.h>

#include "weir/base/encode.h"
#include "weir/base/number.h"
#include "private.h"
#include "variable.h"

#define DUMP_MAX 16384 /* bytes */

/* --- var ------------------------------------------------------------------ */

static enum fetched
run_var(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    if (variable_find(eval, args[0].ptr, out))
        return FETCH_OK;
    return arg_is_given(&args[1]) ? fetched_str(out, args[1].str) : FETCH_NONE;
}

/* --- dump_all_vars -------------------------------------------------------- */

static void
put_text(struct format_out *out, struct str text)
{
    format_raw(out, text.ptr, text.len);
}

static void
put_quoted(struct format_out *out, struct str text)
{
    format_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            format_char(out, '\\');
        format_char(out, text.ptr[i]);
    }
    format_char(out, '"');
}

static void
put_hex(struct format_out *out, struct str bytes)
{
    static const char digits[] = "0123456789abcdef";

    format_char(out, 'x');
    for (size_t i = 0; i < bytes.len; i++) {
        format_char(out, digits[(unsigned char)bytes.ptr[i] >> 4]);
        format_char(out, digits[(unsigned char)bytes.ptr[i] & 15]);
    }
}

static void
put_value(struct format_out *out, const struct value *value, struct arena *arena)
{
    struct value text = *value;

    if (value->type == VALUE_BOOL)
        put_text(out, value->num != 0 ? STR("true") : STR("false"));
    else if (value->type == VALUE_STR)
        put_quoted(out, value->str);
    else if (value->type == VALUE_BIN)
        put_hex(out, value->str);
    else if (value_cast(&text, VALUE_STR, arena))
        put_text(out, text.str);
}

struct dump {
    struct format_out out;
    struct str prefix, delimiter;
    const char *begin;
};

static void
dump_one(struct dump *dump, struct eval *eval, enum variable_scope scope, const char *name,
         const struct value *value)
{
    if (!str_starts(str_from(name), dump->prefix))
        return;
    if (dump->out.pos != dump->begin)
        put_text(&dump->out, dump->delimiter);
    put_text(&dump->out, str_from(variable_scope_name(scope)));
    format_char(&dump->out, '.');
    put_text(&dump->out, str_from(name));
    format_char(&dump->out, '=');
    put_value(&dump->out, value, eval->arena);
}

static void
dump_set(struct dump *dump, struct eval *eval, enum variable_scope scope)
{
    const struct variable_set *set =
        eval->variables == NULL ? NULL : eval->variables->scopes[scope];

    for (const struct variable_entry *at = set == NULL ? NULL : set->first; at != NULL;
         at = at->next) {
        if (at->value.type != VALUE_NONE)
            dump_one(dump, eval, scope, at->name, &at->value);
    }
}

static void
dump_proc(struct dump *dump, struct eval *eval)
{
    struct proc_variable *var = NULL;
    struct value value;

    while ((var = proc_variable_next(var)) != NULL) {
        if (proc_variable_find(var, eval->arena, &value))
            dump_one(dump, eval, SCOPE_PROC, proc_variable_name(var), &value);
    }
}

static enum fetched
run_dump(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    static const enum variable_scope order[] = { SCOPE_SESS, SCOPE_TXN, SCOPE_REQ, SCOPE_RES };
    char room[DUMP_MAX];
    struct dump dump = { { room, room + sizeof(room), false },
                         arg_is_given(&args[1]) ? args[1].str : STR(""),
                         arg_is_given(&args[2]) ? args[2].str : STR(", "),
                         room };

    (void)fetch;
    for (size_t i = 0; i < COUNT(order); i++) {
        if (!arg_is_given(&args[0]) || args[0].num == (int64_t)order[i])
            dump_set(&dump, eval, order[i]);
    }
    if (!arg_is_given(&args[0]) || args[0].num == SCOPE_PROC)
        dump_proc(&dump, eval);
    if (dump.out.is_cut)
        return FETCH_NONE;
    return value_set_copy(out, VALUE_STR, eval->arena, room, (size_t)(dump.out.pos - room))
               ? FETCH_OK
               : FETCH_NONE;
}

static bool
check_dump(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    if (count == 0 || !arg_is_given(&args[0]))
        return true;
    for (int scope = SCOPE_PROC; scope <= SCOPE_RES; scope++) {
        if (!str_eq(args[0].str, str_from(variable_scope_name((enum variable_scope)scope))))
            continue;
        args[0].num = scope;
        return true;
    }
    return error_set(err, "'%s' is none of the scopes proc, sess, txn, req and res", args[0].str.ptr);
}

/* --- set-var, unset-var --------------------------------------------------- */

static bool
run_set(struct eval *eval, const struct converter *conv, const struct arg *args,
        struct value *value)
{
    (void)conv;
    variable_store_if(eval, args[0].ptr, (unsigned)args[0].num, value);
    return true;
}

static bool
check_set(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    for (unsigned i = 1; i < count; i++) {
        unsigned condition = variable_condition_find(args[i].str);

        if (condition == 0)
            return error_set(err, "unknown condition '%s'", args[i].str.ptr);
        args[0].num |= condition;
    }
    return true;
}

static bool
run_unset(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    (void)conv;
    (void)value;
    variable_forget(eval, args[0].ptr);
    return true;
}

static const struct fetch fetches[] = {
    { "var", VALUE_ANY, PLACE_ANY, { { ARG_VARIABLE }, { ARG_STR, true } }, run_var,
      .help = "The value of a variable, or the default given." },
    { "dump_all_vars", VALUE_STR, PLACE_ANY,
      { { ARG_STR, true }, { ARG_STR, true }, { ARG_STR, true } }, run_dump, 0, check_dump,
      "All variables as name=value: of one scope, with a prefix, joined by a delimiter." },
};
REGISTER(fetch, fetches);

static const struct converter converters[] = {
    { "set-var", VALUE_ANY, VALUE_SAME,
      { { ARG_VARIABLE }, { ARG_STR, true }, { ARG_STR, true }, { ARG_STR, true },
        { ARG_STR, true } },
      run_set, 0, check_set, "Put the value into a variable, too, if the conditions are met." },
    { "unset-var", VALUE_ANY, VALUE_SAME, { { ARG_VARIABLE } }, run_unset,
      .help = "Forget a variable; the value passes through." },
};
REGISTER(converter, converters);
