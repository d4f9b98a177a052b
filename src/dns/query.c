/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to one name server, over UDP or TCP, on the loop.
 *
 * For:     resolution.c. Owns: the socket, until an answer that is to be believed, or the timeout.
 * Thread:  control.
 *
 * Each question has a socket and so a source port of its own, connected, so that only the name server is heard;
 * an id from the kernel's random numbers; and what it asks is compared. Answers that do not fit are counted and
 * nothing else: the true one may still come. An answer that was cut is asked for again over TCP.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/entropy.h"
#include "weir/loop/loop.h"
#include "weir/os/socket.h"
#include "private.h"

#define MESSAGE_MAX 65535

static void
count(struct nameserver *nameserver, enum nameserver_counter counter)
{
    nameserver->counters[counter]++;
}

/* --- the socket ------------------------------------------------------------------------------- */

static void
hang_up(struct dns_query *query)
{
    if (query->fd < 0)
        return;
    ev_io_stop(loop_here()->ev, &query->io);
    close(query->fd);
    query->fd = -1;
}

static void
query_free(struct dns_query *query)
{
    hang_up(query);
    timer_stop(&query->timer);
    list_remove(&query->link);
    list_remove(&query->owner_link);
    alloc_free(query->out);
    alloc_free(query->in);
    alloc_free(query->name);
    alloc_free(query);
}

void
query_drop(struct dns_query *query)
{
    query_free(query);
}

static void
count_outcome(struct nameserver *nameserver, enum dns_outcome outcome, const struct dns_answer *answer)
{
    static const signed char counters[] = {
        [DNS_VALID] = NS_VALID,   [DNS_NX] = NS_NX,
        [DNS_REFUSED] = NS_REFUSED, [DNS_TIMEOUT] = NS_TIMEOUT,
        [DNS_OTHER] = NS_OTHER,   [DNS_EMPTY] = NS_ANY_ERR,
        [DNS_CNAME_ERROR] = NS_CNAME_ERROR, [DNS_TRUNCATED] = NS_TRUNCATED,
        [DNS_INVALID] = NS_INVALID, [DNS_FOREIGN] = NS_INVALID,
        [DNS_SEND_ERROR] = NS_SEND_ERROR,
    };

    count(nameserver, (enum nameserver_counter)counters[outcome]);
    if (outcome == DNS_VALID && answer->has_alias)
        count(nameserver, NS_CNAME);
}

/* The end of the question. */
static void
finish(struct dns_query *query, enum dns_outcome outcome, struct dns_answer *answer)
{
    if (query->owner == NULL) {
        if (outcome != DNS_TIMEOUT)
            count(query->nameserver, NS_OUTDATED);
    } else {
        if (outcome != DNS_SEND_ERROR)
            count_outcome(query->nameserver, outcome, answer);
        resolution_on_answer(query->owner, query, outcome, answer);
    }
    query_free(query);
}

static void ask_by_stream(struct dns_query *query);

/* True: that was it, the query is gone or goes on by other ways. */
static bool
take_message(struct dns_query *query, const uint8_t *bytes, size_t len)
{
    struct dns_answer answer;
    enum dns_outcome outcome = dns_answer_read(bytes, len, &query->question, &answer);
    bool is_over = true;

    if (outcome == DNS_INVALID || outcome == DNS_FOREIGN) {
        count(query->nameserver, NS_INVALID);
        is_over = false;
    } else if (outcome == DNS_TRUNCATED && !query->is_stream && query->owner != NULL) {
        count(query->nameserver, NS_TRUNCATED);
        ask_by_stream(query);
    } else {
        finish(query, outcome, &answer);
    }
    dns_answer_fini(&answer);
    return is_over;
}

/* --- datagrams ---------------------------------------------------------------------------------- */

static uint8_t receive_buffer[MESSAGE_MAX]; /* control */

static void
on_datagram(struct ev_loop *ev, ev_io *io, int events)
{
    struct dns_query *query = io->data;
    size_t limit = (size_t)query->nameserver->resolver->settings.payload_size;
    ssize_t got;

    (void)ev;
    (void)events;
    while ((got = recv(query->fd, receive_buffer, sizeof(receive_buffer), 0)) >= 0) {
        if ((size_t)got > limit)
            count(query->nameserver, NS_TOO_BIG);
        else if (take_message(query, receive_buffer, (size_t)got))
            return;
    }
    if (errno != EAGAIN && errno != EINTR)
        hang_up(query); /* "nobody listens there" is not to be trusted either: the timeout decides */
}

/* --- streams ------------------------------------------------------------------------------------ */

