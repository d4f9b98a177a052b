/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message to bytes: start line, fields, the connection's own fields, chunk heads, trailers.
 *
 * For:     the h1 mux, both sides.
 * Callers: h1_write.c; the fuzzer.
 * Thread:  owner of the message and the chain.
 *
 * First the fields that are about the connection or the body are looked at, if there are any, and
 * the framing is decided. Then everything is copied into the room of one buffer: fields that stand
 * one after the other in the received bytes and that nobody touched go out as one run. A head that
 * does not fit is made again in the message's arena and copied piece by piece, so headers added by
 * rules never make a message fail.
 *
 * What a received field says about its connection is never passed on; what a rule added is.
 */
#include "h1_writer.h"

#include <string.h>

#include "case_map.h"
#include "weir/base/crash.h"
#include "weir/base/number.h"
#include "weir/http/validate.h"

/* Fields that need a decision. */
#define SPECIAL                                                                                    \
    (FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_PROXY_CONNECTION) |                             \
     FIELD_BIT(FIELD_KEEP_ALIVE) | FIELD_BIT(FIELD_TRANSFER_ENCODING) |                            \
     FIELD_BIT(FIELD_CONTENT_LENGTH) | FIELD_BIT(FIELD_UPGRADE) | FIELD_BIT(FIELD_HTTP2_SETTINGS))

/* Versions, status, blanks, and every line that we may add, without the texts of the message. */
#define OVERHEAD_MAX 192

struct plan {
    unsigned options;
    struct h1_written written;
    struct str upgrade; /* to be sent with "connection: Upgrade"; len 0: none */
    bool is_request;
    bool is_1_0;        /* version to be written */
    bool has_length;    /* a content-length field is there */
    bool says_length;   /* ... or shall be */
    bool wants_upgrade; /* connection says so */
    bool wants_close;
    const struct case_map *names;
};

/* --- first pass: look ----------------------------------------------------- */

static inline bool
is_received(const struct field *field)
{
    return (field->flags & FIELD_RECEIVED) != 0;
}

static void
look_at_connection(struct plan *plan, const struct message *msg)
{
    for (int at = message_find_field(msg, FIELD_CONNECTION, 0); at >= 0;
         at = message_find_field(msg, FIELD_CONNECTION, (uint32_t)at + 1)) {
        const struct field *field = &msg->fields[at];

        /* "close" was taken out of received ones. */
        plan->wants_close = plan->wants_close || list_has(field_value(field), STR("close"));
        plan->wants_upgrade = plan->wants_upgrade || list_has(field_value(field), STR("upgrade"));
    }
}

static void
look_at_upgrade(struct plan *plan, const struct message *msg)
{
    for (int at = message_find_field(msg, FIELD_UPGRADE, 0); at >= 0 && plan->upgrade.len == 0;
         at = message_find_field(msg, FIELD_UPGRADE, (uint32_t)at + 1)) {
        const struct field *field = &msg->fields[at];

        /* 426 says what to ask for next time, RFC 9110 15.5.22. */
        if (!is_received(field) || (msg->flags & MESSAGE_UPGRADE) != 0 ||
            (!plan->is_request && msg->status == 426))
            plan->upgrade = field_value(field);
    }
}

/* --- decide --------------------------------------------------------------- */

static inline bool
is_old_version(const struct message *msg)
{
    return msg->version_major == 0 || (msg->version_major == 1 && msg->version_minor == 0);
}

static void
plan_request_body(struct plan *plan, const struct message *msg)
{
    plan->written.framing = msg->body;
    plan->written.length = msg->body_length;
    if (msg->body == BODY_LENGTH && !plan->has_length && !plan->is_1_0)
        plan->written.framing = BODY_CHUNKED; /* a rule took the length away */
    if (msg->body == BODY_CLOSE)
        plan->written.framing = BODY_CHUNKED;
    if (plan->written.framing == BODY_CHUNKED)
        plan->is_1_0 = false;
}

static void
plan_response_body(struct plan *plan, const struct message *msg)
{
    bool for_1_0 = (plan->options & H1_WRITE_FOR_1_0) != 0;

    plan->written.length = msg->body_length;
    if ((msg->flags & MESSAGE_NO_BODY_EXPECTED) != 0) {
        plan->written.framing = BODY_NONE;
        return;
    }
    switch ((enum body_kind)msg->body) {
    case BODY_NONE:
        plan->written.framing = BODY_LENGTH;
        plan->written.length = 0;
        return;
    case BODY_LENGTH:
        plan->written.framing = BODY_LENGTH;
        if (plan->has_length)
            return;
        plan->written.framing = for_1_0 || plan->is_1_0 ? BODY_CLOSE : BODY_CHUNKED;
        break;
    case BODY_CHUNKED:
        plan->written.framing = for_1_0 ? BODY_CLOSE : BODY_CHUNKED;
        break;
    case BODY_CLOSE:
        plan->written.framing = for_1_0 || plan->is_1_0 ? BODY_CLOSE : BODY_CHUNKED;
        break;
    }
    if (plan->written.framing == BODY_CHUNKED)
        plan->is_1_0 = false;
}

