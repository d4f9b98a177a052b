/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one outline says and another does not, in words.
 *
 * For:     "show config diff", "reload dry-run".
 * Owns:    nothing.
 * Thread:  control.
 *
 * Lines are told apart by what they are: those that name something (server, bind, user ...) are
 * found again by that name; a setting that stands once is found by its keyword; all others (rules,
 * acls) are compared as texts, and their order as well.
 *
 *     backend api: server api4 added, api1 weight 100 -> 50; 3 others unchanged
 *     frontend web: timeout client 5s -> 10s
 *       + http-request deny if bad
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hashmap.h"
#include "private.h"

/* One section of both, while it is compared. */
struct comparing {
    const struct outline_section *before, *now;
    struct arena scratch;
    struct hashmap by_key;  /* struct keyed_line: lines of `before` that have a key */
    struct hashmap by_text; /* struct text_count: lines of `before` that have none, and how many */
    struct text what;       /* "server api4 added, ..." */
    struct text rules;      /* the lines below it */
    struct text restart;    /* settings that want a restart */
    struct text key, text;
    unsigned servers_same;
    bool has_server_change;
};

struct text_count {
    long before, now;
};

struct keyed_line {
    const struct outline_line *line; /* the last one with the key */
    bool is_found;
};

/* --- words ------------------------------------------------------------------------------ */

static void
add_word(struct text *out, const char *word)
{
    bool is_plain = *word != '\0' && strpbrk(word, " \t\"'#") == NULL;

    if (is_plain)
        text_puts(out, word);
    else
        text_printf(out, "\"%s\"", word);
}

static void
add_range(struct text *out, const struct outline_line *line, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        if (i > from)
            text_add_char(out, ' ');
        add_word(out, line->words[i]);
    }
}

static void
add_words(struct text *out, const struct outline_line *line, unsigned from)
{
    add_range(out, line, from, line->count);
}

static bool
is_same_line(const struct outline_line *a, const struct outline_line *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++) {
        if (strcmp(a->words[i], b->words[i]) != 0)
            return false;
    }
    return true;
}

static struct keyword_match
match_at(const struct outline_line *line, unsigned at, unsigned place)
{
    struct word items[8] = { { 0 } };
    struct words words = { .items = items };

    for (; words.count < COUNT(items) && at + words.count < line->count; words.count++)
        items[words.count].text = line->words[at + words.count];
    return keyword_find(&words, place);
}

/* How many words of the line tell what it is about; 0: it is a rule, one of many. */
static unsigned
key_length(const struct outline_line *line, unsigned place)
{
    static const char *const named[] = { "server",     "bind",  "user",  "group", "peer",
                                         "nameserver", "table", "email-alert", "mailer",
                                         "server-template", "default-server" };
    static const char *const many[] = { "acl",         "http-request",  "http-response",
                                        "tcp-request", "tcp-response",  "use_backend",
                                        "use-server",  "http-check",    "tcp-check",
                                        "redirect",    "log",           "http-after-response",
                                        "errorfile",   "stick",         "capture", "filter",
                                        "setenv", "presetenv", "set-var", "set-var-fmt",
                                        "stats" };
    bool is_negated = strcmp(line->words[0], "no") == 0 && line->count > 1;
    struct keyword_match match;

    for (size_t i = 0; i < COUNT(named); i++) {
        if (strcmp(line->words[0], named[i]) == 0)
            return line->count > 1 && strcmp(named[i], "default-server") != 0 ? 2 : 0;
    }
    for (size_t i = 0; i < COUNT(many); i++) {
        if (strcmp(line->words[0], many[i]) == 0)
            return 0;
    }
    match = match_at(line, is_negated, place);
    return match.kw == NULL ? 0 : match.length + is_negated;
}

static bool
is_server(const struct outline_line *line)
{
    return strcmp(line->words[0], "server") == 0;
}

