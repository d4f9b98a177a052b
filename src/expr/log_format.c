/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Format strings: compiled to an array of literals, aliases and expressions, then run.
 *
 * Thread: builder compiles; traffic runs, without allocation when it writes into a caller's buffer.
 *
 *     %% a percent sign      %ci %{+Q}r   an alias, with flags for it alone
 *     %[expr] %{+X}[expr]    an expression      %{+Q}o   flags for all that follow
 *     %(name)ci              a named item (the name serves encoded output; plain output ignores it)
 */
#include "weir/expr/log_format.h"

#include <ctype.h>
#include <string.h>

#include "weir/base/number.h"
#include "private.h"

#define RESULT_MAX 16384 /* bytes of a format's result in a rule */

enum node_kind { NODE_TEXT, NODE_ALIAS, NODE_SAMPLE };

struct node {
    enum node_kind kind;
    unsigned flags;
    struct str text;
    const struct log_alias *alias;
    const struct sample *sample;
};

struct log_format {
    struct node *nodes;
    unsigned count;
    unsigned cap;
};

/* --- output --------------------------------------------------------------------------- */

void
format_raw(struct format_out *out, const char *ptr, size_t len)
{
    if (len > (size_t)(out->end - out->pos)) {
        len = (size_t)(out->end - out->pos);
        out->is_cut = true;
    }
    memcpy(out->pos, ptr, len);
    out->pos += len;
}

void
format_char(struct format_out *out, char c)
{
    if (out->pos == out->end)
        out->is_cut = true;
    else
        *out->pos++ = c;
}

/* In log lines: what could break the line or its fields. In header values: what HTTP forbids. */
static bool
must_escape(unsigned char c, unsigned flags)
{
    if (flags & FORMAT_IS_LOG)
        return c < 32 || c > 126;
    if (flags & FORMAT_IS_HEADER)
        return (c < 32 && c != '\t') || c == 127;
    return false;
}

static void
format_hex(struct format_out *out, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";

    format_char(out, digits[c >> 4]);
    format_char(out, digits[c & 15]);
}

static void
format_escaped(struct format_out *out, unsigned char c, unsigned flags)
{
    if (must_escape(c, flags)) {
        format_char(out, flags & FORMAT_IS_LOG ? '#' : '%');
        format_hex(out, c);
        return;
    }
    if ((flags & FORMAT_ESCAPE) && (c == '"' || c == '\\' || c == ']'))
        format_char(out, '\\');
    else if ((flags & FORMAT_QUOTE) && (flags & FORMAT_IS_LOG) && c == '"') {
        format_char(out, '#');
        format_hex(out, c);
        return;
    }
    format_char(out, (char)c);
}

void
format_str(struct format_out *out, struct str s, unsigned flags)
{
    if (s.len == 0) {
        if (flags & FORMAT_QUOTE)
            format_raw(out, "\"\"", 2);
        else if (flags & FORMAT_MANDATORY)
            format_char(out, '-');
        return;
    }
    if (flags & FORMAT_QUOTE)
        format_char(out, '"');
    for (size_t i = 0; i < s.len && !out->is_cut; i++)
        format_escaped(out, (unsigned char)s.ptr[i], flags);
    if (flags & FORMAT_QUOTE)
        format_char(out, '"');
}

void
format_int(struct format_out *out, int64_t n, unsigned flags)
{
    char digits[24];
    size_t len =
        flags & FORMAT_HEX ? number_format_hex(digits, (uint64_t)n) : number_format_int(digits, n);

    if (flags & FORMAT_HEX) {
        for (size_t i = 0; i < len; i++)
            digits[i] = (char)toupper((unsigned char)digits[i]);
    }
    format_raw(out, digits, len);
}

/* --- compiling ------------------------------------------------------------------------------ */

static const struct log_alias *
find_alias(struct str name)
{
    FOR_EACH_REGISTERED (log_alias, alias, list) {
        if (str_eq(str_from(alias->name), name))
            return alias;
    }
    return NULL;
}

static struct node *
add_node(struct parse *parse, struct log_format *format)
{
    if (format->count == format->cap) {
        unsigned cap = format->cap == 0 ? 8 : format->cap * 2;
        struct node *nodes = ARENA_ARRAY(parse->arena, struct node, cap);

        if (format->count > 0)
            memcpy(nodes, format->nodes, format->count * sizeof(*nodes));
        format->nodes = nodes;
        format->cap = cap;
    }
    return &format->nodes[format->count++];
}

static void
add_text(struct parse *parse, struct log_format *format, struct str text, unsigned flags)
{
    if (text.len > 0)
        *add_node(parse, format) = (struct node){ .kind = NODE_TEXT, .flags = flags, .text = text };
}

/* "{+Q,-X}" */
static bool
read_flags(struct parse *parse, const char **text, unsigned *flags)
{
    const char *pos = *text + 1;
    bool is_added = true;

    for (; *pos != '}'; pos++) {
        unsigned bit = *pos == 'Q'   ? FORMAT_QUOTE
                       : *pos == 'M' ? FORMAT_MANDATORY
                       : *pos == 'X' ? FORMAT_HEX
                       : *pos == 'E' ? FORMAT_ESCAPE
                                     : 0;

        if (*pos == '\0')
            return parse_alert(parse, "the brace in the format is not closed at '%s'", *text);
        if (strncmp(pos, "json", 4) == 0 || strncmp(pos, "cbor", 4) == 0 ||
            strncmp(pos, "bin", 3) == 0)
            return parse_not_yet(parse, "an encoded log format");
        if (*pos == '+' || *pos == '-')
            is_added = *pos == '+';
        else if (bit != 0)
            *flags = is_added ? *flags | bit : *flags & ~bit;
        else if (*pos != ',' && *pos != ' ')
            return parse_alert(parse, "unknown flag '%c' in the format at '%s'", *pos, *text);
    }
    *text = pos + 1;
    return true;
}

