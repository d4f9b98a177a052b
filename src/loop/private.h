/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of room loop share.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/loop/timer.h"

/* --- timer_wheel.c: pure, knows no clock --------------------------------- */

#define WHEEL_BITS   6
#define WHEEL_SLOTS  (1 << WHEEL_BITS)
#define WHEEL_LEVELS 7 /* 2^42 ms: 139 years */

struct timer_wheel {
    int64_t now_ms;  /* all slots before this moment have been emptied */
    int64_t next_ms; /* no occupied slot begins earlier; TIMER_NEVER: all are empty */
    uint64_t occupied[WHEEL_LEVELS]; /* a bit per slot; may still be set when timers were stopped */
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];

    /* timer.c: the one libev timer that looks at the wheel. */
    int64_t armed_ms; /* for when; TIMER_NEVER: it is not armed */
    ev_timer alarm;
};

void timer_wheel_init(struct timer_wheel *wheel, int64_t now_ms);
/* Time has gone on, although nothing was due. */
void timer_wheel_advance(struct timer_wheel *wheel, int64_t now_ms);
/* Puts an unlinked timer where its deadline says. */
void timer_wheel_place(struct timer_wheel *wheel, struct timer *timer);
/* Moves what is due at now_ms to the list `due`. */
void timer_wheel_take_due(struct timer_wheel *wheel, int64_t now_ms, struct list *due);

/* --- timer.c ------------------------------------------------------------- */

void timers_start(struct loop *loop);
void timers_stop(struct loop *loop);

/* --- loop.c: called around the poll -------------------------------------- */

void loop_poll_begins(struct loop *loop);
void loop_poll_ended(struct loop *loop);

/* --- mailbox.c ----------------------------------------------------------- */

struct mailbox *mailbox_new(struct loop *loop);
void mailbox_free(struct mailbox *box);
/* Runs what is there. Owner. */
void mailbox_drain(struct mailbox *box);

/* --- grace.c ------------------------------------------------------------- */

/* Starts the helper thread that waits for grace periods: after any fork, with signals blocked. */
void grace_start_worker(void);
/* Runs all that waits for grace_free_later(). Control, when no traffic thread runs. */
void grace_finish(void);
/* This thread will wait for something else than its loop, and holds no pointer under RCU. */
void grace_offline(void);
void grace_online(void);