/* "no option x" and "option x" have the same key. */
static struct str
key_of(struct comparing *compare, const struct outline_line *line, unsigned length)
{
    text_clear(&compare->key);
    for (unsigned i = length > 1 && strcmp(line->words[0], "no") == 0; i < length; i++) {
        text_puts(&compare->key, line->words[i]);
        text_add_char(&compare->key, ' ');
    }
    return text_str(&compare->key);
}

/* --- lists in words ---------------------------------------------------------------------- */

static void
begin_item(struct comparing *compare)
{
    if (compare->what.len > 0)
        text_puts(&compare->what, ", ");
}

static void
note_restart(struct comparing *compare, const struct outline_line *line)
{
    unsigned place = compare->now != NULL ? compare->now->place : compare->before->place;
    struct keyword_match match = match_at(line, 0, place);

    if (match.kw == NULL || !(match.kw->flags & KEYWORD_RESTART))
        return;
    if (strstr(text_cstr(&compare->restart), match.kw->name) != NULL)
        return;
    if (compare->restart.len > 0)
        text_puts(&compare->restart, ", ");
    text_puts(&compare->restart, match.kw->name);
}

/* A line that stands on one side alone. */
static void
add_lone(struct comparing *compare, const struct outline_line *line, const char *what)
{
    unsigned place = compare->now->place, length = key_length(line, place);

    note_restart(compare, line);
    compare->has_server_change |= is_server(line);
    begin_item(compare);
    if (length == 2 && (is_server(line) || strcmp(line->words[0], "bind") == 0))
        text_printf(&compare->what, "%s %s", line->words[0], line->words[1]);
    else
        add_words(&compare->what, line, 0);
    text_printf(&compare->what, " %s%s", what,
                line->is_amended && *what == 'r' ? " (it was added at run time)" : "");
}

/* --- options of a line ------------------------------------------------------------------- */

/* Where the option that begins at `at` ends. */
static unsigned
option_end(const struct outline_line *line, unsigned at, unsigned place)
{
    struct keyword_match match = match_at(line, at, place);
    unsigned end = at + (match.kw == NULL ? 1 : match.length);

    if (match.kw != NULL && match.kw->args == NULL)
        return end;
    if (match.kw != NULL && match.kw->args[0] == '<' && end < line->count)
        end++;
    while (end < line->count && match_at(line, end, place).kw == NULL)
        end++;
    return end;
}

/* The same option in the other line; 0: it is not there. */
static unsigned
find_option(const struct outline_line *line, const struct outline_line *other, unsigned at,
            unsigned from, unsigned place)
{
    unsigned length = match_at(other, at, place).length, i, same;

    for (i = from; i < line->count; i = option_end(line, i, place)) {
        for (same = 0; same < (length == 0 ? 1 : length) && i + same < line->count; same++) {
            if (strcmp(line->words[i + same], other->words[at + same]) != 0)
                break;
        }
        if (same == (length == 0 ? 1 : length))
            return i;
    }
    return 0;
}

static bool
is_same_range(const struct outline_line *a, unsigned a_from, unsigned a_to,
              const struct outline_line *b, unsigned b_from, unsigned b_to)
{
    struct outline_line left = { .words = a->words + a_from, .count = a_to - a_from };
    struct outline_line right = { .words = b->words + b_from, .count = b_to - b_from };

    return is_same_line(&left, &right);
}

