/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that come to the master's runtime socket and that the worker runs: "@1 show stat".
 *
 * For:     master_cli.c.
 * Owns:    the connection to the worker's runtime socket, for one command; a piece of its answer.
 * Thread:  the master's only one. It waits for no client: an answer is read as the client takes it. For
 *          the worker, whose control thread reads commands at once, it waits WORKER_WAIT_S at most.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/net/inherited.h"
#include "master_cli.h"

#define WORKER_WAIT_S 5

static bool
tell_worker(struct master_client *client, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(client->worker_fd, bytes, len, MSG_NOSIGNAL);

        if (sent == -1 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* "<<" or "<<END" behind the last blank: what ends the payload that follows. NULL: there is none. */
static char *
payload_end_of(const char *command)
{
    const char *last = strrchr(command, ' ');

    if (last == NULL || strncmp(last + 1, "<<", 2) != 0)
        return NULL;
    return strdup(last + 3);
}

static bool
open_worker(struct master_cli *cli, struct master_client *client)
{
    struct timeval wait = { .tv_sec = WORKER_WAIT_S };
    int flags;

    client->worker_fd = cli->worker_fd == -1 ? -1 : sockpair_connect(cli->worker_fd);
    if (client->worker_fd == -1)
        return false;
    flags = fcntl(client->worker_fd, F_GETFL);
    (void)fcntl(client->worker_fd, F_SETFL, flags & ~O_NONBLOCK);
    (void)setsockopt(client->worker_fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    return true;
}

/* Nothing more follows: it closes when the answer is complete. */
static void
end_command(struct master_client *client)
{
    free(client->payload_end);
    client->payload_end = NULL;
    shutdown(client->worker_fd, SHUT_WR);
}

bool
master_relay_begin(struct master_cli *cli, struct master_client *client, const char *command)
{
    if (!open_worker(cli, client))
        return false;
    client->answer_len = client->answer_sent = 0;
    if (!tell_worker(client, command, strlen(command)) || !tell_worker(client, "\n", 1)) {
        master_relay_end(client);
        return false;
    }
    client->payload_end = payload_end_of(command);
    if (client->payload_end == NULL)
        end_command(client);
    return true;
}

bool
master_relay_payload(struct master_client *client)
{
    char *end = memchr(client->bytes, '\n', client->len);
    size_t len;
    bool is_last;

    if (client->payload_end == NULL)
        return false;
    if (end == NULL && client->len < sizeof(client->bytes))
        return false;
    len = end == NULL ? client->len : (size_t)(end - client->bytes) + 1;
    is_last = end != NULL && len - 1 == strlen(client->payload_end) &&
              memcmp(client->bytes, client->payload_end, len - 1) == 0;
    if (!tell_worker(client, client->bytes, len))
        is_last = true;
    client->len -= len;
    memmove(client->bytes, client->bytes + len, client->len);
    if (is_last)
        end_command(client);
    return !is_last;
}

/* False: the client does not take it now, or is gone. */
static bool
give_answer(struct master_client *client)
{
    while (client->answer_sent < client->answer_len) {
        ssize_t sent = send(client->fd, client->answer + client->answer_sent,
                            client->answer_len - client->answer_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1 && errno != EAGAIN)
            master_relay_end(client);
        if (sent <= 0)
            return false;
        client->answer_sent += (size_t)sent;
    }
    client->answer_len = client->answer_sent = 0;
    return true;
}

bool
master_relay_go_on(struct master_client *client)
{
    while (client->worker_fd != -1 && give_answer(client)) {
        ssize_t got =
            recv(client->worker_fd, client->answer, sizeof(client->answer), MSG_DONTWAIT);

        if (got == -1 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (got <= 0)
            break;
        client->answer_len = (size_t)got;
    }
    if (client->worker_fd != -1 && client->answer_sent < client->answer_len)
        return true;
    master_relay_end(client);
    return false;
}

void
master_relay_end(struct master_client *client)
{
    if (client->worker_fd == -1)
        return;
    close(client->worker_fd);
    client->worker_fd = -1;
    client->answer_len = client->answer_sent = 0;
    free(client->payload_end);
    client->payload_end = NULL;
}
