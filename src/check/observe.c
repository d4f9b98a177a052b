/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers judged by their traffic: observe, error-limit, on-error.
 *
 * For:     servers with "observe". Owns: nothing; the count is the server's.
 * Callers: streams, when a connection or a response came or failed.
 * Thread:  any counts; control acts. Keywords: builder.
 */
#include <stdio.h>

#include "weir/base/alloc.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "private.h"

enum observe_layer { OBSERVE_NONE, OBSERVE_LAYER4, OBSERVE_LAYER7 };

struct observe_conf { /* slot of server_conf */
    int layer;        /* enum observe_layer */
    int action;       /* enum observe_action */
    int64_t limit;
};

static void
init_observe(void *slot)
{
    ((struct observe_conf *)slot)->limit = 10;
    ((struct observe_conf *)slot)->action = OBSERVE_FAIL_CHECK;
}

static struct slot observe_slot = {
    .name = "observe",
    .owner = SLOT_SERVER,
    .size = sizeof(struct observe_conf),
    .init = init_observe,
};
REGISTER_SLOT(observe_slot);

static const struct observe_conf *
observe_conf_of(const struct server_conf *srv)
{
    return slot_of_const(srv->slots, &observe_slot);
}

/* --- counting ----------------------------------------------------------------------------------- */

struct report {
    struct server *server; /* borrows: the control thread looks it up */
    const char *backend, *name;
};

/* Names are looked up again: the server may be gone by then. */
static void
on_limit(void *arg)
{
    struct report *report = arg;
    struct proxy *backend = proxy_find(str_from(report->backend), SIDE_BACK);
    struct server *srv = backend == NULL ? NULL : server_find(backend, str_from(report->name));
    char text[128];

    if (srv != NULL && srv->conf != NULL) {
        const struct observe_conf *conf = observe_conf_of(srv->conf);

        snprintf(text, sizeof(text), "Detected %lld consecutive errors, last one was: %s",
                 (long long)conf->limit,
                 conf->layer == OBSERVE_LAYER4 ? "L4 unsuccessful connection" : "Wrong http response");
        check_observed(srv, (enum observe_action)conf->action, text);
    }
    alloc_free((char *)report->backend);
    alloc_free((char *)report->name);
    alloc_free(report);
}

static void
count(struct server *srv, const struct observe_conf *conf, bool is_good)
{
    struct report *report;

    if (is_good) {
        if (__atomic_load_n(&srv->observed_errors, __ATOMIC_RELAXED) != 0)
            __atomic_store_n(&srv->observed_errors, 0, __ATOMIC_RELAXED);
        return;
    }
    if (__atomic_add_fetch(&srv->observed_errors, 1, __ATOMIC_RELAXED) != (uint32_t)conf->limit)
        return;
    __atomic_store_n(&srv->observed_errors, 0, __ATOMIC_RELAXED);
    report = alloc_zero(sizeof(*report));
    report->backend = alloc_copy(srv->backend->name);
    report->name = alloc_copy(srv->name);
    mailbox_call(thread_at(0), on_limit, report);
}

void
observe_connect(struct server *srv, bool is_good)
{
    const struct server_conf *conf = __atomic_load_n(&srv->conf, __ATOMIC_CONSUME);

    if (conf != NULL && observe_conf_of(conf)->layer == OBSERVE_LAYER4)
        count(srv, observe_conf_of(conf), is_good);
}

void
observe_response(struct server *srv, bool is_good)
{
    const struct server_conf *conf = __atomic_load_n(&srv->conf, __ATOMIC_CONSUME);

    if (conf != NULL && observe_conf_of(conf)->layer == OBSERVE_LAYER7)
        count(srv, observe_conf_of(conf), is_good);
}

/* --- reading ------------------------------------------------------------------------------------- */

static bool
on_check(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
            if (observe_conf_of(srv)->layer == OBSERVE_NONE)
                continue;
            if (!check_conf_of(srv)->is_on)
                return parse_alert_at(parse, srv->pos, "server '%s' has 'observe' but no 'check'",
                                      srv->name);
            if (observe_conf_of(srv)->layer == OBSERVE_LAYER7 && conf->mode != MODE_HTTP)
                return parse_alert_at(parse, srv->pos,
                                      "server '%s': 'observe layer7' needs 'mode http'", srv->name);
        }
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_CHECK, on_check, "check: observed servers" },
};
REGISTER(config_hook, hooks);

static const char *const layers[] = { "none", "layer4", "layer7", NULL };
static const char *const actions[] = { "fastinter", "fail-check", "sudden-death", "mark-down", NULL };

static const struct keyword keywords[] = {
    { "observe", IN_SERVER, .args = "layer4|layer7", .slot = &observe_slot,
      SET_CHOICE(struct observe_conf, layer, layers),
      .help = "Watch connections, or responses, of the traffic for errors in a row." },
    { "error-limit", IN_SERVER, .args = "<count>", .slot = &observe_slot,
      SET_INT(struct observe_conf, limit, 1, INT32_MAX),
      .help = "Errors in a row after which 'on-error' acts; 10." },
    { "on-error", IN_SERVER, .args = "fastinter|fail-check|sudden-death|mark-down",
      .slot = &observe_slot, SET_CHOICE(struct observe_conf, action, actions),
      .help = "What too many errors do; fail-check: count as a failed check." },
};
REGISTER(keyword, keywords);
