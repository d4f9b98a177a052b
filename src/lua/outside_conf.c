/* SPDX-License-Identifier: Apache-2.0 */
/*
 * httpclient.*: how scripts reach the world outside.
 *
 * For:     class_socket.c, class_client.c.
 * Owns:    the contexts of TLS, from CHECK to RELEASE.
 * Thread:  builder.
 */
#include "weir/tls/tls.h"

#include "outside.h"
#include "private.h"

static void
init(void *slot)
{
    struct outside *outside = slot;

    outside->ca_file = "@system-ca";
    outside->verify = 1;
    outside->connect_ms = 5000;
    outside->retries = 3;
    outside->resolvers_name = "default";
}

static struct slot outside_slot = { .name = "httpclient", .owner = SLOT_GLOBAL, .size = sizeof(struct outside), .init = init };
REGISTER_SLOT(outside_slot);

const struct outside *
outside_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &outside_slot);
}

static struct outside *
outside_here(struct parse *parse)
{
    return (struct outside *)(uintptr_t)outside_of(parse->snapshot);
}

static bool
on_resolve(struct parse *parse)
{
    struct outside *outside = outside_here(parse);

    if (outside->no_resolvers)
        return true;
    outside->resolvers = resolvers_conf_find(parse->snapshot, outside->resolvers_name);
    if (outside->resolvers == NULL && strcmp(outside->resolvers_name, "default") != 0)
        return parse_alert(parse, "httpclient.resolvers.id: there is no section 'resolvers %s'", outside->resolvers_name);
    return true;
}

static bool
on_check(struct parse *parse)
{
    struct outside *outside = outside_here(parse);
    struct source_pos pos = { 0 };

    if (script_set_of(parse->snapshot) == NULL)
        return true;
    mux_settings_fill(&outside->mux, parse->snapshot);
    outside->plain = server_conf_new_lone(parse, NULL);
    outside->unproven = server_conf_new_lone(parse, NULL);
    outside->proven = server_conf_new_lone(parse, NULL);
    tls_server_set_on(outside->unproven->slots, NULL);
    tls_server_set_on(outside->proven->slots, outside->verify == 0 ? NULL : outside->ca_file);
    return tls_server_prepare(parse, pos, outside->unproven->slots) &&
           tls_server_prepare(parse, pos, outside->proven->slots);
}

static bool
on_release(struct parse *parse)
{
    struct outside *outside = outside_here(parse);

    if (outside->plain == NULL)
        return true;
    tls_server_release(outside->unproven->slots);
    if (outside->proven != NULL)
        tls_server_release(outside->proven->slots);
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_LUA, on_resolve, "lua: resolvers of scripts" },
    { CONFIG_CHECK, ORDER_LUA, on_check, "lua: TLS of scripts" },
    { CONFIG_RELEASE, ORDER_LUA, on_release, "lua: TLS of scripts" },
};
REGISTER(config_hook, hooks);

static const char *const verify_names[] = { "none", "required", NULL };
static const char *const family_names[] = { "ipv4", "ipv6", NULL };

static const struct keyword keywords[] = {
    { "httpclient.resolvers.disabled", IN_GLOBAL, .args = "<on|off>", SET_ON_OFF(struct outside, no_resolvers),
      .slot = &outside_slot, .help = "Requests of scripts go to addresses only; names are not looked up." },
    { "httpclient.resolvers.id", IN_GLOBAL, .args = "<resolvers>", SET_TEXT(struct outside, resolvers_name),
      .slot = &outside_slot, .help = "The section that looks up names for requests of scripts, instead of 'default'." },
    { "httpclient.resolvers.prefer", IN_GLOBAL, .args = "<ipv4|ipv6>",
      SET_CHOICE(struct outside, prefer, family_names), .slot = &outside_slot,
      .help = "Which addresses of a name requests of scripts go to." },
    { "httpclient.retries", IN_GLOBAL, .args = "<count>", SET_INT(struct outside, retries, 0, INT32_MAX),
      .slot = &outside_slot, .help = "How often a request of a script tries again to connect." },
    { "httpclient.ssl.ca-file", IN_GLOBAL, .args = "<file>", SET_TEXT(struct outside, ca_file),
      .slot = &outside_slot, .help = "Whom requests of scripts over TLS believe, instead of the system's authorities." },
    { "httpclient.ssl.verify", IN_GLOBAL, .args = "<none|required>",
      SET_CHOICE(struct outside, verify, verify_names), .slot = &outside_slot,
      .help = "Whether requests of scripts verify the server's certificate, as they do unless told otherwise." },
    { "httpclient.timeout.connect", IN_GLOBAL, .args = "<time>", SET_TIME_MS(struct outside, connect_ms),
      .slot = &outside_slot, .help = "How long a request of a script tries to connect." },
};
REGISTER(keyword, keywords);
