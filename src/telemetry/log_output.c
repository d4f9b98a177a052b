/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A socket or descriptor that log lines leave through.
 *
 * For:     log_sink.c collects lines; here they meet the system.
 * Owns:    its socket. Descriptors that the user named (stdout, fd@N) are
 *          borrowed, but pipes and terminals are opened a second time.
 * Callers: log_sink.c.
 * Thread:  control.
 *
 * Nothing here waits: a log reader that is slow or stopped must not stop health
 * checks. Pipes and terminals are shared with other programs, which would be
 * surprised to find them non-blocking; so we open our own view of them. Where
 * that is impossible (no /proc in a chroot) we ask poll() before each line.
 *
 * Unix sockets are connected before chroot, so /dev/log works from within one;
 * when the reader was restarted we connect again by path.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/clock.h"
#include "weir/os/socket.h"
#include "private.h"

#define RECONNECT_MS 100
#define POLLED_MAX   4096 /* bytes that a pipe takes at once when poll() says so */

static bool
is_unix(const struct log_output *output)
{
    return output->to.ss_family == AF_UNIX;
}

/* --- open ---------------------------------------------------------------------- */

bool
log_output_open(struct log_output *output, const struct addr *addr, struct error *err)
{
    *output = (struct log_output){ .fd = -1 };
    if (addr->family == ADDR_FD) {
        output->fd = addr->fd;
        return true;
    }
    output->is_socket = output->is_datagram = output->is_ready = output->owns_fd = true;
    output->to_len = addr_to_sockaddr(addr, &output->to);
    output->fd = socket_open(addr_domain(addr), SOCK_DGRAM, err);
    if (output->fd == -1)
        return false;
    /* Nobody may be there yet: sending will try again. */
    if (is_unix(output))
        (void)connect(output->fd, (struct sockaddr *)&output->to, output->to_len);
    return true;
}

void
log_output_close(struct log_output *output)
{
    if (output->owns_fd && output->fd != -1)
        close(output->fd);
    output->fd = -1;
}

/* Our own, non-blocking view of a pipe or terminal. */
static void
open_again(struct log_output *output)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", output->fd);
    fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd == -1) {
        output->must_poll = true;
        return;
    }
    output->fd = fd;
    output->owns_fd = true;
}

/* At the first line, not at opening: the process may have gone to the background since, and
 * its descriptors mean something else then. */
static void
look_at_descriptor(struct log_output *output)
{
    struct stat st;
    int type;
    socklen_t len = sizeof(type);

    output->is_ready = true;
    if (fstat(output->fd, &st) == -1)
        return;
    if (S_ISSOCK(st.st_mode)) {
        output->is_socket = true;
        if (getsockopt(output->fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
            output->is_datagram = type != SOCK_STREAM;
    } else if (!S_ISREG(st.st_mode)) {
        open_again(output);
    }
}

/* --- datagrams ------------------------------------------------------------------ */

/* Unix sockets only. False: nobody is there. */
static bool
reconnect(struct log_output *output)
{
    int64_t now_ms = clock_monotonic_ms();

    if (now_ms < output->reconnect_ms)
        return false;
    output->reconnect_ms = now_ms + RECONNECT_MS;
    return connect(output->fd, (struct sockaddr *)&output->to, output->to_len) == 0;
}

static int
send_datagrams(struct log_output *output, struct iovec *lines, unsigned count)
{
    struct mmsghdr messages[LOG_BATCH_MAX];
    /* Only IP: a unix path would be looked up for each message, and in a chroot it is not there. */
    bool names_receiver = output->to_len > 0 && !is_unix(output);

    for (unsigned i = 0; i < count; i++)
        messages[i] = (struct mmsghdr){ .msg_hdr = {
                                            .msg_name = names_receiver ? &output->to : NULL,
                                            .msg_namelen = names_receiver ? output->to_len : 0,
                                            .msg_iov = &lines[i],
                                            .msg_iovlen = 1,
                                        } };
    return sendmmsg(output->fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static struct log_progress
send_as_datagrams(struct log_output *output, struct iovec *lines, unsigned count)
{
    struct log_progress progress = { 0 };

    while (progress.done < count) {
        int sent = send_datagrams(output, lines + progress.done, count - progress.done);

        if (sent > 0) {
            progress.done += (unsigned)sent;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            progress.must_wait = true;
            break;
        } else if (errno != EINTR && !(is_unix(output) && reconnect(output))) {
            progress.done++;
            progress.lost++;
        }
    }
    return progress;
}

/* --- streams -------------------------------------------------------------------- */

static ssize_t
write_lines(struct log_output *output, struct iovec *lines, unsigned count)
{
    struct pollfd poll_fd = { .fd = output->fd, .events = POLLOUT };

    if (output->is_socket) {
        struct msghdr message = { .msg_iov = lines, .msg_iovlen = count };

        return sendmsg(output->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (!output->must_poll)
        return writev(output->fd, lines, (int)count);
    if (poll(&poll_fd, 1, 0) <= 0 || (poll_fd.revents & POLLOUT) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(output->fd, lines[0].iov_base,
                 lines[0].iov_len < POLLED_MAX ? lines[0].iov_len : POLLED_MAX);
}

/* Counts the lines that `sent` bytes complete; takes the rest off the next one. */
static void
count_lines(struct log_progress *progress, struct iovec *lines, size_t sent)
{
    struct iovec *line = &lines[progress->done];

    while (sent > 0 && sent >= line->iov_len) {
        sent -= line->iov_len;
        progress->done++;
        progress->partly = 0;
        line++;
    }
    if (sent > 0) {
        line->iov_base = (char *)line->iov_base + sent;
        line->iov_len -= sent;
        progress->partly += sent;
    }
}

static struct log_progress
send_as_stream(struct log_output *output, struct iovec *lines, unsigned count)
{
    struct log_progress progress = { 0 };

    while (progress.done < count) {
        ssize_t sent = write_lines(output, lines + progress.done, count - progress.done);

        if (sent >= 0) {
            count_lines(&progress, lines, (size_t)sent);
        } else if (errno == EAGAIN) {
            progress.must_wait = true;
            break;
        } else if (errno != EINTR) {
            progress.lost += count - progress.done;
            progress.done = count;
            progress.partly = 0;
        }
    }
    return progress;
}

struct log_progress
log_output_send(struct log_output *output, struct iovec *lines, unsigned count)
{
    if (!output->is_ready)
        look_at_descriptor(output);
    return output->is_datagram ? send_as_datagrams(output, lines, count)
                               : send_as_stream(output, lines, count);
}
