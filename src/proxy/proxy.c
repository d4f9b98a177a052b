/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proxies: the list of a snapshot, and the live ones.
 *
 * For:     every room that asks for a frontend or backend by name.
 * Owns:    the table of live proxies; each is counted and freed with its last holder.
 * Thread:  builder fills the list of a snapshot; control adopts, publishes, releases; any reads.
 *
 * A live proxy is found again by name and sides: a listen that becomes a backend is another one.
 */
#include "weir/proxy/proxy.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/loop/grace.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/proxy/admission.h"
#include "private.h"

static struct list live = LIST_INIT(live);
static struct hashmap live_by_sides[4]; /* by enum proxy_side set */
static struct snapshot *published;      /* borrows: the one whose listeners run */
static const struct listener_owner *listener_owner;

static struct slot room_slot = SLOT("proxies", SLOT_GLOBAL, struct proxy_room);
REGISTER_SLOT(room_slot);

struct proxy_room *
proxy_room_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &room_slot);
}

void
proxy_set_listener_owner(const struct listener_owner *owner)
{
    listener_owner = owner;
}

/* --- configuration ------------------------------------------------------------------------ */

struct list *
proxy_list(const struct snapshot *snapshot)
{
    return &proxy_room_of(snapshot)->proxies;
}

struct proxy_conf *
proxy_conf_find(const struct snapshot *snapshot, struct str name, unsigned side)
{
    const struct proxy_room *room = proxy_room_of(snapshot);
    struct proxy_conf *conf = NULL;

    if (side & SIDE_FRONT)
        conf = hashmap_find(&room->by_side[0], name);
    if (conf == NULL && (side & SIDE_BACK))
        conf = hashmap_find(&room->by_side[1], name);
    return conf;
}

static bool
on_start(struct parse *parse)
{
    struct proxy_room *room = proxy_room_of(parse->snapshot);

    list_init(&room->proxies);
    return true;
}

static bool
on_check(struct parse *parse)
{
    bool fine = proxy_number_all(parse);

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link)
        fine = proxy_check_conf(parse, conf) && fine;
    return fine;
}

/* --- live ------------------------------------------------------------------------------------ */

static struct hashmap *
live_map(unsigned sides)
{
    return &live_by_sides[sides & (SIDE_FRONT | SIDE_BACK)];
}

static struct proxy *
proxy_new(const struct proxy_conf *conf)
{
    struct proxy *proxy = alloc_zero(sizeof(*proxy));

    proxy->magic = PROXY_MAGIC;
    proxy->name = alloc_copy(conf->name);
    proxy->sides = conf->sides;
    proxy->id = conf->id;
    proxy->is_unpublished = conf->starts_unpublished;
    proxy->last_change_ms = loop_now_ms(loop_here());
    if (conf->sides & SIDE_FRONT)
        counter_rows_init(&proxy->front_counters, sizeof(struct proxy_row));
    if (conf->sides & SIDE_BACK)
        counter_rows_init(&proxy->back_counters, sizeof(struct proxy_row));
    list_add_last(&live, &proxy->link);
    hashmap_set(live_map(proxy->sides), str_from(proxy->name), proxy);
    return proxy;
}

static void
proxy_free(struct proxy *proxy)
{
    if (proxy->back_free != NULL)
        proxy->back_free(proxy);
    hashmap_remove(live_map(proxy->sides), str_from(proxy->name));
    list_remove(&proxy->link);
    if (proxy->sides & SIDE_FRONT)
        counter_rows_fini(&proxy->front_counters);
    if (proxy->sides & SIDE_BACK)
        counter_rows_fini(&proxy->back_counters);
    proxy->magic = 0;
    alloc_free((void *)proxy->name);
    alloc_free(proxy);
}

struct proxy *
proxy_find(struct str name, unsigned side)
{
    struct snapshot *snapshot = snapshot_current();
    struct proxy_conf *conf = snapshot == NULL ? NULL : proxy_conf_find(snapshot, name, side);

    return conf == NULL ? NULL : conf->live;
}

void
proxy_hold(struct proxy *proxy)
{
    proxy->refs++;
}

