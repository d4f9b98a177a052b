/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that speaks HTTP/2, its streams, and what the files of its mux share. README tells
 * how they work together.
 */
#pragma once

#include <nghttp2/nghttp2.h>

#include "h2_conf.h"
#include "h2_front.h"
#include "h2_turn.h"
#include "intake.h"
#include "weir/base/crash.h"
#include "weir/http/message.h"
#include "weir/loop/loop.h"
#include "weir/mux/mux.h"

enum h2_stream_flag {
    H2S_FRESH = 1 << 0,    /* front: its head is here, the owner has not heard of it */
    H2S_TOLD = 1 << 1,     /* on the list of those with something to tell */
    H2S_DETACHED = 1 << 2, /* given back: nobody looks at the endpoint */
    H2S_CLOSED = 1 << 3,   /* nghttp2 has forgotten it */
    H2S_ANSWERED = 1 << 4, /* back: the final head is here; front: it was queued */
    H2S_END = 1 << 5,      /* endpoint_send_end() */
    H2S_END_SENT = 1 << 6,
    H2S_ABORT = 1 << 7,    /* reset after what is queued */
    H2S_ASLEEP = 1 << 8,   /* nghttp2 waits for body bytes */
    H2S_BODILESS = 1 << 9, /* the end went with the head */
    H2S_SKIP = 1 << 10,    /* its head is refused: fields are not looked at */
    H2S_HEAD = 1 << 11,    /* back: HEAD was asked */
    H2S_CONNECT = 1 << 12, /* CONNECT, plain or extended, was asked */
    H2S_EXTENDED = 1 << 13, /* ... extended: RFC 8441 */
    H2S_EXPECTS = 1 << 14,  /* front: it waits for 100 (Continue) */
    H2S_IN_END = 1 << 15,   /* the peer has ended its side */
    H2S_HELD = 1 << 16,     /* back: its request waits for the server's SETTINGS */
    H2S_SHORT = 1 << 17, /* front: its body has a length, and needs no more window than it has */
};

struct h2_stream {
    struct endpoint ep; /* first */
    struct list link;   /* of the connection */
    struct list told;
    struct message *head;      /* owns: being received */
    struct message *later;     /* owns: back: a head behind one that nobody has taken yet */
    struct message *receiving; /* borrows: gets the trailers */
    struct message *sending;   /* borrows: its trailers are sent */
    struct message *tail;      /* owns: trailers to be sent */
    struct chain out;
    struct chain early; /* before there is a tunnel */
    int32_t id;
    uint32_t unread; /* bytes of the body for which no window was given back */
    uint32_t held;   /* the same of the connection's window, if it has a limit: rxbuf */
    uint32_t head_bytes;
    uint32_t head_fields;
    uint16_t status; /* what a refused head is answered with; 0: it is fine */
    uint32_t flags;  /* enum h2_stream_flag */
    const char *text; /* why */
    char accept[32]; /* back: Sec-WebSocket-Accept that the client waits for; "": none */
    struct str method, scheme, authority, path, protocol; /* pseudo fields, in the head's arena */
};

enum h2_flag {
    H2_BACK = 1 << 0,
    H2_STOPPING = 1 << 1, /* no further streams */
    H2_LEFT = 1 << 2,     /* the peer has closed its side, or failed */
    H2_GONE = 1 << 3,     /* to be freed at the end of this turn, and the owner told */
    H2_DEAD = 1 << 4,     /* freed by the owner from inside its own callback */
    H2_EARLY = 1 << 5,    /* nothing but the preface has come yet */
    H2_GOAWAY = 1 << 6,   /* we have said so */
    H2_WAITS = 1 << 7,    /* the socket takes no more */
    H2_SETTLED = 1 << 8,  /* the peer's SETTINGS are here */
    H2_PINGED = 1 << 9,   /* idle-ping: asked, not answered */
    H2_MORE = 1 << 10,    /* frames are here for the next turn */
};

struct h2_conn {
    struct mux_conn mux; /* first */
    nghttp2_session *ng;
    struct timer timer; /* front: heads, idleness, the last bytes */
    struct timer ping;  /* idle-ping */
    int64_t idle_since_us; /* front: the last stream has ended; 0: there are some */
    struct deferred work;
    struct chain out;
    struct intake intake;
    struct h2_turn turn;
    struct list streams;
    struct list told;
    struct mux_settings own; /* a copy: streams of several configurations may run at once */
    struct h2_conf conf; /* a copy, for the same reason */
    int64_t head_since_us; /* a head has begun and is not complete; 0: none */
    uint32_t leaving;      /* streams that were given back and still send */
    uint32_t most;         /* streams at once */
    uint32_t glitches;     /* faults of the peer that were borne */
    uint32_t window;       /* of each stream's body, incoming */
    uint32_t rxbuf;        /* of all of them together; 0: no limit */
    const struct h2_stream *flushing; /* its owner is calling: it need not be told */
    uint16_t flags;        /* enum h2_flag */
    uint8_t busy;          /* inside of callbacks */
};

