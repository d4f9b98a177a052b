/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "server-event webhook": which changes of servers are told, and when.
 *
 * Owns:    what is known of servers that have changed: what was told last, and what happened since.
 * Thread:  builder reads; control tells.
 *
 * The first change of a server is told at once. Those that follow within the hold time are counted, and told as one
 * when it is over: a server that flaps does not flood anybody.
 */
#include <string.h>
#include <time.h>

#include "weir/base/alloc.h"
#include "weir/base/hashmap.h"
#include "weir/base/json.h"
#include "weir/base/number.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/http/validate.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/server/server.h"
#include "weir/telemetry/process.h"
#include "weir/tls/tls.h"
#include "webhook.h"

struct server_event {
    struct webhook_conf *webhook; /* NULL: nobody is told */
};
static struct slot event_slot = SLOT("server-event", SLOT_PROXY, struct server_event);
REGISTER_SLOT(event_slot);

/* --- reading ---------------------------------------------------------------------------------------------- */

static bool
parse_authority(struct parse *parse, struct webhook_conf *conf, struct str authority)
{
    struct str host = authority;
    const char *colon = memchr(authority.ptr, ':', authority.len);
    int64_t port = conf->is_tls ? 443 : 80;
    struct error err = ERROR_INIT;
    struct addr_spec spec;
    const char *text;

    if (authority.len > 0 && authority.ptr[0] == '[')
        colon = memchr(authority.ptr, ']', authority.len) == NULL ? NULL : strchr(memchr(authority.ptr, ']', authority.len), ':');
    if (colon != NULL && colon < authority.ptr + authority.len) {
        host = str_of(authority.ptr, (size_t)(colon - authority.ptr));
        if (!number_parse_int(str_slice(authority, host.len + 1, authority.len), 1, 65535, &port, NULL))
            return parse_alert(parse, "'%.*s' has no port", STR_ARG(authority));
    }
    text = arena_printf(parse->arena, "%.*s:%d", STR_ARG(host), (int)port);
    if (!addr_parse(text, ADDR_ALLOW_NAME | ADDR_REQUIRE_PORT, &spec, &err) ||
        (spec.needs_lookup && !addr_resolve(spec.host_name, AF_UNSPEC, &spec.addr, &err)))
        return parse_alert(parse, "'%s': %s", conf->url, err.text);
    conf->addr = spec.addr;
    conf->addr.port = (uint16_t)port;
    conf->host = arena_copy_str(parse->arena, host);
    conf->authority = arena_copy_str(parse->arena, authority);
    return true;
}

static bool
parse_url(struct parse *parse, struct webhook_conf *conf)
{
    struct str rest = str_from(conf->url), authority;

    conf->is_tls = str_starts(rest, STR("https://"));
    if (!conf->is_tls && !str_starts(rest, STR("http://")))
        return parse_alert(parse, "'%s' is no URL: http://host:port/path or https://...", conf->url);
    rest = str_slice(rest, conf->is_tls ? 8 : 7, rest.len);
    authority = str_of(rest.ptr, strcspn(rest.ptr, "/?"));
    if (authority.len == 0 || !validate_authority(authority))
        return parse_alert(parse, "'%s' names no host", conf->url);
    rest = str_slice(rest, authority.len, rest.len);
    conf->path = rest.len == 0           ? "/"
                 : rest.ptr[0] == '/'    ? rest.ptr
                                         : arena_printf(parse->arena, "/%s", rest.ptr);
    if (!validate_target(str_from(conf->path), false))
        return parse_alert(parse, "'%s' has a path that cannot be asked for", conf->url);
    return parse_authority(parse, conf, authority);
}

static bool
parse_header(struct parse *parse, struct webhook_conf *conf)
{
    struct webhook_header *header = ARENA_NEW(parse->arena, struct webhook_header);

    header->name = parse_word(parse, "the name of a header field");
    header->value = header->name == NULL ? NULL : parse_word(parse, "its value");
    if (header->value == NULL)
        return false;
    if (!validate_token(str_from(header->name)) || !validate_value(str_from(header->value)))
        return parse_alert(parse, "no header field: '%s: %s'", header->name, header->value);
    header->next = conf->headers;
    conf->headers = header;
    return true;
}

