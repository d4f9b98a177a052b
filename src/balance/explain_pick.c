/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says which servers of a backend could take a stream, and why the others could not.
 *
 * Callers: pick.c, when somebody asks why. Thread: traffic.
 */
#include "weir/base/text.h"
#include "weir/expr/explain.h"

#include "private.h"

static bool
is_in_use(const struct server_set *set, const struct server *srv)
{
    for (unsigned i = 0; i < set->usable_count; i++) {
        if (set->usable[i] == srv)
            return true;
    }
    return false;
}

static const char *
why_not(const struct server_set *set, const struct server *srv)
{
    unsigned admin = __atomic_load_n(&srv->admin, __ATOMIC_RELAXED);

    if ((admin & ADMIN_MAINT) != 0)
        return "in maintenance";
    if ((admin & ADMIN_DRAIN) != 0)
        return "draining";
    if (__atomic_load_n(&srv->state, __ATOMIC_RELAXED) == SERVER_STOPPED)
        return "down";
    if (__atomic_load_n(&srv->effective_weight, __ATOMIC_RELAXED) == 0)
        return "weight 0";
    return set->uses_backups ? "not used" : "a backup, and others are up";
}

static void
add_usable(struct text *to, const struct server *srv)
{
    text_printf(to, "%s%s (weight %lld", to->len > 0 ? ", " : "", srv->name,
                (long long)__atomic_load_n(&srv->user_weight, __ATOMIC_RELAXED));
    if (load_of(srv) > 0)
        text_printf(to, ", %llu streams", (unsigned long long)load_of(srv));
    text_add_char(to, ')');
}

static void
say_usable(const struct server_set *set, struct explain *explain)
{
    struct text text = TEXT_INIT;

    for (unsigned i = 0; i < set->usable_count; i++)
        add_usable(&text, set->usable[i]);
    if (set->usable_count == 0)
        explain_note(explain, "no server can take it");
    else
        explain_note(explain, "%s can take it: %s", set->uses_backups ? "backups" : "these",
                     text_cstr(&text));
    text_fini(&text);
}

void
explain_servers(const struct server_set *set, struct explain *explain)
{
    say_usable(set, explain);
    for (unsigned i = 0; i < set->all_count; i++) {
        if (!is_in_use(set, set->all[i]))
            explain_note(explain, "%s is left out: %s", set->all[i]->name,
                         why_not(set, set->all[i]));
    }
    if (set->usable_count > 1 && set->balancer != NULL)
        explain_note(explain, "balance %s chooses", set->balancer->name);
}
