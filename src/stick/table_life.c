/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables that live, from one configuration to the next.
 *
 * For:     the configuration.
 * Owns:    the list of living tables; each snapshot holds its own.
 * Thread:  control.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/loop/timer.h"
#include "private.h"

#define PURGE_PERIOD_MS 1000
#define PURGE_EACH      2000 /* entries of a shard in one period */

static struct list tables = LIST_INIT(tables);
static struct timer purge_timer;

static struct stick_table *
find_living(const struct stick_table_conf *conf)
{
    LIST_FOR_EACH (table, &tables, struct stick_table, link) {
        if (strcmp(table->name, conf->name) == 0 &&
            memcmp(&table->layout, &conf->layout, sizeof(table->layout)) == 0)
            return table;
    }
    return NULL;
}

/* One that has the same entries, but for what peers need: they move. */
static struct stick_table *
find_predecessor(const struct stick_table_conf *conf)
{
    LIST_FOR_EACH (table, &tables, struct stick_table, link) {
        struct stick_layout layout = table->layout;

        layout.lead = conf->layout.lead;
        if (table != conf->live && strcmp(table->name, conf->name) == 0 &&
            memcmp(&layout, &conf->layout, sizeof(layout)) == 0)
            return table;
    }
    return NULL;
}

/* Under the lock of a shard of the old table: locks of two tables are never held together, so what an
 * entry holds goes through a list. */
struct moving {
    struct stick_entry **entries; /* held */
    size_t count, cap;
};

static bool
hold_moving(struct stick_table *table, struct stick_entry *entry, void *arg)
{
    struct moving *moving = arg;

    (void)table;
    if (moving->count == moving->cap) {
        moving->cap = moving->cap == 0 ? 1024 : moving->cap * 2;
        moving->entries = alloc_resize(moving->entries, moving->cap * sizeof(*moving->entries));
    }
    entry->holders++;
    moving->entries[moving->count++] = entry;
    return true;
}

static void
move_entries(struct stick_table *from, struct stick_table *to)
{
    static struct stick_image image = { .is_from_here = true }; /* one control thread */
    struct moving moving = { 0 };
    struct stick_key key;

    stick_table_each(from, hold_moving, &moving);
    for (size_t i = 0; i < moving.count; i++) {
        struct stick_entry *entry = moving.entries[i];
        struct str bytes = stick_entry_key(from, entry);
        struct stick_shard *shard = stick_shard_of(from, entry);
        int64_t left_ms = stick_entry_expires_in(from, entry);

        lock_take(&shard->lock);
        memcpy(image.bytes, stick_entry_data(entry), from->layout.data_size);
        lock_give(&shard->lock);
        image.has = ~(1u << DATA_CONN_CUR); /* they go on counting in the old one */
        memcpy(key.bytes, bytes.ptr, bytes.len);
        key.len = (uint32_t)bytes.len;
        (void)stick_table_learn(to, &key, &image, from->expire_ms == 0 ? -1 : left_ms);
        stick_entry_drop(from, entry);
    }
    alloc_free(moving.entries);
}

static bool
on_adopt(struct parse *parse)
{
    for (struct stick_table_conf *conf = stick_table_confs(parse->snapshot); conf != NULL;
         conf = conf->next) {
        conf->live = find_living(conf);
        if (conf->live != NULL)
            stick_table_hold(conf->live);
        else
            conf->live = stick_table_new(conf);
    }
    return true;
}

static void
on_purge(struct timer *timer)
{
    LIST_FOR_EACH (table, &tables, struct stick_table, link) {
        stick_table_purge(table, PURGE_EACH);
    }
    if (!list_is_empty(&tables))
        timer_set(loop_here(), timer, stick_now_ms() + PURGE_PERIOD_MS);
}

static bool
on_publish(struct parse *parse)
{
    for (struct stick_table_conf *conf = stick_table_confs(parse->snapshot); conf != NULL;
         conf = conf->next) {
        struct stick_table *old = list_is_linked(&conf->live->link) ? NULL : find_predecessor(conf);

        __atomic_store_n(&conf->live->size, conf->size, __ATOMIC_RELAXED);
        __atomic_store_n(&conf->live->expire_ms, conf->expire_ms, __ATOMIC_RELAXED);
        if (old != NULL)
            move_entries(old, conf->live);
    }
    LIST_FOR_EACH_SAFE (table, &tables, struct stick_table, link) {
        list_remove(&table->link);
    }
    for (struct stick_table_conf *conf = stick_table_confs(parse->snapshot); conf != NULL;
         conf = conf->next) {
        struct stick_table *table = conf->live;

        __atomic_store_n(&table->size, conf->size, __ATOMIC_RELAXED);
        __atomic_store_n(&table->expire_ms, conf->expire_ms, __ATOMIC_RELAXED);
        __atomic_store_n(&table->nopurge, conf->nopurge, __ATOMIC_RELAXED);
        list_add_last(&tables, &table->link);
    }
    if (purge_timer.fire == NULL)
        timer_init(&purge_timer, on_purge);
    if (!list_is_empty(&tables) && !timer_is_running(&purge_timer))
        timer_set(loop_here(), &purge_timer, stick_now_ms() + PURGE_PERIOD_MS);
    return true;
}

static bool
on_release(struct parse *parse)
{
    for (struct stick_table_conf *conf = stick_table_confs(parse->snapshot); conf != NULL;
         conf = conf->next) {
        struct stick_table *table = conf->live;

        conf->live = NULL;
        if (table != NULL && __atomic_load_n(&table->refs, __ATOMIC_RELAXED) == 1)
            list_remove(&table->link);
        stick_table_drop(table);
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_ADOPT, ORDER_STICK, on_adopt, "stick: tables" },
    { CONFIG_PUBLISH, ORDER_STICK, on_publish, "stick: tables" },
    { CONFIG_RELEASE, ORDER_STICK, on_release, "stick: tables" },
};
REGISTER(config_hook, hooks);
