/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live resolvers sections and their name servers.
 *
 * For:     everybody who wants names resolved. Owns: resolvers, found by name, as long as a snapshot has a section of
 *          that name; name servers, as long as the current one has them; resolutions.
 * Thread:  control.
 */
#include <string.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/os/socket.h"
#include "private.h"

#define ROUTE_CHECK_MS 30000

static struct list resolvers = LIST_INIT(resolvers);

const char *const nameserver_counter_names[NS_COUNTERS] = {
    [NS_SENT] = "sent",           [NS_SEND_ERROR] = "send_error", [NS_VALID] = "valid",
    [NS_UPDATE] = "update",       [NS_CNAME] = "cname",           [NS_CNAME_ERROR] = "cname_error",
    [NS_ANY_ERR] = "any_err",     [NS_NX] = "nx",                 [NS_TIMEOUT] = "timeout",
    [NS_REFUSED] = "refused",     [NS_OTHER] = "other",           [NS_INVALID] = "invalid",
    [NS_TOO_BIG] = "too_big",     [NS_TRUNCATED] = "truncated",   [NS_OUTDATED] = "outdated",
};

/* --- families ---------------------------------------------------------------------------------- */

/* Is there a way out over IPv6? Nothing is sent. */
static bool
has_ipv6_route(void)
{
    struct addr anywhere = { .family = ADDR_IPV6, .port = 53 };
    struct sockaddr_storage to;
    struct error err = ERROR_INIT;
    socklen_t len;
    int fd, result;

    if (!addr_parse_host(STR("2001:500::1"), &anywhere)) /* any global address does */
        return false;
    anywhere.port = 53;
    len = addr_to_sockaddr(&anywhere, &to);
    fd = socket_open(AF_INET6, SOCK_DGRAM, &err);
    if (fd < 0)
        return false;
    result = connect(fd, (struct sockaddr *)&to, len);
    close(fd);
    return result == 0;
}

static bool
ipv6_is_usable(void)
{
    static int64_t checked_ms = -1;
    static bool is_usable;
    int64_t now_ms = loop_now_ms(loop_here());

    if (checked_ms < 0 || now_ms - checked_ms >= ROUTE_CHECK_MS) {
        checked_ms = now_ms;
        is_usable = has_ipv6_route();
    }
    return is_usable;
}

static bool only_ipv4;

void
resolver_use_only_ipv4(void)
{
    only_ipv4 = true;
}

bool
resolver_family_is_wanted(enum dns_type type)
{
    unsigned families = dns_accept_family(snapshot_current());

    if (only_ipv4)
        return type != DNS_AAAA;
    if (families & FAMILY_AUTO)
        return type != DNS_AAAA || ipv6_is_usable();
    return (families & (type == DNS_AAAA ? FAMILY_IPV6 : FAMILY_IPV4)) != 0;
}

/* --- name servers ------------------------------------------------------------------------------ */

static struct nameserver *
find_nameserver(struct resolver *resolver, const struct nameserver_conf *conf)
{
    LIST_FOR_EACH (nameserver, &resolver->nameservers, struct nameserver, link) {
        if (strcmp(nameserver->name, conf->name) == 0 && addr_eq(&nameserver->addr, &conf->addr) &&
            nameserver->is_stream == conf->is_stream)
            return nameserver;
    }
    return NULL;
}

static struct nameserver *
nameserver_new(struct resolver *resolver, const struct nameserver_conf *conf)
{
    struct nameserver *nameserver = alloc_zero(sizeof(*nameserver));

    nameserver->name = alloc_copy(conf->name);
    nameserver->addr = conf->addr;
    nameserver->is_stream = conf->is_stream;
    nameserver->resolver = resolver;
    list_init(&nameserver->link);
    list_init(&nameserver->queries);
    return nameserver;
}

/* What it was asked counts as not answered. */
static void
nameserver_free(struct nameserver *nameserver)
{
    list_remove(&nameserver->link);
    resolutions_forget_nameserver(nameserver->resolver, nameserver);
    while (!list_is_empty(&nameserver->queries)) {
        struct dns_query *query = LIST_FIRST(&nameserver->queries, struct dns_query, link);
        struct resolution *owner = query->owner;
        struct dns_answer nothing = { 0 };

        if (owner != NULL)
            resolution_on_answer(owner, query, DNS_TIMEOUT, &nothing);
        query_drop(query);
    }
    alloc_free(nameserver->name);
    alloc_free(nameserver);
}

