/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about one name: asked for again and again while anybody follows it.
 *
 * For:     follow.c, service.c, do-resolve. Owns: its records; its questions under way.
 * Thread:  control.
 *
 *     IDLE ──(timeout resolve; a new follower)──> ASKING: a question to each name server
 *     ASKING: a valid answer ────────────────────────────> records are taken over, followers told, IDLE
 *             all have failed: the other family, or once more (resolve_retries), or followers are told, IDLE
 *
 * Records that an answer lacks stay for "hold obsolete". Answers after the first valid one are only counted.
 */
#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hashmap.h"
#include "weir/loop/loop.h"
#include "private.h"

/* Without followers: kept as long as an answer may be used again. */
#define KEPT_IDLE_MS 1000
/* Of names that requests bring, for each section: asked for at the same time; known at all. */
#define PENDING_MAX 512
#define KNOWN_MAX   16384

struct resolution {
    struct list link;          /* in resolver->resolutions */
    struct resolver *resolver;
    char *key;                 /* owns: "4:name" */
    const char *name;          /* in key */
    enum dns_want want;
    enum dns_type type;        /* asked for now */
    struct list followers;
    struct list queries;       /* under way, by owner_link */
    struct timer timer;        /* the next time */
    int64_t tries_left;
    bool is_asking;
    bool has_switched;         /* to the other family, in this try */
    bool is_telling;
    bool is_pending;           /* counted in resolver->pending */
    bool is_error_known;
    enum dns_outcome error;    /* of this try */
    int64_t valid_ms;          /* of the last valid answer; -1: never */
    struct nameserver *valid_from; /* NULL: none, or gone */
    char *source;              /* owns: its name */
    struct known_record *records; /* owns */
    unsigned count;
};

static int64_t
now(void)
{
    return loop_now_ms(loop_here());
}

static void
schedule(struct resolution *resolution, int64_t delay_ms)
{
    timer_set(loop_here(), &resolution->timer, now() + delay_ms);
}

/* --- records ----------------------------------------------------------------------------------- */

static bool
is_same(const struct dns_record *a, const struct dns_record *b)
{
    if (a->target == NULL || b->target == NULL)
        return a->target == b->target && addr_eq_host(&a->addr, &b->addr);
    return a->port == b->port && strcmp(a->target, b->target) == 0;
}

static struct known_record *
find(struct resolution *resolution, const struct dns_record *record)
{
    for (unsigned i = 0; i < resolution->count; i++) {
        if (is_same(&resolution->records[i].record, record))
            return &resolution->records[i];
    }
    return NULL;
}

static void
take_record(struct resolution *resolution, struct dns_record *record)
{
    struct known_record *known = find(resolution, record);

    if (known == NULL) {
        resolution->records = alloc_resize(
            resolution->records, (resolution->count + 1) * sizeof(*resolution->records));
        known = &resolution->records[resolution->count++];
    } else {
        alloc_free(known->record.target);
    }
    known->record = *record;
    known->seen_ms = now();
    record->target = NULL;
}

static void
forget_obsolete(struct resolution *resolution)
{
    int64_t limit = now() - resolution->resolver->settings.hold_obsolete_ms;
    unsigned left = 0;

    for (unsigned i = 0; i < resolution->count; i++) {
        struct known_record *known = &resolution->records[i];

        if (known->seen_ms == now() || known->seen_ms > limit)
            resolution->records[left++] = *known;
        else
            alloc_free(known->record.target);
    }
    resolution->count = left;
}

/* --- asking ------------------------------------------------------------------------------------ */

static bool
is_possible(const struct resolution *resolution, enum dns_type type)
{
    return resolution->want == DNS_WANT_SERVICE || resolver_family_is_wanted(type);
}

static enum dns_type
first_type(const struct resolution *resolution)
{
    enum dns_type type = resolution->want == DNS_WANT_SERVICE      ? DNS_SRV
                         : resolution->want == DNS_WANT_IPV4_FIRST ? DNS_A
                                                                   : DNS_AAAA;

    if (!is_possible(resolution, type))
        type = type == DNS_A ? DNS_AAAA : DNS_A;
    return type;
}

/* Those that are still under way find nobody. */
static void
let_go_of_queries(struct resolution *resolution)
{
    LIST_FOR_EACH_SAFE (query, &resolution->queries, struct dns_query, owner_link) {
        query->owner = NULL;
        list_remove(&query->owner_link);
    }
}

static void
ask_all(struct resolution *resolution)
{
    struct resolver *resolver = resolution->resolver;

    let_go_of_queries(resolution);
    resolution->is_asking = true;
    resolution->is_error_known = false;
    resolution->error = DNS_TIMEOUT;
    LIST_FOR_EACH (nameserver, &resolver->nameservers, struct nameserver, link) {
        struct dns_query *query = query_start(nameserver, resolution->name, resolution->type,
                                              resolver->settings.retry_ms);

        query->owner = resolution;
        list_add_last(&resolution->queries, &query->owner_link);
    }
    if (list_is_empty(&resolver->nameservers))
        schedule(resolution, resolver->settings.retry_ms);
    else
        timer_stop(&resolution->timer);
}

