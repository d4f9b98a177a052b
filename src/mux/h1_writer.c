/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message to bytes: start line, fields, the connection's own fields, chunk heads, trailers.
 *
 * For:     the h1 mux, both sides.
 * Callers: h1_write.c; the fuzzer.
 * Thread:  owner of the message and the chain.
 *
 * Two passes. The first looks at the fields that are about the connection or the body, decides the
 * framing, and adds up sizes. The second copies into room that was reserved for all of it: fields
 * that stand one after the other in the received bytes and that nobody touched go out as one run. A
 * head that is larger than a buffer is made in the message's arena and then copied piece by piece,
 * so headers added by rules never make a message fail.
 *
 * What a received field says about its connection is never passed on; what a rule added is.
 */
#include "h1_writer.h"

#include <string.h>

#include "case_map.h"
#include "weir/base/number.h"
#include "weir/http/validate.h"

/* Fields that need a decision. */
#define SPECIAL                                                                                    \
    (FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_PROXY_CONNECTION) |                             \
     FIELD_BIT(FIELD_KEEP_ALIVE) | FIELD_BIT(FIELD_TRANSFER_ENCODING) |                            \
     FIELD_BIT(FIELD_CONTENT_LENGTH) | FIELD_BIT(FIELD_UPGRADE) | FIELD_BIT(FIELD_HTTP2_SETTINGS))

/* Start line without its texts, and every line that we may add. */
#define OVERHEAD_MAX 192

struct plan {
    size_t size; /* at least what the head needs */
    unsigned options;
    struct h1_written written;
    struct str upgrade; /* to be sent with "connection: Upgrade"; len 0: none */
    bool is_request;
    bool is_1_0;        /* version to be written */
    bool has_length;    /* a content-length field is there */
    bool wants_upgrade; /* connection says so, in a field made by a rule */
    bool wants_close;
    const struct case_map *names;
};

/* --- first pass: look ---------------------------------------------------------------- */

static inline bool
is_received(const struct field *field)
{
    return (field->flags & FIELD_RECEIVED) != 0;
}

static void
look_at_connection(struct plan *plan, const struct field *field)
{
    struct str value = field_value(field);

    if (is_received(field))
        return;
    plan->wants_close = plan->wants_close || list_has(value, STR("close"));
    plan->wants_upgrade = plan->wants_upgrade || list_has(value, STR("upgrade"));
}

static void
look_at_special(struct plan *plan, const struct message *msg, const struct field *field)
{
    unsigned id = field->id;

    if (id == FIELD_CONNECTION) {
        look_at_connection(plan, field);
    } else if (id == FIELD_CONTENT_LENGTH) {
        plan->has_length = true;
    } else if (id == FIELD_UPGRADE) {
        /* 426 says what to ask for next time, RFC 9110 15.5.22. */
        bool is_meant = !is_received(field) || (msg->flags & MESSAGE_UPGRADE) != 0 ||
                        (!plan->is_request && msg->status == 426);

        if (is_meant && plan->upgrade.len == 0)
            plan->upgrade = field_value(field);
    }
}

static inline void
look_at_fields(struct plan *plan, const struct message *msg)
{
    size_t size = 0;

    for (uint32_t i = 0; i < msg->count; i++) {
        const struct field *field = &msg->fields[i];

        size += (size_t)field->name_len + field->value_len + 4;
        if ((FIELD_BIT(field->id) & SPECIAL) != 0 && field->name_len != 0)
            look_at_special(plan, msg, field);
    }
    plan->size = size + OVERHEAD_MAX;
}

/* --- decide ------------------------------------------------------------------------------ */

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
    bool is_asked = (msg->flags & MESSAGE_UPGRADE) != 0 || plan->wants_upgrade ||
                    (!plan->is_request && msg->status == 426);
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
    plan->is_request = (msg->flags & MESSAGE_IS_RESPONSE) == 0;
    plan->is_1_0 = is_old_version(msg);
    look_at_fields(plan, msg);
    if (plan->is_request) {
        plan->size += msg->method_text.len + msg->target.len;
        plan_request_body(plan, msg);
    } else {
        plan->size += msg->reason.len;
        plan_response_body(plan, msg);
    }
    if ((msg->present & FIELD_BIT(FIELD_UPGRADE)) != 0 || (msg->flags & MESSAGE_UPGRADE) != 0)
        plan_upgrade(plan, msg);
    plan->size += plan->upgrade.len;
    plan->written.closes = plan->wants_close || (plan->options & H1_WRITE_CLOSE) != 0 ||
                           (msg->flags & MESSAGE_FORCE_CLOSE) != 0 ||
                           plan->written.framing == BODY_CLOSE;
}

