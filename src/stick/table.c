/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries by key, in shards.
 *
 * For:     tracking, fetches, stick rules, commands.
 * Owns:    the entries. A table is counted: by snapshots, and by who holds an entry.
 * Callers: the room.
 * Thread:  any; each shard has a lock, held for a look-up or for one change.
 *
 * All entries of a table live equally long after their last use, so the list of a shard in the order
 * of use is also that in which they expire: whoever adds an entry looks at its beginning.
 */
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/loop/loop.h"
#include "private.h"

#define PURGE_AT_ONCE  4
#define BUCKETS_MIN    64
#define BUCKETS_MAX    (1u << 20)

/* These may change with the configuration while others look. */
static int64_t
life_ms(const struct stick_table *table)
{
    return __atomic_load_n(&table->expire_ms, __ATOMIC_RELAXED);
}

static uint64_t
most_entries(const struct stick_table *table)
{
    return __atomic_load_n(&table->size, __ATOMIC_RELAXED);
}

static bool
is_nopurge(const struct stick_table *table)
{
    return __atomic_load_n(&table->nopurge, __ATOMIC_RELAXED);
}

int64_t
stick_now_ms(void)
{
    return loop_now_ms(loop_here());
}

/* --- life ------------------------------------------------------------------------------------- */

static void
shard_init(struct stick_shard *shard, uint64_t entries)
{
    uint32_t buckets = BUCKETS_MIN;

    while (buckets < entries && buckets < BUCKETS_MAX)
        buckets *= 2;
    shard->lock = (struct lock)LOCK_INIT(LOCK_STICK);
    shard->buckets = alloc_zero(buckets * sizeof(*shard->buckets));
    shard->mask = buckets - 1;
    list_init(&shard->used);
    list_init(&shard->changed);
}

struct stick_table *
stick_table_new(const struct stick_table_conf *conf)
{
    struct stick_table *table = alloc_zero(sizeof(*table));

    table->name = alloc_copy(conf->name);
    table->refs = 1;
    table->layout = conf->layout;
    for (unsigned i = 0; i < STICK_DATAS; i++)
        table->stored |= (uint32_t)conf->layout.columns[i].is_stored << i;
    stick_counters_init(table);
    list_init(&table->link);
    for (unsigned i = 0; i < STICK_SHARDS; i++)
        shard_init(&table->shards[i], conf->size / STICK_SHARDS);
    return table;
}

void
stick_table_hold(struct stick_table *table)
{
    __atomic_add_fetch(&table->refs, 1, __ATOMIC_RELAXED);
}

static void
free_entries(const struct stick_table *table, struct stick_shard *shard)
{
    LIST_FOR_EACH_SAFE (entry, &shard->used, struct stick_entry, link) {
        alloc_free((char *)entry - table->layout.lead);
    }
    alloc_free(shard->buckets);
}

