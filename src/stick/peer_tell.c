/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer is told of a table: what changes, what it has missed, or all of it.
 *
 * For:     peer_session.c.
 * Owns:    the peer's marks in the lists of changes.
 * Thread:  control; entries are held and copied under the lock of their shard, one by one.
 *
 * Changes behind the peer's mark are still to be told. Who comes back after a while gets those whose
 * number is above the last one that it has confirmed: for that all buckets are looked at, as for a peer
 * that wants to hear all. Numbers on the wire count what this peer was told, nothing else.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "peers.h"

#define HELD_AT_ONCE    32  /* entries under one lock */
#define BUCKETS_AT_ONCE 256 /* the same, where most are empty */

/* Entries that are told next; the control thread has only one such list. */
static struct {
    struct stick_entry **items;
    unsigned count, cap;
} held;

/* Under the lock of its shard. */
static void
hold(struct stick_entry *entry)
{
    if (held.count == held.cap) {
        held.cap = held.cap == 0 ? 2 * HELD_AT_ONCE : held.cap * 2;
        held.items = alloc_resize(held.items, held.cap * sizeof(*held.items));
    }
    entry->holders++;
    held.items[held.count++] = entry;
}

/* --- marks ------------------------------------------------------------------------------------- */

void
peer_table_begin(struct peer_table *shared)
{
    peer_table_end(shared);
    shared->scan = SCAN_NONE;
    for (unsigned i = 0; i < STICK_SHARDS; i++) {
        struct stick_shard *shard = &shared->table->shards[i];

        lock_take(&shard->lock);
        list_add_last(&shard->changed, &shared->marks[i].link);
        shared->marks[i].number = STICK_CHANGE_MARK;
        shared->told_change[i] = shard->told_number = shard->change_number;
        lock_give(&shard->lock);
        if (shared->told_change[i] > shared->acked_change[i])
            shared->scan = SCAN_MISSED;
    }
    shared->is_marked = true;
    shared->has_window = false;
    shared->scan_shard = shared->scan_bucket = 0;
}

void
peer_table_end(struct peer_table *shared)
{
    for (unsigned i = 0; shared->is_marked && i < STICK_SHARDS; i++) {
        struct stick_shard *shard = &shared->table->shards[i];

        lock_take(&shard->lock);
        list_remove(&shared->marks[i].link);
        lock_give(&shard->lock);
    }
    shared->is_marked = false;
}

void
peer_table_tell_all(struct peer_table *shared)
{
    shared->scan = SCAN_ALL;
    shared->scan_shard = shared->scan_bucket = 0;
}

/* --- finding -------------------------------------------------------------------------------------- */

/* A few entries behind the mark, which moves on. */
static void
find_changed(struct peer_table *shared, unsigned index)
{
    struct stick_shard *shard = &shared->table->shards[index];
    struct list *mark = &shared->marks[index].link, *at;

    lock_take(&shard->lock);
    for (at = mark->next; at != &shard->changed && held.count < HELD_AT_ONCE; at = at->next) {
        struct stick_change *change = LIST_ITEM(at, struct stick_change, link);

        if (change->number == STICK_CHANGE_MARK)
            continue;
        shared->told_change[index] = change->number;
        hold(stick_entry_of_change(change));
    }
    list_remove(mark);
    list_add_last(at, mark); /* in front of it */
    if (at == &shard->changed)
        shared->told_change[index] = shard->change_number;
    if (shard->told_number < shared->told_change[index])
        shard->told_number = shared->told_change[index];
    lock_give(&shard->lock);
}

static bool
is_meant(const struct peer_table *shared, struct stick_entry *entry)
{
    return shared->scan == SCAN_ALL ||
           stick_change_of(entry)->number > shared->acked_change[shared->scan_shard];
}

/* The next buckets. */
static void
find_by_scan(struct peer_table *shared)
{
    struct stick_shard *shard = &shared->table->shards[shared->scan_shard];

    lock_take(&shard->lock);
    for (unsigned i = 0; i < BUCKETS_AT_ONCE && held.count < HELD_AT_ONCE &&
                         shared->scan_bucket <= shard->mask;
         i++) {
        for (struct stick_entry *entry = shard->buckets[shared->scan_bucket]; entry != NULL;
             entry = entry->next) {
            if (is_meant(shared, entry))
                hold(entry);
        }
        shared->scan_bucket++;
    }
    if (shared->scan_bucket > shard->mask) {
        shared->scan_bucket = 0;
        shared->scan_shard++;
    }
    lock_give(&shard->lock);
    if (shared->scan_shard == STICK_SHARDS)
        shared->scan = SCAN_NONE;
}