/* Options of `now` that `before` has not, or has otherwise. */
static void
compare_options(struct comparing *compare, const struct outline_line *before,
                const struct outline_line *now, unsigned from, unsigned place)
{
    struct text *what = &compare->what;
    const char *name = now->words[1];

    for (unsigned at = from, end; at < now->count; at = end) {
        unsigned there = find_option(before, now, at, from, place), there_end, length;

        end = option_end(now, at, place);
        there_end = there == 0 ? 0 : option_end(before, there, place);
        if (there != 0 && is_same_range(before, there, there_end, now, at, end))
            continue;
        begin_item(compare);
        length = match_at(now, at, place).length;
        text_printf(what, "%s ", name);
        if (there == 0 || at + length >= end || there + length >= there_end) {
            add_range(what, now, at, end);
            text_puts(what, there == 0 ? " added" : " changed");
        } else {
            add_range(what, now, at, at + length);
            text_add_char(what, ' ');
            add_range(what, before, there + length, there_end);
            text_puts(what, " -> ");
            add_range(what, now, at + length, end);
        }
    }
    for (unsigned at = from; at < before->count; at = option_end(before, at, place)) {
        if (find_option(now, before, at, from, place) != 0)
            continue;
        begin_item(compare);
        text_printf(what, "%s ", name);
        add_range(what, before, at, option_end(before, at, place));
        text_puts(what, " removed");
    }
}

static void
compare_server(struct comparing *compare, const struct outline_line *before,
               const struct outline_line *now)
{
    compare->has_server_change = true;
    if (before->count > 2 && now->count > 2 && strcmp(before->words[2], now->words[2]) != 0) {
        begin_item(compare);
        text_printf(&compare->what, "%s address %s -> %s", now->words[1], before->words[2],
                    now->words[2]);
    }
    compare_options(compare, before, now, 3, IN_SERVER);
}

/* A line with the same key on both sides. */
static void
compare_line(struct comparing *compare, const struct outline_line *before,
             const struct outline_line *now, unsigned length)
{
    struct text *what = &compare->what;

    if (is_same_line(before, now)) {
        compare->servers_same += is_server(now);
        return;
    }
    note_restart(compare, now);
    if (is_server(now)) {
        compare_server(compare, before, now);
        return;
    }
    if (strcmp(now->words[0], "bind") == 0) {
        compare_options(compare, before, now, 2, IN_BIND);
        return;
    }
    begin_item(compare);
    add_range(what, now, 0, length);
    text_add_char(what, ' ');
    if (strcmp(before->words[0], "no") == 0 || strcmp(now->words[0], "no") == 0 ||
        before->count <= length || now->count <= length) {
        text_puts(what, "(was: ");
        add_words(what, before, 0);
        text_add_char(what, ')');
        return;
    }
    add_words(what, before, length);
    text_puts(what, " -> ");
    add_words(what, now, length);
}

/* --- rules ------------------------------------------------------------------------------- */

static struct text_count *
count_of(struct comparing *compare, const struct outline_line *line)
{
    struct text_count *count;

    text_clear(&compare->text);
    add_words(&compare->text, line, 0);
    count = hashmap_find(&compare->by_text, text_str(&compare->text));
    if (count == NULL) {
        count = ARENA_NEW(&compare->scratch, struct text_count);
        hashmap_set(&compare->by_text,
                    str_from(arena_copy_str(&compare->scratch, text_str(&compare->text))), count);
    }
    return count;
}

static void
add_rule(struct comparing *compare, const struct outline_line *line, char sign)
{
    note_restart(compare, line);
    text_printf(&compare->rules, "  %c ", sign);
    add_words(&compare->rules, line, 0);
    text_add_char(&compare->rules, '\n');
}

/* The next rule that stands on both sides. */
static const struct outline_line *
next_common(struct comparing *compare, const struct outline_line *line, unsigned place)
{
    while (line != NULL) {
        const struct text_count *count;

        if (key_length(line, place) == 0) {
            count = count_of(compare, line);
            if (count->before == count->now)
                return line;
        }
        line = line->next;
    }
    return NULL;
}

static bool
is_reordered(struct comparing *compare)
{
    unsigned place = compare->now->place;
    const struct outline_line *before = next_common(compare, compare->before->lines, place);
    const struct outline_line *now = next_common(compare, compare->now->lines, place);

    while (before != NULL && now != NULL && is_same_line(before, now)) {
        before = next_common(compare, before->next, place);
        now = next_common(compare, now->next, place);
    }
    return before != NULL || now != NULL;
}