void
stick_table_drop(struct stick_table *table)
{
    if (table == NULL || __atomic_sub_fetch(&table->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (unsigned i = 0; i < STICK_SHARDS; i++)
        free_entries(table, &table->shards[i]);
    alloc_free(table->name);
    alloc_free(table);
}

/* --- inside a shard, under its lock --------------------------------------------------------------- */

static const uint8_t *
key_of(const struct stick_table *table, const struct stick_entry *entry)
{
    return (const uint8_t *)entry->bytes + table->layout.data_size;
}

static void
free_entry(const struct stick_table *table, struct stick_entry *entry)
{
    alloc_free((char *)entry - table->layout.lead);
}

static uint32_t
mix(uint32_t number)
{
    uint64_t product = (number ^ 0x9e3779b97f4a7c15ull) * 0xd6e8feb86659fd93ull;

    product = (product ^ product >> 32) * 0xd6e8feb86659fd93ull;
    return (uint32_t)(product >> 32);
}

static bool
is_key_of(const struct stick_table *table, const struct stick_entry *entry,
          const struct stick_key *key)
{
    const uint8_t *bytes = key_of(table, entry);
    uint32_t a, b;

    if (entry->key_len != key->len)
        return false;
    if (key->len != sizeof(a))
        return memcmp(bytes, key->bytes, key->len) == 0;
    memcpy(&a, bytes, sizeof(a));
    memcpy(&b, key->bytes, sizeof(b));
    return a == b;
}

static uint32_t
hash_key(const struct stick_key *key)
{
    uint32_t small;

    if (key->len != sizeof(small))
        return (uint32_t)hash_xxh3(str_of((const char *)key->bytes, key->len), 0);
    memcpy(&small, key->bytes, sizeof(small)); /* addresses and numbers: two multiplications mix them */
    return mix(small);
}

/* The low bits choose the shard, the others the bucket. */
static struct stick_entry **
bucket_of(struct stick_shard *shard, uint32_t hash)
{
    return &shard->buckets[hash / STICK_SHARDS & shard->mask];
}

static void
remove_entry(struct stick_table *table, struct stick_shard *shard, struct stick_entry *entry)
{
    struct stick_entry **at = bucket_of(shard, entry->hash);

    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    list_remove(&entry->link);
    if (table->layout.lead > 0)
        list_remove(&stick_change_of(entry)->link);
    __atomic_sub_fetch(&table->count, 1, __ATOMIC_RELAXED);
    free_entry(table, entry);
}

/* The order of a large table need not be exact to the millisecond: most uses leave the list alone. */
#define LAG_MS       1000
#define LARGE_TABLE  4096

static void
touch(const struct stick_table *table, struct stick_shard *shard, struct stick_entry *entry,
      int64_t now_ms)
{
    uint32_t lag_ms = most_entries(table) < LARGE_TABLE ? 0 : LAG_MS;

    entry->expires_ms = life_ms(table) == 0 ? INT64_MAX : now_ms + life_ms(table);
    if ((uint32_t)now_ms - entry->placed_ms < lag_ms && list_is_linked(&entry->link))
        return;
    entry->placed_ms = (uint32_t)now_ms;
    list_remove(&entry->link);
    list_add_last(&shard->used, &entry->link);
}

/* False: nothing more to do. */
static bool
purge_first(struct stick_table *table, struct stick_shard *shard, int64_t now_ms, bool is_forced)
{
    struct stick_entry *entry;

    if (list_is_empty(&shard->used))
        return false;
    entry = LIST_ITEM(shard->used.next, struct stick_entry, link);
    if (!is_forced && entry->expires_ms > now_ms)
        return false;
    if (entry->holders > 0) {
        entry->placed_ms = (uint32_t)now_ms - LAG_MS;
        touch(table, shard, entry, now_ms);
    } else
        remove_entry(table, shard, entry);
    return true;
}

static struct stick_entry *
find(const struct stick_table *table, struct stick_shard *shard, const struct stick_key *key,
     uint32_t hash, int64_t now_ms)
{
    struct stick_entry *entry = *bucket_of(shard, hash);

    while (entry != NULL && (entry->hash != hash || !is_key_of(table, entry, key)))
        entry = entry->next;
    if (entry != NULL && entry->holders == 0 && entry->expires_ms <= now_ms)
        return NULL;
    return entry;
}

/* Makes room if there is none: the least recently used that nobody holds goes. */
static bool
has_room(struct stick_table *table, struct stick_shard *shard)
{
    for (unsigned tries = 0; __atomic_load_n(&table->count, __ATOMIC_RELAXED) >= most_entries(table); tries++) {
        if (is_nopurge(table) || tries == PURGE_AT_ONCE ||
            !purge_first(table, shard, stick_now_ms(), true))
            return false;
    }
    return true;
}

static struct stick_entry *
new_entry(const struct stick_table *table, uint32_t key_len)
{
    uint32_t lead = table->layout.lead;
    char *block = calloc(1, lead + sizeof(struct stick_entry) + table->layout.data_size + key_len);
    struct stick_entry *entry;

    if (block == NULL)
        return NULL;
    entry = (struct stick_entry *)(void *)(block + lead);
    if (lead > 0)
        list_init(&stick_change_of(entry)->link);
    return entry;
}

static struct stick_entry *
add(struct stick_table *table, struct stick_shard *shard, const struct stick_key *key, uint32_t hash,
    int64_t now_ms)
{
    struct stick_entry *entry, **bucket = bucket_of(shard, hash), *old = *bucket;

    for (unsigned i = 0; i < PURGE_AT_ONCE && purge_first(table, shard, now_ms, false); i++)
        continue;
    for (old = *bucket; old != NULL; old = old->next) { /* one that expired and was passed over */
        if (old->hash == hash && old->key_len == key->len && old->holders == 0 &&
            memcmp(key_of(table, old), key->bytes, key->len) == 0) {
            remove_entry(table, shard, old);
            break;
        }
    }
    if (!has_room(table, shard))
        return NULL;
    entry = new_entry(table, key->len);
    if (entry == NULL)
        return NULL;
    entry->hash = hash;
    entry->key_len = key->len;
    memcpy((uint8_t *)entry->bytes + table->layout.data_size, key->bytes, key->len);
    bucket = bucket_of(shard, hash);
    entry->next = *bucket;
    *bucket = entry;
    list_init(&entry->link);
    __atomic_add_fetch(&table->count, 1, __ATOMIC_RELAXED);
    return entry;
}

/* --- entries ------------------------------------------------------------------------------------------ */

struct stick_shard *
stick_shard_of(struct stick_table *table, const struct stick_entry *entry)
{
    return &table->shards[entry->hash % STICK_SHARDS];
}

/* Under the lock: held, and with `make` used. */
static struct stick_entry *
hold(struct stick_table *table, struct stick_shard *shard, const struct stick_key *key,
     uint32_t hash, bool make, int64_t now_ms)
{
    struct stick_entry *entry = find(table, shard, key, hash, now_ms);

    if (entry == NULL && make)
        entry = add(table, shard, key, hash, now_ms);
    if (entry == NULL)
        return NULL;
    entry->holders++;
    if (make) {
        touch(table, shard, entry, now_ms);
        stick_change_note(table, shard, entry);
    }
    return entry;
}

static struct stick_entry *
take(struct stick_table *table, const struct stick_key *key, uint32_t hash, bool make)
{
    struct stick_shard *shard = &table->shards[hash % STICK_SHARDS];
    int64_t now_ms = stick_now_ms();
    struct stick_entry *entry;

    lock_take(&shard->lock);
    entry = hold(table, shard, key, hash, make, now_ms);
    lock_give(&shard->lock);
    return entry;
}

/* --- what is tracked ------------------------------------------------------------------------------------- */

static struct stick_entry *
track(struct stick_table *table, const struct stick_key *key, uint32_t hash, bool has_request)
{
    struct stick_shard *shard = &table->shards[hash % STICK_SHARDS];
    int64_t now_ms = stick_now_ms();
    struct stick_entry *entry;

    lock_take(&shard->lock);
    entry = hold(table, shard, key, hash, true, now_ms);
    if (entry != NULL) {
        stick_entry_add_current(table, entry, 1);
        stick_entry_count(table, entry, STICK_CONNECTION, 1, (uint32_t)now_ms);
        if (has_request)
            stick_entry_count(table, entry, STICK_REQUEST, 1, (uint32_t)now_ms);
    }
    lock_give(&shard->lock);
    return entry;
}

void
stick_table_untrack(struct stick_table *table, struct stick_entry *entry)
{
    struct stick_shard *shard = stick_shard_of(table, entry);
    int64_t now_ms = stick_now_ms();

    lock_take(&shard->lock);
    stick_entry_add_current(table, entry, -1);
    entry->holders--;
    if (entry->expires_ms != 0) /* else it was cleared */
        touch(table, shard, entry, now_ms);
    lock_give(&shard->lock);
}

/* Small tables: the shard of the key may have nothing to give while others have. */
static bool
make_room_elsewhere(struct stick_table *table, uint32_t hash)
{
    bool is_done = false;

    for (unsigned i = 1; i < STICK_SHARDS && !is_done && !is_nopurge(table); i++) {
        struct stick_shard *shard = &table->shards[(hash + i) % STICK_SHARDS];
        uint64_t before = stick_table_used(table);

        lock_take(&shard->lock);
        is_done = purge_first(table, shard, stick_now_ms(), true) &&
                  stick_table_used(table) < before;
        lock_give(&shard->lock);
    }
    return is_done;
}

struct stick_entry *
stick_table_find(struct stick_table *table, const struct stick_key *key)
{
    return take(table, key, hash_key(key), false);
}

struct stick_entry *
stick_table_make(struct stick_table *table, const struct stick_key *key)
{
    uint32_t hash = hash_key(key);
    struct stick_entry *entry = take(table, key, hash, true);

    if (entry == NULL && make_room_elsewhere(table, hash))
        entry = take(table, key, hash, true);
    return entry;
}

struct stick_entry *
stick_table_track(struct stick_table *table, const struct stick_key *key, bool has_request)
{
    uint32_t hash = hash_key(key);
    struct stick_entry *entry = track(table, key, hash, has_request);

    if (entry == NULL && make_room_elsewhere(table, hash))
        entry = track(table, key, hash, has_request);
    return entry;
}

/* One that lives shorter than the others stands behind them all the same: it is passed over from then
 * on, and goes when its turn comes. */
static void
set_life(const struct stick_table *table, struct stick_shard *shard, struct stick_entry *entry,
         int64_t expires_in_ms)
{
    touch(table, shard, entry, stick_now_ms());
    if (expires_in_ms >= 0 && life_ms(table) > 0 && expires_in_ms < life_ms(table))
        entry->expires_ms = stick_now_ms() + expires_in_ms;
}

static bool
learn(struct stick_table *table, const struct stick_key *key, uint32_t hash,
      const struct stick_image *image, int64_t expires_in_ms)
{
    struct stick_shard *shard = &table->shards[hash % STICK_SHARDS];
    struct stick_entry *entry;

    lock_take(&shard->lock);
    entry = find(table, shard, key, hash, stick_now_ms());
    if (entry == NULL)
        entry = add(table, shard, key, hash, stick_now_ms());
    if (entry != NULL) {
        stick_image_apply(table, entry, image);
        set_life(table, shard, entry, expires_in_ms);
        if (image->is_from_here)
            stick_change_note(table, shard, entry);
    }
    lock_give(&shard->lock);
    return entry != NULL;
}

bool
stick_table_learn(struct stick_table *table, const struct stick_key *key,
                  const struct stick_image *image, int64_t expires_in_ms)
{
    uint32_t hash = hash_key(key);

    return learn(table, key, hash, image, expires_in_ms) ||
           (make_room_elsewhere(table, hash) && learn(table, key, hash, image, expires_in_ms));
}

void
stick_entry_drop(struct stick_table *table, struct stick_entry *entry)
{
    struct stick_shard *shard = stick_shard_of(table, entry);

    lock_take(&shard->lock);
    entry->holders--;
    lock_give(&shard->lock);
}

const struct stick_layout *
stick_table_layout(const struct stick_table *table)
{
    return &table->layout;
}

struct str
stick_entry_key(const struct stick_table *table, const struct stick_entry *entry)
{
    return str_of((const char *)key_of(table, entry), entry->key_len);
}

uint64_t
stick_table_used(const struct stick_table *table)
{
    return __atomic_load_n(&table->count, __ATOMIC_RELAXED);
}

uint64_t
stick_table_size(const struct stick_table *table)
{
    return most_entries(table);
}

int64_t
stick_entry_expires_in(struct stick_table *table, const struct stick_entry *entry)
{
    int64_t left = entry->expires_ms - stick_now_ms();

    return life_ms(table) == 0 || left < 0 ? 0 : left;
}

int64_t
stick_entry_idle_ms(struct stick_table *table, const struct stick_entry *entry)
{
    return life_ms(table) == 0 ? 0 : life_ms(table) - stick_entry_expires_in(table, entry);
}

uint32_t
stick_entry_holders(const struct stick_entry *entry)
{
    return entry->holders;
}

/* --- all of them --------------------------------------------------------------------------------------- */

void
stick_table_each(struct stick_table *table,
                 bool (*see)(struct stick_table *table, struct stick_entry *entry, void *arg),
                 void *arg)
{
    for (unsigned i = 0; i < STICK_SHARDS; i++) {
        struct stick_shard *shard = &table->shards[i];

        lock_take(&shard->lock);
        LIST_FOR_EACH_SAFE (entry, &shard->used, struct stick_entry, link) {
            bool stays = entry->holders == 0 && entry->expires_ms <= stick_now_ms()
                             ? false
                             : see(table, entry, arg);

            if (!stays && entry->holders == 0)
                remove_entry(table, shard, entry);
        }
        lock_give(&shard->lock);
    }
}

void
stick_table_purge(struct stick_table *table, unsigned most)
{
    int64_t now_ms = stick_now_ms();

    for (unsigned i = 0; i < STICK_SHARDS; i++) {
        struct stick_shard *shard = &table->shards[i];

        lock_take(&shard->lock);
        for (unsigned n = 0; n < most && purge_first(table, shard, now_ms, false); n++)
            continue;
        lock_give(&shard->lock);
    }
}
