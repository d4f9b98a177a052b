/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads and bodies of HTTP/1, from bytes of no good will.
 *
 * The first byte chooses: request or response, strict or not, where to cut. Beyond not crashing:
 *   - cutting the bytes anywhere changes nothing of what is understood;
 *   - what is accepted, written, and parsed again strictly, says the same;
 *   - what is written contains nothing that two parsers could read differently.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mux/h1_body.h"
#include "mux/h1_writer.h"
#include "weir/base/crash.h"
#include "weir/mux/h1_parser.h"

enum choice {
    CHOOSE_RESPONSE = 1 << 0,
    CHOOSE_UNSAFE = 1 << 1,
    CHOOSE_CHUNKS = 1 << 2, /* a chunked body alone */
    CHOOSE_UPGRADE = 1 << 3,
    CHOOSE_HEAD = 1 << 4,
    CHOOSE_CONNECT = 1 << 5,
};

static struct h1_limits
limits_of(uint8_t choice)
{
    return (struct h1_limits){ .max_fields = 101, .accept_unsafe = (choice & CHOOSE_UNSAFE) != 0 };
}

static struct h1_asked
asked_of(uint8_t choice)
{
    struct h1_asked asked = { .method = METHOD_GET };

    if ((choice & CHOOSE_HEAD) != 0)
        asked.method = METHOD_HEAD;
    if ((choice & CHOOSE_CONNECT) != 0)
        asked.method = METHOD_CONNECT;
    asked.upgrade = (choice & CHOOSE_UPGRADE) != 0;
    return asked;
}

static enum parse_result
parse_up_to(uint32_t max_fields, char *bytes, size_t len, uint8_t choice, struct message *msg,
            size_t *head_len)
{
    struct h1_limits limits = limits_of(choice);
    struct h1_error err = { 0 };
    enum parse_result result;

    limits.max_fields = max_fields;
    if ((choice & CHOOSE_RESPONSE) != 0)
        result = h1_parse_answer(bytes, len, &limits, asked_of(choice), msg, head_len, &err);
    else
        result = h1_parse_request(bytes, len, &limits, msg, head_len, &err);
    MUST(result != PARSE_BAD || (err.status >= 400 && err.text != NULL && err.offset <= len));
    MUST(result != PARSE_DONE || (*head_len > 0 && *head_len <= len));
    return result;
}

static enum parse_result
parse(char *bytes, size_t len, uint8_t choice, struct message *msg, size_t *head_len)
{
    return parse_up_to(limits_of(choice).max_fields, bytes, len, choice, msg, head_len);
}

static char *
copy_of(const void *bytes, size_t len)
{
    char *copy = malloc(len == 0 ? 1 : len);

    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

/* --- heads ---------------------------------------------------------------- */

static struct str
sent_head(struct message *msg, unsigned options)
{
    struct chain out = { 0 };
    struct h1_written written;
    char *text;
    size_t len;

    MUST(h1_write_head(&out, msg, options, NULL, &written));
    len = out.bytes;
    text = malloc(len);
    MUST(chain_peek(&out, 0, text, len) == len);
    chain_clear(&out);
    return str_of(text, len);
}

/* One meaning for everybody: lines end with CR LF, and nothing else is a CR, LF or NUL. */
static void
check_bytes(struct str text, bool is_unsafe)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        MUST(c != '\r' || (i + 1 < text.len && text.ptr[i + 1] == '\n'));
        MUST(c != '\n' || (i > 0 && text.ptr[i - 1] == '\r'));
        MUST(c != '\0' || is_unsafe);
    }
    MUST(text.len >= 4 && memcmp(text.ptr + text.len - 4, "\r\n\r\n", 4) == 0);
}

/* Fields of a message that the writer passes on. */
static const struct field *
next_passed_on(const struct message *msg, uint32_t *at)
{
    const uint64_t ours = FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_PROXY_CONNECTION) |
                          FIELD_BIT(FIELD_KEEP_ALIVE) | FIELD_BIT(FIELD_TRANSFER_ENCODING) |
                          FIELD_BIT(FIELD_CONTENT_LENGTH) | FIELD_BIT(FIELD_UPGRADE) |
                          FIELD_BIT(FIELD_HTTP2_SETTINGS);

    while (*at < msg->count) {
        const struct field *field = &msg->fields[(*at)++];

        if (field->name_len != 0 && (FIELD_BIT(field->id) & ours) == 0)
            return field;
    }
    return NULL;
}

static void
check_same_fields(const struct message *first, const struct message *second)
{
    uint32_t at_first = 0, at_second = 0;

    for (;;) {
        const struct field *a = next_passed_on(first, &at_first);
        const struct field *b = next_passed_on(second, &at_second);

        if (a == NULL || b == NULL) {
            MUST(a == NULL && b == NULL);
            return;
        }
        MUST(str_eq(field_name_str(a), field_name_str(b)));
        MUST(str_eq(field_value(a), field_value(b)));
    }
}

static void
check_same_body(const struct message *first, const struct message *second)
{
    if ((first->flags & MESSAGE_NO_BODY_EXPECTED) != 0) {
        MUST((second->flags & MESSAGE_NO_BODY_EXPECTED) != 0);
        return;
    }
    if (first->body == BODY_LENGTH) {
        MUST(second->body == BODY_LENGTH && second->body_length == first->body_length);
    } else if (first->body == BODY_CHUNKED) {
        MUST(second->body == BODY_CHUNKED);
    } else if (first->body == BODY_NONE) {
        MUST(second->body == BODY_NONE);
    } else {
        MUST(second->body == BODY_CHUNKED || second->body == BODY_CLOSE);
    }
}

