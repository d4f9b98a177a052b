/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of received bytes: payload, length, and the body of HTTP messages.
 *
 * For:     expressions; tcp content rules above all.
 * Thread:  owner of the stream.
 *
 * Bytes wait in the endpoint's `in`, in slices. A sample that lies in one slice is lent from there;
 * another one is copied. What is not here yet may still come: FETCH_LATER, or a value that may
 * change, until eval->final.
 */
#include <stdlib.h>
#include <string.h>

#include "private.h"

enum side { REQUEST, RESPONSE, EITHER /* whichever the rule is about */ };

static const struct endpoint *
side_of(const struct eval *eval, intptr_t side)
{
    return side == REQUEST ? eval->front : side == RESPONSE ? eval->back : received_from(eval);
}

const struct endpoint *
received_from(const struct eval *eval)
{
    return (eval->place & (PLACE_HTTP_RESPONSE | PLACE_CHECK)) != 0 ? eval->back : eval->front;
}

bool
received_may_grow(const struct eval *eval, const struct endpoint *ep)
{
    return !eval->final && (ep->flags & (EP_IN_ENDED | EP_IN_BROKEN)) == 0;
}

/* --- bytes --------------------------------------------------------------- */

static const char *
lend_or_copy(struct eval *eval, const struct chain *in, size_t from, size_t len)
{
    const struct slice *first = in->first;
    char *copy;

    if (first != NULL && from + len <= first->len)
        return first->ptr + from;
    copy = arena_take(eval->arena, len == 0 ? 1 : len);
    if (copy != NULL)
        chain_peek(in, from, copy, len);
    return copy;
}

struct str
received_bytes(struct eval *eval, const struct endpoint *ep)
{
    size_t len = ep == NULL                              ? 0
                 : ep->in.bytes > buffer_default_size() ? buffer_default_size()
                                                         : ep->in.bytes;
    const char *ptr = ep == NULL ? NULL : lend_or_copy(eval, &ep->in, 0, len);

    return str_of(ptr, ptr == NULL ? 0 : len);
}

static enum fetched
give_bytes(struct eval *eval, const struct endpoint *ep, size_t from, size_t len, struct value *out)
{
    const char *ptr = lend_or_copy(eval, &ep->in, from, len);

    if (ptr == NULL)
        return FETCH_NONE;
    out->type = VALUE_BIN;
    out->flags = VALUE_CONST;
    out->str = str_of(ptr, len);
    return FETCH_OK;
}

static enum fetched
run_len(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct endpoint *ep = side_of(eval, fetch->private);

    (void)args;
    if (ep == NULL)
        return FETCH_NONE;
    out->type = VALUE_INT;
    out->num = (int64_t)ep->in.bytes;
    if (received_may_grow(eval, ep))
        out->flags = VALUE_MAY_CHANGE;
    return FETCH_OK;
}

/* Is there, or may there be, room for that much in one buffer? */
static enum fetched
not_here(struct eval *eval, const struct endpoint *ep, size_t wanted)
{
    return received_may_grow(eval, ep) && wanted <= buffer_default_size() ? FETCH_LATER : FETCH_NONE;
}

static enum fetched
run_payload(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct endpoint *ep = side_of(eval, fetch->private);
    size_t from = (size_t)args[0].num, len = (size_t)args[1].num;
    enum fetched result;

    if (ep == NULL)
        return FETCH_NONE;
    if (from + len > ep->in.bytes)
        return not_here(eval, ep, from + len);
    if (len != 0)
        return give_bytes(eval, ep, from, len, out);
    result = give_bytes(eval, ep, from, ep->in.bytes - from, out);
    if (received_may_grow(eval, ep))
        out->flags |= VALUE_MAY_CHANGE;
    return result;
}

/* The third argument: where the bytes begin; with a sign, counted from behind the length. */
static size_t
offset_of(const struct arg *args)
{
    size_t behind = (size_t)(args[0].num + args[1].num);
    long number;

    if (args[2].kind == ARG_END || args[2].str.len == 0)
        return behind;
    number = strtol(args[2].str.ptr, NULL, 10);
    if (args[2].str.ptr[0] == '+' || args[2].str.ptr[0] == '-')
        return (size_t)((long)behind + number);
    return (size_t)number;
}

static enum fetched
run_payload_lv(struct eval *eval, const struct fetch *fetch, const struct arg *args,
               struct value *out)
{
    const struct endpoint *ep = side_of(eval, fetch->private);
    size_t at = (size_t)args[0].num, size = (size_t)args[1].num, from = offset_of(args), len = 0;
    unsigned char digits[8];

    if (ep == NULL || size == 0 || size > sizeof(digits))
        return FETCH_NONE;
    if (at + size > ep->in.bytes)
        return not_here(eval, ep, at + size);
    chain_peek(&ep->in, at, (char *)digits, size);
    for (size_t i = 0; i < size; i++)
        len = (len << 8) + digits[i];
    if (len > buffer_default_size() || from + len > buffer_default_size())
        return FETCH_NONE;
    if (from + len > ep->in.bytes)
        return not_here(eval, ep, from + len);
    return give_bytes(eval, ep, from, len, out);
}

/* --- bodies of HTTP messages --------------------------------------------- */

static enum fetched
run_body(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct endpoint *ep = side_of(eval, fetch->private);

    (void)args;
    return ep == NULL ? FETCH_NONE : give_bytes(eval, ep, 0, ep->in.bytes, out);
}

static enum fetched
run_body_size(struct eval *eval, const struct fetch *fetch, const struct arg *args,
              struct value *out)
{
    const struct endpoint *ep = side_of(eval, fetch->private);
    const struct message *msg = fetch->private == REQUEST ? eval->request : eval->response;

