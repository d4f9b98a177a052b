/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies: counted, chunked, until the connection closes.
 *
 * For:     the h1 mux, both sides; the fuzzer.
 * Callers: h1_read.c.
 * Thread:  pure.
 *
 *     SIZE ─ DIGITS ─ BLANKS ─ EXTENSION ⇄ QUOTED ⇄ ESCAPED ─ SIZE_LF ─ DATA ─ DATA_CR ─ DATA_LF ─┐
 *      ↑                                                        │ 0                            │
 *      └────────────────────────────────────────────────────────│──────────────────────────────┘
 *                                                               └─ TRAILERS
 *
 * Strict where HAProxy 2.6 is not: LF alone does not end a line here, and quotes in extensions are
 * followed, because proxies disagree about both and a disagreement is a hidden request. Extensions
 * go nowhere: they are bounded and dropped.
 */
#include "h1_body.h"

#include <string.h>

/* Longer sizes are no sizes of real chunks, and leave room for sums. */
#define CHUNK_SIZE_MAX ((UINT64_C(1) << 52) - 1)
/* Extensions, blanks and leading zeros of one size line. */
#define SPARE_MAX 4096

void
h1_body_init(struct h1_body *body, enum body_kind kind, uint64_t length, bool is_lax)
{
    static const uint8_t first[] = {
        [BODY_NONE] = H1_BODY_ENDED,
        [BODY_LENGTH] = H1_BODY_COUNTED,
        [BODY_CHUNKED] = H1_CHUNK_SIZE,
        [BODY_CLOSE] = H1_BODY_UNTIL_CLOSE,
    };

    *body = (struct h1_body){ .state = first[kind], .is_lax = is_lax };
    if (kind != BODY_LENGTH)
        return;
    body->left = length;
    if (length == 0)
        body->state = H1_BODY_ENDED;
}

/* --- the size line, one byte at a time ------------------------------------ */

static inline int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool
add_digit(struct h1_body *body, int digit)
{
    if (body->left == 0)
        body->spare++; /* leading zeros are allowed, but not for ever */
    body->left = body->left << 4 | (unsigned)digit;
    body->state = H1_CHUNK_DIGITS;
    return body->left <= CHUNK_SIZE_MAX && body->spare <= SPARE_MAX;
}

static void
end_size_line(struct h1_body *body)
{
    body->state = body->left == 0 ? H1_TRAILERS : H1_CHUNK_DATA;
    body->spare = 0;
}

/* What may follow the digits: blanks, an extension, the end of the line. NULL: fine. */
static const char *
read_after_digits(struct h1_body *body, char c)
{
    switch (c) {
    case '\r':
        body->state = H1_CHUNK_SIZE_LF;
        return NULL;
    case ';':
        body->state = H1_CHUNK_EXTENSION;
        return NULL;
    case ' ':
    case '\t':
        body->state = H1_CHUNK_BLANKS;
        return NULL;
    case '\n':
        if (!body->is_lax)
            return "LF without CR after a chunk size (RFC 9112 7.1)";
        end_size_line(body);
        return NULL;
    default:
        return "the chunk size is not hexadecimal (RFC 9112 7.1)";
    }
}

static const char *
read_extension(struct h1_body *body, char c)
{
    if (c == '"')
        body->state = H1_CHUNK_QUOTED;
    else if (c == '\r')
        body->state = H1_CHUNK_SIZE_LF;
    else if ((unsigned char)c < ' ' && c != '\t')
        return "a control in a chunk extension (RFC 9112 7.1.1)";
    return NULL;
}

static const char *
read_quoted(struct h1_body *body, char c)
{
    if ((unsigned char)c < ' ' && c != '\t')
        return "a quote of a chunk extension does not end in its line (RFC 9112 7.1.1)";
    if (body->state == H1_CHUNK_ESCAPED)
        body->state = H1_CHUNK_QUOTED;
    else if (c == '\\')
        body->state = H1_CHUNK_ESCAPED;
    else if (c == '"')
        body->state = H1_CHUNK_EXTENSION;
    return NULL;
}

