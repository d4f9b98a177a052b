/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Send and receive descriptors over unix sockets (SCM_RIGHTS, unix(7)).
 *
 * For:     handing listening sockets to the next process; sockpair@ addresses.
 * Owns:    nothing.
 * Callers: net.
 * Thread:  any.
 */
#include "weir/os/fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "weir/base/crash.h"

/* Room for the descriptors, aligned as the kernel wants it. */
union control {
    char bytes[CMSG_SPACE(sizeof(int) * FDPASS_MAX)];
    struct cmsghdr align;
};

static void
put_fds(struct msghdr *header, union control *control, const int *fds, size_t count)
{
    struct cmsghdr *part;

    if (count == 0)
        return;
    memset(control, 0, sizeof(*control));
    header->msg_control = control->bytes;
    header->msg_controllen = CMSG_SPACE(sizeof(int) * count);
    part = CMSG_FIRSTHDR(header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(part), fds, sizeof(int) * count);
}

bool
fdpass_send(int sock, struct str data, const int *fds, size_t count, struct error *err)
{
    union control control;
    struct iovec iov = { .iov_base = (char *)data.ptr, .iov_len = data.len };
    struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

    MUST(data.len > 0 && count <= FDPASS_MAX);
    put_fds(&header, &control, fds, count);
    while (iov.iov_len > 0) {
        ssize_t sent = sendmsg(sock, &header, MSG_NOSIGNAL);

        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1)
            return error_set_errno(err, "cannot send descriptors: sendmsg()");
        /* The descriptors left with the first byte. */
        header.msg_control = NULL;
        header.msg_controllen = 0;
        iov.iov_base = (char *)iov.iov_base + sent;
        iov.iov_len -= (size_t)sent;
    }
    return true;
}

static void
get_fds(struct msghdr *header, struct fdpass_message *msg)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL;
         part = CMSG_NXTHDR(header, part)) {
        size_t bytes = part->cmsg_len - CMSG_LEN(0);

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        memcpy(msg->fds + msg->fd_count, CMSG_DATA(part), bytes);
        msg->fd_count += bytes / sizeof(int);
    }
}

bool
fdpass_receive(int sock, struct fdpass_message *msg, struct error *err)
{
    union control control;
    struct iovec iov = { .iov_base = msg->data, .iov_len = msg->size };
    struct msghdr header = { .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes) };
    ssize_t got;

    msg->len = msg->fd_count = 0;
    do
        got = recvmsg(sock, &header, MSG_CMSG_CLOEXEC);
    while (got == -1 && errno == EINTR);
    if (got == -1)
        return error_set_errno(err, "cannot receive descriptors: recvmsg()");
    get_fds(&header, msg);
    msg->len = (size_t)got;
    if (!(header.msg_flags & MSG_CTRUNC))
        return true;
    /* The kernel closed what did not fit (or our limit of descriptors is reached): a set with
     * holes is of no use. */
    while (msg->fd_count > 0)
        close(msg->fds[--msg->fd_count]);
    return error_set(err, "cannot receive descriptors: some were lost (limit of open files?)");
}
