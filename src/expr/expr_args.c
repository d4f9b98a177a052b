/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of arguments: "(a,b)" behind the name of a fetch or converter.
 *
 * Thread: builder.
 *
 * The list ends at the first ')' that is not quoted. Quotes and backslashes work as in a line of
 * the configuration: 'a,b' and "a,b" keep commas and parentheses; a backslash keeps a blank, a
 * quote or a backslash, and stands for itself before anything else.
 */
#include <string.h>

#include "weir/base/text.h"
#include "private.h"

/* Behind a backslash: the character meant; '\0': the backslash stands for itself. */
static char
unescape(char c)
{
    static const char plain[] = "\\'\" nrt", meant[] = "\\'\" \n\r\t";
    const char *at = c == '\0' ? NULL : strchr(plain, c);

    return at == NULL ? '\0' : meant[at - plain];
}

/* One argument, up to the ',' or ')' behind it, at which *text is left. NULL: reported. */
static const char *
cut(struct parse *parse, const char **text)
{
    struct text out = TEXT_INIT;
    const char *pos = *text, *opened = NULL, *copy;

    for (; *pos != '\0'; pos++) {
        if (opened == NULL && (*pos == ',' || *pos == ')'))
            break;
        if (*pos == '\\' && (opened == NULL || *opened == '"') && unescape(pos[1]) != '\0') {
            text_add_char(&out, unescape(*++pos));
        } else if (opened == NULL && (*pos == '\'' || *pos == '"')) {
            opened = pos;
        } else if (opened != NULL && *pos == *opened) {
            opened = NULL;
        } else {
            text_add_char(&out, *pos);
        }
    }
    copy = arena_copy(parse->arena, text_cstr(&out));
    text_fini(&out);
    *text = pos;
    if (opened == NULL)
        return copy;
    expr_alert(parse, opened, "this quote is not closed");
    return NULL;
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

/* One more argument behind '(' or ','. */
static bool
parse_next(struct parse *parse, const char **text, const struct arg_spec *spec, const char *name,
           struct arg *arg)
{
    const char *at = ++*text, *piece = cut(parse, text);

    if (piece == NULL)
        return false;
    if (spec->kind == ARG_END)
        return expr_alert(parse, at, "'%s' takes no %sargument%s%s%s", name,
                          at[-1] == '(' ? "" : "further ", *piece == '\0' ? "" : " '", piece,
                          *piece == '\0' ? "" : "'");
    if (*piece == '\0' && spec->is_optional)
        return expr_arg_default(parse, spec, arg, at);
    return expr_arg_set(parse, spec, arg, piece, at);
}

static bool
parse_list(struct parse *parse, const char **text, const struct arg_spec *specs, const char *name,
           struct arg *args, unsigned *count)
{
    const char *open = *text;

    if (open[1] == ')' && specs[0].kind == ARG_END) {
        *text += 2;
        return true;
    }
    do {
        if (!parse_next(parse, text, &specs[*count], name, &args[*count]))
            return false;
        ++*count;
    } while (**text == ',');
    if (**text != ')')
        return expr_alert(parse, open, "the parenthesis behind '%s' is not closed", name);
    ++*text;
    return true;
}

bool
expr_args_parse(struct parse *parse, const char **text, const struct arg_spec *specs,
                const char *name, struct arg **args, unsigned *count)
{
    unsigned required, max = count_specs(specs, &required);

    *args = ARENA_ARRAY(parse->arena, struct arg, max + 1);
    *count = 0;
    if (**text == '(' && !parse_list(parse, text, specs, name, *args, count))
        return false;
    if (*count < required)
        return expr_alert(parse, *text, "'%s' expects %s%u argument%s, not %u", name,
                          required < max ? "at least " : "", required, required == 1 ? "" : "s",
                          *count);
    for (unsigned i = *count; i < max; i++) {
        if (!expr_arg_default(parse, &specs[i], &(*args)[i], *text))
            return false;
    }
    return true;
}