static void
compare_rules(struct comparing *compare)
{
    unsigned place = compare->now->place;

    for (struct outline_line *line = compare->now->lines; line != NULL; line = line->next) {
        if (key_length(line, place) == 0)
            count_of(compare, line)->now++;
    }
    if (is_reordered(compare)) {
        begin_item(compare);
        text_puts(&compare->what, "rules in another order");
    }
    for (struct outline_line *line = compare->before->lines; line != NULL; line = line->next) {
        struct text_count *count = key_length(line, place) == 0 ? count_of(compare, line) : NULL;

        if (count != NULL && count->before > count->now) {
            count->before--;
            add_rule(compare, line, '-');
        }
    }
    for (struct outline_line *line = compare->now->lines; line != NULL; line = line->next) {
        struct text_count *count = key_length(line, place) == 0 ? count_of(compare, line) : NULL;

        if (count != NULL && count->now > count->before) {
            count->now--;
            add_rule(compare, line, '+');
        }
    }
}

/* --- a section --------------------------------------------------------------------------- */

static void
index_lines(struct comparing *compare)
{
    unsigned place = compare->before->place;

    for (struct outline_line *line = compare->before->lines; line != NULL; line = line->next) {
        unsigned length = key_length(line, place);
        struct keyed_line *keyed;
        struct str key;

        if (length == 0) {
            count_of(compare, line)->before++;
            continue;
        }
        key = key_of(compare, line, length);
        keyed = hashmap_find(&compare->by_key, key);
        if (keyed == NULL) {
            keyed = ARENA_NEW(&compare->scratch, struct keyed_line);
            hashmap_set(&compare->by_key, str_from(arena_copy_str(&compare->scratch, key)), keyed);
        }
        keyed->line = line;
    }
}

static void
compare_keyed(struct comparing *compare)
{
    unsigned place = compare->now->place;

    for (struct outline_line *line = compare->now->lines; line != NULL; line = line->next) {
        unsigned length = key_length(line, place);
        struct keyed_line *keyed;

        if (length == 0)
            continue;
        keyed = hashmap_find(&compare->by_key, key_of(compare, line, length));
        if (keyed == NULL) {
            add_lone(compare, line, "added");
        } else if (!keyed->is_found) {
            keyed->is_found = true;
            compare_line(compare, keyed->line, line, length);
        }
    }
    for (struct outline_line *line = compare->before->lines; line != NULL; line = line->next) {
        unsigned length = key_length(line, place);
        const struct keyed_line *keyed =
            length == 0 ? NULL : hashmap_find(&compare->by_key, key_of(compare, line, length));

        if (keyed != NULL && keyed->line == line && !keyed->is_found)
            add_lone(compare, line, "removed");
    }
}

static void
name_section(struct text *out, const struct outline_section *section)
{
    text_puts(out, section->kind);
    if (section->name != NULL)
        text_printf(out, " %s", section->name);
}

static bool
is_same_section(const struct outline_section *before, const struct outline_section *now)
{
    const struct outline_line *left = before->lines, *right = now->lines;

    if (!is_same_line(before->head, now->head) || before->line_count != now->line_count)
        return false;
    for (; left != NULL && right != NULL; left = left->next, right = right->next) {
        if (!is_same_line(left, right))
            return false;
    }
    return true;
}

static void
write_section(const struct comparing *compare, struct text *out)
{
    if (compare->what.len == 0 && compare->rules.len == 0)
        return;
    name_section(out, compare->now);
    text_printf(out, ": %s", compare->what.len == 0 ? "rules changed" : text_cstr(&compare->what));
    if (compare->has_server_change && compare->servers_same > 0)
        text_printf(out, "; %u other%s unchanged", compare->servers_same,
                    compare->servers_same == 1 ? "" : "s");
    if (compare->restart.len > 0)
        text_printf(out, " (needs a restart: %s)", text_cstr(&compare->restart));
    text_add_char(out, '\n');
    text_add(out, text_str(&compare->rules));
}

