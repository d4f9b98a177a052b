/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Format strings: compiled to an array of literals, aliases and expressions, then run.
 *
 * For:     log lines, header values, bodies, names of backends, variables.
 * Thread:  builder compiles; traffic runs, without allocation when it writes into a caller's
 *          buffer.
 *
 *     %%                   a percent sign
 *     %ci %{+Q}r           an alias, with flags for it alone
 *     %[expr] %{+X}[expr]  an expression
 *     %{+Q}o               flags for all that follow
 *     %(name:type)ci       a named item: the name serves encoded output, plain output ignores it
 */
#include "weir/expr/log_format.h"

#include <ctype.h>
#include <string.h>

#include "private.h"

#define RESULT_MAX 16384                /* bytes of a format's result on the stack */
#define LARGE_MAX  ((size_t)1 << 20)    /* and at all, in a rule */

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

/* --- compiling: nodes ----------------------------------------------------- */

struct compiler {
    struct parse *parse;
    struct log_format *format;
    const char *pos; /* what is read next */
    unsigned place;
    unsigned flags; /* of all that follow */
};

static struct node *
add_node(struct compiler *c)
{
    struct log_format *format = c->format;

    if (format->count == format->cap) {
        unsigned cap = format->cap == 0 ? 4 : format->cap * 2;
        struct node *nodes = ARENA_ARRAY(c->parse->arena, struct node, cap);

        if (format->count > 0)
            memcpy(nodes, format->nodes, format->count * sizeof(*nodes));
        format->nodes = nodes;
        format->cap = cap;
    }
    return &format->nodes[format->count++];
}

/* In log lines blanks only separate: of several one is kept. */
static size_t
copy_text(char *to, size_t len, struct str text, bool is_log)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_log || text.ptr[i] != ' ' || len == 0 || to[len - 1] != ' ')
            to[len++] = text.ptr[i];
    }
    return len;
}

/* Text that follows text grows together with it. */
static void
add_text(struct compiler *c, struct str text)
{
    struct log_format *format = c->format;
    struct node *last = format->count == 0 ? NULL : &format->nodes[format->count - 1];
    struct str before = last != NULL && last->kind == NODE_TEXT ? last->text : STR("");
    char *copy;
    size_t len;

    if (text.len == 0)
        return;
    copy = arena_zero(c->parse->arena, before.len + text.len + 1);
    len = copy_text(copy, 0, before, false);
    len = copy_text(copy, len, text, (c->flags & FORMAT_IS_LOG) != 0);
    if (before.len == 0)
        last = add_node(c);
    *last = (struct node){ .kind = NODE_TEXT, .flags = c->flags, .text = str_of(copy, len) };
}

/* --- compiling: items ----------------------------------------------------- */

static unsigned
find_flag(char c)
{
    switch (c) {
    case 'Q':
        return FORMAT_QUOTE;
    case 'M':
        return FORMAT_MANDATORY;
    case 'X':
        return FORMAT_HEX;
    case 'E':
        return FORMAT_ESCAPE;
    default:
        return 0;
    }
}

/* "{+Q,-X}" */
static bool
read_flags(struct compiler *c, unsigned *flags)
{
    const char *open = c->pos;
    bool is_added = true;

    for (c->pos++; *c->pos != '}'; c->pos++) {
        unsigned bit = find_flag(*c->pos);

        if (*c->pos == '\0')
            return expr_alert(c->parse, open, "this brace of the format is not closed");
        if (strncmp(c->pos, "json", 4) == 0 || strncmp(c->pos, "cbor", 4) == 0 ||
            strncmp(c->pos, "bin", 3) == 0)
            return expr_alert(c->parse, c->pos, "encoded formats are not implemented yet");
        if (*c->pos == '+' || *c->pos == '-')
            is_added = *c->pos == '+';
        else if (bit != 0)
            *flags = is_added ? *flags | bit : *flags & ~bit;
        else if (*c->pos != ',' && *c->pos != ' ')
            return expr_alert(c->parse, c->pos, "unknown flag '%c'; known are Q, X, E and M",
                              *c->pos);
    }
    c->pos++;
    return true;
}

/* "(name)" or "(name:type)" */
static bool
read_name(struct compiler *c)
{
    static const char *const types[] = { "str", "sint", "bool", "raw", NULL };
    const char *close = strchr(c->pos, ')'), *colon;
    struct str type;

    if (close == NULL)
        return expr_alert(c->parse, c->pos, "this parenthesis of the format is not closed");
    colon = memchr(c->pos, ':', (size_t)(close - c->pos));
    type = colon == NULL ? STR("str") : str_of(colon + 1, (size_t)(close - colon - 1));
    c->pos = close + 1;
    for (unsigned i = 0; types[i] != NULL; i++) {
        if (str_eq(str_from(types[i]), type))
            return true;
    }
    return expr_alert(c->parse, colon + 1, "unknown type '%.*s'%s", STR_ARG(type),
                      expr_suggest(c->parse, type, types));
}

