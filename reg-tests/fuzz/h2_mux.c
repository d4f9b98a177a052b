/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 from peers of no good will, over a socket, on both sides.
 *
 * The input is a list of frames: type, flags, stream, length, payload; the first byte chooses the side, how
 * owners behave, and where the bytes are cut. Owners answer each request and echo bodies, or close at
 * inconvenient times. Beyond not crashing: every stream that was offered is told of its end, nothing leaks,
 * and fields that reach a message contain nothing that may not stand there.
 */
#include <ev.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/crash.h"
#include "weir/http/message.h"
#include "weir/http/validate.h"
#include "weir/loop/loop.h"
#include "weir/mux/mux.h"

enum choice {
    CHOOSE_BACK = 1 << 0,
    CHOOSE_CUTS = 1 << 1,
    CHOOSE_CLOSE_EARLY = 1 << 2,
    CHOOSE_LAZY = 1 << 3, /* bodies are not taken */
    CHOOSE_LEAVE = 1 << 4, /* the peer goes in the end */
};

static uint8_t choice;
static struct mux_conn *conn_now;
static int open_streams;
static struct list users = LIST_INIT(users);

struct user {
    struct list link;
    struct endpoint *ep;
    struct message *got, *said;
};

static void
check_fields(const struct message *msg)
{
    for (uint32_t i = 0; i < msg->count; i++) {
        const struct field *field = &msg->fields[i];

        if (field->name_len != 0)
            MUST(validate_lower_name(field_name_str(field)) && validate_value(field_value(field)));
    }
}

static void
leave(struct user *user, enum endpoint_close how)
{
    list_remove(&user->link);
    endpoint_close(user->ep, how);
    message_give(user->got);
    message_give(user->said);
    free(user);
    open_streams--;
}

static void
take_head(struct user *user)
{
    struct message *msg = endpoint_take_message(user->ep);

    check_fields(msg);
    message_give(user->got);
    user->got = msg;
    if ((choice & CHOOSE_BACK) != 0 || user->said != NULL)
        return;
    user->said = message_take();
    MUST(user->said != NULL);
    user->said->flags = MESSAGE_IS_RESPONSE;
    user->said->status = 200;
    user->said->version_major = user->said->version_minor = 1;
    user->said->body = BODY_CHUNKED;
    if ((msg->flags & MESSAGE_WEBSOCKET) != 0) {
        user->said->status = 101;
        user->said->flags |= MESSAGE_TUNNEL | MESSAGE_UPGRADE;
    }
    MUST(endpoint_send_head(user->ep, user->said));
}

static void
look(struct endpoint *ep)
{
    struct user *user = ep->owner_data;

    while ((ep->flags & EP_HEAD) != 0)
        take_head(user);
    if ((choice & CHOOSE_CLOSE_EARLY) != 0 && user->got != NULL) {
        leave(user, EP_CLOSE_ABORT);
        return;
    }
    if ((ep->flags & (EP_IN_BROKEN | EP_OUT_BROKEN)) != 0) {
        leave(user, EP_CLOSE_RESET);
        return;
    }
    if ((choice & CHOOSE_LAZY) == 0 && !chain_is_empty(&ep->in)) {
        if (user->said != NULL)
            MUST(endpoint_send_body(ep, &ep->in));
        else
            chain_clear(&ep->in);
        endpoint_consumed(ep);
    }
    if ((ep->flags & EP_IN_ENDED) != 0 && chain_is_empty(&ep->in))
        endpoint_send_end(ep);
    endpoint_flush(ep, false);
    if ((ep->flags & (EP_IN_ENDED | EP_OUT_ENDED | EP_OUT_FLUSHED)) == (EP_IN_ENDED | EP_OUT_ENDED | EP_OUT_FLUSHED))
        leave(user, EP_CLOSE_DONE);
}

static const struct endpoint_owner endpoint_owner = { .on_event = look };

static struct user *
attach(struct endpoint *ep)
{
    struct user *user = calloc(1, sizeof(*user));

    user->ep = ep;
    ep->owner = &endpoint_owner;
    ep->owner_data = user;
    open_streams++;
    list_add_last(&users, &user->link);
    return user;
}

