/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services: the SRV records of a name are shared out among the servers of a template, one each (RFC 2782).
 *
 * For:     servers whose name begins with "_". Owns: a struct service for each name in a backend, while it has members.
 * Thread:  control.
 *
 * A record is a target and a port; its server goes into maintenance when the record is gone, and is free for another
 * one then. Weights 0 to 65535 become 0 to 256. Priorities are not looked at.
 */
#include "follow.h"

#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"

struct service {
    struct dns_follower by_name;
    struct list link;       /* in the list of all */
    struct proxy *backend;  /* borrows: members hold it */
    struct resolver *resolver;
    char *record;           /* owns: as written */
    struct list members;    /* struct follow */
};

static struct list services = LIST_INIT(services);

/* --- one server ---------------------------------------------------------------------------------- */

static void
take_weight(struct server *srv, const struct dns_record *record)
{
    struct error err = ERROR_INIT;
    char text[16];

    if (follow_conf_of(srv->conf)->ignores_weight)
        return;
    snprintf(text, sizeof(text), "%u", (record->weight + 255u) / 256);
    if (srv->user_weight != (record->weight + 255) / 256)
        server_set_weight(srv, str_from(text), &err);
}

/* The address stands in the additional section, or must be asked for. */
static void
take_target(struct follow *follow, const struct dns_record *record)
{
    struct server *srv = follow->server;
    struct addr addr = record->addr;

    if (addr.family == ADDR_NONE) {
        if (follow->name == NULL)
            follow_name(follow, record->target);
        return;
    }
    follow_name(follow, NULL);
    follow->known_ms = loop_now_ms(loop_here());
    addr.port = record->port;
    if (addr_eq(&addr, &srv->addr) && (srv->admin & ADMIN_RMAINT) == 0)
        return;
    resolution_count_update(follow->service->by_name.resolution);
    server_follow_addr(srv, &addr, "DNS additional record");
}

static void
give_record(struct follow *follow, const struct dns_record *record)
{
    follow->has_record = true;
    follow->known_ms = -1;
    follow->port = record->port;
    server_set_fqdn(follow->server, record->target, "'SRV record'");
    server_set_admin(follow->server, ADMIN_HMAINT, 0, NULL);
    if (record->addr.family == ADDR_NONE)
        server_lose_addr(follow->server, NULL, record->port);
    take_weight(follow->server, record);
    take_target(follow, record);
}

static void
take_record_away(struct follow *follow)
{
    follow->has_record = false;
    follow_name(follow, NULL);
    follow->port = 0;
    server_lose_addr(follow->server, "entry removed from SRV record", 0);
    server_set_fqdn(follow->server, NULL, NULL);
}

/* --- all of them --------------------------------------------------------------------------------- */

static const struct dns_record *
find_record(const struct follow *follow, const struct known_record *records, unsigned count,
            bool *is_given)
{
    const char *target = server_fqdn(follow->server);

    for (unsigned i = 0; i < count; i++) {
        if (!is_given[i] && records[i].record.port == follow->port && target != NULL &&
            strcmp(records[i].record.target, target) == 0) {
            is_given[i] = true;
            return &records[i].record;
        }
    }
    return NULL;
}

static void
look_at_members(struct service *service, const struct known_record *records, unsigned count,
                bool *is_given)
{
    LIST_FOR_EACH (follow, &service->members, struct follow, service_link) {
        const struct dns_record *record;

        if (!follow->has_record)
            continue;
        record = find_record(follow, records, count, is_given);
        if (record == NULL) {
            take_record_away(follow);
            continue;
        }
        take_weight(follow->server, record);
        take_target(follow, record);
    }
}

static void
take_records(struct service *service)
{
    unsigned count;
    const struct known_record *records = resolution_records(service->by_name.resolution, &count);
    bool *is_given = alloc_zero(count + 1);
    unsigned at = 0;

    look_at_members(service, records, count, is_given);
    LIST_FOR_EACH (follow, &service->members, struct follow, service_link) {
        while (at < count && is_given[at])
            at++;
        if (at == count)
            break;
        if (!follow->has_record && follow->server->conf != NULL)
            give_record(follow, &records[at++].record);
    }
    alloc_free(is_given);
}

static void
on_result(struct dns_follower *follower, enum dns_outcome outcome)
{
    struct service *service = LIST_ITEM(follower, struct service, by_name);

    if (outcome == DNS_VALID) {
        take_records(service);
    } else if (!resolution_holds(follower->resolution, outcome, -1)) {
        LIST_FOR_EACH (follow, &service->members, struct follow, service_link) {
            if (follow->has_record)
                take_record_away(follow);
        }
    }
}

/* --- life ---------------------------------------------------------------------------------------- */

static struct service *
find(const struct follow *follow, const char *record)
{
    LIST_FOR_EACH (service, &services, struct service, link) {
        if (service->backend == follow->server->backend && service->resolver == follow->resolver &&
            strcmp(service->record, record) == 0)
            return service;
    }
    return NULL;
}

static struct service *
service_new(const struct follow *follow, const char *record)
{
    struct service *service = alloc_zero(sizeof(*service));
    char name[256];

    service->backend = follow->server->backend;
    service->resolver = follow->resolver;
    service->record = alloc_copy(record);
    service->by_name.on_result = on_result;
    list_init(&service->by_name.link);
    list_init(&service->members);
    list_add_last(&services, &service->link);
    if (dns_name_normalise(str_from(record), name, sizeof(name)))
        resolution_follow(service->resolver, name, DNS_WANT_SERVICE, &service->by_name);
    return service;
}

/* Joining again goes to the end of the line: members stand in order of the text. */
void
service_join(struct follow *follow, const char *record)
{
    struct service *service = find(follow, record);

    if (service == NULL)
        service = service_new(follow, record);
    if (follow->service != service)
        service_leave(follow);
    follow->service = service;
    list_remove(&follow->service_link);
    list_add_last(&service->members, &follow->service_link);
}

void
service_leave(struct follow *follow)
{
    struct service *service = follow->service;

    if (service == NULL)
        return;
    follow->service = NULL;
    follow->has_record = false;
    list_remove(&follow->service_link);
    if (!list_is_empty(&service->members))
        return;
    resolution_leave(&service->by_name);
    list_remove(&service->link);
    alloc_free(service->record);
    alloc_free(service);
}
