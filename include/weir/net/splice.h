/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from socket to socket without a copy (splice(2)): through a pipe that belongs to one
 * direction of a relay while bytes are in it. Only plain connections can do it.
 *
 *     if (pipe == NULL) pipe = splice_pipe_take();        NULL: copy instead
 *     io = splice_read(from, pipe, max, &got);            IO_WAIT: nothing there
 *     io = splice_write(to, pipe, more, &sent);           IO_WAIT: on_writable will come
 *     if (pipe->bytes == 0) splice_pipe_give(pipe);
 *
 * While bytes stay in the pipe because `to` takes no more, stop reading from `from`: a full pipe
 * looks like an empty socket, and the socket would go on reporting itself as readable.
 *
 * Thread: owner; the limit of pipes is the process's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/net/connection.h"

struct splice_pipe {
    int read_fd, write_fd;
    uint32_t bytes; /* in the pipe now */
    uint32_t size;  /* that it holds at most */
    struct splice_pipe *next;
};

/* maxpipes (-1: no limit of its own, 0: never splice) and tune.pipesize. Control. */
void splice_configure(int64_t max_pipes, uint64_t pipe_size);
/* Pipes in use and kept, of all threads: for "show info". Any. */
uint32_t splice_pipes_used(void);
uint32_t splice_pipes_free(void);

/* An empty pipe; NULL: none to be had. */
struct splice_pipe *splice_pipe_take(void) __attribute__((warn_unused_result));
/* Given back. Bytes left in it are thrown away. NULL is fine. */
void splice_pipe_give(struct splice_pipe *pipe);

/* May bytes of this connection be spliced now? Plain, established. */
bool splice_is_possible(const struct connection *conn);
/* Moves up to `max` bytes from the socket into the pipe. IO_WAIT: nothing there, or the pipe is
 * full. Otherwise as connection_read(). */
enum io splice_read(struct connection *from, struct splice_pipe *pipe, size_t max, size_t *got);
/* Moves what is in the pipe to the socket, as far as it takes it. As connection_write(). */
enum io splice_write(struct connection *to, struct splice_pipe *pipe, bool more, size_t *sent);
