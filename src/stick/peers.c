/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers that live: who is connected, who must teach whom.
 *
 * For:     the peers section.
 * Owns:    struct peers, found again by their names when the configuration changes, and what is
 *          shared with each peer.
 * Callers: the configuration; sessions; changes of tables.
 * Thread:  control.
 *
 * A process that starts hears all from the one before it, if there was one, else from a peer that
 * knows all; after five seconds without either it counts as complete. A process that stops tells all
 * to the one that listens on its address now.
 */
#include "peers.h"

#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/entropy.h"
#include "weir/base/hash.h"
#include "weir/config/environment.h"
#include "weir/loop/loop.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"
#include "weir/net/listener.h"
#include "weir/telemetry/process.h"

#define RESYNC_MS          5000
#define RECONNECT_LEAST_MS 50
#define RECONNECT_RANGE_MS 2000
#define REFUSED_MS         1000 /* more, where nobody listens */

static struct list living = LIST_INIT(living);

struct list *
peers_living(void)
{
    return &living;
}

const char *
peers_local_name(void)
{
    const char *name = environment_find(snapshot_current(), "HAPROXY_LOCALPEER");

    return name == NULL ? "" : name;
}

struct peer *
peers_find_peer(struct peers *peers, struct str name)
{
    LIST_FOR_EACH (peer, &peers->peers, struct peer, link) {
        if (str_eq(str_from(peer->name), name))
            return peer;
    }
    return NULL;
}

unsigned
peers_shard_of(const struct peers *peers, const struct stick_entry *entry)
{
    uint32_t count = peers->conf == NULL ? 0 : (uint32_t)peers->conf->shards;

    return count == 0 ? 0 : (unsigned)(((uint64_t)entry->hash * count) >> 32) + 1;
}

void
peers_log(struct peers *peers, enum log_level level, const char *fmt, ...)
{
    const struct log_targets *targets = peers->conf == NULL ? NULL : peers->conf->logs;
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    log_printf(targets, level, "%s", text);
}

/* --- who teaches us --------------------------------------------------------------------------- */

static bool
can_teach(const struct peer *peer)
{
    return peer->conf != NULL && !peer->conf->is_local && !peer->is_not_asked && peer->session != NULL &&
           peer->session->state == PEER_READY;
}

static void
ask_somebody(struct peers *peers)
{
    unsigned count = 0;
    uint64_t chosen;

    if (peers->resync != RESYNC_REMOTE || peers->teacher != NULL)
        return;
    LIST_FOR_EACH (peer, &peers->peers, struct peer, link)
        count += can_teach(peer);
    if (count == 0)
        return;
    chosen = entropy_below(count);
    LIST_FOR_EACH (peer, &peers->peers, struct peer, link) {
        if (!can_teach(peer) || chosen-- > 0)
            continue;
        peers->teacher = peer;
        timer_set(loop_here(), &peers->resync_timer, TIMER_NEVER);
        peer_session_ask(peer->session);
        return;
    }
}

static void
begin_resync(struct peers *peers, enum resync from)
{
    peers->resync = from;
    peers->teacher = NULL;
    timer_set(loop_here(), &peers->resync_timer, stick_now_ms() + RESYNC_MS);
    if (from == RESYNC_REMOTE)
        ask_somebody(peers);
}

static void
on_resync_timer(struct timer *timer)
{
    struct peers *peers = LIST_ITEM(timer, struct peers, resync_timer);

    if (peers->resync == RESYNC_LOCAL)
        begin_resync(peers, RESYNC_REMOTE);
    else if (peers->teacher == NULL)
        peers->resync = RESYNC_DONE;
}

void
peers_on_taught(struct peer *peer, bool is_complete)
{
    struct peers *peers = peer->peers;
    bool is_expected = peer == peers->teacher ||
                       (peer->conf->is_local && peers->resync == RESYNC_LOCAL);

    if (!is_expected)
        return;
    peers->teacher = NULL;
    if (is_complete) {
        peers->resync = RESYNC_DONE;
        peers->is_complete = true;
        timer_set(loop_here(), &peers->resync_timer, TIMER_NEVER);
        peers_log(peers, LOG_LEVEL_NOTICE, "peers %s: peer %s has told all it knows", peers->name,
                  peer->name);
        return;
    }
    if (!peer->conf->is_local)
        peer->is_not_asked = true;
    begin_resync(peers, peers->resync);
}

/* --- the end of this process --------------------------------------------------------------------- */

static void
end_chore(struct peers *peers)
{
    if (peers->has_chore)
        this_process.chores--;
    peers->has_chore = false;
}

void
peers_on_told(struct peer *peer)
{
    if (peer->conf != NULL && peer->conf->is_local && peer->peers->is_stopping)
        end_chore(peer->peers);
}

