/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said on a connection before data, in order.
 *
 * For:     PROXY headers in and out, NetScaler's header, TLS.
 * Owns:    the list of steps and their data, until the last one is done.
 * Callers: session and connector add steps; connection.c brings events.
 * Thread:  owner.
 *
 *     made ──handshake_start()──> steps[0] ─> ... ─> transport->handshake ─> CONN_ESTABLISHED
 *     dialled ──connect done──/                                     owner->on_established()
 *     any failure: CONN_FAILED, and owner->on_established() too
 */
#include "weir/net/handshake.h"

#include <stddef.h>

#include "weir/base/crash.h"
#include "weir/base/pool.h"
#include "weir/net/transport.h"
#include "weir/os/socket.h"
#include "private.h"

struct handshake {
    uint8_t count;
    uint8_t at; /* the step that runs */
    struct {
        handshake_step_fn *run;
        void *data;
        void (*free_data)(void *data); /* NULL: not ours */
    } steps[HANDSHAKE_STEPS_MAX];
};

static struct pool handshake_pool = POOL("handshake", sizeof(struct handshake));

bool
handshake_add_owned(struct connection *conn, handshake_step_fn *step, void *data,
                    void (*free_data)(void *data))
{
    struct handshake *handshake = conn->handshake;

    MUST((conn->flags & CONN_ESTABLISHED) == 0);
    if (handshake == NULL) {
        handshake = pool_take(&handshake_pool);
        if (handshake == NULL)
            return false;
        handshake->count = handshake->at = 0;
        conn->handshake = handshake;
    }
    MUST(handshake->count < HANDSHAKE_STEPS_MAX);
    handshake->steps[handshake->count].run = step;
    handshake->steps[handshake->count].data = data;
    handshake->steps[handshake->count].free_data = free_data;
    handshake->count++;
    return true;
}

bool
handshake_add(struct connection *conn, handshake_step_fn *step, void *data)
{
    return handshake_add_owned(conn, step, data, NULL);
}

void *
handshake_data(struct connection *conn)
{
    return conn->handshake->steps[conn->handshake->at].data;
}

void
handshake_set_data(struct connection *conn, void *data, void (*free_data)(void *data))
{
    struct handshake *handshake = conn->handshake;

    handshake->steps[handshake->at].data = data;
    handshake->steps[handshake->at].free_data = free_data;
}

static void
end_step(struct handshake *handshake, unsigned step)
{
    if (handshake->steps[step].free_data != NULL)
        handshake->steps[step].free_data(handshake->steps[step].data);
}

void
handshake_free(struct connection *conn)
{
    struct handshake *handshake = conn->handshake;

    for (unsigned i = handshake->at; i < handshake->count; i++)
        end_step(handshake, i);
    conn->handshake = NULL;
    pool_give(&handshake_pool, handshake);
}

static enum io
run_steps(struct connection *conn)
{
    struct handshake *handshake = conn->handshake;

    if (handshake == NULL)
        return IO_OK;
    while (handshake->at < handshake->count) {
        enum io io = handshake->steps[handshake->at].run(conn);

        if (io != IO_OK)
            return io;
        end_step(handshake, handshake->at++);
    }
    handshake_free(conn);
    return IO_OK;
}

/* Steps, then the transport. Calls the owner when all is done or has failed. */
static void
go_on(struct connection *conn)
{
    enum io io = run_steps(conn);

    if (io == IO_OK && conn->transport->handshake != NULL)
        io = conn->transport->handshake(conn);
    if (io == IO_WAIT) {
        connection_update_interest(conn);
        return;
    }
    if (io == IO_OK)
        conn->flags |= CONN_ESTABLISHED;
    else if ((conn->flags & CONN_FAILED) == 0)
        (void)connection_failed(conn, CONN_ERR_SOCKET);
    connection_update_interest(conn);
    connection_tell_established(conn);
}

/* False: it has not been decided yet, or has failed and the owner knows. */
static bool
end_connecting(struct connection *conn, int events)
{
    int error = 0;

    /* A socket that is only writable is connected; see wanted_interest() in connection.c. */
    if (events != EV_WRITE)
        error = socket_error(conn->fd);
    conn->flags &= ~(unsigned)(CONN_CONNECTING | CONN_WANT_WRITE);
    if (error == 0)
        return true;
    (void)connection_read_failed(conn, error);
    connection_tell_established(conn);
    return false;
}

void
handshake_on_event(struct connection *conn, int events)
{
    if ((conn->flags & CONN_FAILED) != 0) { /* before the owner could be told: connection_wake() */
        connection_tell_established(conn);
        return;
    }
    if ((conn->flags & CONN_CONNECTING) != 0 && !end_connecting(conn, events))
        return;
    conn->flags &= ~(unsigned)CONN_WANT_WRITE;
    go_on(conn);
}

void
handshake_start(struct connection *conn)
{
    go_on(conn);
}