void
proxy_drop(struct proxy *proxy)
{
    if (proxy == NULL)
        return;
    MUST_BE(proxy, PROXY_MAGIC);
    MUST(proxy->refs > 0);
    if (--proxy->refs == 0)
        proxy_free(proxy);
}

/* --- adopt, publish, release -------------------------------------------------------------------
 */

static bool
adopt_binds(struct parse *parse, struct proxy_conf *conf)
{
    bool fine = true;

    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        struct error err = ERROR_INIT;

        if (conf->disabled)
            continue;
        bind->listener = listener_adopt(bind, listener_owner, false, &err);
        if (bind->listener == NULL)
            fine = parse_alert_at(parse, bind->pos, "%s '%s': %s",
                                  proxy_conf_is_back(conf) ? "listen" : "frontend", conf->name,
                                  err.text);
    }
    return fine;
}

static bool
on_adopt(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        struct proxy *proxy = hashmap_find(live_map(conf->sides), str_from(conf->name));

        conf->snapshot = parse->snapshot;
        conf->live = proxy != NULL ? proxy : proxy_new(conf);
        proxy_hold(conf->live);
        fine = adopt_binds(parse, conf) && fine;
    }
    return fine;
}

/* Listeners that the new snapshot did not take over stop; their accept queues are emptied first. */
static void
stop_orphans(const struct snapshot *before)
{
    LIST_FOR_EACH (conf, proxy_list(before), struct proxy_conf, link) {
        LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
            if (bind->listener != NULL && bind->listener->conf == bind)
                listener_stop(bind->listener);
        }
    }
}

static bool
on_publish(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        grace_publish(conf->live->conf, conf);
        conf->live->id = conf->id;
        conf->live->state = conf->disabled ? PROXY_STOPPED : PROXY_READY;
        LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
            if (bind->listener != NULL)
                listener_publish(bind->listener, bind, conf->live);
        }
    }
    /* Traffic goes on meanwhile: only those that are really gone lose their conf, so that sessions
     * see it. A backend that is gone keeps its last one until that is released: streams that began
     * before may still come to it. */
    LIST_FOR_EACH (proxy, &live, struct proxy, link) {
        if (proxy->conf != NULL && proxy->conf->snapshot != parse->snapshot &&
            (proxy->sides & SIDE_FRONT))
            grace_publish(proxy->conf, NULL);
    }
    if (published != NULL)
        stop_orphans(published);
    published = parse->snapshot;
    return true;
}

static void
release_conf(struct proxy_conf *conf)
{
    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        if (bind->listener != NULL)
            listener_drop(bind->listener);
    }
    if (conf->live != NULL && conf->live->conf == conf)
        grace_publish(conf->live->conf, NULL);
    proxy_drop(conf->live);
}

static bool
on_release(struct parse *parse)
{
    struct proxy_room *room = proxy_room_of(parse->snapshot);

    if (room->proxies.next == NULL)
        return true;
    LIST_FOR_EACH (conf, &room->proxies, struct proxy_conf, link)
        release_conf(conf);
    hashmap_fini(&room->by_side[0]);
    hashmap_fini(&room->by_side[1]);
    hashmap_fini(&room->defaults);
    return true;
}

/* --- any thread
 * ------------------------------------------------------------------------------------ */

struct proxy_row *
proxy_front_row(const struct proxy *proxy)
{
    return counter_row(&proxy->front_counters);
}

struct proxy_row *
proxy_back_row(const struct proxy *proxy)
{
    return counter_row(&proxy->back_counters);
}

static const struct config_hook hooks[] = {
    { CONFIG_START, ORDER_PROXY, on_start, "proxy: lists" },
    { CONFIG_CHECK, ORDER_PROXY, on_check, "proxy: check" },
    { CONFIG_ADOPT, ORDER_PROXY, on_adopt, "proxy: live proxies and listeners" },
    /* After the servers, so that no rule sends a stream to a backend that has none yet. */
    { CONFIG_PUBLISH, ORDER_SERVER + 1, on_publish, "proxy: publish" },
    /* After those of the rooms to the right, whose objects borrow proxies. */
    { CONFIG_RELEASE, ORDER_MAIN + 1, on_release, "proxy: release" },
};
REGISTER(config_hook, hooks);
