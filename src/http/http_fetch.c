/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches of requests and responses: method, path, header fields, status ...
 *
 * Thread: traffic, inside a rule. They find nothing where there is no message.
 */
#include <stdlib.h>
#include <string.h>

#include "weir/base/number.h"
#include "weir/expr/sample.h"
#include "weir/http/message.h"
#include "weir/http/uri.h"
#include "weir/os/addr.h"

enum side { SIDE_REQUEST = 0, SIDE_RESPONSE = 1, SIDE_EITHER = 2 };

/* --- helpers --------------------------------------------------------------------------- */

static const struct message *
message_of(const struct eval *eval, intptr_t side)
{
    if (side == SIDE_EITHER)
        return eval->response != NULL && (eval->place & PLACE_HTTP_RESPONSE) ? eval->response
                                                                             : eval->request;
    return side == SIDE_RESPONSE ? eval->response : eval->request;
}

static enum fetched
give_str(struct value *out, struct str s)
{
    if (s.ptr == NULL)
        return FETCH_NONE;
    out->type = VALUE_STR;
    out->str = s;
    out->flags |= VALUE_CONST;
    return FETCH_OK;
}

static enum fetched
give_int(struct value *out, int64_t n)
{
    out->type = VALUE_INT;
    out->num = n;
    return FETCH_OK;
}

/* --- start line -------------------------------------------------------------------------- */

static enum fetched
run_method(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    (void)args;
    if (eval->request == NULL)
        return FETCH_NONE;
    out->type = VALUE_METHOD;
    out->num = eval->request->method;
    out->str = eval->request->method_text;
    return FETCH_OK;
}

enum target_part { PART_PATH, PART_PATHQ, PART_QUERY, PART_URL, PART_BASE, PART_BASEQ };

/* Host and path side by side. */
static struct str
base_of(struct eval *eval, struct str path)
{
    struct str host = message_host(eval->request);
    char *text = arena_take(eval->arena, host.len + path.len + 1);

    if (text == NULL)
        return STR_NONE;
    if (host.len > 0)
        memcpy(text, host.ptr, host.len);
    memcpy(text + host.len, path.ptr, path.len);
    return str_of(text, host.len + path.len);
}

static struct str
part_of(struct eval *eval, intptr_t part)
{
    const struct message *msg = eval->request;

    switch ((enum target_part)part) {
    case PART_PATH:
        return message_path_only(msg);
    case PART_PATHQ:
        return msg->path;
    case PART_QUERY:
        return message_query(msg).ptr == NULL ? STR("") : message_query(msg);
    case PART_URL:
        return msg->target;
    case PART_BASE:
        return base_of(eval, message_path_only(msg));
    case PART_BASEQ:
        return base_of(eval, msg->path);
    }
    return STR_NONE;
}

static enum fetched
run_target(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)args;
    return eval->request == NULL ? FETCH_NONE : give_str(out, part_of(eval, fetch->private));
}

static enum fetched
run_version(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct message *msg = message_of(eval, fetch->private);
    char *text;

    (void)args;
    if (msg == NULL || (text = arena_take(eval->arena, 4)) == NULL)
        return FETCH_NONE;
    text[0] = (char)('0' + msg->version_major);
    text[1] = '.';
    text[2] = (char)('0' + msg->version_minor);
    return give_str(out, str_of(text, 3));
}

static enum fetched
run_status(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    (void)args;
    return eval->response == NULL ? FETCH_NONE : give_int(out, eval->response->status);
}

static enum fetched
run_proto_http(struct eval *eval, const struct fetch *fetch, const struct arg *args,
               struct value *out)
{
    (void)fetch;
    (void)args;
    out->type = VALUE_BOOL;
    out->num = eval->request != NULL;
    return FETCH_OK;
}

/* --- header fields ---------------------------------------------------------------------------
 *
 * hdr() walks over the values of a field, parts between commas on their own; fhdr() over whole
 * fields. The cursor of a fetch with several values counts the values that were given; VALUE_SINGLE
 * asks for the last one. */

struct walk {
    const struct message *msg;
    struct str name; /* lower case; len 0: all fields */
    enum field_name id;
    bool is_whole; /* fhdr: no splitting at commas */
    uint32_t at;   /* field */
    struct str rest;
};

