/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the global section says about HTTP/1: limits, tolerance, letters of field names.
 *
 * For:     mux_settings, which the proxies fill.
 * Callers: the table of keywords; proxies in CONFIG_CHECK.
 * Thread:  builder.
 */
#include "weir/base/alloc.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/http/validate.h"
#include "weir/mux/mux.h"
#include "weir/os/file.h"
#include "case_map.h"
#include "h2_conf.h"

#define MAX_FIELDS_DEFAULT 101
#define MAX_FIELDS_MOST    32767

struct mux_conf {
    int64_t max_fields;
    struct case_map *names;
    bool any_payload;
    bool keep_insecure;
    /* Words of HAProxy that change nothing here: bodies are never copied, and nothing is counted as
     * a glitch yet. */
    bool zero_copy_receive, zero_copy_send;
};

static void
init(void *slot)
{
    struct mux_conf *conf = slot;

    conf->max_fields = MAX_FIELDS_DEFAULT;
    conf->zero_copy_receive = conf->zero_copy_send = true;
}

static struct slot mux_slot = {
    .name = "mux",
    .owner = SLOT_GLOBAL,
    .size = sizeof(struct mux_conf),
    .init = init,
};
REGISTER_SLOT(mux_slot);

void
mux_settings_fill(struct mux_settings *settings, const struct snapshot *snapshot)
{
    const struct mux_conf *conf = snapshot_slot(snapshot, &mux_slot);

    settings->max_fields = (uint32_t)conf->max_fields;
    settings->max_head = (uint32_t)buffer_default_size();
    settings->h2 = h2_conf_of(snapshot);
    settings->any_payload = conf->any_payload;
    settings->keep_insecure = conf->keep_insecure;
    settings->case_map = settings->case_adjust ? conf->names : NULL;
}

/* --- h1-case-adjust ------------------------------------------------------- */

static bool
add_pair(struct parse *parse, struct str from, struct str to)
{
    struct mux_conf *conf = keyword_slot(parse, &mux_slot);
    char *lower = arena_copy_str(parse->arena, from);

    for (size_t i = 0; i < from.len; i++) {
        if (byte_is(lower[i], BYTE_UPPER))
            lower[i] |= 0x20;
    }
    if (!validate_token(from))
        return parse_alert(parse, "'%s': '%.*s' is no name of a header field", parse->keyword,
                           STR_ARG(from));
    if (!str_eq_nocase(from, to))
        return parse_alert(parse,
                           "'%s': '%.*s' and '%.*s' must differ by nothing but the case of letters",
                           parse->keyword, STR_ARG(from), STR_ARG(to));
    if (!case_map_add(&conf->names, parse->arena, str_of(lower, from.len), to))
        return parse_alert(parse, "'%s': '%.*s' is there already", parse->keyword, STR_ARG(from));
    return true;
}

static bool
parse_case_adjust(struct parse *parse)
{
    const char *from = parse_word(parse, "the name of a header field, in lower case");
    const char *to = from == NULL ? NULL : parse_word(parse, "the same name as it shall be sent");

    return to != NULL && parse_end(parse) && add_pair(parse, str_from(from), str_from(to));
}

static struct str
next_name(struct str *line)
{
    size_t end = 0;
    struct str name;

    *line = str_trim(*line);
    while (end < line->len && line->ptr[end] != ' ' && line->ptr[end] != '\t')
        end++;
    name = str_of(line->ptr, end);
    *line = str_of(line->ptr + end, line->len - end);
    return name;
}

static bool
add_line(struct parse *parse, const char *path, unsigned number, struct str line)
{
    struct str from, to;

    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    from = next_name(&line);
    if (from.len == 0 || from.ptr[0] == '#')
        return true;
    to = next_name(&line);
    if (to.len == 0 || str_trim(line).len > 0)
        return parse_alert(parse, "'%s': line %u of '%s' does not contain two names",
                           parse->keyword, number, path);
    return add_pair(parse, from, to);
}

static bool
parse_case_adjust_file(struct parse *parse)
{
    const char *path = parse_word(parse, "the name of a file with two names in each line");
    struct error err = ERROR_INIT;
    size_t len;
    char *text;
    struct str rest;
    bool fine = true;

    if (path == NULL || !parse_end(parse))
        return false;
    text = file_read(path, &len, &err);
    if (text == NULL)
        return parse_alert(parse, "'%s': %s", parse->keyword, err.text);
    rest = str_of(text, len);
    for (unsigned number = 1; rest.ptr != NULL; number++)
        fine = add_line(parse, path, number, str_split(&rest, '\n')) && fine;
    alloc_free(text);
    return fine;
}

/* --- keywords ------------------------------------------------------------- */

static bool
parse_glitches(struct parse *parse)
{
    int64_t threshold;

    if (!parse_int(parse, "a number", 0, INT_MAX, &threshold))
        return false;
    if (threshold > 0)
        parse_warn(parse, "'%s' has no effect: a connection ends at its first malformed message",
                   parse->keyword);
    return parse_end(parse);
}

static const struct keyword keywords[] = {
    { "tune.http.maxhdr", IN_GLOBAL, .args = "<number>", .slot = &mux_slot,
      SET_INT(struct mux_conf, max_fields, 1, MAX_FIELDS_MOST),
      .help = "Most header fields that a received message may have." },
    { "h1-case-adjust", IN_GLOBAL, .args = "<from> <to>", .slot = &mux_slot,
      .parse = parse_case_adjust,
      .help = "Send a header field with other letters to peers that need it." },
    { "h1-case-adjust-file", IN_GLOBAL, .args = "<file>", .slot = &mux_slot,
      .parse = parse_case_adjust_file, .help = "The same for each line of a file." },
    { "h1-accept-payload-with-any-method", IN_GLOBAL, .slot = &mux_slot,
      SET_FLAG(struct mux_conf, any_payload),
      .help = "Accept a body with GET, HEAD and DELETE in HTTP/1.0." },
    { "h1-do-not-close-on-insecure-transfer-encoding", IN_GLOBAL, .slot = &mux_slot,
      SET_FLAG(struct mux_conf, keep_insecure),
      .help = "Keep a connection after a message with both a length and a transfer coding." },
    { "tune.h1.zero-copy-fwd-recv", IN_GLOBAL, .args = "{ on | off }", .slot = &mux_slot,
      SET_ON_OFF(struct mux_conf, zero_copy_receive),
      .help = "Accepted; bodies are never copied on their way." },
    { "tune.h1.zero-copy-fwd-send", IN_GLOBAL, .args = "{ on | off }", .slot = &mux_slot,
      SET_ON_OFF(struct mux_conf, zero_copy_send),
      .help = "Accepted; bodies are never copied on their way." },
    { "tune.h1.fe.glitches-threshold", IN_GLOBAL, .args = "<number>", .slot = &mux_slot,
      .parse = parse_glitches, .help = "Accepted with a warning; a connection ends at the first malformed request." },
    { "tune.h1.be.glitches-threshold", IN_GLOBAL, .args = "<number>", .slot = &mux_slot,
      .parse = parse_glitches, .help = "Accepted with a warning; a connection ends at the first malformed response." },
};
REGISTER(keyword, keywords);
