/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters of the Forwarded field (RFC 7239): is it right, its parameters, and the nodes in it.
 *
 * Thread: traffic, inside an expression.
 *
 *     Forwarded: for=192.0.2.1;proto=https, for="[2001:db8::1]:4711"
 *                ^ element                  ^ element; each has parameters, a node may have a port
 */
#include <string.h>

#include "weir/base/number.h"
#include "weir/os/addr.h"
#include "private.h"

enum parameter { PARAMETER_PROTO, PARAMETER_HOST, PARAMETER_FOR, PARAMETER_BY, PARAMETERS };

static const char *const parameter_names[PARAMETERS] = { "proto", "host", "for", "by" };

/* --- nodes ------------------------------------------------------------------------------------ */

static bool
is_obfuscated(struct str s)
{
    if (s.len < 2 || s.ptr[0] != '_')
        return false;
    for (size_t i = 1; i < s.len; i++) {
        char c = s.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-'))
            return false;
    }
    return true;
}

struct node {
    struct str name, port; /* port.ptr NULL: none */
    struct addr addr;      /* ADDR_NONE: the name is "unknown" or obfuscated */
};

static bool
is_port(struct str port)
{
    uint64_t n;

    return is_obfuscated(port) ||
           (port.len > 0 && port.len <= 5 && number_read_digits(port, &n) && n <= 65535);
}

static bool
split_node(struct str text, struct node *node)
{
    long end = text.len > 0 && text.ptr[0] == '[' ? str_find_char(text, ']') : -1, colon;

    node->port = STR_NONE;
    if (end > 0) {
        node->name = str_slice(text, 1, (size_t)end - 1);
        text = str_slice(text, (size_t)end + 1, text.len);
        if (text.len > 0 && text.ptr[0] != ':')
            return false;
        node->port = text.len > 0 ? str_slice(text, 1, text.len) : STR_NONE;
        return true;
    }
    colon = str_find_char(text, ':');
    node->name = colon < 0 ? text : str_slice(text, 0, (size_t)colon);
    if (colon >= 0)
        node->port = str_slice(text, (size_t)colon + 1, text.len);
    return true;
}

static bool
read_node(struct str text, struct node *node)
{
    bool is_bracketed = text.len > 0 && text.ptr[0] == '[';

    memset(&node->addr, 0, sizeof(node->addr));
    if (!split_node(text, node) || (node->port.ptr != NULL && !is_port(node->port)))
        return false;
    if (addr_parse_host(node->name, &node->addr))
        return (node->addr.family == ADDR_IPV6) == is_bracketed;
    return !is_bracketed &&
           (str_eq_nocase(node->name, STR("unknown")) || is_obfuscated(node->name));
}

/* --- the field -------------------------------------------------------------------------------- */

static bool
is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* A token, or what stands between quotes (escapes stay). */
static bool
read_value(struct str *rest, struct str *value)
{
    size_t len = 0;

    if (rest->len > 0 && rest->ptr[0] == '"') {
        for (len = 1; len < rest->len && rest->ptr[len] != '"'; len++)
            len += rest->ptr[len] == '\\';
        if (len >= rest->len)
            return false;
        *value = str_slice(*rest, 1, len - 1);
        *rest = str_slice(*rest, len + 1, rest->len);
        return true;
    }
    while (len < rest->len && is_token_char(rest->ptr[len]))
        len++;
    *value = str_slice(*rest, 0, len);
    *rest = str_slice(*rest, len, rest->len);
    return len > 0;
}

static bool
is_good_value(int which, struct str value)
{
    struct node node;

    if (which == PARAMETER_FOR || which == PARAMETER_BY)
        return read_node(value, &node);
    return value.len > 0;
}

/* "name=value"; *which: PARAMETERS for one of others. */
static bool
read_parameter(struct str *rest, int *which, struct str *value)
{
    size_t len = 0;

    while (len < rest->len && is_token_char(rest->ptr[len]))
        len++;
    if (len == 0 || len == rest->len || rest->ptr[len] != '=')
        return false;
    for (*which = 0; *which < PARAMETERS; ++*which) {
        if (str_eq_nocase(str_slice(*rest, 0, len), str_from(parameter_names[*which])))
            break;
    }
    *rest = str_slice(*rest, len + 1, rest->len);
    return read_value(rest, value) && is_good_value(*which, *value);
}

/* Calls for each parameter; the first `wanted` one goes to *found. False: it is no such field. */
static bool
read_field(struct str text, int wanted, struct str *found)
{
    unsigned seen = 0;

    *found = STR_NONE;
    for (;;) {
        struct str value;
        int which;

        text = str_trim(text);
        if (!read_parameter(&text, &which, &value))
            return false;
        if (which < PARAMETERS && (seen & (1u << which)) != 0)
            return false; /* twice in an element */
        seen |= 1u << which;
        if (which == wanted && found->ptr == NULL)
            *found = value;
        text = str_trim(text);
        if (text.len == 0)
            return true;
        if (text.ptr[0] == ',')
            seen = 0;
        else if (text.ptr[0] != ';')
            return false;
        text = str_slice(text, 1, text.len);
    }
}

