/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the configuration becomes words: quotes, escapes, comments, variables.
 *
 * For:     parser.c and conditional.c, which read every line through it.
 * Owns:    its buffers (struct splitter), used again for each line; words end up in the arena.
 * Thread:  builder.
 *
 *     blank      ends a word              #        begins a comment
 *     '...'      is taken as it is        "..."    has escapes and variables
 *     \c         blank # \ ' " stand for themselves, \n \r \t \xHH as usual, \$ inside double
 * quotes; anything else keeps its backslash, because regular expressions need it
 *     "$NAME" "${NAME}" "${NAME-default}" "${NAME[*]}" (one word for each word of its value)
 *
 * A variable that is not set is nothing, and a word that is nothing is a mistake; only [*] may give
 * no word at all.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/encode.h"
#include "weir/config/environment.h"
#include "private.h"

#define NAME_MAX_LEN 255
#define NESTING_MAX  8 /* of "${A-${B-...}}" */

/* The line in hand. */
struct reader {
    struct splitter *to;
    struct parse *parse;
    const char *line;
    const char *pos;
    unsigned column; /* where the word in hand begins; 0: between words */
    size_t begin;    /* and in to->bytes */
    bool is_quoted;
    bool is_array; /* [*] was seen: an empty word is dropped in silence */
};

/* --- words ---------------------------------------------------------------------- */

static bool
complain(struct reader *r, const char *at, const char *what)
{
    diag_add(r->parse->diag, DIAG_ALERT, r->parse->words->pos, r->line,
             (unsigned)(at - r->line) + 1, "%s", what);
    return false;
}

static void
begin_word(struct reader *r, const char *at)
{
    if (r->column != 0)
        return;
    r->column = (unsigned)(at - r->line) + 1;
    r->begin = r->to->bytes.len;
    r->is_quoted = r->is_array = false;
}

static void
keep_word(struct reader *r)
{
    struct splitter *to = r->to;

    if (to->count == to->cap) {
        to->cap = to->cap == 0 ? 64 : to->cap * 2;
        to->items = alloc_resize(to->items, to->cap * sizeof(*to->items));
        to->begins = alloc_resize(to->begins, to->cap * sizeof(*to->begins));
    }
    text_add_char(&to->bytes, '\0');
    to->begins[to->count] = r->begin;
    to->items[to->count++] = (struct word){ .column = r->column, .quoted = r->is_quoted };
}

static bool
end_word(struct reader *r)
{
    unsigned column = r->column;

    if (column == 0)
        return true;
    if (r->to->bytes.len > r->begin)
        keep_word(r);
    r->column = 0;
    if (r->to->bytes.len > r->begin || r->is_array)
        return true;
    return complain(r, r->line + column - 1,
                    "an empty argument; is a variable between the quotes not set?");
}

/* --- escapes --------------------------------------------------------------------- */

static bool
read_hex(struct reader *r)
{
    int high = hex_digit(r->pos[2]);
    int low = high < 0 ? -1 : hex_digit(r->pos[3]);

    if (low < 0)
        return complain(r, r->pos, "\\x needs two hexadecimal digits");
    if (high == 0 && low == 0)
        return complain(r, r->pos, "\\x00 cannot stand in a configuration");
    text_add_char(&r->to->bytes, (char)(high * 16 + low));
    r->pos += 4;
    return true;
}

/* At a backslash. `plain`: the characters that stand for themselves behind one. */
static bool
read_escape(struct reader *r, const char *plain)
{
    static const char letters[] = "nrt", meanings[] = "\n\r\t";
    char c = r->pos[1];
    const char *letter = c == '\0' ? NULL : strchr(letters, c);

    if (c == 'x')
        return read_hex(r);
    if (letter != NULL) {
        text_add_char(&r->to->bytes, meanings[letter - letters]);
    } else {
        if (c == '\0' || strchr(plain, c) == NULL)
            text_add_char(&r->to->bytes, '\\');
        if (c != '\0')
            text_add_char(&r->to->bytes, c);
    }
    r->pos += c == '\0' ? 1 : 2;
    return true;
}

