/* SPDX-License-Identifier: Apache-2.0 */
/*
 * healthcheck sections: checks with a name, for servers that say "healthcheck <name>".
 *
 * Thread: builder.
 *
 * A section has the slots of a proxy, because the keywords of checks write there.
 */
#include <string.h>

#include "weir/config/section.h"
#include "weir/tls/tls.h"
#include "external.h"
#include "steps.h"

struct healthcheck {
    struct list link; /* in the snapshot's list */
    const char *name;
    struct source_pos pos;
    const char *type; /* NULL: not said yet */
    void *slots;
};

struct healthchecks {
    struct list sections; /* struct healthcheck */
};

static void
init_list(void *slot)
{
    list_init(&((struct healthchecks *)slot)->sections);
}

static struct slot sections_slot = {
    .name = "healthchecks",
    .owner = SLOT_GLOBAL,
    .size = sizeof(struct healthchecks),
    .init = init_list,
};
REGISTER_SLOT(sections_slot);

static struct list *
sections_of(const struct snapshot *snapshot)
{
    return &((struct healthchecks *)snapshot_slot(snapshot, &sections_slot))->sections;
}

static void *
slots_of_section(void *object)
{
    return ((struct healthcheck *)object)->slots;
}

static const struct place_slots section_place_slots[] = { { IN_HEALTHCHECK, slots_of_section } };
REGISTER(place_slots, section_place_slots);

static struct healthcheck *
find(const struct snapshot *snapshot, const char *name)
{
    LIST_FOR_EACH (section, sections_of(snapshot), struct healthcheck, link) {
        if (strcmp(section->name, name) == 0)
            return section;
    }
    return NULL;
}

/* --- the section ------------------------------------------------------------------------------ */

static bool
open_section(struct parse *parse)
{
    const char *name = parse_word(parse, "a name for the health check");
    struct healthcheck *section;

    if (name == NULL || !parse_end(parse))
        return false;
    section = find(parse->snapshot, name);
    if (section != NULL)
        return parse_alert(parse, "healthcheck '%s' stands already at %s:%d", name,
                           section->pos.file, section->pos.line);
    section = ARENA_NEW(parse->arena, struct healthcheck);
    section->name = name;
    section->pos = parse_pos(parse);
    section->slots = slots_new(SLOT_PROXY, parse->arena);
    list_init(&section->link);
    list_add_last(sections_of(parse->snapshot), &section->link);
    parse->object = section;
    return true;
}

static bool
close_section(struct parse *parse)
{
    const struct healthcheck *section = parse->object;

    return section->type != NULL ||
           parse_alert_at(parse, section->pos, "healthcheck '%s' has no 'type'", section->name);
}

static const struct section sections[] = {
    { "healthcheck", IN_HEALTHCHECK, open_section, close_section,
      "A check of servers, with a name.", NULL },
};
REGISTER(section, sections);

static const char *const types[] = { "tcp-check",   "httpchk",     "ssl-hello-chk", "smtpchk",
                                     "pgsql-check", "redis-check", "mysql-check",   "ldap-check",
                                     "spop-check",  NULL };

/* What "option <type>" does. NULL: it is not there. */
static const struct keyword *
find_option(struct parse *parse, const char *type)
{
    const char *name = arena_printf(parse->arena, "option %s", type);

    FOR_EACH_REGISTERED (keyword, keyword, list) {
        if (strcmp(keyword->name, name) == 0 && (keyword->place & IN_BACKEND) != 0)
            return keyword;
    }
    return NULL;
}

static bool
parse_type(struct parse *parse)
{
    struct healthcheck *section = parse->object;
    const struct keyword *option;
    struct parse line = *parse;
    int at;

    if (section->type != NULL)
        return parse_alert(parse, "the type of healthcheck '%s' is %s already", section->name,
                           section->type);
    if (!parse_choice(parse, "the kind of the check", types, &at))
        return false;
    section->type = types[at];
    option = find_option(parse, types[at]);
    if (option == NULL)
        return parse_not_yet(parse, types[at]);
    line.keyword = option->name;
    return option->parse(&line);
}

bool
healthcheck_takes(struct parse *parse, const char *type)
{
    const struct healthcheck *section = parse->object;

    if (parse->place != IN_HEALTHCHECK)
        return true;
    if (section->type == NULL)
        return parse_alert(parse, "'type' must come before '%s'", parse->keyword);
    return strcmp(section->type, type) == 0 ||
           parse_alert(parse, "'%s' does not go with type %s", parse->keyword, section->type);
}

/* --- who uses it ------------------------------------------------------------------------------- */

static bool
has_ssl(const struct check_method *method)
{
    const struct check_step *step = method->first;

    while (step != NULL && !(step->kind == STEP_CONNECT && step->connect.is_ssl))
        step = step->next;
    return step != NULL;
}

static bool
resolve(struct parse *parse, struct server_conf *srv)
{
    struct check_conf *conf = check_conf_write(srv);
    const struct healthcheck *section;

    if (conf->named == NULL)
        return true;
    section = find(parse->snapshot, conf->named);
    if (section == NULL)
        return parse_alert_at(parse, srv->pos, "server '%s': there is no section 'healthcheck %s'",
                              srv->name, conf->named);
    conf->method = check_method_in(section->slots);
    if (has_ssl(conf->method))
        tls_server_want_context(srv->slots);
    return true;
}

static bool
on_resolve(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link)
            fine = resolve(parse, srv) && fine;
    }
    return fine;
}

static bool
on_check(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (section, sections_of(parse->snapshot), struct healthcheck, link) {
        struct check_method *method = check_method_in(section->slots);

        method_finish(parse, method);
        fine = method_connects_fit(parse, method, section->pos, section->name) && fine;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_CHECK, on_resolve, "check: names of checks" },
    { CONFIG_CHECK, ORDER_CHECK, on_check, "check: steps of healthcheck sections" },
};
REGISTER(config_hook, hooks);

static const struct keyword keywords[] = {
    { "type", IN_HEALTHCHECK, .args = "<kind> [arguments]", .parse = parse_type,
      .help = "What is checked: tcp-check, httpchk, smtpchk ..., with the arguments of the option of "
              "that name." },
};
REGISTER(keyword, keywords);
