/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has changed in the tables that peers share.
 *
 * For:     peers, who are told; tables without peers pay one comparison.
 * Owns:    nothing: an entry's place among the changes lies in front of it.
 * Callers: whoever changes an entry, under the lock of its shard.
 * Thread:  any; it listens on control.
 *
 * A change that was not told yet to anybody costs nothing more: only the first one after that moves
 * the entry to the end of the list. The control thread is woken once, and asks for more by itself.
 */
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/loop/timer.h"
#include "private.h"

#define PAUSE_MS 5 /* between two looks while changes keep coming */

static uint32_t is_woken; /* atomic: somebody will look */
static struct mail wake_mail;
static struct timer pause_timer;
static void (*on_changes)(void);

static void
look(struct mail *mail)
{
    (void)mail;
    if (on_changes == NULL)
        return;
    timer_set(loop_here(), &pause_timer, stick_now_ms() + PAUSE_MS);
    on_changes();
}

/* From now on the next change wakes us again; what came during the pause is looked for now. */
static void
on_pause_over(struct timer *timer)
{
    (void)timer;
    __atomic_store_n(&is_woken, 0, __ATOMIC_SEQ_CST);
    on_changes();
}

void
stick_change_listen(void (*fn)(void))
{
    on_changes = fn;
    if (pause_timer.fire == NULL)
        timer_init(&pause_timer, on_pause_over);
}

void
stick_change_add(struct stick_shard *shard, struct stick_entry *entry)
{
    struct stick_change *change = stick_change_of(entry);

    if (change->number > shard->told_number)
        return;
    list_remove(&change->link);
    list_add_last(&shard->changed, &change->link);
    change->number = shard->change_number + 1;
    __atomic_store_n(&shard->change_number, change->number, __ATOMIC_RELEASE);
    if (__atomic_load_n(&is_woken, __ATOMIC_RELAXED) == 0 &&
        __atomic_exchange_n(&is_woken, 1, __ATOMIC_SEQ_CST) == 0)
        mailbox_send(thread_at(0), &wake_mail, look);
}
