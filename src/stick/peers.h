/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peers sections, and the peers that live. Control, but for the confs.
 */
#pragma once

#include "weir/base/text.h"
#include "weir/loop/timer.h"
#include "weir/net/bind.h"
#include "weir/net/connection.h"
#include "weir/net/listener.h"
#include "weir/server/server.h"
#include "weir/telemetry/log.h"
#include "peer_message.h"
#include "private.h"

/* --- as written ------------------------------------------------------------------------ */

struct peer_conf {
    struct list link; /* in the section */
    const char *name;
    struct source_pos pos;
    bool is_local;
    const char *addr_text; /* NULL: a local one with a bind line */
    struct addr addr;
    int64_t shard;              /* 0: all keys */
    struct server_conf *server; /* how it is dialled */
};

struct peers_conf {
    struct list link;
    const char *name;
    struct source_pos pos;
    struct list peers; /* struct peer_conf */
    struct list binds; /* struct bind_conf of the local peer */
    bool has_bind_line;
    const struct peer_conf *local; /* NULL: nobody of them is us */
    const struct server_conf *defaults; /* default-server; NULL: none */
    struct words bind_defaults;         /* words of default-bind */
    bool is_disabled;
    int64_t shards; /* 0: one */
    struct log_targets *logs;
    struct peers *live; /* set by ADOPT */
};

struct list *peers_list(const struct snapshot *snapshot); /* struct peers_conf */
struct peers_conf *peers_conf_find(const struct snapshot *snapshot, struct str name);
/* tune.peers.max-updates-at-once */
int64_t peers_updates_at_once(const struct snapshot *snapshot);
/* The local peer takes connections, and there is somebody to talk to. */
static inline bool
peers_conf_is_on(const struct peers_conf *conf)
{
    return !conf->is_disabled && conf->local != NULL;
}

/* --- live ----------------------------------------------------------------------------------- */

/* One table as it is shared with one peer. */
enum peer_scan { SCAN_NONE, SCAN_MISSED, SCAN_ALL };
struct peer_table {
    struct list link; /* in peer->tables */
    struct stick_table *table; /* holds */
    const struct stick_table_conf *conf; /* of the current snapshot */
    unsigned id;               /* by which we tell it */
    bool is_wanted;            /* of the configuration that is being published */

    /* What we tell. Numbers on the wire are this peer's own. */
    uint32_t told, acked; /* the last one told, and the last one that it has confirmed */
    bool is_marked;       /* the marks stand in their lists: changes behind them are to be told */
    struct stick_change marks[STICK_SHARDS];
    uint64_t told_change[STICK_SHARDS], acked_change[STICK_SHARDS]; /* numbers of changes */
    bool has_window; /* when `window` is confirmed, so are these: */
    uint32_t window;
    uint64_t window_change[STICK_SHARDS];
    enum peer_scan scan; /* all entries are looked at, in the order of the buckets */
    unsigned scan_shard;
    uint32_t scan_bucket;

    /* What it tells. */
    bool is_defined;
    struct peer_definition definition; /* its name is not kept */
    bool fits;
    uint32_t got; /* the last number */
    bool must_confirm;
};

struct peer_session;
struct peer { /* live */
    struct list link; /* in peers->peers */
    char *name;       /* owns */
    struct peers *peers;
    const struct peer_conf *conf; /* of the current snapshot; NULL: it goes */
    struct list tables;           /* struct peer_table */
    struct peer_session *session; /* the one that counts; NULL: none */
    struct timer reconnect;
    bool is_old; /* it refused 2.1: 2.0 is tried next */
    bool is_not_asked; /* it could only tell a part: others are asked first */
    const char *last_status; /* for people */
    int64_t last_handshake_ms; /* 0: never */
    uint64_t heartbeats_sent, heartbeats_got, silences, connects, protocol_errors, collisions;
};

enum resync {
    RESYNC_LOCAL,  /* the process before us tells what it knows */
    RESYNC_REMOTE, /* some peer is asked, or will be */
    RESYNC_DONE,
};

