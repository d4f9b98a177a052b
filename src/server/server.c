/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live servers, and the published set of each backend.
 *
 * For:     everybody who sends traffic to servers or asks about them.
 * Owns:    live servers (counted), backend_live, and the sets until a grace period after they are
 * replaced. Thread:  control changes; any reads.
 *
 * Who keeps a server alive: each snapshot that names it (ADOPT to RELEASE). A stream holds its
 * snapshot, so no stream ever sees a server go, and no counter is touched per request.
 */
#include "weir/server/server.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/loop/grace.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "private.h"

/* --- any thread -------------------------------------------------------------------------- */

static int
state_of(const struct server *srv)
{
    return __atomic_load_n(&srv->state, __ATOMIC_RELAXED);
}

static unsigned
admin_of(const struct server *srv)
{
    return __atomic_load_n(&srv->admin, __ATOMIC_RELAXED);
}

bool
server_is_usable(const struct server *srv)
{
    int state = state_of(srv);

    return (state == SERVER_RUNNING || state == SERVER_STARTING) &&
           (admin_of(srv) & (ADMIN_MAINT | ADMIN_DRAIN)) == 0 &&
           __atomic_load_n(&srv->effective_weight, __ATOMIC_RELAXED) > 0 &&
           __atomic_load_n(&srv->conf, __ATOMIC_RELAXED) != NULL;
}

bool
server_takes_persistent(const struct server *srv)
{
    return state_of(srv) != SERVER_STOPPED && (admin_of(srv) & ADMIN_MAINT) == 0;
}

struct server_row *
server_row(const struct server *srv)
{
    return counter_row(&srv->counters);
}

/* With minconn the limit follows the load of the backend: from minconn to maxconn at fullconn. */
uint32_t
server_maxconn_now(const struct server *srv, const struct proxy_conf *backend)
{
    int64_t max = __atomic_load_n(&srv->maxconn, __ATOMIC_RELAXED);
    const struct server_conf *conf = grace_read(srv->conf);
    int64_t min = conf == NULL ? 0 : conf->minconn, load, now;

    if (max == 0 || min == 0 || min >= max || backend == NULL || backend->fullconn == 0)
        return (uint32_t)max;
    load = (int64_t)__atomic_load_n(&srv->backend->back_current, __ATOMIC_RELAXED);
    if (load >= backend->fullconn)
        return (uint32_t)max;
    now = max * load / backend->fullconn;
    return (uint32_t)(now < min ? min : now);
}

static void
note_peak(struct server *srv, uint32_t now)
{
    if (now > __atomic_load_n(&srv->current_max, __ATOMIC_RELAXED))
        __atomic_store_n(&srv->current_max, now, __ATOMIC_RELAXED);
}

/* Never counts beyond the limit, not even for a moment: somebody else would find no slot because of
 * an attempt that fails, and nobody would be left to serve the line. */
