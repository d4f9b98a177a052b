/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Format strings are compiled to an array of literals, aliases and expressions.
 *
 * For:     log_format.c, which runs them.
 * Thread:  builder.
 *
 *     %%                   a percent sign
 *     %ci %{+Q}r           an alias, with flags for it alone
 *     %[expr] %{+X}[expr]  an expression
 *     %{+Q}o               flags for all that follow
 *     %(name:type)ci       a named item: the name serves encoded output
 *     %{+json}o            one object of all named items; nothing else is printed
 */
#include "weir/expr/log_format.h"

#include <ctype.h>
#include <string.h>

#include "private.h"

/* --- compiling: nodes ----------------------------------------------------- */

struct compiler {
    struct parse *parse;
    struct log_format *format;
    const char *pos; /* what is read next */
    unsigned place;
    unsigned flags; /* of all that follow */
    bool has_items; /* besides blanks */
};

static struct format_node *
add_node(struct compiler *c)
{
    struct log_format *format = c->format;

    if (format->count == format->cap) {
        unsigned cap = format->cap == 0 ? 4 : format->cap * 2;
        struct format_node *nodes = ARENA_ARRAY(c->parse->arena, struct format_node, cap);

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
    struct format_node *last = format->count == 0 ? NULL : &format->nodes[format->count - 1];
    struct str before = last != NULL && last->kind == NODE_TEXT ? last->text : STR("");
    char *copy;
    size_t len;

    if (text.len == 0 || format->encoding != 0)
        return;
    c->has_items |= str_trim(text).len > 0;
    copy = arena_zero(c->parse->arena, before.len + text.len + 1);
    len = copy_text(copy, 0, before, false);
    len = copy_text(copy, len, text, (c->flags & FORMAT_IS_LOG) != 0);
    if (before.len == 0)
        last = add_node(c);
    *last = (struct format_node){ .kind = NODE_TEXT, .flags = c->flags, .text = str_of(copy, len) };
}

/* --- compiling: items ----------------------------------------------------- */

static const struct {
    const char *word;
    unsigned bit;
} format_flags[] = {
    { "Q", FORMAT_QUOTE },     { "X", FORMAT_HEX },     { "E", FORMAT_ESCAPE },
    { "M", FORMAT_MANDATORY }, { "json", FORMAT_JSON }, { "cbor", FORMAT_CBOR },
    { "bin", FORMAT_BINARY },
};

static unsigned
find_flag(struct str word)
{
    for (size_t i = 0; i < COUNT(format_flags); i++) {
        if (str_eq(str_from(format_flags[i].word), word))
            return format_flags[i].bit;
    }
    return 0;
}

/* The letters and words behind a sign. Letters may stand together: "+QE". */
static bool
read_flag_word(struct compiler *c, bool is_added, unsigned *flags)
{
    struct str word = str_of(c->pos, strcspn(c->pos, "+-, }"));
    unsigned bits = find_flag(word);

    for (size_t i = 0; bits == 0 && i < word.len; i++) {
        unsigned bit = find_flag(str_slice(word, i, 1));

        if (bit == 0)
            return expr_alert(c->parse, c->pos,
                              "unknown flag '%.*s'; known are Q, X, E, M, json, cbor and bin",
                              STR_ARG(word));
        *flags = is_added ? *flags | bit : *flags & ~bit;
    }
    *flags = is_added ? *flags | bits : *flags & ~bits;
    if ((*flags & FORMAT_JSON) && (*flags & FORMAT_CBOR))
        return expr_alert(c->parse, c->pos, "json and cbor exclude each other");
    c->pos += word.len;
    return true;
}

/* "{+Q,-X}" */
static bool
read_flags(struct compiler *c, unsigned *flags)
{
    const char *open = c->pos;
    bool is_added = true;

    for (c->pos++; *c->pos != '}';) {
        if (*c->pos == '\0')
            return expr_alert(c->parse, open, "this brace of the format is not closed");
        if (*c->pos == '+' || *c->pos == '-')
            is_added = *c->pos == '+';
        if (strchr("+-, ", *c->pos) != NULL)
            c->pos++;
        else if (!read_flag_word(c, is_added, flags))
            return false;
    }
    c->pos++;
    return true;
}

static bool
read_type(struct compiler *c, struct str word, enum node_type *type)
{
    static const char *const words[] = { "str", "sint", "bool", "raw", NULL };
    static const enum node_type types[] = { NODE_STR, NODE_INT, NODE_BOOL, NODE_RAW };

    for (unsigned i = 0; words[i] != NULL; i++) {
        if (str_eq(str_from(words[i]), word)) {
            *type = types[i];
            return true;
        }
    }
    return expr_alert(c->parse, word.ptr, "unknown type '%.*s'%s", STR_ARG(word),
                      expr_suggest(c->parse, word, words));
}

/* "(name)" or "(name:type)" */
static bool
read_name(struct compiler *c, struct format_node *node)
{
    struct str word = str_of(c->pos + 1, strcspn(c->pos + 1, ")"));
    long colon = str_find_char(word, ':');

    if (word.ptr[word.len] != ')')
        return expr_alert(c->parse, c->pos, "this parenthesis of the format is not closed");
    node->name = colon < 0 ? word : str_slice(word, 0, (size_t)colon);
    c->pos = word.ptr + word.len + 1;
    if (node->name.len == 0)
        node->name = STR_NONE;
    return colon < 0 || read_type(c, str_slice(word, (size_t)colon + 1, word.len), &node->type);
}

/* In an encoded object only named items appear. */
static void
add_item(struct compiler *c, struct format_node node)
{
    c->has_items = true;
    node.flags |= c->format->encoding;
    if (c->format->encoding == 0 || node.name.ptr != NULL)
        *add_node(c) = node;
}

/* In mode http an old habit is to leave blanks inside the brackets. */
static bool
read_expression(struct compiler *c, struct format_node node)
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
    node.kind = NODE_SAMPLE;
    node.sample = sample;
    add_item(c, node);
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

/* "%{+Q}o" */
static bool
set_flags(struct compiler *c, unsigned flags)
{
    unsigned encoding = flags & (FORMAT_JSON | FORMAT_CBOR);

    if (encoding != 0 && c->format->encoding == 0) {
        if (c->has_items)
            return expr_alert(c->parse, c->pos,
                              "the encoding of the whole must be set before its first item");
        c->format->count = 0; /* blanks */
        c->format->encoding = encoding | (flags & FORMAT_BINARY);
    }
    c->flags = flags;
    c->pos++;
    return true;
}

static bool
read_alias(struct compiler *c, struct format_node node)
{
    struct str name = str_of(c->pos, 0);
    const struct log_alias *alias;

    while (isalnum((unsigned char)c->pos[name.len]))
        name.len++;
    if (str_eq(name, STR("o"))) /* prints nothing: flags for what follows */
        return set_flags(c, node.flags);
    alias = find_alias(name);
    if (alias == NULL)
        return refuse_alias(c, name);
    node.kind = NODE_ALIAS;
    node.alias = alias;
    add_item(c, node);
    c->pos += name.len;
    return true;
}

/* Behind a percent sign. */
static bool
read_item(struct compiler *c)
{
    struct format_node node = { .flags = c->flags };

    if (*c->pos == '%') {
        add_text(c, str_of(c->pos++, 1));
        return true;
    }
    if (*c->pos == '(' && !read_name(c, &node))
        return false;
    if (*c->pos == '{' && !read_flags(c, &node.flags))
        return false;
    return *c->pos == '[' ? read_expression(c, node) : read_alias(c, node);
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
            expr_alert(parse, c.pos - 1,
                       "something should follow this percent sign (the sign "
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
        return format->encoding == 0 ? "" : NULL;
    return format->count == 1 && format->nodes[0].kind == NODE_TEXT ? format->nodes[0].text.ptr
                                                                    : NULL;
}

const char *
log_format_http_alias(const struct log_format *format)
{
    for (unsigned i = 0; i < format->count; i++) {
        const struct log_alias *alias = format->nodes[i].alias;

        if (alias != NULL && (alias->traits & ALIAS_HTTP) != 0)
            return alias->name;
    }
    return NULL;
}

bool
log_format_is_json(const struct log_format *format)
{
    return (format->encoding & FORMAT_JSON) != 0;
}
