/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work for a rule that the control thread does while the stream waits: pages about live objects.
 *
 *     struct page { struct errand errand; ... };     the errand is the first member
 *     run():  errand_start(&page->errand, eval->stream);  return VERDICT_WAIT;
 *             the next time: errand_of(eval->stream)->is_done
 *
 * An errand belongs to its stream from the start on, and goes with it; if the stream ends while the
 * control thread is at work, once that is done.
 */
#pragma once

#include <stdbool.h>

#include "weir/loop/mailbox.h"

struct stream;

struct errand {
    void (*work)(struct errand *errand); /* on the control thread */
    void (*free)(struct errand *errand); /* on the stream's thread */
    bool is_slow; /* `work` only begins it: errand_finish() follows, on the control thread */
    bool is_done;
    /* errand.c's: */
    struct mail mail;
    struct thread *home;
    struct stream *stream; /* NULL: it has ended */
};

/* One at a time for each stream. `work` and `free` must be set. Owner of the stream. */
void errand_start(struct errand *errand, struct stream *s);
/* Of slow ones: the stream goes on. Control. */
void errand_finish(struct errand *errand);
/* The one that was started; NULL: none. Owner. */
struct errand *errand_of(const struct stream *s);
/* The stream ends. Owner. */
void errand_abandon(struct stream *s);