/* One byte of framing. NULL: fine. */
static const char *
read_framing(struct h1_body *body, char c)
{
    int digit;

    switch ((enum h1_body_state)body->state) {
    case H1_CHUNK_SIZE:
    case H1_CHUNK_DIGITS:
        digit = hex_value(c);
        if (digit >= 0)
            return add_digit(body, digit) ? NULL : "the chunk size is too large (RFC 9112 7.1)";
        if (body->state == H1_CHUNK_SIZE)
            return "the chunk size is not hexadecimal (RFC 9112 7.1)";
        return read_after_digits(body, c);
    case H1_CHUNK_BLANKS:
        return read_after_digits(body, c);
    case H1_CHUNK_EXTENSION:
        return read_extension(body, c);
    case H1_CHUNK_QUOTED:
    case H1_CHUNK_ESCAPED:
        return read_quoted(body, c);
    case H1_CHUNK_SIZE_LF:
        end_size_line(body);
        return c == '\n' ? NULL : "CR without LF after a chunk size (RFC 9112 7.1)";
    case H1_CHUNK_DATA_CR:
        body->state = c == '\n' ? H1_CHUNK_SIZE : H1_CHUNK_DATA_LF;
        return c == '\r' || (c == '\n' && body->is_lax)
                   ? NULL
                   : "no CR after a chunk's data (RFC 9112 7.1)";
    case H1_CHUNK_DATA_LF:
        body->state = H1_CHUNK_SIZE;
        return c == '\n' ? NULL : "CR without LF after a chunk's data (RFC 9112 7.1)";
    case H1_BODY_ENDED:
    case H1_BODY_COUNTED:
    case H1_BODY_UNTIL_CLOSE:
    case H1_CHUNK_DATA:
    case H1_TRAILERS:
        break;
    }
    return "not in the framing";
}

static inline bool
is_spare(const struct h1_body *body)
{
    return body->state >= H1_CHUNK_BLANKS && body->state <= H1_CHUNK_ESCAPED;
}

static enum parse_result
refuse(size_t at, const char *text, struct h1_error *err)
{
    *err = (struct h1_error){ .status = 400, .text = text, .offset = at };
    return PARSE_BAD;
}

/* Up to the next data or the end. */
static enum parse_result
read_size_line(struct h1_body *body, const char *bytes, size_t len, size_t *used,
               struct h1_error *err)
{
    size_t at = 0;

    while (at < len && body->state != H1_CHUNK_DATA && body->state != H1_TRAILERS) {
        const char *wrong = read_framing(body, bytes[at]);

        if (wrong == NULL && is_spare(body) && ++body->spare > SPARE_MAX)
            wrong = "a chunk extension is too long";
        if (wrong != NULL)
            return refuse(at, wrong, err);
        at++;
    }
    *used = at;
    return body->state == H1_TRAILERS ? PARSE_DONE : PARSE_MORE;
}

/* --- data ----------------------------------------------------------------- */

static size_t
take_data(struct h1_body *body, size_t len)
{
    size_t part = body->left < len ? (size_t)body->left : len;

    body->left -= part;
    return part;
}

enum parse_result
h1_body_read(struct h1_body *body, const char *bytes, size_t len, size_t *used, size_t *data_len,
             struct h1_error *err)
{
    enum parse_result result;

    *used = *data_len = 0;
    switch ((enum h1_body_state)body->state) {
    case H1_BODY_ENDED:
    case H1_TRAILERS:
        return PARSE_DONE;
    case H1_BODY_UNTIL_CLOSE:
        *used = *data_len = len;
        return PARSE_MORE;
    case H1_BODY_COUNTED:
        *used = *data_len = take_data(body, len);
        if (body->left > 0)
            return PARSE_MORE;
        body->state = H1_BODY_ENDED;
        return PARSE_DONE;
    case H1_CHUNK_SIZE:
    case H1_CHUNK_DIGITS:
    case H1_CHUNK_BLANKS:
    case H1_CHUNK_EXTENSION:
    case H1_CHUNK_QUOTED:
    case H1_CHUNK_ESCAPED:
    case H1_CHUNK_SIZE_LF:
    case H1_CHUNK_DATA_CR:
    case H1_CHUNK_DATA_LF:
    case H1_CHUNK_DATA:
        break;
    }
    result = read_size_line(body, bytes, len, used, err);
    if (result != PARSE_MORE || body->state != H1_CHUNK_DATA)
        return result;
    *data_len = take_data(body, len - *used);
    *used += *data_len;
    if (body->left == 0)
        body->state = H1_CHUNK_DATA_CR;
    return PARSE_MORE;
}
