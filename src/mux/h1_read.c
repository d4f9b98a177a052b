/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies and tunnels on their way in.
 *
 * For:     h1_front.c and h1_back.c, once a head has been read.
 * Callers: those two; the stream through endpoint_consumed().
 * Thread:  owner.
 *
 * Body bytes are never copied: the stream gets slices of the buffers that they were received in.
 * While many bytes of known kind are expected, reads go past the parser, into several buffers at
 * once.
 */
#include "h1_conn.h"

/* Expected bytes from which on a read needs no look at framing. */
#define BULK_MIN 4096

static void
end_of_message(struct h1_conn *h1)
{
    h1->in = H1_IN_DONE;
    h1->ep.flags |= EP_IN_ENDED;
    h1->receiving = NULL;
}

/* --- trailers ------------------------------------------------------------- */

/* Cheap refusal to parse what cannot be complete. */
static bool
may_be_complete(struct h1_conn *h1)
{
    const char *bytes = intake_bytes(&h1->intake);
    size_t len = intake_len(&h1->intake);

    if (len > 0 && (bytes[0] == '\r' || bytes[0] == '\n'))
        return true;
    return h1_has_head_end(bytes, len, h1->scanned);
}

static void
read_trailers(struct h1_conn *h1)
{
    struct h1_limits limits = h1_limits(h1);
    struct h1_error err = { 0 };
    size_t len = intake_len(&h1->intake), size;
    enum parse_result result = PARSE_MORE;

    if (may_be_complete(h1))
        result =
            h1_parse_trailers(intake_bytes(&h1->intake), len, &limits, h1->receiving, &size, &err);
    if (result == PARSE_BAD) {
        h1_break(h1, EP_ERR_BAD, err.status, err.text);
        return;
    }
    if (result == PARSE_MORE) {
        h1->scanned = (uint32_t)len;
        if (len >= h1_max_head(h1))
            h1_break(h1, EP_ERR_BAD, 400, "the trailers are too large (tune.bufsize)");
        return;
    }
    intake_use(&h1->intake, size);
    h1->ep.bytes_in += size;
    end_of_message(h1);
}

/* --- what is there -------------------------------------------------------- */

/* One step. False: no more can be done now. */
static bool
read_some(struct h1_conn *h1)
{
    size_t len = intake_len(&h1->intake), used, data_len;
    const char *bytes;
    struct h1_error err;
    enum parse_result result;

    if (len == 0)
        return false;
    bytes = intake_bytes(&h1->intake);
    result = h1_body_read(&h1->body, bytes, len, &used, &data_len, &err);
    if (result == PARSE_BAD) {
        h1_break(h1, EP_ERR_BAD, 400, err.text);
        return false;
    }
    if (data_len > 0 &&
        !chain_add_slice(&h1->ep.in, h1->intake.buf, bytes + used - data_len, data_len)) {
        h1_break(h1, EP_ERR_RESET, 500, "out of memory");
        return false;
    }
    intake_use(&h1->intake, used);
    h1->ep.bytes_in += used;
    if (h1->body.state == H1_TRAILERS) {
        h1->scanned = 0;
        read_trailers(h1);
        return false;
    }
    if (result == PARSE_DONE)
        end_of_message(h1);
    return result == PARSE_MORE;
}

static void
use_as_raw(struct h1_conn *h1)
{
    size_t len = intake_len(&h1->intake);

    if (len == 0)
        return;
    if (!chain_add_slice(&h1->ep.in, h1->intake.buf, intake_bytes(&h1->intake), len))
        h1_break(h1, EP_ERR_RESET, 500, "out of memory");
    intake_use(&h1->intake, len);
    h1->ep.bytes_in += len;
}

void
h1_read_unused(struct h1_conn *h1)
{
    if (h1->in == H1_IN_TUNNEL) {
        use_as_raw(h1);
    } else if (h1->body.state == H1_BODY_ENDED) {
        end_of_message(h1);
    } else if (h1->body.state == H1_TRAILERS) {
        read_trailers(h1);
    } else {
        while (read_some(h1))
            ;
    }
    intake_release(&h1->intake);
}

/* --- what comes ----------------------------------------------------------- */

/* How many bytes may come that need no parser; 0: few or none. */
static uint64_t
bulk_expected(const struct h1_conn *h1)
{
    if (h1->in == H1_IN_TUNNEL || h1->body.state == H1_BODY_UNTIL_CLOSE)
        return UINT64_MAX;
    if (h1->body.left >= BULK_MIN &&
        (h1->body.state == H1_BODY_COUNTED || h1->body.state == H1_CHUNK_DATA))
        return h1->body.left;
    return 0;
}

