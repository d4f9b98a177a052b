/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log-forward sections as written.
 *
 * For:     log_forward.c.
 * Owns:    nothing; all lies in the snapshot.
 * Thread:  builder.
 */
#include <string.h>

#include "weir/config/keyword.h"
#include "weir/config/section.h"
#include "log_forward.h"

#define MAXCONN_DEFAULT 10 /* as HAProxy */

static void
init_list(void *slot)
{
    list_init(slot);
}

static struct slot forward_slot = { .name = "log-forward",
                                    .owner = SLOT_GLOBAL,
                                    .size = sizeof(struct list),
                                    .init = init_list };
REGISTER_SLOT(forward_slot);

struct list *
log_forward_list(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &forward_slot);
}

/* --- the section -------------------------------------------------------------------------------------- */

static bool
open_section(struct parse *parse)
{
    struct log_forward_conf *conf = ARENA_NEW(parse->arena, struct log_forward_conf);

    conf->name = parse_word(parse, "a name");
    if (conf->name == NULL)
        return false;
    LIST_FOR_EACH (other, log_forward_list(parse->snapshot), struct log_forward_conf, link) {
        if (strcmp(other->name, conf->name) == 0)
            return parse_alert(parse, "log-forward '%s' stands already at %s:%d", conf->name,
                               other->pos.file, other->pos.line);
    }
    conf->pos = parse_pos(parse);
    conf->maxconn = MAXCONN_DEFAULT;
    list_init(&conf->binds);
    list_init(&conf->receivers);
    list_add_last(log_forward_list(parse->snapshot), &conf->link);
    parse->object = conf;
    return parse_end(parse);
}

static bool
close_section(struct parse *parse)
{
    const struct log_forward_conf *conf = parse->object;

    if (conf == NULL)
        return true;
    if (list_is_empty(&conf->binds) && list_is_empty(&conf->receivers))
        return parse_warn_at(parse, conf->pos,
                             "log-forward '%s' hears nobody: it has neither 'bind' nor 'dgram-bind'",
                             conf->name);
    if (conf->logs == NULL)
        return parse_warn_at(parse, conf->pos, "log-forward '%s' forwards to nobody: it has no 'log' line",
                             conf->name);
    if (!list_is_empty(&conf->binds) && conf->client_ms == 0)
        return parse_warn_at(parse, conf->pos,
                             "log-forward '%s' has no 'timeout client': silent connections stay", conf->name);
    return true;
}

static const struct section sections[] = {
    { "log-forward", IN_LOG_FORWARD, open_section, close_section,
      .help = "Takes syslog messages of others over UDP and TCP, and sends them on to log lines of its own." },
};
REGISTER(section, sections);

/* --- its lines ------------------------------------------------------------------------------------------ */

static bool
parse_bind(struct parse *parse)
{
    struct log_forward_conf *conf = parse->object;

    return bind_parse(parse, &conf->binds, conf);
}

/* The options of bind lines that mean something for datagrams. */
static bool
check_options(struct parse *parse)
{
    static const char *const plain[] = { "transparent", "v4v6", "v6only" };
    static const char *const with_value[] = { "interface", "namespace", "name" };
    struct words *words = parse->words;
    unsigned begin = words->at;
    bool fine = true;
    const char *word;

    words_next(words);
    while (fine && (word = words_next(words)) != NULL) {
        bool is_known = false;

        for (unsigned i = 0; i < COUNT(plain); i++)
            is_known = is_known || strcmp(word, plain[i]) == 0;
        for (unsigned i = 0; i < COUNT(with_value) && !is_known; i++) {
            is_known = strcmp(word, with_value[i]) == 0;
            if (is_known)
                words_next(words);
        }
        if (!is_known)
            fine = parse_alert(parse, "'dgram-bind': '%s' is not for datagrams; interface, namespace, name, "
                                      "transparent, v4v6 and v6only are", word);
    }
    if (fine)
        words->at = begin;
    return fine;
}

