/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http-request rate-limit: requests of one key come evenly; what comes too early waits or is denied.
 *
 * For:     rules.
 * Thread:  owner; the parser on the builder.
 *
 * Each rule has its own place in the entries of its table, so that rules do not disturb each other.
 * If there is no key or no room in the table, the request passes.
 */
#include <string.h>

#include "weir/base/number.h"
#include "weir/http/error_files.h"
#include "weir/http/reply_action.h"
#include "weir/proxy/proxy.h"
#include "weir/stick/limit.h"
#include "weir/stick/table.h"

#include "private.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)
#define RATE_MAX  1000000 /* and what a burst is at most */

struct rate_limit {
    struct rate_limit *next; /* of the snapshot: tables are found later */
    struct stick_limit limit;
    int64_t rate, period_ms, burst;
    unsigned index;
    int status;
    bool is_nodelay, has_headers;
    const struct sample *key;
    const char *table_name;
    struct source_pos pos;
    struct stick_table_conf *table;
};

/* What a client is told in the answer. */
struct limit_notice {
    const struct rate_limit *conf;
    struct stick_limit_answer answer;
};

struct limit_list {
    struct rate_limit *first, *last;
};
static struct slot list_slot = SLOT("rate-limit", SLOT_GLOBAL, struct limit_list);
REGISTER_SLOT(list_slot);

/* --- traffic ---------------------------------------------------------------------------------- */

static int64_t
seconds_of(int64_t ns)
{
    return (ns + NS_PER_S - 1) / NS_PER_S;
}

static void
remember(struct stream *s, const struct rate_limit *conf, const struct stick_limit_answer *answer)
{
    struct limit_notice *notice = arena_take(&s->arena, sizeof(*notice));

    if (notice == NULL)
        return;
    *notice = (struct limit_notice){ conf, *answer };
    s->limit = notice;
}

/* draft-ietf-httpapi-ratelimit-headers: the policy's name is that of the table. */
bool
rate_limit_tell(struct stream *s)
{
    const struct limit_notice *notice = s->limit;
    const struct rate_limit *conf = notice->conf;
    struct message *msg = s->response;
    const char *policy, *state;

    policy = arena_printf(&s->arena, "\"%s\";q=%lld;w=%lld", conf->table->name,
                          (long long)conf->rate,
                          (long long)seconds_of(conf->period_ms * NS_PER_MS));
    state = arena_printf(&s->arena, "\"%s\";r=%lld;t=%lld", conf->table->name,
                         (long long)notice->answer.remaining,
                         (long long)seconds_of(notice->answer.full_ns));
    return policy != NULL && state != NULL &&
           message_add_field_copy(msg, STR("ratelimit-policy"), str_from(policy)) &&
           message_add_field_copy(msg, STR("ratelimit"), str_from(state));
}

static enum verdict
deny(const struct rate_limit *conf, const struct stick_limit_answer *answer, struct eval *eval)
{
    struct reply_action *reply = arena_take(eval->arena, sizeof(*reply));
    struct reply_field *field = arena_take(eval->arena, sizeof(*field));
    const char *seconds =
        arena_printf(eval->arena, "%lld", (long long)seconds_of(answer->retry_ns));

    if (reply == NULL || field == NULL || seconds == NULL)
        return VERDICT_FAILED;
    *field = (struct reply_field){ STR("retry-after"), str_from(seconds) };
    *reply = (struct reply_action){ .kind = REPLY_ACTION_PAGE,
                                    .status = conf->status,
                                    .is_denial = true,
                                    .fields = field,
                                    .field_count = 1 };
    eval->reply = reply;
    return VERDICT_REPLY;
}

