/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to another thread: many senders, one receiver, no lock.
 *
 * For:     everything that a thread wants done where an object lives.
 * Owns:    nothing; a mail belongs to its sender until it has run.
 * Callers: everybody.
 * Thread:  any sends; the owner of the box runs.
 *
 * Senders push onto a stack with one compare-and-swap; the receiver takes the whole
 * stack with one exchange and turns it round. Only the sender that finds the box
 * empty wakes the receiver, and libev makes that a system call only if the receiver polls.
 */
#include "weir/loop/mailbox.h"

#include <ev.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/loop/profile.h"
#include "weir/loop/thread.h"
#include "private.h"

struct mailbox {
    struct mail *newest; /* atomic */
    struct loop *loop;   /* borrows: owns us */
    ev_async wake;
};

static void
on_wake(struct ev_loop *ev, ev_async *watcher, int events)
{
    (void)ev;
    (void)events;
    mailbox_drain(watcher->data);
}

struct mailbox *
mailbox_new(struct loop *loop)
{
    struct mailbox *box = alloc_aligned(64, sizeof(*box));

    box->loop = loop;
    ev_async_init(&box->wake, on_wake);
    box->wake.data = box;
    ev_async_start(loop->ev, &box->wake);
    return box;
}

void
mailbox_free(struct mailbox *box)
{
    ev_async_stop(box->loop->ev, &box->wake);
    alloc_free(box);
}

static struct mail *
take_all(struct mailbox *box)
{
    struct mail *mail = __atomic_exchange_n(&box->newest, NULL, __ATOMIC_ACQUIRE);
    struct mail *oldest = NULL;

    while (mail != NULL) {
        struct mail *next = mail->next;

        mail->next = oldest;
        oldest = mail;
        mail = next;
    }
    return oldest;
}

void
mailbox_drain(struct mailbox *box)
{
    struct mail *mail = take_all(box);

    while (mail != NULL) {
        struct mail *next = mail->next; /* running it may free it */

        mail->run(mail);
        mail = next;
    }
}

void
mailbox_send(struct thread *to, struct mail *mail, mail_fn *run)
{
    struct mailbox *box = to->loop->mailbox;
    struct mail *newest = __atomic_load_n(&box->newest, __ATOMIC_RELAXED);

    mail->run = run;
    do {
        mail->next = newest;
    } while (!__atomic_compare_exchange_n(&box->newest, &newest, mail, true, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
    /* `newest` is all that may be looked at now: the mail may have run already. */
    if (newest == NULL)
        ev_async_send(box->loop->ev, &box->wake);
}

/* --- calls ------------------------------------------------------------------ */

struct call {
    struct mail mail;
    void (*fn)(void *arg);
    void *arg;
};

static void
run_call(struct mail *mail)
{
    struct call *call = LIST_ITEM(mail, struct call, mail);
    int64_t began_ns = profile_begin();

    call->fn(call->arg);
    profile_end(call->fn, began_ns);
    alloc_free(call);
}

void
mailbox_call(struct thread *to, void (*fn)(void *arg), void *arg)
{
    struct call *call = alloc_zero(sizeof(*call));

    call->fn = fn;
    call->arg = arg;
    mailbox_send(to, &call->mail, run_call);
}

/* One call to all traffic threads: a mail for each, and the way back. */
struct round_call {
    uint32_t waiting; /* atomic: threads that have not run it yet */
    void (*fn)(void *arg);
    void (*done)(void *arg);
    void *arg;
    struct thread *caller;
    struct mail back;
    struct round_mail {
        struct mail mail;
        struct round_call *round;
    } mails[];
};

static void
end_round(struct mail *mail)
{
    struct round_call *round = LIST_ITEM(mail, struct round_call, back);

    if (round->done != NULL)
        round->done(round->arg);
    alloc_free(round);
}

static void
run_round(struct mail *mail)
{
    struct round_call *round = LIST_ITEM(mail, struct round_mail, mail)->round;
    int64_t began_ns = profile_begin();

    round->fn(round->arg);
    profile_end(round->fn, began_ns);
    if (__atomic_sub_fetch(&round->waiting, 1, __ATOMIC_ACQ_REL) == 0)
        mailbox_send(round->caller, &round->back, end_round);
}

void
mailbox_call_all(void (*fn)(void *arg), void (*done)(void *arg), void *arg)
{
    unsigned count = thread_traffic_count();
    struct round_call *round = alloc_zero(sizeof(*round) + count * sizeof(round->mails[0]));

    MUST(this_thread != NULL);
    round->waiting = count;
    round->fn = fn;
    round->done = done;
    round->arg = arg;
    round->caller = this_thread;
    for (unsigned i = 0; i < count; i++) {
        round->mails[i].round = round;
        mailbox_send(thread_at(i + 1), &round->mails[i].mail, run_round);
    }
    if (count == 0)
        mailbox_send(round->caller, &round->back, end_round);
}
