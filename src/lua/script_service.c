/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services written in Lua: `use-service lua.NAME`.
 *
 * For:     rules, through the table of services.
 * Owns:    the coroutine of each applet that runs one, until the applet ends.
 * Thread:  owner of the stream; the parser on the builder.
 */
#include <string.h>

#include "weir/base/pool.h"
#include "weir/proxy/proxy.h"
#include "weir/stream/applet.h"
#include "weir/stream/service.h"
#include "private.h"

struct service_run {
    struct applet *applet;
    struct script_fn *fn;
    struct script_state *state;
    lua_State *co; /* owns; NULL: not begun, or over */
    int co_ref;
    int args; /* for the first resume */
    struct script_txn *txn; /* of the object that the script holds */
    struct script_run run;
};

static struct pool service_runs = POOL("service_run", sizeof(struct service_run));

/* --- running ----------------------------------------------------------------------------------------- */

static void
forget(struct service_run *service)
{
    script_run_forget(&service->run);
    if (service->co != NULL)
        script_coroutine_give(service->state, service->co, service->co_ref);
    service->co = NULL;
    if (service->txn != NULL)
        service->txn->eval = NULL;
    service->txn = NULL;
}

/* A coroutine with the function and its one argument. */
static bool
begin(struct service_run *service)
{
    lua_State *co = script_coroutine_take(service->state, &service->co_ref);

    if (co == NULL)
        return false;
    service->co = co;
    lua_rawgeti(co, LUA_REGISTRYINDEX, service->fn->refs[service->state->index]);
    service->txn = script_applet_push(co, service->applet, service->fn->is_http);
    service->args = 1;
    return true;
}

/* What is waited for, for the applet. */
static unsigned
wants_of(struct service_run *service)
{
    const struct script_run *run = &service->run;

    if (run->wake_ms != TIMER_NEVER) {
        int64_t ms = run->wake_ms - script_now_ms();

        if (ms > 0)
            applet_wake_in(service->applet, ms);
        else
            applet_wake(service->applet);
    }
    return run->wants;
}

static unsigned
resume(struct service_run *service)
{
    int args = service->args, results;
    int status;

    service->args = 0;
    service->run.wants = 0;
    service->run.wake_ms = TIMER_NEVER;
    applet_wake_in(service->applet, 0);
    status = script_resume(service->state, service->co, args, &results);
    if (status == LUA_YIELD) {
        lua_pop(service->co, results);
        return wants_of(service);
    }
    if (status != LUA_OK)
        script_tell_error(service->co);
    forget(service);
    return status == LUA_OK ? APPLET_DONE : APPLET_FAILED;
}

/* Pauses end with their time, or when what is waited for has come; other calls are none of its business. */
static bool
is_due(const struct service_run *service)
{
    const struct script_run *run = &service->run;

    return run->wants != 0 || (run->wake_ms != TIMER_NEVER && run->wake_ms <= script_now_ms());
}

static unsigned
run_service(struct applet *applet)
{
    struct service_run *service = applet->data;
    struct script_run *before;
    unsigned next = APPLET_FAILED;

    if (service->co != NULL && !is_due(service))
        return wants_of(service);
    before = script_enter(service->state, &service->run);
    if (service->co != NULL || begin(service))
        next = resume(service);
    script_leave(service->state, before);
    return next;
}

static void
end_service(struct applet *applet)
{
    struct service_run *service = applet->data;

    script_lock(service->state);
    forget(service);
    script_unlock(service->state);
    pool_give(&service_runs, service);
}

static const struct applet_kind service_kind = { .run = run_service, .end = end_service };

/* --- the rule ------------------------------------------------------------------------------------------ */

struct service_action {
    struct script_fn *fn;
    const char *log_name; /* "<lua.hello>" */
};

static enum verdict
use_service(const struct action *action, struct eval *eval)
{
    const struct service_action *conf = action->data;
    struct script_state *state = script_state_for(conf->fn);
    struct service_run *service = state == NULL ? NULL : pool_take(&service_runs);
    enum verdict verdict;

    if (service == NULL)
        return VERDICT_FAILED;
    *service = (struct service_run){
        .fn = conf->fn,
        .state = state,
        .run = { .eval = eval,
                 .what = conf->fn->is_http ? "applet http" : "applet tcp",
                 .name = conf->log_name,
                 .limit_us = state->set->limits.service_ms * 1000,
                 .wake_ms = TIMER_NEVER,
                 .may_pause = true },
    };
    verdict = applet_use(eval, &service_kind, service, conf->log_name);
    if (verdict != VERDICT_SERVICE) {
        pool_give(&service_runs, service);
        return verdict;
    }
    service->applet = service->run.applet = applet_of(eval->stream);
    return VERDICT_SERVICE;
}

static bool
check_mode(struct parse *parse, const struct action *action, const struct script_fn *fn, const char *name)
{
    if (fn->is_http && action->hook != HOOK_HTTP_REQUEST)
        return parse_alert(parse, "'%s' is an HTTP service: it needs an 'http-request' rule", name);
    if (!fn->is_http && action->hook != HOOK_TCP_REQUEST)
        return parse_alert(parse, "'%s' is a TCP service: it needs a 'tcp-request content' rule", name);
    if (!fn->is_http && ((const struct proxy_conf *)parse->object)->mode == MODE_HTTP)
        return parse_alert(parse, "'%s' is a TCP service: it needs a proxy with 'mode tcp'", name);
    return true;
}

static bool
parse_lua_service(struct parse *parse, struct action *action, const char *name)
{
    const struct script_set *set = script_set_of(parse->snapshot);
    struct service_action *conf = ARENA_NEW(parse->arena, struct service_action);
    struct script_fn *fn =
        set == NULL ? NULL : script_fn_find(set, SCRIPT_SERVICE, str_from(name + strlen("lua.")));

    if (fn == NULL)
        return parse_alert(parse, "no script that is loaded has registered a service '%s'", name + strlen("lua."));
    if (!check_mode(parse, action, fn, name))
        return false;
    *conf = (struct service_action){ .fn = fn,
                                     .log_name = arena_printf(parse->arena, "<%s>", name) };
    action->data = conf;
    action->run = use_service;
    return true;
}

static const struct service services[] = {
    { "lua.", ON(HOOK_TCP_REQUEST) | ON(HOOK_HTTP_REQUEST), .is_prefix = true,
      .parse = parse_lua_service,
      .help = "A service that a script has registered with core.register_service()." },
};
REGISTER(service, services);