/* --- variables ------------------------------------------------------------------- */

struct variable {
    const char *at; /* the '$' */
    char name[NAME_MAX_LEN + 1];
    bool has_brace;
    bool is_array;
};

static bool
is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool
read_name(struct reader *r, struct variable *var)
{
    size_t len = 0;

    if (*r->pos == '.') /* .FILE, .LINE, .SECTION */
        var->name[len++] = *r->pos++;
    if (isdigit((unsigned char)*r->pos) || !is_name_char(*r->pos))
        return complain(r, var->at,
                        "the name of a variable should follow '$' (a plain '$' is written '\\$')");
    while (is_name_char(*r->pos)) {
        if (len == NAME_MAX_LEN)
            return complain(r, var->at, "the name of this variable is too long");
        var->name[len++] = *r->pos++;
    }
    var->name[len] = '\0';
    return true;
}

/* False: no such pseudo-variable; reported. */
static bool
find_value(struct reader *r, const struct variable *var, const char **value)
{
    struct parse *parse = r->parse;

    if (var->name[0] != '.')
        *value = environment_find(parse->snapshot, var->name);
    else if (strcmp(var->name, ".FILE") == 0)
        *value = parse->words->pos.file;
    else if (strcmp(var->name, ".LINE") == 0)
        *value = arena_printf(parse->arena, "%d", parse->words->pos.line);
    else if (strcmp(var->name, ".SECTION") == 0)
        *value = parse->section == NULL ? "" : parse->section->name;
    else
        return complain(r, var->at,
                        "unknown pseudo-variable; known: '.FILE', '.LINE' and '.SECTION'");
    return true;
}

/* Each word of the value becomes a word of the line; the first and the last one grow together with
 * what stands beside them. */
static bool
add_array(struct reader *r, const struct variable *var, const char *value)
{
    bool is_first = true;

    r->is_array = true;
    while (value != NULL && *(value += strspn(value, " \t")) != '\0') {
        size_t len = strcspn(value, " \t");

        if (!is_first) {
            if (!end_word(r))
                return false;
            begin_word(r, var->at);
            r->is_quoted = r->is_array = true;
        }
        is_first = false;
        text_add(&r->to->bytes, str_of(value, len));
        value += len;
    }
    return true;
}

static bool read_variable(struct reader *r, unsigned nesting);

/* Behind "${NAME-", up to the brace. */
static bool
read_default(struct reader *r, const struct variable *var, unsigned nesting)
{
    while (*r->pos != '}') {
        if (*r->pos == '\0')
            return complain(r, var->at, "the brace of this variable is not closed");
        if (*r->pos == '$') {
            if (!read_variable(r, nesting + 1))
                return false;
        } else if (*r->pos == '\\') {
            if (!read_escape(r, " #\\\"'$}"))
                return false;
        } else {
            text_add_char(&r->to->bytes, *r->pos++);
        }
    }
    return true;
}

/* The part of "${NAME...}" behind the name. The default is always read, to find its end; it is
 * taken back when the variable is set. */
static bool
read_braces(struct reader *r, struct variable *var, const char **value, unsigned nesting)
{
    if (strncmp(r->pos, "[*]", 3) == 0) {
        var->is_array = true;
        r->pos += 3;
    }
    if (*r->pos == '-') {
        size_t before = r->to->bytes.len;

        r->pos++;
        if (!read_default(r, var, nesting))
            return false;
        if (*value == NULL)
            *value = arena_copy_str(r->parse->arena,
                                    str_of(r->to->bytes.ptr + before, r->to->bytes.len - before));
        r->to->bytes.len = before;
    }
    if (*r->pos != '}')
        return complain(r, var->at, "the brace of this variable is not closed");
    r->pos++;
    return true;
}