/* Rules may have added or removed what asks for another protocol. */
static void
plan_upgrade(struct plan *plan, struct message *msg)
{
    /* A message made by weir says it by the flag alone. */
    bool is_told =
        (msg->flags & MESSAGE_UPGRADE) != 0 && (msg->present & FIELD_BIT(FIELD_CONNECTION)) == 0;
    bool is_asked = is_told || plan->wants_upgrade || (!plan->is_request && msg->status == 426);
    bool is_bodiless = plan->written.framing == BODY_NONE ||
                       (plan->written.framing == BODY_LENGTH && plan->written.length == 0);
    bool is_allowed = plan->is_request ? is_bodiless : msg->status == 101 || msg->status == 426;

    if (!is_asked || !is_allowed || plan->is_1_0)
        plan->upgrade = STR_NONE;
    if (!plan->is_request)
        return;
    msg->flags &= ~(unsigned)MESSAGE_UPGRADE;
    msg->upgrade = plan->upgrade;
    if (plan->upgrade.len > 0)
        msg->flags |= MESSAGE_UPGRADE;
}

static inline void
make_plan(struct plan *plan, struct message *msg)
{
    const uint64_t about_connection = FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_UPGRADE);

    plan->is_request = (msg->flags & MESSAGE_IS_RESPONSE) == 0;
    /* Only HTTP/1.1 knows 101, whatever the server called itself. */
    plan->is_1_0 = is_old_version(msg) && (plan->is_request || msg->status != 101);
    plan->has_length =
        msg->body == BODY_LENGTH && message_find_field(msg, FIELD_CONTENT_LENGTH, 0) >= 0;
    if (plan->is_request)
        plan_request_body(plan, msg);
    else
        plan_response_body(plan, msg);
    plan->says_length = plan->written.framing == BODY_LENGTH ||
                        (plan->written.framing == BODY_NONE && msg->body == BODY_LENGTH);
    if ((msg->present & about_connection) != 0 || (msg->flags & MESSAGE_UPGRADE) != 0) {
        look_at_connection(plan, msg);
        look_at_upgrade(plan, msg);
        plan_upgrade(plan, msg);
    }
    plan->written.closes = plan->wants_close || (plan->options & H1_WRITE_CLOSE) != 0 ||
                           (msg->flags & MESSAGE_FORCE_CLOSE) != 0 ||
                           plan->written.framing == BODY_CLOSE;
}

/* --- second pass: write --------------------------------------------------- */

/* Where the next byte goes. Room for OVERHEAD_MAX bytes, our own, is left behind `end`. */
struct pen {
    char *at;
    char *end;
    bool is_full; /* something did not fit: nothing that was written counts */
};

static inline void
put(struct pen *pen, const char *from, size_t len)
{
    memcpy(pen->at, from, len);
    pen->at += len;
}

#define PUT(pen, lit) put((pen), (lit), sizeof(lit) - 1)

/* Text of the message: of any length. */
static inline void
put_text(struct pen *pen, const char *from, size_t len)
{
    if (__builtin_expect(len > (size_t)(pen->end - pen->at), 0)) {
        pen->is_full = true;
        return;
    }
    if (len > 0)
        put(pen, from, len);
}

static inline struct str
name_as_sent(const struct plan *plan, struct str name)
{
    return __builtin_expect(plan->names == NULL, 1) ? name : case_map_find(plan->names, name);
}

/* A line of our own. */
static void
put_own(const struct plan *plan, struct pen *pen, struct str name, struct str value)
{
    name = name_as_sent(plan, name);
    put(pen, name.ptr, name.len);
    PUT(pen, ": ");
    put(pen, value.ptr, value.len);
    PUT(pen, "\r\n");
}

static void
put_field(const struct plan *plan, struct pen *pen, const struct field *field)
{
    struct str name = name_as_sent(plan, field_name_str(field));

    if (name.len + field->value_len + 4 > (size_t)(pen->end - pen->at)) {
        pen->is_full = true;
        return;
    }
    put(pen, name.ptr, name.len);
    PUT(pen, ": ");
    if (field->value_len > 0)
        put(pen, field->value, field->value_len);
    PUT(pen, "\r\n");
}

