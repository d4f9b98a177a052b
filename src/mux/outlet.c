/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending: the queue of a connection.
 *
 * For:     the h1 mux, the tcp mux.
 * Callers: h1_write.c, tcp_mux.c.
 * Thread:  owner.
 *
 * Bytes move from the other side's chain. Few of them are copied instead: one piece is cheaper to
 * send than two, and many small pieces would each keep a whole buffer.
 */
#include "outlet.h"

/* Up to here copying is the better way. */
#define COPY_MAX 1024

bool
outlet_add(struct chain *out, struct chain *data)
{
    if (data->bytes > COPY_MAX || (out->first == NULL && data->first == data->last)) {
        chain_move(out, data);
        return true;
    }
    for (const struct slice *slice = data->first; slice != NULL; slice = slice->next) {
        if (!chain_add_copy(out, slice->ptr, slice->len))
            return false;
    }
    chain_clear(data);
    return true;
}

static void
is_broken(struct endpoint *ep, struct chain *out)
{
    chain_clear(out);
    ep->flags |= EP_OUT_BROKEN | EP_OUT_FLUSHED;
    ep->flags &= ~(unsigned)EP_OUT_FULL;
}

void
outlet_write(struct endpoint *ep, struct connection *conn, struct chain *out, bool more)
{
    size_t before = out->bytes;
    enum io io = IO_OK;

    if ((conn->flags & CONN_ESTABLISHED) == 0)
        return;
    if (before > 0) {
        io = connection_write_chain(conn, out, more);
        ep->bytes_out += before - out->bytes;
    }
    if (io == IO_OK) {
        ep->flags |= EP_OUT_FLUSHED;
        ep->flags &= ~(unsigned)EP_OUT_FULL;
    } else if (io != IO_WAIT) {
        is_broken(ep, out);
    } else if (out->bytes < buffer_default_size() / 2) {
        ep->flags &= ~(unsigned)EP_OUT_FULL;
    }
}
