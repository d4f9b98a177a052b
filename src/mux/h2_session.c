/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nghttp2 tells and asks: heads, bodies, resets; bytes to be framed.
 *
 * For:     h2_mux.c.
 * Callers: nghttp2, from inside nghttp2_session_mem_recv() and _mem_send().
 * Thread:  owner.
 *
 * Nobody of the stream room is called from here, because nghttp2 may not be entered again: streams
 * with news go to a list (h2_stream_tell), which h2_mux.c works off afterwards. The connection's
 * window is given back at once; only the streams' own windows say how much may come, so a stream
 * that nobody reads never stops the others. With rxbuf it is given back as bodies are read.
 */
#include "h2_conn.h"

#include "weir/loop/counter.h"
#include "outlet.h"

/* Bytes of a connection that wait for the socket, from which on nothing more is framed. */
#define OUT_MOST (4 * buffer_default_size())
/* Of the connection: beyond what the streams have. */
#define CONN_WINDOW (16 << 20)

static struct h2_stream *
stream_of(nghttp2_session *ng, int32_t id)
{
    return nghttp2_session_get_stream_user_data(ng, id);
}

/* --- heads ---------------------------------------------------------------- */

static int
begin_request(struct h2_conn *h2, int32_t id)
{
    struct h2_stream *s = h2_stream_new(h2, id, EP_CONNECTED);

    if (s == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    s->flags |= H2S_FRESH;
    s->head = message_take();
    nghttp2_session_set_stream_user_data(h2->ng, id, s);
    if (h2->head_since_us == 0)
        h2->head_since_us = h2_loop(h2)->now_us;
    s->ep.began_us = h2_loop(h2)->now_us;
    return s->head == NULL ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

static int
on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct h2_conn *h2 = user;
    struct h2_stream *s;

    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        return begin_request(h2, frame->hd.stream_id);
    s = stream_of(ng, frame->hd.stream_id);
    if (s == NULL)
        return 0;
    s->head_bytes = s->head_fields = 0;
    if (!h2_is_back(h2) || (s->flags & H2S_ANSWERED) != 0)
        return 0;
    if (s->ep.began_us == 0)
        s->ep.began_us = h2_loop(h2)->now_us;
    message_give(s->head);
    s->head = message_take();
    return s->head == NULL ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

static int
on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
          const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    struct h2_stream *s = stream_of(ng, frame->hd.stream_id);
    struct str key = str_of((const char *)name, name_len);
    struct str text = str_of((const char *)value, value_len);
    bool fine;

    (void)flags;
    (void)user;
    if (s == NULL || (s->flags & H2S_DETACHED) != 0)
        return 0;
    fine = s->head != NULL ? h2_head_add(s, key, text) : h2_trailer_add(s, key, text);
    return fine ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int
on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                  size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                  void *user)
{
    (void)ng;
    (void)frame;
    (void)name;
    (void)name_len;
    (void)value;
    (void)value_len;
    (void)flags;
    h2_glitch(user);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void
request_is_here(struct h2_conn *h2, struct h2_stream *s, bool ended)
{
    h2->head_since_us = 0;
    h2_head_request(s, ended);
    s->ep.bytes_in += s->head_bytes;
    if ((s->head->flags & MESSAGE_EXPECT_CONTINUE) != 0 && !ended)
        s->flags |= H2S_EXPECTS;
    if (s->status == 0) {
        s->ep.message = s->receiving = s->head;
        s->ep.flags |= EP_HEAD;
        if ((s->flags & H2S_CONNECT) != 0)
            s->ep.flags |= EP_IN_ENDED; /* as a request; taken back when it becomes a tunnel */
    } else {
        message_give(s->head);
        h2_glitch(h2);
        h2_stream_break(s, s->status == 431 ? EP_ERR_TOO_LARGE : EP_ERR_BAD, s->status, s->text);
    }
    s->head = NULL;
    h2_stream_tell(s);
}

static void
response_is_here(struct h2_conn *h2, struct h2_stream *s, bool ended)
{
    struct message *msg = s->head;

    h2_head_response(s, ended);
    s->head = NULL;
    if (s->status != 0 || (msg->status == 101 && (msg->flags & MESSAGE_TUNNEL) == 0)) {
        message_give(msg);
        h2_glitch(h2);
        h2_stream_break(s, EP_ERR_BAD, 502,
                        s->status != 0 ? s->text : "101 in HTTP/2 (RFC 9113 8.6)");
        return;
    }
    if (msg->status >= 200 || (msg->flags & MESSAGE_TUNNEL) != 0) {
        s->flags |= H2S_ANSWERED;
        s->receiving = msg;
        if ((msg->flags & MESSAGE_TUNNEL) != 0) {
            s->ep.flags |= EP_TUNNEL;
            s->ep.flags &= ~(unsigned)EP_OUT_ENDED;
        }
    }
    s->ep.bytes_in += s->head_bytes;
    if (s->ep.message == NULL) {
        s->ep.message = msg;
        s->ep.flags |= EP_HEAD;
    } else {
        message_give(s->later);
        s->later = msg;
    }
    h2_stream_tell(s);
}

static void
head_is_here(struct h2_conn *h2, struct h2_stream *s, bool ended)
{
    if (s->head == NULL || (s->flags & H2S_DETACHED) != 0)
        return;
    if (h2_is_back(h2))
        response_is_here(h2, s, ended);
    else
        request_is_here(h2, s, ended);
}

/* --- frames --------------------------------------------------------------- */

static void
tell_settled(struct h2_conn *h2)
{
    LIST_FOR_EACH (s, &h2->streams, struct h2_stream, link) {
        if ((s->flags & H2S_HELD) != 0)
            h2_stream_settled(s);
    }
}

#define COUNT_FRAME(h2, field)                                                                     \
    do {                                                                                           \
        if ((h2)->mux.counts != NULL)                                                              \
            counter_add(&(h2)->mux.counts[MUX_H2].field, 1);                                       \
    } while (0)

static void
count_received(struct h2_conn *h2, unsigned type)
{
    switch (type) {
    case NGHTTP2_HEADERS:
        COUNT_FRAME(h2, headers);
        break;
    case NGHTTP2_DATA:
        COUNT_FRAME(h2, data);
        break;
    case NGHTTP2_SETTINGS:
        COUNT_FRAME(h2, settings);
        break;
    case NGHTTP2_RST_STREAM:
        COUNT_FRAME(h2, resets);
        break;
    case NGHTTP2_GOAWAY:
        COUNT_FRAME(h2, goaways);
        break;
    default:
        break;
    }
}

static int
on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct h2_conn *h2 = user;
    bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    struct h2_stream *s;

    count_received(h2, frame->hd.type);
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        s = stream_of(ng, frame->hd.stream_id);
        if (s == NULL)
            return 0;
        if (frame->hd.type == NGHTTP2_HEADERS)
            head_is_here(h2, s, ended);
        else if (frame->hd.length == 0 && !ended)
            h2_glitch(h2); /* nothing, for nothing */
        if (ended)
            s->flags |= H2S_IN_END;
        if (ended && (s->ep.flags & EP_IN_BROKEN) == 0)
            h2_stream_in_ended(s);
        return 0;
    case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0 && (h2->flags & H2_SETTLED) == 0) {
            h2->flags |= H2_SETTLED;
            tell_settled(h2);
        }
        return 0;
    case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
            h2_ping_answered(h2);
        return 0;
    case NGHTTP2_GOAWAY:
        h2->flags |= H2_STOPPING;
        return 0;
    case NGHTTP2_RST_STREAM:
        s = stream_of(ng, frame->hd.stream_id);
        if (!h2_is_back(h2) && s != NULL && (s->flags & H2S_ANSWERED) == 0)
            h2_glitch(h2); /* asked, and did not wait for the answer */
        return 0;
    default:
        return 0;
    }
}