    (void)args;
    if (ep == NULL || msg == NULL)
        return FETCH_NONE;
    out->type = VALUE_INT;
    out->num = (int64_t)(msg->body == BODY_LENGTH ? msg->body_length : ep->in.bytes);
    return FETCH_OK;
}

static bool
is_name(struct str word, const struct arg *args)
{
    bool no_case =
        args[0].kind != ARG_END && args[1].kind != ARG_END && str_eq(args[1].str, STR("i"));

    if (args[0].kind == ARG_END || args[0].str.len == 0)
        return true;
    return no_case ? str_eq_nocase(word, args[0].str) : str_eq(word, args[0].str);
}

/* "a=1&b=2": the first value of that name, as it stands there. */
static enum fetched
run_body_param(struct eval *eval, const struct fetch *fetch, const struct arg *args,
               struct value *out)
{
    struct value body = { 0 };
    struct str rest;

    if (run_body(eval, fetch, args, &body) != FETCH_OK)
        return FETCH_NONE;
    rest = body.str;
    while (rest.ptr != NULL) {
        struct str value = str_split(&rest, '&');
        struct str name = str_split(&value, '=');

        if (value.ptr == NULL || !is_name(name, args))
            continue;
        out->type = VALUE_STR;
        out->flags = VALUE_CONST;
        out->str = value;
        return FETCH_OK;
    }
    return FETCH_NONE;
}

#define REQUEST_BYTES                                                                              \
    (PLACE_FE_CONTENT | PLACE_FE_REQUEST | PLACE_FE_REQUEST_BODY | PLACE_SWITCH |                  \
     PLACE_BE_CONTENT | PLACE_BE_REQUEST | PLACE_BE_REQUEST_BODY | PLACE_BE_SERVER |               \
     PLACE_BE_CONNECT)
#define RESPONSE_BYTES (PLACE_HTTP_RESPONSE | PLACE_CHECK)
#define EITHER_BYTES   (REQUEST_BYTES | RESPONSE_BYTES)
#define TWO_NUMBERS                                                                                \
    {                                                                                              \
        { ARG_INT, 0, NULL },                                                                      \
        {                                                                                          \
            ARG_INT, 0, NULL                                                                       \
        }                                                                                          \
    }
#define LV_ARGS                                                                                    \
    {                                                                                              \
        { ARG_INT, 0, NULL }, { ARG_INT, 0, NULL },                                                \
        {                                                                                          \
            ARG_STR, 1, NULL                                                                       \
        }                                                                                          \
    }
#define PARAM_ARGS                                                                                 \
    {                                                                                              \
        { ARG_STR, 1, NULL },                                                                      \
        {                                                                                          \
            ARG_STR, 1, NULL                                                                       \
        }                                                                                          \
    }
#define NO_ARGS                                                                                    \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static const struct fetch fetches[] = {
    { "req.len", VALUE_INT, REQUEST_BYTES, NO_ARGS, run_len, REQUEST,
      .help = "Bytes received from the client and not passed on yet." },
    { "req_len", VALUE_INT, REQUEST_BYTES, NO_ARGS, run_len, REQUEST,
      .help = "The same as req.len." },
    { "res.len", VALUE_INT, RESPONSE_BYTES, NO_ARGS, run_len, RESPONSE,
      .help = "Bytes received from the server and not passed on yet." },
    { "req.payload", VALUE_BIN, REQUEST_BYTES, TWO_NUMBERS, run_payload, REQUEST,
      .help = "Bytes of the request: offset, length (0: all)." },
    { "payload", VALUE_BIN, EITHER_BYTES, TWO_NUMBERS, run_payload, EITHER,
      .help = "Bytes of the request, or in a rule for responses of the response: offset, length." },
    { "res.payload", VALUE_BIN, RESPONSE_BYTES, TWO_NUMBERS, run_payload, RESPONSE,
      .help = "Bytes of the response: offset, length (0: all)." },
    { "req.payload_lv", VALUE_BIN, REQUEST_BYTES, LV_ARGS, run_payload_lv, REQUEST,
      .help = "Bytes of the request whose length stands before them." },
    { "payload_lv", VALUE_BIN, EITHER_BYTES, LV_ARGS, run_payload_lv, EITHER,
      .help = "As req.payload_lv, or in a rule for responses as res.payload_lv." },
    { "res.payload_lv", VALUE_BIN, RESPONSE_BYTES, LV_ARGS, run_payload_lv, RESPONSE,
      .help = "Bytes of the response whose length stands before them." },
    { "req.body", VALUE_BIN, REQUEST_BYTES, NO_ARGS, run_body, REQUEST,
      .help = "The request's body as far as it is here (see wait-for-body)." },
    { "res.body", VALUE_BIN, RESPONSE_BYTES, NO_ARGS, run_body, RESPONSE,
      .help = "The response's body as far as it is here." },
    { "req.body_len", VALUE_INT, REQUEST_BYTES, NO_ARGS, run_len, REQUEST,
      .help = "How much of the request's body is here." },
    { "res.body_len", VALUE_INT, RESPONSE_BYTES, NO_ARGS, run_len, RESPONSE,
      .help = "How much of the response's body is here." },
    { "req.body_size", VALUE_INT, REQUEST_BYTES, NO_ARGS, run_body_size, REQUEST,
      .help = "Length of the request's body as announced; of what is here if it is chunked." },
    { "res.body_size", VALUE_INT, RESPONSE_BYTES, NO_ARGS, run_body_size, RESPONSE,
      .help = "Length of the response's body as announced; of what is here if it is chunked." },
    { "req.body_param", VALUE_STR, REQUEST_BYTES, PARAM_ARGS, run_body_param, REQUEST,
      .help = "A parameter of a form in the body, by name; second argument i: any case." },
};
REGISTER(fetch, fetches);
