/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions on tables: track-sc0, sc-inc-gpc0, sc-set-gpt and their kin.
 *
 * Thread: builder parses; owner of the session runs.
 */
#include <string.h>

#include "weir/base/number.h"
#include "weir/expr/sample.h"
#include "weir/rules/action.h"
#include "private.h"

#define ON_REQUESTS                                                                                \
    (ON(HOOK_TCP_CONNECTION) | ON(HOOK_TCP_SESSION) | ON(HOOK_TCP_REQUEST) | ON(HOOK_HTTP_REQUEST))
#define ON_TRACKS   (ON_REQUESTS | ON(HOOK_HTTP_RESPONSE))

/* --- track-scN -------------------------------------------------------------------------------- */

struct track_action {
    struct track_action *next; /* of the snapshot: tables are found later */
    unsigned slot;
    const struct sample *key;
    const char *table_name;
    struct source_pos pos;
    struct stick_table_conf *table;
};

struct track_list {
    struct track_action *first;
};
static struct slot list_slot = SLOT("track-sc", SLOT_GLOBAL, struct track_list);
REGISTER_SLOT(list_slot);

static enum verdict
run_track(const struct action *action, struct eval *eval)
{
    const struct track_action *track = action->data;
    struct stick_key key;
    struct value value;

    if (stick_track_find(eval, track->slot).table != NULL)
        return VERDICT_CONTINUE; /* the first one counts */
    value.cursor = VALUE_SINGLE;
    switch (sample_run(track->key, eval, &value)) {
    case FETCH_LATER:
        return action->hook == HOOK_TCP_REQUEST && !eval->final ? VERDICT_WAIT : VERDICT_CONTINUE;
    case FETCH_NONE:
        return VERDICT_CONTINUE;
    case FETCH_OK:
        break;
    }
    if (stick_key_from(&key, &track->table->layout, &value, eval->arena))
        (void)stick_track_begin(eval, track->slot, track->table->live, &key);
    return VERDICT_CONTINUE;
}

/* The number behind the name: "track-sc2". */
static bool
parse_slot(struct parse *parse, struct str text, unsigned *slot)
{
    int64_t limit = stick_tracks_limit(parse->snapshot), number;

    if (!number_parse_int(text, 0, STICK_TRACKS_MAX - 1, &number, NULL) || number >= limit)
        return parse_alert(parse, "there is no counter sc%.*s: tune.stick-counters says %lld",
                           STR_ARG(text), (long long)limit);
    *slot = (unsigned)number;
    return true;
}

static bool
parse_track(struct parse *parse, struct action *action)
{
    struct track_list *list = snapshot_slot(parse->snapshot, &list_slot);
    struct track_action *track = ARENA_NEW(parse->arena, struct track_action);
    const char *word = parse->words->items[parse->words->at - 1].text;

    action->data = track;
    action->run = run_track;
    if (!parse_slot(parse, str_from(word + strlen(action->kind->name)), &track->slot))
        return false;
    track->key = sample_parse(parse, action->place);
    if (track->key == NULL)
        return false;
    track->pos = parse_pos(parse);
    track->table_name = ((const struct proxy_conf *)parse->object)->name;
    if (words_accept(parse->words, "table")) {
        word = parse_word(parse, "the name of a table");
        if (word == NULL)
            return false;
        track->table_name = arena_copy(parse->arena, word);
    }
    track->next = list->first;
    list->first = track;
    return true;
}

static bool
on_resolve(struct parse *parse)
{
    struct track_list *list = snapshot_slot(parse->snapshot, &list_slot);
    bool fine = true;

    for (struct track_action *track = list->first; track != NULL; track = track->next) {
        track->table = stick_table_resolve(parse, track->pos, str_from(track->table_name));
        fine = track->table != NULL && fine;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_STICK, on_resolve, "stick: tables that are tracked" },
};
REGISTER(config_hook, hooks);

/* --- sc-inc-gpc0(0) and its kin ------------------------------------------------------------------ */

struct count_action {
    enum stick_data data, rate; /* rate STICK_DATAS: none */
    unsigned slot, index;
    const struct sample *amount; /* NULL: `number` */
    int64_t number;
    bool is_set;
};