static bool
parse_event(struct parse *parse)
{
    struct server_event *event = keyword_slot(parse, &event_slot);
    struct webhook_conf *conf = ARENA_NEW(parse->arena, struct webhook_conf);

    conf->pos = parse_pos(parse);
    conf->ca_file = "@system-ca";
    conf->hold_ms = 10000;
    conf->url = parse_word(parse, "a URL");
    if (conf->url == NULL || !parse_url(parse, conf))
        return false;
    while (words_peek(parse->words) != NULL) {
        if (words_accept(parse->words, "hold")) {
            if (!parse_time(parse, "a time", "ms", &conf->hold_ms))
                return false;
        } else if (words_accept(parse->words, "header")) {
            if (!parse_header(parse, conf))
                return false;
        } else if (words_accept(parse->words, "ca-file")) {
            conf->ca_file = parse_word(parse, "a file of authorities");
            if (conf->ca_file == NULL)
                return false;
        } else {
            return parse_end(parse);
        }
    }
    event->webhook = conf;
    return true;
}

static const struct keyword keywords[] = {
    { "server-event webhook", IN_PROXY,
      .args = "<url> [hold <time>] [header <name> <value>]* [ca-file <file>]", .parse = parse_event,
      .help = "Post each change of a server's state, as JSON, to that URL. Changes of one server within the "
              "hold time (10 s) are told as one." },
};
REGISTER(keyword, keywords);

/* Proxies may share a line of their defaults section. */
static bool
on_check(struct parse *parse)
{
    LIST_FOR_EACH (proxy, proxy_list(parse->snapshot), struct proxy_conf, link) {
        struct webhook_conf *conf = ((struct server_event *)slot_of(proxy->slots, &event_slot))->webhook;

        if (conf == NULL || conf->how != NULL)
            continue;
        conf->how = server_conf_new_lone(parse, NULL);
        if (!conf->is_tls)
            continue;
        tls_server_set_on(conf->how->slots, conf->ca_file);
        if (!tls_server_prepare(parse, conf->pos, conf->how->slots))
            return false;
    }
    return true;
}

static bool
on_release(struct parse *parse)
{
    if (proxy_list(parse->snapshot)->next == NULL)
        return true;
    LIST_FOR_EACH (proxy, proxy_list(parse->snapshot), struct proxy_conf, link) {
        struct webhook_conf *conf = ((struct server_event *)slot_of(proxy->slots, &event_slot))->webhook;

        if (conf == NULL || conf->how == NULL)
            continue;
        if (conf->is_tls)
            tls_server_release(conf->how->slots);
        conf->how = NULL;
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_CHECK, on_check, "check: webhooks" },
    { CONFIG_RELEASE, ORDER_CHECK, on_release, "check: webhooks" },
};
REGISTER(config_hook, hooks);

/* --- telling --------------------------------------------------------------------------------------------------- */

/* A server that has changed lately. */
struct watched {
    struct server *srv; /* holds */
    char *key;          /* owns: "proxy/server" */
    struct timer timer; /* the hold time is over */
    unsigned changes;   /* since it was told last */
    const char *told;   /* static: the state that was told last */
    char *text, *reason; /* owns: of the newest change; reason NULL: none */
};

static struct hashmap all_watched;

static void
add_time(struct json *json)
{
    struct timespec ts;
    struct tm tm;
    char text[64];
    size_t len;

    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, sizeof(text) - len, ".%03dZ", (int)(ts.tv_nsec / 1000000));
    json_add_key(json, "time");
    json_add_text(json, text);
}

static void
add_text(struct json *json, const char *key, const char *value)
{
    json_add_key(json, key);
    if (value == NULL)
        json_add_null(json);
    else
        json_add_text(json, value);
}

