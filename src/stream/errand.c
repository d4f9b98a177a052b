/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that the control thread does for a stream that waits.
 *
 * For:     actions whose answer takes a look at live objects, which only control may take.
 * Owns:    errands, from errand_start() on.
 * Thread:  owner of the stream; `work` runs on control.
 */
#include "weir/stream/errand.h"

#include "weir/loop/thread.h"
#include "private.h"

/* Back home. */
static void
on_done(struct mail *mail)
{
    struct errand *errand = LIST_ITEM(mail, struct errand, mail);

    errand->is_done = true;
    if (errand->stream == NULL)
        errand->free(errand);
    else
        stream_wake(errand->stream);
}

static void
on_asked(struct mail *mail)
{
    struct errand *errand = LIST_ITEM(mail, struct errand, mail);

    bool is_slow = errand->is_slow; /* it may be over, and gone, by the time work() returns */

    errand->work(errand);
    if (!is_slow)
        errand_finish(errand);
}

void
errand_finish(struct errand *errand)
{
    mailbox_send(errand->home, &errand->mail, on_done);
}

void
errand_start(struct errand *errand, struct stream *s)
{
    errand_abandon(s);
    s->errand = errand;
    errand->stream = s;
    errand->home = this_thread;
    mailbox_send(thread_at(0), &errand->mail, on_asked);
}

struct errand *
errand_of(const struct stream *s)
{
    return s->errand;
}

void
errand_abandon(struct stream *s)
{
    struct errand *errand = s->errand;

    if (errand == NULL)
        return;
    s->errand = NULL;
    errand->stream = NULL;
    if (errand->is_done)
        errand->free(errand);
}