bool
server_slot_take(struct server *srv, const struct proxy_conf *backend)
{
    uint32_t max = server_maxconn_now(srv, backend);
    uint32_t now = __atomic_load_n(&srv->current, __ATOMIC_SEQ_CST);

    do {
        if (max != 0 && now >= max)
            return false;
    } while (!__atomic_compare_exchange_n(&srv->current, &now, now + 1, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    note_peak(srv, now + 1);
    return true;
}

void
server_slot_give(struct server *srv)
{
    __atomic_sub_fetch(&srv->current, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&srv->queue.length, __ATOMIC_SEQ_CST) != 0 ||
        __atomic_load_n(&srv->backend->back->queue.length, __ATOMIC_SEQ_CST) != 0)
        queue_serve(srv);
}

/* --- sets ------------------------------------------------------------------------------------- */

static void
set_free(void *object)
{
    struct server_set *set = object;

    if (set->plan_free != NULL)
        set->plan_free(set->plan);
    alloc_free(set->usable);
    alloc_free(set->all);
    alloc_free(set);
}

static void
add_usable(struct server_set *set, struct server *srv)
{
    set->usable[set->usable_count++] = srv;
    set->weight_sum += (uint64_t)srv->effective_weight;
}

/* Active servers; when there is none, the first backup, or all of them with option allbackups. */
static void
choose_usable(struct server_set *set, const struct proxy_conf *conf)
{
    bool all = conf != NULL && conf->option.allbackups;

    for (unsigned i = 0; i < set->all_count; i++) {
        struct server *srv = set->all[i];

        if (!server_is_usable(srv))
            continue;
        if (srv->conf->backup)
            set->backup_count++;
        else
            set->active_count++;
        if (!srv->conf->backup)
            add_usable(set, srv);
    }
    if (set->active_count > 0)
        return;
    set->uses_backups = set->backup_count > 0;
    for (unsigned i = 0; i < set->all_count; i++) {
        struct server *srv = set->all[i];

        if (server_is_usable(srv) && srv->conf->backup && (all || set->usable_count == 0))
            add_usable(set, srv);
    }
}

static struct server_set *
set_build(struct proxy *backend)
{
    struct server_set *set = alloc_zero(sizeof(*set));
    unsigned count = 0;

    LIST_FOR_EACH (srv, &backend->back->servers, struct server, link)
        count += srv->conf != NULL;
    set->all = alloc_array(count + 1, sizeof(*set->all));
    set->usable = alloc_array(count + 1, sizeof(*set->usable));
    LIST_FOR_EACH (srv, &backend->back->servers, struct server, link) {
        if (srv->conf != NULL)
            set->all[set->all_count++] = srv;
    }
    choose_usable(set, backend->back->conf);
    if (backend->back->build_plan != NULL)
        backend->back->build_plan(backend, set);
    return set;
}

void
server_set_rebuild(struct proxy *backend)
{
    struct backend_live *back = backend->back;
    struct server_set *before = back->set;
    struct server_set *set = set_build(backend);

    grace_publish(back->set, set);
    if (before != NULL && before->usable_count == 0 && set->usable_count > 0) {
        back->down_ms += (uint64_t)(loop_now_ms(loop_here()) - back->last_change_ms);
        back->last_change_ms = loop_now_ms(loop_here());
    } else if (before != NULL && before->usable_count > 0 && set->usable_count == 0) {
        back->down_transitions++;
        back->last_change_ms = loop_now_ms(loop_here());
    }
    if (before != NULL)
        grace_free_later(before, set_free);
}

/* Somebody has begun to wait for this server; it may have gone down meanwhile. */
static void
serve_one(struct queue *queue)
{
    struct server *srv = LIST_ITEM(queue, struct server, queue);

    queue_serve(srv);
    if (!server_takes_persistent(srv))
        queue_release(queue);
}

/* Somebody has begun to wait for any server: one of them may have a slot by now. */
static void
serve_any(struct queue *queue)
{
    struct backend_live *back = LIST_ITEM(queue, struct backend_live, queue);
    const struct server_set *set = __atomic_load_n(&back->set, __ATOMIC_CONSUME);

    for (unsigned i = 0; i < set->usable_count; i++)
        queue_serve(set->usable[i]);
}

/* --- life
 * ------------------------------------------------------------------------------------------ */

static struct backend_live *
backend_new(void)
{
    struct backend_live *back = alloc_zero(sizeof(*back));

    list_init(&back->servers);
    queue_init(&back->queue, serve_any);
    back->last_change_ms = loop_now_ms(loop_here());
    back->set = alloc_zero(sizeof(*back->set));
    back->set->all = alloc_array(1, sizeof(*back->set->all));
    back->set->usable = alloc_array(1, sizeof(*back->set->usable));
    return back;
}

static void
backend_free(struct proxy *backend)
{
    MUST(list_is_empty(&backend->back->servers));
    set_free(backend->back->set);
    alloc_free(backend->back->dynamic_cookie);
    alloc_free(backend->back);
    backend->back = NULL;
}

static void
init_from_conf(struct server *srv, const struct server_conf *conf)
{
    srv->id = conf->id;
    srv->user_weight = srv->effective_weight = conf->weight;
    srv->maxconn = conf->maxconn;
    srv->addr = server_addr_own(&conf->addr);
    srv->state = server_begins_down(conf) ? SERVER_STOPPED : SERVER_RUNNING;
    srv->admin = (conf->is_dynamic ? ADMIN_FMAINT : 0) |
                 (conf->disabled ? ADMIN_FMAINT | ADMIN_CMAINT : 0) |
                 (conf->addr.family == ADDR_NONE ? ADMIN_RMAINT : 0);
    if (srv->admin & ADMIN_MAINT)
        srv->state = SERVER_STOPPED;
}

static struct server *
server_new(struct proxy *backend, const struct server_conf *conf)
{
    struct server *srv = alloc_aligned(64, sizeof(*srv));

    srv->magic = SERVER_MAGIC;
    srv->name = alloc_copy(conf->name);
    srv->backend = backend;
    proxy_hold(backend);
    srv->last_change_ms = loop_now_ms(loop_here());
    queue_init(&srv->queue, serve_one);
    counter_rows_init(&srv->counters, sizeof(struct server_row));
    srv->idle = idle_pool_new();
    init_from_conf(srv, conf);
    list_add_last(&backend->back->servers, &srv->link);
    return srv;
}

/* All threads have closed their idle connections. */
static void
server_free(void *object)
{
    struct server *srv = object;
    struct proxy *backend = srv->backend;

    counter_rows_fini(&srv->counters);
    idle_pool_free(srv->idle);
    srv->magic = 0;
    alloc_free((void *)srv->name);
    alloc_free(srv->fqdn);
    alloc_free(srv);
    proxy_drop(backend);
}

void
server_hold(struct server *srv)
{
    srv->refs++;
}

void
server_drop(struct server *srv)
{
    if (srv == NULL)
        return;
    MUST_BE(srv, SERVER_MAGIC);
    MUST(srv->refs > 0);
    if (--srv->refs > 0)
        return;
    list_remove(&srv->link);
    srv->conf = NULL;
    server_tell(srv, SERVER_REMOVED);
    idle_pool_clear_all(srv, server_free);
}

struct server *
server_find(struct proxy *backend, struct str name)
{
    if (backend->back == NULL)
        return NULL;
    LIST_FOR_EACH (srv, &backend->back->servers, struct server, link) {
        if (srv->conf != NULL && str_eq(str_from(srv->name), name))
            return srv;
    }
    return NULL;
}

/* Also one that is going: it comes back to life. */
static struct server *
find_live(struct proxy *backend, const char *name)
{
    LIST_FOR_EACH (srv, &backend->back->servers, struct server, link) {
        if (strcmp(srv->name, name) == 0)
            return srv;
    }
    return NULL;
}

/* --- adopt, publish, release
 * ----------------------------------------------------------------------- */

static void
adopt_backend(struct proxy_conf *conf)
{
    struct proxy *backend = conf->live;

    if (backend->back == NULL) {
        backend->back = backend_new();
        backend->back_free = backend_free;
    }
    LIST_FOR_EACH (written, &conf->servers, struct server_conf, link) {
        struct server *srv = find_live(backend, written->name);

        written->live = srv != NULL ? srv : server_new(backend, written);
        server_hold(written->live);
    }
}

static bool
on_adopt(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (proxy_conf_is_back(conf))
            adopt_backend(conf);
    }
    return true;
}

