/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a stream: the way from the stream to the mux.
 *
 * For:     streams, which know endpoints only.
 * Callers: stream.
 * Thread:  owner.
 */
#include "weir/mux/endpoint.h"

#include "weir/http/message.h"
#include "weir/mux/mux.h"

void
endpoint_init(struct endpoint *ep, const struct mux *mux, struct mux_conn *mux_conn)
{
    *ep = (struct endpoint){ .mux = mux, .mux_conn = mux_conn };
}

struct message *
endpoint_take_message(struct endpoint *ep)
{
    struct message *msg = ep->message;

    if (msg == NULL)
        return NULL;
    ep->message = NULL;
    ep->flags &= ~(unsigned)EP_HEAD;
    /* Another head follows an interim response: the mux waits until this one is taken. */
    if ((ep->flags & EP_BACK) != 0 && msg->status < 200)
        ep->mux->consumed(ep);
    return msg;
}

bool
endpoint_send_head(struct endpoint *ep, struct message *msg)
{
    return ep->mux->send_head(ep, msg);
}

bool
endpoint_send_body(struct endpoint *ep, struct chain *data)
{
    return ep->mux->send_body(ep, data);
}

bool
endpoint_send_end(struct endpoint *ep)
{
    return ep->mux->send_end(ep);
}

void
endpoint_flush(struct endpoint *ep, bool more)
{
    ep->mux->flush(ep, more);
}

void
endpoint_consumed(struct endpoint *ep)
{
    ep->mux->consumed(ep);
}

void
endpoint_want_body(struct endpoint *ep)
{
    if (ep->mux->want_body != NULL)
        ep->mux->want_body(ep);
}

uint64_t
endpoint_raw_in(const struct endpoint *ep)
{
    return ep->mux->raw_in == NULL ? 0 : ep->mux->raw_in(ep);
}

uint64_t
endpoint_raw_out(const struct endpoint *ep)
{
    return ep->mux->raw_out == NULL ? 0 : ep->mux->raw_out(ep);
}

void
endpoint_raw_received(struct endpoint *ep, size_t count, enum io io)
{
    ep->mux->raw_received(ep, count, io);
}

void
endpoint_raw_sent(struct endpoint *ep, size_t count, enum io io)
{
    ep->mux->raw_sent(ep, count, io);
}

void
endpoint_close(struct endpoint *ep, enum endpoint_close how)
{
    ep->mux->close(ep, how);
}
