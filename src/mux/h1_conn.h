/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that speaks HTTP/1, and what the files of its mux share. README draws its states.
 */
#pragma once

#include "h1_body.h"
#include "h1_writer.h"
#include "intake.h"
#include "weir/base/crash.h"
#include "weir/loop/loop.h"
#include "weir/mux/mux.h"

/* What is read now. */
enum h1_in {
    H1_IN_IDLE, /* nothing of a message yet; back: no stream */
    H1_IN_HEAD,
    H1_IN_BODY,   /* trailers too */
    H1_IN_DONE,   /* the message is complete; the stream goes on */
    H1_IN_TUNNEL, /* raw bytes */
    H1_IN_BROKEN, /* nothing more can be read, or what comes makes no sense */
    H1_IN_DRAIN, /* front: our side is closed; what comes is thrown away so that the client can read
                    our answer */
};

/* What is written now. */
enum h1_out {
    H1_OUT_IDLE,    /* before the head (interim ones may have gone) */
    H1_OUT_NONE,    /* head written, no body follows */
    H1_OUT_COUNTED, /* out_left bytes follow */
    H1_OUT_CHUNKED,
    H1_OUT_RAW, /* until close, tunnels */
    H1_OUT_DONE,
};

enum h1_flag {
    H1_BACK = 1 << 0,
    H1_CLOSE = 1 << 1,    /* no further message after this exchange */
    H1_STOPPING = 1 << 2, /* the owner wants the end: mux->stop() */
    H1_FOR_1_0 = 1 << 3,  /* the client of this exchange speaks HTTP/1.0 */
    H1_EXPECTS = 1 << 4,  /* it waits for 100 (Continue) before it sends its body */
    H1_SHUT = 1 << 5,     /* finish our side once everything is written */
    H1_LEAVING = 1 << 6,  /* the stream has ended, its last bytes have not gone yet */
    H1_TOLD = 1 << 7,     /* back: a byte of a response has come */
};

/* Left for the end of this turn, because a stream must not be called from inside its own calls. */
enum h1_todo {
    H1_TODO_EVENT = 1 << 0,
    H1_TODO_READ = 1 << 1, /* look at unused bytes */
    H1_TODO_GONE = 1 << 2, /* the connection ends */
};

struct h1_conn {
    struct mux_conn mux; /* first */
    struct endpoint ep;
    struct timer timer; /* front: heads, idleness, the last bytes */
    struct deferred work;
    struct chain out;
    struct intake intake;
    struct h1_body body;
    uint64_t out_left;         /* H1_OUT_COUNTED */
    struct message *receiving; /* borrows: gets the trailers */
    struct message *sending;   /* borrows: its trailers are sent */
    uint32_t scanned;          /* bytes of an unfinished head that were looked at */
    struct h1_asked asked;     /* back: what the response answers */
    uint8_t in;                /* enum h1_in */
    uint8_t out_state;         /* enum h1_out */
    uint8_t todo;              /* enum h1_todo */
    uint16_t flags;            /* enum h1_flag */
};

static inline struct h1_conn *
h1_of_mux(struct mux_conn *mc)
{
    MUST_BE(mc, MUX_CONN_MAGIC);
    return (struct h1_conn *)mc;
}

static inline struct h1_conn *
h1_of_endpoint(struct endpoint *ep)
{
    return (struct h1_conn *)ep->mux_conn;
}

static inline struct loop *
h1_loop(const struct h1_conn *h1)
{
    return h1->mux.conn->loop;
}

static inline bool
h1_is_back(const struct h1_conn *h1)
{
    return (h1->flags & H1_BACK) != 0;
}

/* --- h1_mux.c ------------------------------------------------------------- */

/* Something to be done at the end of this turn. */
void h1_later(struct h1_conn *h1, enum h1_todo todo);
/* A new exchange begins in the endpoint. */
void h1_exchange_init(struct h1_conn *h1, unsigned ep_flags);
/* The owner's callback; the connection may be gone afterwards only if the caller's caller allows
 * it. */
void h1_tell(struct h1_conn *h1);
/* The endpoint was given back; what it held is dropped. */
void h1_exchange_fini(struct h1_conn *h1);
/* Tells the owner that the connection is gone, and frees it. Not from inside an endpoint's call:
 * h1_later(H1_TODO_GONE). */
void h1_gone(struct h1_conn *h1);
/* The connection goes on as HTTP/2; h1 is freed. False: nobody wants that. */
bool h1_become_h2(struct h1_conn *h1);
struct h1_limits h1_limits(const struct h1_conn *h1);
uint32_t h1_max_head(const struct h1_conn *h1);
/* The incoming side breaks. */
/* Shows the owner a head that cannot be read. */
struct h1_error;
void h1_show_bad(struct h1_conn *h1, const char *bytes, size_t len, const struct h1_error *err);
void h1_break(struct h1_conn *h1, enum endpoint_error error, int status, const char *text);
/* A head or trailers that grow too long: their text names the longest field. Does not change the
 * connection. */
const char *h1_too_large_text(struct h1_conn *h1, bool *is_uri);

/* --- h1_read.c: bodies, both sides ---------------------------------------- */

/* Uses what is there of the body; sets EP_IN_ENDED, or breaks. */
void h1_read_unused(struct h1_conn *h1);
/* The socket is readable in H1_IN_BODY or H1_IN_TUNNEL. True: tell the stream. */
bool h1_read_body(struct h1_conn *h1);
uint64_t h1_raw_in(const struct endpoint *ep);
void h1_raw_received(struct endpoint *ep, size_t count, enum io io);
/* From now on raw bytes. */
void h1_begin_tunnel_in(struct h1_conn *h1);
void h1_consumed(struct endpoint *ep);

/* --- h1_write.c: both sides ----------------------------------------------- */

bool h1_send_head(struct endpoint *ep, struct message *msg);
bool h1_send_body(struct endpoint *ep, struct chain *data);
bool h1_send_end(struct endpoint *ep);
void h1_flush(struct endpoint *ep, bool more);
void h1_want_body(struct endpoint *ep);
uint64_t h1_raw_out(const struct endpoint *ep);
void h1_raw_sent(struct endpoint *ep, size_t count, enum io io);
/* The socket can be written again. */
void h1_on_writable(struct connection *conn);

/* --- h1_front.c ----------------------------------------------------------- */

void h1_front_start(struct h1_conn *h1);
void h1_front_readable(struct h1_conn *h1);
/* Unused bytes may be a request. */
void h1_front_unused(struct h1_conn *h1);
void h1_front_timeout(struct h1_conn *h1);
/* The stream has ended and nothing is left to be written: next request, or the end. */
void h1_front_settle(struct h1_conn *h1);

/* --- h1_back.c ------------------------------------------------------------ */

struct endpoint *h1_back_open(struct mux_conn *mc);
void h1_back_established(struct connection *conn);
void h1_back_readable(struct h1_conn *h1);
void h1_back_unused(struct h1_conn *h1);
/* The stream has ended: kept, or closed. */
void h1_back_settle(struct h1_conn *h1);
