/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show peers.
 *
 * For:     people at the runtime socket.
 * Owns:    nothing.
 * Thread:  control.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "weir/base/clock.h"
#include "weir/cli/command.h"
#include "weir/loop/loop.h"
#include "peers.h"
#include "server_name.h"

static const char *const state_names[] = {
    [PEER_DIALS] = "CONN",     [PEER_AWAITS_STATUS] = "STATUS", [PEER_AWAITS_HELLO] = "HELLO",
    [PEER_READY] = "EST",      [PEER_ENDS] = "END",
};
static const char *const resync_names[] = {
    [RESYNC_LOCAL] = "local", [RESYNC_REMOTE] = "remote", [RESYNC_DONE] = "done",
};

/* "3s", "2m5s" */
static void
show_duration(struct text *out, int64_t ms)
{
    int64_t seconds = ms < 0 ? 0 : ms / 1000;

    if (seconds >= 86400)
        text_printf(out, "%" PRId64 "d%" PRId64 "h", seconds / 86400, seconds % 86400 / 3600);
    else if (seconds >= 3600)
        text_printf(out, "%" PRId64 "h%" PRId64 "m", seconds / 3600, seconds % 3600 / 60);
    else if (seconds >= 60)
        text_printf(out, "%" PRId64 "m%" PRId64 "s", seconds / 60, seconds % 60);
    else
        text_printf(out, "%" PRId64 "s", seconds);
}

static void
show_timer(struct text *out, const char *name, const struct timer *timer)
{
    text_printf(out, "%s=", name);
    if (timer == NULL || !timer_is_running(timer))
        text_puts(out, "<NEVER>");
    else
        show_duration(out, timer->deadline_ms - loop_now_ms(loop_here()));
}

static void
show_names(struct text *out, const char *title, const struct peer_names *names)
{
    text_printf(out, "          %s cache:", title);
    for (unsigned i = 0; i < PEER_NAMES; i++) {
        const char *name =
            names->items[i].key == 0 ? NULL : server_name_find(names->items[i].key);

        if (name != NULL)
            text_printf(out, " %u -> %s", i + 1, name);
    }
    text_add_char(out, '\n');
}

static void
show_table(struct text *out, const struct peer_table *shared)
{
    uint64_t changes = 0;

    for (unsigned i = 0; i < STICK_SHARDS; i++)
        changes += __atomic_load_n(&shared->table->shards[i].change_number, __ATOMIC_RELAXED);
    text_printf(out, "          %p local_id=%u remote_id=%" PRIu64 " flags=0x%x remote_data=0x%" PRIx64 "\n",
                (const void *)shared, shared->id, shared->definition.id,
                (unsigned)shared->scan | (shared->is_marked ? 4u : 0), shared->definition.data);
    text_printf(out, "              last_acked=%u last_pushed=%u last_get=%u teaching_origin=0 update=%u\n",
                shared->acked, shared->told, shared->got, shared->told);
    text_printf(out, "              table:%p id=%s update=%" PRIu64 " localupdate=%" PRIu64
                     " commitupdate=%u refcnt=%u\n",
                (const void *)shared->table, shared->conf->name, changes, changes, shared->acked,
                shared->table->refs);
}

static void
show_session(struct text *out, const struct peer_session *session)
{
    char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];

    text_printf(out, "        appctx:%p state=%s\n", (const void *)session,
                state_names[session->state]);
    if (session->conn == NULL)
        return;
    addr_format(connection_src(session->conn), src, sizeof(src));
    addr_format(connection_dst(session->conn), dst, sizeof(dst));
    text_printf(out, "        xprt=%s src=%s addr=%s\n",
                session->conn->transport_data != NULL ? "SSL" : "RAW", src, dst);
}

static void
show_peer(struct text *out, const struct peer *peer, bool with_names)
{
    const struct peer_session *session = peer->session;
    char addr[ADDR_TEXT_MAX] = "-";

    if (peer->conf->addr_text != NULL)
        addr_format(&peer->conf->addr, addr, sizeof(addr));
    text_printf(out, "  %p: id=%s(%s,%s) addr=%s last_status=%s last_hdshk=", (const void *)peer,
                peer->name, peer->conf->is_local ? "local" : "remote",
                session == NULL ? "inactive" : "active", addr, peer->last_status);
    if (peer->last_handshake_ms == 0)
        text_puts(out, "<NEVER>");
    else
        show_duration(out, loop_now_ms(loop_here()) - peer->last_handshake_ms);
    text_puts(out, "\n        ");
    show_timer(out, "reconnect", &peer->reconnect);
    show_timer(out, " heartbeat", session == NULL ? NULL : &session->heartbeat);
    text_printf(out,
                " confirm=0 tx_hbt=%" PRIu64 " rx_hbt=%" PRIu64 " no_hbt=%" PRIu64
                " new_conn=%" PRIu64 " proto_err=%" PRIu64 " coll=%" PRIu64 "\n        flags=0x%x\n",
                peer->heartbeats_sent, peer->heartbeats_got, peer->silences, peer->connects,
                peer->protocol_errors, peer->collisions,
                (peer->is_not_asked ? 1u : 0) | (peer->peers->teacher == peer ? 2u : 0));
    if (session != NULL)
        show_session(out, session);
    text_puts(out, "        shared tables:\n");
    LIST_FOR_EACH (shared, &peer->tables, struct peer_table, link)
        show_table(out, shared);
    if (!with_names) {
        text_puts(out, "        Dictionary cache not dumped (use \"show peers dict\")\n");
    } else if (session != NULL) {
        text_puts(out, "        Dictionary cache:\n");
        show_names(out, "TX", &session->told_names);
        show_names(out, "RX", &session->heard_names);
    }
}

static void
show_section(struct text *out, const struct peers *peers, bool with_names)
{
    char when[64];
    time_t second = (time_t)(peers->started_us / 1000000);
    struct tm parts;

    localtime_r(&second, &parts);
    strftime(when, sizeof(when), "%d/%b/%Y:%H:%M:%S", &parts);
    text_printf(out, "%p: [%s] id=%s disabled=0 flags=0x%x resync=%s ", (const void *)peers, when,
                peers->name, (peers->is_complete ? 1u : 0) | (peers->is_stopping ? 2u : 0),
                resync_names[peers->resync]);
    show_timer(out, "resync_timeout", &peers->resync_timer);
    text_puts(out, " task_calls=0\n");
    LIST_FOR_EACH (peer, &peers->peers, struct peer, link)
        show_peer(out, peer, with_names);
    text_add_char(out, '\n');
}

static enum command_result
run_show(struct command_call *call)
{
    const char *word = command_next(call);
    bool with_names = word != NULL && strcmp(word, "dict") == 0;
    bool has_one = false;

    if (with_names || (word != NULL && strcmp(word, "-") == 0))
        word = command_next(call);
    LIST_FOR_EACH (peers, peers_living(), struct peers, link) {
        if (word != NULL && strcmp(word, peers->name) != 0)
            continue;
        show_section(call->out, peers, with_names);
        has_one = true;
    }
    if (word != NULL && !has_one)
        return command_say(call, 3, "No such peers");
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show peers", "[dict|-] [<section>]", LEVEL_OPERATOR, run_show,
      "peers, their sessions, and what is shared" },
};
REGISTER(command, commands);
