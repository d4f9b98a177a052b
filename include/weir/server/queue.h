/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting lines of servers and backends: streams of all threads, by class, then first come first served.
 *
 * Lock: queue->lock (LOCK_SERVER), the named exception to "traffic takes no lock": taken only by streams that must wait and when a slot
 *       is given back while somebody waits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"
#include "weir/loop/lock.h"
#include "weir/loop/mailbox.h"

struct server;
struct thread;

struct queue {
    struct lock lock;
    struct list entries;
    uint32_t length;     /* atomic */
    uint32_t length_max;
    void (*serve)(struct queue *queue); /* grants what is free to those who wait */
};

struct queue_grant;

/* Embedded in a stream. */
struct queue_entry {
    struct list link;
    struct queue *queue;      /* NULL: not waiting */
    struct thread *thread;    /* of the stream */
    struct queue_grant *grant; /* on its way to the stream's thread; NULL: none */
    struct server *granted;   /* whose slot it was given (already counted in server->current) */
    uint32_t state;           /* enum queue_entry_state */
    uint32_t position;        /* when it came, for logs: how many were before it */
    int16_t priority_class;   /* lower ones first; set before queue_enter() */
    int32_t offset_ms;        /* added to the time when it came; set before queue_enter() */
    int64_t due_ms;           /* within its class: lower ones first */
    bool may_move;            /* queue_release() lets it go; set before queue_enter() */
    /* Runs on the stream's thread when a slot was granted, or, with granted NULL, when it was let go. */
    void (*on_granted)(struct queue_entry *entry);
};
enum queue_entry_state { QUEUE_OUT, QUEUE_WAITING, QUEUE_GRANTED };

/* `serve`: how to look for free slots: of one server, or of all servers of a backend. */
void queue_init(struct queue *queue, void (*serve)(struct queue *queue));
/* Waits in the line. Owner. False: the line has `max` entries already (max 0: no limit). */
bool queue_enter(struct queue *queue, struct queue_entry *entry, uint32_t max);
/* Leaves the line (timeout, abort). A slot that was granted meanwhile is given back. Owner. */
void queue_leave(struct queue_entry *entry);
/* Lets those go that may: they choose again. How many. Any thread. */
unsigned queue_release(struct queue *queue);
/* Slots may have come free on `srv` (a slot was given back, maxconn raised, server came up): grants what is possible to its own line first,
 * then its backend's. Any thread. */
void queue_serve(struct server *srv);
