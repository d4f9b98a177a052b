/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolvers: name servers of a section, and what they said about names. resolvers_conf is what a section says
 * (immutable); resolver is what lives: found again by name when a new snapshot is built.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"
#include "weir/base/text.h"
#include "weir/config/parse.h"
#include "weir/dns/answer.h"

/* What is asked for. With an address family the other one is asked when the first has nothing. */
enum dns_want { DNS_WANT_IPV4_FIRST, DNS_WANT_IPV6_FIRST, DNS_WANT_SERVICE };

struct resolver_settings {
    int64_t resolve_ms, retry_ms;
    int64_t hold_valid_ms, hold_obsolete_ms, hold_nx_ms, hold_refused_ms, hold_timeout_ms,
        hold_other_ms;
    int64_t retries;
    int64_t payload_size;
};

struct resolver;
struct resolvers_conf {
    struct list link;           /* in the snapshot's list, in order of the text */
    const char *name;
    struct source_pos pos;
    struct list nameservers;    /* struct nameserver_conf (private) */
    struct resolver_settings settings;
    struct resolver *live;      /* set by ADOPT; holds */
};

/* --- boot ------------------------------------------------------------------------ */

/* -4: whatever dns-accept-family says. */
void resolver_use_only_ipv4(void);

/* --- builder --------------------------------------------------------------------- */

/* NULL: none of that name. From CONFIG_RESOLVE on "default" is there if the system has name servers. */
struct resolvers_conf *resolvers_conf_find(const struct snapshot *snapshot, const char *name);

/* --- control --------------------------------------------------------------------- */

/* A record that is known, seen in the last answer or not long ago. */
struct known_record {
    struct dns_record record;
    int64_t seen_ms; /* loop time */
};

struct resolution; /* what is known about one name; shared by all that follow it */

/* Somebody who wants to know; embedded in its owner; zeroed at first. */
struct dns_follower {
    struct list link;
    struct resolution *resolution; /* NULL: follows nothing */
    /* A resolution has ended, or its resolvers go (DNS_TIMEOUT). Whether hold times hide an error says
     * resolution_holds(). May leave. */
    void (*on_result)(struct dns_follower *follower, enum dns_outcome outcome);
};

/* Begins to follow; it is resolved now and again and again. The name is normalised. */
void resolution_follow(struct resolver *resolver, const char *name, enum dns_want want,
                       struct dns_follower *follower);
enum dns_join {
    DNS_JOIN_WAIT,    /* on_result will come */
    DNS_JOIN_FRESH,   /* the answer that is known is fresh enough ("hold valid"); on_result may come all the same */
    DNS_JOIN_REFUSED, /* too many names are asked for already; it follows nothing */
};
/* For once, because of a request: on_result comes with the end of the resolution that is under way, or begins now. Names that
 * clients choose are limited in number, so that they cannot use up sockets and memory. */
enum dns_join resolution_join(struct resolver *resolver, const char *name, enum dns_want want,
                              struct dns_follower *follower);
/* Harmless when it follows nothing. */
void resolution_leave(struct dns_follower *follower);
/* Asks now, if nothing is under way. */
void resolution_trigger(struct resolution *resolution);
/* Is the last valid answer younger than "hold valid"? */
bool resolution_is_fresh(const struct resolution *resolution);
/* Has a valid answer come within the hold time of this error? `known_ms`: loop time of when the follower was sure for other
 * reasons; -1: never. */
bool resolution_holds(const struct resolution *resolution, enum dns_outcome outcome,
                      int64_t known_ms);
const struct known_record *resolution_records(const struct resolution *resolution, unsigned *count);
const char *resolution_name(const struct resolution *resolution);
/* "resolvers/nameserver" of the last valid answer. */
void resolution_source(const struct resolution *resolution, char *to, size_t size);
/* Its last answer has changed something (counter "update"). */
void resolution_count_update(const struct resolution *resolution);

/* The counters of a name server, in the order of "show stat domain resolvers" behind id and pid. */
enum nameserver_counter {
    NS_SENT, NS_SEND_ERROR, NS_VALID, NS_UPDATE, NS_CNAME, NS_CNAME_ERROR, NS_ANY_ERR, NS_NX, NS_TIMEOUT, NS_REFUSED,
    NS_OTHER, NS_INVALID, NS_TOO_BIG, NS_TRUNCATED, NS_OUTDATED,
    NS_COUNTERS,
};
extern const char *const nameserver_counter_names[NS_COUNTERS];

/* Walks over the name servers of the current snapshot's sections. */
typedef void nameserver_fn(const char *resolvers, const char *nameserver, const uint64_t *counters,
                           void *arg);
void resolvers_walk(nameserver_fn *fn, void *arg);
