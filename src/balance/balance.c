/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The balance keyword, and the balancer of each backend.
 *
 * Thread: builder reads; control builds the plans of sets.
 */
#include "weir/balance/balance.h"

#include <string.h>

#include "weir/config/snapshot.h"
#include "private.h"

#define DRAWS_DEFAULT 2

static const struct balancer *
find(struct str name)
{
    FOR_EACH_REGISTERED (balancer, balancer, list) {
        if (str_eq(str_from(balancer->name), name))
            return balancer;
    }
    return NULL;
}

static struct slot balance_slot = SLOT("balance", SLOT_PROXY, struct balance_conf);
REGISTER_SLOT(balance_slot);

const struct balance_conf *
balance_of(const struct proxy_conf *backend)
{
    return slot_of_const(backend->slots, &balance_slot);
}

const char *
balance_name(const struct proxy_conf *backend)
{
    const struct balance_conf *conf = balance_of(backend);

    return conf->is_default ? "unknown" : conf->balancer->name;
}

/* --- keyword -------------------------------------------------------------------------------- */

static bool
complain(struct parse *parse, const char *word)
{
    const char *names[32] = { NULL };
    size_t count = 0;

    FOR_EACH_REGISTERED (balancer, balancer, list) {
        if (count < COUNT(names) - 1)
            names[count++] = balancer->name;
    }
    names[count] = NULL;
    return parse_alert(parse, "'balance' does not know '%s'%s", word,
                       parse_suggest(parse, word, names));
}

const char *
balance_inside(struct parse *parse)
{
    const char *word = parse->words->items[parse->words->at - 1].text, *paren = strchr(word, '(');
    size_t len;

    if (paren == NULL)
        return "";
    len = strlen(paren);
    if (paren[len - 1] != ')') {
        parse_alert(parse, "the parenthesis of '%s' is not closed", word);
        return NULL;
    }
    return arena_copy_str(parse->arena, str_of(paren + 1, len - 2));
}

static bool
parse_balance(struct parse *parse)
{
    struct balance_conf *conf = keyword_slot(parse, &balance_slot);
    const char *word = words_next(parse->words);
    const char *paren;
    struct str name;

    if (word == NULL)
        word = "roundrobin";
    paren = strchr(word, '(');
    name = paren == NULL ? str_from(word) : str_of(word, (size_t)(paren - word));
    conf->balancer = find(name);
    conf->draws = DRAWS_DEFAULT;
    conf->data = NULL;
    conf->is_default = false;
    if (conf->balancer == NULL || (paren != NULL && conf->balancer->parse == NULL))
        return complain(parse, word);
    if (conf->balancer->parse != NULL && !conf->balancer->parse(parse, conf))
        return false;
    return parse_end(parse);
}

/* --- plans -------------------------------------------------------------------------------------
 */

static void
build_plan(struct proxy *backend, struct server_set *set)
{
    const struct balance_conf *conf = backend->back->conf == NULL ? NULL : balance_of(backend->back->conf);

    if (conf != NULL && conf->balancer->build != NULL)
        conf->balancer->build(backend, conf, set);
    set->balancer = conf == NULL ? NULL : conf->balancer;
}

static bool
on_check(struct parse *parse)
{
    LIST_FOR_EACH (proxy, proxy_list(parse->snapshot), struct proxy_conf, link) {
        struct balance_conf *conf = slot_of(proxy->slots, &balance_slot);

        if (conf->balancer != NULL)
            continue;
        conf->balancer = find(STR("random"));
        conf->draws = DRAWS_DEFAULT;
        conf->is_default = true;
    }
    return true;
}

static bool
on_adopt(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (conf->live->back != NULL)
            conf->live->back->build_plan = build_plan;
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_BALANCE, on_check, "balance: default" },
    { CONFIG_ADOPT, ORDER_BALANCE, on_adopt, "balance: plans" },
};
REGISTER(config_hook, hooks);

static const struct keyword keywords[] = {
    { "balance", IN_BACK, .args = "[<algorithm>]", .slot = &balance_slot, .parse = parse_balance,
      .help = "How a server is chosen; random with two draws when there is no such line." },
};
REGISTER(keyword, keywords);