static inline void
put_request_line(const struct plan *plan, struct pen *pen, const struct message *msg)
{
    struct str target = (msg->flags & MESSAGE_NORMALIZED) != 0 ? msg->path : msg->target;

    put_text(pen, msg->method_text.ptr, msg->method_text.len);
    PUT(pen, " ");
    put_text(pen, target.ptr, target.len);
    if (plan->is_1_0)
        PUT(pen, " HTTP/1.0\r\n");
    else
        PUT(pen, " HTTP/1.1\r\n");
}

static inline void
put_status_line(const struct plan *plan, struct pen *pen, const struct message *msg)
{
    unsigned status = msg->status;

    if (plan->is_1_0)
        PUT(pen, "HTTP/1.0 ");
    else
        PUT(pen, "HTTP/1.1 ");
    if (status < 1000) {
        *pen->at++ = (char)('0' + status / 100);
        *pen->at++ = (char)('0' + status / 10 % 10);
        *pen->at++ = (char)('0' + status % 10);
    } else {
        pen->at += number_format(pen->at, status);
    }
    PUT(pen, " ");
    put_text(pen, msg->reason.ptr, msg->reason.len);
    PUT(pen, "\r\n");
}

static void
put_length(const struct plan *plan, struct pen *pen)
{
    char digits[20];
    size_t len = number_format(digits, plan->written.length);

    put_own(plan, pen, STR("content-length"), str_of(digits, len));
}

/* What a rule wrote there, without the words that we write ourselves. */
static void
put_connection_words(const struct plan *plan, struct pen *pen, const struct field *field)
{
    struct str rest = field_value(field), name = name_as_sent(plan, STR("connection"));
    bool is_first = true;

    /* Each word may cost two bytes more than before. */
    if (2 * (size_t)field->value_len + OVERHEAD_MAX > (size_t)(pen->end - pen->at)) {
        pen->is_full = true;
        return;
    }
    while (rest.ptr != NULL) {
        struct str word = list_next(&rest);

        if (word.len == 0 || str_eq_nocase(word, STR("close")) ||
            str_eq_nocase(word, STR("keep-alive")) || str_eq_nocase(word, STR("upgrade")))
            continue;
        if (is_first)
            put(pen, name.ptr, name.len);
        put(pen, is_first ? ": " : ", ", 2);
        put(pen, word.ptr, word.len);
        is_first = false;
    }
    if (!is_first)
        PUT(pen, "\r\n");
}

static void
put_special(const struct plan *plan, struct pen *pen, const struct field *field)
{
    unsigned id = field->id;

    if (id == FIELD_CONTENT_LENGTH) {
        if (plan->says_length && plan->has_length)
            put_length(plan, pen);
        return;
    }
    if (id == FIELD_TRANSFER_ENCODING || is_received(field))
        return;
    if (id == FIELD_CONNECTION)
        put_connection_words(plan, pen, field);
    else if (id != FIELD_UPGRADE || plan->upgrade.len == 0)
        put_field(plan, pen, field);
}

/* Does the field need a decision? A length that stands there just as we would write it does not. */
static inline bool
is_special(const struct plan *plan, const struct field *field)
{
    if ((FIELD_BIT(field->id) & SPECIAL) == 0)
        return false;
    return field->id != FIELD_CONTENT_LENGTH || (field->flags & FIELD_VERBATIM) == 0 ||
           !plan->says_length;
}

/* Fields that stand together in the received bytes, and that nobody touched, go as one run. */
static void
put_fields(const struct plan *plan, struct pen *pen, const struct message *msg)
{
    const struct field *field = msg->fields, *last = field + msg->count;
    const unsigned verbatim = plan->names == NULL ? FIELD_VERBATIM : 0;
    const char *run = NULL, *run_end = NULL;

    for (; field < last; field++) {
        bool is_plain = (field->flags & verbatim) != 0 && !is_special(plan, field);

        if (field->name_len == 0)
            continue;
        if (is_plain && field->name == run_end) {
            run_end = field->value + field->value_len + 2;
            continue;
        }
        put_text(pen, run, (size_t)(run_end - run));
        run = run_end = NULL;
        if (is_plain) {
            run = field->name;
            run_end = field->value + field->value_len + 2;
        } else if (is_special(plan, field)) {
            put_special(plan, pen, field);
        } else {
            put_field(plan, pen, field);
        }
    }
    put_text(pen, run, (size_t)(run_end - run));
}

/* --- the connection's own fields ------------------------------------------ */

static inline void
put_framing(const struct plan *plan, struct pen *pen, const struct message *msg)
{
    bool is_headless_chunked = plan->written.framing == BODY_NONE && msg->body == BODY_CHUNKED &&
                               (plan->options & H1_WRITE_FOR_1_0) == 0 && !plan->is_request;

    if (plan->written.framing == BODY_CHUNKED || is_headless_chunked)
        put_own(plan, pen, STR("transfer-encoding"), STR("chunked"));
    else if (plan->written.framing == BODY_LENGTH && !plan->has_length)
        put_length(plan, pen);
}

