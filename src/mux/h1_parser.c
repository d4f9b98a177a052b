/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to message head: lines, names, values.
 *
 * For:     the h1 mux, both sides; the fuzzer.
 * Owns:    nothing: a message points into the bytes that were given.
 * Callers: h1_front.c, h1_back.c, h1_body.c (trailers).
 * Thread:  pure.
 *
 *     start line (h1_start_line.c) ── fields, each with its meaning (h1_meaning.c) ── empty line
 *         ── the meaning of the whole (h1_framing.c)
 *
 * Parsing always starts at the first byte of the head. A head usually comes in one piece; when it
 * does not, the mux waits for an empty line before it tries again (h1_has_head_end), so the work
 * stays linear.
 *
 * Two tolerances, both rewritten to the one strict form on the way out: LF alone ends a line (RFC
 * 9112 2.2), and several blanks may stand between the words of the start line. Folded lines are
 * joined with blanks (5.2).
 */
#include "weir/mux/h1_parser.h"

#include <string.h>

#include "h1_head.h"
#include "h1_scan.h"

/* Both bytes at once. */
static inline bool
is_pair(const char *at, const char *pair)
{
    return memcmp(at, pair, 2) == 0;
}

/* --- lines ---------------------------------------------------------------- */

enum parse_result
h1_skip_line_end(struct h1_head *h)
{
    if (h->pos == h->end)
        return PARSE_MORE;
    if (*h->pos == '\r') {
        if (h->pos + 1 == h->end)
            return PARSE_MORE;
        h->pos++;
    }
    if (*h->pos != '\n')
        return h1_refuse(h, 400, h->pos, "CR without LF (RFC 9112 2.2)");
    h->pos++;
    return PARSE_DONE;
}

/* Empty lines before a head, RFC 9112 2.2. */
static enum parse_result
skip_empty_lines(struct h1_head *h)
{
    while (h->pos < h->end && (*h->pos == '\r' || *h->pos == '\n')) {
        enum parse_result result = h1_skip_line_end(h);

        if (result != PARSE_DONE)
            return result;
    }
    return h->pos == h->end ? PARSE_MORE : PARSE_DONE;
}

/* At least one blank. */

/* --- fields --------------------------------------------------------------- */

/* The value and its line's end; a line may go on in the next one. h->pos is behind the line,
 * *value_end where the value ends. */
static enum parse_result
read_value(struct h1_head *h, char **value_end)
{
    for (;;) {
        char *stop = h->pos = h1_scan_value(h->pos, h->end);
        enum parse_result result;

        if (stop == h->end)
            return PARSE_MORE;
        if (*stop == '\0') {
            if (!h1_forgive(h))
                return h1_refuse(h, 400, stop, "NUL in a field value (RFC 9110 5.5)");
            h->pos++;
            continue;
        }
        result = h1_skip_line_end(h);
        if (result != PARSE_DONE)
            return result;
        if (h->pos == h->end)
            return PARSE_MORE;
        *value_end = stop;
        if (!h1_is_blank(*h->pos))
            return PARSE_DONE;
        memset(stop, ' ', (size_t)(h->pos - stop)); /* RFC 9112 5.2: folding becomes blanks */
    }
}

/* The name is no name. When the user tolerates that, the line is left out. */
static enum parse_result
read_bad_field(struct h1_head *h, char *name, char *stop)
{
    char *line_end = h1_scan_value(stop, h->end);
    char *value_end;

    if (h1_is_blank(*stop) && stop == name)
        return h1_refuse(h, 400, stop, "a blank before the first field (RFC 9112 2.2)");
    if (stop == name && *stop == ':')
        return h1_refuse(h, 400, stop, "a field without a name (RFC 9112 5)");
    if (line_end == h->end && h->limits->accept_unsafe)
        return PARSE_MORE;
    if (memchr(stop, ':', (size_t)(line_end - stop)) == NULL &&
        (line_end == h->end || *line_end != '\0'))
        return h1_refuse(h, 400, stop, "a field line without colon (RFC 9112 5)");
    if (!h1_forgive(h))
        return h1_refuse(h, 400, stop,
                         h1_is_blank(*stop) ? "a blank between name and colon (RFC 9112 5.1)"
                                            : "a byte that may not stand in a name (RFC 9110 5.1)");
    h->pos = line_end;
    return read_value(h, &value_end);
}

/* Skips blanks before a value. */
static inline enum parse_result
skip_to_value(struct h1_head *h, char *colon)
{
    h->pos = colon + 1;
    if (h->end - h->pos >= 2 && h->pos[0] == ' ' && !h1_is_blank(h->pos[1])) {
        h->pos++;
        return PARSE_DONE;
    }
    while (h->pos < h->end && h1_is_blank(*h->pos))
        h->pos++;
    return h->pos == h->end ? PARSE_MORE : PARSE_DONE;
}

