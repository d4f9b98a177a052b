/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of weir's own: read from the text of an error file, made into a message.
 *
 * For:     error pages, rules that return a file.
 * Callers: configuration (reply_parse), stream (reply_to_message).
 * Thread:  reply_parse: builder. reply_to_message: owner.
 *
 * The text is what a user wrote with an editor: lines may end with LF alone. Field order and words
 * are kept. A content-length is checked and then taken out, because the writer makes it.
 */
#include "weir/http/reply.h"

#include "weir/config/parse.h"

#include <string.h>

#include "weir/base/crash.h"
#include "weir/base/number.h"
#include "weir/http/validate.h"

#define REPLY_FIELDS_MAX 100

/* --- from text ------------------------------------------------------------ */

struct reading {
    struct str rest;
    struct arena *arena;
    struct reply *out;
    struct error *err;
    unsigned line; /* from 1 */
    bool has_length;
    uint64_t length;
};

/* The next line without its end; false: there is none. */
static bool
next_line(struct reading *r, struct str *line)
{
    const char *end = r->rest.len == 0 ? NULL : memchr(r->rest.ptr, '\n', r->rest.len);
    size_t size;

    if (end == NULL)
        return error_set(r->err,
                         "line %u: the head has no end (an empty line after the header fields)",
                         r->line + 1);
    size = (size_t)(end + 1 - r->rest.ptr);
    *line = str_of(r->rest.ptr, size - 1);
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    r->rest = str_of(end + 1, r->rest.len - size);
    r->line++;
    return true;
}

static bool
read_status_line(struct reading *r)
{
    struct str line;
    uint64_t status;

    if (!next_line(r, &line))
        return false;
    if (line.len < 12 || memcmp(line.ptr, "HTTP/1.", 7) != 0 || !byte_is(line.ptr[7], BYTE_DIGIT) ||
        line.ptr[8] != ' ' || !number_read_digits(str_slice(line, 9, 3), &status) || status < 100 ||
        (line.len > 12 && line.ptr[12] != ' ') || !validate_value(line))
        return error_set(r->err,
                         "line 1: '%.*s' is no status line; expected 'HTTP/1.1 503 Some words'",
                         STR_ARG(line));
    r->out->version_minor = (uint8_t)(line.ptr[7] == '0' ? 0 : 1);
    r->out->status = (int)status;
    r->out->reason = str_slice(line, 13, line.len);
    return true;
}

static bool
read_length_field(struct reading *r, struct str value)
{
    struct str plain;

    if (!validate_length(value, &r->length, &plain))
        return error_set(r->err, "line %u: content-length '%.*s' is no number", r->line,
                         STR_ARG(value));
    r->has_length = true;
    return true;
}

static struct str
lower_copy(struct arena *arena, struct str text)
{
    char *copy = arena_copy_str(arena, text);

    for (size_t i = 0; i < text.len; i++) {
        if (byte_is(copy[i], BYTE_UPPER))
            copy[i] |= 0x20;
    }
    return str_of(copy, text.len);
}

static bool
read_field(struct reading *r, struct str line, struct field *field)
{
    long colon = str_find_char(line, ':');
    struct str name = colon < 0 ? STR_NONE : str_of(line.ptr, (size_t)colon);
    struct str value;

    if (!validate_token(name) || name.len > UINT16_MAX)
        return error_set(r->err, "line %u: '%.*s' is no header field; expected 'name: value'",
                         r->line, STR_ARG(line));
    value = str_trim(str_slice(line, name.len + 1, line.len));
    if (!validate_value(value))
        return error_set(r->err, "line %u: a NUL or CR stands in the value of '%.*s'", r->line,
                         STR_ARG(name));
    name = lower_copy(r->arena, name);
    *field = (struct field){
        .name = name.ptr,
        .name_len = (uint16_t)name.len,
        .value = value.ptr,
        .value_len = (uint32_t)value.len,
        .id = (uint8_t)field_name_find(name.ptr, name.len),
    };
    if (field->id == FIELD_TRANSFER_ENCODING)
        return error_set(r->err, "line %u: a transfer-encoding is not supported here", r->line);
    if (field->id == FIELD_CONTENT_LENGTH)
        return read_length_field(r, value);
    return true;
}

static bool
read_fields(struct reading *r)
{
    struct field *fields = ARENA_ARRAY(r->arena, struct field, REPLY_FIELDS_MAX);
    uint32_t count = 0;
    struct str line;

    while (next_line(r, &line)) {
        if (line.len == 0) {
            r->out->fields = fields;
            r->out->field_count = count;
            return true;
        }
        if (count == REPLY_FIELDS_MAX)
            return error_set(r->err, "line %u: too many header fields", r->line);
        if (!read_field(r, line, &fields[count]))
            return false;
        if (fields[count].id != FIELD_CONTENT_LENGTH)
            count++;
    }
    return false;
}

bool
reply_parse(struct str raw, struct arena *arena, struct reply *out, struct error *err)
{
    struct reading r = { .rest = raw, .arena = arena, .out = out, .err = err };

    *out = (struct reply){ .version_minor = 1 };
    if (raw.len == 0)
        return true;
    if (!read_status_line(&r) || !read_fields(&r))
        return false;
    out->body = r.rest;
    if (r.has_length && r.length != out->body.len)
        return error_set(err, "the body has %zu bytes, but content-length says %llu", out->body.len,
                         (unsigned long long)r.length);
    return true;
}

/* --- to a message --------------------------------------------------------- */

static bool
add_length(struct message *msg, uint64_t length)
{
    char *digits = arena_take(&msg->arena, 20);

    if (digits == NULL)
        return false;
    msg->body = BODY_LENGTH;
    msg->body_length = length;
    return message_add_field(msg, FIELD_CONTENT_LENGTH, STR("content-length"),
                             str_of(digits, number_format(digits, length)));
}

/* 204 and 304 have no body and say no length. */
static bool
may_have_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

struct message *
reply_to_message(const struct reply *reply)
{
    struct message *msg = message_take();
    bool fine = true;

    MUST(reply->status >= 100);
    if (msg == NULL)
        return NULL;
    msg->flags = MESSAGE_IS_RESPONSE | MESSAGE_LOCAL;
    msg->version_major = 1;
    msg->version_minor = reply->version_minor;
    msg->status = (uint16_t)reply->status;
    msg->reason = reply->reason;
    if (may_have_body(reply->status))
        fine = add_length(msg, reply->body.len);
    else
        msg->flags |= MESSAGE_NO_BODY_EXPECTED;
    for (uint32_t i = 0; i < reply->field_count && fine; i++)
        fine = message_add_field(msg, (enum field_name)reply->fields[i].id,
                                 field_name_str(&reply->fields[i]), field_value(&reply->fields[i]));
    if (!fine) {
        message_give(msg);
        return NULL;
    }
    return msg;
}

struct reply_header *
reply_headers_add(struct parse *parse, const struct reply_header *headers, unsigned count,
                  struct reply_header header)
{
    struct reply_header *more = ARENA_ARRAY(parse->arena, struct reply_header, count + 1);

    if (count > 0)
        memcpy(more, headers, count * sizeof(*more));
    more[count] = header;
    return more;
}