static void
on_stream(struct mux_conn *mc, struct endpoint *ep)
{
    (void)mc;
    attach(ep);
    look(ep);
}

static void
on_idle(struct mux_conn *mc)
{
    (void)mc;
}

static void
on_gone(struct mux_conn *mc)
{
    (void)mc;
    MUST(open_streams == 0);
    conn_now = NULL;
}

static const struct mux_owner owner = { .on_stream = on_stream, .on_idle = on_idle, .on_gone = on_gone };

static void
ask(struct mux_conn *mc)
{
    struct endpoint *ep = mc->mux->open(mc);
    struct user *user;

    if (ep == NULL)
        return;
    user = attach(ep);
    user->said = message_take();
    user->said->method = METHOD_GET;
    user->said->method_text = STR("GET");
    user->said->path = user->said->target = STR("/");
    user->said->authority = STR("a");
    MUST(endpoint_send_head(ep, user->said));
    endpoint_send_end(ep);
    endpoint_flush(ep, false);
}

static size_t
build(const uint8_t *data, size_t size, char *to, size_t room)
{
    size_t len = 0, payload;

    if ((choice & CHOOSE_BACK) == 0) {
        memcpy(to, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
        len = 24;
    }
    memcpy(to + len, "\0\0\0\4\0\0\0\0\0", 9);
    len += 9;
    while (size >= 4 && len + 9 + 255 < room) {
        payload = data[3] < size - 4 ? data[3] : size - 4;
        memcpy(to + len, (char[9]){ 0, 0, (char)payload, (char)(data[0] % 11), (char)data[1], 0, 0, 0, (char)(data[2] % 12) }, 9);
        memcpy(to + len + 9, data + 4, payload);
        len += 9 + payload;
        data += 4 + payload;
        size -= 4 + payload;
    }
    return len;
}

static void
drain(int fd)
{
    char bytes[65536];

    while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loop *loop;
    static struct mux_settings settings;
    static char bytes[65536];
    size_t len, step, sent = 0;
    int fds[2];
    struct connection *conn;

    if (size < 1)
        return 0;
    if (loop == NULL)
        loop = loop_new();
    choice = data[0];
    len = build(data + 1, size - 1, bytes, sizeof(bytes));
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    conn = connection_new(loop, fds[0], (choice & CHOOSE_BACK) != 0 ? 0 : CONN_INCOMING);
    conn_now = h2_mux.start(conn, (choice & CHOOSE_BACK) != 0 ? MUX_BACK : MUX_FRONT, &settings, &owner, NULL);
    connection_start(conn);
    for (int i = 0; i < 3 && (choice & CHOOSE_BACK) != 0; i++)
        ask(conn_now);
    step = (choice & CHOOSE_CUTS) != 0 ? 7 : len;
    while (sent < len && conn_now != NULL) {
        ssize_t now = send(fds[1], bytes + sent, step < len - sent ? step : len - sent, MSG_NOSIGNAL);

        if (now > 0)
            sent += (size_t)now;
        ev_run(loop->ev, EVRUN_NOWAIT);
        drain(fds[1]);
    }
    if ((choice & CHOOSE_LEAVE) == 0 && conn_now != NULL)
        conn_now->mux->stop(conn_now);
    for (int i = 0; i < 4; i++) {
        ev_run(loop->ev, EVRUN_NOWAIT);
        drain(fds[1]);
    }
    close(fds[1]);
    for (int i = 0; i < 4; i++)
        ev_run(loop->ev, EVRUN_NOWAIT);
    while (!list_is_empty(&users))
        leave(LIST_FIRST(&users, struct user, link), EP_CLOSE_ABORT);
    for (int i = 0; i < 4; i++)
        ev_run(loop->ev, EVRUN_NOWAIT);
    MUST(open_streams == 0);
    if (conn_now != NULL)
        conn_now->mux->free(conn_now);
    return 0;
}
