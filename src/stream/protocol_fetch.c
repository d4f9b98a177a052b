/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches that look for other protocols in the first bytes of a client: RDP's cookie, distcc's
 * tokens.
 *
 * Thread: traffic, inside a rule.
 */
#include <string.h>
#include <strings.h>

#include "weir/base/encode.h"
#include "weir/expr/sample.h"

#include "private.h"

#define IN_CONTENT    (PLACE_FE_CONTENT | PLACE_FE_REQUEST | PLACE_FE_REQUEST_BODY | PLACE_SWITCH |  \
                    PLACE_BE_CONTENT | PLACE_BE_REQUEST | PLACE_BE_REQUEST_BODY |               \
                    PLACE_BE_SERVER | PLACE_BE_CONNECT)
#define IN_BOTH       (IN_CONTENT | PLACE_HTTP_RESPONSE)
#define RDP_HEADER    11 /* TPKT (4 bytes), X.224 connection request (7) */
#define DISTCC_TOKEN  4
#define DISTCC_LENGTH 8

static bool
may_grow(const struct eval *eval, const struct endpoint *ep, struct str bytes)
{
    return bytes.len < buffer_default_size() && received_may_grow(eval, ep);
}

/* --- RDP ---------------------------------------------------------------------------------------- */

enum search { SEARCH_FOUND, SEARCH_NONE, SEARCH_SHORT };

/* "\x03\0 len  len \xe0 ... Cookie: name=value\r\n" */
static enum search
find_rdp_cookie(struct str bytes, struct str wanted, struct str *value)
{
    static const char word[] = "Cookie:";
    const char *begin = bytes.ptr, *end;
    struct str line, name;

    if (bytes.len < RDP_HEADER + strlen(word) + 1)
        return SEARCH_SHORT;
    if (begin[0] != 3 || begin[1] != 0 || (unsigned char)begin[5] != 0xe0 ||
        strncasecmp(begin + RDP_HEADER, word, strlen(word)) != 0)
        return SEARCH_NONE;
    line = str_slice(bytes, RDP_HEADER + strlen(word), bytes.len);
    end = memchr(line.ptr, '\r', line.len);
    if (end == NULL)
        return SEARCH_SHORT;
    line = str_trim(str_of(line.ptr, (size_t)(end - line.ptr)));
    name = str_split(&line, '=');
    if (line.ptr == NULL || (wanted.len > 0 && !str_eq_nocase(name, wanted)))
        return SEARCH_NONE;
    *value = line;
    return SEARCH_FOUND;
}

static enum fetched
run_rdp(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct str bytes = received_bytes(eval, eval->front), value;
    struct str wanted = arg_is_given(&args[0]) ? args[0].str : STR("");
    enum search found = bytes.ptr == NULL ? SEARCH_NONE : find_rdp_cookie(bytes, wanted, &value);

    if (found == SEARCH_SHORT && may_grow(eval, eval->front, bytes))
        return FETCH_LATER;
    if (fetch->private != 0)
        return fetched_int(out, found == SEARCH_FOUND);
    return found == SEARCH_FOUND ? fetched_str(out, value) : FETCH_NONE;
}

/* --- distcc --------------------------------------------------------------------------------------- */

/* Four letters and eight hexadecimal digits: a number, or the length of a body behind it. */
static bool
read_token(struct str rest, uint32_t *number)
{
    *number = 0;
    for (int i = DISTCC_TOKEN; i < DISTCC_TOKEN + DISTCC_LENGTH; i++) {
        int digit = hex_digit(rest.ptr[i]);

        if (digit < 0)
            return false;
        *number = *number << 4 | (uint32_t)digit;
    }
    return true;
}

/* Tokens whose number is the length of what follows. */
static bool
has_body(struct str token)
{
    static const char *const names[] = { "ARGV", "DOTI", "DOTO", "SERR", "SOUT" };

    for (size_t i = 0; i < COUNT(names); i++) {
        if (strncmp(token.ptr, names[i], DISTCC_TOKEN) == 0)
            return true;
    }
    return false;
}

/* The n-th token of that name. */
static enum search
find_token(struct str rest, struct str name, int64_t n, uint32_t *number, struct str *body)
{
    while (rest.len >= DISTCC_TOKEN + DISTCC_LENGTH) {
        bool is_wanted = str_eq(str_slice(rest, 0, DISTCC_TOKEN), name);

        if (!read_token(rest, number))
            return SEARCH_NONE;
        *body = STR("");
        if (has_body(rest))
            *body = str_slice(rest, DISTCC_TOKEN + DISTCC_LENGTH, *number);
        if (has_body(rest) && body->len < *number)
            return SEARCH_SHORT;
        if (is_wanted && --n == 0)
            return SEARCH_FOUND;
        rest = str_slice(rest, DISTCC_TOKEN + DISTCC_LENGTH + body->len, rest.len);
    }
    return SEARCH_SHORT;
}

static enum fetched
run_distcc(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    int64_t n = arg_is_given(&args[1]) ? args[1].num : 1;
    const struct endpoint *ep = received_from(eval);
    struct str bytes = received_bytes(eval, ep), body;
    uint32_t number;
    enum search found =
        bytes.ptr == NULL ? SEARCH_NONE : find_token(bytes, args[0].str, n, &number, &body);

    if (found == SEARCH_SHORT && may_grow(eval, ep, bytes))
        return FETCH_LATER;
    if (found != SEARCH_FOUND)
        return FETCH_NONE;
    return fetch->private != 0 ? fetched_bin(out, body) : fetched_int(out, number);
}

static bool
check_distcc(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    if (args[0].str.len != DISTCC_TOKEN)
        return error_set(err, "tokens of distcc have four letters, such as ARGC; not '%s'",
                         args[0].str.ptr);
    return count < 2 || !arg_is_given(&args[1]) || args[1].num > 0 ||
           error_set(err, "the first one is number 1");
}

#define RDP(name_, type_, counts_, help_)                                                          \
    {                                                                                              \
        name_, type_, IN_CONTENT, { { ARG_STR, true } }, run_rdp, counts_, .help = help_           \
    }

static const struct fetch fetches[] = {
    RDP("req.rdp_cookie", VALUE_STR, 0, "The cookie of an RDP client, by name or whatever it is."),
    RDP("rdp_cookie", VALUE_STR, 0, "Old name of req.rdp_cookie."),
    RDP("req.rdp_cookie_cnt", VALUE_INT, 1, "Has an RDP client this cookie? 1 or 0."),
    RDP("rdp_cookie_cnt", VALUE_INT, 1, "Old name of req.rdp_cookie_cnt."),
    { "distcc_param", VALUE_INT, IN_BOTH, { { ARG_STR }, { ARG_INT, true } }, run_distcc, 0,
      check_distcc, "The number of the n-th token of this name of distcc, in what the rule is about." },
    { "distcc_body", VALUE_BIN, IN_BOTH, { { ARG_STR }, { ARG_INT, true } }, run_distcc, 1,
      check_distcc, "What follows the n-th token of this name of distcc, in what the rule is about." },
};
REGISTER(fetch, fetches);
