/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolvers sections, and dns-accept-family.
 *
 * Owns:    nothing; all lies in the snapshot.
 * Thread:  builder.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/config/environment.h"
#include "weir/config/keyword.h"
#include "weir/os/file.h"
#include "private.h"

#define DNS_PORT         53
#define RESOLV_CONF      "/etc/resolv.conf"
#define PAYLOAD_SIZE_MIN 512

struct dns_globals {
    struct list sections; /* struct resolvers_conf */
    unsigned families;    /* set of FAMILY_ bits; 0: auto */
};

static void
init_globals(void *slot)
{
    list_init(&((struct dns_globals *)slot)->sections);
}

static struct slot globals_slot = {
    .name = "dns",
    .owner = SLOT_GLOBAL,
    .size = sizeof(struct dns_globals),
    .init = init_globals,
};
REGISTER_SLOT(globals_slot);

struct list *
resolvers_list(const struct snapshot *snapshot)
{
    return &((struct dns_globals *)snapshot_slot(snapshot, &globals_slot))->sections;
}

unsigned
dns_accept_family(const struct snapshot *snapshot)
{
    const struct dns_globals *globals = snapshot_slot(snapshot, &globals_slot);

    return globals->families == 0 ? FAMILY_AUTO : globals->families;
}

struct resolvers_conf *
resolvers_conf_find(const struct snapshot *snapshot, const char *name)
{
    LIST_FOR_EACH (conf, resolvers_list(snapshot), struct resolvers_conf, link) {
        if (strcmp(conf->name, name) == 0)
            return conf;
    }
    return NULL;
}

/* --- the section -------------------------------------------------------------------------------- */

static struct resolvers_conf *
new_section(struct parse *parse, const char *name)
{
    struct resolvers_conf *conf = ARENA_NEW(parse->arena, struct resolvers_conf);

    conf->name = name;
    conf->pos = parse->words == NULL ? (struct source_pos){ 0 } : parse_pos(parse);
    list_init(&conf->nameservers);
    conf->settings = (struct resolver_settings){
        .resolve_ms = 1000,
        .retry_ms = 1000,
        .hold_valid_ms = 10000,
        .hold_nx_ms = 30000,
        .hold_refused_ms = 30000,
        .hold_timeout_ms = 30000,
        .hold_other_ms = 30000,
        .retries = 3,
        .payload_size = PAYLOAD_SIZE_MIN,
    };
    list_add_last(resolvers_list(parse->snapshot), &conf->link);
    return conf;
}

static bool
open_section(struct parse *parse)
{
    const char *name = parse_word(parse, "a name for the resolvers");
    const struct resolvers_conf *same;

    if (name == NULL)
        return false;
    same = resolvers_conf_find(parse->snapshot, name);
    if (same != NULL)
        return parse_alert(parse, "resolvers '%s' stand already at %s:%d", name, same->pos.file,
                           same->pos.line);
    parse->object = new_section(parse, name);
    return parse_end(parse);
}

static bool
close_section(struct parse *parse)
{
    const struct resolvers_conf *conf = parse->object;

    return conf == NULL || !list_is_empty(&conf->nameservers) ||
           parse_warn_at(parse, conf->pos, "resolvers '%s' have no nameserver", conf->name);
}

static const struct section sections[] = {
    { "resolvers", IN_RESOLVERS, open_section, close_section,
      .help = "Name servers that are asked while weir runs." },
};
REGISTER(section, sections);

/* --- name servers ------------------------------------------------------------------------------- */

static struct nameserver_conf *
find_nameserver(const struct resolvers_conf *conf, const char *name)
{
    LIST_FOR_EACH (nameserver, &conf->nameservers, struct nameserver_conf, link) {
        if (strcmp(nameserver->name, name) == 0)
            return nameserver;
    }
    return NULL;
}

