/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The weight that balancers see: what people set, less while a server starts slowly.
 *
 * Owns:    the slow-start timers (one for each server that starts, on the control thread).
 * Thread:  control.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/number.h"
#include "weir/loop/loop.h"
#include "weir/loop/timer.h"
#include "private.h"

#define STEPS   20 /* a slow start changes the weight that often */
#define STEP_MS 50

struct slow_start {
    struct timer timer;
    struct server *server; /* holds */
    int64_t began_ms;
};

static void
store(struct server *srv, int64_t weight)
{
    if (srv->effective_weight == weight)
        return;
    __atomic_store_n(&srv->effective_weight, weight, __ATOMIC_RELAXED);
}

static void
end_slow_start(struct slow_start *start)
{
    timer_stop(&start->timer);
    start->server->slow_start = NULL;
    server_drop(start->server);
    alloc_free(start);
}

static void
on_step(struct timer *timer)
{
    struct slow_start *start = LIST_ITEM(timer, struct slow_start, timer);
    struct server *srv = start->server;
    int64_t now_ms = loop_now_ms(loop_here());
    int64_t whole_ms = srv->conf == NULL ? 0 : srv->conf->slowstart_ms;
    int64_t past_ms = now_ms - start->began_ms, step_ms;

    if (srv->state != SERVER_STARTING || past_ms >= whole_ms) {
        if (srv->state == SERVER_STARTING)
            __atomic_store_n(&srv->state, SERVER_RUNNING, __ATOMIC_RELAXED);
        store(srv, srv->user_weight);
        server_set_rebuild(srv->backend);
        server_tell(srv, SERVER_CHANGED_WEIGHT);
        end_slow_start(start);
        return;
    }
    store(srv, srv->user_weight == 0 ? 0 : 1 + (srv->user_weight - 1) * past_ms / whole_ms);
    server_set_rebuild(srv->backend);
    step_ms = whole_ms / STEPS;
    timer_set(loop_here(), timer, now_ms + (step_ms < STEP_MS ? STEP_MS : step_ms));
}

void
weight_begin_slow_start(struct server *srv)
{
    struct slow_start *start;

    if (srv->conf == NULL || srv->conf->slowstart_ms == 0 || srv->slow_start != NULL)
        return;
    start = alloc_zero(sizeof(*start));
    start->server = srv;
    server_hold(srv);
    start->began_ms = loop_now_ms(loop_here());
    srv->slow_start = start;
    __atomic_store_n(&srv->state, SERVER_STARTING, __ATOMIC_RELAXED);
    timer_init(&start->timer, on_step);
    on_step(&start->timer);
}

void
weight_update(struct server *srv)
{
    if (srv->slow_start != NULL)
        return; /* its next step sees the new weight */
    store(srv, srv->user_weight);
}

/* The messages are those of the runtime socket. */
static bool
parse_weight(struct str text, bool is_relative, int64_t *weight, struct error *err)
{
    size_t digits = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    bool is_negative = digits == 1;

    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    if (digits == (is_negative ? 1u : 0u))
        return error_set(err, "Empty weight string empty or preceded by garbage");
    if (digits < text.len)
        return error_set(err, "Trailing garbage in weight string");
    if (number_parse_int(text, 0, is_relative ? 25600 : 256, weight, NULL))
        return true;
    if (is_relative && !is_negative) {
        *weight = 25600; /* more than any weight can take */
        return true;
    }
    return error_set(err, is_relative ? "Relative weight must be positive."
                                      : "Absolute weight can only be between 0 and 256 inclusive.");
}

bool
server_set_weight(struct server *srv, struct str text, struct error *err)
{
    bool is_relative = str_ends(text, STR("%")), was_usable = server_is_usable(srv);
    int64_t weight;

    if (is_relative)
        text.len--;
    if (!parse_weight(text, is_relative, &weight, err))
        return false;
    if (is_relative)
        weight = srv->conf->weight * weight / 100;
    srv->user_weight = weight > 256 ? 256 : weight;
    weight_update(srv);
    server_after_change(srv, was_usable, SERVER_CHANGED_WEIGHT);
    return true;
}