static void
stop(struct peers *peers)
{
    if (peers->conf == NULL || peers->local == NULL || peers->is_stopping)
        return;
    peers->is_stopping = true;
    LIST_FOR_EACH (bind, &peers->conf->binds, struct bind_conf, link)
        listener_stop(bind->listener);
    LIST_FOR_EACH_SAFE (session, &peers->sessions, struct peer_session, link)
        peer_session_close(session);
    peers->has_chore = true;
    this_process.chores++;
    timer_set(loop_here(), &peers->local->reconnect, stick_now_ms());
}

static void
on_soft_stop(void)
{
    LIST_FOR_EACH (peers, &living, struct peers, link)
        stop(peers);
}

/* --- connections ------------------------------------------------------------------------------------- */

void
peers_on_start(struct peer *peer)
{
    struct peers *peers = peer->peers;

    peers_log(peers, LOG_LEVEL_NOTICE, "peers %s: peer %s is connected", peers->name, peer->name);
    peer->is_not_asked = false;
    ask_somebody(peers);
}

void
peers_on_end(struct peer *peer, bool is_refused)
{
    struct peers *peers = peer->peers;
    int64_t delay_ms = RECONNECT_LEAST_MS + (int64_t)entropy_below(RECONNECT_RANGE_MS);

    if (peers->teacher == peer) {
        peers->teacher = NULL;
        begin_resync(peers, peers->resync);
    }
    if (peer->conf == NULL)
        return;
    if (peer->conf->is_local) {
        end_chore(peers); /* nobody is there, or it is gone: nothing more can be done */
        return;
    }
    if (!peers->is_stopping && peer->session == NULL)
        timer_set(loop_here(), &peer->reconnect,
                  stick_now_ms() + delay_ms + (is_refused ? REFUSED_MS : 0));
}

static void
on_reconnect(struct timer *timer)
{
    struct peer *peer = LIST_ITEM(timer, struct peer, reconnect);

    if (peer->session == NULL && peer->conf != NULL &&
        peer->conf->is_local == peer->peers->is_stopping)
        peer_session_dial(peer);
}

static void
on_accept(struct listener *listener, struct connection *conn)
{
    const struct peers_conf *conf = listener->conf->owner_conf;

    if (conf->live == NULL || conf->live->is_stopping) {
        connection_close(conn);
        listener_connection_ended(listener);
        return;
    }
    peer_session_accept(conf->live, listener, conn);
}

static const struct listener_owner listener_owner = { .on_accept = on_accept };

static void
on_changes(void)
{
    LIST_FOR_EACH (peers, &living, struct peers, link) {
        LIST_FOR_EACH_SAFE (peer, &peers->peers, struct peer, link) {
            if (peer->session != NULL)
                peer_session_push(peer->session);
        }
    }
}

/* --- life of what is shared ------------------------------------------------------------------------------ */

static void
free_table(struct peer_table *shared)
{
    peer_table_end(shared);
    list_remove(&shared->link);
    stick_table_drop(shared->table);
    alloc_free(shared);
}

static void
free_peer(struct peer *peer)
{
    peer->conf = NULL;
    peer_session_close(peer->session);
    timer_stop(&peer->reconnect);
    LIST_FOR_EACH_SAFE (shared, &peer->tables, struct peer_table, link)
        free_table(shared);
    if (peer->peers->teacher == peer)
        peer->peers->teacher = NULL;
    list_remove(&peer->link);
    alloc_free(peer->name);
    alloc_free(peer);
}

static void
free_peers(struct peers *peers)
{
    LIST_FOR_EACH_SAFE (session, &peers->sessions, struct peer_session, link)
        peer_session_close(session);
    LIST_FOR_EACH_SAFE (peer, &peers->peers, struct peer, link)
        free_peer(peer);
    end_chore(peers);
    timer_stop(&peers->resync_timer);
    list_remove(&peers->link);
    alloc_free(peers->name);
    alloc_free(peers);
}

static struct peers *
find_living(const char *name)
{
    LIST_FOR_EACH (peers, &living, struct peers, link) {
        if (strcmp(peers->name, name) == 0)
            return peers;
    }
    return NULL;
}

static struct peers *
new_peers(const char *name)
{
    struct peers *peers = alloc_zero(sizeof(*peers));

    peers->name = alloc_copy(name);
    list_init(&peers->peers);
    list_init(&peers->sessions);
    timer_init(&peers->resync_timer, on_resync_timer);
    peers->started_us = loop_here()->wall_us;
    list_add_last(&living, &peers->link);
    begin_resync(peers, this_process.has_predecessor ? RESYNC_LOCAL : RESYNC_REMOTE);
    return peers;
}

static struct peer *
new_peer(struct peers *peers, const struct peer_conf *conf)
{
    struct peer *peer = alloc_zero(sizeof(*peer));

    peer->name = alloc_copy(conf->name);
    peer->peers = peers;
    peer->last_status = "NONE";
    list_init(&peer->tables);
    timer_init(&peer->reconnect, on_reconnect);
    list_add_last(&peers->peers, &peer->link);
    if (!conf->is_local)
        timer_set(loop_here(), &peer->reconnect,
                  stick_now_ms() + (int64_t)entropy_below(RECONNECT_LEAST_MS));
    return peer;
}