static bool
is_same_name(const struct server_conf *a, const struct server_conf *b)
{
    return a->host_name == NULL || b->host_name == NULL ? a->host_name == b->host_name
                                                        : strcmp(a->host_name, b->host_name) == 0;
}

/* As long as a name is followed, its name servers know best; only the port is what is written. */
static void
take_addr(struct server *srv, const struct server_conf *before, const struct server_conf *now)
{
    bool goes_on = before->follows_name && now->follows_name && is_same_name(before, now);
    struct addr addr = goes_on ? srv->addr : now->addr;

    if (!goes_on && srv->fqdn != NULL)
        server_set_fqdn(srv, NULL, NULL);
    if (goes_on && now->host_name[0] == '_')
        return;
    if (goes_on && before->addr.port != now->addr.port) {
        addr.port = now->addr.port;
        if (addr.family != ADDR_NONE)
            server_set_addr(srv, &addr, "configuration");
        return;
    }
    if (goes_on || (!before->follows_name && addr_eq(&before->addr, &now->addr)))
        return;
    if (addr.family == ADDR_NONE)
        server_lose_addr(srv, "no address yet", SERVER_KEEPS_PORT);
    else if (!addr_eq(&srv->addr, &addr))
        server_set_addr(srv, &addr, "configuration");
}

/* What the text changed goes over what was set at run time; what it did not change leaves that
 * alone. */
