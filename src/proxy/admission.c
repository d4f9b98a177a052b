/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits on what comes in: maxconn of process and frontend, rate-limit sessions.
 *
 * Callers: the acceptor through listener_owner.may_accept, and the session.
 * Thread:  any. The counts are atomic because they decide for all threads; one addition for each
 * connection, none for each request.
 */
#include "weir/proxy/admission.h"

#include "weir/loop/lock.h"
#include "weir/loop/loop.h"
#include "weir/loop/rate.h"
#include "weir/loop/thread.h"
#include "weir/proxy/proxy.h"
#include "weir/telemetry/process.h"

static uint64_t current;
static uint64_t peak;
static uint64_t total;

static void
note_peak(uint64_t *at, uint64_t value)
{
    if (value > __atomic_load_n(at, __ATOMIC_RELAXED))
        __atomic_store_n(at, value, __ATOMIC_RELAXED);
}

bool
admission_take(void)
{
    uint64_t now = __atomic_add_fetch(&current, 1, __ATOMIC_RELAXED);
    int64_t max = __atomic_load_n(&this_process.maxconn, __ATOMIC_RELAXED);

    if (max > 0 && now > (uint64_t)max) {
        __atomic_sub_fetch(&current, 1, __ATOMIC_RELAXED);
        return false;
    }
    __atomic_add_fetch(&total, 1, __ATOMIC_RELAXED);
    note_peak(&peak, now);
    return true;
}

void
admission_give(void)
{
    __atomic_sub_fetch(&current, 1, __ATOMIC_RELAXED);
}

uint64_t
admission_current(void)
{
    return __atomic_load_n(&current, __ATOMIC_RELAXED);
}

uint64_t
admission_max(void)
{
    return __atomic_load_n(&peak, __ATOMIC_RELAXED);
}

uint64_t
admission_total(void)
{
    return __atomic_load_n(&total, __ATOMIC_RELAXED);
}

/* --- rates of the process ------------------------------------------------------------------ */

/* What came in this second; counted while there is a limit only. */
static struct process_rate {
    struct lock lock;
    struct rate rate;
} process_rates[2] = {
    [ADMISSION_CONNECTIONS] = { .lock = LOCK_INIT(LOCK_PROXY) },
    [ADMISSION_SESSIONS] = { .lock = LOCK_INIT(LOCK_PROXY) },
};

static uint64_t
process_limit(enum admission_rate which)
{
    return (uint64_t)__atomic_load_n(which == ADMISSION_SESSIONS
                                         ? &this_process.session_rate_limit
                                         : &this_process.connection_rate_limit,
                                     __ATOMIC_RELAXED);
}

static bool
is_process_over_rate(enum admission_rate which)
{
    uint64_t limit = process_limit(which), now;

    if (limit == 0)
        return false;
    lock_take(&process_rates[which].lock);
    now = rate_read(&process_rates[which].rate, loop_now_ms(loop_here()), 1000);
    lock_give(&process_rates[which].lock);
    return now >= limit;
}

void
admission_count(enum admission_rate which)
{
    if (__builtin_expect(process_limit(which) == 0, 1))
        return;
    lock_take(&process_rates[which].lock);
    rate_add(&process_rates[which].rate, loop_now_ms(loop_here()), 1000, 1);
    lock_give(&process_rates[which].lock);
}

/* --- frontends ---------------------------------------------------------------------------- */

static uint64_t
maxconn_of(const struct proxy *proxy, const struct proxy_conf *conf)
{
    int64_t set = __atomic_load_n(&proxy->maxconn_override, __ATOMIC_RELAXED);

    return (uint64_t)(set > 0 ? set : conf->maxconn);
}

/* Sessions of this second over all threads; rows of others are read as they are. */
static bool
is_over_rate(const struct proxy *proxy, const struct proxy_conf *conf)
{
    int64_t now_ms = loop_now_ms(loop_here());
    uint64_t sum = 0;

    if (conf->rate_limit_sessions == 0)
        return false;
    for (unsigned i = 1; i < thread_count(); i++) {
        const struct proxy_row *row = counter_row_of(&proxy->front_counters, i);

        if (row != NULL)
            sum += rate_read(&row->session_rate, now_ms, 1000);
    }
    return sum >= (uint64_t)conf->rate_limit_sessions;
}

bool
proxy_may_accept(struct proxy *proxy)
{
    const struct proxy_conf *conf = __atomic_load_n(&proxy->conf, __ATOMIC_CONSUME);
    uint64_t max;

    if (conf == NULL)
        return true; /* what waits in the queue of a stopping listener is served */
    max = maxconn_of(proxy, conf);
    if (max > 0 && __atomic_load_n(&proxy->front_current, __ATOMIC_RELAXED) >= max)
        return false;
    if (this_process.maxconn > 0 && admission_current() >= (uint64_t)this_process.maxconn)
        return false;
    if (is_process_over_rate(ADMISSION_CONNECTIONS) || is_process_over_rate(ADMISSION_SESSIONS))
        return false;
    return !is_over_rate(proxy, conf);
}

bool
proxy_session_begin(struct proxy *proxy, const struct proxy_conf *conf)
{
    uint64_t now = __atomic_add_fetch(&proxy->front_current, 1, __ATOMIC_RELAXED);
    uint64_t max = maxconn_of(proxy, conf);

    if ((max > 0 && now > max) || !admission_take()) {
        __atomic_sub_fetch(&proxy->front_current, 1, __ATOMIC_RELAXED);
        return false;
    }
    note_peak(&proxy->front_max, now);
    admission_count(ADMISSION_CONNECTIONS);
    return true;
}

void
proxy_session_end(struct proxy *proxy)
{
    __atomic_sub_fetch(&proxy->front_current, 1, __ATOMIC_RELAXED);
    admission_give();
}