struct peers { /* live */
    struct list link;
    char *name; /* owns */
    struct peers_conf *conf; /* of the current snapshot; NULL: it goes */
    struct list peers; /* struct peer: the local one too */
    struct peer *local; /* NULL: none */
    struct list sessions; /* struct peer_session: all */
    enum resync resync;
    struct peer *teacher; /* has been asked; NULL: nobody */
    bool is_complete;     /* somebody who was complete has told us all; else time was over */
    struct timer resync_timer;
    bool is_stopping;   /* this process ends: the next one is told all */
    bool has_chore;     /* ... and waits for that */
    int64_t started_us; /* wall */
    unsigned next_table_id;
};

struct list *peers_living(void); /* struct peers */
const char *peers_local_name(void); /* of the current configuration */
/* A peer by what a hello says; NULL: none. */
struct peer *peers_find_peer(struct peers *peers, struct str name);
/* The shard of the section that a key belongs to, from 1. */
unsigned peers_shard_of(const struct peers *peers, const struct stick_entry *entry);
/* A session has begun (both have said hello), or is over: it reconnects, somebody else is asked. */
void peers_on_start(struct peer *peer);
void peers_on_end(struct peer *peer, bool is_refused, bool was_ready);
/* The peer has told all it knows. */
void peers_on_taught(struct peer *peer, bool is_complete);
/* The old process has told the new one all. */
void peers_on_told(struct peer *peer);
/* For peers_life.c. */
extern const struct listener_owner peers_listener_owner;
void peers_begin_resync(struct peers *peers, enum resync from);
void peers_end_chore(struct peers *peers);
void peers_on_resync_timer(struct timer *timer);
void peers_on_reconnect(struct timer *timer);
void peers_on_changes(void);
void peers_log(struct peers *peers, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- peer_session.c ------------------------------------------------------------------------------ */

enum peer_state { PEER_DIALS, PEER_AWAITS_STATUS, PEER_AWAITS_HELLO, PEER_READY, PEER_ENDS };
#define PEER_SESSION_MAGIC 0x50454552u
struct peer_session {
    unsigned magic;
    struct list link; /* in peers->sessions */
    struct peers *peers;
    struct peer *peer;         /* NULL: it has not said who it is */
    struct connection *conn;   /* owns */
    struct listener *listener; /* that it came through; NULL: dialled */
    enum peer_state state;
    bool is_of_neighbour; /* with the local peer: another process of this host */
    bool is_old;          /* it speaks 2.0: nothing timed */
    struct text in, out;
    size_t sent; /* of out */
    struct timer heartbeat, silence, go_on;
    struct stick_table *told_table; /* the definition or switch told last; borrows */
    struct peer_table *heard_table;
    bool must_teach; /* it has asked for all that we know */
    unsigned awaited_confirms;
    struct peer_names told_names, heard_names;
    struct peer_update update; /* being read or written: too large for the stack */
};

void peer_session_dial(struct peer *peer);
void peer_session_accept(struct peers *peers, struct listener *listener, struct connection *conn);
/* Closes it; the peer hears of it by peers_on_end(). NULL is fine. */
void peer_session_close(struct peer_session *session);
/* At the end of the process. */
void peer_session_free_ended(void);
/* There may be something to tell. */
void peer_session_push(struct peer_session *session);
/* Asks for all that the peer knows. */
void peer_session_ask(struct peer_session *session);

/* --- peer_tell.c ------------------------------------------------------------------------------------ */

/* The marks are set: from now on changes wait for this peer. What it has missed is looked for. */
void peer_table_begin(struct peer_table *shared);
void peer_table_end(struct peer_table *shared);
void peer_table_tell_all(struct peer_table *shared);
/* Adds a bounded number of messages to what is sent. True: there is more. */
bool peer_table_tell(struct peer_session *session, struct peer_table *shared, unsigned most);
void peer_table_on_ack(struct peer_table *shared, uint32_t number);

/* --- peer_hear.c ---------------------------------------------------------------------------------------- */

/* False: the message is malformed; *error says how. */
bool peer_hear(struct peer_session *session, const struct peer_frame *frame);
