/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords of checks by programs: external-check, option external-check.
 *
 * Thread: builder.
 */
#include "external.h"

struct external_global {
    bool is_allowed, keeps_environment;
};

static struct slot external_slot = SLOT("external check", SLOT_PROXY, struct external_conf);
REGISTER_SLOT(external_slot);
static struct slot global_slot = SLOT("external checks", SLOT_GLOBAL, struct external_global);
REGISTER_SLOT(global_slot);

const struct external_conf *
external_conf_of(const struct proxy_conf *backend)
{
    return slot_of_const(backend->slots, &external_slot);
}

bool
external_keeps_environment(void)
{
    const struct external_global *global = snapshot_slot(snapshot_current(), &global_slot);

    return global->keeps_environment;
}

void
external_forget(struct parse *parse)
{
    ((struct external_conf *)keyword_slot(parse, &external_slot))->is_on = false;
}

static bool
parse_option(struct parse *parse)
{
    struct check_method *method = check_method_of_parse(parse);

    ((struct external_conf *)keyword_slot(parse, &external_slot))->is_on = !parse->negated;
    if (!parse->negated) {
        method->is_http = false;
        method->prepared = NULL;
    }
    return parse_end(parse);
}

static bool
parse_allow(struct parse *parse)
{
    struct external_global *global = keyword_slot(parse, &global_slot);

    global->is_allowed = true;
    if (words_accept(parse->words, "preserve-env"))
        global->keeps_environment = true;
    return parse_end(parse);
}

static bool
check_backend(struct parse *parse, const struct proxy_conf *conf)
{
    const struct external_conf *external = external_conf_of(conf);
    const struct external_global *global = snapshot_slot(parse->snapshot, &global_slot);

    if (!external->is_on)
        return true;
    if (!global->is_allowed)
        return parse_alert_at(parse, conf->pos,
                              "'option external-check' of '%s' needs 'external-check' in the global "
                              "section",
                              conf->name);
    return external->command != NULL ||
           parse_alert_at(parse, conf->pos,
                          "'option external-check' of '%s' needs 'external-check command'",
                          conf->name);
}

static bool
on_check(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (proxy_conf_is_back(conf))
            fine = check_backend(parse, conf) && fine;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_CHECK, on_check, "check: programs" },
};
REGISTER(config_hook, hooks);

static const struct keyword keywords[] = {
    { "external-check", IN_GLOBAL, .args = "[preserve-env]", .parse = parse_allow,
      .help = "Checks may run programs; 'preserve-env' hands them the whole environment." },
    { "option external-check", IN_BACK, .flags = KEYWORD_NO, .parse = parse_option,
      .help = "Check servers by a program: status 0 is good." },
    { "external-check command", IN_BACK, .args = "<program>", .slot = &external_slot,
      SET_TEXT(struct external_conf, command), .help = "The program that checks a server." },
    { "external-check path", IN_BACK, .args = "<folders>", .slot = &external_slot,
      SET_TEXT(struct external_conf, path),
      .help = "PATH of that program, where it is looked for too; empty by default." },
};
REGISTER(keyword, keywords);
