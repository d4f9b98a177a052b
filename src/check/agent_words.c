/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What agents say: "up 75% maxconn:30 ready # fine". And the keywords of agents.
 *
 * Callers: agent.c. Thread: control; keywords: builder.
 */
#include <stdio.h>
#include <string.h>

#include "weir/base/number.h"
#include "agent.h"

/* --- words ------------------------------------------------------------------------------------- */

static bool
is_one_of(struct str word, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (str_eq_nocase(word, str_from(*names)))
            return true;
    }
    return false;
}

static void
obey_word(struct agent *agent, struct str word, struct str *health, struct str *unknown)
{
    static const char *const states[] = { "up", "down", "fail", "failed", "stopped", NULL };
    struct server *srv = agent->server;
    struct error err = ERROR_INIT;
    uint64_t n;

    if (is_one_of(word, states))
        *health = word;
    else if (str_eq_nocase(word, STR("ready")))
        server_set_admin(srv, 0, ADMIN_FMAINT | ADMIN_FDRAIN, NULL);
    else if (str_eq_nocase(word, STR("drain")))
        server_set_admin(srv, ADMIN_FDRAIN, ADMIN_FMAINT, NULL);
    else if (str_eq_nocase(word, STR("maint")))
        server_set_admin(srv, ADMIN_FMAINT, ADMIN_FDRAIN, NULL);
    else if (word.len > 1 && word.ptr[0] >= '0' && word.ptr[0] <= '9' &&
             word.ptr[word.len - 1] == '%')
        server_set_weight(srv, word, &err);
    else if (str_starts(word, STR("weight:")) && word.len > 7)
        server_set_weight(srv, str_slice(word, 7, word.len - 7), &err);
    else if (str_starts(word, STR("maxconn:")) &&
             number_read_digits(str_slice(word, 8, word.len - 8), &n))
        server_set_maxconn(srv, (int64_t)n);
    else if (unknown->ptr == NULL)
        *unknown = word;
}

void
agent_obey(struct agent *agent, struct str said)
{
    struct str line = str_split(&said, '\n'), words = str_split(&line, '#'), health = STR_NONE,
               unknown = STR_NONE;
    char text[128];
    size_t from = 0;

    line = str_trim(line.ptr == NULL ? STR("") : line);
    while (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    for (size_t i = 0; i <= words.len; i++) {
        if (i < words.len && strchr(" \t,\r", words.ptr[i]) == NULL)
            continue;
        if (i > from)
            obey_word(agent, str_of(words.ptr + from, i - from), &health, &unknown);
        from = i + 1;
    }
    if (health.ptr == NULL) {
        snprintf(text, sizeof(text), "agent reports an error : %.*s", STR_ARG(unknown));
        agent_says_nothing(agent, unknown.ptr == NULL ? "" : text);
        return;
    }
    snprintf(text, sizeof(text), "via agent : %.*s%s%.*s%s", STR_ARG(health),
             line.len > 0 ? " (" : "", STR_ARG(line), line.len > 0 ? ")" : "");
    agent_set(agent, str_eq_nocase(health, STR("up")), text);
}

/* --- keywords ------------------------------------------------------------------------------------ */

static void
init_agent(void *slot)
{
    ((struct agent_conf *)slot)->inter_ms = 2000;
}

static struct slot agent_slot = {
    .name = "agent",
    .owner = SLOT_SERVER,
    .size = sizeof(struct agent_conf),
    .init = init_agent,
};
REGISTER_SLOT(agent_slot);

const struct agent_conf *
agent_conf_of(const struct server_conf *srv)
{
    return slot_of_const(srv->slots, &agent_slot);
}

static bool
parse_agent(struct parse *parse)
{
    ((struct agent_conf *)keyword_slot(parse, &agent_slot))->is_on =
        strncmp(parse->keyword, "no-", 3) != 0;
    return true;
}

static bool
parse_addr(struct parse *parse)
{
    struct agent_conf *conf = keyword_slot(parse, &agent_slot);
    const char *word = parse_address_word(parse, "an address");
    struct error err = ERROR_INIT;
    struct addr_spec spec;

    if (word == NULL)
        return false;
    if (!addr_parse(word, 0, &spec, &err))
        return parse_alert(parse, "'agent-addr': %s", err.text);
    conf->addr = spec.addr;
    return true;
}

static bool
on_check(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
            const struct agent_conf *agent = agent_conf_of(srv);

            if (agent->is_on && agent->port == 0)
                return parse_alert_at(parse, srv->pos,
                                      "server '%s' has 'agent-check' but no 'agent-port'",
                                      srv->name);
        }
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_CHECK, on_check, "check: agents" },
};
REGISTER(config_hook, hooks);

static const struct keyword keywords[] = {
    { "agent-check", IN_SERVER, .parse = parse_agent,
      .help = "Ask a program beside the server about state and weight." },
    { "no-agent-check", IN_SERVER, .parse = parse_agent, .help = "Undoes 'agent-check'." },
    { "agent-port", IN_SERVER, .args = "<port>", .slot = &agent_slot,
      SET_INT(struct agent_conf, port, 1, 65535), .help = "Port of the agent." },
    { "agent-addr", IN_SERVER, .args = "<address>", .parse = parse_addr,
      .help = "Address of the agent, if it is not the server's." },
    { "agent-inter", IN_SERVER, .args = "<time>", .slot = &agent_slot,
      SET_TIME_MS(struct agent_conf, inter_ms), .help = "Time between two questions; 2 s." },
    { "agent-send", IN_SERVER, .args = "<text>", .slot = &agent_slot,
      SET_TEXT(struct agent_conf, send), .help = "What is sent to the agent first." },
};
REGISTER(keyword, keywords);
