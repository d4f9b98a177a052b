/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stick rules: keys remember the server that had them.
 *
 * For:     picking a server.
 * Owns:    nothing: what a stream will store lies in its arena.
 * Callers: balance.
 * Thread:  builder parses; the stream's owner runs.
 */
#include "weir/stick/rule.h"

#include <string.h>

#include "weir/base/hash.h"
#include "weir/expr/condition.h"
#include "weir/expr/sample.h"
#include "weir/server/server.h"
#include "private.h"

#define STORES_MAX 8 /* as HAProxy */

enum stick_do { DO_MATCH = 1, DO_STORE = 2, DO_STORE_RESPONSE = 4 };

struct stick_rule {
    struct stick_rule *next;
    unsigned what; /* set of enum stick_do */
    const struct sample *key;
    const struct condition *condition; /* NULL: always */
    const char *table_name;
    struct source_pos pos;
    struct stick_table_conf *table;
};

struct stick_rules {
    struct stick_rule *first, *last;
};
static struct slot rules_slot = SLOT("stick rules", SLOT_PROXY, struct stick_rules);
REGISTER_SLOT(rules_slot);

struct stick_server {
    bool is_unstored; /* non-stick */
};
static struct slot server_slot = SLOT("non-stick", SLOT_SERVER, struct stick_server);
REGISTER_SLOT(server_slot);

struct stick_stores {
    unsigned count;
    struct {
        const struct stick_table_conf *table;
        struct stick_key key;
    } items[STORES_MAX];
};

static struct stick_rules *
rules_of(const struct proxy_conf *proxy)
{
    return slot_of(proxy->slots, &rules_slot);
}

/* --- traffic ---------------------------------------------------------------------------------- */

bool
stick_rules_exist(const struct proxy_conf *backend)
{
    return rules_of(backend)->first != NULL;
}

static bool
find_key(const struct stick_rule *rule, struct eval *eval, struct stick_key *key)
{
    struct value value = { .cursor = VALUE_SINGLE };

    if (rule->condition != NULL && condition_test(rule->condition, eval) != TRUTH_YES)
        return false;
    return sample_run(rule->key, eval, &value) == FETCH_OK &&
           stick_key_from(key, &rule->table->layout, &value, eval->arena);
}

/* The first key for a table counts. */
static bool
is_stored(const struct stick_stores *stores, const struct stick_table_conf *table)
{
    for (unsigned i = 0; stores != NULL && i < stores->count; i++) {
        if (stores->items[i].table == table)
            return true;
    }
    return false;
}

static void
store_later(struct stick_stores **stores, const struct stick_rule *rule,
            const struct stick_key *key, struct eval *eval)
{
    struct stick_stores *to = *stores;

    if (to == NULL) {
        to = *stores = arena_take(eval->arena, sizeof(*to));
        if (to == NULL)
            return;
        to->count = 0;
    }
    if (to->count == STORES_MAX)
        return;
    to->items[to->count].table = rule->table;
    to->items[to->count++].key = *key;
}

uint64_t
stick_server_key(const struct server *server, int srvkey)
{
    char text[ADDR_TEXT_MAX];
    struct addr addr;

    if (srvkey != SRVKEY_ADDR)
        return hash_xxh3(str_from(server->name), 0);
    server_addr(server, &addr);
    return hash_xxh3(str_of(text, addr_format(&addr, text, sizeof(text))), 0);
}

/* That a key is used keeps it alive. */
static struct stick_server_mark
server_of_key(const struct stick_table_conf *conf, const struct stick_key *key)
{
    struct stick_entry *entry = stick_table_find(conf->live, key);
    struct stick_server_mark mark = { 0 };

    if (entry == NULL)
        return mark;
    stick_entry_drop(conf->live, entry);
    entry = stick_table_make(conf->live, key);
    if (entry == NULL)
        return mark;
    mark.id = (int64_t)stick_data_read(conf->live, entry, DATA_SERVER_ID, 0);
    mark.srvkey = conf->srvkey;
    mark.key = stick_data_read(conf->live, entry, DATA_SERVER_KEY, 0);
    stick_entry_drop(conf->live, entry);
    return mark;
}

struct stick_server_mark
stick_request(struct stick_stores **stores, const struct proxy_conf *backend, struct eval *eval,
              bool match)
{
    struct stick_server_mark mark = { 0 };

    for (const struct stick_rule *rule = rules_of(backend)->first; rule != NULL;
         rule = rule->next) {
        unsigned what = rule->what & (DO_MATCH | DO_STORE);
        struct stick_key key;

        if (!match || mark.id != 0)
            what &= ~(unsigned)DO_MATCH;
        if (is_stored(*stores, rule->table))
            what &= ~(unsigned)DO_STORE;
        if (what == 0 || !find_key(rule, eval, &key))
            continue;
        if ((what & DO_MATCH) != 0)
            mark = server_of_key(rule->table, &key);
        if ((what & DO_STORE) != 0)
            store_later(stores, rule, &key, eval);
    }
    return mark;
}

