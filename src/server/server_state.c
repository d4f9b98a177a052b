/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every change of a server's state, in one place: up, down, drain, maintenance; and what is said
 * about it.
 *
 * Callers: checks, the runtime socket, publishing. Thread: control.
 *
 *                    check fails `fall` times
 *     RUNNING ───────────────────────────────> STOPPED
 *        ^  <── slow start done ── STARTING <──────┘ check passes `rise` times
 *        └── 404 with disable-on-404 ──> STOPPING
 *
 *     maintenance and drain are bits beside the state (enum server_admin): a server in maintenance
 * is STOPPED.
 */
#include <string.h>

#include "weir/base/json.h"
#include "weir/base/text.h"
#include "weir/loop/loop.h"
#include "weir/telemetry/notice.h"
#include "private.h"

void
server_tell(struct server *srv, unsigned what)
{
    FOR_EACH_REGISTERED (server_observer, observer, list)
        observer->changed(srv, what);
}

static void
add_member(struct text *text, const char *name, const char *value)
{
    text_printf(text, "%s\"%s\": \"", text->len > 0 ? ", " : "", name);
    json_escape(text, str_from(value));
    text_add_char(text, '"');
}

const char *
server_state_word(const struct server *srv)
{
    static const char *const states[] = { "down", "up", "up", "stopping" };

    if ((srv->admin & ADMIN_MAINT) != 0)
        return "maint";
    return (srv->admin & ADMIN_DRAIN) != 0 ? "drain" : states[srv->state];
}

/* For programs: "backend": "b", "server": "s", "state": "maint". */
static void
add_members(struct text *text, const struct server *srv)
{
    add_member(text, "backend", srv->backend->name);
    add_member(text, "server", srv->name);
    add_member(text, "state", server_state_word(srv));
}

/* The server that changes now, as it was; and how many of its streams have moved on. */
static struct {
    const char *word;
    int state;
    unsigned admin, requeued;
} before_change;

static void
note_before(const struct server *srv)
{
    before_change.word = server_state_word(srv);
    before_change.state = srv->state;
    before_change.admin = srv->admin;
    before_change.requeued = 0;
}

/* The news is out: who wants more than a log line? */
static void
spread(struct server *srv, enum log_level level, const struct text *text, const char *reason,
       bool is_mailed)
{
    struct server_news news = { .srv = srv,
                                .level = level,
                                .text = text_cstr(text),
                                .reason = reason,
                                .before = before_change.word,
                                .state_before = before_change.state,
                                .admin_before = before_change.admin,
                                .requeued = before_change.requeued,
                                .is_mailed = is_mailed };

    FOR_EACH_REGISTERED (server_news_reader, reader, list)
        reader->read(&news);
}

void
server_log(struct server *srv, enum log_level level, const char *text)
{
    const struct proxy_conf *conf = srv->backend->conf;
    struct text members = TEXT_INIT;

    if (conf != NULL && log_targets_want(conf->logs, level)) {
        add_members(&members, srv);
        log_event(conf->logs, level, conf->log_tag, "server", text_str(&members), "%s", text);
    }
    text_fini(&members);
}

static void
say(struct server *srv, enum log_level level, enum notice_level notice, const char *text)
{
    notice_print(notice, "%s", text);
    server_log(srv, level, text);
}

void
server_say(struct server *srv, enum log_level level, const char *text)
{
    say(srv, level, NOTICE_WARNING, text);
}

static uint32_t
queued(const struct server *srv)
{
    return __atomic_load_n(&srv->queue.length, __ATOMIC_RELAXED);
}

/* How many are there: after good news "online", after bad news "left". */
static void
add_counts(struct text *text, const struct server *srv, unsigned requeued, bool is_good_news)
{
    const struct server_set *set = srv->backend->back->set;

    text_printf(text, " %u active and %u backup servers %s.%s", set->active_count,
                set->backup_count, is_good_news ? "online" : "left",
                set->active_count == 0 && set->backup_count > 0 ? " Running on backup." : "");
    if (is_good_news)
        text_printf(text, " %u sessions requeued, %u total in queue.", requeued, queued(srv));
    else
        text_printf(text, " %u sessions active, %u requeued, %u remaining in queue.",
                    __atomic_load_n(&srv->current, __ATOMIC_RELAXED), requeued, queued(srv));
}

/* "Backup Server b/s " */
static void
add_name(struct text *text, const struct server *srv)
{
    text_printf(text, "%sServer %s/%s ", srv->conf != NULL && srv->conf->backup ? "Backup " : "",
                srv->backend->name, srv->name);
}