/* False: there is nothing to count. */
static bool
ask(const struct rate_limit *conf, struct eval *eval, struct stick_limit_answer *answer)
{
    struct stick_table *table = conf->table->live;
    struct value value = { .cursor = VALUE_SINGLE };
    struct stick_entry *entry;
    struct stick_key key;

    if (sample_run(conf->key, eval, &value) != FETCH_OK ||
        !stick_key_from(&key, &conf->table->layout, &value, eval->arena))
        return false;
    entry = stick_table_make(table, &key);
    if (entry == NULL)
        return false;
    *answer = stick_limit_take(table, entry, conf->index, &conf->limit,
                               stream_loop(eval->stream)->now_us * 1000);
    stick_entry_drop(table, entry);
    return true;
}

/* eval->resume: 0 when the action begins, 1 while it waits. */
static enum verdict
go_on_waiting(struct stream *s)
{
    if (stream_loop(s)->now_ms < s->rule_expires_ms)
        return VERDICT_WAIT;
    s->rule_expires_ms = 0;
    s->eval.resume = 0;
    return VERDICT_CONTINUE;
}

static enum verdict
run_rate_limit(const struct action *action, struct eval *eval)
{
    const struct rate_limit *conf = action->data;
    struct stream *s = eval->stream;
    struct stick_limit_answer answer;

    if (eval->resume != 0)
        return go_on_waiting(s);
    if (!ask(conf, eval, &answer))
        return VERDICT_CONTINUE;
    if (conf->has_headers)
        remember(s, conf, &answer);
    if (!answer.is_within)
        return deny(conf, &answer, eval);
    if (conf->is_nodelay || answer.early_ns == 0)
        return VERDICT_CONTINUE;
    eval->resume = 1;
    s->rule_expires_ms = deadline_now_ms(s) + (answer.early_ns + NS_PER_MS - 1) / NS_PER_MS;
    return VERDICT_WAIT;
}

/* --- as written ----------------------------------------------------------------------------------- */

/* "10/s", "100/1m", "5000/1h" */
static bool
parse_rate(struct parse *parse, struct rate_limit *conf)
{
    const char *word = parse_word(parse, "a rate, such as 10/1s");
    struct str rest, count;
    char one[16] = "1";

    if (word == NULL)
        return false;
    rest = str_from(word);
    count = str_split(&rest, '/');
    if (rest.ptr != NULL && rest.len > 0 && rest.len < sizeof(one) - 1 &&
        (rest.ptr[0] < '0' || rest.ptr[0] > '9')) {
        memcpy(one + 1, rest.ptr, rest.len);
        rest = str_of(one, rest.len + 1);
    }
    if (rest.ptr == NULL || !number_parse_int(count, 1, RATE_MAX, &conf->rate, NULL) ||
        !number_parse_time(rest, "s", &conf->period_ms, NULL) || conf->period_ms < 1)
        return parse_alert(parse,
                           "'%s' is no rate: expected requests per time, such as 10/1s or 100/m "
                           "(1 to %d requests)",
                           word, RATE_MAX);
    return true;
}

static bool
parse_status(struct parse *parse, int *status)
{
    int64_t number;

    if (!parse_int(parse, "a status", 400, 599, &number))
        return false;
    if (error_files_index((int)number) < 0)
        return parse_alert(parse, "there is no error page for the status %lld", (long long)number);
    *status = (int)number;
    return true;
}

static bool
parse_option(struct parse *parse, const struct action *action, struct rate_limit *conf)
{
    const char *word = parse_word(parse, "a word");

    if (word == NULL)
        return false;
    if (strcmp(word, "burst") == 0)
        return parse_int(parse, "how many may come early", 0, RATE_MAX, &conf->burst);
    if (strcmp(word, "delay") == 0 || strcmp(word, "nodelay") == 0) {
        conf->is_nodelay = word[0] == 'n';
        return true;
    }
    if (strcmp(word, "headers") == 0)
        return conf->has_headers = true;
    if (strcmp(word, "status") == 0)
        return parse_status(parse, &conf->status);
    if (strcmp(word, "key") == 0)
        return (conf->key = sample_parse(parse, action->place)) != NULL;
    if (strcmp(word, "table") == 0) {
        word = parse_word(parse, "the name of a table");
        return word != NULL && (conf->table_name = arena_copy(parse->arena, word)) != NULL;
    }
    return parse_alert(parse,
                       "unknown word '%s'; known are burst, delay, nodelay, key, status, table, "
                       "headers",
                       word);
}