static bool
read_expression(struct parse *parse, struct log_format *format, const char **text, unsigned place,
                unsigned flags)
{
    const char *end;
    struct sample *sample =
        sample_parse_text(parse, *text + 1 + strspn(*text + 1, " "), &end, place);

    if (sample == NULL)
        return false;
    end += strspn(end, " ");
    if (*end != ']')
        return parse_alert(parse, "the bracket of the expression '%s' is not closed", sample->text);
    *add_node(parse, format) =
        (struct node){ .kind = NODE_SAMPLE, .flags = flags, .sample = sample };
    *text = end + 1;
    return true;
}

static bool
read_alias(struct parse *parse, struct log_format *format, const char **text,
           unsigned *global_flags, unsigned flags)
{
    size_t len = strspn(*text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    const struct log_alias *alias = NULL;

    if (len == 1 && **text == 'o') { /* no output: flags for what follows */
        *global_flags = flags;
        (*text)++;
        return true;
    }
    for (; len > 0 && alias == NULL; len--)
        alias = find_alias(str_of(*text, len));
    if (alias == NULL)
        return parse_alert(parse, "unknown alias in the format at '%%%s'", *text);
    *add_node(parse, format) = (struct node){ .kind = NODE_ALIAS, .flags = flags, .alias = alias };
    *text += len + 1;
    return true;
}

/* Behind a percent sign. */
static bool
read_item(struct parse *parse, struct log_format *format, const char **text, unsigned place,
          unsigned *global_flags)
{
    unsigned flags = *global_flags;

    if (**text == '(') {
        const char *close = strchr(*text, ')');

        if (close == NULL)
            return parse_alert(parse, "the parenthesis in the format is not closed at '%s'", *text);
        *text = close + 1;
    }
    if (**text == '{' && !read_flags(parse, text, &flags))
        return false;
    if (**text == '[')
        return read_expression(parse, format, text, place, flags);
    return read_alias(parse, format, text, global_flags, flags);
}

struct log_format *
log_format_parse(struct parse *parse, const char *text, unsigned place, unsigned flags)
{
    struct log_format *format = ARENA_NEW(parse->arena, struct log_format);

    text = arena_copy(parse->arena, text);
    while (*text != '\0') {
        size_t len = strcspn(text, "%");

        add_text(parse, format, str_of(text, len), flags);
        text += len;
        if (*text == '\0')
            break;
        text++;
        if (*text == '%') {
            add_text(parse, format, str_of(text++, 1), flags);
        } else if (!read_item(parse, format, &text, place, &flags)) {
            return NULL;
        }
    }
    return format;
}

/* --- running
 * --------------------------------------------------------------------------------------- */

static void
run_sample(const struct node *node, struct eval *eval, struct format_out *out)
{
    struct value value;

    if (sample_run_as(node->sample, eval, VALUE_STR, &value) != FETCH_OK) {
        format_str(out, STR_NONE, node->flags);
        return;
    }
    if (!(node->flags & FORMAT_HEX)) {
        format_str(out, value.str, node->flags);
        return;
    }
    for (size_t i = 0; i < value.str.len; i++)
        format_hex(out, (unsigned char)value.str.ptr[i]);
}

/* In log lines blanks only separate: one is enough, also around items that say nothing, and none
 * stands at the beginning. */
static void
run_log_text(struct str text, const char *begin, struct format_out *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != ' ' || (out->pos > begin && out->pos[-1] != ' '))
            format_char(out, text.ptr[i]);
    }
}

void
log_format_run(const struct log_format *format, struct eval *eval, struct format_out *out)
{
    const char *begin = out->pos;

    for (unsigned i = 0; i < format->count; i++) {
        const struct node *node = &format->nodes[i];

        switch (node->kind) {
        case NODE_TEXT:
            if (node->flags & FORMAT_IS_LOG)
                run_log_text(node->text, begin, out);
            else
                format_raw(out, node->text.ptr, node->text.len);
            break;
        case NODE_ALIAS:
            node->alias->run(eval, node->alias, node->flags, out);
            break;
        case NODE_SAMPLE:
            run_sample(node, eval, out);
            break;
        }
    }
}

const char *
log_format_literal(const struct log_format *format)
{
    if (format->count == 0)
        return "";
    return format->count == 1 && format->nodes[0].kind == NODE_TEXT ? format->nodes[0].text.ptr
                                                                    : NULL;
}

struct str
log_format_to_str(const struct log_format *format, struct eval *eval)
{
    struct format_out out;
    char *begin;

    if (format->count == 0)
        return STR("");
    if (format->count == 1 && format->nodes[0].kind == NODE_TEXT)
        return format->nodes[0].text;
    /* Written on the stack first: an expression may take from the arena meanwhile. */
    char result[RESULT_MAX];

    out = (struct format_out){ .pos = result, .end = result + sizeof(result) };
    log_format_run(format, eval, &out);
    begin = arena_take(eval->arena, (size_t)(out.pos - result) + 1);
    if (begin == NULL)
        return STR_NONE;
    memcpy(begin, result, (size_t)(out.pos - result));
    return str_of(begin, (size_t)(out.pos - result));
}