static bool
parse_dgram_bind(struct parse *parse)
{
    struct log_forward_conf *conf = parse->object;
    struct list binds;

    list_init(&binds);
    if (!check_options(parse) || !bind_parse(parse, &binds, conf))
        return false;
    LIST_FOR_EACH (bind, &binds, struct bind_conf, link) {
        struct log_receiver_conf *receiver = ARENA_NEW(parse->arena, struct log_receiver_conf);

        if (!addr_is_ip(&bind->addr))
            return parse_alert(parse, "'dgram-bind' expects IP addresses with a port, not '%s'",
                               bind->addr_text);
        receiver->bind = bind;
        list_add_last(&conf->receivers, &receiver->link);
    }
    return true;
}

static bool
parse_log(struct parse *parse)
{
    return log_targets_parse(parse, &((struct log_forward_conf *)parse->object)->logs);
}

static bool
parse_host(struct parse *parse)
{
    static const char *const rules[] = { "fill", "replace", "keep", "append", NULL };

    return parse_choice(parse, "replace, fill, keep or append", rules,
                        &((struct log_forward_conf *)parse->object)->host_rule) &&
           parse_end(parse);
}

static const struct keyword keywords[] = {
    { "backlog", IN_LOG_FORWARD, .args = "<count>",
      SET_INT(struct log_forward_conf, backlog, 0, INT32_MAX),
      .help = "Connections that may wait to be accepted." },
    { "bind", IN_LOG_FORWARD, .args = "<address>[,...] [<option>]*", .parse = parse_bind,
      .help = "Take messages over TCP here: one per line, or each behind its length." },
    { "dgram-bind", IN_LOG_FORWARD, .args = "<address>[,...] [<option>]*", .parse = parse_dgram_bind,
      .help = "Take messages over UDP here: one per datagram." },
    { "log", IN_LOG_FORWARD, .flags = KEYWORD_NO,
      .args = "global | <target> [<option>]* <facility> [<level> [<minimum>]]", .parse = parse_log,
      .help = "Send the messages there; without 'format' in the form that they came in." },
    { "maxconn", IN_LOG_FORWARD, .args = "<count>",
      SET_INT(struct log_forward_conf, maxconn, 1, INT32_MAX), .help = "Connections at once; 10 unless said." },
    { "option assume-rfc6587-ntf", IN_LOG_FORWARD, .flags = KEYWORD_NO,
      SET_FLAG(struct log_forward_conf, is_never_counted),
      .help = "Over TCP each line is a message, whatever it begins with: lengths are not looked for." },
    { "option dont-parse-log", IN_LOG_FORWARD, .flags = KEYWORD_NO,
      SET_FLAG(struct log_forward_conf, is_not_parsed),
      .help = "Messages go on as they are, header and all, to targets with format raw or without one." },
    { "option host", IN_LOG_FORWARD, .args = "replace|fill|keep|append", .parse = parse_host,
      .help = "The host in what is sent on: the sender's address always, where none is named (as without this "
              "line), never, or behind what is named." },
    { "timeout client", IN_LOG_FORWARD, .args = "<time>", SET_TIME_MS(struct log_forward_conf, client_ms),
      .help = "Connections that are silent for so long are closed." },
};
REGISTER(keyword, keywords);

/* --- after the text is read ------------------------------------------------------------------------------- */

static bool
on_check(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, log_forward_list(parse->snapshot), struct log_forward_conf, link) {
        LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
            if (bind->backlog == 0)
                bind->backlog = conf->backlog;
        }
        if (conf->logs != NULL && log_targets_have_profiles(conf->logs))
            fine = parse_alert_at(parse, conf->pos, "log-forward '%s': profiles of log lines are not for "
                                                    "messages of others", conf->name);
    }
    return fine;
}

static const struct config_hook hooks[] = { { CONFIG_CHECK, ORDER_PROXY, on_check, "log forwarding" } };
REGISTER(config_hook, hooks);
