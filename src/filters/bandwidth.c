/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of speed: filter bwlim-in, bwlim-out, and the action that sets them to work.
 *
 * For:     bodies, and bytes of TCP.
 * Owns:    the entry of a table that streams with the same key share.
 * Thread:  owner of the stream; parsers on the builder.
 *
 * In any period no more than the limit passes: what was passed is counted as a rate, either of the
 * stream or of an entry of a table. What comes too early stays in the filter.
 */
#include <limits.h>
#include <string.h>

#include "weir/config/snapshot.h"
#include "weir/expr/sample.h"
#include "weir/loop/rate.h"
#include "weir/proxy/proxy.h"
#include "weir/rules/action.h"
#include "weir/stick/table.h"
#include "weir/stream/filter.h"
#include "weir/stream/stream.h"

#define LIMIT_MAX UINT32_MAX /* bytes in a period */
#define PAUSE_MS  10         /* the shortest wait: not a wake-up for every few bytes */

struct bandwidth_conf {
    struct bandwidth_conf *next; /* of the snapshot */
    enum direction dir;
    const char *name;
    uint64_t limit, size_min;
    int64_t period_ms;
    const struct sample *key; /* NULL: a limit for each stream */
    const char *table_name;   /* NULL: the proxy's own */
    struct stick_table_conf *table;
    struct source_pos pos;
};

struct bandwidth { /* of a stream */
    uint64_t limit;
    int64_t period_ms;
    struct rate rate;
    struct stick_entry *entry; /* holds; NULL: not shared */
};

struct setting { /* an action */
    struct setting *next;
    const char *name;
    const struct sample *limit_sample, *period_sample;
    uint64_t limit; /* 0: the filter's */
    int64_t period_ms;
    const struct proxy_conf *proxy;
    const struct filter_conf *filter; /* once resolved */
    struct source_pos pos;
};

struct bandwidth_list {
    struct bandwidth_conf *confs;
    struct setting *settings;
};
static struct slot list_slot = SLOT("bandwidth", SLOT_GLOBAL, struct bandwidth_list);
REGISTER_SLOT(list_slot);

/* --- bytes ----------------------------------------------------------------- */

static enum stick_data
column_of(const struct bandwidth_conf *conf)
{
    return conf->dir == TO_SERVER ? DATA_BYTES_IN_RATE : DATA_BYTES_OUT_RATE;
}

static uint64_t
passed(const struct filter *f)
{
    const struct bandwidth_conf *conf = f->conf->data;
    const struct bandwidth *b = f->state;

    if (b->entry != NULL)
        return stick_data_read(conf->table->live, b->entry, column_of(conf), 0);
    return rate_read(&b->rate, filter_now_ms(f), (uint32_t)b->period_ms);
}

static void
count(const struct filter *f, size_t bytes)
{
    const struct bandwidth_conf *conf = f->conf->data;
    struct bandwidth *b = f->state;

    if (b->entry != NULL)
        stick_data_add(conf->table->live, b->entry, column_of(conf), 0, (int64_t)bytes);
    else
        rate_add(&b->rate, filter_now_ms(f), (uint32_t)b->period_ms, (uint32_t)bytes);
}

static int64_t
pause_for(const struct bandwidth *b, uint64_t bytes)
{
    int64_t ms = (int64_t)(bytes * (uint64_t)b->period_ms / b->limit);

    return ms < PAUSE_MS ? PAUSE_MS : ms > b->period_ms ? b->period_ms : ms;
}

static enum filter_result
on_data(struct filter *f, enum direction dir, struct chain *in, struct chain *out, bool is_last)
{
    const struct bandwidth_conf *conf = f->conf->data;
    const struct bandwidth *b = f->state;
    uint64_t used = passed(f), room = used < b->limit ? b->limit - used : 0;
    uint64_t least = conf->size_min < b->limit ? conf->size_min : b->limit;
    struct chain some = { NULL, NULL, 0 };
    bool fine = true;

    (void)is_last;
    if (room >= in->bytes || (room > 0 && room >= least))
        fine = chain_move_some(&some, in, room < in->bytes ? (size_t)room : in->bytes);
    if (some.bytes > 0)
        count(f, some.bytes);
    chain_move(out, &some);
    if (!fine)
        return FILTER_FAILED;
    if (chain_is_empty(in))
        return FILTER_GO;
    filter_wait_until(f, dir, filter_now_ms(f) + pause_for(b, least));
    return FILTER_WAIT;
}