static enum parse_result
keep_trailer(struct h1_head *h, const struct field *field)
{
    if (h->msg == NULL || h1_is_no_trailer((enum field_name)field->id))
        return PARSE_DONE;
    if (h->msg->trailer_count + 1 >= h->limits->max_fields)
        return h1_refuse(h, 400, field->name, "too many trailer fields");
    if (!message_add_trailer(h->msg, field_name_str(field), field_value(field)))
        return h1_refuse(h, 500, field->name, "out of memory");
    return PARSE_DONE;
}

/* The field stands in the room after the last one; counts it. */
static inline enum parse_result
keep_field(struct h1_head *h, struct field *field)
{
    if ((FIELD_BIT(field->id) & H1_MEANINGFUL) != 0) {
        enum h1_verdict verdict = h1_meaning_of_field(h, field);

        if (verdict != H1_KEEP)
            return verdict == H1_LEAVE_OUT ? PARSE_DONE : PARSE_BAD;
    }
    message_keep_field(h->msg, (enum field_name)field->id);
    return PARSE_DONE;
}

static inline void
set_field(struct field *field, char *name, char *colon, char *value, char *value_end)
{
    field->name = name;
    field->name_len = (uint16_t)(colon - name);
    field->value = value;
    field->value_len = (uint32_t)(value_end - value);
    field->id = (uint8_t)field_name_find(name, field->name_len);
}

/* The fields that stand there as nearly all do, "Name: value\r\n", one after the other; h->pos is
 * at the first line that is something else. The loop keeps what it counts in registers, and tells
 * the message when another function looks. */
static enum parse_result
read_usual_fields(struct h1_head *h)
{
    struct message *msg = h->msg;
    uint32_t most = h->limits->max_fields - 1 < msg->cap ? h->limits->max_fields - 1 : msg->cap;
    struct field *field = &msg->fields[msg->count], *end_of_room = &msg->fields[most];
    char *at = h->pos, *const end = h->end;
    uint64_t present = msg->present;

    while (field < end_of_room) {
        char *colon = h1_scan_name(at, end), *value = colon + 2, *stop;
        uint64_t bit;

        if (end - colon < 6 || colon == at || !is_pair(colon, ": ") || value[0] <= ' ' ||
            colon - at > UINT16_MAX)
            break;
        stop = h1_scan_value(value, end);
        if (end - stop < 3 || !is_pair(stop, "\r\n") || h1_is_blank(stop[2]) ||
            h1_is_blank(stop[-1]))
            break;
        set_field(field, at, colon, value, stop);
        field->flags = FIELD_RECEIVED | FIELD_VERBATIM;
        at = stop + 2;
        bit = FIELD_BIT(field->id);
        if ((bit & H1_MEANINGFUL) != 0) {
            enum h1_verdict verdict;

            msg->count = (uint32_t)(field - msg->fields);
            msg->present = present;
            verdict = h1_meaning_of_field(h, field);
            if (verdict == H1_REFUSED)
                return PARSE_BAD;
            if (verdict == H1_LEAVE_OUT)
                continue;
        }
        present |= bit;
        field++;
    }
    msg->count = (uint32_t)(field - msg->fields);
    msg->present = present;
    h->pos = at;
    return PARSE_DONE;
}

/* Any field, into `field`. *is_left_out: the line says nothing that is kept. */
static enum parse_result
read_odd_field(struct h1_head *h, struct field *field, bool *is_left_out)
{
    char *name = h->pos;
    char *colon = h1_scan_name(name, h->end);
    char *value, *stop, *value_end;
    enum parse_result result;

    *is_left_out = false;
    if (colon == h->end)
        return PARSE_MORE;
    if (*colon != ':' || colon == name || colon - name > UINT16_MAX) {
        *is_left_out = true;
        return read_bad_field(h, name, colon);
    }
    result = skip_to_value(h, colon);
    if (result != PARSE_DONE)
        return result;
    value = h->pos;
    result = read_value(h, &stop);
    if (result != PARSE_DONE)
        return result;
    while (value < stop && h1_is_blank(*value)) /* it began on the next line */
        value++;
    for (value_end = stop; value_end > value && h1_is_blank(value_end[-1]); value_end--)
        ;
    set_field(field, name, colon, value, value_end);
    field->flags = FIELD_RECEIVED;
    return PARSE_DONE;
}

static enum parse_result
read_field(struct h1_head *h)
{
    enum parse_result result;
    struct field *field;
    bool is_left_out;

    if (h->msg->count + 1 >= h->limits->max_fields)
        return h1_refuse(h, 400, h->pos, "too many header fields (tune.http.maxhdr)");
    field = message_field_room(h->msg);
    if (field == NULL)
        return h1_refuse(h, 500, h->pos, "out of memory");
    result = read_odd_field(h, field, &is_left_out);
    return result != PARSE_DONE || is_left_out ? result : keep_field(h, field);
}