static void
compare_section(const struct outline_section *before, const struct outline_section *now,
                struct text *out)
{
    struct comparing compare = { .before = before, .now = now };

    if (is_same_section(before, now))
        return;
    arena_init(&compare.scratch);
    if (!is_same_line(before->head, now->head)) {
        text_puts(&compare.what, "begins with '");
        add_words(&compare.what, now->head, 0);
        text_add_char(&compare.what, '\'');
    }
    index_lines(&compare);
    compare_keyed(&compare);
    compare_rules(&compare);
    write_section(&compare, out);
    text_fini(&compare.what);
    text_fini(&compare.rules);
    text_fini(&compare.restart);
    text_fini(&compare.key);
    text_fini(&compare.text);
    hashmap_fini(&compare.by_key);
    hashmap_fini(&compare.by_text);
    arena_fini(&compare.scratch);
}

/* --- all sections ------------------------------------------------------------------------ */

/* Sections of one kind and name follow each other in pairs. */
struct section_queue {
    const struct outline_section **items;
    unsigned count, cap, at;
};

static struct str
section_key(struct text *key, const struct outline_section *section)
{
    text_clear(key);
    name_section(key, section);
    return text_str(key);
}

static void
queue_add(struct section_queue *queue, struct arena *scratch, const struct outline_section *section)
{
    if (queue->count == queue->cap) {
        const struct outline_section **items;

        queue->cap = queue->cap == 0 ? 1 : queue->cap * 2;
        items = ARENA_ARRAY(scratch, const struct outline_section *, queue->cap);
        if (queue->count > 0)
            memcpy(items, queue->items, queue->count * sizeof(*items));
        queue->items = items;
    }
    queue->items[queue->count++] = section;
}

static void
index_sections(const struct outline *outline, struct hashmap *map, struct arena *scratch,
               struct text *key)
{
    for (const struct outline_section *section = outline->sections; section != NULL;
         section = section->next) {
        struct section_queue *queue = hashmap_find(map, section_key(key, section));

        if (queue == NULL) {
            queue = ARENA_NEW(scratch, struct section_queue);
            hashmap_set(map, str_from(arena_copy_str(scratch, text_str(key))), queue);
        }
        queue_add(queue, scratch, section);
    }
}

static void
say_whole(struct text *out, const struct outline_section *section, const char *what)
{
    unsigned servers = 0;

    for (const struct outline_line *line = section->lines; line != NULL; line = line->next)
        servers += is_server(line);
    name_section(out, section);
    text_printf(out, " %s", what);
    if (servers > 0)
        text_printf(out, " with %u server%s", servers, servers == 1 ? "" : "s");
    if (section->head->is_amended && *what == 'r')
        text_puts(out, " (it was added at run time)");
    text_add_char(out, '\n');
}

void
outline_compare(const struct outline *before, const struct outline *now, struct text *out)
{
    struct hashmap map = HASHMAP_INIT;
    struct text key = TEXT_INIT;
    struct arena scratch;

    arena_init(&scratch);
    index_sections(before, &map, &scratch, &key);
    for (const struct outline_section *section = now->sections; section != NULL;
         section = section->next) {
        struct section_queue *queue = hashmap_find(&map, section_key(&key, section));

        if (queue == NULL || queue->at == queue->count)
            say_whole(out, section, "added");
        else
            compare_section(queue->items[queue->at++], section, out);
    }
    for (const struct outline_section *section = before->sections; section != NULL;
         section = section->next) {
        struct section_queue *queue = hashmap_find(&map, section_key(&key, section));

        for (; queue->at < queue->count; queue->at++)
            say_whole(out, queue->items[queue->at], "removed");
    }
    text_fini(&key);
    hashmap_fini(&map);
    arena_fini(&scratch);
}
