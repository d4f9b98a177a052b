/* SPDX-License-Identifier: Apache-2.0 */
/*
 * do-resolve: an address for a name that the request says, into a variable.
 *
 * For:     rules. Owns: an errand for each resolution that a stream waits for.
 * Thread:  the owner of the stream; names are resolved on the control thread. Parsers: builder.
 *
 * An answer that is younger than "hold valid" is used again; all streams that ask for one name wait for one
 * resolution.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/entropy.h"
#include "weir/dns/resolver.h"
#include "weir/expr/sample.h"
#include "weir/expr/variable.h"
#include "weir/stream/errand.h"
#include "private.h"

struct do_resolve {
    struct variable_name variable;
    struct resolvers_conf *resolvers; /* from CONFIG_RESOLVE on */
    const char *resolvers_name;
    enum dns_want want;
    const struct sample *sample;
    struct source_pos pos;
    struct do_resolve *next; /* of this snapshot */
};

struct do_resolves {
    struct do_resolve *first;
};

static struct slot do_resolves_slot = SLOT("do-resolve", SLOT_GLOBAL, struct do_resolves);
REGISTER_SLOT(do_resolves_slot);

/* One name that a stream waits for. */
struct lookup {
    struct errand errand;
    struct dns_follower follower;
    struct snapshot *snapshot; /* holds: the live resolvers stay */
    struct resolver *resolver;
    enum dns_want want;
    char name[256];
    struct addr found; /* ADDR_NONE: nothing */
};

/* --- on the control thread ------------------------------------------------------------------------ */

/* Any of them: so that traffic spreads. */
static void
take_address(struct lookup *lookup)
{
    unsigned count;
    const struct known_record *records =
        resolution_records(lookup->follower.resolution, &count);

    if (count > 0)
        lookup->found = records[entropy_below(count)].record.addr;
}

