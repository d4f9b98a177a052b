/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions that somebody gives while weir runs.
 *
 * For:     runtime commands: conditions that pick streams, values of variables.
 * Owns:    what was compiled, its memory, a hold on the snapshot whose names it uses.
 * Thread:  control; traffic may use the result.
 *
 * They are compiled as if they stood in the current configuration, but what the room keeps for a
 * configuration (regexes, named arguments) is put aside meanwhile and kept here.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "pattern_file.h"
#include "private.h"

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
compile(struct live_text *live, struct parse *parse, live_fn *fn, void *arg)
{
    struct expr_room *room = expr_room_of(live->snapshot), saved = *room;
    bool fine;

    room->named = NULL;
    room->named_end = NULL;
    room->kept = NULL;
    room->files = room->lines = NULL;
    hashmap_init(&room->memos); /* nobody remembers values for it */
    fine = fn(parse, arg) && resolve(parse, room->named);
    live->kept = room->kept;
    hashmap_fini(&room->memos);
    live->files = room->files;
    *room = saved; /* what only lint looks at is forgotten */
    return fine;
}

bool
live_text_compile(struct live_text *live, const char *const *words, unsigned count,
                  void *proxy_conf, live_fn *fn, void *arg, struct text *err)
{
    struct words list = { .count = 0 };
    struct parse parse = { .arena = &live->arena,
                           .diag = diag_new(),
                           .object = proxy_conf,
                           .words = &list,
                           .keyword = "runtime command" };
    bool fine;

    memset(live, 0, sizeof(*live));
    arena_init(&live->arena);
    live->snapshot = parse.snapshot = snapshot_current();
    snapshot_hold(live->snapshot);
    fill_words(&list, &live->arena, words, count);
    fine = compile(live, &parse, fn, arg);
    if (!fine)
        diag_print(parse.diag, err, DIAG_ALERT);
    diag_free(parse.diag);
    return fine;
}

void
live_text_fini(struct live_text *live)
{
    for (struct kept *kept = live->kept; kept != NULL; kept = kept->next)
        kept->drop(kept->object);
    pattern_use_drop(live->files);
    snapshot_drop(live->snapshot);
    arena_fini(&live->arena);
}

/* --- conditions --------------------------------------------------------------------------------- */

struct live_condition {
    struct live_text text;
    struct condition *condition;
    unsigned place;
};

static bool
parse_condition(struct parse *parse, void *arg)
{
    struct live_condition *live = arg;

    live->condition = condition_parse(parse, acl_scope_new(parse, NULL), live->place, false);
    return live->condition != NULL;
}

struct live_condition *
live_condition_new(const char *const *words, unsigned count, unsigned place, void *proxy_conf,
                   struct text *err)
{
    struct live_condition *live = alloc_zero(sizeof(*live));

    live->place = place;
    if (live_text_compile(&live->text, words, count, proxy_conf, parse_condition, live, err))
        return live;
    live_condition_free(live);
    return NULL;
}

void
live_condition_free(struct live_condition *live)
{
    live_text_fini(&live->text);
    alloc_free(live);
}

const struct condition *
live_condition_get(const struct live_condition *live)
{
    return live->condition;
}
