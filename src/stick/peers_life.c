/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lives of a peers section, from one configuration to the next.
 *
 * For:     the configuration.
 * Owns:    struct peers, struct peer, and what is shared with each peer.
 * Thread:  control.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/entropy.h"
#include "weir/loop/loop.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"
#include "weir/net/listener.h"
#include "weir/telemetry/process.h"
#include "peers.h"

#define FIRST_DIAL_MS 50 /* not all at once */

static struct list living = LIST_INIT(living);

struct list *
peers_living(void)
{
    return &living;
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
    peers_end_chore(peers);
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
    timer_init(&peers->resync_timer, peers_on_resync_timer);
    peers->started_us = loop_here()->wall_us;
    list_add_last(&living, &peers->link);
    peers_begin_resync(peers, this_process.has_predecessor ? RESYNC_LOCAL : RESYNC_REMOTE);
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
    timer_init(&peer->reconnect, peers_on_reconnect);
    list_add_last(&peers->peers, &peer->link);
    if (!conf->is_local)
        timer_set(loop_here(), &peer->reconnect,
                  stick_now_ms() + (int64_t)entropy_below(FIRST_DIAL_MS));
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
        peers_begin_resync(peers, RESYNC_REMOTE);
}

static bool
on_adopt(struct parse *parse)
{
    struct error err = ERROR_INIT;

    LIST_FOR_EACH (conf, peers_list(parse->snapshot), struct peers_conf, link) {
        LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
            if (peers_conf_is_on(conf) && !this_process.is_offline &&
                listener_adopt(bind, &peers_listener_owner, true, &err) == NULL)
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
        stick_change_listen(peers_on_changes);
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

static const struct start_hook start_hooks[] = { { STOP_THREAD, stop_thread } };
REGISTER(start_hook, start_hooks);
