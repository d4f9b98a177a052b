/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches of the start line: method, versions, status, and the target with its parts.
 *
 * Thread: traffic, inside a rule. They find nothing where there is no message.
 */
#include <arpa/inet.h>
#include <string.h>

#include "weir/base/hash.h"
#include "weir/base/number.h"
#include "weir/http/uri.h"
#include "weir/net/client_addr.h"
#include "fetch.h"

/* --- start line ----------------------------------------------------------- */

static enum fetched
run_method(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    (void)args;
    if (eval->request == NULL)
        return FETCH_NONE;
    out->type = VALUE_METHOD;
    out->flags |= VALUE_CONST;
    out->num = eval->request->method;
    out->str = eval->request->method_text;
    return FETCH_OK;
}

static enum fetched
run_meth(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    out->type = VALUE_METHOD;
    out->flags |= VALUE_CONST;
    out->num = method_find(args[0].str);
    out->str = args[0].str;
    return FETCH_OK;
}

static enum fetched
run_version(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct message *msg = fetch_message(eval, fetch);
    char text[3];

    (void)args;
    if (msg == NULL)
        return FETCH_NONE;
    if (msg->version_major == 1 && msg->version_minor < 2)
        return fetched_str(out, msg->version_minor == 1 ? STR("1.1") : STR("1.0"));
    text[0] = (char)('0' + msg->version_major % 10);
    text[1] = '.';
    text[2] = (char)('0' + msg->version_minor % 10);
    return value_set_copy(out, VALUE_STR, eval->arena, text, sizeof(text)) ? FETCH_OK : FETCH_NONE;
}

static enum fetched
run_status(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    (void)args;
    return eval->response == NULL ? FETCH_NONE : fetched_int(out, eval->response->status);
}

/* --- target --------------------------------------------------------------- */

enum target_part { PART_PATH, PART_PATHQ, PART_URL, PART_BASE, PART_BASEQ, PART_HOST_URL };

static struct str
join(struct eval *eval, struct str a, struct str b)
{
    char *text = arena_take(eval->arena, a.len + b.len + 1);

    if (text == NULL)
        return STR_NONE;
    if (a.len > 0)
        memcpy(text, a.ptr, a.len);
    if (b.len > 0)
        memcpy(text + a.len, b.ptr, b.len);
    return str_of(text, a.len + b.len);
}

static struct str
part_of(struct eval *eval, enum target_part part)
{
    const struct message *msg = eval->request;

    switch (part) {
    case PART_PATH:
        return message_path_only(msg);
    case PART_PATHQ:
        return msg->path;
    case PART_URL:
        return msg->target;
    case PART_BASE:
        return join(eval, message_host(msg), message_path_only(msg));
    case PART_BASEQ:
        return join(eval, message_host(msg), msg->path);
    case PART_HOST_URL:
        return join(eval, message_host(msg), msg->target);
    }
    return STR_NONE;
}

/* A target that is no path ("*", "host:port") has none. */
static enum fetched
run_target(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    enum target_part part = (enum target_part)fetch->private;
    const struct message *msg = eval->request;

    (void)args;
    if (msg == NULL || (part != PART_URL && (msg->path.len == 0 || msg->path.ptr[0] != '/')))
        return FETCH_NONE;
    return fetched_str(out, part_of(eval, part));
}

static enum fetched
run_query(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct str query = eval->request == NULL ? STR_NONE : message_query(eval->request);

    (void)fetch;
    if (query.len > 0 && args[0].num != 0)
        query = str_of(query.ptr - 1, query.len + 1);
    return fetched_str(out, query);
}

static bool
check_query(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    if (count == 0 || !arg_is_given(&args[0]))
        return true;
    args[0].num = 1;
    return str_eq(args[0].str, STR("with_qm")) ||
           error_set(err, "unknown option '%s'; the only one is 'with_qm'", args[0].str.ptr);
}

/* Only an absolute target names an address. */
static bool
find_url_addr(struct eval *eval, struct addr *addr, uint64_t *port)
{
    struct str host, digits;

    if (eval->request == NULL || eval->request->scheme.len == 0)
        return false;
    authority_split(eval->request->authority, &host, &digits);
    if (host.len > 2 && host.ptr[0] == '[')
        host = str_slice(host, 1, host.len - 2);
    *port = uri_default_port(eval->request->scheme);
    if (digits.len > 0 && (!number_read_digits(digits, port) || *port > UINT16_MAX))
        return false;
    return addr_parse_host(host, addr);
}

