/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which server a stream gets: use-server rules, then its cookie, then the balancing algorithm; and a
 * connection slot on it, or a place in a line.
 *
 * Callers: stream. Thread: traffic; reads the published set.
 *
 * The set may be newer than the stream's snapshot (a server came or went meanwhile): it is what
 * counts, because its servers are the ones that live. The plan belongs to the balancer that built
 * it, which is asked, whatever the stream's own snapshot says.
 */
#include "weir/balance/pick.h"

#include "weir/expr/explain.h"

#include "private.h"

static struct server *
find_in_set(const struct server_set *set, struct str name)
{
    for (unsigned i = 0; i < set->all_count; i++) {
        if (str_eq(str_from(set->all[i]->name), name))
            return set->all[i];
    }
    return NULL;
}

/* Tells those who ask why. */
static bool
is_met(const struct server_rule *rule, struct eval *eval)
{
    bool is_yes;

    if (__builtin_expect(eval->explain != NULL, 0))
        explain_rule(eval->explain, rule->pos, rule->text);
    is_yes = condition_test(rule->condition, eval) == TRUTH_YES;
    if (__builtin_expect(eval->explain != NULL, 0))
        explain_outcome(eval->explain, is_yes ? OUTCOME_YES : OUTCOME_NO, NULL);
    return is_yes;
}

/* The first use-server rule that matches and whose server can take the stream. */
static struct server *
ruled_server(const struct proxy_conf *backend, const struct server_set *set, struct eval *eval)
{
    for (unsigned i = 0; i < backend->server_rule_count; i++) {
        const struct server_rule *rule = &backend->server_rules[i];
        struct server *srv;

        if (!is_met(rule, eval))
            continue;
        srv = rule->dynamic == NULL ? rule->server->live
                                    : find_in_set(set, log_format_to_str(rule->dynamic, eval));
        if (srv != NULL && server_takes_persistent(srv))
            return srv;
    }
    return NULL;
}

static enum pick_result
take_or_wait(const struct proxy_conf *backend, struct server *srv, struct pick *out)
{
    out->server = srv;
    /* Those who wait come first. */
    if (__atomic_load_n(&srv->queue.length, __ATOMIC_RELAXED) == 0 &&
        server_slot_take(srv, backend))
        return PICK_SERVER;
    out->queue = &srv->queue;
    return PICK_QUEUE;
}

static enum pick_result
balance(const struct proxy_conf *backend, const struct server_set *set, struct eval *eval,
        struct server *avoid, struct pick *out)
{
    const struct balance_conf *conf = balance_of(backend);
    const struct balancer *balancer = set->balancer;
    struct proxy *live = backend->live;
    struct server *srv;

    /* Those who wait come first. */
    if (!balancer->is_bound && __atomic_load_n(&live->back->queue.length, __ATOMIC_RELAXED) > 0) {
        out->queue = &live->back->queue;
        return PICK_QUEUE;
    }
    for (unsigned attempt = 0;
         (srv = balancer->choose(live, conf, set, eval, attempt, avoid)) != NULL; attempt++) {
        if (balancer->is_bound)
            return take_or_wait(backend, srv, out);
        if (srv == avoid && set->usable_count > 1)
            continue;
        if (server_slot_take(srv, backend)) {
            out->server = srv;
            return PICK_SERVER;
        }
    }
    out->queue = &live->back->queue;
    return PICK_QUEUE;
}

enum pick_result
pick_server(const struct proxy_conf *backend, struct eval *eval, struct server *avoid,
            struct persistence *persistence, struct pick *out)
{
    const struct server_set *set = server_set_read(backend->live);
    struct server *srv;

    *out = (struct pick){ 0 };
    if (__builtin_expect(eval->explain != NULL, 0))
        explain_set(eval->explain, "server", backend->name);
    if (backend->server_rule_count > 0) {
        srv = ruled_server(backend, set, eval);
        if (srv != NULL && srv != avoid) {
            out->is_bound = true;
            persistence_overrule(persistence);
            return take_or_wait(backend, srv, out);
        }
    }
    if (avoid != NULL && avoid == persistence->server)
        persistence_give_up(persistence);
    srv = persistence_server(persistence, backend);
    if (srv != NULL) {
        out->is_bound = true;
        return take_or_wait(backend, srv, out);
    }
    if (__builtin_expect(eval->explain != NULL, 0))
        explain_servers(set, eval->explain);
    if (set->usable_count == 0 || set->balancer == NULL)
        return PICK_NONE;
    return balance(backend, set, eval, avoid, out);
}
