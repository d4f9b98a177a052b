/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of rings go to log servers over TCP (RFC 6587).
 *
 * For:     "server" lines of ring sections; "log tcp@...". Owns: a sender, with its connection, for each of them.
 * Callers: rings tell of new lines; the connection and a timer do the rest.
 * Thread:  control.
 *
 * A sender keeps its own place in the ring. Lines go out in batches; when a connection breaks, those that were not handed
 * to the kernel whole are sent again on the next one. A sender that is too slow loses the oldest lines, which are counted.
 * Senders are found again by ring and address when a configuration is applied.
 */
#include "weir/net/ring_sender.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/config/snapshot.h"
#include "weir/loop/loop.h"
#include "weir/net/connector.h"
#include "weir/telemetry/ring.h"

#define BATCH_BYTES 16384
#define RETRY_MS    1000

struct ring_sender {
    struct list link;
    struct ring *ring;           /* holds */
    struct ring_watcher watcher;
    struct deferred work;
    struct timer timer;          /* to dial again; to give up */
    struct addr addr;
    char *path;                  /* owns: of a unix address, else NULL */
    bool counts_octets, is_written, is_retrying;
    int64_t max_reuse;           /* -1: no limit */
    int64_t connect_ms, server_ms; /* 0: none */
    struct connection *conn;     /* owns; NULL: none */
    struct ring_cursor next;     /* behind the batch */
    struct ring_cursor batch_at; /* its first line */
    struct text batch;           /* framed lines */
    size_t sent;                 /* bytes of it */
    int64_t lines_left;          /* of this connection, with max_reuse */
};

static struct list senders = LIST_INIT(senders); /* of ring sections */

static void dial(struct ring_sender *sender);

/* --- lines ---------------------------------------------------------------------------------------- */

/* Adds the next line with its frame. False: there is none. */
static bool
add_line(const struct ring_sender *sender, struct ring_cursor *cursor, struct text *out)
{
    static struct text line; /* control */

    text_clear(&line);
    if (!ring_read(sender->ring, cursor, &line))
        return false;
    if (sender->counts_octets)
        text_printf(out, "%zu ", line.len);
    text_add(out, text_str(&line));
    if (!sender->counts_octets)
        text_add_char(out, '\n');
    return true;
}

static void
fill_batch(struct ring_sender *sender)
{
    sender->sent = 0;
    text_clear(&sender->batch);
    sender->batch_at = sender->next;
    while (sender->batch.len < BATCH_BYTES && sender->lines_left != 0 &&
           add_line(sender, &sender->next, &sender->batch)) {
        if (sender->lines_left > 0)
            sender->lines_left--;
    }
    if (sender->next.lost > 0)
        ring_count_dropped(sender->ring, sender->next.lost);
    sender->next.lost = 0;
}

/* The place behind the last line that went out whole. */
static void
go_back(struct ring_sender *sender)
{
    struct text line = TEXT_INIT;
    struct ring_cursor cursor = sender->batch_at;
    size_t whole = 0;

    sender->next = cursor;
    while (whole < sender->sent) {
        text_clear(&line);
        if (!add_line(sender, &cursor, &line))
            break;
        whole += line.len;
        if (whole <= sender->sent)
            sender->next = cursor;
    }
    text_fini(&line);
    text_clear(&sender->batch);
    sender->sent = 0;
}

/* --- the connection --------------------------------------------------------------------------------- */

static void
set_timer(struct ring_sender *sender, int64_t ms)
{
    if (ms == 0)
        timer_stop(&sender->timer);
    else
        timer_set(loop_here(), &sender->timer, loop_now_ms(loop_here()) + ms);
}

static void
hang_up(struct ring_sender *sender)
{
    struct connection *conn = sender->conn;

    sender->conn = NULL;
    if (conn != NULL)
        connection_close(conn);
    go_back(sender);
}

static void
try_later(struct ring_sender *sender)
{
    hang_up(sender);
    sender->is_retrying = true;
    set_timer(sender, RETRY_MS);
}

/* True: all that is there has been sent. */
static bool
send_batch(struct ring_sender *sender)
{
    while (sender->sent < sender->batch.len) {
        struct iovec iov = { sender->batch.ptr + sender->sent, sender->batch.len - sender->sent };
        size_t sent = 0;
        enum io result = connection_write(sender->conn, &iov, 1, false, &sent);

        if (result == IO_CLOSED || result == IO_FAILED) {
            try_later(sender);
            return false;
        }
        if (result == IO_WAIT) {
            set_timer(sender, sender->server_ms);
            return false;
        }
        sender->sent += sent;
    }
    return true;
}

static void
send_all(struct ring_sender *sender)
{
    if (sender->conn == NULL || (sender->conn->flags & CONN_ESTABLISHED) == 0)
        return;
    while (send_batch(sender)) {
        fill_batch(sender);
        if (sender->batch.len > 0)
            continue;
        set_timer(sender, 0);
        if (sender->lines_left == 0) {
            hang_up(sender);
            dial(sender);
        }
        return;
    }
}

