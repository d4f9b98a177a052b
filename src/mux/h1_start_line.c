/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line of a head: "GET /path HTTP/1.1", "HTTP/1.1 200 OK".
 *
 * For:     h1_parser.c.
 * Callers: h1_parser.c.
 * Thread:  pure.
 *
 * What nearly all heads begin with is compared as a whole; everything else goes word by word.
 */
#include "h1_head.h"
#include "h1_scan.h"

/* At least one blank. */
static enum parse_result
skip_blanks(struct h1_head *h, const char *missing)
{
    if (h->pos == h->end)
        return PARSE_MORE;
    if (!h1_is_blank(*h->pos))
        return h1_refuse(h, 400, h->pos, missing);
    while (h->pos < h->end && h1_is_blank(*h->pos))
        h->pos++;
    return h->pos == h->end ? PARSE_MORE : PARSE_DONE;
}

/* --- the version ---------------------------------------------------------- */

static enum parse_result
read_number(struct h1_head *h, uint8_t *number)
{
    unsigned value = 0;
    char *first = h->pos;

    for (; h->pos < h->end && h1_is_digit(*h->pos); h->pos++) {
        value = value * 10 + (unsigned)(*h->pos - '0');
        if (h->pos > first && !h1_forgive(h))
            return h1_refuse(h, 400, h->pos, "version is not HTTP/digit.digit (RFC 9112 2.3)");
        if (value > 99)
            value = 99;
    }
    if (h->pos == h->end)
        return PARSE_MORE;
    if (h->pos == first)
        return h1_refuse(h, 400, h->pos, "version is not HTTP/digit.digit (RFC 9112 2.3)");
    *number = (uint8_t)value;
    return PARSE_DONE;
}

static enum parse_result
read_literal(struct h1_head *h, const char *word)
{
    for (; *word != '\0'; word++, h->pos++) {
        if (h->pos == h->end)
            return PARSE_MORE;
        if (*h->pos != *word)
            return h1_refuse(h, 400, h->pos, "version is not HTTP/digit.digit (RFC 9112 2.3)");
    }
    return PARSE_DONE;
}

static enum parse_result
read_odd_version(struct h1_head *h)
{
    char *first = h->pos;
    struct message *msg = h->msg;
    enum parse_result result = read_literal(h, "HTTP/");

    if (result == PARSE_DONE)
        result = read_number(h, &msg->version_major);
    if (result == PARSE_DONE)
        result = read_literal(h, ".");
    if (result == PARSE_DONE)
        result = read_number(h, &msg->version_minor);
    if (result != PARSE_DONE || msg->version_major == 1)
        return result;
    if (msg->version_major == 2 && str_eq(msg->method_text, STR("PRI")))
        return h1_refuse(h, 505, first, "this is the preface of HTTP/2, which is not spoken here");
    if (h1_forgive(h))
        return PARSE_DONE;
    return h1_refuse(h, 505, first, "version is not HTTP/1.x (RFC 9112 2.3)");
}

static inline enum parse_result
read_version(struct h1_head *h)
{
    if (__builtin_expect(h->end - h->pos > 8 && memcmp(h->pos, "HTTP/1.1", 8) == 0 &&
                             !h1_is_digit(h->pos[8]),
                         1)) {
        h->pos += 8;
        h->msg->version_major = h->msg->version_minor = 1;
        return PARSE_DONE;
    }
    return read_odd_version(h);
}

/* --- the first line of a request ------------------------------------------ */

static enum parse_result
read_method(struct h1_head *h)
{
    char *first = h->pos;

    while (h->pos < h->end && byte_is(*h->pos, BYTE_TOKEN))
        h->pos++;
    if (h->pos == h->end)
        return PARSE_MORE;
    if (h->pos == first)
        return h1_refuse(h, 400, h->pos, "the method is no token (RFC 9112 3.1)");
    h->msg->method_text = str_of(first, (size_t)(h->pos - first));
    h->msg->method = (uint8_t)method_find(h->msg->method_text);
    return skip_blanks(h, "no blank after the method (RFC 9112 3)");
}

static enum parse_result
read_target(struct h1_head *h)
{
    char *first = h->pos;

    h->pos = h1_scan_target(h->pos, h->end);
    while (h->pos < h->end && (*h->pos == '#' || (unsigned char)*h->pos > 127)) {
        if (!h1_forgive(h))
            return h1_refuse(h, 400, h->pos,
                             "a byte that may not stand in a target (RFC 9112 3.2)");
        h->pos = h1_scan_target(h->pos + 1, h->end);
    }
    if (h->pos == h->end)
        return PARSE_MORE;
    if (h->pos == first)
        return h1_refuse(h, 400, h->pos, "no target (RFC 9112 3)");
    h->msg->target = str_of(first, (size_t)(h->pos - first));
    return PARSE_DONE;
}

