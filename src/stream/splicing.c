/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large plain payload goes from socket to socket through a pipe, without a copy (option
 * splice-request, splice-response, splice-auto).
 *
 * For:     forward.c.
 * Owns:    a pipe for each direction in which bytes are spliced now.
 * Thread:  owner.
 *
 * A direction begins to splice when both muxes have nothing queued and agree that only payload
 * comes (endpoint_raw_in, endpoint_raw_out), and ends when one of them does not any more. Meanwhile
 * EP_OUT_FLUSHED speaks of the pipe too, so the rest of the room need not know about it. While
 * bytes stay in the pipe, nothing is read.
 */
#include "weir/config/keyword.h"
#include "weir/net/splice.h"

#include "private.h"

#define ROUNDS_MAX 16    /* in one event: then others have their turn */
#define LARGE      32768 /* splice-auto: bytes of one event that make it pay */

struct splicing {
    struct splice_pipe *pipes[DIRECTIONS];
};

static struct pool splicing_pool = POOL("splicing", sizeof(struct splicing));

static struct endpoint *
source_of(const struct stream *s, enum direction direction)
{
    return direction == TO_SERVER ? s->front : s->back;
}

static struct endpoint *
target_of(const struct stream *s, enum direction direction)
{
    return direction == TO_SERVER ? s->back : s->front;
}

static struct splice_pipe **
pipe_of(const struct stream *s, enum direction direction)
{
    return s->splicing == NULL ? NULL : &s->splicing->pipes[direction];
}

/* --- begin, end ---------------------------------------------------------- */

static bool
is_wanted(const struct stream *s, enum direction direction, size_t moved)
{
    const struct proxy_conf *frontend = s->eval.frontend, *backend = s->eval.backend;

    if (direction == TO_SERVER &&
        (frontend->option.splice_request || backend->option.splice_request))
        return true;
    if (direction == TO_CLIENT &&
        (frontend->option.splice_response || backend->option.splice_response))
        return true;
    return moved >= LARGE && (frontend->option.splice_auto || backend->option.splice_auto);
}

static bool
can_begin(const struct endpoint *from, const struct endpoint *to)
{
    return endpoint_raw_in(from) >= LARGE && endpoint_raw_out(to) >= LARGE &&
           splice_is_possible(from->mux_conn->conn) && splice_is_possible(to->mux_conn->conn);
}

static bool
begin(struct stream *s, enum direction direction)
{
    struct splice_pipe *pipe;

    if (!can_begin(source_of(s, direction), target_of(s, direction)))
        return false;
    if (s->splicing == NULL) {
        s->splicing = pool_take(&splicing_pool);
        if (s->splicing == NULL)
            return false;
        *s->splicing = (struct splicing){ { NULL, NULL } };
    }
    pipe = splice_pipe_take();
    if (pipe == NULL)
        return false;
    s->splicing->pipes[direction] = pipe;
    source_of(s, direction)->flags |= EP_RAW_IN;
    target_of(s, direction)->flags |= EP_RAW_OUT;
    return true;
}

static void
end(struct stream *s, enum direction direction)
{
    struct splice_pipe **pipe = pipe_of(s, direction);
    struct endpoint *from = source_of(s, direction), *to = target_of(s, direction);

    if (pipe == NULL || *pipe == NULL)
        return;
    splice_pipe_give(*pipe);
    *pipe = NULL;
    if (to != NULL)
        to->flags &= ~(unsigned)EP_RAW_OUT;
    if (from == NULL)
        return;
    from->flags &= ~(unsigned)EP_RAW_IN;
    connection_resume_reading(from->mux_conn->conn);
}

void
splicing_end(struct stream *s)
{
    end(s, TO_SERVER);
    end(s, TO_CLIENT);
    pool_give(&splicing_pool, s->splicing);
    s->splicing = NULL;
}

/* --- bytes --------------------------------------------------------------- */

static size_t
room_for(const struct endpoint *from, const struct endpoint *to, const struct splice_pipe *pipe)
{
    uint64_t in = endpoint_raw_in(from), out = endpoint_raw_out(to);
    uint64_t room = out > pipe->bytes ? out - pipe->bytes : 0;

    if (in < room)
        room = in;
    return room < pipe->size ? (size_t)room : pipe->size;
}

/* One read and one write. False: nothing moves for now. */
static bool
move_some(struct endpoint *from, struct endpoint *to, struct splice_pipe *pipe)
{
    size_t max = pipe->bytes > 0 ? 0 : room_for(from, to, pipe), count;
    bool has_moved = false;
    enum io io;

    if (max > 0) {
        io = splice_read(from->mux_conn->conn, pipe, max, &count);
        endpoint_raw_received(from, count, io);
        has_moved = io == IO_OK;
    }
    if (pipe->bytes > 0) {
        io = splice_write(to->mux_conn->conn, pipe, false, &count);
        endpoint_raw_sent(to, count, io);
    }
    return has_moved && pipe->bytes == 0;
}

static void
move(struct stream *s, enum direction direction, struct splice_pipe *pipe)
{
    struct endpoint *from = source_of(s, direction), *to = target_of(s, direction);
    int rounds = 0;

    while (rounds < ROUNDS_MAX && move_some(from, to, pipe))
        rounds++;
    if ((to->flags & EP_OUT_BROKEN) != 0) {
        end(s, direction);
    } else if (pipe->bytes > 0) {
        to->flags &= ~(unsigned)EP_OUT_FLUSHED;
        connection_stop_reading(from->mux_conn->conn);
    } else {
        to->flags |= EP_OUT_FLUSHED;
        connection_resume_reading(from->mux_conn->conn);
        if (room_for(from, to, pipe) == 0)
            end(s, direction);
    }
}

void
splicing_run(struct stream *s, enum direction direction, size_t moved)
{
    struct splice_pipe **pipe = pipe_of(s, direction);

    if (pipe == NULL || *pipe == NULL) {
        if (!is_wanted(s, direction, moved) || !begin(s, direction))
            return;
        pipe = pipe_of(s, direction);
    }
    move(s, direction, *pipe);
}

bool
splicing_is_possible(const struct stream *s)
{
    const struct proxy_conf *frontend = s->eval.frontend, *backend = s->eval.backend;

    return frontend->option.splice_auto || frontend->option.splice_request ||
           frontend->option.splice_response || backend->option.splice_auto ||
           backend->option.splice_request || backend->option.splice_response;
}

/* --- configuration ------------------------------------------------------- */

static const struct keyword keywords[] = {
    { "option splice-auto", IN_PROXY, .flags = KEYWORD_NO,
      SET_FLAG(struct proxy_conf, option.splice_auto),
      .help = "Pass payload from socket to socket without a copy while much of it comes." },
    { "option splice-request", IN_PROXY, .flags = KEYWORD_NO,
      SET_FLAG(struct proxy_conf, option.splice_request),
      .help = "Pass what clients send from socket to socket without a copy." },
    { "option splice-response", IN_PROXY, .flags = KEYWORD_NO,
      SET_FLAG(struct proxy_conf, option.splice_response),
      .help = "Pass what servers send from socket to socket without a copy." },
};
REGISTER(keyword, keywords);
