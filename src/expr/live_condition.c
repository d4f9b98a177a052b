/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A condition that somebody gives while weir runs.
 *
 * For:     runtime commands that pick streams.
 * Owns:    the condition, its memory, a hold on the snapshot whose names it uses.
 * Thread:  control; traffic tests it.
 *
 * It is compiled as if it stood in the current configuration, but what the room keeps for a
 * configuration (regexes, named arguments) is put aside meanwhile and kept here.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "private.h"

struct live_condition {
    struct arena arena;
    struct condition *condition;
    struct kept *kept;
    struct snapshot *snapshot; /* holds */
};

static bool
resolve(struct parse *parse, struct named_arg *named)
{
    for (; named != NULL; named = named->next) {
        named->arg->ptr =
            named->type->resolve(parse, named->pos, named->arg->str, named->proxy_conf);
        if (named->arg->ptr == NULL)
            return false;
    }
    return true;
}

static void
fill_words(struct words *words, struct arena *arena, const char *const *texts, unsigned count)
{
    const char *line = "";

    words->items = ARENA_ARRAY(arena, struct word, count + 1);
    words->count = count;
    for (unsigned i = 0; i < count; i++) {
        words->items[i].text = texts[i];
        words->items[i].column = (unsigned)strlen(line) + 1;
        line = arena_printf(arena, "%s%s ", line, texts[i]);
    }
    words->line_text = line;
}

static bool
compile(struct live_condition *live, struct parse *parse, unsigned place)
{
    struct expr_room *room = expr_room_of(live->snapshot), saved = *room;
    bool fine;

    room->named = NULL;
    room->named_end = NULL;
    room->kept = NULL;
    hashmap_init(&room->memos); /* nobody remembers values for it */
    live->condition = condition_parse(parse, acl_scope_new(parse, NULL), place, false);
    fine = live->condition != NULL && resolve(parse, room->named);
    live->kept = room->kept;
    hashmap_fini(&room->memos);
    saved.files = room->files; /* what only lint looks at is forgotten */
    *room = saved;
    return fine;
}

struct live_condition *
live_condition_new(const char *const *words, unsigned count, unsigned place, void *proxy_conf,
                   struct text *err)
{
    struct live_condition *live = alloc_zero(sizeof(*live));
    struct words list = { .count = 0 };
    struct parse parse = { .arena = &live->arena, .diag = diag_new(), .object = proxy_conf };
    bool fine;

    arena_init(&live->arena);
    live->snapshot = parse.snapshot = snapshot_current();
    snapshot_hold(live->snapshot);
    fill_words(&list, &live->arena, words, count);
    parse.words = &list;
    parse.keyword = "condition";
    fine = compile(live, &parse, place);
    if (!fine) {
        diag_print(parse.diag, err, DIAG_ALERT);
        live_condition_free(live);
        live = NULL;
    }
    diag_free(parse.diag);
    return live;
}

void
live_condition_free(struct live_condition *live)
{
    for (struct kept *kept = live->kept; kept != NULL; kept = kept->next)
        kept->drop(kept->object);
    snapshot_drop(live->snapshot);
    arena_fini(&live->arena);
    alloc_free(live);
}

const struct condition *
live_condition_get(const struct live_condition *live)
{
    return live->condition;
}
