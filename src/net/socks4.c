/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SOCKS 4 towards servers: the handshake step that asks a SOCKS server for the real one.
 *
 * For:     socks4 of server lines, via-socks4 of checks.
 * Owns:    what is still to be sent and what came of the answer, until the step is over.
 * Callers: connector.c adds the step, before all others.
 * Thread:  owner.
 *
 *     we:   04 01 port(2) address(4) "weir" 00
 *     they: 00 5A port(2) address(4)          5A: granted; anything else: not
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "weir/base/pool.h"
#include "weir/net/handshake.h"
#include "weir/net/transport.h"
#include "private.h"

#define VERSION     4
#define CONNECT     1
#define GRANTED     0x5a
#define USER        "weir"
#define REQUEST_LEN (8 + sizeof(USER))
#define ANSWER_LEN  8

struct socks4 {
    uint8_t request[REQUEST_LEN], answer[ANSWER_LEN];
    uint8_t sent, got;
};

static struct pool socks4_pool = POOL("socks4", sizeof(struct socks4));

static void
free_socks4(void *data)
{
    pool_give(&socks4_pool, data);
}

static enum io
send_request(struct connection *conn, struct socks4 *socks)
{
    size_t sent;
    enum io io = plain_write(conn, socks->request + socks->sent, REQUEST_LEN - socks->sent, 0, &sent);

    socks->sent = (uint8_t)(socks->sent + sent);
    if (io != IO_OK && io != IO_WAIT)
        return connection_failed(conn, CONN_ERR_SOCKS4_SEND);
    return socks->sent == REQUEST_LEN ? IO_OK : IO_WAIT;
}

/* Not one byte more: the server's own follow. */
static enum io
receive_answer(struct connection *conn, struct socks4 *socks)
{
    ssize_t got;

    do {
        got = recv(conn->fd, socks->answer + socks->got, (size_t)ANSWER_LEN - socks->got, 0);
    } while (got == -1 && errno == EINTR);
    if (got == -1 && errno == EAGAIN)
        return IO_WAIT;
    if (got == -1)
        conn->os_errno = errno;
    if (got <= 0)
        return connection_failed(conn, got == 0 ? CONN_ERR_SOCKS4_ABORT : CONN_ERR_SOCKS4_RECV);
    socks->got = (uint8_t)(socks->got + got);
    if (socks->got < ANSWER_LEN)
        return IO_WAIT;
    if (socks->answer[0] != 0 || socks->answer[1] != GRANTED)
        return connection_failed(conn, CONN_ERR_SOCKS4_DENY);
    return IO_OK;
}

static enum io
run(struct connection *conn)
{
    struct socks4 *socks = handshake_data(conn);
    enum io io = socks->sent < REQUEST_LEN ? send_request(conn, socks) : IO_OK;

    return io == IO_OK ? receive_answer(conn, socks) : io;
}

bool
socks4_ask_later(struct connection *conn, const struct addr *to)
{
    struct socks4 *socks = pool_take(&socks4_pool);
    uint16_t port = htons(to->port);

    if (socks == NULL)
        return false;
    memset(socks, 0, sizeof(*socks));
    socks->request[0] = VERSION;
    socks->request[1] = CONNECT;
    memcpy(socks->request + 2, &port, sizeof(port));
    memcpy(socks->request + 4, &to->ip4, sizeof(to->ip4));
    memcpy(socks->request + 8, USER, sizeof(USER));
    if (handshake_add_owned(conn, run, socks, free_socks4))
        return true;
    free_socks4(socks);
    return false;
}