static bool
attach(struct filter *f)
{
    struct bandwidth *b = arena_take(&f->stream->arena, sizeof(*b));

    if (b == NULL)
        return false;
    memset(b, 0, sizeof(*b));
    f->state = b;
    return true;
}

static void
detach(struct filter *f)
{
    const struct bandwidth_conf *conf = f->conf->data;
    struct bandwidth *b = f->state;

    if (b->entry != NULL)
        stick_entry_drop(conf->table->live, b->entry);
    b->entry = NULL;
}

static const struct filter_ops ops = { .attach = attach, .detach = detach, .data = on_data };

/* --- set-bandwidth-limit ------------------------------------------------------- */

/* Without a key the stream is not limited. */
static bool
share(struct filter *f, struct eval *eval)
{
    const struct bandwidth_conf *conf = f->conf->data;
    struct value value = { .cursor = VALUE_SINGLE };
    struct bandwidth *b = f->state;
    struct stick_key key;

    detach(f);
    if (sample_run(conf->key, eval, &value) != FETCH_OK ||
        !stick_key_from(&key, &conf->table->layout, &value, eval->arena))
        return false;
    b->entry = stick_table_make(conf->table->live, &key);
    return b->entry != NULL;
}

static int64_t
number_of(const struct sample *sample, struct eval *eval, int64_t fixed, int64_t usual)
{
    struct value value = { 0 };

    if (sample != NULL && sample_run_as(sample, eval, VALUE_INT, &value) == FETCH_OK)
        fixed = value.num;
    return fixed > 0 ? fixed : usual;
}

static enum verdict
run_set(const struct action *action, struct eval *eval)
{
    const struct setting *setting = action->data;
    struct filter *f = eval->stream == NULL ? NULL : filter_of(eval->stream, setting->filter);
    const struct bandwidth_conf *conf = setting->filter->data;
    struct bandwidth *b;

    if (f == NULL || (conf->key != NULL && !share(f, eval)))
        return VERDICT_CONTINUE;
    b = f->state;
    b->limit = conf->limit;
    b->period_ms = conf->period_ms;
    if (conf->key == NULL) {
        b->limit = (uint64_t)number_of(setting->limit_sample, eval, (int64_t)setting->limit,
                                       (int64_t)conf->limit);
        b->period_ms =
            number_of(setting->period_sample, eval, setting->period_ms, conf->period_ms);
        b->limit = b->limit > LIMIT_MAX ? LIMIT_MAX : b->limit;
        b->period_ms = b->period_ms > INT_MAX ? INT_MAX : b->period_ms;
    }
    filter_want_data(f, conf->dir);
    return VERDICT_CONTINUE;
}

static bool
is_number(const char *word)
{
    return word != NULL && word[0] >= '0' && word[0] <= '9';
}

static bool
parse_setting_option(struct parse *parse, const struct action *action, struct setting *setting)
{
    if (words_accept(parse->words, "limit")) {
        if (is_number(words_peek(parse->words)))
            return parse_size(parse, "a number of bytes", &setting->limit);
        return (setting->limit_sample = sample_parse(parse, action->place)) != NULL;
    }
    if (words_accept(parse->words, "period")) {
        if (is_number(words_peek(parse->words)))
            return parse_time(parse, "a duration", "ms", &setting->period_ms);
        return (setting->period_sample = sample_parse(parse, action->place)) != NULL;
    }
    return parse_alert_next(parse, "expected 'limit', 'period' or a condition");
}