static void
write_event(struct text *out, const struct watched *watched)
{
    const struct server *srv = watched->srv;
    struct addr addr;
    char text[128];
    struct json json;

    server_addr(srv, &addr);
    addr_format(&addr, text, sizeof(text));
    json_init(&json, out);
    json_open_object(&json);
    add_text(&json, "event", "server");
    add_time(&json);
    add_text(&json, "node", this_process.node);
    add_text(&json, "proxy", srv->backend->name);
    add_text(&json, "server", srv->name);
    add_text(&json, "address", text);
    add_text(&json, "old_state", watched->told);
    add_text(&json, "new_state", server_state_word(srv));
    add_text(&json, "reason", watched->reason);
    add_text(&json, "message", watched->text);
    json_add_key(&json, "changes");
    json_add_uint(&json, watched->changes);
    json_add_key(&json, "usable_servers");
    json_add_uint(&json, srv->backend->back->set->usable_count);
    json_close_object(&json);
}

static const struct webhook_conf *
webhook_of(const struct server *srv)
{
    const struct proxy_conf *conf = srv->backend->conf;

    return conf == NULL ? NULL
                        : ((const struct server_event *)slot_of_const(conf->slots, &event_slot))->webhook;
}

/* What was counted is told. */
static void
tell(struct watched *watched, const struct webhook_conf *conf)
{
    struct text body = TEXT_INIT;

    write_event(&body, watched);
    webhook_post(conf, watched->srv->backend->conf->snapshot, text_cstr(&body));
    text_fini(&body);
    watched->changes = 0;
    watched->told = server_state_word(watched->srv);
    if (conf->hold_ms > 0)
        timer_set(loop_here(), &watched->timer, loop_now_ms(loop_here()) + conf->hold_ms);
}

static void
forget(struct watched *watched)
{
    hashmap_remove(&all_watched, str_from(watched->key));
    timer_stop(&watched->timer);
    server_drop(watched->srv);
    alloc_free(watched->key);
    alloc_free(watched->text);
    alloc_free(watched->reason);
    alloc_free(watched);
}

static void
on_hold_over(struct timer *timer)
{
    struct watched *watched = LIST_ITEM(timer, struct watched, timer);
    const struct webhook_conf *conf = webhook_of(watched->srv);

    if (watched->changes > 0 && conf != NULL)
        tell(watched, conf);
    else
        forget(watched);
}

static struct watched *
watch(struct server *srv, const char *before)
{
    char *key = alloc_printf("%s/%s", srv->backend->name, srv->name);
    struct watched *watched = hashmap_find(&all_watched, str_from(key));

    if (watched != NULL) {
        alloc_free(key);
        return watched;
    }
    watched = alloc_zero(sizeof(*watched));
    watched->key = key;
    watched->srv = srv;
    watched->told = before;
    server_hold(srv);
    timer_init(&watched->timer, on_hold_over);
    hashmap_set(&all_watched, str_from(key), watched);
    return watched;
}

/* Without the word that stands before it in logs. */
static const char *
plain_reason(const char *reason)
{
    return strncmp(reason, "reason: ", 8) == 0 ? reason + 8 : reason;
}

static void
read_news(const struct server_news *news)
{
    const struct webhook_conf *conf = webhook_of(news->srv);
    struct watched *watched;

    if (conf == NULL)
        return;
    watched = watch(news->srv, news->before);
    alloc_free(watched->text);
    alloc_free(watched->reason);
    watched->text = alloc_copy(news->text);
    watched->reason = news->reason == NULL ? NULL : alloc_copy(plain_reason(news->reason));
    watched->changes++;
    if (timer_is_running(&watched->timer))
        return;
    tell(watched, conf);
    if (conf->hold_ms == 0)
        forget(watched);
}

static const struct server_news_reader readers[] = { { read_news } };
REGISTER(server_news_reader, readers);

/* Its proxy may go with it. */
static void
on_change(struct server *srv, unsigned what)
{
    char *key;
    struct watched *watched;

    if ((what & SERVER_REMOVED) == 0 || all_watched.count == 0)
        return;
    key = alloc_printf("%s/%s", srv->backend->name, srv->name);
    watched = hashmap_find(&all_watched, str_from(key));
    alloc_free(key);
    if (watched != NULL && watched->srv == srv)
        forget(watched);
}

static const struct server_observer observers[] = { { on_change } };
REGISTER(server_observer, observers);