static void
read_response(struct stick_stores **stores, const struct proxy_conf *backend, struct eval *eval)
{
    uint32_t place = eval->place;
    const struct proxy_conf *proxy = eval->proxy;

    eval->place = PLACE_BE_STORE;
    eval->proxy = backend;
    for (const struct stick_rule *rule = rules_of(backend)->first; rule != NULL;
         rule = rule->next) {
        struct stick_key key;

        if ((rule->what & DO_STORE_RESPONSE) != 0 && !is_stored(*stores, rule->table) &&
            find_key(rule, eval, &key))
            store_later(stores, rule, &key, eval);
    }
    eval->place = place;
    eval->proxy = proxy;
}

static bool
is_unstored(const struct server *server)
{
    const struct server_conf *conf = __atomic_load_n(&server->conf, __ATOMIC_ACQUIRE);

    return conf == NULL ||
           ((const struct stick_server *)slot_of(conf->slots, &server_slot))->is_unstored;
}

void
stick_response(struct stick_stores **stores, const struct proxy_conf *backend, struct eval *eval,
               const struct server *server)
{
    read_response(stores, backend, eval);
    for (unsigned i = 0; *stores != NULL && !is_unstored(server) && i < (*stores)->count; i++) {
        const struct stick_table_conf *conf = (*stores)->items[i].table;
        struct stick_table *table = conf->live;
        struct stick_entry *entry = stick_table_make(table, &(*stores)->items[i].key);

        if (entry == NULL)
            continue;
        stick_data_set(table, entry, DATA_SERVER_ID, 0, (uint64_t)__atomic_load_n(&server->id, __ATOMIC_RELAXED));
        stick_data_set(table, entry, DATA_SERVER_KEY, 0, stick_server_key(server, conf->srvkey));
        stick_entry_drop(table, entry);
    }
    *stores = NULL;
}

/* --- as written ----------------------------------------------------------------------------------- */

static bool
parse_rule(struct parse *parse)
{
    struct proxy_conf *proxy = parse->object;
    struct stick_rules *rules = rules_of(proxy);
    struct stick_rule *rule = ARENA_NEW(parse->arena, struct stick_rule);
    struct condition *condition;
    unsigned place = PLACE_BE_SERVER;

    rule->pos = parse_pos(parse);
    rule->table_name = proxy->name;
    if (strcmp(parse->keyword, "stick on") == 0)
        rule->what = DO_MATCH | DO_STORE;
    else if (strcmp(parse->keyword, "stick match") == 0)
        rule->what = DO_MATCH;
    else if (strcmp(parse->keyword, "stick store-request") == 0)
        rule->what = DO_STORE;
    else
        rule->what = DO_STORE_RESPONSE, place = PLACE_BE_STORE;
    rule->key = sample_parse(parse, place);
    if (rule->key == NULL)
        return false;
    if (words_accept(parse->words, "table")) {
        const char *word = parse_word(parse, "the name of a table");

        if (word == NULL)
            return false;
        rule->table_name = arena_copy(parse->arena, word);
    }
    if (!condition_parse_optional(parse, proxy->acls, place, &condition) || !parse_end(parse))
        return false;
    rule->condition = condition;
    if (rules->last == NULL)
        rules->first = rule;
    else
        rules->last->next = rule;
    rules->last = rule;
    return true;
}

static bool
parse_non_stick(struct parse *parse)
{
    struct server_conf *server = parse->object;

    ((struct stick_server *)slot_of(server->slots, &server_slot))->is_unstored = true;
    return true;
}

#define STICK_RULE(name_, help_)                                                                   \
    {                                                                                              \
        name_, IN_LISTEN | IN_BACKEND, .args = "<key> [table <table>] [if|unless <condition>]",    \
            .parse = parse_rule, .help = help_                                                     \
    }

static const struct keyword keywords[] = {
    STICK_RULE("stick on", "Bring requests of a key to the server that had it, and remember it."),
    STICK_RULE("stick match", "Bring requests of a key to the server that a table names."),
    STICK_RULE("stick store-request", "Remember the server under a key of the request."),
    STICK_RULE("stick store-response", "Remember the server under a key of its response."),
    { "non-stick", IN_SERVER, .parse = parse_non_stick,
      .help = "Keys do not remember this server." },
};
REGISTER(keyword, keywords);

/* --- tables --------------------------------------------------------------------------------------------- */

static void
add_column(struct stick_table_conf *conf, enum stick_data data, uint32_t size)
{
    struct stick_column *column = &conf->layout.columns[data];

    if (column->is_stored)
        return;
    *column = (struct stick_column){ .is_stored = true, .count = 1,
                                     .offset = conf->layout.data_size };
    conf->layout.data_size += size;
}

static bool
on_resolve(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (proxy, proxy_list(parse->snapshot), struct proxy_conf, link) {
        for (struct stick_rule *rule = rules_of(proxy)->first; rule != NULL; rule = rule->next) {
            rule->table = stick_table_resolve(parse, rule->pos, str_from(rule->table_name));
            if (rule->table != NULL) {
                add_column(rule->table, DATA_SERVER_ID, sizeof(uint32_t));
                add_column(rule->table, DATA_SERVER_KEY, sizeof(uint64_t));
            }
            fine = rule->table != NULL && fine;
        }
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_STICK, on_resolve, "stick: tables of stick rules" },
};
REGISTER(config_hook, hooks);