static void
begin(struct resolution *resolution)
{
    resolution->tries_left = resolution->resolver->settings.retries;
    resolution->type = first_type(resolution);
    resolution->has_switched = false;
    ask_all(resolution);
}

static void resolution_free(struct resolution *resolution);

static void
set_pending(struct resolution *resolution, bool is_pending)
{
    if (is_pending && !resolution->is_pending)
        resolution->resolver->pending++;
    if (!is_pending && resolution->is_pending)
        resolution->resolver->pending--;
    resolution->is_pending = is_pending;
}

static void
end(struct resolution *resolution, enum dns_outcome outcome)
{
    resolution->is_asking = false;
    set_pending(resolution, false);
    schedule(resolution, resolution->resolver->settings.resolve_ms);
    resolution->is_telling = true;
    LIST_FOR_EACH_SAFE (follower, &resolution->followers, struct dns_follower, link)
        follower->on_result(follower, outcome);
    resolution->is_telling = false;
    if (list_is_empty(&resolution->followers))
        schedule(resolution, KEPT_IDLE_MS);
}

static bool
may_switch(const struct resolution *resolution)
{
    enum dns_type other = resolution->type == DNS_A ? DNS_AAAA : DNS_A;

    return resolution->want != DNS_WANT_SERVICE && !resolution->has_switched &&
           resolution->error != DNS_TIMEOUT && is_possible(resolution, other);
}

/* All name servers have failed. */
static void
try_again(struct resolution *resolution)
{
    enum dns_outcome error = resolution->error;

    if (may_switch(resolution)) {
        resolution->has_switched = true;
        resolution->type = resolution->type == DNS_A ? DNS_AAAA : DNS_A;
        ask_all(resolution);
    } else if (error != DNS_NX && error != DNS_EMPTY && --resolution->tries_left > 0) {
        resolution->has_switched = false;
        resolution->type = first_type(resolution);
        ask_all(resolution);
    } else {
        end(resolution, error);
    }
}

static void
take_answer(struct resolution *resolution, struct nameserver *nameserver, struct dns_answer *answer)
{
    for (unsigned i = 0; i < answer->count; i++)
        take_record(resolution, &answer->records[i]);
    forget_obsolete(resolution);
    resolution->valid_ms = now();
    resolution->valid_from = nameserver;
    alloc_free(resolution->source);
    resolution->source = alloc_copy(nameserver->name);
    let_go_of_queries(resolution);
    end(resolution, DNS_VALID);
}

void
resolution_on_answer(struct resolution *resolution, struct dns_query *query, enum dns_outcome outcome,
                     struct dns_answer *answer)
{
    list_remove(&query->owner_link);
    query->owner = NULL;
    if (outcome == DNS_VALID) {
        take_answer(resolution, query->nameserver, answer);
        return;
    }
    if (outcome != DNS_TIMEOUT || !resolution->is_error_known)
        resolution->error = outcome;
    resolution->is_error_known = resolution->is_error_known || outcome != DNS_TIMEOUT;
    if (list_is_empty(&resolution->queries))
        try_again(resolution);
}

static void
on_timer(struct timer *timer)
{
    struct resolution *resolution = LIST_ITEM(timer, struct resolution, timer);

    if (resolution->is_asking)
        try_again(resolution); /* there is nobody to ask */
    else if (!list_is_empty(&resolution->followers))
        begin(resolution);
    else if (resolution_is_fresh(resolution))
        schedule(resolution, KEPT_IDLE_MS);
    else
        resolution_free(resolution);
}

/* --- life -------------------------------------------------------------------------------------- */

static struct resolution *
resolution_new(struct resolver *resolver, const char *key, enum dns_want want)
{
    struct resolution *resolution = alloc_zero(sizeof(*resolution));

    resolution->resolver = resolver;
    resolution->key = alloc_copy(key);
    resolution->name = resolution->key + 2;
    resolution->want = want;
    resolution->valid_ms = -1;
    list_init(&resolution->followers);
    list_init(&resolution->queries);
    timer_init(&resolution->timer, on_timer);
    list_add_last(&resolver->resolutions, &resolution->link);
    hashmap_set(resolver->by_key, str_from(resolution->key), resolution);
    return resolution;
}

