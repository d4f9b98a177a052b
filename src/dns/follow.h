/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that follow names: what follow.c, follow_conf.c, service.c and follow_cli.c share. */
#pragma once

#include "weir/server/server.h"
#include "private.h"

struct follow_net {
    struct addr addr;
    unsigned bits;
};

/* What a server line says. */
struct follow_conf {
    const char *resolvers; /* NULL: none */
    struct source_pos pos;
    struct resolvers_conf *section; /* from CONFIG_RESOLVE on */
    bool prefers_ipv4;
    bool allows_same_addr;
    bool ignores_weight;
    const struct follow_net *nets;
    unsigned net_count;
};

const struct follow_conf *follow_conf_of(const struct server_conf *conf);

/* A live server that follows a name, or waits for an SRV record. */
struct follow {
    struct dns_follower by_name; /* of addresses */
    struct server *server;
    struct resolver *resolver;   /* borrows: the server's configuration holds it */
    char *name;                  /* owns: what by_name follows; NULL: nothing */
    enum dns_want want;
    struct service *service;     /* NULL: the line has a host name */
    struct list service_link;    /* in service->members */
    uint16_t port;               /* of its SRV record */
    bool has_record;             /* SRV */
    int64_t known_ms;            /* loop time when the address was sure: at the beginning, by additional records;
                                    -1: it belongs to another name */
};

/* Follows `name` (NULL: nothing) from now on. */
void follow_name(struct follow *follow, const char *name);
/* There is an error, and nothing hides it any more. */
const char *follow_reason(enum dns_outcome outcome);

/* --- share.c: one address each ------------------------------------------------------------------ */

/* Before the others, for each follower that is told of an answer. Records are named by their number. */
void share_begin(const struct follow *follow);
/* The record of the server's address; -1: there is none. */
long share_own(const struct follow *follow);
/* No other server of this backend and name has it, or one that stands further down. */
bool share_is_free(const struct follow *follow, unsigned number);
/* It goes from one record to another; -1: none. */
void share_take(const struct follow *follow, long before, long now);

/* --- service.c ---------------------------------------------------------------------------------- */

void service_join(struct follow *follow, const char *record);
void service_leave(struct follow *follow);