/* --- second pass: write ------------------------------------------------------------------- */

static inline char *
put(char *to, const char *from, size_t len)
{
    memcpy(to, from, len);
    return to + len;
}

/* Fields that stand together in the received bytes; run NULL: none. */
static inline char *
put_run(char *to, const char *run, const char *run_end)
{
    return run == NULL ? to : put(to, run, (size_t)(run_end - run));
}

#define PUT(to, lit) put((to), (lit), sizeof(lit) - 1)

static inline char *
put_str(char *to, struct str text)
{
    return text.len == 0 ? to : put(to, text.ptr, text.len);
}

static inline char *
put_line_end(char *to)
{
    return PUT(to, "\r\n");
}

static inline char *
put_name(const struct plan *plan, char *to, struct str name)
{
    if (__builtin_expect(plan->names != NULL, 0))
        name = case_map_find(plan->names, name);
    return put_str(to, name);
}

static char *
put_field(const struct plan *plan, char *to, struct str name, struct str value)
{
    to = put_name(plan, to, name);
    to = PUT(to, ": ");
    to = put_str(to, value);
    return put_line_end(to);
}

static inline char *
put_request_line(const struct plan *plan, char *to, const struct message *msg)
{
    to = put_str(to, msg->method_text);
    *to++ = ' ';
    to = put_str(to, msg->target);
    return plan->is_1_0 ? PUT(to, " HTTP/1.0\r\n") : PUT(to, " HTTP/1.1\r\n");
}

static inline char *
put_status_line(const struct plan *plan, char *to, const struct message *msg)
{
    to = plan->is_1_0 ? PUT(to, "HTTP/1.0 ") : PUT(to, "HTTP/1.1 ");
    if (msg->status < 1000) {
        *to++ = (char)('0' + msg->status / 100);
        *to++ = (char)('0' + msg->status / 10 % 10);
        *to++ = (char)('0' + msg->status % 10);
    } else {
        to += number_format(to, msg->status);
    }
    *to++ = ' ';
    return put_line_end(put_str(to, msg->reason));
}

static char *
put_length(const struct plan *plan, char *to, uint64_t length)
{
    to = put_name(plan, to, STR("content-length"));
    to = PUT(to, ": ");
    to += number_format(to, length);
    return put_line_end(to);
}

/* Does the message say its length? A HEAD's answer says that of the body which it has not. */
static inline bool
says_length(const struct plan *plan, const struct message *msg)
{
    return plan->written.framing == BODY_LENGTH ||
           (plan->written.framing == BODY_NONE && msg->body == BODY_LENGTH);
}

/* What a rule wrote there, without the words that we write ourselves. */
static char *
put_connection_words(const struct plan *plan, char *to, const struct field *field)
{
    struct str rest = field_value(field);
    char *first = to;

    while (rest.ptr != NULL) {
        struct str word = list_next(&rest);

        if (word.len == 0 || str_eq_nocase(word, STR("close")) ||
            str_eq_nocase(word, STR("keep-alive")) || str_eq_nocase(word, STR("upgrade")))
            continue;
        if (to == first)
            to = PUT(put_name(plan, to, STR("connection")), ": ");
        else
            *to++ = ',';
        to = put_str(to, word);
    }
    return to == first ? to : put_line_end(to);
}

static char *
put_special(const struct plan *plan, char *to, const struct message *msg, const struct field *field)
{
    unsigned id = field->id;

    if (id == FIELD_CONTENT_LENGTH)
        return says_length(plan, msg) ? put_length(plan, to, plan->written.length) : to;
    if (id == FIELD_TRANSFER_ENCODING || is_received(field))
        return to;
    if (id == FIELD_CONNECTION)
        return put_connection_words(plan, to, field);
    if (id == FIELD_UPGRADE && plan->upgrade.len > 0)
        return to; /* with the connection's fields */
    return put_field(plan, to, field_name_str(field), field_value(field));
}

