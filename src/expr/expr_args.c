/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of fetches and converters: "(a,b)" becomes typed values.
 *
 * Thread: builder.
 *
 * Quotes inside the parentheses keep commas and parentheses: 'a,b' or "a,b"; a backslash keeps the
 * next character.
 */
#include <ctype.h>
#include <string.h>

#include "weir/base/number.h"
#include "weir/base/regex.h"
#include "weir/base/text.h"
#include "private.h"

static struct slot room_slot = SLOT("expr", SLOT_GLOBAL, struct expr_room);
REGISTER_SLOT(room_slot);

struct expr_room *
expr_room_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &room_slot);
}

/* One argument up to ',' or ')' at the top level. */
static const char *
cut(struct parse *parse, const char **text)
{
    struct text out = TEXT_INIT;
    const char *pos = *text, *copy;
    char quote = '\0';
    int depth = 0;

    for (; *pos != '\0'; pos++) {
        if (quote == '\0' && depth == 0 && (*pos == ',' || *pos == ')'))
            break;
        if (*pos == '\\' && pos[1] != '\0' && quote != '\'') {
            /* Keeps the backslash for what regexes and formats read themselves. */
            if (strchr("\\,()'\" ", pos[1]) == NULL)
                text_add_char(&out, '\\');
            text_add_char(&out, *++pos);
            continue;
        }
        if (quote == '\0' && (*pos == '\'' || *pos == '"')) {
            quote = *pos;
            continue;
        }
        if (quote != '\0' && *pos == quote) {
            quote = '\0';
            continue;
        }
        if (quote == '\0')
            depth += *pos == '(' ? 1 : *pos == ')' ? -1 : 0;
        text_add_char(&out, *pos);
    }
    *text = pos;
    copy = arena_copy(parse->arena, text_cstr(&out));
    text_fini(&out);
    return copy;
}

static const struct arg_type *
find_type(const char *name)
{
    FOR_EACH_REGISTERED (arg_type, type, list) {
        if (strcmp(type->name, name) == 0)
            return type;
    }
    return NULL;
}

static bool
remember_named(struct parse *parse, const struct arg_spec *spec, struct arg *arg)
{
    struct expr_room *room = expr_room_of(parse->snapshot);
    const struct arg_type *type = find_type(spec->type_name);
    struct named_arg *named;

    if (type == NULL)
        return parse_not_yet(parse, spec->type_name);
    named = ARENA_NEW(parse->arena, struct named_arg);
    *named =
        (struct named_arg){ .next = room->named,
                            .arg = arg,
                            .type = type,
                            .pos = parse_pos(parse),
                            .proxy_conf = parse->outer != NULL ? parse->outer : parse->object };
    room->named = named;
    return true;
}

static bool
set_addr(struct arg *arg, const char *text, int family, struct error *err)
{
    if (!addr_parse_host(str_from(text), &arg->addr) || arg->addr.family != family)
        return error_set(err, "'%s' is not an IPv%d address", text, family == ADDR_IPV4 ? 4 : 6);
    return true;
}

static bool
set_mask(struct arg *arg, const char *text, int max, struct error *err)
{
    int64_t bits;

    if (number_parse_int(str_from(text), 0, max, &bits, NULL)) {
        arg->num = bits;
        return true;
    }
    return error_set(err, "'%s' is not a mask of 0 to %d bits", text, max);
}

static bool
set_regex(struct arg *arg, const char *text, struct error *err)
{
    arg->ptr = regex_compile(str_from(text), REGEX_CASE, err);
    return arg->ptr != NULL;
}

static bool
set_variable(struct parse *parse, struct arg *arg, const char *text, struct error *err)
{
    struct variable_name *name = ARENA_NEW(parse->arena, struct variable_name);

    if (!variable_name_parse(arg->str, name, err))
        return error_prefix(err, "'%s'", text);
    arg->ptr = name;
    return true;
}