static bool
parse_set(struct parse *parse, struct action *action)
{
    struct bandwidth_list *list = snapshot_slot(parse->snapshot, &list_slot);
    struct setting *setting = ARENA_NEW(parse->arena, struct setting);
    const char *name = parse_word(parse, "the name of a bandwidth limit");

    if (name == NULL)
        return false;
    if (parse->place == IN_DEFAULTS)
        return parse_alert(parse, "'set-bandwidth-limit' cannot stand in a defaults section");
    action->data = setting;
    action->run = run_set;
    setting->name = arena_copy(parse->arena, name);
    setting->proxy = parse->object;
    setting->pos = parse_pos(parse);
    while (!action_at_end(parse)) {
        if (!parse_setting_option(parse, action, setting))
            return false;
    }
    setting->next = list->settings;
    list->settings = setting;
    return true;
}

/* --- filter bwlim-in, bwlim-out --------------------------------------------------- */

static bool
parse_limit(struct parse *parse, struct bandwidth_conf *conf)
{
    if (!parse_size(parse, "a number of bytes", &conf->limit))
        return false;
    if (conf->limit == 0 || conf->limit > LIMIT_MAX)
        return parse_alert(parse, "a limit is at least 1 byte, and at most %llu",
                           (unsigned long long)LIMIT_MAX);
    return true;
}

static bool
parse_option(struct parse *parse, struct bandwidth_conf *conf)
{
    const char *word = parse_word(parse, "a word");

    if (word == NULL)
        return false;
    if (strcmp(word, "default-limit") == 0 || strcmp(word, "limit") == 0)
        return parse_limit(parse, conf);
    if (strcmp(word, "default-period") == 0) {
        if (!parse_time(parse, "a duration", "ms", &conf->period_ms))
            return false;
        return (conf->period_ms > 0 && conf->period_ms <= INT_MAX) ||
               parse_alert(parse, "a period is at least 1ms, and at most 24 days");
    }
    if (strcmp(word, "key") == 0)
        return (conf->key = sample_parse(parse, 0)) != NULL;
    if (strcmp(word, "min-size") == 0)
        return parse_size(parse, "a number of bytes", &conf->size_min);
    if (strcmp(word, "table") == 0) {
        word = parse_word(parse, "the name of a table");
        return word != NULL && (conf->table_name = arena_copy(parse->arena, word)) != NULL;
    }
    return parse_alert(parse,
                       "unknown word '%s'; known are default-limit, default-period, limit, key, "
                       "table, min-size",
                       word);
}

/* One of the two forms, whole. */
static bool
check_form(struct parse *parse, const struct bandwidth_conf *conf, unsigned seen)
{
    enum { DEFAULT_LIMIT = 1, LIMIT = 2, PERIOD = 4 };
    bool is_shared = (seen & LIMIT) != 0 && (seen & (DEFAULT_LIMIT | PERIOD)) == 0;
    bool is_own = (seen & (LIMIT | DEFAULT_LIMIT | PERIOD)) == (DEFAULT_LIMIT | PERIOD);

    if (is_shared && conf->key != NULL)
        return true;
    if (is_own && conf->key == NULL && conf->table_name == NULL)
        return true;
    return parse_alert(parse, "expected 'default-limit <size> default-period <time>' for each "
                              "stream, or 'limit <size> key <expr>' for streams that share it");
}

static unsigned
option_bit(const char *word)
{
    return strcmp(word, "default-limit") == 0    ? 1
           : strcmp(word, "limit") == 0          ? 2
           : strcmp(word, "default-period") == 0 ? 4
                                                 : 0;
}

static bool
parse_filter(struct parse *parse, struct filter_conf *conf)
{
    struct bandwidth_list *list = snapshot_slot(parse->snapshot, &list_slot);
    struct bandwidth_conf *b = ARENA_NEW(parse->arena, struct bandwidth_conf);
    const char *name = parse_word(parse, "a name");
    unsigned seen = 0;

    if (name == NULL)
        return false;
    for (const struct filter_conf *other = filter_conf_first(parse->object); other != conf;
         other = other->next) {
        if (other->ops == &ops && strcmp(other->name, name) == 0)
            return parse_alert(parse, "there is a bandwidth limit '%s' already", name);
    }
    conf->ops = &ops;
    conf->data = b;
    conf->name = b->name = arena_copy(parse->arena, name);
    b->dir = strcmp(conf->kind->name, "bwlim-in") == 0 ? TO_SERVER : TO_CLIENT;
    b->pos = conf->pos;
    while (words_peek(parse->words) != NULL) {
        seen |= option_bit(words_peek(parse->words));
        if (!parse_option(parse, b))
            return false;
    }
    if (!check_form(parse, b, seen))
        return false;
    if (b->table_name == NULL)
        b->table_name = conf->proxy->name;
    b->next = list->confs;
    list->confs = b;
    return true;
}

