/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "server-event webhook", "server-event command": which changes of servers are told, and when.
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
#include "event_command.h"
#include "webhook.h"

struct command_conf { /* of a "server-event command" line; immutable */
    const char *path;
    int64_t hold_ms;
};

struct server_event {
    struct webhook_conf *webhook; /* NULL: nobody is told */
    struct command_conf *command; /* NULL: none is run */
};

#define HOLD_MS 10000
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
    conf->hold_ms = HOLD_MS;
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

static bool
parse_command(struct parse *parse)
{
    struct server_event *event = keyword_slot(parse, &event_slot);
    struct command_conf *conf = ARENA_NEW(parse->arena, struct command_conf);

    conf->hold_ms = HOLD_MS;
    conf->path = parse_word(parse, "a program");
    if (conf->path == NULL)
        return false;
    if (conf->path[0] != '/')
        return parse_alert(parse, "'%s' should begin with '/': no folders are searched", conf->path);
    if (words_accept(parse->words, "hold") && !parse_time(parse, "a time", "ms", &conf->hold_ms))
        return false;
    event->command = conf;
    return parse_end(parse);
}

static const struct keyword keywords[] = {
    { "server-event command", IN_PROXY, .args = "<program> [hold <time>]", .parse = parse_command,
      .help = "Run that program at each change of a server's state; what has changed is in its environment. Changes of one "
              "server within the hold time (10 s) are told as one." },
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
    char *key;          /* owns: "webhook proxy/server", "command ..." */
    bool is_command;
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

static const struct server_event *
event_of(const struct server *srv)
{
    const struct proxy_conf *conf = srv->backend->conf;

    return conf == NULL ? NULL : slot_of_const(conf->slots, &event_slot);
}

/* -1: nobody wants to know (any more). */
static int64_t
hold_ms(const struct watched *watched)
{
    const struct server_event *event = event_of(watched->srv);

    if (event == NULL)
        return -1;
    if (watched->is_command)
        return event->command == NULL ? -1 : event->command->hold_ms;
    return event->webhook == NULL ? -1 : event->webhook->hold_ms;
}

static void
run_command(const struct watched *watched, const char *json)
{
    const struct server *srv = watched->srv;
    char *variables[] = {
        alloc_printf("WEIR_EVENT=%s", json),
        alloc_printf("WEIR_PROXY=%s", srv->backend->name),
        alloc_printf("WEIR_SERVER=%s", srv->name),
        alloc_printf("WEIR_OLD_STATE=%s", watched->told),
        alloc_printf("WEIR_NEW_STATE=%s", server_state_word(srv)),
        alloc_printf("WEIR_MESSAGE=%s", watched->text),
        alloc_printf("WEIR_CHANGES=%u", watched->changes),
        alloc_copy("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        NULL,
    };

    event_command_run(event_of(srv)->command->path, (const char *const *)variables);
    for (char **at = variables; *at != NULL; at++)
        alloc_free(*at);
}

/* What was counted is told. */
static void
tell(struct watched *watched)
{
    const struct server *srv = watched->srv;
    struct text body = TEXT_INIT;
    int64_t hold = hold_ms(watched);

    write_event(&body, watched);
    if (watched->is_command)
        run_command(watched, text_cstr(&body));
    else
        webhook_post(event_of(srv)->webhook, srv->backend->conf->snapshot, text_cstr(&body));
    text_fini(&body);
    watched->changes = 0;
    watched->told = server_state_word(srv);
    if (hold > 0)
        timer_set(loop_here(), &watched->timer, loop_now_ms(loop_here()) + hold);
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

    if (watched->changes > 0 && hold_ms(watched) >= 0)
        tell(watched);
    else
        forget(watched);
}

static const char *
kind_name(bool is_command)
{
    return is_command ? "command" : "webhook";
}

static struct watched *
watch(struct server *srv, const char *before, bool is_command)
{
    char *key = alloc_printf("%s %s/%s", kind_name(is_command), srv->backend->name, srv->name);
    struct watched *watched = hashmap_find(&all_watched, str_from(key));

    if (watched != NULL) {
        alloc_free(key);
        return watched;
    }
    watched = alloc_zero(sizeof(*watched));
    watched->key = key;
    watched->is_command = is_command;
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
note(const struct server_news *news, bool is_command)
{
    struct watched *watched = watch(news->srv, news->before, is_command);

    alloc_free(watched->text);
    alloc_free(watched->reason);
    watched->text = alloc_copy(news->text);
    watched->reason = news->reason == NULL ? NULL : alloc_copy(plain_reason(news->reason));
    watched->changes++;
    if (timer_is_running(&watched->timer))
        return;
    tell(watched);
    if (hold_ms(watched) == 0)
        forget(watched);
}

static void
read_news(const struct server_news *news)
{
    const struct server_event *event = event_of(news->srv);

    if (event != NULL && event->webhook != NULL)
        note(news, false);
    if (event != NULL && event->command != NULL)
        note(news, true);
}

static const struct server_news_reader readers[] = { { read_news } };
REGISTER(server_news_reader, readers);

/* Its proxy may go with it. */
static void
on_change(struct server *srv, unsigned what)
{
    if ((what & SERVER_REMOVED) == 0 || all_watched.count == 0)
        return;
    for (int is_command = 0; is_command < 2; is_command++) {
        char *key = alloc_printf("%s %s/%s", kind_name(is_command), srv->backend->name, srv->name);
        struct watched *watched = hashmap_find(&all_watched, str_from(key));

        alloc_free(key);
        if (watched != NULL && watched->srv == srv)
            forget(watched);
    }
}

static const struct server_observer observers[] = { { on_change } };
REGISTER(server_observer, observers);
