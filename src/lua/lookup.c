/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that scripts want to connect to.
 *
 * For:     class_client.c.
 * Owns:    a lookup from its start to its end, whether or not somebody still waits.
 * Thread:  started and ended on the thread of the script; in between, control resolves.
 */
#include "lookup.h"

#include "weir/base/alloc.h"
#include "weir/base/entropy.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"

struct lookup {
    struct mail mail;
    struct thread *home;
    struct dns_follower follower;
    struct snapshot *snapshot; /* holds: the live resolvers stay */
    struct resolver *resolver;
    enum dns_want want;
    char name[256];
    struct addr found; /* ADDR_NONE: nothing */
    void (*on_done)(void *data, const struct addr *addr); /* NULL: nobody waits */
    void *data;
};

static void
on_home(struct mail *mail)
{
    struct lookup *lookup = LIST_ITEM(mail, struct lookup, mail);

    if (lookup->on_done != NULL)
        lookup->on_done(lookup->data, &lookup->found);
    snapshot_drop(lookup->snapshot);
    alloc_free(lookup);
}

/* --- control ------------------------------------------------------------------------------------------ */

static void
finish(struct lookup *lookup)
{
    resolution_leave(&lookup->follower);
    mailbox_send(lookup->home, &lookup->mail, on_home);
}

static void
take_address(struct lookup *lookup)
{
    unsigned count;
    const struct known_record *records = resolution_records(lookup->follower.resolution, &count);

    if (count > 0)
        lookup->found = records[entropy_below(count)].record.addr;
}

static void
on_result(struct dns_follower *follower, enum dns_outcome outcome)
{
    struct lookup *lookup = LIST_ITEM(follower, struct lookup, follower);

    if (outcome == DNS_VALID)
        take_address(lookup);
    finish(lookup);
}

static void
on_control(struct mail *mail)
{
    struct lookup *lookup = LIST_ITEM(mail, struct lookup, mail);
    enum dns_join join = resolution_join(lookup->resolver, lookup->name, lookup->want, &lookup->follower);

    if (join == DNS_JOIN_WAIT)
        return;
    if (join == DNS_JOIN_FRESH)
        take_address(lookup);
    finish(lookup);
}

/* --- the script's thread ------------------------------------------------------------------------------ */

struct lookup *
lookup_start(struct str name, const struct outside *outside, struct snapshot *snapshot,
             void (*on_done)(void *data, const struct addr *addr), void *data)
{
    struct lookup *lookup;

    if (outside->resolvers == NULL)
        return NULL;
    lookup = alloc_zero(sizeof(*lookup));
    if (!dns_name_normalise(name, lookup->name, sizeof(lookup->name))) {
        alloc_free(lookup);
        return NULL;
    }
    lookup->home = this_thread;
    lookup->snapshot = snapshot;
    snapshot_hold(snapshot);
    lookup->resolver = outside->resolvers->live;
    lookup->want = outside->prefer == 0 ? DNS_WANT_IPV4_FIRST : DNS_WANT_IPV6_FIRST;
    lookup->on_done = on_done;
    lookup->data = data;
    lookup->follower.on_result = on_result;
    list_init(&lookup->follower.link);
    mailbox_send(thread_at(0), &lookup->mail, on_control);
    return lookup;
}

void
lookup_abandon(struct lookup *lookup)
{
    lookup->on_done = NULL;
}
