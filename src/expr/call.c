/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of fetches and converters that scripts call by name, and names that configurations bring.
 *
 * Thread:  any; the search for names on the builder.
 */
#include "weir/expr/call.h"

#include <string.h>

#include "weir/base/regex.h"
#include "weir/config/diag.h"
#include "private.h"

/* Their checks read files or keep something for the configuration. */
static bool
needs_configuration(const struct fetch *fetch, const struct converter *conv)
{
    static const char *const names[] = { "acl", "map", "when", "rw_map" };
    const char *name = fetch != NULL ? fetch->name : conv->name;

    for (size_t i = 0; i < COUNT(names); i++) {
        size_t len = strlen(names[i]);

        if (strncmp(name, names[i], len) == 0 && (name[len] == '\0' || name[len] == '_'))
            return true;
    }
    return false;
}

static bool
set_named(struct parse *parse, const struct arg_spec *spec, struct arg *arg, struct error *err)
{
    arg->kind = ARG_NAMED;
    FOR_EACH_REGISTERED (arg_type, type, list) {
        if (strcmp(type->name, spec->type_name) == 0) {
            arg->ptr = type->resolve(parse, (struct source_pos){ NULL, 0 }, arg->str, parse->object);
            return arg->ptr != NULL || error_set(err, "there is no %s '%.*s'", spec->type_name,
                                                 STR_ARG(arg->str));
        }
    }
    return error_set(err, "arguments of type '%s' are not implemented yet", spec->type_name);
}

static bool
set_regex(struct call_args *call, struct arg *arg, struct error *err)
{
    arg->kind = ARG_REGEX;
    arg->ptr = regex_compile(arg->str, REGEX_CASE, err);
    if (arg->ptr == NULL)
        return false;
    call->regexes[call->regex_count++] = arg->ptr;
    return true;
}

static bool
set_one(struct call_args *call, struct parse *parse, const struct arg_spec *spec, struct arg *arg,
        struct str text, struct error *err)
{
    const char *copy = arena_copy_str(&call->arena, text);

    arg->str = str_of(copy, text.len);
    if (spec->kind == ARG_NAMED)
        return set_named(parse, spec, arg, err);
    if (text.len == 0 && spec->is_optional)
        return true;
    if (spec->kind == ARG_REGEX)
        return set_regex(call, arg, err);
    return expr_arg_set_value(parse, spec, arg, err);
}

static bool
set_all(struct call_args *call, struct parse *parse, const struct arg_spec *specs, const char *name,
        const struct str *texts, unsigned count, struct error *err)
{
    unsigned max = 0, required = 0;

    for (; specs[max].kind != ARG_END; max++) {
        if (!specs[max].is_optional)
            required = max + 1;
    }
    if (count < required || count > max)
        return error_set(err, "'%s' takes %u to %u arguments, not %u", name, required, max, count);
    call->args = ARENA_ARRAY(&call->arena, struct arg, max + 1);
    for (unsigned i = 0; i < max; i++) {
        struct str text = i < count ? texts[i] : STR("");

        if (!set_one(call, parse, &specs[i], &call->args[i], text, err))
            return error_prefix(err, "argument %u of '%s'", i + 1, name);
    }
    return true;
}

bool
call_args_init(struct call_args *call, struct snapshot *snapshot, const struct proxy_conf *proxy,
               const struct fetch *fetch, const struct converter *conv, const struct str *texts,
               unsigned count, struct error *err)
{
    struct words words = { .count = 0 };
    struct parse parse = { .snapshot = snapshot,
                           .arena = &call->arena,
                           .object = (void *)proxy,
                           .words = &words,
                           .diag = diag_new(),
                           .keyword = "script" };
    arg_check_fn *check = fetch != NULL ? fetch->check : conv->check;
    const char *name = fetch != NULL ? fetch->name : conv->name;
    bool fine;

    memset(call, 0, sizeof(*call));
    arena_init(&call->arena);
    words.line_text = "";
    fine = needs_configuration(fetch, conv)
               ? error_set(err, "'%s' can only be used in the configuration", name)
               : set_all(call, &parse, fetch != NULL ? fetch->args : conv->args, name, texts, count,
                         err);
    if (fine && check != NULL && !check(&parse, call->args, count, err))
        fine = error_prefix(err, "'%s'", name);
    diag_free(parse.diag);
    return fine;
}

const struct arg *
call_args_build(struct parse *parse, const struct converter *conv, const struct str *texts,
                unsigned count, struct error *err)
{
    struct arg *args = ARENA_ARRAY(parse->arena, struct arg, ARGS_MAX + 1);
    unsigned max = 0;

    while (conv->args[max].kind != ARG_END)
        max++;
    if (count > max) {
        error_set(err, "'%s' takes at most %u arguments, not %u", conv->name, max, count);
        return NULL;
    }
    for (unsigned i = 0; i < count; i++) {
        args[i].str = str_of(arena_copy_str(parse->arena, texts[i]), texts[i].len);
        if (!expr_arg_set_value(parse, &conv->args[i], &args[i], err))
            return NULL;
    }
    if (conv->check != NULL && !conv->check(parse, args, count, err))
        return NULL;
    return args;
}

void
call_args_fini(struct call_args *call)
{
    for (unsigned i = 0; i < call->regex_count; i++)
        regex_free(call->regexes[i]);
    arena_fini(&call->arena);
}

/* --- names of a configuration -------------------------------------------------------------------- */

const struct fetch *
fetch_find_here(struct parse *parse, struct str name)
{
    const struct fetch *fetch = fetch_find(name);

    FOR_EACH_REGISTERED (sample_source, source, list) {
        if (fetch == NULL)
            fetch = source->find_fetch(parse, name);
    }
    return fetch;
}

const struct converter *
converter_find_here(struct parse *parse, struct str name)
{
    const struct converter *conv = converter_find(name);

    FOR_EACH_REGISTERED (sample_source, source, list) {
        if (conv == NULL)
            conv = source->find_converter(parse, name);
    }
    return conv;
}