static bool
find(struct peer_table *shared)
{
    held.count = 0;
    if (shared->scan != SCAN_NONE) {
        find_by_scan(shared);
        return true;
    }
    for (unsigned i = 0; i < STICK_SHARDS; i++) {
        const struct stick_shard *shard = &shared->table->shards[i];

        if (__atomic_load_n(&shard->change_number, __ATOMIC_ACQUIRE) > shared->told_change[i]) {
            find_changed(shared, i);
            return true;
        }
    }
    return false;
}

/* --- telling --------------------------------------------------------------------------------------- */

/* Lets go of it, too. False: nobody needs to hear of it. */
static bool
copy_entry(struct peer_table *shared, struct stick_entry *entry, struct peer_update *update)
{
    const struct stick_table *table = shared->table;
    struct stick_shard *shard = stick_shard_of(shared->table, entry);
    struct str key = stick_entry_key(table, entry);
    bool is_alive;

    lock_take(&shard->lock);
    entry->holders--;
    is_alive = entry->holders > 0 || entry->expires_ms > stick_now_ms();
    if (is_alive) {
        memcpy(update->image.bytes, stick_entry_data(entry), table->layout.data_size);
        memcpy(update->key.bytes, key.ptr, key.len);
        update->key.len = (uint32_t)key.len;
        update->expires_in_ms = entry->expires_ms == INT64_MAX ? -1 : entry->expires_ms - stick_now_ms();
        if (entry->expires_ms <= stick_now_ms())
            update->expires_in_ms = -1; /* in use: it will live on */
    }
    lock_give(&shard->lock);
    return is_alive;
}

static void
add_definition(struct peer_session *session, struct peer_table *shared)
{
    peer_add_definition(&session->out, &shared->table->layout, shared->id,
                        str_from(shared->conf->shared_name), shared->conf->expire_ms);
    session->told_table = shared->table;
}

static void
tell_entry(struct peer_session *session, struct peer_table *shared, struct stick_entry *entry,
           bool is_timed)
{
    struct peer_update *update = &session->update;
    const struct peer_conf *conf = session->peer->conf;
    bool is_wanted = conf->shard == 0 ||
                     peers_shard_of(session->peers, entry) == (unsigned)conf->shard;

    if (!copy_entry(shared, entry, update) || !is_wanted)
        return;
    update->has_number = session->told_table != shared->table;
    if (update->has_number)
        add_definition(session, shared);
    update->number = ++shared->told;
    if (!is_timed || session->is_old)
        update->expires_in_ms = -1;
    peer_add_update(&session->out, &shared->table->layout, update, &session->told_names,
                    (uint32_t)stick_now_ms());
}

/* All is told: once it is confirmed, these changes are done with. */
static void
open_window(struct peer_table *shared)
{
    if (shared->told == shared->acked) {
        memcpy(shared->acked_change, shared->told_change, sizeof(shared->acked_change));
        return;
    }
    if (shared->has_window)
        return;
    shared->has_window = true;
    shared->window = shared->told;
    memcpy(shared->window_change, shared->told_change, sizeof(shared->window_change));
}

bool
peer_table_tell(struct peer_session *session, struct peer_table *shared, unsigned most)
{
    unsigned count = 0;

    if (shared->conf->recv_only || !shared->is_marked) {
        shared->scan = SCAN_NONE;
        return false;
    }
    while (count < most) {
        bool is_timed = shared->scan != SCAN_NONE;

        if (!find(shared)) {
            open_window(shared);
            return false;
        }
        for (unsigned i = 0; i < held.count; i++)
            tell_entry(session, shared, held.items[i], is_timed);
        count += held.count + 1;
    }
    return true;
}

void
peer_table_on_ack(struct peer_table *shared, uint32_t number)
{
    if ((int32_t)(number - shared->told) > 0)
        return; /* never told: of another life */
    shared->acked = number;
    if (!shared->has_window || (int32_t)(number - shared->window) < 0)
        return;
    shared->has_window = false;
    memcpy(shared->acked_change, shared->window_change, sizeof(shared->acked_change));
}
