/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of servers: found at start, changed at run time, read by traffic.
 *
 * Thread: builder resolves; control changes; any reads through a sequence lock: even version, copy,
 * same version.
 */
#include <stdio.h>
#include <string.h>

#include "weir/server/server_addr.h"

#include "weir/base/alloc.h"
#include "weir/base/hashmap.h"
#include "private.h"

static bool ignores_unresolved;

void
server_addr_ignore_unresolved(void)
{
    ignores_unresolved = true;
}

/* --- at start ------------------------------------------------------------------------------ */

static bool
look_up(struct server_conf *conf, struct error *err)
{
    uint16_t port = conf->addr.port;
    struct addr found = { .port = port };
    int family = conf->addr.family == ADDR_NONE ? AF_UNSPEC : addr_domain(&conf->addr);

    if (!addr_resolve(str_from(conf->host_name), family, &found, err))
        return false;
    conf->addr = found;
    conf->addr.port = port;
    return true;
}

/* One method of init-addr. True: the address is settled. */
static bool
try_method(struct server_conf *conf, struct str method, struct error *err)
{
    uint16_t port = conf->addr.port;

    if (str_eq(method, STR("last")))
        return false; /* state files are read later, and put their address in the place of what was found: check/state_file.c */
    if (str_eq(method, STR("libc")))
        return look_up(conf, err);
    if (str_eq(method, STR("none"))) {
        conf->addr.family = ADDR_NONE;
        return true;
    }
    if (!addr_parse_host(method, &conf->addr))
        return error_set(err, "'%.*s' is neither last, libc, none nor an address", STR_ARG(method));
    conf->addr.port = port;
    return true;
}

bool
server_conf_resolve_addr(struct parse *parse, struct server_conf *conf)
{
    struct str rest = str_from(conf->init_addr != NULL ? conf->init_addr : "libc");
    struct error err = ERROR_INIT;

    if (conf->host_name[0] == '_') { /* a service: SRV records say more, once weir runs */
        conf->addr.family = ADDR_NONE;
        return true;
    }
    while (rest.ptr != NULL) {
        if (try_method(conf, str_split(&rest, ','), &err))
            return true;
    }
    conf->addr.family = ADDR_NONE;
    if (ignores_unresolved)
        return parse_warn_at(parse, conf->pos,
                             "server '%s': could not resolve address '%s'; it is "
                             "disabled",
                             conf->name, conf->host_name);
    return parse_alert_at(
        parse, conf->pos,
        "server '%s': could not resolve address '%s': %s; 'init-addr none' or -dr let "
        "weir start without",
        conf->name, conf->host_name, err.text);
}

/* --- at run time -------------------------------------------------------------------------------
 */

typedef uint32_t __attribute__((may_alias)) word;
_Static_assert(sizeof(struct addr) % sizeof(word) == 0, "copied by words");
#define WORDS (sizeof(struct addr) / sizeof(word))

/* Acquire and release on each word keep them between the two looks at the version. (Fences would do
 * as well, but the thread sanitizer does not see them.) */
static void
load_words(struct addr *to, const struct addr *from)
{
    for (size_t i = 0; i < WORDS; i++)
        ((word *)to)[i] = __atomic_load_n((const word *)from + i, __ATOMIC_ACQUIRE);
}

static void
store_words(struct addr *to, const struct addr *from)
{
    for (size_t i = 0; i < WORDS; i++)
        __atomic_store_n((word *)to + i, ((const word *)from)[i], __ATOMIC_RELEASE);
}

void
server_addr(const struct server *srv, struct addr *out)
{
    uint32_t before, after;

    do {
        before = __atomic_load_n(&srv->addr_version, __ATOMIC_ACQUIRE);
        load_words(out, &srv->addr);
        after = __atomic_load_n(&srv->addr_version, __ATOMIC_RELAXED);
    } while (before != after || (before & 1));
}

/* A live server outlives the text that its path was read from; paths of servers are few, and kept
 * for ever, because other threads may be reading them. */
