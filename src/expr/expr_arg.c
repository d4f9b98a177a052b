/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One argument: its text becomes a typed value, or a note to be resolved later.
 *
 * Thread: builder; traffic asks for the values of variables.
 */
#include <string.h>

#include "weir/base/number.h"
#include "weir/expr/regex_conf.h"
#include "private.h"

/* --- names that other rooms know ----------------------------------------------------------- */

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
remember_named(struct parse *parse, const struct arg_spec *spec, struct arg *arg, const char *at)
{
    struct expr_room *room = expr_room_of(parse->snapshot);
    const struct arg_type *type = find_type(spec->type_name);
    struct named_arg *named;

    if (type == NULL)
        return expr_alert(parse, at, "arguments of type '%s' are not implemented yet",
                          spec->type_name);
    named = ARENA_NEW(parse->arena, struct named_arg);
    *named =
        (struct named_arg){ .arg = arg,
                            .type = type,
                            .pos = parse_pos(parse),
                            .proxy_conf = parse->outer != NULL ? parse->outer : parse->object };
    if (room->named_end == NULL)
        room->named_end = &room->named;
    *room->named_end = named;
    room->named_end = &named->next;
    return true;
}

bool
expr_arg_default(struct parse *parse, const struct arg_spec *spec, struct arg *arg, const char *at)
{
    if (spec->kind != ARG_NAMED)
        return true;
    arg->kind = ARG_NAMED;
    arg->str = STR("");
    return remember_named(parse, spec, arg, at);
}

/* --- kinds ----------------------------------------------------------------------------------- */

static bool
set_addr(struct arg *arg, int family, struct error *err)
{
    if (addr_parse_host(arg->str, &arg->addr) && arg->addr.family == family)
        return true;
    return error_set(err, "it is not an IPv%d address", family == ADDR_IPV4 ? 4 : 6);
}

/* As many bits as said, or an address whose set bits count. */
static bool
set_mask(struct arg *arg, int family, struct error *err)
{
    int max = family == ADDR_IPV4 ? 32 : 128;
    uint8_t *bytes;

    if (number_parse_int(arg->str, 0, max, &arg->num, NULL)) {
        bytes = family == ADDR_IPV4 ? (uint8_t *)&arg->addr.ip4 : arg->addr.ip6.s6_addr;
        arg->addr.family = (uint8_t)family;
        for (int64_t bit = 0; bit < arg->num; bit++)
            bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
        return true;
    }
    arg->num = -1;
    return set_addr(arg, family, NULL) ||
           error_set(err, "it is not a mask of 0 to %d bits, nor an address", max);
}

static bool
set_variable(struct parse *parse, struct arg *arg, struct error *err)
{
    struct variable_name *name = ARENA_NEW(parse->arena, struct variable_name);

    arg->ptr = name;
    return variable_name_parse(arg->str, name, err);
}

static bool
set_int_or_variable(struct parse *parse, struct arg *arg, struct error *err)
{
    if (number_parse_int(arg->str, INT64_MIN, INT64_MAX, &arg->num, NULL))
        return true;
    return set_variable(parse, arg, NULL) ||
           error_set(err, "a number or the name of a variable (txn.name) should stand here");
}

static bool
set(struct parse *parse, enum arg_kind kind, struct arg *arg, struct error *err)
{
    switch (kind) {
    case ARG_STR:
    case ARG_END:
    case ARG_NAMED:
        return true;
    case ARG_INT:
        return number_parse_int(arg->str, INT64_MIN, INT64_MAX, &arg->num, err);
    case ARG_SIZE:
        return number_parse_size(arg->str, (uint64_t *)&arg->num, err);
    case ARG_TIME_MS:
        return number_parse_time(arg->str, "ms", &arg->num, err);
    case ARG_IP4:
        return set_addr(arg, ADDR_IPV4, err);
    case ARG_IP6:
        return set_addr(arg, ADDR_IPV6, err);
    case ARG_MASK4:
        return set_mask(arg, ADDR_IPV4, err);
    case ARG_MASK6:
        return set_mask(arg, ADDR_IPV6, err);
    case ARG_REGEX:
        arg->ptr = regex_conf_compile(parse, arg->str, REGEX_CASE, err);
        return arg->ptr != NULL;
    case ARG_VARIABLE:
        return set_variable(parse, arg, err);
    case ARG_STR_OR_VAR:
        if (variable_name_parse(arg->str, &(struct variable_name){ 0 }, NULL))
            return set_variable(parse, arg, err);
        return true;
    case ARG_INT_OR_VAR:
        return set_int_or_variable(parse, arg, err);
    }
    return true;
}

bool
expr_arg_set_value(struct parse *parse, const struct arg_spec *spec, struct arg *arg,
                   struct error *err)
{
    arg->kind = spec->kind;
    return set(parse, (enum arg_kind)spec->kind, arg, err);
}

bool
expr_arg_set(struct parse *parse, const struct arg_spec *spec, struct arg *arg, const char *text,
             const char *at)
{
    struct error err = ERROR_INIT;

    arg->kind = spec->kind;
    arg->str = str_from(text);
    if (spec->kind == ARG_NAMED)
        return remember_named(parse, spec, arg, at);
    return set(parse, (enum arg_kind)spec->kind, arg, &err) ||
           expr_alert(parse, at, "argument '%s': %s", text, err.text);
}

/* --- what it is worth now ---------------------------------------------------------------------- */

bool
arg_find_int(const struct arg *arg, struct eval *eval, int64_t *out)
{
    struct value value = { .type = VALUE_NONE };

    *out = arg->num;
    if (arg->ptr == NULL)
        return true;
    if (!variable_find(eval, arg->ptr, &value) || !value_cast(&value, VALUE_INT, eval->arena))
        return false;
    *out = value.num;
    return true;
}

bool
arg_find_str(const struct arg *arg, struct eval *eval, struct str *out)
{
    struct value value = { .type = VALUE_NONE };

    *out = arg->str;
    if (arg->ptr == NULL)
        return true;
    if (!variable_find(eval, arg->ptr, &value))
        return false;
    if (!value_has_bytes(&value) && !value_cast(&value, VALUE_STR, eval->arena))
        return false;
    *out = value.str;
    return true;
}