static inline struct h2_conn *
h2_of_mux(struct mux_conn *mc)
{
    MUST_BE(mc, MUX_CONN_MAGIC);
    return (struct h2_conn *)mc;
}

static inline struct h2_conn *
h2_of_stream(const struct h2_stream *s)
{
    return (struct h2_conn *)s->ep.mux_conn;
}

static inline struct loop *
h2_loop(const struct h2_conn *h2)
{
    return h2->mux.conn->loop;
}

static inline bool
h2_is_back(const struct h2_conn *h2)
{
    return (h2->flags & H2_BACK) != 0;
}

/* --- h2_mem.c ------------------------------------------------------------- */

/* nghttp2's memory: blocks of a few sizes from pools. */
nghttp2_mem *h2_mem(void);

/* --- h2_session.c: what nghttp2 tells ------------------------------------- */

/* A session with our settings queued. False: out of memory. */
bool h2_session_start(struct h2_conn *h2);
ssize_t h2_read_data(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t len, uint32_t *flags,
                     nghttp2_data_source *source, void *user);

/* --- h2_ping.c ------------------------------------------------------------ */

void h2_ping_init(struct h2_conn *h2);
/* The end of each turn: is the connection idle, so that it is asked? */
void h2_ping_choose(struct h2_conn *h2);
void h2_ping_answered(struct h2_conn *h2);

/* --- h2_mux.c ------------------------------------------------------------- */

/* Something to be written or told at the end of this turn. */
void h2_later(struct h2_conn *h2);
/* nghttp2's frames become bytes of `out`, as far as there is room. */
void h2_serialise(struct h2_conn *h2);
/* One more thing that no honest peer does. */
void h2_glitch(struct h2_conn *h2);


/* --- h2_stream.c ---------------------------------------------------------- */

struct h2_stream *h2_stream_new(struct h2_conn *h2, int32_t id, unsigned ep_flags);
void h2_stream_free(struct h2_stream *s);
/* The owner shall look at it at the end of this turn. */
void h2_stream_tell(struct h2_stream *s);
/* Its incoming side breaks. */
void h2_stream_break(struct h2_stream *s, enum endpoint_error error, int status, const char *text);
/* nghttp2 has forgotten it. */
void h2_stream_closed(struct h2_stream *s, uint32_t code);
/* It was answered before its request has ended. */
void h2_stream_end_early(struct h2_conn *h2, struct h2_stream *s);
/* Room has come: flags of the outgoing side. */
void h2_stream_drained(struct h2_stream *s);
/* The message is complete. */
void h2_stream_in_ended(struct h2_stream *s);
/* Back: the server's SETTINGS are here: requests that waited for them go. */
void h2_stream_settled(struct h2_stream *s);
bool h2_send_head(struct endpoint *ep, struct message *msg);
bool h2_send_body(struct endpoint *ep, struct chain *data);
bool h2_send_end(struct endpoint *ep);
void h2_flush(struct endpoint *ep, bool more);
void h2_consumed(struct endpoint *ep);
void h2_want_body(struct endpoint *ep);
void h2_close(struct endpoint *ep, enum endpoint_close how);
struct endpoint *h2_back_open(struct mux_conn *mc);
/* Back: can it take another stream? */
bool h2_has_room(const struct h2_conn *h2);

/* --- h2_tunnel.c ---------------------------------------------------------- */

/* Front: an extended CONNECT for WebSocket becomes the upgrade that HTTP/1 knows. */
bool h2_tunnel_request(struct h2_stream *s, struct message *msg);
/* Back: the other way round: what the answer will have to say. */
void h2_tunnel_ask(struct h2_stream *s, const struct message *msg);
/* Back: 200 becomes 101. */
bool h2_tunnel_answer(struct h2_stream *s, struct message *msg);

/* --- h2_headers.c, h2_writer.c -------------------------------------------- */

/* One field of a head. False: out of memory. */
bool h2_head_add(struct h2_stream *s, struct str name, struct str value);
/* All fields are here: judges them. `ended`: no body follows. Sets status and text if refused. */
void h2_head_request(struct h2_stream *s, bool ended);
void h2_head_response(struct h2_stream *s, bool ended);
/* One field of the trailers. False: out of memory. */
bool h2_trailer_add(struct h2_stream *s, struct str name, struct str value);
/* The fields of a message as nghttp2 wants them, in the message's arena. NULL: out of memory. */
nghttp2_nv *h2_write_request(struct h2_stream *s, struct message *msg, size_t *count);
nghttp2_nv *h2_write_response(struct h2_stream *s, struct message *msg, size_t *count);
