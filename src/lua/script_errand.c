/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work for a state on another thread.
 *
 * For:     event.c, class_queue.c, script_task.c.
 * Thread:  who sends it holds the snapshot, runs on, and drops the snapshot when the errand has come back: holds are
 *          counted by thread.
 */
#include "weir/base/alloc.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "private.h"

struct errand {
    struct mail mail;
    struct script_state *state; /* its snapshot is held */
    struct thread *home;
    script_errand_fn *fn;
    void *arg;
};

static void
come_back(struct mail *mail)
{
    struct errand *errand = LIST_ITEM(mail, struct errand, mail);

    snapshot_drop(errand->state->set->snapshot);
    alloc_free(errand);
}

static void
run_there(struct mail *mail)
{
    struct errand *errand = LIST_ITEM(mail, struct errand, mail);

    errand->fn(errand->state, errand->arg);
    if (errand->home == this_thread)
        come_back(mail);
    else
        mailbox_send(errand->home, mail, come_back);
}

void
script_send(struct script_state *state, struct thread *to, script_errand_fn *fn, void *arg)
{
    struct errand *errand = alloc_zero(sizeof(*errand));

    *errand = (struct errand){ .state = state, .home = this_thread, .fn = fn, .arg = arg };
    snapshot_hold(state->set->snapshot);
    mailbox_send(to, &errand->mail, run_there);
}
