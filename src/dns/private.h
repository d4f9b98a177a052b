/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room dns share. */
#pragma once

#include <ev.h>

#include "weir/base/hashmap.h"
#include "weir/config/snapshot.h"
#include "weir/dns/resolver.h"
#include "weir/loop/timer.h"

/* A line "nameserver"; in the snapshot. */
struct nameserver_conf {
    struct list link;
    const char *name;
    struct addr addr;
    bool is_stream;
    struct source_pos pos;
};

/* Live. */
struct nameserver {
    struct list link;         /* in resolver->nameservers */
    char *name;               /* owns */
    struct addr addr;
    bool is_stream;
    bool is_written;          /* in the section as it is now */
    struct resolver *resolver;
    struct list queries;      /* struct dns_query under way, late ones too */
    uint64_t counters[NS_COUNTERS];
};

struct resolver {
    struct list link;         /* in the table */
    unsigned refs;            /* snapshots that have a section of this name */
    char *name;               /* owns */
    struct resolver_settings settings;
    struct list nameservers;  /* struct nameserver */
    struct list resolutions;
    struct hashmap *by_key;   /* owns */
    unsigned pending;         /* resolutions that requests wait for */
};

/* --- query.c: one question to one name server ------------------------------------------------ */

struct dns_query {
    struct list link;         /* in nameserver->queries */
    struct list owner_link;   /* in resolution->queries */
    struct nameserver *nameserver;
    struct resolution *owner; /* NULL: late, nobody waits */
    struct dns_question question;
    char *name;               /* owns */
    int fd;                   /* -1: none */
    ev_io io;
    struct timer timer;
    bool is_stream;
    uint8_t *out;             /* owns: what is to be sent over TCP */
    size_t out_len, out_at;
    uint8_t *in;              /* owns: what came over TCP */
    size_t in_len, in_cap;
};

/* Sends; resolution_on_answer() follows in any case, never inside this call, after `timeout_ms` at the latest. */
struct dns_query *query_start(struct nameserver *nameserver, const char *name, enum dns_type type,
                              int64_t timeout_ms);
/* Without a word. */
void query_drop(struct dns_query *query);

/* --- resolution.c ----------------------------------------------------------------------------- */

/* The query is freed afterwards. `answer` is the callee's to change; only with DNS_VALID. */
void resolution_on_answer(struct resolution *resolution, struct dns_query *query,
                          enum dns_outcome outcome, struct dns_answer *answer);
/* All of it, followers are left alone. */
void resolutions_free(struct resolver *resolver);
/* A name server goes: nothing points to it any more. */
void resolutions_forget_nameserver(struct resolver *resolver, const struct nameserver *nameserver);

/* --- resolver.c --------------------------------------------------------------------------------- */

/* By "dns-accept-family". */
bool resolver_family_is_wanted(enum dns_type type);

/* --- dns_conf.c --------------------------------------------------------------------------------- */

struct list *resolvers_list(const struct snapshot *snapshot);
enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, FAMILY_AUTO = 4 };
unsigned dns_accept_family(const struct snapshot *snapshot);
