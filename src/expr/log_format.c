/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Format strings are run: literals, aliases and expressions, one after the other.
 *
 * For:     log lines, header values, bodies, names of backends, variables.
 * Thread:  traffic; without allocation when it writes into a caller's buffer.
 */
#include "weir/expr/log_format.h"

#include <string.h>

#include "private.h"

#include "weir/base/number.h"

#define RESULT_MAX 16384             /* bytes of a format's result on the stack */
#define LARGE_MAX  ((size_t)1 << 20) /* and at all, in a rule */
#define CLOSE_ROOM 32                /* what ends an object */

/* --- plain ------------------------------------------------------------------ */

static enum fetched
fetch_typed(const struct format_node *node, struct eval *eval, struct value *value)
{
    static const enum value_type types[] = { [NODE_AUTO] = VALUE_STR,
                                             [NODE_STR] = VALUE_STR,
                                             [NODE_INT] = VALUE_INT,
                                             [NODE_BOOL] = VALUE_BOOL,
                                             [NODE_RAW] = VALUE_STR };
    enum fetched fetched = sample_run_as(node->sample, eval, types[node->type], value);

    if (fetched == FETCH_OK && !value_cast(value, VALUE_STR, eval->arena))
        return FETCH_NONE;
    return fetched;
}

static void
run_sample(const struct format_node *node, struct eval *eval, struct format_out *out)
{
    unsigned flags = node->flags;
    struct value value;

    if (flags & FORMAT_BINARY)
        flags &= ~(unsigned)(FORMAT_IS_LOG | FORMAT_IS_HEADER | FORMAT_ESCAPE);
    if (fetch_typed(node, eval, &value) == FETCH_OK)
        format_str(out, value.str, flags);
    else
        format_str(out, STR_NONE, flags);
}

/* A blank is left out at the beginning of a line, and where the one before it stands alone because
 * a silent alias has printed nothing. */
static void
run_text(const struct format_node *node, bool *is_blank, struct format_out *out)
{
    struct str text = node->text;

    if ((node->flags & FORMAT_IS_LOG) && text.ptr[0] == ' ' && *is_blank)
        text = str_slice(text, 1, text.len);
    format_raw(out, text.ptr, text.len);
    *is_blank = node->text.ptr[node->text.len - 1] == ' ';
}

/* --- encoded ---------------------------------------------------------------- */

static bool
is_true(struct str text)
{
    int64_t n;

    return str_eq(text, STR("true")) ||
           (number_parse_int(text, INT64_MIN, INT64_MAX, &n, NULL) && n != 0);
}

/* The text of an alias as a value of its type. What still grows ("+12") is a number too. */
static void
encode_text(const struct format_node *node, struct str text, struct format_out *out)
{
    bool is_number = (node->alias->traits & ALIAS_NUMBER) && (node->flags & FORMAT_HEX) == 0;
    enum node_type type = node->type != NODE_AUTO ? node->type : is_number ? NODE_INT : NODE_STR;
    int64_t n;

    if (text.len == 0) {
        format_encode_null(out, node->flags);
    } else if (type == NODE_BOOL) {
        format_encode_bool(out, is_true(text), node->flags);
    } else if (type == NODE_INT) {
        if (text.ptr[0] == '+')
            text = str_slice(text, 1, text.len);
        if (number_parse_int(text, INT64_MIN, INT64_MAX, &n, NULL) &&
            (n >= 0 || (node->flags & FORMAT_NULL) == 0))
            format_encode_int(out, n, node->flags);
        else
            format_encode_null(out, node->flags);
    } else {
        format_encode_str(out, text, false, node->flags);
    }
}

static void
run_alias(const struct log_alias *alias, struct eval *eval, unsigned flags, struct format_out *out)
{
    if (eval->session == NULL && (alias->traits & ALIAS_ANYWHERE) == 0)
        format_str(out, STR_NONE, flags);
    else
        alias->run(eval, alias, flags, out);
}

static __attribute__((noinline)) void
encode_alias(const struct format_node *node, struct eval *eval, struct format_out *out)
{
    bool is_list = (node->alias->traits & ALIAS_LIST) != 0 && node->type == NODE_AUTO;
    unsigned flags = (node->flags & (FORMAT_HEX | FORMAT_NULL)) | (is_list ? FORMAT_LIST : 0);
    char room[RESULT_MAX];
    struct format_out text = { room, room + sizeof(room), false };

    run_alias(node->alias, eval, flags, &text);
    if (is_list && text.pos != room)
        format_encode_list(out, str_of(room, (size_t)(text.pos - room)), node->flags);
    else
        encode_text(node, str_of(room, (size_t)(text.pos - room)), out);
    out->is_cut |= text.is_cut;
}

/* A value as its own type would have it, or the one that was written. */
static void
encode_value(const struct format_node *node, struct eval *eval, struct value *value,
             struct format_out *out)
{
    bool is_binary = value->type == VALUE_BIN;
    enum value_type type = value->type;

