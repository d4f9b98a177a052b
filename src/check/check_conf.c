/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords of health checks on server lines. Those of backends: steps_conf.c, http_steps_conf.c.
 *
 * Thread: builder.
 */
#include <string.h>

#include "weir/mux/mux.h"
#include "private.h"

#define INTER_MS 2000

static void
init_check(void *slot)
{
    struct check_conf *conf = slot;

    conf->inter_ms = INTER_MS;
    conf->rise = 2;
    conf->fall = 3;
}

static struct slot check_slot = {
    .name = "check",
    .owner = SLOT_SERVER,
    .size = sizeof(struct check_conf),
    .init = init_check,
};
REGISTER_SLOT(check_slot);

const struct check_conf *
check_conf_of(const struct server_conf *srv)
{
    return slot_of_const(srv->slots, &check_slot);
}

struct check_conf *
check_conf_write(struct server_conf *srv)
{
    return slot_of(srv->slots, &check_slot);
}

static struct slot global_slot = SLOT("checks", SLOT_GLOBAL, struct check_global);
REGISTER_SLOT(global_slot);

const struct check_global *
check_global_now(void)
{
    return snapshot_slot(snapshot_current(), &global_slot);
}

/* --- server lines --------------------------------------------------------------------------- */

static bool
parse_check(struct parse *parse)
{
    ((struct check_conf *)keyword_slot(parse, &check_slot))->is_on =
        strcmp(parse->keyword, "check") == 0;
    return true;
}

static bool
parse_addr(struct parse *parse)
{
    struct check_conf *conf = keyword_slot(parse, &check_slot);
    const char *word = parse_address_word(parse, "an address");
    struct error err = ERROR_INIT;
    struct addr_spec spec;

    if (word == NULL)
        return false;
    if (!addr_parse(word, 0, &spec, &err))
        return parse_alert(parse, "'addr': %s", err.text);
    conf->addr = spec.addr;
    return true;
}

static bool
parse_send_proxy(struct parse *parse)
{
    ((struct check_conf *)keyword_slot(parse, &check_slot))->send_proxy =
        strncmp(parse->keyword, "no-", 3) != 0;
    return true;
}

static bool
parse_pool_name(struct parse *parse)
{
    if (parse_word(parse, "the name of a connection") == NULL)
        return false;
    return parse_warn(parse, "'check-pool-conn-name' has no effect: checks keep a connection of their own");
}

static bool
parse_reuse(struct parse *parse)
{
    ((struct check_conf *)keyword_slot(parse, &check_slot))->reuses =
        strncmp(parse->keyword, "no-", 3) != 0;
    return true;
}

static bool
parse_via_socks4(struct parse *parse)
{
    ((struct check_conf *)keyword_slot(parse, &check_slot))->via_socks4 = true;
    return true;
}

const struct mux *
check_parse_proto(struct parse *parse)
{
    const char *name = parse_word(parse, "a protocol");
    const struct mux *mux = name == NULL ? NULL : mux_find(str_from(name));

    if (name != NULL && mux == NULL)
        (void)parse_alert(parse, "unknown protocol '%s'; known are h2, h1 and none", name);
    return mux;
}

static bool
parse_proto(struct parse *parse)
{
    struct check_conf *conf = keyword_slot(parse, &check_slot);

    conf->mux = check_parse_proto(parse);
    return conf->mux != NULL;
}

#define CHECK_TIME(name_, member_, help_)                                                          \
    {                                                                                              \
        name_, IN_SERVER, .args = "<time>", .slot = &check_slot,                                   \
                          SET_TIME_MS(struct check_conf, member_), .help = help_                   \
    }

static const struct keyword keywords[] = {
    { "check", IN_SERVER, .parse = parse_check, .help = "Check the health of this server." },
    { "no-check", IN_SERVER, .parse = parse_check, .help = "Undoes an inherited 'check'." },
    CHECK_TIME("inter", inter_ms, "Time between two checks; 2 s by default."),
    CHECK_TIME("fastinter", fastinter_ms, "Time between two checks while the state is changing."),
    CHECK_TIME("downinter", downinter_ms, "Time between two checks while the server is down."),
    { "rise", IN_SERVER, .args = "<count>", .slot = &check_slot,
      SET_INT(struct check_conf, rise, 1, 65535),
      .help = "Good checks in a row that bring a server up." },
    { "fall", IN_SERVER, .args = "<count>", .slot = &check_slot,
      SET_INT(struct check_conf, fall, 1, 65535),
      .help = "Bad checks in a row that take a server down." },
    { "port", IN_SERVER, .args = "<port>", .slot = &check_slot,
      SET_INT(struct check_conf, port, 1, 65535),
      .help = "Port to check instead of the server's." },
    { "addr", IN_SERVER, .args = "<address>", .parse = parse_addr,
      .help = "Address to check instead of the server's." },
    { "spread-checks", IN_GLOBAL, .args = "<percent>", .slot = &global_slot,
      SET_INT(struct check_global, spread_percent, 0, 50),
      .help = "Time between checks is longer or shorter by up to so much, at random." },
    { "max-spread-checks", IN_GLOBAL, .args = "<time>", .slot = &global_slot,
      SET_TIME_MS(struct check_global, max_spread_ms),
      .help = "First checks of all servers begin within this time." },
    { "tune.max-checks-per-thread", IN_GLOBAL, .args = "<count>", .slot = &global_slot,
      SET_INT(struct check_global, max_running, 0, INT32_MAX),
      .help = "Most checks that run at once; others wait. 0: no limit. All run on one thread." },
    { "check-send-proxy", IN_SERVER, .parse = parse_send_proxy,
      .help = "Begin checks with a PROXY header, as connections do." },
    { "healthcheck", IN_SERVER, .args = "<name>", .slot = &check_slot,
      SET_TEXT(struct check_conf, named),
      .help = "Check as the healthcheck section of that name says, instead of the backend." },
    { "check-pool-conn-name", IN_SERVER, .args = "<name>", .parse = parse_pool_name,
      .help = "Accepted with a warning: a server's checks keep a connection of their own, whatever its name." },
    { "check-reuse-pool", IN_SERVER, .parse = parse_reuse,
      .help = "HTTP checks keep their connection for the next one." },
    { "no-check-reuse-pool", IN_SERVER, .parse = parse_reuse,
      .help = "Each check connects anew, as by default." },
    { "check-via-socks4", IN_SERVER, .parse = parse_via_socks4,
      .help = "Check through the SOCKS server of 'socks4'; without it, checks go straight." },
    { "check-proto", IN_SERVER, .args = "<name>", .parse = parse_proto,
      .help = "The protocol of checks: h2 or h1 for HTTP, none for TCP; else as 'proto' or ALPN "
              "say." },
    { "no-check-send-proxy", IN_SERVER, .parse = parse_send_proxy,
      .help = "Undoes an inherited 'check-send-proxy'." },
};
REGISTER(keyword, keywords);