/* --- life ------------------------------------------------------------------------------------- */

static struct resolver *
find(const char *name)
{
    LIST_FOR_EACH (resolver, &resolvers, struct resolver, link) {
        if (strcmp(resolver->name, name) == 0)
            return resolver;
    }
    return NULL;
}

static struct resolver *
resolver_new(const struct resolvers_conf *conf)
{
    struct resolver *resolver = alloc_zero(sizeof(*resolver));

    resolver->name = alloc_copy(conf->name);
    resolver->settings = conf->settings;
    resolver->by_key = alloc_zero(sizeof(*resolver->by_key));
    hashmap_init(resolver->by_key);
    list_init(&resolver->nameservers);
    list_init(&resolver->resolutions);
    list_add_last(&resolvers, &resolver->link);
    return resolver;
}

static void
resolver_drop(struct resolver *resolver)
{
    if (resolver == NULL || --resolver->refs > 0)
        return;
    resolutions_free(resolver);
    LIST_FOR_EACH_SAFE (nameserver, &resolver->nameservers, struct nameserver, link)
        nameserver_free(nameserver);
    list_remove(&resolver->link);
    hashmap_fini(resolver->by_key);
    alloc_free(resolver->by_key);
    alloc_free(resolver->name);
    alloc_free(resolver);
}

/* --- adopt, publish, release --------------------------------------------------------------------- */

static bool
on_adopt(struct parse *parse)
{
    LIST_FOR_EACH (conf, resolvers_list(parse->snapshot), struct resolvers_conf, link) {
        conf->live = find(conf->name);
        if (conf->live == NULL)
            conf->live = resolver_new(conf);
        conf->live->refs++;
    }
    return true;
}

static void
publish(struct resolvers_conf *conf)
{
    struct resolver *resolver = conf->live;

    resolver->settings = conf->settings;
    LIST_FOR_EACH (nameserver, &resolver->nameservers, struct nameserver, link)
        nameserver->is_written = false;
    LIST_FOR_EACH (written, &conf->nameservers, struct nameserver_conf, link) {
        struct nameserver *nameserver = find_nameserver(resolver, written);

        if (nameserver == NULL)
            nameserver = nameserver_new(resolver, written);
        nameserver->is_written = true;
        list_remove(&nameserver->link);
        list_add_last(&resolver->nameservers, &nameserver->link);
    }
    LIST_FOR_EACH_SAFE (nameserver, &resolver->nameservers, struct nameserver, link) {
        if (!nameserver->is_written)
            nameserver_free(nameserver);
    }
}

static bool
on_publish(struct parse *parse)
{
    LIST_FOR_EACH (conf, resolvers_list(parse->snapshot), struct resolvers_conf, link)
        publish(conf);
    return true;
}

static bool
on_release(struct parse *parse)
{
    if (resolvers_list(parse->snapshot)->next == NULL)
        return true;
    LIST_FOR_EACH (conf, resolvers_list(parse->snapshot), struct resolvers_conf, link)
        resolver_drop(conf->live);
    return true;
}

void
resolvers_walk(nameserver_fn *fn, void *arg)
{
    LIST_FOR_EACH (conf, resolvers_list(snapshot_current()), struct resolvers_conf, link) {
        LIST_FOR_EACH (nameserver, &conf->live->nameservers, struct nameserver, link)
            fn(conf->name, nameserver->name, nameserver->counters, arg);
    }
}

/* Before the servers are published, which begin to follow names then; and released after them. */
static const struct config_hook hooks[] = {
    { CONFIG_ADOPT, ORDER_SERVER - 1, on_adopt, "dns: resolvers" },
    { CONFIG_PUBLISH, ORDER_SERVER - 1, on_publish, "dns: resolvers" },
    { CONFIG_RELEASE, ORDER_DNS, on_release, "dns: resolvers" },
};
REGISTER(config_hook, hooks);