static void
add_nameserver(struct parse *parse, struct resolvers_conf *conf, const char *name,
               const struct addr_spec *spec, struct source_pos pos)
{
    struct nameserver_conf *nameserver = ARENA_NEW(parse->arena, struct nameserver_conf);

    nameserver->name = name;
    nameserver->addr = spec->addr;
    nameserver->is_stream = spec->is_stream;
    nameserver->pos = pos;
    if (nameserver->addr.port == 0)
        nameserver->addr.port = DNS_PORT;
    list_add_last(&conf->nameservers, &nameserver->link);
}

static bool
parse_nameserver(struct parse *parse)
{
    struct resolvers_conf *conf = parse->object;
    const char *name = parse_word(parse, "a name");
    const struct nameserver_conf *same;
    struct error err = ERROR_INIT;
    struct addr_spec spec;
    const char *word;

    if (name == NULL)
        return false;
    same = find_nameserver(conf, name);
    if (same != NULL)
        return parse_alert(parse, "nameserver '%s' stands already at %s:%d", name, same->pos.file,
                           same->pos.line);
    word = parse_address_word(parse, "the address of the name server");
    if (word == NULL)
        return false;
    if (!addr_parse(word, ADDR_ALLOW_DATAGRAM, &spec, &err))
        return parse_alert(parse, "nameserver '%s': %s", name, err.text);
    if (!addr_is_ip(&spec.addr))
        return parse_alert(parse, "nameserver '%s': '%s' is no IP address", name, word);
    if (!words_at_end(parse->words)) {
        words_next(parse->words);
        return parse_not_yet(parse, "an option behind the address of a name server");
    }
    add_nameserver(parse, conf, name, &spec, parse_pos(parse));
    return true;
}

/* One line of resolv.conf: "nameserver 192.0.2.1", perhaps with "%eth0" behind it. */
static void
take_line(struct parse *parse, struct resolvers_conf *conf, struct str line, struct source_pos pos)
{
    static const struct str keyword = { "nameserver", 10 };
    struct addr_spec spec = { 0 };
    struct str word;
    const char *name;

    line = str_trim(line);
    if (!str_starts(line, keyword) || line.len <= keyword.len ||
        (line.ptr[keyword.len] != ' ' && line.ptr[keyword.len] != '\t'))
        return;
    word = str_trim(str_of(line.ptr + keyword.len, line.len - keyword.len));
    for (size_t i = 0; i < word.len; i++) {
        if (strchr(" \t#;%", word.ptr[i]) != NULL)
            word.len = i;
    }
    name = arena_copy_str(parse->arena, word);
    if (addr_parse_host(word, &spec.addr) && find_nameserver(conf, name) == NULL)
        add_nameserver(parse, conf, name, &spec, pos);
}

static bool
take_resolv_conf(struct parse *parse, struct resolvers_conf *conf, struct source_pos pos,
                 struct error *err)
{
    size_t len;
    char *content = file_read(RESOLV_CONF, &len, err);
    struct str rest = { content, len };

    if (content == NULL)
        return false;
    while (rest.ptr != NULL)
        take_line(parse, conf, str_split(&rest, '\n'), pos);
    alloc_free(content);
    return true;
}

static bool
parse_resolv_conf(struct parse *parse)
{
    struct error err = ERROR_INIT;

    if (!take_resolv_conf(parse, parse->object, parse_pos(parse), &err))
        return parse_alert(parse, "%s", err.text);
    return parse_end(parse);
}

/* "default" is always there, if the system has name servers. */
static bool
make_default(struct parse *parse)
{
    struct resolvers_conf *conf;
    struct error err = ERROR_INIT;

    if (resolvers_conf_find(parse->snapshot, "default") != NULL)
        return true;
    conf = new_section(parse, "default");
    if (!take_resolv_conf(parse, conf, conf->pos, &err) || list_is_empty(&conf->nameservers))
        list_remove(&conf->link);
    return true;
}

/* --- times and numbers ------------------------------------------------------------------------------ */

