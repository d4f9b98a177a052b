/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs inside of the proxy that answer a request, or talk with a TCP client, in the place of a server.
 *
 * A rule ends with applet_use(): from then on the stream has the applet at its other end, as it would have
 * a server's connection, so rules for responses, filters, deadlines of the client and log lines work as they
 * always do. The stream calls kind->run() whenever one of the things has come that the last call said it
 * waits for; run() reads what is there, sends what there is room for, and says what it waits for next. It
 * never blocks. Calls without need do no harm, and may come.
 *
 *     HTTP: applet_answer() gives the head to fill, applet_start() sends it, applet_send() the body.
 *     TCP:  applet_send() only.
 *
 * An applet that is done need not have read everything: the rest is read and thrown away. One that fails
 * before its answer has begun is answered for with status 500; afterwards the answer is cut off in a way that the
 * client sees.
 *
 * Thread: owner of the stream.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/buffer.h"
#include "weir/loop/loop.h"
#include "weir/mux/endpoint.h"
#include "weir/rules/action.h"

struct applet;
struct stream;

/* What run() waits for: one or several of the first three, or one of the others. */
enum applet_next {
    APPLET_WAITS = 0,           /* for applet_wake() or applet_wake_in() alone */
    APPLET_WANTS_DATA = 1 << 0, /* more to read, or the end of it */
    APPLET_WANTS_ROOM = 1 << 1, /* to send more */
    APPLET_DONE = 1 << 2,
    APPLET_FAILED = 1 << 3,
};

struct applet_kind {
    unsigned (*run)(struct applet *applet); /* set of enum applet_next */
    /* The stream is over, or needs it no more: frees what hangs on it. May be NULL. Never from inside of run(). */
    void (*end)(struct applet *applet);
};

#define APPLET_MAGIC 0x41504c54u
struct applet {
    unsigned magic;
    const struct applet_kind *kind;
    void *data; /* the kind's own */
    struct stream *stream;

    /* applet.c's */
    struct endpoint endpoint; /* the other end of the stream */
    struct chain input;       /* that it has not read yet */
    bool input_ended;
    bool is_open, is_started, is_running, is_over;
    bool has_length; /* the head says how long the body is: `left` bytes are to come */
    bool drops_body; /* nobody wants to see it: HEAD, 204, 304 */
    unsigned wants;  /* set of enum applet_next */
    uint64_t left;
    struct message *answer; /* owns, until it is started */
    struct deferred work;
    struct timer timer;
};

/* For actions of the request: an applet of this kind answers; `name` is shown in log lines ("<lua.hello>") and lives as
 * long as the snapshot. Returns what the action has to return; if that is not VERDICT_SERVICE, memory is out and `data`
 * is still the caller's. */
enum verdict applet_use(struct eval *eval, const struct applet_kind *kind, void *data, const char *name);

/* The one that answers; NULL: none does. */
struct applet *applet_of(const struct stream *s);

/* --- reading ------------------------------------------------------------------ */

/* What the client has sent (HTTP: of the body) and nobody has taken. Take bytes out of it, then call applet_consumed(). */
static inline struct chain *
applet_input(struct applet *applet)
{
    return &applet->input;
}
void applet_consumed(struct applet *applet);
/* Nothing will be added to the input. */
static inline bool
applet_input_ended(const struct applet *applet)
{
    return applet->input_ended;
}

/* --- answering ---------------------------------------------------------------- */

/* HTTP: the head of the answer, to be filled with fields until it is started; another call sets the status anew. reason.ptr
 * NULL: the usual one. NULL: out of memory, or it was started. */
struct message *applet_answer(struct applet *applet, int status, struct str reason);
/* The head as it is so far; status 200 if nobody has said another. NULL: out of memory, or it was started. */
struct message *applet_draft(struct applet *applet);
/* Sends the head; without a field content-length the body is as long as it becomes. False: there is no head, or it was started. */
bool applet_start(struct applet *applet);
static inline bool
applet_is_started(const struct applet *applet)
{
    return applet->is_started;
}
/* How many bytes may be sent now. */
size_t applet_room(const struct applet *applet);
/* Copies up to that many; returns how many, what is beyond the stated length counted as sent. 0 is also said when memory is out. */
size_t applet_send(struct applet *applet, struct str bytes);

/* --- waiting ------------------------------------------------------------------ */

/* Runs it again in this turn of the loop, or the next. */
void applet_wake(struct applet *applet);
/* Runs it then at the latest; 0 or less: no more so. */
void applet_wake_in(struct applet *applet, int64_t ms);
