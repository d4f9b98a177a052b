/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange: a request from its first byte to its log line, or one relayed TCP session.
 *
 * A stream joins two endpoints. It is a table of steps (steps.c): each step does its work and says
 * go on, wait, or end; an event runs the stream from the step where it waits.
 *
 * Holds: its snapshot (and through it every conf and live server it names).
 * Thread: owner.
 */
#pragma once

#include <stdint.h>

#include "weir/balance/persistence.h"
#include "weir/expr/eval.h"
#include "weir/expr/variable.h"
#include "weir/http/message.h"
#include "weir/loop/timer.h"
#include "weir/mux/endpoint.h"
#include "weir/proxy/proxy.h"
#include "weir/rules/ruleset.h"
#include "weir/server/queue.h"
#include "weir/server/server.h"
#include "weir/stream/session.h"

/* First letter of the termination state: who ended it. */
enum end_cause { /* as printed */
                 END_NORMAL = '-',
                 END_CLIENT_ABORT = 'C',
                 END_SERVER_ABORT = 'S',
                 END_DENIED = 'P',
                 END_LOCAL = 'L',
                 END_RESOURCE = 'R',
                 END_INTERNAL = 'I',
                 END_DOWN = 'D',
                 END_ACTIVE = 'U',
                 END_KILLED = 'K',
                 END_CLIENT_TIMEOUT = 'c',
                 END_SERVER_TIMEOUT = 's',
};
/* Second letter: when. */
enum end_phase {
    PHASE_NONE = '-',
    PHASE_REQUEST = 'R',
    PHASE_QUEUE = 'Q',
    PHASE_CONNECT = 'C',
    PHASE_HEADERS = 'H',
    PHASE_DATA = 'D',
    PHASE_LAST = 'L',
    PHASE_TARPIT = 'T',
};

/* Times of a stream in microseconds of the monotonic clock; 0: did not happen. */
struct stream_times {
    int64_t accepted;      /* or the end of the exchange before, on the same connection */
    int64_t ready;         /* handshakes are done */
    int64_t request_began; /* first byte */
    int64_t request_done;  /* end of its head */
    int64_t queued;        /* first asked for a server */
    int64_t picked;        /* got it */
    int64_t connected;
    int64_t response_head;
    int64_t ended;
    int64_t accepted_wall; /* since 1970 */
    int64_t request_wall;
};

enum stream_flag {
    STREAM_HTTP = 1 << 0,
    STREAM_SINGLE_USE = 1 << 1, /* its server connection serves nobody after it */
    STREAM_HAS_SLOT = 1 << 2,   /* of eval.server */
    STREAM_IN_BACKEND = 1 << 3, /* counted in the backend */
    STREAM_LOGGED = 1 << 4,     /* its line is written (logasap) */
    STREAM_REUSED = 1 << 5,     /* the server connection has served before */
    STREAM_NO_REUSE = 1 << 6,   /* must be sent over a fresh connection */
    STREAM_KEEP_BODY = 1 << 7,  /* body bytes are kept in `replay` */
    STREAM_BODY_LOST = 1 << 8,  /* too long to be kept: it cannot be sent again */
    STREAM_HEAD_SENT = 1 << 9,  /* to the server of this attempt */
    STREAM_ANSWERED = 1 << 10,  /* a response head went to the client */
    STREAM_SKIP_BACKEND_RULES = 1 << 11,
    STREAM_TUNNEL = 1 << 12,
    STREAM_LOCAL_REPLY = 1 << 13, /* the answer is ours */
    STREAM_TIMED_OUT = 1 << 14,   /* the step's deadline has passed (rules: no more waiting) */
    STREAM_KILLED = 1 << 15,
    STREAM_REDISPATCHED = 1 << 16, /* another server than the first: "+" in logs */
    STREAM_IS_BOUND = 1 << 17,     /* its server was given by persistence or a rule, not balanced */
    STREAM_MUST_CLOSE = 1 << 18,   /* the client connection ends with this exchange */
    STREAM_NO_L7_RETRY = 1 << 19,  /* disable-l7-retry */
    STREAM_NO_LOG = 1 << 20,
    STREAM_RESET_CLIENT = 1 << 21, /* close its connection with a reset */
    STREAM_PRIVATE = 1 << 22,      /* its server connection must not be shared */
    STREAM_FLUSH_FRONT = 1 << 23,  /* a head is queued and not yet written */
    STREAM_RETRIES_SET = 1 << 24,  /* retries_left was set by a rule of the frontend */
    STREAM_FRONT_AWAITED =
        1 << 25, /* deadline.c: at the last look, the client had to do something */
    STREAM_BACK_AWAITED = 1 << 26,
    STREAM_REPLAY = 1 << 27, /* what is in `replay` goes to the server first */

    STREAM_GRANTED = 1 << 28, /* the slot that it queued for is its own */
    STREAM_FLUSH_BACK = 1 << 29,
    STREAM_HAD_BACKEND = 1 << 30, /* one was chosen: its counters count */
};

/* Both ends of a server connection that is gone. */
struct server_addrs {
    struct addr source, server;
};