static bool
parse_hold(struct parse *parse)
{
    static const char *const names[] = { "nx",    "refused",  "timeout", "other",
                                         "valid", "obsolete", NULL };
    struct resolver_settings *settings = &((struct resolvers_conf *)parse->object)->settings;
    int64_t *const times[] = { &settings->hold_nx_ms,      &settings->hold_refused_ms,
                               &settings->hold_timeout_ms, &settings->hold_other_ms,
                               &settings->hold_valid_ms,   &settings->hold_obsolete_ms };
    int at;

    return parse_choice(parse, "a status", names, &at) &&
           parse_time(parse, "a duration", "ms", times[at]) && parse_end(parse);
}

static bool
parse_timeout(struct parse *parse)
{
    struct resolver_settings *settings = &((struct resolvers_conf *)parse->object)->settings;
    bool is_retry = strcmp(parse->keyword, "timeout retry") == 0;
    int64_t *to = is_retry ? &settings->retry_ms : &settings->resolve_ms;

    if (!parse_time(parse, "a duration", "ms", to))
        return false;
    if (*to == 0)
        return parse_alert(parse, "0 would ask name servers all the time");
    return parse_end(parse);
}

static bool
parse_accept_family(struct parse *parse)
{
    struct dns_globals *globals = snapshot_slot(parse->snapshot, &globals_slot);
    const char *word = parse_word(parse, "ipv4, ipv6 or auto");
    struct str rest = str_from(word);

    globals->families = 0;
    while (rest.ptr != NULL) {
        struct str name = str_split(&rest, ',');

        if (str_eq(name, STR("ipv4")))
            globals->families |= FAMILY_IPV4;
        else if (str_eq(name, STR("ipv6")))
            globals->families |= FAMILY_IPV6;
        else if (str_eq(name, STR("auto")))
            globals->families |= FAMILY_AUTO;
        else
            return parse_alert(parse, "'%.*s' is neither ipv4, ipv6 nor auto", STR_ARG(name));
    }
    return word != NULL && parse_end(parse);
}

#define SETTING(member_, low_, high_)                                                              \
    SET_INT(struct resolvers_conf, settings.member_, low_, high_)

static const struct keyword keywords[] = {
    { "nameserver", IN_RESOLVERS, .args = "<name> [tcp@]<address>[:<port>]",
      .parse = parse_nameserver,
      .help = "A name server; all of a section are asked at once, the first valid answer counts." },
    { "parse-resolv-conf", IN_RESOLVERS, .parse = parse_resolv_conf,
      .help = "The name servers of /etc/resolv.conf." },
    { "hold", IN_RESOLVERS, .args = "nx|refused|timeout|other|valid|obsolete <time>",
      .parse = parse_hold,
      .help = "How long the last valid answer counts for more than an error of this kind; with "
              "'valid', how long do-resolve uses it again; with 'obsolete', how long a record that "
              "answers no longer have is kept." },
    { "timeout resolve", IN_RESOLVERS, .args = "<time>", .parse = parse_timeout,
      .help = "How often a name is asked for." },
    { "timeout retry", IN_RESOLVERS, .args = "<time>", .parse = parse_timeout,
      .help = "How long a name server has for an answer." },
    { "resolve_retries", IN_RESOLVERS, .args = "<count>", SETTING(retries, 1, INT32_MAX),
      .help = "How often a question is asked before its name counts as not resolved." },
    { "accepted_payload_size", IN_RESOLVERS, .args = "<bytes>",
      SETTING(payload_size, PAYLOAD_SIZE_MIN, 65535),
      .help = "Longest answer over UDP, as name servers are told." },
    { "dns-accept-family", IN_GLOBAL, .args = "ipv4|ipv6|auto[,...]", .parse = parse_accept_family,
      .help = "Which addresses are asked for; auto: IPv6 only while there is a way out over it." },
};
REGISTER(keyword, keywords);

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_CONFIG, make_default, "dns: default resolvers" },
};
REGISTER(config_hook, hooks);