/* --- names ----------------------------------------------------------------------------- */

static bool
find_table(struct parse *parse, struct bandwidth_conf *conf)
{
    const struct stick_column *column;

    if (conf->key == NULL)
        return true;
    conf->table = stick_table_conf_find(parse->snapshot, str_from(conf->table_name));
    if (conf->table == NULL)
        return parse_alert_at(parse, conf->pos,
                              "the bandwidth limit '%s' wants a table: there is no stick-table '%s'",
                              conf->name, conf->table_name);
    column = &conf->table->layout.columns[column_of(conf)];
    if (!column->is_stored || conf->table->layout.byte_unit > 1)
        return parse_alert_at(parse, conf->pos,
                              "the table '%s' must store %s(<period>), without brates-factor, for "
                              "the bandwidth limit '%s'",
                              conf->table_name, stick_data_infos[column_of(conf)].name, conf->name);
    conf->period_ms = column->period_ms;
    return true;
}

static bool
find_filter(struct parse *parse, struct setting *setting)
{
    const struct filter_conf *conf = filter_conf_first(setting->proxy);

    while (conf != NULL && !(conf->ops == &ops && strcmp(conf->name, setting->name) == 0))
        conf = conf->next;
    if (conf == NULL)
        return parse_alert_at(parse, setting->pos,
                              "'set-bandwidth-limit': there is no filter bwlim-in or bwlim-out "
                              "'%s' in this section",
                              setting->name);
    if (((const struct bandwidth_conf *)conf->data)->key != NULL &&
        (setting->limit != 0 || setting->period_ms != 0 || setting->limit_sample != NULL ||
         setting->period_sample != NULL))
        return parse_alert_at(parse, setting->pos,
                              "'set-bandwidth-limit': the limit '%s' is shared, it cannot be "
                              "another one for one stream",
                              setting->name);
    setting->filter = conf;
    return true;
}

static bool
on_resolve(struct parse *parse)
{
    const struct bandwidth_list *list = snapshot_slot(parse->snapshot, &list_slot);
    bool fine = true;

    for (struct bandwidth_conf *conf = list->confs; conf != NULL; conf = conf->next)
        fine = find_table(parse, conf) && fine;
    for (struct setting *setting = list->settings; setting != NULL; setting = setting->next)
        fine = find_filter(parse, setting) && fine;
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_FILTERS, on_resolve, "bandwidth limits" },
};
REGISTER(config_hook, hooks);

#define ARGS                                                                                       \
    "<name> default-limit <size> default-period <time> [min-size <size>] | "                      \
    "<name> limit <size> key <expr> [table <table>] [min-size <size>]"

static const struct filter_kind kinds[] = {
    { "bwlim-in", .args = ARGS, .parse = parse_filter,
      .help = "Limit what passes from clients, once set-bandwidth-limit asks for it." },
    { "bwlim-out", .args = ARGS, .parse = parse_filter,
      .help = "Limit what passes to clients, once set-bandwidth-limit asks for it." },
};
REGISTER(filter_kind, kinds);

static const struct action_kind actions[] = {
    { "set-bandwidth-limit",
      ON(HOOK_HTTP_REQUEST) | ON(HOOK_HTTP_RESPONSE) | ON(HOOK_TCP_REQUEST) | ON(HOOK_TCP_RESPONSE),
      .args = "<name> [limit <size>|<expr>] [period <time>|<expr>]", .parse = parse_set,
      .help = "Set a filter bwlim-in or bwlim-out to work, with its own limit or another one." },
};
REGISTER(action_kind, actions);
