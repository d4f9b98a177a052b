/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting lines of servers and backends.
 *
 * For:     streams that find all connection slots taken.
 * Owns:    grants on their way from the thread that found a slot to the stream's thread.
 * Callers: stream enters and leaves; whoever gives a slot back serves the line.
 * Thread:  any; entries under queue->lock.
 *
 * A slot is granted like this: it is taken on the server, the first entry is removed from its line
 * under the lock, and a grant is mailed to the stream's thread. The grant is an object of its own,
 * because the stream may end before the mail arrives: then it gives the slot back, and the mail
 * finds nobody.
 *
 * No wake-up is lost: whoever has entered a line looks once more for free slots (queue->serve), and
 * whoever gives a slot back looks at the lines after he has given it; one of the two sees the
 * other.
 */
#include "weir/server/queue.h"

#include "weir/base/crash.h"
#include "weir/base/pool.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/server/server.h"
#include "private.h"

struct queue_grant {
    struct mail mail;
    struct queue_entry *entry; /* NULL: the stream is gone. Of the stream's thread */
    struct server *server;
};

static struct pool grant_pool = POOL("queue grant", sizeof(struct queue_grant));

void
queue_init(struct queue *queue, void (*serve)(struct queue *queue))
{
    queue->serve = serve;
    queue->lock = (struct lock)LOCK_INIT(LOCK_SERVER);
    list_init(&queue->entries);
    queue->length = queue->length_max = 0;
}

static uint32_t
length_of(const struct queue *queue)
{
    return __atomic_load_n(&queue->length, __ATOMIC_SEQ_CST);
}

static bool
is_before(const struct queue_entry *a, const struct queue_entry *b)
{
    if (a->priority_class != b->priority_class)
        return a->priority_class < b->priority_class;
    return a->due_ms < b->due_ms;
}

/* Behind all that are not later. Most belong to the end; with classes the place is looked for from
 * both ends at once. Under the lock. */
static void
insert(struct queue *queue, struct queue_entry *entry)
{
    struct list *front = queue->entries.next, *back = queue->entries.prev;

    while (back != &queue->entries &&
           is_before(entry, LIST_ITEM(back, struct queue_entry, link))) {
        if (is_before(entry, LIST_ITEM(front, struct queue_entry, link))) {
            back = front->prev;
            break;
        }
        front = front->next;
        back = back->prev;
    }
    list_insert_between(back, &entry->link, back->next);
}

bool
queue_enter(struct queue *queue, struct queue_entry *entry, uint32_t max)
{
    bool is_full;

    lock_take(&queue->lock);
    is_full = max != 0 && queue->length >= max;
    if (!is_full) {
        entry->queue = queue;
        entry->thread = this_thread;
        entry->grant = NULL;
        entry->granted = NULL;
        entry->position = queue->length;
        entry->state = QUEUE_WAITING;
        entry->due_ms = this_thread->loop->now_ms + entry->offset_ms;
        insert(queue, entry);
        __atomic_store_n(&queue->length, queue->length + 1, __ATOMIC_SEQ_CST);
        if (queue->length > queue->length_max)
            queue->length_max = queue->length;
    }
    lock_give(&queue->lock);
    if (!is_full)
        queue->serve(queue);
    return !is_full;
}

/* On the stream's thread. */
static void
on_mail(struct mail *mail)
{
    struct queue_grant *grant = (struct queue_grant *)mail;
    struct queue_entry *entry = grant->entry;

    pool_give(&grant_pool, grant);
    if (entry == NULL)
        return;
    entry->grant = NULL;
    entry->queue = NULL;
    entry->on_granted(entry);
}

/* Moves `entry` from the line to `grant`. Under the lock. */
static void
hand_over(struct queue *queue, struct queue_entry *entry, struct server *srv,
          struct queue_grant *grant)
{
    list_remove(&entry->link);
    __atomic_store_n(&queue->length, queue->length - 1, __ATOMIC_SEQ_CST);
    grant->entry = entry;
    grant->server = srv;
    entry->granted = srv;
    entry->grant = grant;
    entry->state = QUEUE_GRANTED;
}

/* Moves the first entry to `grant`. False: the line is empty. */
static bool
pop(struct queue *queue, struct server *srv, struct queue_grant *grant, struct thread **to)
{
    struct queue_entry *entry = NULL;

    if (length_of(queue) == 0)
        return false;
    lock_take(&queue->lock);
    if (!list_is_empty(&queue->entries)) {
        entry = LIST_FIRST(&queue->entries, struct queue_entry, link);
        hand_over(queue, entry, srv, grant);
        *to = entry->thread;
    }
    lock_give(&queue->lock);
    return entry != NULL;
}

