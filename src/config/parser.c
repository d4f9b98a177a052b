/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver: lines to sections to keywords. It goes on after mistakes, so that all are told.
 *
 * Callers: snapshot.c. Thread: builder.
 */
#include <stdlib.h>
#include <string.h>

#include "private.h"

struct reader {
    struct parse parse;
    struct words words;
    struct conditional conditional;
    bool is_skipping; /* the section did not open, or is not known: its lines are passed over */
};

static const struct section *
find_section(const char *name)
{
    FOR_EACH_REGISTERED (section, section, list) {
        if (strcmp(section->name, name) == 0)
            return section;
    }
    return NULL;
}

static bool
close_section(struct reader *reader)
{
    const struct section *section = reader->parse.section;
    bool fine = true;

    if (section != NULL && section->close != NULL && !reader->is_skipping) {
        reader->parse.words = NULL;
        fine = section->close(&reader->parse);
        reader->parse.words = &reader->words;
    }
    reader->parse.section = NULL;
    return fine;
}

static void
open_section(struct reader *reader, const struct section *section)
{
    close_section(reader);
    reader->parse.section = section;
    reader->parse.place = section->place;
    reader->parse.object = NULL;
    reader->parse.keyword = section->name;
    reader->words.at = 1;
    reader->is_skipping = !section->open(&reader->parse);
}

/* Sections of the language that weir lacks: said once, lines passed over. */
static bool
is_missing_section(struct reader *reader, const char *name)
{
    if (!known_word(0, name, NULL))
        return false;
    reader->words.at = 1;
    parse_alert(&reader->parse, "section '%s' is not implemented yet", name);
    close_section(reader);
    reader->is_skipping = true;
    return true;
}

static bool
has_indent(const char *line)
{
    return *line == ' ' || *line == '\t';
}

static void
read_words(struct reader *reader)
{
    const char *name = reader->words.items[0].text;
    const struct section *section = find_section(name);

    if (section != NULL) {
        open_section(reader, section);
        return;
    }
    if (!has_indent(reader->words.line_text) && is_missing_section(reader, name))
        return;
    if (reader->is_skipping)
        return;
    if (reader->parse.section == NULL) {
        reader->words.at = 1;
        parse_alert(&reader->parse, "'%s' stands outside of any section", name);
        return;
    }
    keyword_run(&reader->parse);
}

static void
read_line(struct reader *reader, const struct source_line *line)
{
    const char *text = line->text + strspn(line->text, " \t\r");

    reader->words.pos = line->pos;
    reader->words.line_text = line->text;
    reader->words.count = reader->words.at = 0;
    if (*text == '\0' || *text == '#')
        return;
    if (*text == '.' && conditional_line(&reader->conditional, &reader->parse))
        return;
    if (!conditional_is_open(&reader->conditional))
        return;
    if (!split_line(&reader->parse, line->text) || reader->words.count == 0)
        return;
    read_words(reader);
    if (line->has_no_feed)
        parse_warn_at(&reader->parse, line->pos,
                      "the last line has no line feed; is the file complete?");
}

bool
parser_read(const struct config_sources *sources, struct snapshot *snapshot, struct diag *diag)
{
    struct reader reader = {
        .parse = { .snapshot = snapshot, .arena = &snapshot->arena, .diag = diag },
    };
    struct source source;
    struct source_line line;

    reader.parse.words = &reader.words;
    source_open(&source, &reader.parse, sources);
    while (source_next(&source, &line))
        read_line(&reader, &line);
    close_section(&reader);
    if (reader.conditional.depth > 0)
        parse_alert_at(&reader.parse, source.pos, "%u '.if' without '.endif' at the end",
                       reader.conditional.depth);
    return diag_count(diag, DIAG_ALERT) == 0;
}