/* In mode http an old habit is to leave blanks inside the brackets. */
static bool
read_expression(struct compiler *c, unsigned flags)
{
    const char *open = c->pos, *end = open + 1 + strspn(open + 1, " ");
    struct sample *sample = sample_parse_text(c->parse, end, &end, c->place);

    if (sample == NULL)
        return false;
    end += strspn(end, " ");
    if (*end == '\0')
        return expr_alert(c->parse, open, "this bracket of the format is not closed");
    if (*end != ']')
        return expr_alert(c->parse, end, "']' should stand behind the expression, not '%c'", *end);
    *add_node(c) = (struct node){ .kind = NODE_SAMPLE, .flags = flags, .sample = sample };
    c->pos = end + 1;
    return true;
}

static const struct log_alias *
find_alias(struct str name)
{
    FOR_EACH_REGISTERED (log_alias, alias, list) {
        if (str_eq(str_from(alias->name), name))
            return alias;
    }
    return NULL;
}

static bool
refuse_alias(struct compiler *c, struct str name)
{
    const char *names[256];
    size_t count = 0;

    FOR_EACH_REGISTERED (log_alias, alias, list) {
        if (count < COUNT(names) - 1)
            names[count++] = alias->name;
    }
    names[count] = NULL;
    return expr_alert(c->parse, c->pos,
                      "unknown alias '%%%.*s'%s (a percent sign itself is written '%%%%')",
                      STR_ARG(name), expr_suggest(c->parse, name, names));
}

static bool
read_alias(struct compiler *c, unsigned flags)
{
    struct str name = str_of(c->pos, 0);
    const struct log_alias *alias;

    while (isalnum((unsigned char)c->pos[name.len]))
        name.len++;
    if (str_eq(name, STR("o"))) { /* prints nothing: flags for what follows */
        c->flags = flags;
        c->pos++;
        return true;
    }
    alias = find_alias(name);
    if (alias == NULL)
        return refuse_alias(c, name);
    *add_node(c) = (struct node){ .kind = NODE_ALIAS, .flags = flags, .alias = alias };
    c->pos += name.len;
    return true;
}

/* Behind a percent sign. */
static bool
read_item(struct compiler *c)
{
    unsigned flags = c->flags;

    if (*c->pos == '%') {
        add_text(c, str_of(c->pos++, 1));
        return true;
    }
    if (*c->pos == '(' && !read_name(c))
        return false;
    if (*c->pos == '{' && !read_flags(c, &flags))
        return false;
    return *c->pos == '[' ? read_expression(c, flags) : read_alias(c, flags);
}

/* --- compiling: the whole -------------------------------------------------- */

/* A text that is not the word in hand might not live as long as the format. */
static const char *
lasting(struct parse *parse, const char *text)
{
    const struct words *words = parse->words;

    if (words != NULL && words->at > 0 && words->at <= words->count &&
        words->items[words->at - 1].text == text)
        return text;
    return arena_copy(parse->arena, text);
}

struct log_format *
log_format_parse(struct parse *parse, const char *text, unsigned place, unsigned flags)
{
    struct compiler c = { .parse = parse,
                          .format = ARENA_NEW(parse->arena, struct log_format),
                          .pos = lasting(parse, text),
                          .place = place,
                          .flags = flags };

    while (*c.pos != '\0') {
        size_t len = strcspn(c.pos, "%");

        add_text(&c, str_of(c.pos, len));
        c.pos += len;
        if (*c.pos == '%' && *++c.pos == '\0') {
            expr_alert(parse, c.pos - 1, "something should follow this percent sign (the sign "
                                         "itself is written '%%%%')");
            return NULL;
        }
        if (*c.pos != '\0' && !read_item(&c))
            return NULL;
    }
    return c.format;
}

const char *
log_format_literal(const struct log_format *format)
{
    if (format->count == 0)
        return "";
    return format->count == 1 && format->nodes[0].kind == NODE_TEXT ? format->nodes[0].text.ptr
                                                                    : NULL;
}

/* --- running --------------------------------------------------------------- */

static void
run_sample(const struct node *node, struct eval *eval, struct format_out *out)
{
    struct value value;

    if (sample_run_as(node->sample, eval, VALUE_STR, &value) == FETCH_OK)
        format_str(out, value.str, node->flags);
    else
        format_str(out, STR_NONE, node->flags);
}

/* A separator is left out at the beginning of a line, and behind another one: items between them
 * may have said nothing. */
static void
run_text(const struct node *node, const char *begin, struct format_out *out)
{
    struct str text = node->text;

    if ((node->flags & FORMAT_IS_LOG) && text.ptr[0] == ' ' &&
        (out->pos == begin || out->pos[-1] == ' '))
        text = str_slice(text, 1, text.len);
    format_raw(out, text.ptr, text.len);
}

void
log_format_run(const struct log_format *format, struct eval *eval, struct format_out *out)
{
    const char *begin = out->pos;

    for (unsigned i = 0; i < format->count; i++) {
        const struct node *node = &format->nodes[i];

        switch (node->kind) {
        case NODE_TEXT:
            run_text(node, begin, out);
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
    if (format->count == 0)
        return STR("");
    if (format->count == 1 && format->nodes[0].kind == NODE_TEXT)
        return format->nodes[0].text;
    return run_small(format, eval);
}