static bool
run_is_valid(struct eval *eval, const struct converter *conv, const struct arg *args,
             struct value *value)
{
    struct str found;

    (void)eval;
    (void)conv;
    (void)args;
    value_set_bool(value, read_field(value->str, PARAMETERS, &found));
    return true;
}

static bool
run_field(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    struct str found;

    (void)eval;
    (void)conv;
    if (!read_field(value->str, (int)args[0].num, &found) || found.ptr == NULL)
        return false;
    value_set_str(value, found);
    return true;
}

static bool
check_field(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    (void)count;
    for (int i = 0; i < PARAMETERS; i++) {
        args[0].num = i;
        if (str_eq(args[0].str, str_from(parameter_names[i])))
            return true;
    }
    return error_set(err, "the parameter is proto, host, for or by, not '%s'", args[0].str.ptr);
}

/* --- from nodes ------------------------------------------------------------------------------- */

static bool
run_node_name(struct eval *eval, const struct converter *conv, const struct arg *args,
              struct value *value)
{
    struct node node;

    (void)eval;
    (void)conv;
    (void)args;
    if (!read_node(value->str, &node))
        return false;
    if (node.addr.family == ADDR_NONE)
        value_set_str(value, node.name);
    else
        value_set_addr(value, &node.addr);
    return true;
}

static bool
run_node_port(struct eval *eval, const struct converter *conv, const struct arg *args,
              struct value *value)
{
    struct node node;
    uint64_t n;

    (void)eval;
    (void)conv;
    (void)args;
    if (!read_node(value->str, &node) || node.port.ptr == NULL)
        return false;
    if (number_read_digits(node.port, &n))
        value_set_int(value, (int64_t)n);
    else
        value_set_str(value, node.port);
    return true;
}

/* --- to nodes --------------------------------------------------------------------------------- */

/* "_" before what is no address; .private: 1 for ports. */
static bool
set_obfuscated(struct eval *eval, struct value *value)
{
    char *to = arena_take(eval->arena, value->str.len + 2);

    if (to == NULL)
        return false;
    to[0] = '_';
    memcpy(to + 1, value->str.ptr, value->str.len);
    value_set_str(value, str_of(to, value->str.len + 1));
    return is_obfuscated(value->str);
}

static bool
set_bracketed(struct eval *eval, struct value *value)
{
    char *to;

    if (!value_cast(value, VALUE_STR, eval->arena))
        return false;
    to = arena_take(eval->arena, value->str.len + 3);
    if (to == NULL)
        return false;
    to[0] = '[';
    memcpy(to + 1, value->str.ptr, value->str.len);
    to[value->str.len + 1] = ']';
    value_set_str(value, str_of(to, value->str.len + 2));
    return true;
}

static bool
run_make_name(struct eval *eval, const struct converter *conv, const struct arg *args,
              struct value *value)
{
    (void)conv;
    (void)args;
    if (value->type == VALUE_IP6)
        return set_bracketed(eval, value);
    if (value->type == VALUE_IP4)
        return value_cast(value, VALUE_STR, eval->arena);
    if (!value_cast(value, VALUE_STR, eval->arena))
        return false;
    if (value->str.len > 0)
        return set_obfuscated(eval, value);
    value_set_str(value, STR("unknown"));
    return true;
}

static bool
run_make_port(struct eval *eval, const struct converter *conv, const struct arg *args,
              struct value *value)
{
    (void)conv;
    (void)args;
    if (value->type == VALUE_INT)
        return value->num >= 0 && value->num <= 65535 && value_cast(value, VALUE_STR, eval->arena);
    return value_cast(value, VALUE_STR, eval->arena) && value->str.len > 0 &&
           set_obfuscated(eval, value);
}

static const struct converter converters[] = {
    { "rfc7239_is_valid", VALUE_STR, VALUE_BOOL, { { 0 } }, run_is_valid,
      .help = "Is it a right value of the Forwarded field?" },
    { "rfc7239_field", VALUE_STR, VALUE_STR, { { ARG_STR } }, run_field, 0, check_field,
      "The first proto, host, for or by of a Forwarded field." },
    { "rfc7239_n2nn", VALUE_STR, VALUE_ANY, { { 0 } }, run_node_name,
      .help = "The address, or the name, of a node (for, by)." },
    { "rfc7239_n2np", VALUE_STR, VALUE_ANY, { { 0 } }, run_node_port,
      .help = "The port of a node (for, by): a number or a name." },
    { "rfc7239_nn", VALUE_ANY, VALUE_STR, { { 0 } }, run_make_name,
      .help = "An address, or a word that stands for one, as the name of a node." },
    { "rfc7239_np", VALUE_ANY, VALUE_STR, { { 0 } }, run_make_port,
      .help = "A number, or a word that stands for one, as the port of a node." },
};
REGISTER(converter, converters);
