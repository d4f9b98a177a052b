/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes, and bytes that go through them from socket to socket.
 *
 * For:     relays and large bodies between plain connections.
 * Owns:    free pipes, a few per thread.
 * Callers: stream (forward).
 * Thread:  owner; the counts are atomic.
 */
#include "weir/net/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "weir/base/pool.h"
#include "weir/loop/start.h"
#include "weir/net/transport.h"

#define KEPT_MAX        32 /* free pipes per thread */
#define SIZE_IF_UNKNOWN 65536
#define FLAGS           (SPLICE_F_MOVE | SPLICE_F_NONBLOCK)

static struct pool pipe_pool = POOL("pipe", sizeof(struct splice_pipe));

/* Written by control. */
static int64_t max_pipes = -1;
static uint64_t wanted_size;

/* Of all threads; atomic. */
static uint32_t pipes_used;
static uint32_t pipes_free;

/* Free ones of this thread, all empty. */
static _Thread_local struct splice_pipe *kept;
static _Thread_local unsigned kept_count;

void
splice_configure(int64_t max, uint64_t pipe_size)
{
    __atomic_store_n(&max_pipes, max, __ATOMIC_RELAXED);
    __atomic_store_n(&wanted_size, pipe_size, __ATOMIC_RELAXED);
}

uint32_t
splice_pipes_used(void)
{
    return __atomic_load_n(&pipes_used, __ATOMIC_RELAXED);
}

uint32_t
splice_pipes_free(void)
{
    return __atomic_load_n(&pipes_free, __ATOMIC_RELAXED);
}

/* --- pipes -------------------------------------------------------------------------------- */

static bool
open_pipe(struct splice_pipe *pipe)
{
    uint64_t wanted = __atomic_load_n(&wanted_size, __ATOMIC_RELAXED);
    int fds[2], size;

    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) == -1)
        return false;
    if (wanted > 0)
        (void)fcntl(fds[0], F_SETPIPE_SZ, (int)wanted);
    size = fcntl(fds[0], F_GETPIPE_SZ);
    *pipe = (struct splice_pipe){
        .read_fd = fds[0],
        .write_fd = fds[1],
        .size = size > 0 ? (uint32_t)size : SIZE_IF_UNKNOWN,
    };
    return true;
}

static void
close_pipe(struct splice_pipe *pipe)
{
    close(pipe->read_fd);
    close(pipe->write_fd);
    pool_give(&pipe_pool, pipe);
}

static struct splice_pipe *
take_kept(void)
{
    struct splice_pipe *pipe = kept;

    if (pipe == NULL)
        return NULL;
    kept = pipe->next;
    kept_count--;
    __atomic_sub_fetch(&pipes_free, 1, __ATOMIC_RELAXED);
    return pipe;
}

struct splice_pipe *
splice_pipe_take(void)
{
    int64_t max = __atomic_load_n(&max_pipes, __ATOMIC_RELAXED);
    uint32_t used = __atomic_add_fetch(&pipes_used, 1, __ATOMIC_RELAXED);
    struct splice_pipe *pipe = NULL;

    if (max < 0 || used <= max) {
        pipe = take_kept();
        if (pipe == NULL) {
            pipe = pool_take(&pipe_pool);
            if (pipe != NULL && !open_pipe(pipe)) {
                pool_give(&pipe_pool, pipe);
                pipe = NULL;
            }
        }
    }
    if (pipe == NULL)
        __atomic_sub_fetch(&pipes_used, 1, __ATOMIC_RELAXED);
    return pipe;
}

void
splice_pipe_give(struct splice_pipe *pipe)
{
    if (pipe == NULL)
        return;
    __atomic_sub_fetch(&pipes_used, 1, __ATOMIC_RELAXED);
    if (pipe->bytes > 0 || kept_count >= KEPT_MAX) {
        close_pipe(pipe);
        return;
    }
    pipe->next = kept;
    kept = pipe;
    kept_count++;
    __atomic_add_fetch(&pipes_free, 1, __ATOMIC_RELAXED);
}

static void
close_kept(void)
{
    struct splice_pipe *pipe;

    while ((pipe = take_kept()) != NULL)
        close_pipe(pipe);
}

/* --- bytes -------------------------------------------------------------------------------- */

bool
splice_is_possible(const struct connection *conn)
{
    return conn->transport == &plain_transport &&
           (conn->flags & (CONN_ESTABLISHED | CONN_FAILED)) == CONN_ESTABLISHED;
}

enum io
splice_read(struct connection *from, struct splice_pipe *pipe, size_t max, size_t *got)
{
    size_t room = pipe->size - pipe->bytes;
    ssize_t result;

    *got = 0;
    if (room == 0)
        return IO_WAIT;
    if (max > room)
        max = room;
    do {
        result = splice(from->fd, NULL, pipe->write_fd, NULL, max, FLAGS);
    } while (result == -1 && errno == EINTR);
    if (result > 0) {
        pipe->bytes += (uint32_t)result;
        *got = (size_t)result;
        return IO_OK;
    }
    if (result == 0)
        return connection_read_ended(from);
    /* EAGAIN may also mean that the pipe is full before its size is: it counts pages. */
    return errno == EAGAIN ? IO_WAIT : connection_read_failed(from, errno);
}

enum io
splice_write(struct connection *to, struct splice_pipe *pipe, bool more, size_t *sent)
{
    ssize_t result;

    *sent = 0;
    if (pipe->bytes == 0)
        return IO_OK;
    if ((to->flags & (CONN_WRITE_CLOSED | CONN_FAILED)) != 0)
        return IO_CLOSED;
    do {
        result = splice(pipe->read_fd, NULL, to->fd, NULL, pipe->bytes,
                        FLAGS | (more ? SPLICE_F_MORE : 0));
    } while (result == -1 && errno == EINTR);
    if (result == -1 && errno != EAGAIN)
        return connection_write_failed(to, errno);
    if (result > 0) {
        pipe->bytes -= (uint32_t)result;
        *sent = (size_t)result;
    }
    if (pipe->bytes > 0)
        connection_want_write(to);
    return result > 0 ? IO_OK : IO_WAIT;
}

static const struct start_hook hooks[] = {
    { STOP_THREAD, close_kept },
};
REGISTER(start_hook, hooks);