static enum verdict
run_count(const struct action *action, struct eval *eval)
{
    const struct count_action *count = action->data;
    struct stick_track track = stick_track_find(eval, count->slot);
    int64_t number = count->number;
    struct value value;

    if (track.table == NULL)
        return VERDICT_CONTINUE;
    if (count->amount != NULL) {
        if (sample_run_as(count->amount, eval, VALUE_INT, &value) != FETCH_OK)
            return VERDICT_CONTINUE;
        number = value.num;
    }
    if (count->is_set) {
        stick_data_set(track.table, track.entry, count->data, count->index, (uint64_t)number);
        return VERDICT_CONTINUE;
    }
    (void)stick_data_add(track.table, track.entry, count->data, count->index, number);
    if (count->rate != STICK_DATAS)
        (void)stick_data_add(track.table, track.entry, count->rate, count->index, number);
    return VERDICT_CONTINUE;
}

static bool
read_index(struct parse *parse, struct str *inside, struct count_action *count)
{
    struct str index = str_split(inside, ',');
    int64_t number;

    if (inside->ptr == NULL || !number_parse_int(index, 0, STICK_ARRAY_MAX - 1, &number, NULL))
        return parse_alert(parse, "an index below %d and a counter are wanted: (0,1)",
                           STICK_ARRAY_MAX);
    count->index = (unsigned)number;
    return true;
}

static bool
read_amount(struct parse *parse, struct action *action, struct count_action *count)
{
    const char *word = words_peek(parse->words);

    if (word != NULL && number_parse_int(str_from(word), 0, UINT32_MAX, &count->number, NULL)) {
        (void)words_next(parse->words);
        return true;
    }
    count->amount = sample_parse(parse, action->place);
    return count->amount != NULL;
}

static bool
parse_count(struct parse *parse, struct action *action)
{
    struct count_action *count = ARENA_NEW(parse->arena, struct count_action);
    const char *name = action->kind->name;
    bool is_add = strcmp(name, "sc-add-gpc") == 0;
    struct str inside;

    action->data = count;
    action->run = run_count;
    count->is_set = strncmp(name, "sc-set-gpt", 10) == 0;
    count->number = 1;
    count->rate = STICK_DATAS;
    if (!action_parenthesis(parse, action, &inside))
        return parse_alert(parse, "which counter? %s(0)", name);
    if (count->is_set)
        count->data = strcmp(name, "sc-set-gpt0") == 0 ? DATA_GPT0 : DATA_GPT;
    else if (strcmp(name, "sc-inc-gpc0") == 0)
        count->data = DATA_GPC0, count->rate = DATA_GPC0_RATE;
    else if (strcmp(name, "sc-inc-gpc1") == 0)
        count->data = DATA_GPC1, count->rate = DATA_GPC1_RATE;
    else
        count->data = DATA_GPC, count->rate = DATA_GPC_RATE;
    if (stick_data_infos[count->data].is_array && !read_index(parse, &inside, count))
        return false;
    return parse_slot(parse, inside, &count->slot) &&
           (!(is_add || count->is_set) || read_amount(parse, action, count));
}

#define COUNT_ACTION(name_, args_, help_)                                                          \
    {                                                                                              \
        name_, HOOKS_ALL, .is_prefix = true, .args = args_, .parse = parse_count, .help = help_    \
    }

static const struct action_kind kinds[] = {
    { "track-sc", ON_TRACKS, .is_prefix = true, .args = "<n> <key> [table <table>]",
      .parse = parse_track,
      .help = "Hold the key's entry of a table, and count in it what this client does." },
    COUNT_ACTION("sc-inc-gpc0", "(<n>)", "Add one to gpc0 of what is tracked."),
    COUNT_ACTION("sc-inc-gpc1", "(<n>)", "Add one to gpc1 of what is tracked."),
    COUNT_ACTION("sc-inc-gpc", "(<index>,<n>)", "Add one to a counter of the array gpc."),
    COUNT_ACTION("sc-add-gpc", "(<index>,<n>) <number>|<expr>",
                 "Add to a counter of the array gpc."),
    COUNT_ACTION("sc-set-gpt0", "(<n>) <number>|<expr>", "Set the tag gpt0 of what is tracked."),
    COUNT_ACTION("sc-set-gpt", "(<index>,<n>) <number>|<expr>", "Set a tag of the array gpt."),
};
REGISTER(action_kind, kinds);