/* --- configuration ------------------------------------------------------------------------------------------ */

/* The tables of a peer are those of its section. True: one is new. */
static bool
share_table(struct peer *peer, const struct stick_table_conf *conf)
{
    struct peer_table *shared;

    LIST_FOR_EACH (old, &peer->tables, struct peer_table, link) {
        if (old->table == conf->live) {
            old->conf = conf;
            old->is_wanted = true;
            return false;
        }
    }
    shared = alloc_zero(sizeof(*shared));
    shared->table = conf->live;
    stick_table_hold(conf->live);
    shared->conf = conf;
    shared->id = ++peer->peers->next_table_id;
    shared->is_wanted = true;
    list_add_last(&peer->tables, &shared->link);
    return true;
}

static bool
share_tables(struct parse *parse, struct peer *peer)
{
    bool has_new = false;

    LIST_FOR_EACH (shared, &peer->tables, struct peer_table, link)
        shared->is_wanted = false;
    for (const struct stick_table_conf *conf = stick_table_confs(parse->snapshot); conf != NULL;
         conf = conf->next) {
        if (conf->peers == peer->peers->conf)
            has_new = share_table(peer, conf) || has_new;
    }
    LIST_FOR_EACH_SAFE (shared, &peer->tables, struct peer_table, link) {
        if (shared->is_wanted)
            continue;
        if (peer->session != NULL && peer->session->heard_table == shared)
            peer->session->heard_table = NULL;
        if (peer->session != NULL && peer->session->told_table == shared->table)
            peer->session->told_table = NULL;
        free_table(shared);
    }
    return has_new;
}

static void
publish_section(struct parse *parse, struct peers_conf *conf)
{
    struct peers *peers = find_living(conf->name);
    bool is_new = peers == NULL, has_new = false;

    if (is_new)
        peers = new_peers(conf->name);
    peers->conf = conf;
    conf->live = peers;
    LIST_FOR_EACH (peer, &peers->peers, struct peer, link)
        peer->conf = NULL;
    peers->local = NULL;
    LIST_FOR_EACH (peer_conf, &conf->peers, struct peer_conf, link) {
        struct peer *peer = peers_find_peer(peers, str_from(peer_conf->name));

        if (peer == NULL)
            peer = new_peer(peers, peer_conf);
        peer->conf = peer_conf;
        if (peer_conf->is_local)
            peers->local = peer;
        if (!share_tables(parse, peer))
            continue;
        has_new = true;
        peer_session_close(peer->session); /* what was told of it before was passed over */
    }
    LIST_FOR_EACH_SAFE (peer, &peers->peers, struct peer, link) {
        if (peer->conf == NULL)
            free_peer(peer);
    }
    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link)
        listener_publish(bind->listener, bind, conf);
    if (has_new && !is_new) /* a table that the others may know more of */
        begin_resync(peers, RESYNC_REMOTE);
}

static bool
on_adopt(struct parse *parse)
{
    struct error err = ERROR_INIT;

    LIST_FOR_EACH (conf, peers_list(parse->snapshot), struct peers_conf, link) {
        LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
            if (peers_conf_is_on(conf) && !this_process.is_offline &&
                listener_adopt(bind, &listener_owner, true, &err) == NULL)
                return parse_alert_at(parse, bind->pos, "peers '%s': %s", conf->name, err.text);
        }
    }
    return true;
}

static bool
on_publish(struct parse *parse)
{
    if (this_process.is_offline)
        return true;
    LIST_FOR_EACH (peers, &living, struct peers, link)
        peers->conf = NULL;
    LIST_FOR_EACH (conf, peers_list(parse->snapshot), struct peers_conf, link) {
        if (peers_conf_is_on(conf))
            publish_section(parse, conf);
    }
    LIST_FOR_EACH_SAFE (peers, &living, struct peers, link) {
        if (peers->conf == NULL)
            free_peers(peers);
    }
    if (!list_is_empty(&living))
        stick_change_listen(on_changes);
    return true;
}

static bool
on_release(struct parse *parse)
{
    LIST_FOR_EACH (conf, peers_list(parse->snapshot), struct peers_conf, link) {
        LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
            if (bind->listener != NULL)
                listener_drop(bind->listener);
            bind->listener = NULL;
        }
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_ADOPT, ORDER_STICK + 1, on_adopt, "stick: peers" },
    { CONFIG_PUBLISH, ORDER_STICK + 1, on_publish, "stick: peers" },
    { CONFIG_RELEASE, ORDER_STICK + 1, on_release, "stick: peers" },
};
REGISTER(config_hook, hooks);

static void
stop_thread(void)
{
    if (!thread_is_control())
        return;
    LIST_FOR_EACH_SAFE (peers, &living, struct peers, link)
        free_peers(peers);
    peer_session_free_ended();
}

static const struct start_hook start_hooks[] = {
    { SOFT_STOP, on_soft_stop },
    { STOP_THREAD, stop_thread },
};
REGISTER(start_hook, start_hooks);