/* Bytes for a tunnel that nobody has opened yet. */
static bool
is_early(const struct h2_stream *s)
{
    return (s->flags & H2S_CONNECT) != 0 && (s->ep.flags & (EP_TUNNEL | EP_BACK)) == 0;
}

static int
on_data_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
              void *user)
{
    struct h2_conn *h2 = user;
    struct h2_stream *s = stream_of(ng, id);

    bool is_wanted = s != NULL && (s->flags & H2S_DETACHED) == 0 && (s->ep.flags & EP_IN_BROKEN) == 0;

    (void)flags;
    if (h2->rxbuf == 0 || !is_wanted)
        nghttp2_session_consume_connection(ng, len);
    else
        s->held += (uint32_t)len;
    if (s != NULL)
        s->ep.bytes_in += len;
    if (!is_wanted)
        return 0;
    if (!chain_add_slice(is_early(s) ? &s->early : &s->ep.in, h2->intake.buf, (const char *)data, len)) {
        h2_stream_break(s, EP_ERR_RESET, 500, "out of memory");
        return 0;
    }
    s->unread += (uint32_t)len;
    s->flags &= ~(uint32_t)H2S_EXPECTS;
    h2_stream_tell(s);
    return 0;
}

static int
on_invalid_frame(nghttp2_session *ng, const nghttp2_frame *frame, int code, void *user)
{
    struct h2_conn *h2 = user;

    (void)ng;
    (void)code;
    if (frame->hd.stream_id != 0)
        COUNT_FRAME(h2, stream_errors);
    else
        COUNT_FRAME(h2, connection_errors);
    h2_glitch(h2);
    return 0;
}

static int
on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *user)
{
    struct h2_stream *s = stream_of(ng, id);

    (void)user;
    if (s != NULL)
        h2_stream_closed(s, code);
    return 0;
}

/* --- out ------------------------------------------------------------------ */

static bool
queue_trailers(struct h2_stream *s)
{
    const struct message *tail = s->tail;
    nghttp2_nv fields[64];
    size_t count = 0;

    for (uint32_t i = 0; i < tail->trailer_count && count < COUNT(fields); i++) {
        const struct field *field = &tail->trailers[i];

        fields[count++] = (nghttp2_nv){ (uint8_t *)(uintptr_t)field->name,
                                        (uint8_t *)(uintptr_t)field->value, field->name_len,
                                        field->value_len, NGHTTP2_NV_FLAG_NONE };
    }
    return nghttp2_submit_trailer(h2_of_stream(s)->ng, s->id, fields, count) == 0;
}

