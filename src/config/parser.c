/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver: lines to sections to keywords. It goes on after mistakes, so that all are told.
 *
 * Callers: snapshot.c. Thread: builder.
 *
 * A section that did not open, is unknown or is not there yet is passed over up to the next one:
 * what stands in it cannot be judged.
 */
#include <string.h>

#include "private.h"

#define INCLUDE      ".include"
#define MISSPELT_MAX 2 /* edits between a word and the name of a section */

struct driver {
    struct parse parse;
    struct words words;
    struct splitter splitter;
    struct conditional conditional;
    struct source source;
    bool is_skipping; /* the lines of this section are passed over */
    bool is_amending; /* the line was said at run time */
};

static void read_amendment(struct driver *driver, const struct amendment *amendment);

/* --- amendments ------------------------------------------------------------------------- */

static bool
is_about(const struct amendment *amendment, enum amendment_kind kind, unsigned place,
         const char *name)
{
    return amendment->kind == kind && (amendment->places & place) != 0 && name != NULL &&
           strcmp(amendment->name, name) == 0;
}

static bool
is_omitted(const struct driver *driver)
{
    const struct snapshot *snapshot = driver->parse.snapshot;

    for (unsigned i = 0; i < snapshot->amendment_count; i++) {
        if (is_about(&snapshot->amendments[i], AMEND_OMIT, driver->parse.place,
                     driver->parse.section_name) &&
            !driver->is_amending)
            return true;
    }
    return false;
}

/* What was said at run time stands at the end of its section. */
static void
amend_section(struct driver *driver)
{
    const struct snapshot *snapshot = driver->parse.snapshot;

    for (unsigned i = 0; i < snapshot->amendment_count; i++) {
        if (is_about(&snapshot->amendments[i], AMEND_LINE, driver->parse.place,
                     driver->parse.section_name))
            read_amendment(driver, &snapshot->amendments[i]);
    }
}

/* --- sections ---------------------------------------------------------------------- */

static void
close_section(struct driver *driver)
{
    const struct section *section = driver->parse.section;

    if (section != NULL && !driver->is_skipping && driver->parse.snapshot->amendment_count > 0)
        amend_section(driver);
    if (section != NULL && section->close != NULL && !driver->is_skipping) {
        driver->parse.words = NULL;
        section->close(&driver->parse);
        driver->parse.words = &driver->words;
    }
    driver->parse.section = NULL;
    driver->parse.section_name = NULL;
    driver->parse.object = NULL;
    driver->parse.place = 0;
}

static void
open_section(struct driver *driver, const struct section *section)
{
    struct words *words = &driver->words;

    close_section(driver);
    driver->parse.section = section;
    driver->parse.place = section->place;
    driver->parse.keyword = section->name;
    if (words->count > 1 && strcmp(words->items[1].text, "from") != 0)
        driver->parse.section_name = words->items[1].text;
    words->at = 1;
    driver->is_skipping = is_omitted(driver);
    if (driver->is_skipping)
        return;
    outline_begin(&driver->parse.snapshot->outline, driver->parse.arena, section->name,
                  driver->parse.section_name, section->place, words, driver->is_amending);
    driver->is_skipping = !section->open(&driver->parse);
}

static void
skip_section(struct driver *driver)
{
    close_section(driver);
    driver->is_skipping = true;
}