static void
on_writable(struct connection *conn)
{
    send_all(conn->owner_data);
}

/* Servers say nothing; if they do, nobody listens. */
static void
on_readable(struct connection *conn)
{
    struct ring_sender *sender = conn->owner_data;
    char bytes[512];
    enum io result;
    size_t got;

    while ((result = connection_read(conn, bytes, sizeof(bytes), &got)) == IO_OK)
        ;
    if (result == IO_CLOSED || result == IO_FAILED)
        try_later(sender);
}

static void
on_established(struct connection *conn)
{
    struct ring_sender *sender = conn->owner_data;

    if (conn->err != CONN_ERR_NONE) {
        try_later(sender);
        return;
    }
    set_timer(sender, 0);
    sender->lines_left = sender->max_reuse < 0 ? -1 : sender->max_reuse + 1;
    send_all(sender);
}

static const struct connection_owner owner = {
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_established = on_established,
};

static void
dial(struct ring_sender *sender)
{
    static const struct dial_conf conf = DIAL_CONF_INIT;
    struct dial_request request = { .conf = &conf, .to = sender->addr };
    enum connection_error err;

    sender->is_retrying = false;
    set_timer(sender, sender->connect_ms);
    sender->conn = connector_dial(loop_here(), &request, &owner, sender, &err);
    if (sender->conn == NULL)
        try_later(sender);
}

static void
on_timer(struct timer *timer)
{
    struct ring_sender *sender = LIST_ITEM(timer, struct ring_sender, timer);

    if (sender->is_retrying)
        dial(sender);
    else
        try_later(sender);
}

/* --- life ----------------------------------------------------------------------------------------------- */

static void
work(struct deferred *deferred)
{
    send_all(LIST_ITEM(deferred, struct ring_sender, work));
}

/* Many lines, one visit. */
static void
on_line(struct ring_watcher *watcher)
{
    struct ring_sender *sender = LIST_ITEM(watcher, struct ring_sender, watcher);

    loop_defer(loop_here(), &sender->work);
}

struct ring_sender *
ring_sender_open(struct ring *ring, const struct addr *addr, bool counts_octets)
{
    struct ring_sender *sender = alloc_zero(sizeof(*sender));

    sender->ring = ring;
    ring_hold(ring);
    sender->addr = *addr;
    if (!addr_is_ip(addr) && addr->family != ADDR_NONE)
        sender->addr.path = sender->path = alloc_copy(addr->path);
    sender->counts_octets = counts_octets;
    sender->max_reuse = -1;
    sender->watcher.on_line = on_line;
    deferred_init(&sender->work, work);
    timer_init(&sender->timer, on_timer);
    ring_watch(ring, &sender->watcher);
    ring_seek_begin(ring, &sender->next);
    sender->batch_at = sender->next;
    list_init(&sender->link);
    /* The first dial comes from the loop, once it runs. */
    sender->is_retrying = true;
    timer_set(loop_here(), &sender->timer, loop_now_ms(loop_here()));
    return sender;
}

void
ring_sender_close(struct ring_sender *sender)
{
    if (sender == NULL)
        return;
    hang_up(sender);
    timer_stop(&sender->timer);
    deferred_cancel(&sender->work);
    ring_unwatch(&sender->watcher);
    ring_drop(sender->ring);
    text_fini(&sender->batch);
    list_remove(&sender->link);
    alloc_free(sender->path);
    alloc_free(sender);
}

static struct ring_sender *
find(const struct ring *ring, const struct ring_server_conf *conf)
{
    LIST_FOR_EACH (sender, &senders, struct ring_sender, link) {
        if (sender->ring == ring && addr_eq(&sender->addr, &conf->addr) &&
            sender->counts_octets == conf->counts_octets && !sender->is_written)
            return sender;
    }
    return NULL;
}

static void
publish_ring(const struct ring_conf *conf)
{
    LIST_FOR_EACH (written, &conf->servers, struct ring_server_conf, link) {
        struct ring_sender *sender = find(conf->live, written);

        if (sender == NULL) {
            sender = ring_sender_open(conf->live, &written->addr, written->counts_octets);
            list_add_last(&senders, &sender->link);
        }
        sender->is_written = true;
        sender->max_reuse = written->max_reuse;
        sender->connect_ms = conf->connect_ms;
        sender->server_ms = conf->server_ms;
    }
}

static bool
on_publish(struct parse *parse)
{
    LIST_FOR_EACH (sender, &senders, struct ring_sender, link)
        sender->is_written = false;
    LIST_FOR_EACH (conf, rings_list(parse->snapshot), struct ring_conf, link)
        publish_ring(conf);
    LIST_FOR_EACH_SAFE (sender, &senders, struct ring_sender, link) {
        if (!sender->is_written)
            ring_sender_close(sender);
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_PUBLISH, ORDER_NET, on_publish, "net: senders of rings" },
};
REGISTER(config_hook, hooks);
