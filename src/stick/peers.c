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

#include "weir/base/entropy.h"
#include "weir/config/environment.h"
#include "weir/loop/loop.h"
#include "weir/loop/start.h"
#include "weir/net/listener.h"
#include "weir/telemetry/process.h"

#define RESYNC_MS          5000
#define RECONNECT_LEAST_MS 50
#define RECONNECT_RANGE_MS 2000
#define REFUSED_MS         1000 /* more, where nobody listens */

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

void
peers_begin_resync(struct peers *peers, enum resync from)
{
    peers->resync = from;
    peers->teacher = NULL;
    timer_set(loop_here(), &peers->resync_timer, stick_now_ms() + RESYNC_MS);
    if (from == RESYNC_REMOTE)
        ask_somebody(peers);
}

void
peers_on_resync_timer(struct timer *timer)
{
    struct peers *peers = LIST_ITEM(timer, struct peers, resync_timer);

    if (peers->resync == RESYNC_LOCAL)
        peers_begin_resync(peers, RESYNC_REMOTE);
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
    peers_begin_resync(peers, peers->resync);
}

/* --- the end of this process --------------------------------------------------------------------- */

void
peers_end_chore(struct peers *peers)
{
    if (peers->has_chore)
        this_process.chores--;
    peers->has_chore = false;
}

void
peers_on_told(struct peer *peer)
{
    if (peer->conf != NULL && peer->conf->is_local && peer->peers->is_stopping)
        peers_end_chore(peer->peers);
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
    LIST_FOR_EACH (peers, peers_living(), struct peers, link)
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
peers_on_end(struct peer *peer, bool is_refused, bool was_ready)
{
    struct peers *peers = peer->peers;
    int64_t delay_ms = RECONNECT_LEAST_MS + (int64_t)entropy_below(RECONNECT_RANGE_MS);

    if (was_ready)
        peers_log(peers, LOG_LEVEL_NOTICE, "peers %s: peer %s is gone", peers->name, peer->name);
    if (peers->teacher == peer) {
        peers->teacher = NULL;
        peers_begin_resync(peers, peers->resync);
    }
    if (peer->conf == NULL)
        return;
    if (peer->conf->is_local) {
        peers_end_chore(peers); /* nobody is there, or it is gone: nothing more can be done */
        return;
    }
    if (!peers->is_stopping && peer->session == NULL)
        timer_set(loop_here(), &peer->reconnect,
                  stick_now_ms() + delay_ms + (is_refused ? REFUSED_MS : 0));
}

void
peers_on_reconnect(struct timer *timer)
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

const struct listener_owner peers_listener_owner = { .on_accept = on_accept };

void
peers_on_changes(void)
{
    LIST_FOR_EACH (peers, peers_living(), struct peers, link) {
        LIST_FOR_EACH_SAFE (peer, &peers->peers, struct peer, link) {
            if (peer->session != NULL)
                peer_session_push(peer->session);
        }
    }
}

static const struct start_hook start_hooks[] = { { SOFT_STOP, on_soft_stop } };
REGISTER(start_hook, start_hooks);
