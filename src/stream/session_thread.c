/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sessions and streams of one thread, and how they follow the configuration.
 *
 * For:     a new snapshot; soft stop; lists of the runtime socket.
 * Owns:    for each thread, a hold on the snapshot that its idle sessions refer to.
 * Thread:  each traffic thread for itself; the hooks at the bottom on control.
 *
 * Idle sessions and idle server connections hold no snapshot of their own: there may be thousands,
 * for hours. They borrow from one that their thread holds. When another is published, the control
 * thread mails every traffic thread, which brings its idle sessions up to date and then lets the
 * old one go. A session that begins between the two meets the new conf already; then both are held
 * until the mail comes.
 */
#include "private.h"

#include "weir/loop/grace.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"

_Thread_local struct session_thread session_thread;

/* --- which configuration ------------------------------------------------- */

static void
hold(struct snapshot *snapshot)
{
    struct session_thread *here = &session_thread;

    here->snapshot = snapshot;
    for (unsigned i = 0; i < here->held_count; i++) {
        if (here->held[i] == snapshot)
            return;
    }
    if (here->held_count == COUNT(here->held))
        return; /* that many within one turn of the loop */
    snapshot_hold(snapshot);
    here->held[here->held_count++] = snapshot;
}

static void
drop_all_but(const struct snapshot *snapshot)
{
    struct session_thread *here = &session_thread;
    unsigned kept = 0;

    for (unsigned i = 0; i < here->held_count; i++) {
        if (here->held[i] == snapshot)
            here->held[kept++] = here->held[i];
        else
            snapshot_drop(here->held[i]);
    }
    here->held_count = kept;
}

const struct proxy_conf *
session_conf(const struct session *session)
{
    const struct proxy_conf *conf;

    if (session->conf != NULL)
        return session->conf; /* holds the snapshot itself */
    conf = grace_read(session->frontend->conf);
    if (conf == NULL)
        return NULL;
    if (__builtin_expect(conf->snapshot != session_thread.snapshot, 0))
        hold(conf->snapshot);
    return conf;
}

/* --- a new one ----------------------------------------------------------- */

static void
move_session(struct session *session)
{
    const struct proxy_conf *frontend = grace_read(session->frontend->conf);

    server_side_drop_kept(session);
    session->last_server = NULL;
    if (frontend == NULL)
        session_frontend_gone(session);
    else if (session->mux != NULL && (session->mux->streams == 0 || session->mux->mux->has_many))
        session->mux->settings = &frontend->front_mux;
}

static void
move_thread(void *arg)
{
    struct snapshot *snapshot = snapshot_current();

    (void)arg;
    hold(snapshot);
    LIST_FOR_EACH_SAFE (session, &session_thread.sessions, struct session, link) {
        move_session(session);
    }
    drop_all_but(snapshot);
}

/* --- soft stop ----------------------------------------------------------- */

#define STOP_STEP_MS 50

static unsigned
sessions_not_told(void)
{
    unsigned count = 0;

    LIST_FOR_EACH (session, &session_thread.sessions, struct session, link) {
        count += (session->flags & SESSION_STOPPING) == 0;
    }
    return count;
}

static void
stop_sessions(unsigned most)
{
    LIST_FOR_EACH_SAFE (session, &session_thread.sessions, struct session, link) {
        if ((session->flags & SESSION_STOPPING) != 0)
            continue;
        if (most-- == 0)
            return;
        session_stop(session);
    }
}

static int64_t
at_most(int64_t ms, int64_t most_ms)
{
    return ms < most_ms ? ms : most_ms;
}

/* So many now that the rest can leave at the same pace; those that are few, one at a time. */
static void
stop_some(struct timer *timer)
{
    int64_t now_ms = loop_now_ms(loop_here()), pause_ms = STOP_STEP_MS;
    int64_t left_ms = session_thread.stop_ends_ms - now_ms;
    unsigned turns = left_ms <= 0 ? 1 : (unsigned)(left_ms / STOP_STEP_MS) + 1;
    unsigned count = sessions_not_told();

    stop_sessions((count + turns - 1) / turns);
    if (left_ms <= 0)
        return;
    if (count < turns)
        pause_ms = left_ms / (count + 1) + 1;
    timer_set(loop_here(), timer, now_ms + at_most(pause_ms, left_ms));
}

void
session_soft_stop_thread(int64_t spread_ms)
{
    session_thread.is_stopping = true;
    if (spread_ms < 0)
        return;
    session_thread.stop_ends_ms = loop_now_ms(loop_here()) + spread_ms;
    timer_init(&session_thread.stop_timer, stop_some);
    stop_some(&session_thread.stop_timer);
}

/* --- lists --------------------------------------------------------------- */

uint64_t
session_count_thread(void)
{
    return session_thread.session_count;
}

void
session_for_each(void (*fn)(struct session *session, void *arg), void *arg)
{
    LIST_FOR_EACH_SAFE (session, &session_thread.sessions, struct session, link) {
        fn(session, arg);
    }
}

/* --- hooks --------------------------------------------------------------- */

static void
on_boot(void)
{
    proxy_set_listener_owner(&session_listener_owner);
}

static void
on_thread_start(void)
{
    list_init(&session_thread.sessions);
    list_init(&session_thread.streams);
    /* Ids differ between threads: each counts in steps of the number of threads. */
    session_thread.next_id = this_thread->index == 0 ? 0 : this_thread->index - 1;
}

static void
on_thread_stop(void)
{
    if (session_thread.is_stopping && session_thread.stop_ends_ms != 0)
        timer_stop(&session_thread.stop_timer);
    LIST_FOR_EACH_SAFE (session, &session_thread.sessions, struct session, link) {
        session_kill(session);
    }
    drop_all_but(NULL);
}

static const struct start_hook start_hooks[] = {
    { START_BOOT, on_boot },
    { START_THREAD, on_thread_start },
    { STOP_THREAD, on_thread_stop },
};
REGISTER(start_hook, start_hooks);

/* Each conf knows its snapshot: a session that reads a conf can hold what it is in. */
static bool
name_snapshot(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        conf->snapshot = parse->snapshot;
    }
    return true;
}

static bool
tell_threads(struct parse *parse)
{
    (void)parse;
    mailbox_call_all(move_thread, NULL, NULL);
    return true;
}

static const struct config_hook config_hooks[] = {
    { CONFIG_CHECK, ORDER_STREAM, name_snapshot, "stream: snapshot of each proxy" },
    { CONFIG_PUBLISH, ORDER_STREAM, tell_threads, "stream: threads move over" },
};
REGISTER(config_hook, config_hooks);
