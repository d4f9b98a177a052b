/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of variables: tune.vars.*; and variables that the global section sets.
 *
 * Thread: builder reads; control publishes; traffic looks at the limits.
 *
 * The limits are those of the configuration that was published last, for all variables that live.
 */
#include <string.h>

#include "private.h"
#include "variable.h"

/* 0: none */
struct limits {
    uint64_t all, proc, sess, txn, reqres, check;
};

/* A set-var line of the global section. */
struct proc_setting {
    struct proc_setting *next;
    struct variable_name name;
    const struct sample *sample; /* or */
    const struct log_format *format;
};

struct variable_conf {
    struct limits limits;
    struct proc_setting *first, *last;
};

static struct slot conf_slot = SLOT("variables", SLOT_GLOBAL, struct variable_conf);
REGISTER_SLOT(conf_slot);

static struct limits limits; /* control writes, any reads: relaxed */

/* --- limits --------------------------------------------------------------- */

static void
set_limits(const struct limits *now)
{
    __atomic_store_n(&limits.all, now->all, __ATOMIC_RELAXED);
    __atomic_store_n(&limits.proc, now->proc, __ATOMIC_RELAXED);
    __atomic_store_n(&limits.sess, now->sess, __ATOMIC_RELAXED);
    __atomic_store_n(&limits.txn, now->txn, __ATOMIC_RELAXED);
    __atomic_store_n(&limits.reqres, now->reqres, __ATOMIC_RELAXED);
    __atomic_store_n(&limits.check, now->check, __ATOMIC_RELAXED);
}

static bool
fits(const uint64_t *limit, uint64_t used, uint32_t more)
{
    uint64_t most = __atomic_load_n(limit, __ATOMIC_RELAXED);

    return most == 0 || used + more <= most;
}

static uint64_t
used_by(const struct variables *vars, enum variable_scope scope)
{
    return vars->scopes[scope] == NULL ? 0 : vars->scopes[scope]->bytes;
}

/* What a request or response uses counts for its stream, too, and that for its session. */
bool
variable_limit_allows(enum variable_scope scope, const struct variables *vars, uint32_t bytes)
{
    uint64_t reqres = used_by(vars, SCOPE_REQ) + used_by(vars, SCOPE_RES);
    uint64_t txn = reqres + used_by(vars, SCOPE_TXN);
    uint64_t sess = txn + used_by(vars, SCOPE_SESS);

    if (scope == SCOPE_CHECK)
        return fits(&limits.check, used_by(vars, SCOPE_CHECK), bytes);
    if ((scope == SCOPE_REQ || scope == SCOPE_RES) && !fits(&limits.reqres, reqres, bytes))
        return false;
    if (scope != SCOPE_SESS && !fits(&limits.txn, txn, bytes))
        return false;
    return fits(&limits.sess, sess, bytes) && fits(&limits.all, sess, bytes);
}

/* --- set-var of the global section ---------------------------------------- */

static bool
parse_setting(struct parse *parse, bool is_format)
{
    struct variable_conf *conf = keyword_slot(parse, &conf_slot);
    struct proc_setting *setting = ARENA_NEW(parse->arena, struct proc_setting);
    const char *word = parse_word(parse, "the name of a variable");
    struct error err = ERROR_INIT;

    if (word == NULL)
        return false;
    if (!variable_name_parse(str_from(word), &setting->name, &err))
        return parse_alert(parse, "%s", err.text);
    if (setting->name.scope != SCOPE_PROC)
        return parse_alert(parse, "only variables of scope 'proc.' can be set here");
    if (is_format) {
        word = parse_word(parse, "a format");
        setting->format =
            word == NULL ? NULL : log_format_parse(parse, word, PLACE_CONFIG, 0);
    } else {
        setting->sample = sample_parse(parse, PLACE_CONFIG);
    }
    if ((setting->format == NULL && setting->sample == NULL) || !parse_end(parse))
        return false;
    if (conf->last == NULL)
        conf->first = setting;
    else
        conf->last->next = setting;
    conf->last = setting;
    return true;
}

static bool
parse_set_var(struct parse *parse)
{
    return parse_setting(parse, false);
}

static bool
parse_set_var_fmt(struct parse *parse)
{
    return parse_setting(parse, true);
}

static bool
find_value(const struct proc_setting *setting, struct eval *eval, struct value *value)
{
    value->cursor = VALUE_SINGLE;
    if (setting->sample != NULL)
        return sample_run(setting->sample, eval, value) == FETCH_OK;
    value_set_str(value, log_format_to_str(setting->format, eval));
    return value->str.ptr != NULL;
}

/* What rules or commands have set meanwhile is kept: a new configuration changes no state. */
static bool
on_publish(struct parse *parse)
{
    const struct variable_conf *conf = snapshot_slot(parse->snapshot, &conf_slot);
    struct arena arena;
    struct eval eval = {
        .snapshot = parse->snapshot, .arena = &arena, .place = PLACE_CONFIG, .final = 1
    };

    memset(&arena, 0, sizeof(arena));
    set_limits(&conf->limits);
    for (const struct proc_setting *at = conf->first; at != NULL; at = at->next) {
        struct value value = { .type = VALUE_NONE };

        if (!proc_variable_is_set(at->name.proc) && find_value(at, &eval, &value))
            proc_variable_store(at->name.proc, &value);
    }
    arena_give(&arena);
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_PUBLISH, ORDER_EXPR + 1, on_publish, "expr: variables of the process" },
};
REGISTER(config_hook, hooks);

#define LIMIT(name_, member_, help_)                                                               \
    {                                                                                              \
        "tune.vars." name_ "-max-size", IN_GLOBAL, .args = "<size>", .slot = &conf_slot,           \
            SET_SIZE(struct variable_conf, limits.member_), .help = help_                          \
    }

static const struct keyword keywords[] = {
    LIMIT("global", all, "Memory for the variables of one session and its streams, in bytes."),
    LIMIT("proc", proc, "Memory for the variables of the process, in bytes."),
    LIMIT("sess", sess, "Memory for the variables of a session and its streams, in bytes."),
    LIMIT("txn", txn, "Memory for the variables of a stream, in bytes."),
    LIMIT("reqres", reqres, "Memory for the variables of a request and its response, in bytes."),
    LIMIT("check", check, "Memory for the variables of a health check, in bytes."),
    { "set-var", IN_GLOBAL, .args = "<name> <expression>", .slot = &conf_slot,
      .parse = parse_set_var, .help = "Set a variable of the process when the program starts." },
    { "set-var-fmt", IN_GLOBAL, .args = "<name> <format>", .slot = &conf_slot,
      .parse = parse_set_var_fmt,
      .help = "Set a variable of the process to the result of a format." },
};
REGISTER(keyword, keywords);