static void
send_rest(struct dns_query *query)
{
    while (query->out_at < query->out_len) {
        ssize_t sent = send(query->fd, query->out + query->out_at, query->out_len - query->out_at,
                            MSG_NOSIGNAL);

        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN)
                hang_up(query);
            return;
        }
        query->out_at += (size_t)sent;
    }
    ev_io_stop(loop_here()->ev, &query->io);
    ev_io_set(&query->io, query->fd, EV_READ);
    ev_io_start(loop_here()->ev, &query->io);
}

/* True: the query is gone. */
static bool
take_from_stream(struct dns_query *query)
{
    while (query->in_len >= 2) {
        size_t len = (size_t)query->in[0] << 8 | query->in[1];

        if (query->in_len < 2 + len)
            return false;
        if (take_message(query, query->in + 2, len))
            return true;
        query->in_len -= 2 + len;
        memmove(query->in, query->in + 2 + len, query->in_len);
    }
    return false;
}

static void
receive(struct dns_query *query)
{
    for (;;) {
        ssize_t got;

        if (query->in_len == query->in_cap) {
            query->in_cap = query->in_cap == 0 ? 1024 : query->in_cap * 2;
            query->in = alloc_resize(query->in, query->in_cap);
        }
        got = recv(query->fd, query->in + query->in_len, query->in_cap - query->in_len, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            hang_up(query);
            return;
        }
        query->in_len += (size_t)got;
        if (take_from_stream(query))
            return;
    }
}

static void
on_stream(struct ev_loop *ev, ev_io *io, int events)
{
    struct dns_query *query = io->data;

    (void)ev;
    if (events & EV_WRITE)
        send_rest(query);
    else
        receive(query);
}

/* --- ask ---------------------------------------------------------------------------------------- */

static bool
dial(struct dns_query *query)
{
    struct sockaddr_storage to;
    struct error err = ERROR_INIT;
    socklen_t to_len = addr_to_sockaddr(&query->nameserver->addr, &to);

    query->fd = socket_open(addr_domain(&query->nameserver->addr),
                            query->is_stream ? SOCK_STREAM : SOCK_DGRAM, &err);
    if (query->fd < 0)
        return false;
    ev_io_init(&query->io, query->is_stream ? on_stream : on_datagram, query->fd,
               query->is_stream ? EV_WRITE : EV_READ);
    query->io.data = query;
    if (connect(query->fd, (struct sockaddr *)&to, to_len) < 0 && errno != EINPROGRESS)
        return false;
    ev_io_start(loop_here()->ev, &query->io);
    return true;
}

static bool
write_question(struct dns_query *query, const uint8_t *packet, size_t len)
{
    if (!query->is_stream)
        return send(query->fd, packet, len, MSG_NOSIGNAL) == (ssize_t)len;
    query->out = alloc_resize(query->out, 2 + len);
    query->out[0] = (uint8_t)(len >> 8);
    query->out[1] = (uint8_t)len;
    memcpy(query->out + 2, packet, len);
    query->out_len = 2 + len;
    query->out_at = 0;
    return true;
}

static void
ask(struct dns_query *query)
{
    int64_t payload = query->nameserver->resolver->settings.payload_size;
    uint8_t *packet;
    size_t len;
    bool is_sent;

    entropy_fill(&query->question.id, sizeof(query->question.id));
    packet = dns_packet_new(&query->question, (unsigned)payload, &len);
    is_sent = packet != NULL && dial(query) && write_question(query, packet, len);
    dns_packet_free(packet);
    count(query->nameserver, is_sent ? NS_SENT : NS_SEND_ERROR);
    if (!is_sent)
        hang_up(query);
}

static void
ask_by_stream(struct dns_query *query)
{
    hang_up(query);
    query->is_stream = true;
    ask(query);
}

static void
on_timer(struct timer *timer)
{
    struct dns_query *query = LIST_ITEM(timer, struct dns_query, timer);
    struct dns_answer nothing = { 0 };

    finish(query, DNS_TIMEOUT, &nothing);
}

struct dns_query *
query_start(struct nameserver *nameserver, const char *name, enum dns_type type, int64_t timeout_ms)
{
    struct dns_query *query = alloc_zero(sizeof(*query));

    query->nameserver = nameserver;
    query->name = alloc_copy(name);
    query->question.name = query->name;
    query->question.type = type;
    query->fd = -1;
    query->is_stream = nameserver->is_stream;
    list_init(&query->owner_link);
    list_add_last(&nameserver->queries, &query->link);
    timer_init(&query->timer, on_timer);
    timer_set(loop_here(), &query->timer, loop_now_ms(loop_here()) + timeout_ms);
    ask(query);
    return query;
}
