/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the configuration becomes words: quotes, escapes, comments, variables.
 *
 * Callers: parser.c. Thread: builder.
 *
 *     blank  -> ends a word               #      -> a comment begins
 *     '...'  -> taken as it is            "..."  -> escapes and variables
 *     \c     -> the character itself; \n \r \t \xHH as usual
 *     "${NAME}" "$NAME" "${NAME-default}" "${NAME[*]}" (one word for each word of its value)
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/encode.h"
#include "private.h"

struct splitter {
    struct parse *parse;
    const char *line;
    const char *pos;
    struct text word;
    bool has_word; /* something was read, perhaps empty quotes */
    bool is_quoted;
    bool is_array; /* an empty expansion of [*] gives no word */
    unsigned column;
    unsigned cap;
};

static bool
complain(struct splitter *s, const char *at, const char *what)
{
    diag_add(s->parse->diag, DIAG_ALERT, s->parse->words->pos, s->line,
             (unsigned)(at - s->line) + 1, "%s", what);
    return false;
}

static void
begin_word(struct splitter *s)
{
    if (s->has_word)
        return;
    s->has_word = true;
    s->column = (unsigned)(s->pos - s->line) + 1;
}

static bool
end_word(struct splitter *s)
{
    struct words *words = s->parse->words;

    if (!s->has_word)
        return true;
    if (s->word.len == 0 && !s->is_array)
        return complain(s, s->line + s->column - 1,
                        "an empty argument; is a variable between the quotes not set?");
    if (s->word.len > 0) {
        if (words->count == s->cap) {
            struct word *items = ARENA_ARRAY(s->parse->arena, struct word, s->cap * 2);

            memcpy(items, words->items, words->count * sizeof(*items));
            words->items = items;
            s->cap *= 2;
        }
        words->items[words->count++] = (struct word){
            .text = arena_copy_str(s->parse->arena, text_str(&s->word)),
            .column = s->column,
            .quoted = s->is_quoted,
        };
    }
    text_clear(&s->word);
    s->has_word = s->is_quoted = s->is_array = false;
    return true;
}

/* Behind a backslash. */
static bool
read_escape(struct splitter *s)
{
    char c = s->pos[1];

    begin_word(s);
    if (c == '\0')
        return complain(s, s->pos, "nothing follows the backslash");
    s->pos += 2;
    switch (c) {
    case 'n':
        text_add_char(&s->word, '\n');
        return true;
    case 'r':
        text_add_char(&s->word, '\r');
        return true;
    case 't':
        text_add_char(&s->word, '\t');
        return true;
    case 'x': {
        int high = hex_digit(s->pos[0]);
        int low = high < 0 ? -1 : hex_digit(s->pos[1]);

        if (low < 0)
            return complain(s, s->pos, "\\x needs two hexadecimal digits");
        text_add_char(&s->word, (char)(high * 16 + low));
        s->pos += 2;
        return true;
    }
    case ' ':
    case '#':
    case '\\':
    case '"':
    case '\'':
    case '$':
        text_add_char(&s->word, c);
        return true;
    default:
        /* Unknown: both characters stay, as regular expressions need. */
        text_add_char(&s->word, '\\');
        text_add_char(&s->word, c);
        return true;
    }
}

static const char *
pseudo_variable(struct splitter *s, const char *name)
{
    struct parse *parse = s->parse;

    if (strcmp(name, ".FILE") == 0)
        return parse->words->pos.file;
    if (strcmp(name, ".LINE") == 0)
        return arena_printf(parse->arena, "%d", parse->words->pos.line);
    if (strcmp(name, ".SECTION") == 0)
        return parse->section == NULL ? "" : parse->section->name;
    return NULL;
}