struct addr
server_addr_own(const struct addr *addr)
{
    static struct hashmap paths;
    struct addr own = *addr;

    if (addr->family != ADDR_UNIX && addr->family != ADDR_ABSTRACT &&
        addr->family != ADDR_ABSTRACT_SHORT)
        return own;
    own.path = hashmap_find(&paths, str_from(addr->path));
    if (own.path == NULL) {
        own.path = alloc_copy(addr->path);
        hashmap_set(&paths, str_from(own.path), (void *)own.path);
    }
    return own;
}

static void
publish_addr(struct server *srv, const struct addr *addr)
{
    struct addr own = server_addr_own(addr);

    __atomic_store_n(&srv->addr_version, srv->addr_version + 1, __ATOMIC_RELAXED);
    store_words(&srv->addr, &own);
    __atomic_store_n(&srv->addr_version, srv->addr_version + 1, __ATOMIC_RELEASE);
    idle_pool_clear_all(srv, NULL);
    server_tell(srv, SERVER_CHANGED_ADDR);
}

void
server_set_addr(struct server *srv, const struct addr *addr, const char *source)
{
    (void)source; /* room for a log line */
    publish_addr(srv, addr);
    server_set_admin(srv, 0, ADMIN_RMAINT, NULL);
}

/* --- names that are followed ---------------------------------------------------------------- */

static void
say_new_addr(struct server *srv, const struct addr *addr, const char *by)
{
    char before[ADDR_TEXT_MAX] = "(none)", now[ADDR_TEXT_MAX], text[512];

    if (addr_is_ip(&srv->addr))
        addr_format_host(&srv->addr, before, sizeof(before));
    addr_format_host(addr, now, sizeof(now));
    snprintf(text, sizeof(text), "%s/%s changed its IP from %s to %s by %s.", srv->backend->name,
             srv->name, before, now, by);
    server_say(srv, LOG_LEVEL_NOTICE, text);
}

void
server_follow_addr(struct server *srv, const struct addr *addr, const char *by)
{
    bool had_none = (srv->admin & ADMIN_RMAINT) != 0;
    char text[256];

    if (!addr_eq_host(&srv->addr, addr))
        say_new_addr(srv, addr, by);
    if (!addr_eq(&srv->addr, addr))
        publish_addr(srv, addr);
    server_set_admin(srv, 0, ADMIN_RMAINT, NULL);
    if (!had_none)
        return;
    snprintf(text, sizeof(text), "Server %s/%s administratively READY thanks to valid DNS answer.",
             srv->backend->name, srv->name);
    server_say(srv, LOG_LEVEL_NOTICE, text);
}

/* First the traffic goes elsewhere, then the address. */
void
server_lose_addr(struct server *srv, const char *reason, int port)
{
    struct addr none = { .family = ADDR_NONE };

    none.port = port == SERVER_KEEPS_PORT ? srv->addr.port : (uint16_t)port;
    server_set_admin(srv, ADMIN_RMAINT, 0, reason);
    if (srv->addr.family != ADDR_NONE || srv->addr.port != none.port)
        publish_addr(srv, &none);
}

const char *
server_fqdn(const struct server *srv)
{
    const char *written = srv->conf == NULL ? NULL : srv->conf->host_name;

    if (srv->fqdn != NULL)
        return srv->fqdn;
    return written == NULL || written[0] == '_' ? NULL : written;
}

void
server_set_fqdn(struct server *srv, const char *fqdn, const char *by)
{
    const char *before = server_fqdn(srv);
    char *now = fqdn == NULL ? NULL : alloc_copy(fqdn);
    char text[1024];

    if (now != NULL && (before == NULL || strcmp(before, now) != 0)) {
        snprintf(text, sizeof(text), "%s/%s changed its FQDN from %s to %s by %s",
                 srv->backend->name, srv->name, before == NULL ? "(null)" : before, now, by);
        server_log(srv, LOG_LEVEL_NOTICE, text);
    }
    alloc_free(srv->fqdn);
    srv->fqdn = now;
}