static enum io
read_bulk(struct h1_conn *h1, uint64_t expected)
{
    size_t got;
    enum io io = intake_read_to(&h1->intake, h1->mux.conn, expected, &h1->ep.in, &got);

    h1->ep.bytes_in += got;
    if (expected != UINT64_MAX)
        h1->body.left -= got;
    if (h1->body.left > 0 || expected == UINT64_MAX)
        return io;
    if (h1->body.state == H1_CHUNK_DATA)
        h1->body.state = H1_CHUNK_DATA_CR;
    else
        end_of_message(h1);
    return io;
}

static enum io
read_framed(struct h1_conn *h1)
{
    size_t got;
    enum io io = intake_read(&h1->intake, h1->mux.conn, &got);

    if (io == IO_OK)
        h1_read_unused(h1);
    return io;
}

/* The peer has finished its side in the middle of a body, or at the end of one that ends so. */
static void
read_end(struct h1_conn *h1)
{
    h1->flags |= H1_CLOSE;
    if (h1->in == H1_IN_TUNNEL)
        h1->ep.flags |= EP_IN_ENDED;
    else if (h1->body.state == H1_BODY_UNTIL_CLOSE)
        end_of_message(h1);
    else
        h1_break(h1, EP_ERR_CLOSED, h1_is_back(h1) ? 502 : 400, "closed in the middle of a body");
}

bool
h1_read_body(struct h1_conn *h1)
{
    uint64_t expected;
    enum io io;

    if ((h1->ep.flags & EP_RAW_IN) != 0)
        return true;
    if (h1->ep.in.bytes >= buffer_default_size()) {
        connection_stop_reading(h1->mux.conn);
        return false;
    }
    expected = intake_len(&h1->intake) == 0 ? bulk_expected(h1) : 0;
    io = expected > 0 ? read_bulk(h1, expected) : read_framed(h1);
    switch (io) {
    case IO_OK:
        h1->flags &= (uint16_t)~H1_EXPECTS;
        return true;
    case IO_WAIT:
        return false;
    case IO_CLOSED:
        read_end(h1);
        return true;
    case IO_FAILED:
        h1_break(h1, EP_ERR_RESET, h1_is_back(h1) ? 502 : 400, "the connection was reset");
        h1->ep.flags |= EP_OUT_BROKEN;
        return true;
    }
    return false;
}

/* --- past the mux --------------------------------------------------------------- */

/* Chunks are left to the parser: their ends come too often. */
uint64_t
h1_raw_in(const struct endpoint *ep)
{
    const struct h1_conn *h1 = (const struct h1_conn *)ep->mux_conn;

    if ((h1->in != H1_IN_BODY && h1->in != H1_IN_TUNNEL) || intake_len(&h1->intake) > 0 ||
        !chain_is_empty(&ep->in) || (ep->flags & (EP_IN_ENDED | EP_IN_BROKEN)) != 0 ||
        (h1->in == H1_IN_BODY && h1->body.state == H1_CHUNK_DATA))
        return 0;
    return bulk_expected(h1);
}

void
h1_raw_received(struct endpoint *ep, size_t count, enum io io)
{
    struct h1_conn *h1 = h1_of_endpoint(ep);

    ep->bytes_in += count;
    if (h1->in == H1_IN_BODY && h1->body.state == H1_BODY_COUNTED) {
        h1->body.left -= count;
        if (h1->body.left == 0)
            end_of_message(h1);
    }
    if (io == IO_CLOSED) {
        read_end(h1);
    } else if (io == IO_FAILED) {
        h1_break(h1, EP_ERR_RESET, h1_is_back(h1) ? 502 : 400, "the connection was reset");
        ep->flags |= EP_OUT_BROKEN;
    }
}

/* --- tunnels -------------------------------------------------------------- */

void
h1_begin_tunnel_in(struct h1_conn *h1)
{
    h1->in = H1_IN_TUNNEL;
    h1->flags |= H1_CLOSE;
    h1->ep.flags |= EP_TUNNEL;
    h1->ep.flags &= ~(unsigned)(EP_IN_ENDED | EP_PEER_GONE);
    use_as_raw(h1);
    intake_release(&h1->intake);
    if ((h1->mux.conn->flags & CONN_READ_CLOSED) != 0)
        h1->ep.flags |= EP_IN_ENDED;
}

/* --- backpressure --------------------------------------------------------- */

void
h1_consumed(struct endpoint *ep)
{
    struct h1_conn *h1 = h1_of_endpoint(ep);

    if (h1_is_back(h1) && h1->in == H1_IN_HEAD && intake_len(&h1->intake) > 0)
        h1_later(h1, H1_TODO_READ);
    if ((h1->mux.conn->flags & CONN_READ_STOPPED) != 0 && h1->in != H1_IN_DONE &&
        ep->in.bytes < buffer_default_size())
        connection_resume_reading(h1->mux.conn);
}
