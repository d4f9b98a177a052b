/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "clear counters": peaks, or everything, back to zero.
 *
 * For:     people who measure.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control. Threads go on counting meanwhile; an event of this very
 *          moment may be lost.
 *
 * Gauges (what is open now) are never touched.
 */
#include <stddef.h>

#include "weir/config/snapshot.h"
#include "private.h"

/* A stretch of fields in a counter row. */
struct stretch {
    size_t from, to; /* offsets; to is behind */
};

#define STRETCH(type, first, last)                                                                 \
    {                                                                                              \
        offsetof(struct type, first),                                                              \
            offsetof(struct type, last) + sizeof(((struct type *)0)->last)                         \
    }

static const struct stretch proxy_peaks[] = {
    STRETCH(proxy_row, queue_ms_max, total_ms_max),
    STRETCH(proxy_row, connection_rate_max, request_rate_max),
};
static const struct stretch server_peaks[] = {
    STRETCH(server_row, queue_ms_max, total_ms_max),
    STRETCH(server_row, session_rate_max, session_rate_max),
};
static const struct stretch listener_totals[] = {
    STRETCH(listener_row, accepted, accepted),
    STRETCH(listener_row, refused, denied_sessions),
};

static void
clear_rows(const struct counter_rows *rows, const struct stretch *stretches, size_t count)
{
    for (size_t i = 0; i < count; i++)
        counter_clear(rows, stretches[i].from, stretches[i].to - stretches[i].from);
}

static void
clear_gauge_peak(uint64_t *peak, const uint64_t *now)
{
    __atomic_store_n(peak, __atomic_load_n(now, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

static void
clear_queue_peak(struct queue *queue)
{
    __atomic_store_n(&queue->length_max, __atomic_load_n(&queue->length, __ATOMIC_RELAXED),
                     __ATOMIC_RELAXED);
}

/* --- servers ------------------------------------------------------------------------- */

static void
clear_server_peaks(struct server *server)
{
    clear_rows(&server->counters, server_peaks, COUNT(server_peaks));
    clear_queue_peak(&server->queue);
    __atomic_store_n(&server->current_max, __atomic_load_n(&server->current, __ATOMIC_RELAXED),
                     __ATOMIC_RELAXED);
}

static void
clear_server(struct server *server)
{
    counter_clear(&server->counters, 0, sizeof(struct server_row));
    server->failed_checks = server->down_transitions = server->down_ms = 0;
    clear_server_peaks(server);
}

/* --- proxies ------------------------------------------------------------------------- */

static void
clear_listeners(const struct proxy_conf *conf)
{
    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        if (bind->listener != NULL)
            clear_rows(&bind->listener->counters, listener_totals, COUNT(listener_totals));
    }
}

static void
clear_front(const struct proxy_conf *conf, bool with_totals)
{
    struct proxy *proxy = conf->live;

    if (with_totals) {
        counter_clear(&proxy->front_counters, 0, sizeof(struct proxy_row));
        clear_listeners(conf);
    }
    clear_rows(&proxy->front_counters, proxy_peaks, COUNT(proxy_peaks));
    clear_gauge_peak(&proxy->front_max, &proxy->front_current);
}

static void
clear_back(struct proxy *proxy, bool with_totals)
{
    if (with_totals) {
        counter_clear(&proxy->back_counters, 0, sizeof(struct proxy_row));
        proxy->back->down_transitions = 0;
        proxy->back->down_ms = 0;
    }
    clear_rows(&proxy->back_counters, proxy_peaks, COUNT(proxy_peaks));
    clear_gauge_peak(&proxy->back_max, &proxy->back_current);
    clear_queue_peak(&proxy->back->queue);
    LIST_FOR_EACH (server, &proxy->back->servers, struct server, link) {
        if (with_totals)
            clear_server(server);
        else
            clear_server_peaks(server);
    }
}

static void
clear_all_proxies(bool with_totals)
{
    LIST_FOR_EACH (conf, proxy_list(snapshot_current()), struct proxy_conf, link) {
        if (conf->live == NULL)
            continue;
        if (proxy_conf_is_front(conf))
            clear_front(conf, with_totals);
        if (proxy_conf_is_back(conf) && conf->live->back != NULL)
            clear_back(conf->live, with_totals);
    }
}

/* --- commands ------------------------------------------------------------------------ */

/* "clear counters server <backend>/<server> [force]" */
static enum command_result
clear_one_server(struct command_call *call)
{
    const char *word = command_next(call);
    struct str name = str_from(word == NULL ? "" : word);
    struct str backend_name = str_split(&name, '/');
    struct proxy *backend = proxy_find(backend_name, SIDE_BACK);
    struct server *server;

    if (name.ptr == NULL)
        return command_say(call, 3, "Require 'backend/server'.");
    if (backend == NULL)
        return command_say(call, 3, "No such backend.");
    server = server_find(backend, name);
    if (server == NULL)
        return command_say(call, 3, "No such server.");
    clear_server(server);
    return command_say(call, 6, "Server counters cleared.");
}

static enum command_result
run_clear_counters(struct command_call *call)
{
    bool is_server = command_accept(call, "server");
    bool is_all = !is_server && command_accept(call, "all");

    if ((is_all || is_server) && call->level < LEVEL_ADMIN)
        return command_say(call, 3, "Permission denied");
    if (is_server)
        return clear_one_server(call);
    clear_all_proxies(is_all);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "clear counters", "[all|server <bk>/<srv>]", LEVEL_OPERATOR, run_clear_counters,
      "peaks, or all counters, back to zero" },
};
REGISTER(command, commands);