/* Writes the message and reads it again. */
static void
check_written(struct message *msg, uint8_t choice)
{
    bool is_unsafe = (msg->flags & MESSAGE_UNSAFE_ACCEPTED) != 0;
    struct str text = sent_head(msg, 0);
    char *bytes = copy_of(text.ptr, text.len);
    struct message *again = message_take();
    size_t head_len = 0;
    enum parse_result result;

    check_bytes(text, is_unsafe);
    if (!is_unsafe)
        choice &= (uint8_t)~CHOOSE_UNSAFE;
    /* The writer may have added a few. */
    result =
        parse_up_to(limits_of(choice).max_fields + 10, bytes, text.len, choice, again, &head_len);
    MUST(result == PARSE_DONE && head_len == text.len);
    MUST(again->method == msg->method && again->status == msg->status);
    MUST(str_eq(again->method_text, msg->method_text));
    MUST(str_eq(again->target, msg->target));
    check_same_fields(msg, again);
    check_same_body(msg, again);
    MUST((msg->flags & MESSAGE_UPGRADE) == (again->flags & MESSAGE_UPGRADE) ||
         (msg->flags & MESSAGE_IS_RESPONSE) != 0);
    free((char *)(uintptr_t)text.ptr);
    /* For an old client, too. */
    if ((msg->flags & MESSAGE_IS_RESPONSE) != 0) {
        text = sent_head(msg, H1_WRITE_FOR_1_0);
        check_bytes(text, is_unsafe);
        free((char *)(uintptr_t)text.ptr);
    }
    message_give(again);
    free(bytes);
}

static void
fuzz_head(const uint8_t *data, size_t size, uint8_t choice, size_t cut)
{
    char *first = copy_of(data, cut), *all = copy_of(data, size);
    struct message *part = message_take(), *msg = message_take();
    size_t part_len = 0, head_len = 0;
    enum parse_result part_result = parse(first, cut, choice, part, &part_len);
    enum parse_result result;

    memcpy(all, first, cut); /* what looking at the first part has changed */
    result = parse(all, size, choice, msg, &head_len);
    MUST(part_result == PARSE_MORE || part_result == result);
    MUST(part_result != PARSE_DONE || part_len == head_len);
    MUST(result == PARSE_BAD || h1_has_head_end(all, size, 0) || result == PARSE_MORE ||
         msg->version_major == 0);
    if (result == PARSE_DONE && msg->version_major >= 1)
        check_written(msg, choice);
    (void)h1_longest_field(all, size);
    message_give(part);
    message_give(msg);
    free(first);
    free(all);
}

/* --- chunks --------------------------------------------------------------- */

struct unchunked {
    struct h1_body body;
    char *data;
    size_t data_len;
    size_t used;
    enum parse_result result;
};

static void
unchunk(struct unchunked *to, const uint8_t *bytes, size_t len)
{
    struct h1_error err;

    while (to->result == PARSE_MORE && to->used < len) {
        char *part = copy_of(bytes + to->used, len - to->used);
        size_t used, data_len;

        to->result = h1_body_read(&to->body, part, len - to->used, &used, &data_len, &err);
        if (to->result != PARSE_BAD) {
            MUST(data_len <= used && used <= len - to->used);
            MUST(used > 0 || to->result == PARSE_DONE);
            memcpy(to->data + to->data_len, part + used - data_len, data_len);
            to->data_len += data_len;
            to->used += used;
        }
        free(part);
    }
}

static void
fuzz_chunks(const uint8_t *data, size_t size, uint8_t choice, size_t cut)
{
    struct unchunked whole = { .data = malloc(size + 1), .result = PARSE_MORE };
    struct unchunked parts = { .data = malloc(size + 1), .result = PARSE_MORE };

    h1_body_init(&whole.body, BODY_CHUNKED, 0, (choice & CHOOSE_UNSAFE) != 0);
    parts.body = whole.body;
    unchunk(&whole, data, size);
    unchunk(&parts, data, cut);
    unchunk(&parts, data, size);
    MUST(whole.result == parts.result);
    MUST(whole.data_len == parts.data_len);
    MUST(memcmp(whole.data, parts.data, whole.data_len) == 0);
    if (whole.result == PARSE_DONE) {
        struct h1_limits limits = limits_of(choice);
        char *rest = copy_of(data + whole.used, size - whole.used);
        struct message *msg = message_take();
        struct h1_error err;
        size_t used = 0;

        MUST(whole.used == parts.used);
        if (h1_parse_trailers(rest, size - whole.used, &limits, msg, &used, &err) == PARSE_DONE)
            MUST(used <= size - whole.used);
        message_give(msg);
        free(rest);
    }
    free(whole.data);
    free(parts.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t choice;
    size_t cut;

    if (size < 2)
        return 0;
    choice = data[0];
    size -= 2;
    cut = size * data[1] / 255;
    if ((choice & CHOOSE_CHUNKS) != 0)
        fuzz_chunks(data + 2, size, choice, cut);
    else
        fuzz_head(data + 2, size, choice, cut);
    return 0;
}
