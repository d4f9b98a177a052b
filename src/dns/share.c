/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has which address of a name, among the servers of one backend that follow it.
 *
 * For:     follow.c. Owns: one table, for the resolution that tells its followers right now.
 * Thread:  control.
 *
 * A thousand servers of one template ask one after the other: looking at all servers for each record and each of them would
 * take seconds.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hashmap.h"
#include "weir/loop/loop.h"
#include "follow.h"

struct share {
    uint64_t turn; /* of the loop */
    const struct proxy *backend;
    const struct resolution *resolution;
    const struct known_record *records; /* borrows: this turn */
    unsigned count;
    struct hashmap numbers;   /* address: 1 + number of its record */
    const struct server **holders; /* owns; by record; the first in the text */
};

static struct share share;

static struct str
key_of(const struct addr *addr)
{
    if (addr->family == ADDR_IPV4)
        return str_of((const char *)&addr->ip4, sizeof(addr->ip4));
    return str_of((const char *)&addr->ip6, addr->family == ADDR_IPV6 ? sizeof(addr->ip6) : 0);
}

static long
number_of(const struct addr *addr)
{
    struct str key = key_of(addr);

    return key.len == 0 ? -1 : (long)(uintptr_t)hashmap_find(&share.numbers, key) - 1;
}

static bool
is_same_name(const struct server *a, const struct server *b)
{
    const char *name = server_fqdn(a), *other = server_fqdn(b);

    return name != NULL && other != NULL && strcmp(name, other) == 0;
}

static void
note_holders(const struct server *like)
{
    LIST_FOR_EACH (srv, &like->backend->back->servers, struct server, link) {
        long number = srv->conf == NULL || !is_same_name(srv, like) ? -1 : number_of(&srv->addr);

        if (number >= 0 && share.holders[number] == NULL)
            share.holders[number] = srv;
    }
}

static void
make(const struct follow *follow)
{
    hashmap_fini(&share.numbers);
    alloc_free(share.holders);
    share = (struct share){ .turn = loop_here()->turns,
                            .backend = follow->server->backend,
                            .resolution = follow->by_name.resolution };
    share.records = resolution_records(share.resolution, &share.count);
    share.holders = alloc_array(share.count + 1, sizeof(*share.holders));
    hashmap_init(&share.numbers);
    for (unsigned i = 0; i < share.count; i++)
        hashmap_set(&share.numbers, key_of(&share.records[i].record.addr),
                    (void *)(uintptr_t)(i + 1));
    note_holders(follow->server);
}

void
share_begin(const struct follow *follow)
{
    unsigned count;
    const struct known_record *records = resolution_records(follow->by_name.resolution, &count);

    if (share.turn != loop_here()->turns || share.backend != follow->server->backend ||
        share.resolution != follow->by_name.resolution || share.records != records ||
        share.count != count)
        make(follow);
}

long
share_own(const struct follow *follow)
{
    return number_of(&follow->server->addr);
}

bool
share_is_free(const struct follow *follow, unsigned number)
{
    return share.holders[number] == NULL || share.holders[number] == follow->server;
}

void
share_take(const struct follow *follow, long before, long now)
{
    if (before >= 0 && share.holders[before] == follow->server)
        share.holders[before] = NULL;
    if (now >= 0 && share.holders[now] == NULL)
        share.holders[now] = follow->server;
}
