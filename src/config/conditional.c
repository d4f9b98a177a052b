/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that begin with a dot: .if .elif .else .endif decide which lines are read; .notice .warning
 * .alert .diag say something.
 *
 * Callers: parser.c. Thread: builder.
 *
 * Lines of a branch that is not taken are passed over unread: their quotes need not match and their
 * conditions need not make sense. Only the directives themselves are counted.
 */
#include "weir/config/conditional.h"

#include <string.h>

#include "private.h"

/* --- conditions --------------------------------------------------------------------- */

bool
conditional_is_open(const struct conditional *cond)
{
    return cond->depth == 0 || cond->blocks[cond->depth - 1].state == BRANCH_TAKEN;
}

/* Where in the line the character at `offset` of the joined words stands. */
static unsigned
column_at(const struct words *words, unsigned first, size_t offset)
{
    for (unsigned i = first; i < words->count; i++) {
        size_t len = strlen(words->items[i].text);

        if (offset <= len)
            return words->items[i].column + (unsigned)offset + (words->items[i].quoted ? 1 : 0);
        offset -= len + 1;
    }
    return words->count > 0 ? words->items[words->count - 1].column : 0;
}

/* The words behind the directive are the condition. */
static bool
eval_line(struct parse *parse)
{
    struct words *words = parse->words;
    struct predicate_result result;
    struct error err = ERROR_INIT;
    const char *text;

    words->at = 1;
    text = words_rest(parse);
    if (predicate_eval(parse->snapshot, text, &result, &err))
        return result.is_true;
    diag_add(parse->diag, DIAG_ALERT, words->pos, words->line_text,
             column_at(words, 1, result.failed_at), "condition '%s': %s", text, err.text);
    return false;
}

/* --- blocks ------------------------------------------------------------------------- */

static void
run_if(struct conditional *cond, struct parse *parse)
{
    struct conditional_block *block;
    bool is_open = conditional_is_open(cond);

    if (cond->depth == CONDITIONAL_DEPTH) {
        parse_alert(parse, "too many '.if' inside each other (at most %d)", CONDITIONAL_DEPTH);
        cond->lost++;
        return;
    }
    block = &cond->blocks[cond->depth++];
    *block = (struct conditional_block){ .pos = parse->words->pos };
    if (!is_open)
        block->state = BRANCH_NEVER;
    else
        block->state = eval_line(parse) ? BRANCH_TAKEN : BRANCH_PENDING;
}

/* The block of an .elif or .else; NULL: reported. */
static struct conditional_block *
block_of(struct conditional *cond, struct parse *parse, const char *name)
{
    struct conditional_block *block = cond->depth == 0 ? NULL : &cond->blocks[cond->depth - 1];

    if (cond->lost > 0)
        return NULL;
    if (block == NULL)
        parse_alert(parse, "'%s' without '.if'", name);
    else if (block->has_else)
        parse_alert(parse, "'%s' behind '.else'", name);
    return block == NULL || block->has_else ? NULL : block;
}

static void
run_elif(struct conditional *cond, struct parse *parse)
{
    struct conditional_block *block = block_of(cond, parse, ".elif");

    if (block == NULL)
        return;
    if (block->state == BRANCH_TAKEN)
        block->state = BRANCH_NEVER;
    else if (block->state == BRANCH_PENDING && eval_line(parse))
        block->state = BRANCH_TAKEN;
}

static void
run_else(struct conditional *cond, struct parse *parse)
{
    struct conditional_block *block = block_of(cond, parse, ".else");

    if (block == NULL)
        return;
    block->state = block->state == BRANCH_PENDING ? BRANCH_TAKEN : BRANCH_NEVER;
    block->has_else = true;
    parse_end(parse);
}

static void
run_endif(struct conditional *cond, struct parse *parse)
{
    parse_end(parse);
    if (cond->lost > 0)
        cond->lost--;
    else if (cond->depth == 0)
        parse_alert(parse, "'.endif' without '.if'");
    else
        cond->depth--;
}

void
conditional_end(const struct conditional *cond, struct parse *parse)
{
    for (unsigned i = 0; i < cond->depth; i++)
        parse_alert_at(parse, cond->blocks[i].pos, "this '.if' has no '.endif'");
}

/* --- messages ------------------------------------------------------------------------ */

static void
say(struct parse *parse, enum severity severity)
{
    const char *text = words_next(parse->words);

    if (!words_at_end(parse->words))
        parse_alert_next(parse, "'%s' expects one text; put it in quotes if it has blanks",
                         parse->keyword);
    else
        diag_add(parse->diag, severity, parse->words->pos, NULL, 0, "'%s'.",
                 text == NULL ? "" : text);
}

static void
say_notice(struct conditional *cond, struct parse *parse)
{
    (void)cond;
    say(parse, DIAG_NOTICE);
}

static void
say_warning(struct conditional *cond, struct parse *parse)
{
    (void)cond;
    say(parse, DIAG_WARNING);
}

static void
say_alert(struct conditional *cond, struct parse *parse)
{
    (void)cond;
    say(parse, DIAG_ALERT);
}

static void
say_hint(struct conditional *cond, struct parse *parse)
{
    (void)cond;
    say(parse, DIAG_HINT);
}

/* --- lines ---------------------------------------------------------------------------- */

static const struct directive {
    const char *name;
    void (*run)(struct conditional *cond, struct parse *parse);
    bool is_structure; /* counted in branches that are not taken, too */
} directives[] = {
    { ".if", run_if, true },          { ".elif", run_elif, true },
    { ".else", run_else, true },      { ".endif", run_endif, true },
    { ".notice", say_notice, false }, { ".warning", say_warning, false },
    { ".alert", say_alert, false },   { ".diag", say_hint, false },
};

static bool
complain_unknown(struct parse *parse, struct str name)
{
    const char *names[COUNT(directives) + 1] = { NULL };
    const char *copy = arena_copy_str(parse->arena, name);

    for (size_t i = 0; i < COUNT(directives); i++)
        names[i] = directives[i].name;
    parse->words->count = 0;
    return parse_alert(parse, "unknown directive '%s'%s", copy, parse_suggest(parse, copy, names));
}

/* A line that is only passed over has no words: nothing in it may be complained about. */
static void
run(const struct directive *directive, struct conditional *cond, struct parse *parse,
    struct splitter *splitter)
{
    bool is_read = conditional_is_open(cond);

    if (directive->run == run_elif)
        is_read = cond->depth > 0 && cond->blocks[cond->depth - 1].state == BRANCH_PENDING;
    else if (directive->run == run_endif || directive->run == run_else)
        is_read = true;
    if (is_read && !split_line(parse, splitter, parse->words->line_text))
        parse->words->count = 0;
    parse->words->at = parse->words->count == 0 ? 0 : 1;
    parse->keyword = directive->name;
    directive->run(cond, parse);
}

bool
conditional_line(struct conditional *cond, struct parse *parse, struct splitter *splitter)
{
    const char *line = parse->words->line_text + strspn(parse->words->line_text, " \t\r");
    struct str name = str_of(line, strcspn(line, " \t\r#"));

    if (*line != '.')
        return false;
    for (size_t i = 0; i < COUNT(directives); i++) {
        if (!str_eq(name, str_from(directives[i].name)))
            continue;
        if (directives[i].is_structure || conditional_is_open(cond))
            run(&directives[i], cond, parse, splitter);
        return true;
    }
    if (conditional_is_open(cond))
        complain_unknown(parse, name);
    return true;
}