struct dial_marks;
struct captures;

#define STREAM_MAGIC 0x5354524du
struct log_profile;
/* What a room to the right keeps with a stream. */
struct stream_guest {
    /* The stream ends, its log line is written; owner. Frees the guest. */
    void (*leave)(struct stream_guest *guest, struct stream *s);
};

struct stream {
    unsigned magic;
    uint32_t flags;               /* enum stream_flag */
    uint8_t step;                 /* where it stands: enum step_id of the room */
    uint8_t end_cause, end_phase; /* as printed */
    uint8_t first_failure;        /* enum end_cause of the first failed attempt; 0: none */
    uint16_t status;              /* sent to the client; 0: none, -1 in logs */
    uint16_t server_status;       /* as the server said it; 0: nothing */
    uint16_t retries_left, retries_done;
    int8_t log_level;   /* enum log_level; -1: as usual */
    uint8_t log_origin; /* enum log_origin of the room: why a line is written now */
    uint8_t rule_stage; /* http-response: 0 backend, 1 frontend */
    uint32_t id;        /* %rt */

    struct list link; /* in the thread's list of streams */
    struct session *session;
    struct snapshot *snapshot; /* holds */
    struct endpoint *front;    /* NULL once given back */
    struct endpoint *back;
    struct message *request;          /* owns */
    struct message *response;         /* owns */
    const struct limit_notice *limit; /* in the arena: what rate-limit tells the client; NULL: nothing */
    struct message *hint;             /* owns: 103 that rules have filled; NULL: none */
    struct snapshot *server_snapshot; /* holds; NULL unless its server came with a later one */
    struct server *avoid;             /* borrows: has just failed */

    /* Rules */
    struct eval eval; /* what rules see; frontend, backend, server are kept here */
    struct arena arena;
    struct variables variables;
    struct variable_set txn, req, res;
    struct rule_cursor cursor;         /* where a rule set waits */
    const struct log_profile *log_profile; /* of do-log; NULL: as the targets say */
    struct server_addrs *server_addrs; /* for log formats; in the arena; NULL: not kept */
    const struct rule *last_rule;      /* that ended the evaluation of a set; NULL: none has */
    const struct rule *waiting_rule;   /* that must wait; NULL: none does */
    const struct proxy_conf *upgraded_to; /* chosen while it was TCP; NULL: not yet */
    struct dial_marks *server_marks;   /* set-bc-tos, set-bc-mark; in the arena; NULL: none */
    struct captures *captures;         /* in the arena; NULL: nothing was captured */
    struct str unique_id;              /* %ID; ptr NULL: not made */
    struct str asked_method, asked_target; /* as received, whatever rules made of it */

    /* Waiting: deadline.c */
    struct timer timer;
    const struct proxy_timeouts *front_timeouts,
        *back_timeouts;                      /* of the proxies, or changed by rules (arena) */
    int64_t step_expires_ms;                 /* of the step; TIMER_NEVER */
    int64_t rule_expires_ms;                 /* of the action that waits; 0: none */
    int64_t front_active_ms, back_active_ms; /* when bytes moved last */
    int64_t touched_ms;                      /* the last event of a calm relay: deadline.c */
    unsigned calm_front, calm_back;          /* flags of its ends */
    bool is_calm;
    bool may_splice;                  /* option splice-...: splicing.c */
    bool is_open;                     /* calm, and nothing has ended on either side */
    uint64_t front_moved, back_moved; /* bytes by then */
    struct queue_entry queue_entry;
    struct persistence persistence; /* its cookie */

    struct errand *errand;     /* owns: errand.c; NULL: none */
    const char *service;       /* who of weir answers, as logs name it: "<STATS>"; NULL: nobody */
    struct splicing *splicing; /* owns; NULL: nothing is spliced */
    struct stream_filters *filters; /* in the arena: filter.c; NULL: none */
    struct chain replay;       /* request body sent so far, while it may have to be sent again */
    struct proxy_row *front_row, *back_row; /* of this thread; back_row NULL: no backend yet */
    struct server_row *server_row;          /* NULL: no server yet */
    struct stream_times times;
    uint64_t bytes_in, bytes_out;               /* from the client, to the client */
    uint64_t server_bytes_in, server_bytes_out; /* from servers, to servers; ended attempts */
    uint32_t queue_server_position, queue_backend_position;
    struct stick_tracks *tracks;    /* owns: of this request alone; NULL: none yet */
    struct stream_guest *guest;     /* owns: scripts'; NULL: none */
    uint32_t calls;                 /* how often it was run; meter.c */
    uint64_t cpu_ns, late_ns;       /* meter.c, while profiling is on */
};

/* --- what other rooms may ask; owner ------------------------------------- */

/* Something that a rule waited for has come: run again. */
void stream_wake(struct stream *s);
/* Ends it at once. `cause` as printed: 'K' killed, 'D' server down ... */
void stream_kill(struct stream *s, enum end_cause cause);
/* Calls it for each stream of this thread, which may end meanwhile. */
void stream_for_each(void (*fn)(struct stream *s, void *arg), void *arg);
