/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This room's part of a snapshot: named arguments to be resolved, and what must be let go of when
 * the snapshot goes.
 *
 * Owns:    the regexes and lists of patterns that stand in a configuration.
 * Thread:  builder; control at the end.
 */
#include "weir/expr/regex_conf.h"
#include "private.h"

static struct slot room_slot = SLOT("expr", SLOT_GLOBAL, struct expr_room);
REGISTER_SLOT(room_slot);

struct expr_room *
expr_room_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &room_slot);
}

void
expr_keep(struct parse *parse, void *object, void (*drop)(void *object))
{
    struct expr_room *room = expr_room_of(parse->snapshot);
    struct kept *kept = ARENA_NEW(parse->arena, struct kept);

    *kept = (struct kept){ .next = room->kept, .object = object, .drop = drop };
    room->kept = kept;
}

static void
drop_regex(void *regex)
{
    regex_free(regex);
}

struct regex *
regex_conf_compile(struct parse *parse, struct str pattern, enum regex_case letters,
                   struct error *err)
{
    struct regex *regex = regex_compile(pattern, letters, err);

    if (regex != NULL)
        expr_keep(parse, regex, drop_regex);
    return regex;
}

/* --- stages of a configuration --------------------------------------------------------------- */

static bool
on_resolve(struct parse *parse)
{
    struct expr_room *room = expr_room_of(parse->snapshot);
    bool fine = true;

    for (struct named_arg *named = room->named; named != NULL; named = named->next) {
        named->arg->ptr =
            named->type->resolve(parse, named->pos, named->arg->str, named->proxy_conf);
        fine = named->arg->ptr != NULL && fine;
    }
    room->named = NULL;
    room->named_end = NULL;
    return fine;
}

static bool
on_release(struct parse *parse)
{
    struct expr_room *room = expr_room_of(parse->snapshot);

    hashmap_fini(&room->memos);
    for (struct kept *kept = room->kept; kept != NULL; kept = kept->next)
        kept->drop(kept->object);
    room->kept = NULL;
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_SERVER + 5, on_resolve, "expr: named arguments" },
    { CONFIG_CHECK, 0, on_resolve, "expr: named arguments of what was compiled since" },
    { CONFIG_RELEASE, ORDER_EXPR, on_release, "expr: what is kept" },
};
REGISTER(config_hook, hooks);