    if (node->type == NODE_BOOL)
        type = VALUE_BOOL;
    else if (node->type == NODE_INT)
        type = VALUE_INT;
    else if (node->type != NODE_AUTO || (type != VALUE_BOOL && type != VALUE_INT))
        type = VALUE_STR;
    if (!value_cast(value, type, eval->arena))
        format_encode_null(out, node->flags);
    else if (type == VALUE_BOOL)
        format_encode_bool(out, value->num != 0, node->flags);
    else if (type == VALUE_INT)
        format_encode_int(out, value->num, node->flags);
    else
        format_encode_str(out, value->str, is_binary, node->flags);
}

static void
encode_sample(const struct format_node *node, struct eval *eval, struct format_out *out)
{
    struct value value = { .cursor = VALUE_SINGLE };

    if (sample_run(node->sample, eval, &value) == FETCH_OK)
        encode_value(node, eval, &value, out);
    else
        format_encode_null(out, node->flags);
}

static void
encode_node(const struct format_node *node, struct eval *eval, struct format_out *out)
{
    if (node->kind == NODE_ALIAS)
        encode_alias(node, eval, out);
    else
        encode_sample(node, eval, out);
}

/* Members that do not fit are taken back, but for strings, which are cut. */
static void
encode_object(const struct log_format *format, struct eval *eval, struct format_out *out)
{
    struct format_out inner = { out->pos, out->end - CLOSE_ROOM, false };
    unsigned flags = format->encoding;
    bool is_first = true;

    if (out->end - out->pos < 2 * CLOSE_ROOM) {
        out->is_cut = true;
        return;
    }
    format_encode_open(&inner, flags);
    for (unsigned i = 0; i < format->count; i++) {
        struct format_out member = { inner.pos, inner.end, false };

        format_encode_key(&member, format->nodes[i].name, is_first, flags);
        if (!member.is_cut && member.end - member.pos > 8)
            encode_node(&format->nodes[i], eval, &member);
        else
            member.is_cut = true;
        inner.is_cut |= member.is_cut;
        if (member.is_cut && ((flags & FORMAT_CBOR) || strchr("\"]", member.pos[-1]) == NULL))
            continue;
        inner.pos = member.pos;
        is_first = false;
    }
    inner.end = out->end;
    if (inner.is_cut && (flags & FORMAT_JSON))
        format_raw(&inner, ", \"truncated\": true", is_first ? 0 : 19);
    format_encode_close(&inner, flags);
    out->pos = inner.pos;
    out->is_cut |= inner.is_cut;
}

/* --- whole formats ----------------------------------------------------------- */

static void
run_item(const struct format_node *node, struct eval *eval, bool *is_blank, struct format_out *out)
{
    const char *begin = out->pos;

    if (node->flags & (FORMAT_JSON | FORMAT_CBOR))
        encode_node(node, eval, out);
    else if (node->kind == NODE_ALIAS)
        run_alias(node->alias, eval, node->flags, out);
    else
        run_sample(node, eval, out);
    if (out->pos != begin || node->kind != NODE_ALIAS || (node->alias->traits & ALIAS_SILENT) == 0)
        *is_blank = false;
}

void
log_format_run(const struct log_format *format, struct eval *eval, struct format_out *out)
{
    bool is_blank = true;

    if (format->encoding != 0) {
        encode_object(format, eval, out);
        return;
    }
    for (unsigned i = 0; i < format->count; i++) {
        const struct format_node *node = &format->nodes[i];

        if (node->kind == NODE_TEXT)
            run_text(node, &is_blank, out);
        else
            run_item(node, eval, &is_blank, out);
    }
}

/* For the few results that are larger than the stack should hold. */
static struct str
run_large(const struct log_format *format, struct eval *eval)
{
    for (size_t size = 4 * RESULT_MAX; size <= LARGE_MAX; size *= 4) {
        char *room = arena_take(eval->arena, size);
        struct format_out out = { room, room + size, false };

        if (room == NULL)
            return STR_NONE;
        log_format_run(format, eval, &out);
        if (!out.is_cut || size == LARGE_MAX)
            return str_of(room, (size_t)(out.pos - room));
    }
    return STR_NONE;
}

/* Written on the stack first, because an expression may take from the arena meanwhile. */
static struct str
run_small(const struct log_format *format, struct eval *eval)
{
    char room[RESULT_MAX], *copy;
    struct format_out out = { room, room + sizeof(room), false };
    size_t len;

    log_format_run(format, eval, &out);
    if (out.is_cut)
        return run_large(format, eval);
    len = (size_t)(out.pos - room);
    copy = arena_take(eval->arena, len + 1);
    if (copy == NULL)
        return STR_NONE;
    memcpy(copy, room, len);
    return str_of(copy, len);
}

struct str
log_format_to_str(const struct log_format *format, struct eval *eval)
{
    if (format->count == 0 && format->encoding == 0)
        return STR("");
    if (format->count == 1 && format->nodes[0].kind == NODE_TEXT)
        return format->nodes[0].text;
    return run_small(format, eval);
}