static void
put_upgrade(const struct plan *plan, struct pen *pen)
{
    struct str name = name_as_sent(plan, STR("upgrade"));

    put_own(plan, pen, STR("connection"), STR("Upgrade"));
    put(pen, name.ptr, name.len);
    PUT(pen, ": ");
    put_text(pen, plan->upgrade.ptr, plan->upgrade.len);
    PUT(pen, "\r\n");
}

static inline void
put_persistence(const struct plan *plan, struct pen *pen, const struct message *msg)
{
    bool for_1_0 = plan->is_1_0 || (plan->options & H1_WRITE_FOR_1_0) != 0;
    bool says_close = plan->written.closes && (plan->options & H1_WRITE_HIDE_CLOSE) == 0;

    if (plan->upgrade.len > 0) {
        put_upgrade(plan, pen);
        return;
    }
    if (!plan->is_request && (msg->status < 200 || (msg->flags & MESSAGE_TUNNEL) != 0))
        return;
    if (says_close) {
        if (!plan->is_1_0)
            put_own(plan, pen, STR("connection"), STR("close"));
    } else if (for_1_0) {
        put_own(plan, pen, STR("connection"), STR("keep-alive"));
    }
}

/* Bytes written; 0: they do not fit. */
static size_t
put_head(const struct plan *plan, char *to, size_t room, const struct message *msg)
{
    struct pen pen = { .at = to, .end = to + room - OVERHEAD_MAX };

    if (plan->is_request)
        put_request_line(plan, &pen, msg);
    else
        put_status_line(plan, &pen, msg);
    put_fields(plan, &pen, msg);
    put_framing(plan, &pen, msg);
    put_persistence(plan, &pen, msg);
    PUT(&pen, "\r\n");
    return pen.is_full ? 0 : (size_t)(pen.at - to);
}

/* --- whole heads ---------------------------------------------------------- */

/* At least what the head needs. */
static size_t
size_of_head(const struct plan *plan, const struct message *msg)
{
    size_t size = msg->method_text.len + msg->target.len + msg->reason.len + plan->upgrade.len;

    for (uint32_t i = 0; i < msg->count; i++)
        size += msg->fields[i].name_len + 2 * (size_t)msg->fields[i].value_len + OVERHEAD_MAX;
    return size + 2 * OVERHEAD_MAX;
}

static bool
write_large_head(struct chain *out, struct message *msg, const struct plan *plan)
{
    size_t size = size_of_head(plan, msg);
    char *first = arena_take(&msg->arena, size);

    if (first == NULL)
        return false;
    size = put_head(plan, first, size, msg);
    MUST(size > 0);
    return chain_add_copy(out, first, size);
}

/* Room that is worth to be tried for what rules have added. */
#define USUAL_ROOM 1024

bool
h1_write_head(struct chain *out, struct message *msg, unsigned options,
              const struct case_map *names, struct h1_written *result)
{
    struct plan plan = { .options = options, .names = names };
    size_t room = msg->head_bytes + USUAL_ROOM, size;
    char *first;

    make_plan(&plan, msg);
    *result = plan.written;
    first = chain_reserve(out, room < buffer_default_size() ? room : buffer_default_size());
    if (first == NULL)
        return false;
    room = buffer_room(out->last->buf);
    size = room < OVERHEAD_MAX ? 0 : put_head(&plan, first, room, msg);
    chain_commit(out, size);
    return size > 0 || write_large_head(out, msg, &plan);
}

/* --- chunks --------------------------------------------------------------- */

size_t
h1_format_chunk_head(char *to, uint64_t size)
{
    size_t len = number_format_hex(to, size);

    memcpy(to + len, "\r\n", 2);
    return len + 2;
}

bool
h1_write_last_chunk(struct chain *out, const struct message *msg)
{
    if (msg == NULL || msg->trailer_count == 0)
        return chain_add_copy(out, "0\r\n\r\n", 5);
    if (!chain_add_copy(out, "0\r\n", 3))
        return false;
    for (uint32_t i = 0; i < msg->trailer_count; i++) {
        const struct field *field = &msg->trailers[i];

        if (field->name_len == 0)
            continue;
        if (!chain_add_copy(out, field->name, field->name_len) || !chain_add_copy(out, ": ", 2) ||
            !chain_add_copy(out, field->value, field->value_len) || !chain_add_copy(out, "\r\n", 2))
            return false;
    }
    return chain_add_copy(out, "\r\n", 2);
}