static enum fetched
run_url_ip(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct addr addr;
    uint64_t port;

    (void)fetch;
    (void)args;
    return find_url_addr(eval, &addr, &port) ? fetched_addr(out, &addr) : FETCH_NONE;
}

static enum fetched
run_url_port(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    struct addr addr;
    uint64_t port;

    (void)fetch;
    (void)args;
    return find_url_addr(eval, &addr, &port) ? fetched_int(out, (int64_t)port) : FETCH_NONE;
}

/* --- hashes --------------------------------------------------------------- */

static enum fetched
run_hash(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    enum fetched result = run_target(eval, fetch, args, out);

    if (result != FETCH_OK)
        return result;
    return fetched_int(out, hash_avalanche(hash_sdbm(out->str)));
}

/* Hash and client address side by side, in network order. */
static enum fetched
run_hash_src(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    const struct addr *src = eval->client == NULL ? NULL : client_src(eval);
    enum fetched result = run_hash(eval, fetch, args, out);
    char bytes[4 + 16];
    uint32_t hash;

    if (result != FETCH_OK || src == NULL || !addr_is_ip(src))
        return FETCH_NONE;
    hash = htonl((uint32_t)out->num);
    memcpy(bytes, &hash, 4);
    memcpy(bytes + 4, &src->ip6, src->family == ADDR_IPV4 ? 4 : 16);
    return value_set_copy(out, VALUE_BIN, eval->arena, bytes, src->family == ADDR_IPV4 ? 8 : 20)
               ? FETCH_OK
               : FETCH_NONE;
}

/* --- parameters ----------------------------------------------------------- */

/* Arguments: name; the character behind which they begin, '?' by default; "i": any case. */
static bool
begin_params(const struct eval *eval, const struct arg *args, struct str *rest)
{
    char delimiter = args[1].str.len > 0 ? args[1].str.ptr[0] : '?';
    struct str target = eval->request == NULL ? STR_NONE : eval->request->path;
    long at = str_find_char(target, delimiter);

    if (at < 0)
        return false;
    *rest = str_slice(target, (size_t)at + 1, target.len);
    return true;
}

static struct str
next_param(struct str *rest, char delimiter)
{
    size_t len = 0;
    struct str param;

    while (len < rest->len && rest->ptr[len] != '&' && rest->ptr[len] != ';' &&
           rest->ptr[len] != delimiter)
        len++;
    param = str_of(rest->ptr, len);
    *rest = len < rest->len ? str_slice(*rest, len + 1, rest->len) : STR_NONE;
    return param;
}

static bool
is_name(struct str name, const struct arg *args)
{
    if (args[0].str.len == 0)
        return true;
    return args[2].str.len > 0 ? str_eq_nocase(name, args[0].str) : str_eq(name, args[0].str);
}

/* The cursor: where the rest begins, behind the delimiter; without one the first counts. */
static bool
find_param(struct eval *eval, const struct arg *args, struct value *out)
{
    char delimiter = args[1].str.len > 0 ? args[1].str.ptr[0] : '?';
    uint64_t cursor = out->cursor == VALUE_SINGLE ? 0 : out->cursor;
    struct str all, rest;

    if (!begin_params(eval, args, &all) || cursor > all.len)
        return false;
    rest = str_slice(all, cursor, all.len);
    while (rest.ptr != NULL) {
        struct str value = next_param(&rest, delimiter), name = str_split(&value, '=');

        if (value.ptr == NULL || !is_name(name, args))
            continue;
        out->str = value;
        if (out->cursor != VALUE_SINGLE && rest.ptr != NULL) {
            out->cursor = (uint64_t)(rest.ptr - all.ptr);
            out->flags |= VALUE_MORE;
        }
        return true;
    }
    return false;
}

static enum fetched
run_param(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    return find_param(eval, args, out) ? fetched_str(out, out->str) : FETCH_NONE;
}