static enum parse_result
read_trailer(struct h1_head *h)
{
    struct field field;
    bool is_left_out;
    enum parse_result result = read_odd_field(h, &field, &is_left_out);

    return result != PARSE_DONE || is_left_out ? result : keep_trailer(h, &field);
}

/* Up to and with the empty line. */
static enum parse_result
read_fields(struct h1_head *h)
{
    for (;;) {
        enum parse_result result = read_usual_fields(h);

        if (result != PARSE_DONE)
            return result;
        if (h->pos == h->end)
            return PARSE_MORE;
        if (*h->pos == '\r' || *h->pos == '\n')
            return h1_skip_line_end(h);
        result = read_field(h);
        if (result != PARSE_DONE)
            return result;
    }
}

static enum parse_result
read_trailers(struct h1_head *h)
{
    for (;;) {
        enum parse_result result;

        if (h->pos == h->end)
            return PARSE_MORE;
        if (*h->pos == '\r' || *h->pos == '\n')
            return h1_skip_line_end(h);
        result = read_trailer(h);
        if (result != PARSE_DONE)
            return result;
    }
}

/* --- heads ---------------------------------------------------------------- */

static inline void
head_init(struct h1_head *h, char *bytes, size_t len, const struct h1_limits *limits,
          struct message *msg)
{
    *h = (struct h1_head){
        .begin = bytes,
        .pos = bytes,
        .end = bytes + len,
        .msg = msg,
        .limits = limits,
    };
}

enum parse_result
h1_parse_request(char *bytes, size_t len, const struct h1_limits *limits, struct message *msg,
                 size_t *head_len, struct h1_error *err)
{
    struct h1_head h;
    enum parse_result result;

    head_init(&h, bytes, len, limits, msg);
    h.err = err;
    result = skip_empty_lines(&h);
    if (result == PARSE_DONE)
        result = h1_read_request_line(&h);
    if (result == PARSE_DONE && (msg->version_major != 0 || msg->version_minor != 9))
        result = read_fields(&h);
    if (result != PARSE_DONE)
        return result;
    *head_len = msg->head_bytes = (uint32_t)(h.pos - bytes);
    return h1_meaning_of_request(&h);
}

enum parse_result
h1_parse_answer(char *bytes, size_t len, const struct h1_limits *limits, struct h1_asked asked,
                struct message *msg, size_t *head_len, struct h1_error *err)
{
    struct h1_head h;
    enum parse_result result;

    head_init(&h, bytes, len, limits, msg);
    h.err = err;
    msg->flags |= MESSAGE_IS_RESPONSE;
    result = skip_empty_lines(&h);
    if (result == PARSE_DONE)
        result = h1_read_status_line(&h);
    if (result == PARSE_DONE)
        result = read_fields(&h);
    if (result != PARSE_DONE)
        return result;
    *head_len = msg->head_bytes = (uint32_t)(h.pos - bytes);
    return h1_meaning_of_response(&h, asked);
}

enum parse_result
h1_parse_response(char *bytes, size_t len, const struct h1_limits *limits,
                  const struct message *request, struct message *msg, size_t *head_len,
                  struct h1_error *err)
{
    struct h1_asked asked = { .method = METHOD_GET };

    if (request != NULL) {
        asked.method = request->method;
        asked.upgrade = (request->flags & MESSAGE_UPGRADE) != 0;
        asked.websocket = (request->flags & MESSAGE_WEBSOCKET) != 0;
    }
    return h1_parse_answer(bytes, len, limits, asked, msg, head_len, err);
}

enum parse_result
h1_parse_trailers(char *bytes, size_t len, const struct h1_limits *limits, struct message *msg,
                  size_t *size, struct h1_error *err)
{
    struct h1_limits strict = *limits;
    struct h1_head h;
    enum parse_result result;

    strict.accept_unsafe = false;
    head_init(&h, bytes, len, &strict, msg);
    h.err = err;
    result = read_trailers(&h);
    if (result == PARSE_DONE)
        *size = (size_t)(h.pos - bytes);
    return result;
}

/* --- unfinished heads ----------------------------------------------------- */

bool
h1_has_head_end(const char *bytes, size_t len, size_t known)
{
    const char *end = bytes + len;
    const char *at = bytes + (known > 3 ? known - 3 : 0);

    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        if (at < end && *at == '\n')
            return true;
        if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
            return true;
    }
    return false;
}

struct str
h1_longest_field(const char *bytes, size_t len)
{
    struct str longest = STR_NONE;
    size_t longest_line = 0;
    struct str rest = str_of(bytes, len);

    str_split(&rest, '\n'); /* the start line */
    while (rest.ptr != NULL) {
        struct str line = str_split(&rest, '\n');
        long colon = str_find_char(line, ':');

        if (colon > 0 && line.len > longest_line) {
            longest_line = line.len;
            longest = str_of(line.ptr, (size_t)colon);
        }
    }
    return longest;
}
