/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The converter when: a value passes only if something is so.
 *
 * For:     log formats above all: "details only where something went wrong".
 * Thread:  builder reads; traffic runs.
 */
#include <string.h>

#include "weir/expr/condition.h"
#include "weir/expr/sample.h"
#include "weir/telemetry/process.h"

#include "private.h"

enum when { WHEN_ERROR, WHEN_NORMAL, WHEN_FORWARDED, WHEN_PROCESSED, WHEN_TOAPPLET, WHEN_STOPPING,
            WHEN_ACL, WHENS };

static const char *const names[WHENS + 1] = { "error",    "normal",   "forwarded", "processed",
                                              "toapplet", "stopping", "acl",       NULL };

static bool
has_failed(const struct stream *s)
{
    return s != NULL && s->end_cause != END_NORMAL && s->end_cause != END_LOCAL;
}

static bool
was_forwarded(const struct stream *s)
{
    return s != NULL && (s->flags & STREAM_HEAD_SENT) != 0;
}

static bool
is_so(enum when when, struct eval *eval, const struct arg *args)
{
    const struct stream *s = eval->stream;

    switch (when) {
    case WHEN_ERROR:
        return has_failed(s);
    case WHEN_NORMAL:
        return !has_failed(s);
    case WHEN_FORWARDED:
        return was_forwarded(s);
    case WHEN_PROCESSED:
        return was_forwarded(s) || (s != NULL && (s->flags & STREAM_LOCAL_REPLY) != 0);
    case WHEN_TOAPPLET: /* nothing is served by programs inside of weir yet */
        return false;
    case WHEN_STOPPING:
        return __atomic_load_n(&this_process.is_stopping, __ATOMIC_RELAXED);
    case WHEN_ACL:
    case WHENS:
        break;
    }
    return condition_test(args[1].ptr, eval) == TRUTH_YES;
}

/* args[0].num: which, or -1 - which where it is negated. */
static bool
run_when(struct eval *eval, const struct converter *conv, const struct arg *args,
         struct value *value)
{
    int64_t which = args[0].num;

    (void)conv;
    (void)value;
    return which >= 0 ? is_so((enum when)which, eval, args)
                      : !is_so((enum when)(-1 - which), eval, args);
}

static bool
read_acl(struct parse *parse, struct arg *arg, struct error *err)
{
    const struct proxy_conf *conf = parse->object;
    struct word item = { .text = arg->str.ptr };
    struct words words = *parse->words;
    struct parse inner = *parse;

    if (!arg_is_given(arg))
        return error_set(err, "'acl' needs the name of one");
    if (parse->section == NULL || (parse->section->place & IN_PROXY) == 0)
        return error_set(err, "named acls stand in frontends, backends and the like");
    words.items = &item;
    words.at = 0;
    words.count = 1;
    inner.words = &words;
    arg->ptr = condition_parse(&inner, conf->acls, 0, false);
    return arg->ptr != NULL || error_set(err, "its acl cannot be used");
}

static bool
check_when(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    bool is_negated = args[0].str.len > 0 && args[0].str.ptr[0] == '!';
    const char *name = args[0].str.ptr + is_negated;

    (void)count;
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        args[0].num = is_negated ? -1 - i : i;
        return i != WHEN_ACL || read_acl(parse, &args[1], err);
    }
    return error_set(err,
                     "the condition is error, normal, forwarded, processed, toapplet, stopping or "
                     "acl, not '%s'",
                     name);
}

static const struct converter converters[] = {
    { "when", VALUE_ANY, VALUE_SAME, { { ARG_STR }, { ARG_STR, true } }, run_when, 0, check_when,
      "Pass the value on only when the stream failed (error), went well (normal), went to a "
      "server (forwarded), weir stops (stopping), or an acl is true; \"!\" turns it round." },
};
REGISTER(converter, converters);