/* Each word of the value becomes a word of the line. */
static bool
add_array(struct splitter *s, const char *value)
{
    s->is_array = true;
    while (value != NULL && *value != '\0') {
        size_t len;

        value += strspn(value, " \t");
        len = strcspn(value, " \t");
        text_add(&s->word, str_of(value, len));
        value += len + strspn(value + len, " \t");
        if (*value != '\0') {
            if (!end_word(s))
                return false;
            begin_word(s);
            s->is_quoted = s->is_array = true;
        }
    }
    return true;
}

static bool
read_variable(struct splitter *s)
{
    const char *at = s->pos++;
    bool has_brace = *s->pos == '{', is_array = false;
    const char *value;
    char name[256], fallback[1024] = "";
    bool has_fallback = false;
    size_t len = 0;

    s->pos += has_brace;
    while (len < sizeof(name) - 1 &&
           (isalnum((unsigned char)*s->pos) || *s->pos == '_' || *s->pos == '.'))
        name[len++] = *s->pos++;
    name[len] = '\0';
    if (len == 0)
        return complain(s, at, "a variable's name should follow '$'");
    if (has_brace) {
        if (strncmp(s->pos, "[*]", 3) == 0) {
            is_array = true;
            s->pos += 3;
        }
        if (*s->pos == '-') {
            size_t size = strcspn(++s->pos, "}");

            has_fallback = true;
            snprintf(fallback, sizeof(fallback), "%.*s", (int)size, s->pos);
            s->pos += size;
        }
        if (*s->pos != '}')
            return complain(s, at, "the brace of this variable is not closed");
        s->pos++;
    }
    value = name[0] == '.' ? pseudo_variable(s, name) : getenv(name);
    if (value == NULL && has_fallback)
        value = fallback;
    if (is_array)
        return add_array(s, value);
    if (value != NULL)
        text_puts(&s->word, value);
    return true;
}

static bool
read_single_quotes(struct splitter *s)
{
    const char *end = strchr(s->pos + 1, '\'');

    begin_word(s);
    if (end == NULL)
        return complain(s, s->pos, "this quote is not closed");
    s->is_quoted = true;
    text_add(&s->word, str_of(s->pos + 1, (size_t)(end - s->pos - 1)));
    s->pos = end + 1;
    return true;
}

static bool
read_double_quotes(struct splitter *s)
{
    const char *begin = s->pos;

    begin_word(s);
    s->is_quoted = true;
    s->pos++;
    while (*s->pos != '"') {
        bool fine = true;

        if (*s->pos == '\0')
            return complain(s, begin, "this quote is not closed");
        if (*s->pos == '\\' && s->pos[1] != '\0' && strchr("\"\\$", s->pos[1]) != NULL) {
            text_add_char(&s->word, s->pos[1]);
            s->pos += 2;
        } else if (*s->pos == '\\') {
            fine = read_escape(s);
        } else if (*s->pos == '$') {
            fine = read_variable(s);
        } else {
            text_add_char(&s->word, *s->pos++);
        }
        if (!fine)
            return false;
    }
    s->pos++;
    return true;
}

static bool
read_piece(struct splitter *s)
{
    switch (*s->pos) {
    case ' ':
    case '\t':
    case '\r':
        s->pos++;
        return end_word(s);
    case '\\':
        return read_escape(s);
    case '\'':
        return read_single_quotes(s);
    case '"':
        return read_double_quotes(s);
    default:
        begin_word(s);
        text_add_char(&s->word, *s->pos++);
        return true;
    }
}

bool
split_line(struct parse *parse, const char *line)
{
    struct splitter s = { .parse = parse, .line = line, .pos = line, .word = TEXT_INIT, .cap = 8 };
    bool fine = true;

    parse->words->items = ARENA_ARRAY(parse->arena, struct word, s.cap);
    parse->words->count = parse->words->at = 0;
    while (fine && *s.pos != '\0' && *s.pos != '#')
        fine = read_piece(&s);
    fine = fine && end_word(&s);
    text_fini(&s.word);
    return fine;
}
