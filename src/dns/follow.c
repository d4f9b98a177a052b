/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server addresses follow names.
 *
 * For:     servers with "resolvers". Owns: a struct follow for each, from publishing to removal.
 * Callers: server tells of added and removed servers (server_observer); resolutions tell the rest.
 * Thread:  control.
 *
 * A server keeps its address as long as answers hold it. Servers of one backend and name share the addresses of
 * that name out among them, one each.
 */
#include "follow.h"

#include <string.h>
#include <strings.h>

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"

const char *
follow_reason(enum dns_outcome outcome)
{
    switch ((int)outcome) {
    case DNS_NX:
        return "DNS NX status";
    case DNS_TIMEOUT:
        return "DNS timeout status";
    case DNS_REFUSED:
        return "DNS refused status";
    default:
        return "unspecified DNS error";
    }
}

/* --- which address ------------------------------------------------------------------------------ */

static bool
is_in_net(const struct addr *addr, const struct follow_net *net)
{
    const uint8_t *a = (const uint8_t *)&addr->ip6, *b = (const uint8_t *)&net->addr.ip6;
    unsigned bytes = net->bits / 8, rest = net->bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);

    return addr->family == net->addr.family && memcmp(a, b, bytes) == 0 &&
           (rest == 0 || ((a[bytes] ^ b[bytes]) & mask) == 0);
}

static bool
is_preferred(const struct follow_conf *conf, const struct addr *addr)
{
    for (unsigned i = 0; i < conf->net_count; i++) {
        if (is_in_net(addr, &conf->nets[i]))
            return true;
    }
    return false;
}

enum { SCORE_NET = 4, SCORE_MINE = 2, SCORE_FREE = 1 };

/* -1: may not be used. */
static int
score(const struct follow *follow, const struct follow_conf *conf, unsigned number,
      const struct addr *addr)
{
    bool is_free = follow->service != NULL || share_is_free(follow, number);
    int result = is_free ? SCORE_FREE : 0;

    if (!is_free && !conf->allows_same_addr)
        return -1;
    if (is_preferred(conf, addr))
        result |= SCORE_NET;
    if (addr_eq_host(&follow->server->addr, addr))
        result |= SCORE_MINE;
    return result;
}

/* The number of a record; -1: there is none for this server. */
static long
choose(const struct follow *follow, const struct known_record *records, unsigned count, long own)
{
    const struct follow_conf *conf = follow_conf_of(follow->server->conf);
    int best_score = -1, good = SCORE_MINE | (conf->net_count > 0 ? SCORE_NET : 0);
    long best = -1;

    if (own >= 0) {
        best = own;
        best_score = score(follow, conf, (unsigned)own, &records[own].record.addr);
        if (best_score >= good)
            return own;
    }
    good = SCORE_FREE | (conf->net_count > 0 ? SCORE_NET : 0);
    for (unsigned i = 0; i < count; i++) {
        int its_score = score(follow, conf, i, &records[i].record.addr);

        if (its_score > best_score) {
            best_score = its_score;
            best = i;
        }
        if (best_score >= good && own < 0)
            break;
    }
    return best_score < 0 ? -1 : best;
}

static void
go_to(struct follow *follow, const struct addr *found)
{
    struct server *srv = follow->server;
    struct addr addr = *found;
    char by[256];

    addr.port = follow->service != NULL ? follow->port : srv->conf->addr.port;
    if (addr_eq(&addr, &srv->addr) && (srv->admin & ADMIN_RMAINT) == 0)
        return;
    resolution_count_update(follow->by_name.resolution);
    resolution_source(follow->by_name.resolution, by, sizeof(by));
    server_follow_addr(srv, &addr, by);
}

static void
take_addr(struct follow *follow)
{
    const struct known_record *records;
    unsigned count;
    long own, now;

    records = resolution_records(follow->by_name.resolution, &count);
    share_begin(follow);
    own = share_own(follow);
    now = choose(follow, records, count, own);
    share_take(follow, own, now);
    if (now < 0)
        server_lose_addr(follow->server, "No IP for server", SERVER_KEEPS_PORT);
    else
        go_to(follow, &records[now].record.addr);
}