static bool
is_known_section(const char *name)
{
    size_t count;
    const char *const *names = known_sections(&count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* Sections that weir lacks, or that have gone: said once. */
static bool
is_missing_section(struct driver *driver, const char *name)
{
    const char *instead = known_gone_section(name);

    driver->words.at = 1;
    if (instead != NULL)
        parse_alert(&driver->parse, "section '%s' is not supported any more: %s", name, instead);
    else if (is_known_section(name))
        parse_alert(&driver->parse, "section '%s' is not implemented yet", name);
    else
        return false;
    skip_section(driver);
    return true;
}

/* The section whose name may be meant; NULL: none is near. */
static const char *
nearest_section(const char *word)
{
    size_t count;
    const char *const *names = known_sections(&count);
    const char *nearest = NULL;
    unsigned best = MISSPELT_MAX + 1;

    for (size_t i = 0; i < count; i++) {
        unsigned distance = str_distance(str_from(word), str_from(names[i]), best);

        if (distance < best && distance + 2 < strlen(word)) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}

/* A line that is not indented and nearly begins a section: taken as one, or each of its lines would
 * be complained about. */
static bool
is_misspelt_section(struct driver *driver, const char *name)
{
    const char *line = driver->words.line_text;
    const char *nearest = *line == ' ' || *line == '\t' ? NULL : nearest_section(name);

    if (nearest == NULL || known_gone(driver->parse.place, name) != NULL)
        return false;
    driver->words.at = 1;
    parse_alert(&driver->parse, "unknown section '%s'; did you mean '%s'?", name, nearest);
    skip_section(driver);
    return true;
}

/* --- lines --------------------------------------------------------------------------- */

static void
complain_outside(struct driver *driver, const char *name)
{
    driver->words.at = 1;
    parse_alert(
        &driver->parse,
        "unknown keyword '%s' out of section; 'global', 'defaults' or another section should "
        "begin before it",
        name);
    skip_section(driver);
}

static void
read_unknown(struct driver *driver, const char *name)
{
    if (is_missing_section(driver, name) || driver->is_skipping ||
        is_misspelt_section(driver, name))
        return;
    driver->words.at = 0;
    if (driver->parse.section == NULL)
        complain_outside(driver, name);
    else
        keyword_run(&driver->parse);
}

static void
read_words(struct driver *driver)
{
    const char *name = driver->words.items[0].text;
    const struct section *section = section_find(name);
    struct keyword_match match = { NULL, 0 };

    if (section != NULL) {
        open_section(driver, section);
        return;
    }
    if (driver->parse.section != NULL && !driver->is_skipping)
        outline_add(&driver->parse.snapshot->outline, driver->parse.arena, &driver->words,
                    driver->is_amending);
    if (driver->parse.section != NULL && !driver->is_skipping &&
        driver->parse.section->line != NULL) {
        driver->parse.section->line(&driver->parse);
        return;
    }
    if (driver->parse.section != NULL && !driver->is_skipping)
        match = keyword_find(&driver->words, driver->parse.place);
    if (match.kw == NULL) {
        read_unknown(driver, name);
        return;
    }
    driver->parse.negated = driver->parse.is_default = false;
    keyword_run_found(&driver->parse, match);
}

/* The words of this line cannot be told; does it begin a section? */
static void
skip_broken_section(struct driver *driver, const char *text)
{
    char *name = arena_copy_str(driver->parse.arena, str_of(text, strcspn(text, " \t")));

    if (section_find(name) != NULL || is_known_section(name))
        skip_section(driver);
}

/* ".include <path>...": their lines come next, as if they stood here. */
static void
run_include(struct driver *driver)
{
    struct parse *parse = &driver->parse;
    struct error err = ERROR_INIT;
    const char *path;

    if (driver->source.sources->transcript != NULL)
        return; /* its lines stand in it */
    if (!split_line(parse, &driver->splitter, driver->words.line_text))
        return;
    driver->words.at = 1;
    parse->keyword = INCLUDE;
    path = parse_word(parse, "a file, a folder or a pattern");
    if (path != NULL && parse_end(parse) && !source_include(&driver->source, path, &err))
        parse_alert(parse, "%s", err.text);
}

static bool
is_include(const char *text)
{
    size_t len = strlen(INCLUDE);

    return strncmp(text, INCLUDE, len) == 0 && (text[len] == '\0' || strchr(" \t\r", text[len]));
}

static void
read_line(struct driver *driver, const struct source_line *line)
{
    const char *text = line->text + strspn(line->text, " \t\r");

    driver->words.pos = line->pos;
    driver->words.line_text = line->text;
    driver->words.count = driver->words.at = 0;
    if (*text == '\0' || *text == '#')
        return;
    if (is_include(text)) {
        if (conditional_is_open(&driver->conditional))
            run_include(driver);
        return;
    }
    if (*text == '.' && conditional_line(&driver->conditional, &driver->parse, &driver->splitter))
        return;
    if (!conditional_is_open(&driver->conditional))
        return;
    if (!split_line(&driver->parse, &driver->splitter, line->text))
        skip_broken_section(driver, text);
    else if (driver->words.count > 0)
        read_words(driver);
}

static void
read_amendment_line(struct driver *driver, const struct amendment *amendment, const char *line)
{
    driver->words = (struct words){ .pos = { amendment->origin, 0 }, .line_text = line };
    if (!split_line(&driver->parse, &driver->splitter, line))
        return;
    if (amendment->apply == NULL) {
        read_words(driver);
        return;
    }
    if (amendment->is_removal)
        outline_remove(&driver->parse.snapshot->outline, &driver->words);
    else
        outline_add(&driver->parse.snapshot->outline, driver->parse.arena, &driver->words, true);
    amendment->apply(&driver->parse);
}

/* The section that is closed keeps its words: they may be those of the line in hand, which waits. */
static void
read_amendment(struct driver *driver, const struct amendment *amendment)
{
    struct splitter splitter = SPLITTER_INIT, splitter_before = driver->splitter;
    struct words before = driver->words;
    bool was_amending = driver->is_amending;
    struct str rest = str_from(amendment->line);

    driver->splitter = splitter;
    driver->is_amending = true;
    while (rest.len > 0) {
        struct str line = str_split(&rest, '\n');

        read_amendment_line(driver, amendment, arena_copy_str(driver->parse.arena, line));
    }
    driver->is_amending = was_amending;
    splitter_fini(&driver->splitter);
    driver->splitter = splitter_before;
    driver->words = before;
}

static void
add_sections(struct driver *driver)
{
    const struct snapshot *snapshot = driver->parse.snapshot;

    for (unsigned i = 0; i < snapshot->amendment_count; i++) {
        if (snapshot->amendments[i].kind == AMEND_SECTION)
            read_amendment(driver, &snapshot->amendments[i]);
    }
}

static void
warn_about_end(struct driver *driver, const struct source_line *line)
{
    if (line->has_no_feed && *line->text != '\0')
        parse_warn_at(&driver->parse, line->pos,
                      "missing line feed at the end of the last line; is the file complete?");
}

bool
parser_read(const struct config_sources *sources, struct snapshot *snapshot, struct diag *diag)
{
    struct driver driver = {
        .parse = { .snapshot = snapshot, .arena = &snapshot->arena, .diag = diag },
        .splitter = SPLITTER_INIT,
    };
    struct source_line line;

    driver.parse.words = &driver.words;
    source_open(&driver.source, &driver.parse, sources);
    while (source_next(&driver.source, &line)) {
        read_line(&driver, &line);
        warn_about_end(&driver, &line);
    }
    driver.words.line_text = NULL;
    add_sections(&driver);
    close_section(&driver);
    conditional_end(&driver.conditional, &driver.parse);
    source_close(&driver.source);
    splitter_fini(&driver.splitter);
    return diag_count(diag, DIAG_ALERT) == 0;
}

bool
parse_cut(struct parse *parse, struct source_pos pos, const char *line,
          bool (*fn)(struct parse *parse, void *arg), void *arg)
{
    struct splitter splitter = SPLITTER_INIT;
    struct words words = { .pos = pos, .line_text = line }, *outer = parse->words;
    bool fine;

    parse->words = &words;
    fine = split_line(parse, &splitter, line) && fn(parse, arg);
    parse->words = outer;
    splitter_fini(&splitter);
    return fine;
}

bool
parse_line(struct parse *parse, const char *line)
{
    struct splitter splitter = SPLITTER_INIT;
    bool fine = true;

    parse->words->line_text = line;
    fine = split_line(parse, &splitter, line);
    if (fine && parse->words->count > 0)
        fine = keyword_run(parse);
    splitter_fini(&splitter);
    parse->words->items = NULL;
    parse->words->count = parse->words->at = 0;
    return fine;
}