static void
resolution_free(struct resolution *resolution)
{
    LIST_FOR_EACH_SAFE (query, &resolution->queries, struct dns_query, owner_link)
        query_drop(query);
    resolution->is_telling = true;
    while (!list_is_empty(&resolution->followers)) {
        struct dns_follower *follower =
            LIST_FIRST(&resolution->followers, struct dns_follower, link);

        follower->on_result(follower, DNS_TIMEOUT);
        resolution_leave(follower);
    }
    timer_stop(&resolution->timer);
    set_pending(resolution, false);
    hashmap_remove(resolution->resolver->by_key, str_from(resolution->key));
    list_remove(&resolution->link);
    for (unsigned i = 0; i < resolution->count; i++)
        alloc_free(resolution->records[i].record.target);
    alloc_free(resolution->records);
    alloc_free(resolution->source);
    alloc_free(resolution->key);
    alloc_free(resolution);
}

void
resolutions_free(struct resolver *resolver)
{
    LIST_FOR_EACH_SAFE (resolution, &resolver->resolutions, struct resolution, link)
        resolution_free(resolution);
}

void
resolutions_forget_nameserver(struct resolver *resolver, const struct nameserver *nameserver)
{
    LIST_FOR_EACH (resolution, &resolver->resolutions, struct resolution, link) {
        if (resolution->valid_from == nameserver)
            resolution->valid_from = NULL;
    }
}

struct resolution_key {
    char text[264];
};

static struct resolution *
find_by_name(struct resolver *resolver, const char *name, enum dns_want want,
             struct resolution_key *key)
{
    static const char kinds[] = { '4', '6', 'S' };

    snprintf(key->text, sizeof(key->text), "%c:%s", kinds[want], name);
    return hashmap_find(resolver->by_key, str_from(key->text));
}

static void
add_follower(struct resolution *resolution, struct dns_follower *follower)
{
    follower->resolution = resolution;
    list_add_last(&resolution->followers, &follower->link);
}

void
resolution_follow(struct resolver *resolver, const char *name, enum dns_want want,
                  struct dns_follower *follower)
{
    struct resolution_key key;
    struct resolution *resolution = find_by_name(resolver, name, want, &key);

    add_follower(resolution != NULL ? resolution : resolution_new(resolver, key.text, want),
                 follower);
    resolution_trigger(follower->resolution);
}

enum dns_join
resolution_join(struct resolver *resolver, const char *name, enum dns_want want,
                struct dns_follower *follower)
{
    struct resolution_key key;
    struct resolution *resolution = find_by_name(resolver, name, want, &key);
    bool is_fresh = resolution != NULL && resolution_is_fresh(resolution);

    if (!is_fresh && (resolution == NULL || !resolution->is_asking) &&
        (resolver->pending >= PENDING_MAX || resolver->by_key->count >= KNOWN_MAX))
        return DNS_JOIN_REFUSED;
    add_follower(resolution != NULL ? resolution : resolution_new(resolver, key.text, want),
                 follower);
    if (is_fresh)
        return DNS_JOIN_FRESH;
    set_pending(follower->resolution, true);
    resolution_trigger(follower->resolution);
    return DNS_JOIN_WAIT;
}

void
resolution_leave(struct dns_follower *follower)
{
    struct resolution *resolution = follower->resolution;

    if (resolution == NULL)
        return;
    follower->resolution = NULL;
    list_remove(&follower->link);
    if (list_is_empty(&resolution->followers) && !resolution->is_asking && !resolution->is_telling)
        schedule(resolution, KEPT_IDLE_MS);
}

/* By its timer: nothing is sent, and nobody is told, inside of the caller. */
void
resolution_trigger(struct resolution *resolution)
{
    if (!resolution->is_asking)
        schedule(resolution, 0);
}

bool
resolution_is_fresh(const struct resolution *resolution)
{
    return resolution->valid_ms >= 0 &&
           now() - resolution->valid_ms < resolution->resolver->settings.hold_valid_ms;
}

bool
resolution_holds(const struct resolution *resolution, enum dns_outcome outcome, int64_t known_ms)
{
    int64_t valid_ms = resolution->valid_ms > known_ms ? resolution->valid_ms : known_ms;
    const struct resolver_settings *settings = &resolution->resolver->settings;
    int64_t hold_ms = outcome == DNS_NX        ? settings->hold_nx_ms
                      : outcome == DNS_REFUSED ? settings->hold_refused_ms
                      : outcome == DNS_TIMEOUT ? settings->hold_timeout_ms
                                               : settings->hold_other_ms;

    return valid_ms >= 0 && now() - valid_ms < hold_ms;
}

const struct known_record *
resolution_records(const struct resolution *resolution, unsigned *count)
{
    *count = resolution->count;
    return resolution->records;
}

const char *
resolution_name(const struct resolution *resolution)
{
    return resolution->name;
}

void
resolution_source(const struct resolution *resolution, char *to, size_t size)
{
    snprintf(to, size, "%s/%s", resolution->resolver->name,
             resolution->source == NULL ? "-" : resolution->source);
}

void
resolution_count_update(const struct resolution *resolution)
{
    if (resolution->valid_from != NULL)
        resolution->valid_from->counters[NS_UPDATE]++;
}
