/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sticky and log-hash: which server of a log backend gets a line.
 *
 * For:     log_backend.c. Thread: builder reads; control chooses.
 */
#include "weir/base/alloc.h"
#include "weir/expr/sample.h"
#include "hash.h"
#include "log_backend.h"

/* --- sticky: one server as long as it lives ------------------------------------------------------- */

/* backend->position holds the id of the one in use. */
static struct server *
choose_sticky(struct proxy *backend, const struct balance_conf *conf, const struct server_set *set,
              struct eval *eval, unsigned attempt, struct server *avoid)
{
    uint64_t id = __atomic_load_n(&backend->back->position, __ATOMIC_RELAXED);

    (void)conf;
    (void)eval;
    (void)avoid;
    if (attempt > 0 || set->usable_count == 0)
        return NULL;
    for (unsigned i = 0; i < set->usable_count; i++) {
        if ((uint64_t)set->usable[i]->id == id)
            return set->usable[i];
    }
    __atomic_store_n(&backend->back->position, (uint64_t)set->usable[0]->id, __ATOMIC_RELAXED);
    return set->usable[0];
}

/* --- log-hash: lines that have something in common go to one server -------------------------------- */

static enum fetched
fetch_line(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    (void)args;
    value_set_str(out, log_backend_line());
    return FETCH_OK;
}

/* Not registered: nobody can name it. */
static const struct fetch line_fetch = { .name = "line", .out = VALUE_STR, .run = fetch_line };

static bool
parse_log_hash(struct parse *parse, struct balance_conf *conf)
{
    const char *word = words_next(parse->words), *text, *end;
    struct sample *sample;

    if (word == NULL)
        return parse_alert_next(parse, "'balance log-hash' needs converters, such as word(1,' ')");
    text = arena_printf(parse->arena, "str(x),%s", word);
    sample = sample_parse_text(parse, text, &end, 0);
    if (sample == NULL)
        return false;
    if (*end != '\0')
        return parse_alert(parse, "'%s' is no list of converters", word);
    sample->fetch = &line_fetch;
    sample->args = NULL;
    conf->data = sample;
    return true;
}

static struct server *
choose_by_hash(struct proxy *backend, const struct balance_conf *conf, const struct server_set *set,
               struct eval *eval, unsigned attempt, struct server *avoid)
{
    struct value value = { .cursor = VALUE_SINGLE };

    (void)avoid;
    if (attempt > 0 || set->usable_count == 0)
        return NULL;
    if (sample_run_as(conf->data, eval, VALUE_STR, &value) != FETCH_OK)
        return schedule_server(
            set, __atomic_fetch_add(&backend->back->position, 1, __ATOMIC_RELAXED));
    return schedule_server(set, log_backend_hash(value.str));
}

static void
build_by_hash(struct proxy *backend, const struct balance_conf *conf, struct server_set *set)
{
    uint32_t *weights;

    (void)backend;
    (void)conf;
    if (set->usable_count == 0)
        return;
    weights = alloc_array(set->usable_count, sizeof(*weights));
    for (unsigned i = 0; i < set->usable_count; i++)
        weights[i] = (uint32_t)set->usable[i]->effective_weight;
    set->plan = hash_fixed_new(weights, set->usable_count);
    set->plan_free = alloc_free;
    alloc_free(weights);
}

static const struct balancer balancers[] = {
    { "sticky", .choose = choose_sticky,
      .help = "Log backends: one server as long as it is usable." },
    { "log-hash", .args = "<converters>", .parse = parse_log_hash, .build = build_by_hash,
      .choose = choose_by_hash,
      .help = "Log backends: by the hash of the line behind these converters." },
};
REGISTER(balancer, balancers);