static void
say_empty(struct server *srv)
{
    const struct proxy_conf *conf = srv->backend->conf;
    const struct server_set *set = srv->backend->back->set;
    struct text members = TEXT_INIT;

    if (set->usable_count > 0 || conf == NULL)
        return;
    notice_print(NOTICE_ALERT, "%s '%s' has no server available!",
                 proxy_conf_is_front(conf) ? "proxy" : "backend", conf->name);
    add_member(&members, "backend", conf->name);
    log_event(conf->logs, LOG_LEVEL_EMERG, conf->log_tag, "no_server", text_str(&members),
              "%s %s has no server available!", proxy_conf_is_front(conf) ? "proxy" : "backend",
              conf->name);
    text_fini(&members);
}

unsigned
server_after_change(struct server *srv, bool was_usable, unsigned what)
{
    struct proxy *backend = srv->backend;
    const struct server_set *set;
    unsigned released = 0;

    server_set_rebuild(backend);
    if (!server_takes_persistent(srv))
        idle_pool_clear_all(srv, NULL);
    server_tell(srv, what);
    if (server_is_usable(srv) && !was_usable)
        queue_serve(srv);
    /* Backups may have taken over for those that wait. */
    set = backend->back->set;
    for (unsigned i = 0; i < set->usable_count && set->uses_backups; i++)
        queue_serve(set->usable[i]);
    if ((srv->admin & ADMIN_DRAIN) != 0 || !server_takes_persistent(srv))
        released = queue_release(&srv->queue);
    return released;
}

void
server_set_maxconn(struct server *srv, int64_t maxconn)
{
    __atomic_store_n(&srv->maxconn, maxconn, __ATOMIC_SEQ_CST);
    server_tell(srv, SERVER_CHANGED_MAXCONN);
    queue_serve(srv);
}

static void
note_time(struct server *srv, bool was_down)
{
    int64_t now_ms = loop_now_ms(loop_here());

    if (was_down)
        srv->down_ms += (uint64_t)(now_ms - srv->last_change_ms);
    srv->last_change_ms = now_ms;
}

static bool
is_up(int state)
{
    return state == SERVER_RUNNING || state == SERVER_STARTING;
}

static void
say_stays_in_drain(struct server *srv)
{
    struct text text = TEXT_INIT;

    add_name(&text, srv);
    text_puts(&text, "remains in forced drain mode.");
    say(srv, LOG_LEVEL_NOTICE, NOTICE_WARNING, text_cstr(&text));
    text_fini(&text);
}

static void
say_state(struct server *srv, enum server_state state, unsigned requeued, const char *reason)
{
    struct text text = TEXT_INIT;
    static const char *const words[] = { "DOWN", "UP", "UP", "stopping" };
    bool is_alert = state == SERVER_STOPPED && (srv->admin & ADMIN_DRAIN) == 0;

    add_name(&text, srv);
    text_printf(&text, "is %s%s%s.", words[state],
                reason == NULL                     ? ""
                : strncmp(reason, "via ", 4) == 0 ? " "
                                                   : ", ",
                reason != NULL ? reason : "");
    add_counts(&text, srv, requeued, state != SERVER_STOPPED);
    say(srv, is_alert ? LOG_LEVEL_ALERT : LOG_LEVEL_NOTICE, NOTICE_WARNING, text_cstr(&text));
    spread(srv, is_alert ? LOG_LEVEL_ALERT : LOG_LEVEL_NOTICE, &text, reason, true);
    text_fini(&text);
}

void
server_set_state(struct server *srv, enum server_state state, const char *reason)
{
    enum server_state before = (enum server_state)srv->state;
    bool was_usable = server_is_usable(srv);
    unsigned requeued;

    if (before == state || (before == SERVER_STARTING && state == SERVER_RUNNING))
        return;
    if (srv->admin & ADMIN_MAINT)
        return; /* maintenance has the last word; leaving it looks at the checks again */
    note_time(srv, before == SERVER_STOPPED);
    note_before(srv);
    __atomic_store_n(&srv->state, (int)state, __ATOMIC_RELAXED);
    if (state == SERVER_STOPPED)
        srv->down_transitions++;
    if (state == SERVER_RUNNING && before == SERVER_STOPPED)
        weight_begin_slow_start(srv);
    before_change.requeued = requeued = server_after_change(srv, was_usable, SERVER_CHANGED_STATE);
    say_state(srv, state, requeued, reason);
    if ((srv->admin & ADMIN_DRAIN) != 0)
        say_stays_in_drain(srv);
    if (!is_up((int)state))
        say_empty(srv);
}