ssize_t
h2_read_data(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t len, uint32_t *flags,
             nghttp2_data_source *source, void *user)
{
    struct h2_stream *s = source->ptr;

    (void)ng;
    (void)id;
    (void)buf;
    (void)user;
    if (chain_is_empty(&s->out) && (s->flags & (H2S_END | H2S_ABORT)) == 0) {
        s->flags |= H2S_ASLEEP;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (chain_is_empty(&s->out) && (s->flags & H2S_END) == 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* H2S_ABORT: nghttp2 resets the stream */
    if (len > s->out.bytes)
        len = s->out.bytes;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (len < s->out.bytes || (s->flags & H2S_END) == 0)
        return (ssize_t)len;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (s->tail != NULL) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (!queue_trailers(s))
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return (ssize_t)len;
}

static int
send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t len,
          nghttp2_data_source *source, void *user)
{
    struct h2_conn *h2 = user;
    struct h2_stream *s = source->ptr;
    bool fine;

    (void)ng;
    (void)frame;
    if (h2->out.bytes > OUT_MOST)
        return NGHTTP2_ERR_WOULDBLOCK;
    if (len > s->out.bytes)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (!chain_add_copy(&h2->out, (const char *)head, 9))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (len == s->out.bytes)
        fine = outlet_add(&h2->out, &s->out);
    else
        fine = chain_move_some(&h2->out, &s->out, len);
    return fine ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int
on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    struct h2_conn *h2 = user;
    struct h2_stream *s;

    if (frame->hd.type == NGHTTP2_RST_STREAM)
        COUNT_FRAME(h2, resets_sent);
    else if (frame->hd.type == NGHTTP2_GOAWAY)
        COUNT_FRAME(h2, goaways_sent);
    if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    s = stream_of(ng, frame->hd.stream_id);
    if (s == NULL)
        return 0;
    s->ep.bytes_out += 9 + frame->hd.length;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        s->flags |= H2S_END_SENT;
        if ((s->flags & (H2S_DETACHED | H2S_IN_END)) == H2S_DETACHED && !h2_is_back(h2))
            h2_stream_end_early(h2, s);
    }
    if ((s->flags & H2S_DETACHED) == 0)
        h2_stream_drained(s);
    return 0;
}

/* --- made ----------------------------------------------------------------- */

static nghttp2_session_callbacks *callbacks;
static nghttp2_option *options;

/* A peer's faults are bounded by nghttp2 itself: acknowledgements that wait, CONTINUATION frames,
 * streams that are reset at once. */
static void
make_options(void)
{
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_max_outbound_ack(options, 256);
    nghttp2_option_set_max_settings(options, 32);
    nghttp2_option_set_max_reserved_remote_streams(options, 0);
    nghttp2_option_set_max_send_header_block_length(options, 1 << 20);
}

static __attribute__((constructor)) void
make_callbacks(void)
{
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    make_options();
}

static uint32_t
streams_of(const struct h2_conn *h2, const struct h2_side *side)
{
    int64_t most = side->streams >= 0 ? side->streams : h2->conf.streams;

    return most == 0 ? INT32_MAX : (uint32_t)most;
}

static bool
submit_settings(struct h2_conn *h2)
{
    nghttp2_settings_entry list[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h2->most },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, h2->window },
        { NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, (uint32_t)h2->conf.table_size },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 2 * (uint32_t)buffer_default_size() },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
        { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, h2_is_back(h2) || h2->conf.no_websocket ? 0 : 1 },
        { NGHTTP2_SETTINGS_MAX_FRAME_SIZE, (uint32_t)h2->conf.frame_size },
    };
    size_t count = h2->conf.frame_size == 0 ? COUNT(list) - 1 : COUNT(list);

    if (h2_is_back(h2))
        list[0] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 };
    return nghttp2_submit_settings(h2->ng, NGHTTP2_FLAG_NONE, list, count) == 0 &&
           nghttp2_session_set_local_window_size(h2->ng, NGHTTP2_FLAG_NONE, 0,
                                                 h2->rxbuf != 0 ? (int32_t)h2->rxbuf
                                                                : CONN_WINDOW) == 0;
}

bool
h2_session_start(struct h2_conn *h2)
{
    const struct h2_side *side = h2_is_back(h2) ? &h2->conf.back : &h2->conf.front;
    int rv;

    h2->most = streams_of(h2, side);
    h2->window = (uint32_t)(side->window != 0 ? side->window : h2->conf.window);
    h2->rxbuf = (uint32_t)side->rxbuf;
    if (h2_is_back(h2))
        rv = nghttp2_session_client_new3(&h2->ng, callbacks, h2, options, h2_mem());
    else
        rv = nghttp2_session_server_new3(&h2->ng, callbacks, h2, options, h2_mem());
    return rv == 0 && submit_settings(h2);
}
