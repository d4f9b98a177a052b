/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RCU: when is it safe to free what others may still look at?
 *
 * For:     snapshots, lists of servers, certificates: everything that is published.
 * Owns:    what was given to grace_free_later(), until it is freed.
 * Callers: everybody; no other file names liburcu.
 * Thread:  any that is registered.
 *
 * liburcu's QSBR flavour: a thread that polls is offline and never delays anybody; one
 * that works holds whatever it reads until it polls again. What is to be freed
 * waits in liburcu's helper thread and is then mailed to the control thread, so that
 * free functions run where the single pen is.
 */
#include "weir/loop/grace.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <urcu-qsbr.h>

#include "weir/base/alloc.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "private.h"

/* ThreadSanitizer does not see the order that liburcu makes; tell it. */
#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *address);
void __tsan_release(void *address);
static char all_readers;
#define HAPPENS_BEFORE(address) __tsan_release(address)
#define HAPPENS_AFTER(address)  __tsan_acquire(address)
#define READERS_LEAVE()         __tsan_release(&all_readers)
#define READERS_HAVE_LEFT()     __tsan_acquire(&all_readers)
#else
#define HAPPENS_BEFORE(address) ((void)(address))
#define HAPPENS_AFTER(address)  ((void)(address))
#define READERS_LEAVE()         ((void)0)
#define READERS_HAVE_LEFT()     ((void)0)
#endif

struct waiting_object {
    struct rcu_head head;
    struct mail mail;
    void *object;
    void (*free_fn)(void *object);
};

/* Set once, before traffic threads exist: until then nobody else can see anything. */
static bool has_worker;

static void
on_poll_begins(struct ev_loop *ev)
{
    loop_poll_begins(ev_userdata(ev));
    READERS_LEAVE();
    rcu_thread_offline();
}

static void
on_poll_ended(struct ev_loop *ev)
{
    rcu_thread_online();
    loop_poll_ended(ev_userdata(ev));
}

void
grace_thread_start(struct loop *loop)
{
    rcu_register_thread();
    ev_set_loop_release_cb(loop->ev, on_poll_begins, on_poll_ended);
}

void
grace_thread_stop(void)
{
    READERS_LEAVE();
    rcu_unregister_thread();
}

void
grace_offline(void)
{
    READERS_LEAVE();
    rcu_thread_offline();
}

void
grace_online(void)
{
    rcu_thread_online();
}

void
grace_start_worker(void)
{
    if (has_worker)
        return;
    (void)get_default_call_rcu_data(); /* makes it */
    has_worker = true;
}

static void
free_object(struct mail *mail)
{
    struct waiting_object *waiting = LIST_ITEM(mail, struct waiting_object, mail);

    waiting->free_fn(waiting->object);
    alloc_free(waiting);
}

static void
on_grace_over(struct rcu_head *head)
{
    struct waiting_object *waiting = LIST_ITEM(head, struct waiting_object, head);

    HAPPENS_AFTER(waiting);
    READERS_HAVE_LEFT();
    mailbox_send(thread_at(0), &waiting->mail, free_object);
}

void
grace_free_later(void *object, void (*free_fn)(void *object))
{
    struct waiting_object *waiting = alloc_zero(sizeof(*waiting));

    waiting->object = object;
    waiting->free_fn = free_fn;
    HAPPENS_BEFORE(waiting);
    if (has_worker)
        call_rcu(&waiting->head, on_grace_over);
    else
        mailbox_send(thread_at(0), &waiting->mail, free_object);
}

void
grace_wait(void)
{
    synchronize_rcu();
    READERS_HAVE_LEFT();
}

void
grace_finish(void)
{
    struct mailbox *box = thread_at(0)->loop->mailbox;

    /* Freeing one thing may give up another; three rounds end every chain that we know of. */
    for (int round = 0; round < 3; round++) {
        if (has_worker)
            rcu_barrier();
        mailbox_drain(box);
    }
}

#if defined(__SANITIZE_THREAD__)
const char *__tsan_default_suppressions(void);

const char *
__tsan_default_suppressions(void)
{
    return "called_from_lib:liburcu-qsbr.so\n";
}
#endif