static void
take_changes(struct server *srv, const struct server_conf *before, const struct server_conf *now)
{
    if (before == NULL || before->weight != now->weight) {
        srv->user_weight = now->weight;
        weight_update(srv);
    }
    if (before == NULL || before->maxconn != now->maxconn)
        __atomic_store_n(&srv->maxconn, now->maxconn, __ATOMIC_RELAXED);
    if (before != NULL)
        take_addr(srv, before, now);
    if (before != NULL && before->disabled != now->disabled)
        server_set_admin(srv, now->disabled ? ADMIN_FMAINT | ADMIN_CMAINT : 0,
                         now->disabled ? 0 : ADMIN_CMAINT | ADMIN_FMAINT, NULL);
}

/* It was gone, and streams that began before have kept it: as new but for its counters. */
static void
revive(struct server *srv, const struct server_conf *conf)
{
    if (!addr_eq(&srv->addr, &conf->addr) && conf->addr.family != ADDR_NONE)
        server_set_addr(srv, &conf->addr, "configuration");
    if (conf->is_dynamic)
        server_set_admin(srv, ADMIN_FMAINT, ADMIN_FDRAIN, NULL);
    else if (srv->admin & ADMIN_FMAINT)
        server_set_admin(srv, 0, conf->disabled ? 0 : ADMIN_FMAINT | ADMIN_CMAINT, NULL);
}

/* The list follows the order of the text. */
static void
publish_server(struct proxy *backend, const struct server_conf *conf)
{
    struct server *srv = conf->live;
    const struct server_conf *before = srv->conf;

    list_remove(&srv->link);
    list_add_last(&backend->back->servers, &srv->link);
    __atomic_store_n(&srv->id, conf->id, __ATOMIC_RELAXED);
    grace_publish(srv->conf, conf);
    take_changes(srv, before, conf);
    if (before == NULL && srv->was_published)
        revive(srv, conf);
    srv->was_published = true;
    if (before == NULL)
        server_tell(srv, SERVER_ADDED);
    else
        server_tell(srv, 0);
}

static bool
is_written(const struct proxy_conf *conf, const struct server *srv)
{
    return srv->conf != NULL && srv->conf->backend == conf;
}

static void
publish_backend(struct proxy_conf *conf)
{
    struct proxy *backend = conf->live;

    grace_publish(backend->back->conf, conf);

    LIST_FOR_EACH (written, &conf->servers, struct server_conf, link)
        publish_server(backend, written);
    LIST_FOR_EACH_SAFE (srv, &backend->back->servers, struct server, link) {
        if (srv->conf == NULL || is_written(conf, srv))
            continue;
        grace_publish(srv->conf, NULL);
        server_tell(srv, SERVER_REMOVED);
        idle_pool_clear_all(srv, NULL);
        queue_release(&srv->queue);
    }
    server_set_rebuild(backend);
}

/* Backends that are gone altogether: their servers are checked no more and keep no idle
 * connections, but the set stays, for streams that began before. */
static void
retire_backend(struct proxy *backend)
{
    LIST_FOR_EACH (srv, &backend->back->servers, struct server, link) {
        server_tell(srv, SERVER_REMOVED);
        idle_pool_clear_all(srv, NULL);
    }
}

static void
retire_backends(const struct snapshot *before, const struct snapshot *now)
{
    LIST_FOR_EACH (conf, proxy_list(before), struct proxy_conf, link) {
        if (proxy_conf_is_back(conf) && conf->live->back->conf->snapshot != now)
            retire_backend(conf->live);
    }
}

static struct snapshot *published; /* borrows */

static bool
on_publish(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (proxy_conf_is_back(conf))
            publish_backend(conf);
    }
    if (published != NULL)
        retire_backends(published, parse->snapshot);
    published = parse->snapshot;
    return true;
}

/* An older snapshot may keep the server: it must not look into this one any more. */
static void
release_server(const struct server_conf *written)
{
    if (written->live != NULL && written->live->conf == written)
        grace_publish(written->live->conf, NULL);
    server_drop(written->live);
}

static bool
on_release(struct parse *parse)
{
    if (proxy_list(parse->snapshot)->next == NULL)
        return true;
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (written, &conf->servers, struct server_conf, link)
            release_server(written);
        if (conf->live != NULL && conf->live->back != NULL && conf->live->back->conf == conf)
            grace_publish(conf->live->back->conf, NULL);
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_ADOPT, ORDER_SERVER, on_adopt, "server: live servers" },
    { CONFIG_PUBLISH, ORDER_SERVER, on_publish, "server: publish" },
    { CONFIG_RELEASE, ORDER_SERVER, on_release, "server: release" },
};
REGISTER(config_hook, hooks);