/* --- administration
 * ------------------------------------------------------------------------------- */

static void
say_enters_maint(struct server *srv, bool was_up, bool was_drain, unsigned requeued,
                 const char *reason)
{
    struct text text = TEXT_INIT;

    add_name(&text, srv);
    text_printf(&text,
                was_up ? "is going DOWN for maintenance%s%s%s."
                       : "was DOWN and now enters maintenance%s%s%s.",
                reason ? " (" : "", reason ? reason : "", reason ? ")" : "");
    if (was_up)
        add_counts(&text, srv, requeued, false);
    say(srv, was_up && !was_drain ? LOG_LEVEL_ALERT : LOG_LEVEL_NOTICE, NOTICE_WARNING,
        text_cstr(&text));
    spread(srv, LOG_LEVEL_NOTICE, &text, reason, false);
    text_fini(&text);
}

static void
say_leaves_maint(struct server *srv, bool is_drain, bool has_addr_again)
{
    struct text text = TEXT_INIT;

    add_name(&text, srv);
    if (has_addr_again && server_fqdn(srv) != NULL)
        text_printf(&text, "('%s') ", server_fqdn(srv));
    text_printf(&text, "is %s/%s (%s).", is_up(srv->state) ? "UP" : "DOWN",
                is_drain ? "DRAIN" : "READY",
                has_addr_again ? "resolves again" : "leaving forced maintenance");
    say(srv, LOG_LEVEL_NOTICE, NOTICE_WARNING, text_cstr(&text));
    spread(srv, LOG_LEVEL_NOTICE, &text, NULL, false);
    text_fini(&text);
    if (is_drain)
        say_stays_in_drain(srv);
}

static void
say_drain(struct server *srv, bool is_drain, unsigned requeued)
{
    struct text text = TEXT_INIT;

    add_name(&text, srv);
    if (is_drain) {
        text_puts(&text, "enters drain state.");
        add_counts(&text, srv, requeued, srv->state != SERVER_STOPPED);
    } else {
        text_printf(&text, "is %s (leaving forced drain).", is_up(srv->state) ? "UP" : "DOWN");
    }
    say(srv, LOG_LEVEL_NOTICE, NOTICE_WARNING, text_cstr(&text));
    spread(srv, LOG_LEVEL_NOTICE, &text, NULL, is_drain);
    text_fini(&text);
}

/* Maintenance hides what happens to drain meanwhile. */
static void
say_admin(struct server *srv, unsigned before, bool was_up, unsigned requeued, const char *reason)
{
    bool was_maint = (before & ADMIN_MAINT) != 0, is_maint = (srv->admin & ADMIN_MAINT) != 0;
    bool was_drain = (before & ADMIN_DRAIN) != 0, is_drain = (srv->admin & ADMIN_DRAIN) != 0;

    if (!was_maint && is_maint)
        say_enters_maint(srv, was_up, was_drain, requeued, reason);
    else if (was_maint && !is_maint)
        say_leaves_maint(srv, is_drain, (before & ADMIN_RMAINT) != 0);
    else if (!is_maint && was_drain != is_drain)
        say_drain(srv, is_drain, requeued);
    else
        return;
    if (was_up)
        say_empty(srv);
}

void
server_set_admin(struct server *srv, unsigned set, unsigned clear, const char *reason)
{
    unsigned before = srv->admin, now = (before | set) & ~clear;
    bool was_usable = server_is_usable(srv), was_up = is_up(srv->state);
    unsigned requeued;

    if (now == before)
        return;
    note_before(srv);
    __atomic_store_n(&srv->admin, now, __ATOMIC_RELAXED);
    if ((now & ADMIN_MAINT) && !(before & ADMIN_MAINT)) {
        note_time(srv, srv->state == SERVER_STOPPED);
        __atomic_store_n(&srv->state, SERVER_STOPPED, __ATOMIC_RELAXED);
    } else if (!(now & ADMIN_MAINT) && (before & ADMIN_MAINT)) {
        note_time(srv, true);
        __atomic_store_n(&srv->state,
                         server_begins_down(srv->conf) ? SERVER_STOPPED : SERVER_RUNNING,
                         __ATOMIC_RELAXED);
        if (is_up(srv->state))
            weight_begin_slow_start(srv);
    }
    before_change.requeued = requeued = server_after_change(srv, was_usable, SERVER_CHANGED_ADMIN);
    say_admin(srv, before, was_up, requeued, reason);
}