/* At a '$' inside double quotes. */
static bool
read_variable(struct reader *r, unsigned nesting)
{
    struct variable var = { .at = r->pos };
    const char *value = NULL;

    if (nesting > NESTING_MAX)
        return complain(r, r->pos, "too many variables inside each other");
    r->pos++;
    var.has_brace = *r->pos == '{';
    r->pos += var.has_brace;
    if (!read_name(r, &var) || !find_value(r, &var, &value))
        return false;
    if (var.has_brace && !read_braces(r, &var, &value, nesting))
        return false;
    if (var.is_array && nesting == 0)
        return add_array(r, &var, value);
    if (value != NULL)
        text_puts(&r->to->bytes, value);
    return true;
}

/* --- quotes ---------------------------------------------------------------------- */

static bool
read_single_quotes(struct reader *r)
{
    const char *end = strchr(r->pos + 1, '\'');

    begin_word(r, r->pos);
    r->is_quoted = true;
    if (end == NULL)
        return complain(r, r->pos, "this quote is not closed");
    text_add(&r->to->bytes, str_of(r->pos + 1, (size_t)(end - r->pos - 1)));
    r->pos = end + 1;
    return true;
}

static bool
read_double_quotes(struct reader *r)
{
    const char *begin = r->pos++;

    begin_word(r, begin);
    r->is_quoted = true;
    while (*r->pos != '"') {
        size_t plain = strcspn(r->pos, "\"\\$");
        bool fine = true;

        text_add(&r->to->bytes, str_of(r->pos, plain));
        r->pos += plain;
        if (*r->pos == '\0')
            return complain(r, begin, "this quote is not closed");
        if (*r->pos == '\\')
            fine = read_escape(r, " #\\\"'$");
        else if (*r->pos == '$')
            fine = read_variable(r, 0);
        if (!fine)
            return false;
    }
    r->pos++;
    return true;
}

/* --- lines ----------------------------------------------------------------------- */

static bool
read_piece(struct reader *r)
{
    size_t plain;

    switch (*r->pos) {
    case ' ':
    case '\t':
    case '\r':
        r->pos++;
        return end_word(r);
    case '\\':
        begin_word(r, r->pos);
        return read_escape(r, " #\\\"'");
    case '\'':
        return read_single_quotes(r);
    case '"':
        return read_double_quotes(r);
    default:
        begin_word(r, r->pos);
        plain = strcspn(r->pos, " \t\r\\'\"#");
        text_add(&r->to->bytes, str_of(r->pos, plain));
        r->pos += plain;
        return true;
    }
}

bool
split_line(struct parse *parse, struct splitter *to, const char *line)
{
    struct reader r = { .to = to, .parse = parse, .line = line, .pos = line };
    bool fine = true;
    const char *copy;

    text_clear(&to->bytes);
    to->count = 0;
    while (fine && *r.pos != '\0' && *r.pos != '#')
        fine = read_piece(&r);
    fine = fine && end_word(&r);
    copy = arena_copy_str(parse->arena, text_str(&to->bytes));
    for (unsigned i = 0; i < to->count; i++)
        to->items[i].text = copy + to->begins[i];
    parse->words->items = to->items;
    parse->words->count = to->count;
    parse->words->at = 0;
    return fine;
}

/* Quotes and comments decide whether a backslash at the end joins lines: one in a comment, or in
 * single quotes, does not. */
bool
split_wants_next_line(const char *line, size_t len)
{
    bool is_quoted = false;
    const char *pos = line;

    if (len == 0 || line[len - 1] != '\\')
        return false;
    while (*pos != '\0') {
        if (*pos == '\\') {
            if (pos[1] == '\0')
                return true;
            pos++;
        } else if (*pos == '"') {
            is_quoted = !is_quoted;
        } else if (!is_quoted && *pos == '#') {
            return false;
        } else if (!is_quoted && *pos == '\'') {
            pos = strchr(pos + 1, '\'');
            if (pos == NULL)
                return false;
        }
        pos++;
    }
    return false;
}

void
splitter_fini(struct splitter *splitter)
{
    text_fini(&splitter->bytes);
    alloc_free(splitter->items);
    alloc_free(splitter->begins);
    *splitter = (struct splitter)SPLITTER_INIT;
}
