/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange: a request from its first byte to its log line, or one relayed TCP session.
 *
 * A stream joins two endpoints. It is a table of steps (steps.c): each step does its work and says go on, wait, or
 * end; an event runs the stream from the step where it waits.
 *
 * Holds: its snapshot (and through it every conf and live server it names).
 * Thread: owner.
 */
#pragma once

#include <stdint.h>

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

struct step;

/* First letter of the termination state: who ended it. */
enum end_cause { /* as printed */
    END_NORMAL = '-', END_CLIENT_ABORT = 'C', END_SERVER_ABORT = 'S', END_DENIED = 'P', END_LOCAL = 'L', END_RESOURCE = 'R', END_INTERNAL = 'I',
    END_DOWN = 'D', END_ACTIVE = 'U', END_KILLED = 'K', END_CLIENT_TIMEOUT = 'c', END_SERVER_TIMEOUT = 's',
};
/* Second letter: when. */
enum end_phase {
    PHASE_NONE = '-', PHASE_REQUEST = 'R', PHASE_QUEUE = 'Q', PHASE_CONNECT = 'C', PHASE_HEADERS = 'H', PHASE_DATA = 'D', PHASE_LAST = 'L',
    PHASE_TARPIT = 'T',
};

/* Times of a stream in microseconds of the monotonic clock; 0: did not happen. */
struct stream_times {
    int64_t accepted, handshaken, request_began, request_done, queued, picked, connected, response_head, ended;
    int64_t accepted_wall, request_wall;
};

#define STREAM_MAGIC 0x5354524du
struct stream {
    unsigned magic;
    const struct step *step;          /* where it stands */
    struct list link;                 /* in session's or thread's list of streams */
    struct session *session;
    struct snapshot *snapshot;        /* holds */
    struct endpoint *front;           /* NULL once given back */
    struct endpoint *back;
    struct message *request;          /* owns */
    struct message *response;         /* owns */
    struct eval eval;                 /* what rules see; frontend, backend, server are kept here */
    struct arena arena;
    struct variables variables;
    struct variable_set txn, req, res;
    struct rule_cursor cursor;        /* where a rule set waits */
    struct timer timer;
    struct queue_entry queue_entry;
    struct chain replay;              /* request body sent so far, while it may have to be sent again */
    struct stream_times times;
    uint64_t bytes_in, bytes_out;     /* for the log: from client, from server */
    uint32_t flags;
    uint16_t status;                  /* sent to the client; 0: none, -1 in logs */
    uint8_t end_cause, end_phase;     /* as printed */
    uint8_t retries_left, retries_done;
    uint8_t is_redispatched;
    uint8_t log_level;
    uint32_t queue_server_position, queue_backend_position;
    uint32_t id;
};
