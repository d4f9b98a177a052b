/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peak-ewma: of some servers drawn by weight, the one that will answer soonest: expected time of an
 * answer times what it has to do.
 *
 * Owns:    nothing: what was measured is one word of each server.
 * Thread:  traffic of all threads reads and writes that word; a lost sample does no harm.
 *
 * The expected time follows a slower answer at once and a faster one slowly, by an exponentially
 * weighted moving average. With nobody asking, it fades, so that a server that was slow once is
 * asked again.
 */
#include "weir/base/entropy.h"
#include "weir/expr/explain.h"
#include "weir/loop/loop.h"

#include "private.h"

#define DRAWS_DEFAULT 2
#define DRAWS_MAX     64
#define DECAY_MS      10000
#define FAILURE_US    1000000 /* an attempt that failed counts as an answer that took that long */

struct ewma_conf {
    int64_t draws, decay_ms;
};

static bool
parse_words(struct parse *parse, struct balance_conf *conf)
{
    struct ewma_conf *ewma = ARENA_NEW(parse->arena, struct ewma_conf);

    *ewma = (struct ewma_conf){ DRAWS_DEFAULT, DECAY_MS };
    conf->data = ewma;
    while (!words_at_end(parse->words)) {
        if (words_accept(parse->words, "draws")) {
            if (!parse_int(parse, "a number of servers", 1, DRAWS_MAX, &ewma->draws))
                return false;
        } else if (words_accept(parse->words, "decay")) {
            if (!parse_time(parse, "a time", "ms", &ewma->decay_ms))
                return false;
            if (ewma->decay_ms == 0)
                return parse_alert(parse, "the decay must be longer than that");
        } else {
            return parse_alert_next(parse, "'balance peak-ewma' knows 'draws' and 'decay'");
        }
    }
    return true;
}

/* --- what was measured: microseconds in the upper half, milliseconds of the loop in the lower ----- */

/* What is left of 1 after `age` times of decay: e to the power of -age, nearly. */
static double
left_after(uint32_t age_ms, int64_t decay_ms)
{
    double age = (double)age_ms / (double)decay_ms;

    return 1 / (1 + age * (1 + age / 2 * (1 + age / 3)));
}

static double
expected_us(uint64_t word, uint32_t now_ms, int64_t decay_ms)
{
    return (double)(word >> 32) * left_after(now_ms - (uint32_t)word, decay_ms);
}

static void
note(const struct balance_conf *conf, struct server *srv, int64_t us)
{
    const struct ewma_conf *ewma = conf->data;
    uint64_t word = __atomic_load_n(&srv->latency, __ATOMIC_RELAXED);
    uint32_t now_ms = (uint32_t)loop_now_ms(loop_here());
    double left = left_after(now_ms - (uint32_t)word, ewma->decay_ms), sample, next;

    if (us < 0)
        us = FAILURE_US;
    sample = us > INT32_MAX ? (double)INT32_MAX : us < 1 ? 1 : (double)us;
    next = sample > (double)(word >> 32) ? sample
                                         : (double)(word >> 32) * left + sample * (1 - left);
    __atomic_store_n(&srv->latency, (uint64_t)next << 32 | now_ms, __ATOMIC_RELAXED);
}

static double
cost_of(const struct server *srv, uint32_t now_ms, int64_t decay_ms)
{
    uint64_t word = __atomic_load_n(&srv->latency, __ATOMIC_RELAXED);

    return (expected_us(word, now_ms, decay_ms) + 1) * (double)(load_of(srv) + 1);
}

static struct server *
choose(struct proxy *backend, const struct balance_conf *conf, const struct server_set *set,
       struct eval *eval, unsigned attempt, struct server *avoid)
{
    static const struct ewma_conf usual = { DRAWS_DEFAULT, DECAY_MS };
    const struct ewma_conf *ewma = conf->balancer->choose == choose ? conf->data : &usual;
    uint32_t now_ms = (uint32_t)loop_now_ms(loop_here());
    struct server *best = NULL;
    double least = 0;

    (void)backend;
    if (attempt > 0)
        return schedule_next(set, entropy_next(), attempt);
    for (int64_t i = 0; i < ewma->draws; i++) {
        uint64_t position = entropy_next();
        struct server *srv = schedule_server(set, position);
        double cost;

        if (srv == best && set->usable_count > 1) /* there should be a choice */
            srv = schedule_next(set, position, 1);
        if (srv == avoid && set->usable_count > 1)
            continue;
        cost = cost_of(srv, now_ms, ewma->decay_ms);
        if (__builtin_expect(eval->explain != NULL, 0))
            explain_note(eval->explain, "drawn: %s, to be waited for %.1f ms", srv->name,
                         cost / 1000);
        if (best == NULL || cost < least) {
            best = srv;
            least = cost;
        }
    }
    return best != NULL ? best : schedule_server(set, entropy_next());
}

static const struct balancer balancers[] = {
    { "peak-ewma", .args = " [draws <count>] [decay <time>]", .parse = parse_words,
      .build = schedule_build, .choose = choose, .note = note,
      .help = "Of two servers drawn by weight, the one whose answers take less time for its load." },
};
REGISTER(balancer, balancers);
