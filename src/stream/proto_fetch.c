/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is it HTTP? For streams that are, and for bytes of a TCP stream that may be.
 *
 * For:     req.proto_http, and so the acl HTTP.
 * Thread:  owner of the stream.
 */
#include "weir/mux/h1_parser.h"

#include "private.h"

/* Read by the parser that would read them, from a copy: it writes where it reads. */
static enum parse_result
parse_bytes(const struct chain *in)
{
    struct h1_limits limits = { .max_fields = 101 };
    struct message *msg = message_take();
    struct buffer *buf = buffer_take();
    enum parse_result result = PARSE_BAD;
    struct h1_error err;
    size_t head_len;

    if (msg != NULL && buf != NULL) {
        buf->end = (uint32_t)chain_peek(in, 0, buf->data, buffer_room(buf));
        result = h1_parse_request(buf->data, buf->end, &limits, msg, &head_len, &err);
    }
    message_give(msg);
    buffer_drop(buf);
    return result;
}

static enum fetched
run_proto_http(struct eval *eval, const struct fetch *fetch, const struct arg *args,
               struct value *out)
{
    const struct endpoint *ep = eval->front;
    bool is_tcp = eval->stream != NULL && !stream_is_http(eval->stream);

    (void)fetch;
    (void)args;
    if (!is_tcp || ep == NULL)
        return fetched_bool(out, eval->request != NULL);
    if (!chain_is_empty(&ep->in)) {
        enum parse_result result = parse_bytes(&ep->in);

        if (result != PARSE_MORE)
            return fetched_bool(out, result == PARSE_DONE);
    }
    if (eval->final || (ep->flags & (EP_IN_ENDED | EP_IN_BROKEN)) != 0)
        return fetched_bool(out, false);
    return FETCH_LATER;
}

#define PLACES (PLACE_HTTP_REQUEST | PLACE_HTTP_RESPONSE | PLACE_FE_LOG)

static const struct fetch fetches[] = {
    { "req.proto_http", VALUE_BOOL, PLACES, { { 0 } }, run_proto_http, 0, .help = "Is it HTTP?" },
    { "req_proto_http", VALUE_BOOL, PLACES, { { 0 } }, run_proto_http, 0,
      .help = "Old name of req.proto_http." },
};
REGISTER(fetch, fetches);