void
queue_leave(struct queue_entry *entry)
{
    struct queue *queue = entry->queue;
    struct server *granted = NULL;

    if (queue == NULL)
        return;
    lock_take(&queue->lock);
    if (entry->state == QUEUE_WAITING) {
        list_remove(&entry->link);
        __atomic_store_n(&queue->length, queue->length - 1, __ATOMIC_SEQ_CST);
    } else if (entry->grant != NULL) {
        entry->grant->entry = NULL;
        granted = entry->granted;
    }
    entry->state = QUEUE_OUT;
    entry->queue = NULL;
    entry->grant = NULL;
    lock_give(&queue->lock);
    if (granted != NULL) {
        entry->granted = NULL;
        server_slot_give(granted);
    }
}

static struct queue_entry *
first_movable(struct queue *queue)
{
    LIST_FOR_EACH (entry, &queue->entries, struct queue_entry, link) {
        if (entry->may_move)
            return entry;
    }
    return NULL;
}

/* False: nobody may go, or no memory. */
static bool
release_one(struct queue *queue)
{
    struct queue_grant *grant = pool_take(&grant_pool);
    struct queue_entry *entry;
    struct thread *to = NULL;

    if (grant == NULL)
        return false;
    lock_take(&queue->lock);
    entry = first_movable(queue);
    if (entry != NULL) {
        hand_over(queue, entry, NULL, grant);
        to = entry->thread;
    }
    lock_give(&queue->lock);
    if (to != NULL)
        mailbox_send(to, &grant->mail, on_mail);
    else
        pool_give(&grant_pool, grant);
    return to != NULL;
}

unsigned
queue_release(struct queue *queue)
{
    unsigned count = 0;

    if (length_of(queue) == 0)
        return 0;
    while (release_one(queue))
        count++;
    return count;
}

/* May those who wait for any server have this one? Not a backup whose turn has not come. */
static bool
serves_any(const struct server *srv)
{
    const struct server_conf *conf = __atomic_load_n(&srv->conf, __ATOMIC_CONSUME);

    return server_is_usable(srv) && conf != NULL &&
           (!conf->backup || server_set_read(srv->backend)->uses_backups);
}

/* What decides about the first one of a line. False: the line is empty. */
static bool
peek(struct queue *queue, struct queue_entry *out)
{
    bool is_there;

    if (length_of(queue) == 0)
        return false;
    lock_take(&queue->lock);
    is_there = !list_is_empty(&queue->entries);
    if (is_there) {
        const struct queue_entry *first = LIST_FIRST(&queue->entries, struct queue_entry, link);

        out->priority_class = first->priority_class;
        out->due_ms = first->due_ms;
    }
    lock_give(&queue->lock);
    return is_there;
}

/* Is the first one of the backend's line before the first one of the server's? */
static bool
backend_comes_first(struct queue *own, struct queue *any)
{
    struct queue_entry first_own, first_any;

    return peek(any, &first_any) && (!peek(own, &first_own) || is_before(&first_any, &first_own));
}

/* Who waits for this server: with the same right, those who want no other first. */
static bool
pop_for(struct server *srv, struct queue_grant *grant, struct thread **to)
{
    struct queue *own = &srv->queue, *any = &srv->backend->back->queue;

    if (!serves_any(srv))
        return pop(own, srv, grant, to);
    if (backend_comes_first(own, any))
        return pop(any, srv, grant, to) || pop(own, srv, grant, to);
    return pop(own, srv, grant, to) || pop(any, srv, grant, to);
}

static bool
has_waiting(const struct server *srv)
{
    return length_of(&srv->queue) > 0 ||
           (length_of(&srv->backend->back->queue) > 0 && serves_any(srv));
}

void
queue_serve(struct server *srv)
{
    while (has_waiting(srv)) {
        const struct proxy_conf *conf = __atomic_load_n(&srv->backend->conf, __ATOMIC_CONSUME);
        struct queue_grant *grant;
        struct thread *to;

        if (!server_slot_take(srv, conf))
            return;
        grant = pool_take(&grant_pool);
        if (grant != NULL && pop_for(srv, grant, &to)) {
            mailbox_send(to, &grant->mail, on_mail);
            continue;
        }
        __atomic_sub_fetch(&srv->current, 1, __ATOMIC_SEQ_CST);
        if (grant == NULL)
            return; /* no memory: whoever gives the next slot back tries again */
        pool_give(&grant_pool, grant);
    }
}
