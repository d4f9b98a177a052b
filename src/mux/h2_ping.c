/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle-ping: a silent HTTP/2 connection without streams is asked now and then whether its peer is still there.
 *
 * For:     h2_mux.c; the words of bind and server lines.
 * Owns:    the timer in struct h2_conn.
 * Callers: h2_mux.c at the end of each turn, h2_session.c when an answer comes.
 * Thread:  owner; keywords: builder.
 *
 * While there are streams, their own deadlines count. A question that is not answered when the next one is due ends the
 * connection. An answer is bytes like any others: silence is counted anew, but not the time to the next request.
 */
#include "h2_conn.h"

#include "weir/config/keyword.h"
#include "weir/config/slot.h"

struct idle_ping_conf {
    int64_t ms;
};

static struct slot bind_slot = SLOT("idle-ping", SLOT_BIND, struct idle_ping_conf);
static struct slot server_slot = SLOT("idle-ping of servers", SLOT_SERVER, struct idle_ping_conf);
REGISTER_SLOT(bind_slot);
REGISTER_SLOT(server_slot);

uint32_t
mux_bind_idle_ping_ms(const void *slots)
{
    return (uint32_t)((const struct idle_ping_conf *)slot_of_const(slots, &bind_slot))->ms;
}

uint32_t
mux_server_idle_ping_ms(const void *slots)
{
    return (uint32_t)((const struct idle_ping_conf *)slot_of_const(slots, &server_slot))->ms;
}

static bool
parse_idle_ping(struct parse *parse)
{
    struct idle_ping_conf *conf = keyword_slot(parse, parse->place == IN_BIND ? &bind_slot : &server_slot);

    return parse_time(parse, "the time between two questions", "ms", &conf->ms) &&
           (conf->ms <= INT32_MAX || parse_alert(parse, "'idle-ping': the time is too long"));
}

static const struct keyword keywords[] = {
    { "idle-ping", IN_BIND | IN_SERVER, .args = "<delay>", .parse = parse_idle_ping,
      .help = "Ask HTTP/2 peers whose connection is idle whether they are still there, so often; one that has not "
              "answered by the next time is closed." },
};
REGISTER(keyword, keywords);

/* --- the timer -------------------------------------------------------------------------------------- */

static void
on_ping_timer(struct timer *timer)
{
    struct h2_conn *h2 = LIST_ITEM(timer, struct h2_conn, ping);

    if ((h2->flags & H2_PINGED) != 0) {
        h2->flags |= H2_LEFT;
    } else {
        nghttp2_submit_ping(h2->ng, NGHTTP2_FLAG_NONE, NULL);
        h2->flags |= H2_PINGED;
    }
    h2_later(h2);
}

void
h2_ping_init(struct h2_conn *h2)
{
    timer_init(&h2->ping, on_ping_timer);
}

void
h2_ping_choose(struct h2_conn *h2)
{
    uint32_t ms = h2->mux.idle_ping_ms;

    if (ms == 0)
        return;
    if (h2->mux.streams > 0 || h2->leaving > 0 || (h2->flags & (H2_GOAWAY | H2_STOPPING)) != 0) {
        timer_stop(&h2->ping);
        h2->flags &= (uint16_t)~H2_PINGED;
    } else if (!timer_is_running(&h2->ping)) {
        timer_set(h2_loop(h2), &h2->ping, loop_now_ms(h2_loop(h2)) + ms);
    }
}

void
h2_ping_answered(struct h2_conn *h2)
{
    h2->flags &= (uint16_t)~H2_PINGED;
}