static enum fetched
run_param_number(struct eval *eval, const struct fetch *fetch, const struct arg *args,
                 struct value *out)
{
    int64_t n;

    (void)fetch;
    if (!find_param(eval, args, out) || !value_read_int(out->str, &n))
        return FETCH_NONE;
    return fetched_int(out, n);
}

static bool
check_param(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    if (count > 1 && args[1].str.len > 1)
        return error_set(err, "the delimiter is one character, not '%s'", args[1].str.ptr);
    return count < 3 || !arg_is_given(&args[2]) || str_eq(args[2].str, STR("i")) ||
           error_set(err, "unknown option '%s'; the only one is 'i'", args[2].str.ptr);
}

/* --- registration --------------------------------------------------------- */

#define NO_ARG                                                                                     \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define TARGET(name_, part_, help_)                                                                \
    {                                                                                              \
        name_, VALUE_STR, IN_REQUEST, NO_ARG, run_target, part_, .help = help_,                    \
            .is_stable = true                                                                      \
    }
#define PARAM(name_, type_, run_, help_)                                                           \
    {                                                                                              \
        name_, type_, IN_REQUEST, { { ARG_STR, true }, { ARG_STR, true }, { ARG_STR, true } },     \
            run_, 0, check_param, help_                                                            \
    }

static const struct fetch fetches[] = {
    { "method", VALUE_METHOD, IN_REQUEST_AND_LATER, NO_ARG, run_method,
      .help = "The method of the request.", .is_stable = true },
    { "meth", VALUE_METHOD, PLACE_ANY, { { ARG_STR } }, run_meth, .help = "This method." },
    TARGET("path", PART_PATH, "The path of the request, without query."),
    TARGET("pathq", PART_PATHQ, "The path with the query."),
    TARGET("url", PART_URL, "The request target as it stands in the request."),
    TARGET("base", PART_BASE, "Host and path side by side."),
    TARGET("baseq", PART_BASEQ, "Host, path and query side by side."),
    { "query", VALUE_STR, IN_REQUEST, { { ARG_STR, true } }, run_query, 0, check_query,
      "The query behind the question mark; with_qm: with the mark." },
    { "base32", VALUE_INT, IN_REQUEST, NO_ARG, run_hash, PART_BASE, .help = "A hash of base." },
    { "url32", VALUE_INT, IN_REQUEST, NO_ARG, run_hash, PART_HOST_URL,
      .help = "A hash of host and target." },
    { "base32+src", VALUE_BIN, IN_REQUEST, NO_ARG, run_hash_src, PART_BASE,
      .help = "A hash of base, and the client's address." },
    { "url32+src", VALUE_BIN, IN_REQUEST, NO_ARG, run_hash_src, PART_HOST_URL,
      .help = "A hash of host and target, and the client's address." },
    { "url_ip", VALUE_ADDR, IN_REQUEST, NO_ARG, run_url_ip,
      .help = "The address in an absolute target." },
    { "url_port", VALUE_INT, IN_REQUEST, NO_ARG, run_url_port,
      .help = "The port in an absolute target with an address." },
    PARAM("urlp", VALUE_STR, run_param, "A parameter of the query, by name."),
    PARAM("url_param", VALUE_STR, run_param, "The same as urlp."),
    PARAM("urlp_val", VALUE_INT, run_param_number, "A parameter of the query as a number."),
    { "req.ver", VALUE_STR, IN_REQUEST_AND_LATER, NO_ARG, run_version, SIDE_REQUEST,
      .help = "The version of the request, such as 1.1." },
    { "req_ver", VALUE_STR, IN_REQUEST_AND_LATER, NO_ARG, run_version, SIDE_REQUEST,
      .help = "Old name of req.ver." },
    { "res.ver", VALUE_STR, IN_RESPONSE_AND_LATER, NO_ARG, run_version, SIDE_RESPONSE,
      .help = "The version of the response." },
    { "resp_ver", VALUE_STR, IN_RESPONSE_AND_LATER, NO_ARG, run_version, SIDE_RESPONSE,
      .help = "Old name of res.ver." },
    { "status", VALUE_INT, IN_RESPONSE_AND_LATER, NO_ARG, run_status,
      .help = "The status of the response." },
};
REGISTER(fetch, fetches);
