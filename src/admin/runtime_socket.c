/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening side of the runtime socket.
 *
 * For:     operators connect here.
 * Owns:    from ADOPT to RELEASE, a hold on the listener of each "stats socket"
 *          line. Listeners are live: they survive a change of configuration.
 * Callers: net calls back with connections; the configuration room runs the hooks.
 * Thread:  control.
 */
#include "weir/admin/runtime_session.h"

#include "weir/config/snapshot.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"
#include "weir/net/listener.h"
#include "private.h"

static bool
may_accept(struct listener *ln)
{
    const struct runtime_conf *conf = ln->conf->owner_conf;

    return runtime_session_count() < (uint64_t)conf->maxconn;
}

static void
on_end(void *data)
{
    listener_connection_ended(data);
}

static void
on_accept(struct listener *ln, struct connection *conn)
{
    const struct runtime_conf *conf = ln->conf->owner_conf;
    struct runtime_access access = {
        .level = (enum command_level)ln->conf->level,
        .severity_output = ln->conf->severity_output,
        .timeout_ms = conf->timeout_ms,
        .payload_max = conf->payload_max,
        .gives_sockets = ln->conf->expose_fd,
        .on_end = on_end,
        .data = ln,
    };

    runtime_session_start(conn, &access);
}

static const struct listener_owner socket_owner = { .may_accept = may_accept,
                                                    .on_accept = on_accept };

static bool
adopt(struct parse *parse)
{
    struct runtime_conf *conf = runtime_conf_of(parse->snapshot);
    struct error err = ERROR_INIT;

    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        if (listener_adopt(bind, &socket_owner, true, &err) == NULL)
            return parse_alert_at(parse, bind->pos, "'stats socket': %s", err.text);
    }
    return true;
}

static bool
publish(struct parse *parse)
{
    struct runtime_conf *conf = runtime_conf_of(parse->snapshot);

    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link)
        listener_publish(bind->listener, bind, conf);
    return true;
}

static bool
release(struct parse *parse)
{
    struct runtime_conf *conf = runtime_conf_of(parse->snapshot);

    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        listener_drop(bind->listener);
        bind->listener = NULL;
    }
    return true;
}

static const struct config_hook config_hooks[] = {
    { CONFIG_ADOPT, ORDER_ADMIN, adopt, "runtime sockets" },
    { CONFIG_PUBLISH, ORDER_ADMIN, publish, "runtime sockets" },
    { CONFIG_RELEASE, ORDER_ADMIN, release, "runtime sockets" },
};
REGISTER(config_hook, config_hooks);

static void
stop_thread(void)
{
    if (thread_is_control())
        runtime_session_end_all();
}

static const struct start_hook hooks[] = { { STOP_THREAD, stop_thread } };
REGISTER(start_hook, hooks);