/* Does the field need a decision? A length that stands there just as we would write it does not. */
static inline bool
is_special(const struct plan *plan, const struct message *msg, const struct field *field)
{
    if ((FIELD_BIT(field->id) & SPECIAL) == 0)
        return false;
    return field->id != FIELD_CONTENT_LENGTH || (field->flags & FIELD_VERBATIM) == 0 ||
           !says_length(plan, msg);
}

static char *
put_fields(const struct plan *plan, char *to, const struct message *msg)
{
    unsigned verbatim = plan->names == NULL ? FIELD_VERBATIM : 0;
    const char *run = NULL, *run_end = NULL;

    for (uint32_t i = 0; i < msg->count; i++) {
        const struct field *field = &msg->fields[i];

        if (field->name_len == 0)
            continue;
        if (is_special(plan, msg, field)) {
            to = put_run(to, run, run_end);
            run = run_end = NULL;
            to = put_special(plan, to, msg, field);
            continue;
        }
        if (field->name != run_end || (field->flags & verbatim) == 0) {
            to = put_run(to, run, run_end);
            run = run_end = NULL;
        }
        if ((field->flags & verbatim) == 0) {
            to = put_field(plan, to, field_name_str(field), field_value(field));
            continue;
        }
        if (run == NULL)
            run = field->name;
        run_end = field->value + field->value_len + 2;
    }
    return put_run(to, run, run_end);
}

/* --- the connection's own fields ---------------------------------------------------------------
 */

static char *
put_framing(const struct plan *plan, char *to, const struct message *msg)
{
    bool is_headless_chunked = plan->written.framing == BODY_NONE && msg->body == BODY_CHUNKED &&
                               (plan->options & H1_WRITE_FOR_1_0) == 0 && !plan->is_request;

    if (plan->written.framing == BODY_CHUNKED || is_headless_chunked)
        return put_field(plan, to, STR("transfer-encoding"), STR("chunked"));
    if (plan->written.framing == BODY_LENGTH && !plan->has_length)
        return put_length(plan, to, plan->written.length);
    return to;
}

static char *
put_persistence(const struct plan *plan, char *to, const struct message *msg)
{
    struct str name = STR("connection");

    if (plan->upgrade.len > 0) {
        to = put_field(plan, to, name, STR("Upgrade"));
        return put_field(plan, to, STR("upgrade"), plan->upgrade);
    }
    if (!plan->is_request && (msg->status < 200 || (msg->flags & MESSAGE_TUNNEL) != 0))
        return to;
    if (plan->written.closes && (plan->options & H1_WRITE_HIDE_CLOSE) == 0)
        return plan->is_1_0 ? to : put_field(plan, to, name, STR("close"));
    if (plan->is_1_0 || (plan->options & H1_WRITE_FOR_1_0) != 0)
        return put_field(plan, to, name, STR("keep-alive"));
    return to;
}

static char *
put_head(const struct plan *plan, char *to, const struct message *msg)
{
    to = plan->is_request ? put_request_line(plan, to, msg) : put_status_line(plan, to, msg);
    to = put_fields(plan, to, msg);
    to = put_framing(plan, to, msg);
    to = put_persistence(plan, to, msg);
    return put_line_end(to);
}

/* --- whole heads
 * ----------------------------------------------------------------------------------- */

static bool
write_large_head(struct chain *out, struct message *msg, const struct plan *plan)
{
    char *first = arena_take(&msg->arena, plan->size);

    return first != NULL &&
           chain_add_copy(out, first, (size_t)(put_head(plan, first, msg) - first));
}

bool
h1_write_head(struct chain *out, struct message *msg, unsigned options,
              const struct case_map *names, struct h1_written *result)
{
    struct plan plan = { .options = options, .names = names };
    char *first;

    make_plan(&plan, msg);
    *result = plan.written;
    if (__builtin_expect(plan.size > buffer_default_size(), 0))
        return write_large_head(out, msg, &plan);
    first = chain_reserve(out, plan.size);
    if (first == NULL)
        return false;
    chain_commit(out, (size_t)(put_head(&plan, first, msg) - first));
    return true;
}

/* --- chunks
 * ------------------------------------------------------------------------------------------ */

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