/* Who asks for no other key means the client's address. */
static bool
use_source(struct parse *parse, const struct action *action, struct rate_limit *conf)
{
    const char *end;

    if (conf->key == NULL)
        conf->key = sample_parse_text(parse, "src", &end, action->place);
    return conf->key != NULL;
}

static bool
work_out(struct parse *parse, struct rate_limit *conf)
{
    conf->limit.interval_ns = conf->period_ms * NS_PER_MS / conf->rate;
    if (conf->burst > INT64_MAX / 4 / conf->limit.interval_ns)
        return parse_alert(parse, "a burst of %lld is too large for so slow a rate",
                           (long long)conf->burst);
    conf->limit.tolerance_ns = conf->burst * conf->limit.interval_ns;
    return true;
}

static bool
parse_rate_limit(struct parse *parse, struct action *action)
{
    struct limit_list *list = snapshot_slot(parse->snapshot, &list_slot);
    struct rate_limit *conf = ARENA_NEW(parse->arena, struct rate_limit);

    action->data = conf;
    action->run = run_rate_limit;
    conf->pos = parse_pos(parse);
    conf->status = 429;
    conf->table_name = ((const struct proxy_conf *)parse->object)->name;
    if (!parse_rate(parse, conf))
        return false;
    while (!action_at_end(parse)) {
        if (!parse_option(parse, action, conf))
            return false;
    }
    if (!use_source(parse, action, conf) || !work_out(parse, conf))
        return false;
    if (list->last == NULL)
        list->first = conf;
    else
        list->last->next = conf;
    list->last = conf;
    return true;
}

/* --- tables ------------------------------------------------------------------------------------------ */

static bool
find_table(struct parse *parse, struct rate_limit *conf)
{
    int64_t full_ms = (conf->limit.tolerance_ns + conf->limit.interval_ns) / NS_PER_MS;
    int index;

    conf->table = stick_table_conf_find(parse->snapshot, str_from(conf->table_name));
    if (conf->table == NULL)
        return parse_alert_at(parse, conf->pos,
                              "'rate-limit' wants a table: there is no stick-table '%s'",
                              conf->table_name);
    index = stick_limit_add(conf->table);
    if (index < 0)
        return parse_alert_at(parse, conf->pos, "there are too many rules 'rate-limit' on '%s'",
                              conf->table_name);
    conf->index = (unsigned)index;
    if (conf->table->expire_ms != 0 && conf->table->expire_ms < full_ms)
        parse_warn_at(parse, conf->pos,
                      "the table '%s' forgets clients before their limit is over: expire it after "
                      "%lldms or later",
                      conf->table_name, (long long)full_ms);
    return true;
}

static bool
on_resolve(struct parse *parse)
{
    const struct limit_list *list = snapshot_slot(parse->snapshot, &list_slot);
    bool fine = true;

    for (struct rate_limit *conf = list->first; conf != NULL; conf = conf->next)
        fine = find_table(parse, conf) && fine;
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_STREAM, on_resolve, "rate-limit: tables" },
};
REGISTER(config_hook, hooks);

static const struct action_kind kinds[] = {
    { "rate-limit", ON(HOOK_HTTP_REQUEST),
      .args = "<rate>/<period> [burst <n>] [delay|nodelay] [key <expr>] [status <code>] "
              "[table <table>] [headers]",
      .parse = parse_rate_limit,
      .help = "Let requests of a key (the client's address) come evenly: those beyond the burst are "
              "denied with Retry-After, those within it wait for their turn, or not (nodelay)." },
};
REGISTER(action_kind, kinds);