static bool
next_field(struct walk *walk)
{
    int at = walk->id != FIELD_OTHER ? message_find_field(walk->msg, walk->id, walk->at)
                                     : message_find_field_name(walk->msg, walk->name, walk->at);

    if (at < 0)
        return false;
    walk->rest = field_value(&walk->msg->fields[at]);
    walk->at = (uint32_t)at + 1;
    return true;
}

/* Commas inside quotes do not part values. */
static struct str
cut_value(struct str *rest)
{
    bool is_quoted = false;
    size_t i;
    struct str value;

    for (i = 0; i < rest->len; i++) {
        char c = rest->ptr[i];

        if (c == '\\' && is_quoted)
            i++;
        else if (c == '"')
            is_quoted = !is_quoted;
        else if (c == ',' && !is_quoted)
            break;
    }
    if (i > rest->len)
        i = rest->len;
    value = str_trim(str_of(rest->ptr, i));
    *rest = i < rest->len ? str_of(rest->ptr + i + 1, rest->len - i - 1) : STR_NONE;
    return value;
}

static bool
next_value(struct walk *walk, struct str *out)
{
    if (walk->rest.ptr == NULL && !next_field(walk))
        return false;
    if (walk->is_whole) {
        *out = walk->rest;
        walk->rest = STR_NONE;
    } else {
        *out = cut_value(&walk->rest);
    }
    return true;
}

static bool
begin_walk(struct walk *walk, const struct eval *eval, const struct fetch *fetch,
           const struct arg *args)
{
    memset(walk, 0, sizeof(*walk));
    walk->msg = message_of(eval, fetch->private & 3);
    walk->is_whole = (fetch->private & 4) != 0;
    walk->name = args[0].str;
    walk->id = (enum field_name)args[0].num;
    return walk->msg != NULL;
}

/* The n-th from the beginning (1...) or from the end (-1...). */
static bool
find_occurrence(struct walk walk, int64_t n, struct str *out)
{
    struct str found[32] = { { NULL, 0 } };
    int64_t count = 0;
    struct str value;

    while (next_value(&walk, &value)) {
        found[count % 32] = value;
        count++;
        if (n > 0 && count == n)
            break;
    }
    if (n > 0 ? count < n : (count < -n || -n > 32))
        return false;
    *out = found[(n > 0 ? n - 1 : count + n) % 32];
    return true;
}

static enum fetched
run_field(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct walk walk;
    struct str value, next;
    uint32_t skip = out->cursor;

    if (!begin_walk(&walk, eval, fetch, args))
        return FETCH_NONE;
    if (args[1].kind == ARG_INT && args[1].num != 0)
        return find_occurrence(walk, args[1].num, &value) ? give_str(out, value) : FETCH_NONE;
    if (skip == VALUE_SINGLE)
        return find_occurrence(walk, -1, &value) ? give_str(out, value) : FETCH_NONE;
    do {
        if (!next_value(&walk, &value))
            return FETCH_NONE;
    } while (skip-- > 0);
    out->cursor++;
    if (next_value(&walk, &next))
        out->flags |= VALUE_MORE;
    return give_str(out, value);
}

static enum fetched
run_field_count(struct eval *eval, const struct fetch *fetch, const struct arg *args,
                struct value *out)
{
    struct walk walk;
    struct str value;
    int64_t count = 0;

    if (!begin_walk(&walk, eval, fetch, args))
        return FETCH_NONE;
    if (args[0].kind == ARG_END) {
        for (uint32_t i = 0; i < walk.msg->count; i++)
            count += walk.msg->fields[i].name_len > 0;
        return give_int(out, count);
    }
    while (next_value(&walk, &value))
        count++;
    return give_int(out, count);
}

static enum fetched
run_field_val(struct eval *eval, const struct fetch *fetch, const struct arg *args,
              struct value *out)
{
    enum fetched result = run_field(eval, fetch, args, out);
    int64_t n;

    if (result != FETCH_OK || !number_parse_int(out->str, INT64_MIN, INT64_MAX, &n, NULL))
        return FETCH_NONE;
    return give_int(out, n);
}