/* "GET /path", without version or fields. */
static enum parse_result
read_http_0_9(struct h1_head *h)
{
    if (h->msg->method != METHOD_GET || !h1_forgive(h))
        return h1_refuse(h, 400, h->pos, "no version after the target (RFC 9112 3)");
    h->msg->version_major = 0;
    h->msg->version_minor = 9;
    return h1_skip_line_end(h);
}

/* "GET ", which is what most of them begin with. */
static inline bool
read_usual_method(struct h1_head *h)
{
    if (h->end - h->pos < 6 || memcmp(h->pos, "GET ", 4) != 0 || h1_is_blank(h->pos[4]))
        return false;
    h->msg->method_text = str_of(h->pos, 3);
    h->msg->method = METHOD_GET;
    h->pos += 4;
    return true;
}

/* " HTTP/1.1\r\n" */
static inline bool
read_usual_version(struct h1_head *h)
{
    if (h->end - h->pos < 11 || memcmp(h->pos, " HTTP/1.", 8) != 0 ||
        memcmp(h->pos + 7, ".1\r\n", 4) != 0)
        return false;
    h->msg->version_major = h->msg->version_minor = 1;
    h->pos += 11;
    return true;
}

enum parse_result
h1_read_request_line(struct h1_head *h)
{
    enum parse_result result = read_usual_method(h) ? PARSE_DONE : read_method(h);

    if (result == PARSE_DONE)
        result = read_target(h);
    if (result != PARSE_DONE || read_usual_version(h))
        return result;
    if (*h->pos == '\r' || *h->pos == '\n')
        return read_http_0_9(h);
    result = skip_blanks(h, "a byte that may not stand in a target (RFC 9112 3.2)");
    if (result == PARSE_DONE && (*h->pos == '\r' || *h->pos == '\n'))
        return h1_refuse(h, 400, h->pos, "no version after the target (RFC 9112 3)");
    if (result == PARSE_DONE)
        result = read_version(h);
    if (result != PARSE_DONE)
        return result;
    if (h->pos < h->end && *h->pos != '\r' && *h->pos != '\n')
        return h1_refuse(h, 400, h->pos, "something stands after the version (RFC 9112 3)");
    return h1_skip_line_end(h);
}

/* --- the first line of a response ----------------------------------------- */

static enum parse_result
read_status(struct h1_head *h)
{
    char *first = h->pos;
    unsigned status = 0;

    for (; h->pos < h->end && h1_is_digit(*h->pos); h->pos++) {
        status = status * 10 + (unsigned)(*h->pos - '0');
        if (status > UINT16_MAX)
            return h1_refuse(h, 400, h->pos, "the status is too large (RFC 9112 4)");
    }
    if (h->pos == h->end)
        return PARSE_MORE;
    if (status < 100 || h->pos - first < 3 || (h->pos - first > 3 && !h1_forgive(h)) ||
        (!h1_is_blank(*h->pos) && *h->pos != '\r' && *h->pos != '\n'))
        return h1_refuse(h, 400, h->pos, "the status is not three digits (RFC 9112 4)");
    h->msg->status = (uint16_t)status;
    return PARSE_DONE;
}

static enum parse_result
read_reason(struct h1_head *h)
{
    char *first;

    while (h->pos < h->end && h1_is_blank(*h->pos))
        h->pos++;
    first = h->pos;
    h->pos = h1_scan_value(h->pos, h->end);
    if (h->pos == h->end)
        return PARSE_MORE;
    if (*h->pos == '\0')
        return h1_refuse(h, 400, h->pos, "NUL in the reason (RFC 9112 4)");
    h->msg->reason = str_of(first, (size_t)(h->pos - first));
    return h1_skip_line_end(h);
}

/* "HTTP/1.1 200 " */
static inline bool
read_usual_status(struct h1_head *h)
{
    const char *at = h->pos;

    if (h->end - at < 14 || memcmp(at, "HTTP/1.1", 8) != 0 || at[8] != ' ' || at[12] != ' ' ||
        h1_is_blank(at[13]) || at[9] < '1' || at[9] > '9' || !h1_is_digit(at[10]) ||
        !h1_is_digit(at[11]))
        return false;
    h->msg->version_major = h->msg->version_minor = 1;
    h->msg->status = (uint16_t)(100 * (at[9] - '0') + 10 * (at[10] - '0') + at[11] - '0');
    h->pos += 13;
    return true;
}

enum parse_result
h1_read_status_line(struct h1_head *h)
{
    enum parse_result result;

    if (read_usual_status(h))
        return read_reason(h);
    result = read_version(h);

    if (result == PARSE_DONE)
        result = skip_blanks(h, "no blank after the version (RFC 9112 4)");
    if (result == PARSE_DONE)
        result = read_status(h);
    if (result == PARSE_DONE)
        result = read_reason(h);
    return result;
}
