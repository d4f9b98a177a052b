/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log forwarding: what lives of its sections, and the way of a message through one.
 *
 * For:     log-forward sections.
 * Owns:    struct log_forward, found again by name when a configuration is applied.
 * Callers: the configuration; log_receiver.c and log_session.c bring messages.
 * Thread:  control.
 */
#include "log_forward.h"

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"
#include "weir/telemetry/process.h"

static struct list living = LIST_INIT(living);

void
log_forward_message(const struct log_forward_conf *conf, struct str message, const struct addr *source)
{
    struct log_incoming incoming = { .form = INCOMING_RAW, .message = message };
    char text[ADDR_TEXT_MAX];

    if (!conf->is_not_parsed)
        log_incoming_parse(message, &incoming);
    incoming.host_rule = (enum log_relay_host)conf->host_rule;
    if (addr_is_ip(source)) {
        addr_format_host(source, text, sizeof(text));
        incoming.source = text;
    }
    log_relay(conf->logs, &incoming);
}

/* --- connections ------------------------------------------------------------------------------------ */

static bool
may_accept(struct listener *listener)
{
    const struct log_forward_conf *conf = listener->conf->owner_conf;

    return conf->live == NULL || conf->live->session_count < conf->maxconn;
}

static void
on_accept(struct listener *listener, struct connection *conn)
{
    const struct log_forward_conf *conf = listener->conf->owner_conf;

    if (conf->live == NULL || conf->live->conf == NULL || this_process.is_stopping) {
        connection_close(conn);
        listener_connection_ended(listener);
        return;
    }
    log_session_accept(conf->live, listener, conn);
}

static const struct listener_owner listener_owner = { .may_accept = may_accept, .on_accept = on_accept };

/* --- life --------------------------------------------------------------------------------------------- */

static struct log_forward *
find_or_make(const char *name)
{
    struct log_forward *forward;

    LIST_FOR_EACH (one, &living, struct log_forward, link) {
        if (str_eq(str_from(one->name), str_from(name)))
            return one;
    }
    forward = alloc_zero(sizeof(*forward));
    forward->name = alloc_copy(name);
    list_init(&forward->sessions);
    list_add_last(&living, &forward->link);
    return forward;
}

static void
free_forward(struct log_forward *forward)
{
    log_session_close_all(forward);
    list_remove(&forward->link);
    alloc_free(forward->name);
    alloc_free(forward);
}

static bool
adopt_section(struct parse *parse, struct log_forward_conf *conf)
{
    struct error err = ERROR_INIT;

    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        if (listener_adopt(bind, &listener_owner, true, &err) == NULL)
            return parse_alert_at(parse, bind->pos, "log-forward '%s': %s", conf->name, err.text);
    }
    LIST_FOR_EACH (receiver, &conf->receivers, struct log_receiver_conf, link) {
        receiver->live = log_receiver_adopt(receiver->bind, &err);
        if (receiver->live == NULL)
            return parse_alert_at(parse, receiver->bind->pos, "log-forward '%s': %s", conf->name, err.text);
    }
    return true;
}

static bool
on_adopt(struct parse *parse)
{
    if (this_process.is_offline)
        return true;
    LIST_FOR_EACH (conf, log_forward_list(parse->snapshot), struct log_forward_conf, link) {
        if (!adopt_section(parse, conf))
            return false;
    }
    return true;
}

static void
publish_section(struct log_forward_conf *conf)
{
    struct log_forward *forward = find_or_make(conf->name);

    forward->conf = conf;
    conf->live = forward;
    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link)
        listener_publish(bind->listener, bind, conf);
    LIST_FOR_EACH (receiver, &conf->receivers, struct log_receiver_conf, link)
        log_receiver_publish(receiver->live, conf);
}

static bool
on_publish(struct parse *parse)
{
    if (this_process.is_offline)
        return true;
    LIST_FOR_EACH (forward, &living, struct log_forward, link)
        forward->conf = NULL;
    LIST_FOR_EACH (conf, log_forward_list(parse->snapshot), struct log_forward_conf, link)
        publish_section(conf);
    log_receiver_end_publish();
    LIST_FOR_EACH_SAFE (forward, &living, struct log_forward, link) {
        if (forward->conf == NULL)
            free_forward(forward);
    }
    return true;
}

static bool
on_release(struct parse *parse)
{
    LIST_FOR_EACH (conf, log_forward_list(parse->snapshot), struct log_forward_conf, link) {
        LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
            listener_drop(bind->listener);
            bind->listener = NULL;
        }
        LIST_FOR_EACH (receiver, &conf->receivers, struct log_receiver_conf, link) {
            log_receiver_drop(receiver->live);
            receiver->live = NULL;
        }
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_ADOPT, ORDER_PROXY + 1, on_adopt, "log forwarding" },
    { CONFIG_PUBLISH, ORDER_PROXY + 1, on_publish, "log forwarding" },
    { CONFIG_RELEASE, ORDER_PROXY + 1, on_release, "log forwarding" },
};
REGISTER(config_hook, hooks);

/* Senders come again, to whoever listens next. */
static void
on_soft_stop(void)
{
    log_receiver_stop_all();
    LIST_FOR_EACH (forward, &living, struct log_forward, link) {
        LIST_FOR_EACH (bind, &forward->conf->binds, struct bind_conf, link)
            listener_stop(bind->listener);
        log_session_close_all(forward);
    }
}

static void
stop_thread(void)
{
    if (!thread_is_control())
        return;
    LIST_FOR_EACH_SAFE (forward, &living, struct log_forward, link)
        free_forward(forward);
}

static const struct start_hook start_hooks[] = {
    { SOFT_STOP, on_soft_stop },
    { STOP_THREAD, stop_thread },
};
REGISTER(start_hook, start_hooks);