static void
on_result(struct dns_follower *follower, enum dns_outcome outcome)
{
    struct follow *follow = LIST_ITEM(follower, struct follow, by_name);

    if (follow->server->conf == NULL)
        return;
    if (outcome == DNS_VALID)
        take_addr(follow);
    else if (!resolution_holds(follower->resolution, outcome, follow->known_ms))
        server_lose_addr(follow->server, follow_reason(outcome), SERVER_KEEPS_PORT);
}

/* --- life --------------------------------------------------------------------------------------- */

void
follow_name(struct follow *follow, const char *name)
{
    char normal[256];

    resolution_leave(&follow->by_name);
    alloc_free(follow->name);
    follow->name = NULL;
    if (name == NULL || !dns_name_normalise(str_from(name), normal, sizeof(normal)))
        return;
    follow->name = alloc_copy(normal);
    resolution_follow(follow->resolver, normal, follow->want, &follow->by_name);
}

static void
follow_free(struct follow *follow)
{
    service_leave(follow);
    follow_name(follow, NULL);
    follow->server->follow = NULL;
    alloc_free(follow);
}

static struct follow *
follow_new(struct server *srv)
{
    struct follow *follow = alloc_zero(sizeof(*follow));

    follow->server = srv;
    follow->by_name.on_result = on_result;
    follow->known_ms = srv->addr.family == ADDR_NONE ? -1 : loop_now_ms(loop_here());
    list_init(&follow->by_name.link);
    list_init(&follow->service_link);
    srv->follow = follow;
    return follow;
}

static enum dns_want
want_of(const struct follow_conf *conf)
{
    return conf->prefers_ipv4 ? DNS_WANT_IPV4_FIRST : DNS_WANT_IPV6_FIRST;
}

/* What is followed is what the text says? */
static bool
is_right(const struct follow *follow, const struct follow_conf *conf, const char *written)
{
    if (follow->resolver != conf->section->live || follow->want != want_of(conf))
        return false;
    if (written[0] == '_')
        return follow->service != NULL;
    return follow->service == NULL && follow->name != NULL &&
           strcasecmp(follow->name, server_fqdn(follow->server)) == 0;
}

/* After each publishing. */
static void
refresh(struct server *srv)
{
    const char *written = srv->conf->host_name;
    const struct follow_conf *conf = follow_conf_of(srv->conf);
    struct follow *follow = srv->follow;

    if (follow != NULL && srv->conf->follows_name && is_right(follow, conf, written)) {
        if (follow->service != NULL)
            service_join(follow, written);
        return;
    }
    if (follow != NULL)
        follow_free(follow);
    if (!srv->conf->follows_name) {
        server_set_admin(srv, 0, ADMIN_HMAINT, NULL);
        return;
    }
    follow = follow_new(srv);
    follow->resolver = conf->section->live;
    follow->want = want_of(conf);
    if (written[0] == '_') {
        /* What it had from other resolvers is looked for among the new records. */
        follow->has_record = srv->fqdn != NULL;
        follow->port = srv->addr.port;
        service_join(follow, written);
    } else {
        follow_name(follow, server_fqdn(srv));
    }
}

/* It has gone down by its checks: perhaps it lives elsewhere by now. */
static void
ask_again(struct follow *follow)
{
    if (follow != NULL && follow->by_name.resolution != NULL)
        resolution_trigger(follow->by_name.resolution);
}

static void
on_server_changed(struct server *srv, unsigned what)
{
    if ((what & SERVER_REMOVED) != 0) {
        if (srv->follow != NULL)
            follow_free(srv->follow);
    } else if ((what & SERVER_ADDED) != 0 || what == 0) {
        refresh(srv);
    } else if ((what & SERVER_CHANGED_STATE) != 0 && srv->state == SERVER_STOPPED) {
        ask_again(srv->follow);
    }
}

static const struct server_observer observers[] = { { on_server_changed } };
REGISTER(server_observer, observers);
