/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frontends at run time: paused, resumed, shut down, limited; and the list of backends.
 *
 * For:     people and tools at the runtime socket.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control.
 *
 * A paused frontend gives its addresses up, so that another process may take
 * them; open connections go on. What is set here lasts until the next
 * configuration.
 */
#include <stdio.h>
#include <stddef.h>

#include "weir/base/number.h"
#include "weir/config/snapshot.h"
#include "weir/telemetry/notice.h"
#include "private.h"

#define MEMBERS_MAX 256

/* NULL: said. */
static struct proxy *
find_frontend(struct command_call *call)
{
    const char *name = command_next(call);
    struct proxy *proxy;

    if (name == NULL) {
        command_say(call, 3, "A frontend name is expected.");
        return NULL;
    }
    proxy = proxy_find(str_from(name), SIDE_FRONT);
    if (proxy == NULL || proxy->conf == NULL) {
        command_say(call, 3, "No such frontend.");
        return NULL;
    }
    return proxy;
}

static void
set_state(struct proxy *proxy, enum proxy_state state, void (*fn)(struct listener *ln))
{
    LIST_FOR_EACH (bind, &proxy->conf->binds, struct bind_conf, link)
        fn(bind->listener);
    proxy->state = (int)state;
}

/* For programs; names of proxies need no escape. */
static struct str
members(const struct proxy *proxy, char room[MEMBERS_MAX])
{
    int len = snprintf(room, MEMBERS_MAX, "\"frontend\": \"%s\"", proxy->name);

    return len < MEMBERS_MAX ? str_of(room, (size_t)len) : STR_NONE;
}

static void
tell(const struct proxy *proxy, const char *what)
{
    char room[MEMBERS_MAX];

    notice_print(NOTICE_WARNING, "%s frontend %s.", what, proxy->name);
    log_event(proxy->conf->logs, LOG_LEVEL_WARNING, proxy->conf->log_tag, "frontend",
              members(proxy, room), "%s frontend %s.", what, proxy->name);
}

static enum command_result
run_disable(struct command_call *call)
{
    struct proxy *proxy = find_frontend(call);

    if (proxy == NULL)
        return COMMAND_DONE;
    if (proxy->state == PROXY_STOPPED)
        return command_say(call, 5, "Frontend was previously shut down, cannot disable.");
    if (proxy->state == PROXY_DISABLED)
        return command_say(call, 5, "All sockets are already disabled.");
    set_state(proxy, PROXY_DISABLED, listener_pause);
    tell(proxy, "Paused");
    return COMMAND_DONE;
}

static enum command_result
run_enable(struct command_call *call)
{
    struct proxy *proxy = find_frontend(call);

    if (proxy == NULL)
        return COMMAND_DONE;
    if (proxy->state == PROXY_STOPPED)
        return command_say(call, 3, "Frontend was previously shut down, cannot enable.");
    if (proxy->state != PROXY_DISABLED)
        return command_say(call, 5, "All sockets are already enabled.");
    set_state(proxy, PROXY_READY, listener_resume);
    tell(proxy, "Resumed");
    return COMMAND_DONE;
}

static enum command_result
run_shutdown(struct command_call *call)
{
    struct proxy *proxy = find_frontend(call);
    unsigned long long front, back = 0;
    char room[MEMBERS_MAX];

    if (proxy == NULL)
        return COMMAND_DONE;
    if (proxy->state == PROXY_STOPPED)
        return command_say(call, 5, "Frontend was already shut down.");
    set_state(proxy, PROXY_STOPPED, listener_stop);
    front = counter_sum(&proxy->front_counters, offsetof(struct proxy_row, connections));
    if ((proxy->sides & SIDE_BACK) != 0)
        back = counter_sum(&proxy->back_counters, offsetof(struct proxy_row, backend_sessions));
    notice_print(NOTICE_WARNING, "Proxy %s stopped (cumulated conns: FE: %llu, BE: %llu).",
                 proxy->name, front, back);
    log_event(proxy->conf->logs, LOG_LEVEL_WARNING, proxy->conf->log_tag, "frontend",
              members(proxy, room),
              "Proxy %s stopped (cumulated conns: FE: %llu, BE: %llu).", proxy->name, front, back);
    return COMMAND_DONE;
}

static enum command_result
run_set_maxconn(struct command_call *call)
{
    struct proxy *proxy = find_frontend(call);
    const char *word;
    int64_t n;

    if (proxy == NULL)
        return COMMAND_DONE;
    word = command_next(call);
    if (word == NULL || !number_parse_int(str_from(word), 0, INT32_MAX, &n, NULL))
        return command_say(call, 3, "Integer value expected.");
    __atomic_store_n(&proxy->maxconn_override, n, __ATOMIC_RELAXED);
    return COMMAND_DONE;
}

static enum command_result
run_show_backend(struct command_call *call)
{
    text_puts(call->out, "# name\n");
    LIST_FOR_EACH (conf, proxy_list(snapshot_current()), struct proxy_conf, link) {
        if (proxy_conf_is_back(conf) && (conf->sides & SIDE_INTERNAL) == 0)
            text_printf(call->out, "%s\n", conf->name);
    }
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "disable frontend", "<frontend>", LEVEL_ADMIN, run_disable, "stop accepting for a while" },
    { "enable frontend", "<frontend>", LEVEL_ADMIN, run_enable, "accept again" },
    { "shutdown frontend", "<frontend>", LEVEL_ADMIN, run_shutdown, "stop accepting for good" },
    { "set maxconn frontend", "<frontend> <value>", LEVEL_ADMIN, run_set_maxconn,
      "limit of connections of a frontend" },
    { "show backend", NULL, LEVEL_USER, run_show_backend, "names of the backends" },
};
REGISTER(command, commands);