static void
finish(struct lookup *lookup)
{
    resolution_leave(&lookup->follower);
    errand_finish(&lookup->errand);
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
begin_lookup(struct errand *errand)
{
    struct lookup *lookup = (struct lookup *)errand;

    lookup->follower.on_result = on_result;
    switch (resolution_join(lookup->resolver, lookup->name, lookup->want, &lookup->follower)) {
    case DNS_JOIN_WAIT:
        return;
    case DNS_JOIN_FRESH:
        take_address(lookup);
        break;
    case DNS_JOIN_REFUSED:
        break;
    }
    finish(lookup);
}

/* --- on the thread of the stream ------------------------------------------------------------------- */

static void
free_lookup(struct errand *errand)
{
    struct lookup *lookup = (struct lookup *)errand;

    snapshot_drop(lookup->snapshot);
    alloc_free(lookup);
}

/* A name, and no address: nothing is to be found out about those. */
static bool
find_name(const struct do_resolve *resolve, struct eval *eval, struct lookup *lookup, bool *is_late)
{
    struct value value = { .cursor = VALUE_SINGLE };
    struct addr literal;
    enum fetched got = sample_run_as(resolve->sample, eval, VALUE_STR, &value);

    *is_late = got == FETCH_LATER;
    return got == FETCH_OK && !addr_parse_host(value.str, &literal) &&
           dns_name_normalise(value.str, lookup->name, sizeof(lookup->name));
}

static enum verdict
begin(const struct do_resolve *resolve, struct eval *eval)
{
    struct lookup *lookup = alloc_zero(sizeof(*lookup));
    bool is_late;

    if (!find_name(resolve, eval, lookup, &is_late)) {
        alloc_free(lookup);
        return is_late ? VERDICT_WAIT : VERDICT_CONTINUE;
    }
    lookup->errand.work = begin_lookup;
    lookup->errand.free = free_lookup;
    lookup->errand.is_slow = true;
    list_init(&lookup->follower.link);
    lookup->snapshot = eval->snapshot;
    snapshot_hold(lookup->snapshot);
    lookup->resolver = resolve->resolvers->live;
    lookup->want = resolve->want;
    errand_start(&lookup->errand, eval->stream);
    eval->resume = 1;
    return VERDICT_WAIT;
}

static enum verdict
run(const struct action *action, struct eval *eval)
{
    const struct do_resolve *resolve = action->data;
    struct value value = { .cursor = VALUE_SINGLE };
    const struct lookup *lookup;

    if (eval->resume == 0)
        return begin(resolve, eval);
    lookup = (const struct lookup *)errand_of(eval->stream);
    if (lookup == NULL)
        return VERDICT_CONTINUE;
    if (!lookup->errand.is_done)
        return VERDICT_WAIT;
    if (value_set_addr(&value, &lookup->found))
        variable_store(eval, &resolve->variable, &value);
    errand_abandon(eval->stream);
    return VERDICT_CONTINUE;
}

/* --- reading --------------------------------------------------------------------------------------- */

/* "(txn.name,resolvers,ipv4)" */
static bool
parse_inside(struct parse *parse, struct str inside, struct do_resolve *resolve)
{
    struct error err = ERROR_INIT;
    struct str name = str_split(&inside, ','), family;

    if (!variable_name_parse(str_trim(name), &resolve->variable, &err))
        return parse_alert(parse, "%s", err.text);
    name = inside.ptr == NULL ? STR_NONE : str_trim(str_split(&inside, ','));
    if (name.len == 0)
        return parse_alert(parse, "the name of a resolvers section is missing: "
                                  "do-resolve(txn.addr,name)");
    resolve->resolvers_name = arena_copy_str(parse->arena, name);
    resolve->want = DNS_WANT_IPV6_FIRST;
    if (inside.ptr == NULL)
        return true;
    family = str_trim(inside);
    if (str_eq(family, STR("ipv4")))
        resolve->want = DNS_WANT_IPV4_FIRST;
    else if (!str_eq(family, STR("ipv6")))
        return parse_alert(parse, "'%.*s' is neither ipv4 nor ipv6", STR_ARG(family));
    return true;
}

static bool
parse_do_resolve(struct parse *parse, struct action *action)
{
    struct do_resolves *all = snapshot_slot(parse->snapshot, &do_resolves_slot);
    struct do_resolve *resolve = ARENA_NEW(parse->arena, struct do_resolve);
    struct str inside;

    action->data = resolve;
    action->run = run;
    if (!action_parenthesis(parse, action, &inside))
        return parse_alert(parse, "arguments are missing: do-resolve(txn.addr,name)");
    if (!parse_inside(parse, inside, resolve))
        return false;
    resolve->pos = parse_pos(parse);
    resolve->next = all->first;
    all->first = resolve;
    resolve->sample = sample_parse(parse, action->place);
    return resolve->sample != NULL;
}

static bool
on_resolve(struct parse *parse)
{
    const struct do_resolves *all = snapshot_slot(parse->snapshot, &do_resolves_slot);
    bool fine = true;

    for (struct do_resolve *resolve = all->first; resolve != NULL; resolve = resolve->next) {
        resolve->resolvers = resolvers_conf_find(parse->snapshot, resolve->resolvers_name);
        if (resolve->resolvers == NULL)
            fine = parse_alert_at(parse, resolve->pos,
                                  "do-resolve: there is no section 'resolvers %s'",
                                  resolve->resolvers_name);
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_STREAM, on_resolve, "stream: do-resolve" },
};
REGISTER(config_hook, hooks);

static const struct action_kind kinds[] = {
    { "do-resolve", ON(HOOK_HTTP_REQUEST) | ON(HOOK_TCP_REQUEST), .is_prefix = true,
      .args = "(<variable>,<resolvers>[,ipv4|ipv6]) <expression>", .parse = parse_do_resolve,
      .help = "Look up the name that the expression gives; its address goes into the variable." },
};
REGISTER(action_kind, kinds);