static bool
set(struct parse *parse, const struct arg_spec *spec, struct arg *arg, const char *text)
{
    struct error err = ERROR_INIT;
    bool fine = true;

    arg->kind = spec->kind;
    arg->str = str_from(text);
    switch ((enum arg_kind)spec->kind) {
    case ARG_STR:
    case ARG_END:
        break;
    case ARG_INT:
        fine = number_parse_int(arg->str, INT64_MIN, INT64_MAX, &arg->num, &err);
        break;
    case ARG_SIZE:
        fine = number_parse_size(arg->str, (uint64_t *)&arg->num, &err);
        break;
    case ARG_TIME_MS:
        fine = number_parse_time(arg->str, "ms", &arg->num, &err);
        break;
    case ARG_IP4:
        fine = set_addr(arg, text, ADDR_IPV4, &err);
        break;
    case ARG_IP6:
        fine = set_addr(arg, text, ADDR_IPV6, &err);
        break;
    case ARG_MASK4:
        fine = set_mask(arg, text, 32, &err);
        break;
    case ARG_MASK6:
        fine = set_mask(arg, text, 128, &err);
        break;
    case ARG_REGEX:
        fine = set_regex(arg, text, &err);
        break;
    case ARG_VARIABLE:
        fine = set_variable(parse, arg, text, &err);
        break;
    case ARG_STR_OR_VAR:
        if (variable_name_parse(arg->str, &(struct variable_name){ 0 }, NULL))
            fine = set_variable(parse, arg, text, &err);
        break;
    case ARG_INT_OR_VAR:
        if (!number_parse_int(arg->str, INT64_MIN, INT64_MAX, &arg->num, NULL))
            fine = set_variable(parse, arg, text, &err);
        break;
    case ARG_NAMED:
        return remember_named(parse, spec, arg);
    }
    return fine || parse_alert(parse, "argument '%s': %s", text, err.text);
}

static unsigned
count_specs(const struct arg_spec *specs, unsigned *required)
{
    unsigned count = 0;

    *required = 0;
    for (; specs[count].kind != ARG_END; count++) {
        if (!specs[count].is_optional)
            *required = count + 1;
    }
    return count;
}

bool
expr_args_parse(struct parse *parse, const char **text, const struct arg_spec *specs,
                const char *name, struct arg **args, unsigned *count)
{
    unsigned required, max = count_specs(specs, &required);

    *args = ARENA_ARRAY(parse->arena, struct arg, max + 1);
    *count = 0;
    if (**text == '(') {
        do {
            const char *piece;

            (*text)++;
            piece = cut(parse, text);
            if (*piece == '\0' && *count == 0 && **text == ')')
                break; /* "name()" */
            if (*count == max)
                return parse_alert(parse, "'%s' takes at most %u argument%s", name, max,
                                   max == 1 ? "" : "s");
            if (*piece == '\0' && specs[*count].is_optional) {
                (*count)++; /* left out */
                continue;
            }
            if (!set(parse, &specs[*count], &(*args)[*count], piece))
                return false;
            (*count)++;
        } while (**text == ',');
        if (**text != ')')
            return parse_alert(parse, "the parenthesis of '%s' is not closed", name);
        (*text)++;
    }
    if (*count < required)
        return parse_alert(parse, "'%s' expects %s%u argument%s, not %u", name,
                           required < max ? "at least " : "", required, required == 1 ? "" : "s",
                           *count);
    return true;
}

static bool
on_resolve(struct parse *parse)
{
    bool fine = true;

    for (struct named_arg *named = expr_room_of(parse->snapshot)->named; named != NULL;
         named = named->next) {
        named->arg->ptr =
            named->type->resolve(parse, named->pos, named->arg->str, named->proxy_conf);
        fine = named->arg->ptr != NULL && fine;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_SERVER + 5, on_resolve, "expr: named arguments" },
};
REGISTER(config_hook, hooks);