static enum fetched
run_field_ip(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    enum fetched result = run_field(eval, fetch, args, out);
    struct addr addr;

    if (result != FETCH_OK || !addr_parse_host(str_trim(out->str), &addr))
        return FETCH_NONE;
    out->type = addr.family == ADDR_IPV4 ? VALUE_IP4 : VALUE_IP6;
    if (addr.family == ADDR_IPV4)
        out->ip4 = addr.ip4;
    else
        out->ip6 = addr.ip6;
    return FETCH_OK;
}

/* Names are compared in lower case; known ones by number. */
static bool
check_field(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    char *lower;

    if (count == 0)
        return true;
    if (args[0].str.len == 0)
        return error_set(err, "the name of a header field should stand here");
    lower = arena_copy_str(parse->arena, args[0].str);
    for (char *c = lower; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    args[0].str.ptr = lower;
    args[0].num = field_name_find(lower, args[0].str.len);
    return true;
}

/* --- query parameters ------------------------------------------------------------------------- */

static enum fetched
run_urlp(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct str rest, name = args[0].str;

    if (eval->request == NULL)
        return FETCH_NONE;
    rest = message_query(eval->request);
    while (rest.ptr != NULL) {
        struct str pair = str_split(&rest, '&'), key = str_split(&pair, '=');

        if (!str_eq(key, name) || pair.ptr == NULL)
            continue;
        if (fetch->private == 0)
            return give_str(out, pair);
        return number_parse_int(pair, INT64_MIN, INT64_MAX, &out->num, NULL)
                   ? give_int(out, out->num)
                   : FETCH_NONE;
    }
    return FETCH_NONE;
}

/* --- cookies ------------------------------------------------------------------------------------
 */

static bool
find_cookie(struct str rest, struct str name, struct str *out)
{
    while (rest.ptr != NULL) {
        struct str pair = str_trim(str_split(&rest, ';')), key;

        key = str_trim(str_split(&pair, '='));
        if (pair.ptr == NULL || !str_eq(key, name))
            continue;
        *out = str_trim(pair);
        return true;
    }
    return false;
}

static enum fetched
run_cookie(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    bool is_response = fetch->private == SIDE_RESPONSE;
    const struct message *msg = message_of(eval, fetch->private);
    enum field_name id = is_response ? FIELD_SET_COOKIE : FIELD_COOKIE;

    if (msg == NULL)
        return FETCH_NONE;
    for (int at = message_find_field(msg, id, 0); at >= 0;
         at = message_find_field(msg, id, (uint32_t)at + 1)) {
        struct str rest = field_value(&msg->fields[at]), value;

        /* Behind the first ';' of Set-Cookie stand attributes. */
        if (is_response)
            rest = str_split(&rest, ';');
        if (find_cookie(rest, args[0].str, &value))
            return give_str(out, value);
    }
    return FETCH_NONE;
}

#define REQUEST  (PLACE_HTTP_REQUEST | PLACE_FE_LOG | PLACE_HTTP_RESPONSE)
#define RESPONSE (PLACE_HTTP_RESPONSE | PLACE_FE_LOG)
#define FIELD_ARGS                                                                                 \
    {                                                                                              \
        { ARG_STR },                                                                               \
        {                                                                                          \
            ARG_INT, true                                                                          \
        }                                                                                          \
    }
#define WHOLE 4

#define FIELD_FETCHES(prefix_, side_, places_)                                                     \
    { prefix_ "hdr", VALUE_STR,                                                                    \
      places_,       FIELD_ARGS,                                                                   \
      run_field,     side_,                                                                        \
      check_field,   "The values of a header field, parts between commas on their own." },         \
        { prefix_ "fhdr", VALUE_STR,       places_,     FIELD_ARGS,                                \
          run_field,      (side_) | WHOLE, check_field, "The whole value of a header field." },    \
        { prefix_ "hdr_cnt", VALUE_INT, places_,     { { ARG_STR, true } },                        \
          run_field_count,   side_,     check_field, "How many values a header field has." },      \
        { prefix_ "fhdr_cnt",                                                                      \
          VALUE_INT,                                                                               \
          places_,                                                                                 \
          { { ARG_STR, true } },                                                                   \
          run_field_count,                                                                         \
          (side_) | WHOLE,                                                                         \
          check_field,                                                                             \
          "How many header fields of a name there are." },                                         \
        { prefix_ "hdr_val", VALUE_INT, places_,     FIELD_ARGS,                                   \
          run_field_val,     side_,     check_field, "The value of a header field as a number." }, \
    {                                                                                              \
        prefix_ "hdr_ip", VALUE_ADDR, places_, FIELD_ARGS, run_field_ip, side_, check_field,       \
            "The value of a header field as an address."                                           \
    }

static const struct fetch fetches[] = {
    { "method",
      VALUE_METHOD,
      REQUEST,
      { { 0 } },
      run_method,
      .help = "The method of the request." },
    { "path",
      VALUE_STR,
      REQUEST,
      { { 0 } },
      run_target,
      PART_PATH,
      .help = "The path of the request, without query." },
    { "pathq",
      VALUE_STR,
      REQUEST,
      { { 0 } },
      run_target,
      PART_PATHQ,
      .help = "The path with the query." },
    { "query",
      VALUE_STR,
      REQUEST,
      { { 0 } },
      run_target,
      PART_QUERY,
      .help = "The query, without the question mark." },
    { "url",
      VALUE_STR,
      REQUEST,
      { { 0 } },
      run_target,
      PART_URL,
      .help = "The request target as received." },
    { "base",
      VALUE_STR,
      REQUEST,
      { { 0 } },
      run_target,
      PART_BASE,
      .help = "Host and path side by side." },
    { "baseq",
      VALUE_STR,
      REQUEST,
      { { 0 } },
      run_target,
      PART_BASEQ,
      .help = "Host, path and query side by side." },
    { "req.ver",
      VALUE_STR,
      REQUEST,
      { { 0 } },
      run_version,
      SIDE_REQUEST,
      .help = "The version of the request, such as 1.1." },
    { "req_ver",
      VALUE_STR,
      REQUEST,
      { { 0 } },
      run_version,
      SIDE_REQUEST,
      .help = "Old name of req.ver." },
    { "res.ver",
      VALUE_STR,
      RESPONSE,
      { { 0 } },
      run_version,
      SIDE_RESPONSE,
      .help = "The version of the response." },
    { "status", VALUE_INT, RESPONSE, { { 0 } }, run_status, .help = "The status of the response." },
    { "req.proto_http", VALUE_BOOL, REQUEST, { { 0 } }, run_proto_http, .help = "Is it HTTP?" },
    { "req_proto_http",
      VALUE_BOOL,
      REQUEST,
      { { 0 } },
      run_proto_http,
      .help = "Old name of req.proto_http." },
    FIELD_FETCHES("req.", SIDE_REQUEST, REQUEST),
    FIELD_FETCHES("res.", SIDE_RESPONSE, RESPONSE),
    FIELD_FETCHES("", SIDE_EITHER, REQUEST | RESPONSE),
    { "urlp",
      VALUE_STR,
      REQUEST,
      { { ARG_STR } },
      run_urlp,
      0,
      .help = "A parameter of the query." },
    { "url_param", VALUE_STR, REQUEST, { { ARG_STR } }, run_urlp, 0, .help = "The same as urlp." },
    { "urlp_val",
      VALUE_INT,
      REQUEST,
      { { ARG_STR } },
      run_urlp,
      1,
      .help = "A parameter of the query as a number." },
    { "req.cook",
      VALUE_STR,
      REQUEST,
      { { ARG_STR } },
      run_cookie,
      SIDE_REQUEST,
      .help = "The value of a cookie." },
    { "cook",
      VALUE_STR,
      REQUEST,
      { { ARG_STR } },
      run_cookie,
      SIDE_REQUEST,
      .help = "The same as req.cook." },
    { "res.cook",
      VALUE_STR,
      RESPONSE,
      { { ARG_STR } },
      run_cookie,
      SIDE_RESPONSE,
      .help = "The value of a cookie that the server sets." },
    { "scook",
      VALUE_STR,
      RESPONSE,
      { { ARG_STR } },
      run_cookie,
      SIDE_RESPONSE,
      .help = "The same as res.cook." },
};
REGISTER(fetch, fetches);
