/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTPClient: requests that scripts make, core.httpclient().
 *
 * For:     actions, services, tasks: whatever may wait.
 * Owns:    an exchange for each call, while it lasts.
 * Thread:  who has entered the state; exchanges belong to the thread that began them.
 *
 * A call looks up the name, connects (again and again, httpclient.retries), sends, and gathers the answer; the
 * coroutine pauses meanwhile. Whatever goes wrong becomes an answer with status 502, 503 or 504. On the stack of
 * the call: 1 the object, 2 the table of the request, 3 the exchange, 4 the pieces of the body.
 */
#include <string.h>

#include "weir/base/number.h"
#include "weir/http/reply.h"
#include "weir/http/validate.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/mux/client.h"
#include "weir/tls/tls.h"
#include "lookup.h"
#include "outside.h"
#include "private.h"

#define CLASS    "HTTPClient"
#define HANDLE   "weir.exchange"
#define PAUSE_MS 1000 /* between tries to connect */

struct url {
    struct str authority, host, path; /* path: with the query */
    uint16_t port;
    bool is_tls;
};

struct exchange { /* userdata; closed when its call ends, however it does */
    struct lookup *lookup;     /* NULL: none under way */
    struct client *client;     /* owns; NULL: none yet */
    struct script_run *waiter; /* NULL: nobody waits */
    struct addr to;            /* ADDR_NONE: not known */
    int64_t pause_until_ms;
    int64_t timeout_ms;
    int64_t tries;
    bool is_fresh; /* no kept connection */
};

/* --- what is asked ------------------------------------------------------------------------------------- */

static bool
split_authority(struct url *url)
{
    struct str rest = url->authority;
    long at = rest.len > 0 && rest.ptr[0] == '[' ? str_find_char(rest, ']') : -1;
    long colon = str_find_char(str_slice(rest, at < 0 ? 0 : (size_t)at, rest.len), ':');
    uint64_t port = url->is_tls ? 443 : 80;

    url->host = rest;
    if (colon >= 0) {
        size_t end = (at < 0 ? 0 : (size_t)at) + (size_t)colon;

        url->host = str_slice(rest, 0, end);
        if (!number_read_digits(str_slice(rest, end + 1, rest.len), &port) || port == 0 || port > 65535)
            return false;
    }
    url->port = (uint16_t)port;
    return url->host.len > 0;
}

/* Without brackets. */
static struct str
host_of(const struct url *url)
{
    struct str host = url->host;

    return host.len > 2 && host.ptr[0] == '[' ? str_slice(host, 1, host.len - 2) : host;
}

/* RFC 3986; what is no URL of http or https: false. */
static bool
url_parse(struct str text, struct url *url)
{
    long at;

    *url = (struct url){ .is_tls = str_eq_nocase(str_slice(text, 0, 8), STR("https://")) };
    if (!url->is_tls && !str_eq_nocase(str_slice(text, 0, 7), STR("http://")))
        return false;
    text = str_slice(text, url->is_tls ? 8 : 7, text.len);
    for (at = 0; (size_t)at < text.len; at++) {
        if (text.ptr[at] == '/' || text.ptr[at] == '?' || text.ptr[at] == '#')
            break;
    }
    url->authority = str_slice(text, 0, (size_t)at);
    url->path = str_slice(text, (size_t)at, text.len);
    at = str_find_char(url->path, '#');
    if (at >= 0)
        url->path.len = (size_t)at;
    for (size_t i = 0; i < url->path.len; i++) {
        if ((unsigned char)url->path.ptr[i] <= ' ' || url->path.ptr[i] == 0x7f)
            return false;
    }
    for (size_t i = 0; i < url->authority.len; i++) {
        if ((unsigned char)url->authority.ptr[i] <= ' ' || url->authority.ptr[i] == 0x7f || url->authority.ptr[i] == '@')
            return false;
    }
    return split_authority(url);
}

/* A text of the request's table; ptr NULL: it is not there. It stays on the stack, so that it lives. */
static struct str
read_text(lua_State *lua, const char *name)
{
    size_t len;
    const char *text;

    if (lua_getfield(lua, 2, name) == LUA_TNIL)
        return STR_NONE;
    text = lua_tolstring(lua, -1, &len);
    if (text == NULL)
        luaL_error(lua, "'%s' should be a string", name);
    return str_of(text, len);
}

static void
check_names(lua_State *lua)
{
    static const char *const known[] = { "url", "headers", "body", "dst", "timeout" };

    lua_pushnil(lua);
    while (lua_next(lua, 2)) {
        const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "?";
        bool is_known = false;

        for (size_t i = 0; i < COUNT(known); i++)
            is_known |= strcmp(known[i], name) == 0;
        if (!is_known)
            luaL_error(lua, "'%s' invalid parameter name", name);
        lua_pop(lua, 1);
    }
}

/* --- the request --------------------------------------------------------------------------------------- */

/* Which are weir's own to write. */
static bool
is_framing(struct str name)
{
    static const char *const names[] = { "content-length", "transfer-encoding", "connection", "keep-alive",
                                         "upgrade",        "expect",            "te",         "trailer" };

    for (size_t i = 0; i < COUNT(names); i++) {
        if (str_eq_nocase(name, str_from(names[i])))
            return true;
    }
    return false;
}

/* The name and the value that lie on top. False: it cannot be sent, or memory is out. */
static bool
add_field(lua_State *lua, struct message *msg, int name_at)
{
    size_t name_len, len;
    const char *name = lua_tolstring(lua, name_at, &name_len), *value = lua_tolstring(lua, -1, &len);

    if (name == NULL || value == NULL || !validate_token(str_of(name, name_len)) ||
        !validate_value(str_of(value, len)))
        return false;
    return is_framing(str_of(name, name_len)) ||
           message_add_field_copy(msg, str_of(name, name_len), str_of(value, len));
}

/* The value of one name: a string, or a list of them from 0 or 1 on. */
static bool
add_values(lua_State *lua, struct message *msg)
{
    int name = lua_gettop(lua) - 1, list = name + 1;
    bool fine = true;

    if (lua_type(lua, name) != LUA_TSTRING)
        return false;
    if (!lua_istable(lua, list))
        return add_field(lua, msg, name);
    for (lua_Integer i = 0; i <= (lua_Integer)lua_rawlen(lua, list) && fine; i++) {
        if (lua_rawgeti(lua, list, i) != LUA_TNIL)
            fine = add_field(lua, msg, name);
        lua_pop(lua, 1);
    }
    return fine;
}

static bool
add_fields(lua_State *lua, struct message *msg)
{
    bool fine = true;

    if (lua_getfield(lua, 2, "headers") == LUA_TTABLE) {
        lua_pushnil(lua);
        while (fine && lua_next(lua, -2)) {
            fine = add_values(lua, msg);
            lua_pop(lua, 1);
        }
    }
    return fine;
}

static bool
add_default(struct message *msg, const char *name, struct str value)
{
    return message_find_field_name(msg, str_from(name), 0) >= 0 ||
           message_add_field_copy(msg, str_from(name), value);
}

static bool
fill_start(struct message *msg, const struct url *url, const char *method)
{
    struct str path = url->path.len == 0 || url->path.ptr[0] != '/' ? STR("/") : url->path;

    msg->version_major = msg->version_minor = 1;
    msg->flags |= MESSAGE_LOCAL;
    msg->method_text = str_from(method);
    msg->method = (uint8_t)method_find(msg->method_text);
    if (url->path.len > 0 && url->path.ptr[0] == '?') {
        char *joined = arena_take(&msg->arena, url->path.len + 1);

        if (joined == NULL)
            return false;
        joined[0] = '/';
        memcpy(joined + 1, url->path.ptr, url->path.len);
        path = str_of(joined, url->path.len + 1);
    }
    path = message_copy(msg, path);
    if (path.ptr == NULL)
        return false;
    message_set_target(msg, path);
    return true;
}

static bool
fill_body(struct message *msg, struct chain *chain, struct str body)
{
    char length[24];

    if (body.len == 0 && msg->method != METHOD_POST && msg->method != METHOD_PUT)
        return true;
    msg->body = BODY_LENGTH;
    msg->body_length = body.len;
    return message_add_field_copy(msg, STR("content-length"), str_of(length, number_format(length, body.len))) &&
           (body.len == 0 || chain_add_copy(chain, body.ptr, body.len));
}

/* Lua error: what is asked cannot be sent. */
static struct message *
make_head(lua_State *lua, const struct url *url, const char *method, struct chain *chain)
{
    struct str body = read_text(lua, "body");
    struct message *msg = message_take();
    bool fine = msg != NULL && fill_start(msg, url, method) && add_fields(lua, msg) &&
                add_default(msg, "host", url->authority) && add_default(msg, "accept", STR("*/*")) &&
                add_default(msg, "user-agent", STR("weir")) && fill_body(msg, chain, body);

    if (fine)
        return msg;
    message_give(msg);
    chain_clear(chain);
    luaL_error(lua, "the request has a header field that cannot be sent, or memory is out");
    return NULL;
}

/* --- answers ------------------------------------------------------------------------------------------- */

static void
push_fields(lua_State *lua, const struct field *fields, uint32_t count)
{
    lua_newtable(lua);
    for (uint32_t i = 0; i < count; i++) {
        if (fields[i].name_len == 0)
            continue;
        script_push_str(lua, field_name_str(&fields[i]));
        script_push_str(lua, field_value(&fields[i]));
        script_add_to_list(lua);
    }
}

static int
give_answer(lua_State *lua, int status, struct str reason, const struct field *fields, uint32_t count)
{
    lua_createtable(lua, 0, 4);
    lua_insert(lua, -2); /* below the body */
    lua_setfield(lua, -2, "body");
    lua_pushinteger(lua, status);
    lua_setfield(lua, -2, "status");
    script_push_str(lua, reason);
    lua_setfield(lua, -2, "reason");
    push_fields(lua, fields, count);
    lua_setfield(lua, -2, "headers");
    return 1;
}

static int
give_message(lua_State *lua, const struct message *msg)
{
    script_push_pieces(lua, 4);
    return give_answer(lua, msg->status, msg->reason, msg->fields, msg->count);
}

/* As if somebody between had answered. */
static int
give_failure(lua_State *lua, int status)
{
    const struct reply *page = reply_builtin(status);

    script_push_str(lua, page->body);
    return give_answer(lua, status, page->reason, page->fields, page->field_count);
}

static int
status_of(enum client_failure failure)
{
    switch (failure) {
    case CLIENT_TOO_LATE:
        return 504;
    case CLIENT_BAD_ANSWER:
    case CLIENT_CUT_OFF:
    case CLIENT_STALE:
        return 502;
    case CLIENT_NOT_CONNECTED:
    case CLIENT_NO_MEMORY:
        break;
    }
    return 503;
}

/* --- one exchange --------------------------------------------------------------------------------------- */

static void
on_event(struct client *client)
{
    struct exchange *exchange = client->data;

    script_wake(exchange->waiter); /* it may be gone afterwards */
}

static void
on_name(void *data, const struct addr *addr)
{
    struct exchange *exchange = data;

    exchange->lookup = NULL;
    if (addr->family != ADDR_NONE) {
        uint16_t port = exchange->to.port;

        exchange->to = *addr;
        exchange->to.port = port;
    }
    script_wake(exchange->waiter);
}

static void
dial(lua_State *lua, struct exchange *exchange, const struct url *url, const char *method)
{
    const struct outside *outside = outside_of(script_state_of(lua)->set->snapshot);
    const struct server_conf *how = url->is_tls ? outside->proven : outside->plain;
    struct tls_check wish = { .is_default = true, .server_name = url->host };
    struct client_request request = { .connect_ms = outside->connect_ms,
                                      .server_ms = exchange->timeout_ms,
                                      .settings = &outside->mux };
    struct addr address;
    struct tls_dial tls;

    request.head = make_head(lua, url, method, &request.body);
    request.dial.conf = &how->dial;
    request.dial.to = exchange->to;
    tls_dial_for_check(&tls, how->slots, &wish);
    if (addr_parse_host(host_of(url), &address))
        tls.address = &address;
    tls_dial_apply(&tls, &request.dial);
    request.key = tls.key;
    request.may_reuse = !exchange->is_fresh && chain_is_empty(&request.body) &&
                        method_is_idempotent((enum http_method)request.head->method);
    exchange->client = client_start(loop_here(), &request, on_event, exchange);
    if (exchange->client == NULL)
        luaL_error(lua, "out of memory");
}

/* Of what has come, as much as is here. */
static void
gather(lua_State *lua, struct client *client)
{
    struct chain *body = client_body(client);

    while (body != NULL && !chain_is_empty(body)) {
        script_keep_piece(lua, 4, body, body->bytes);
        client_consumed(client);
        body = client_body(client);
    }
}

/* Without a connection another try may help, after a while. */
static bool
may_retry(lua_State *lua, struct exchange *exchange)
{
    const struct outside *outside = outside_of(script_state_of(lua)->set->snapshot);

    if (exchange->client->failure == CLIENT_STALE) {
        exchange->is_fresh = true;
        client_free(exchange->client);
        exchange->client = NULL;
        exchange->pause_until_ms = script_now_ms();
        return true;
    }
    if (exchange->client->failure != CLIENT_NOT_CONNECTED || exchange->tries >= outside->retries)
        return false;
    exchange->tries++;
    client_free(exchange->client);
    exchange->client = NULL;
    exchange->pause_until_ms = script_now_ms() + PAUSE_MS;
    return true;
}

static int go_on(lua_State *lua, int status, lua_KContext ctx);

static int
wait_until(lua_State *lua, struct exchange *exchange, int64_t ms, lua_KContext ctx)
{
    lua_settop(lua, 4);
    return script_wait(lua, &exchange->waiter, ms, ctx, go_on);
}

/* ctx: the method. */
static int
go_on(lua_State *lua, int status, lua_KContext ctx)
{
    struct exchange *exchange = lua_touserdata(lua, 3);
    struct url url;

    (void)status;
    if (exchange->waiter != NULL)
        script_run_forget(exchange->waiter);
    if (exchange->lookup != NULL)
        return wait_until(lua, exchange, TIMER_NEVER, ctx);
    if (exchange->to.family == ADDR_NONE)
        return give_failure(lua, 503);
    if (script_now_ms() < exchange->pause_until_ms)
        return wait_until(lua, exchange, exchange->pause_until_ms, ctx);
    if (exchange->client == NULL) {
        (void)url_parse(read_text(lua, "url"), &url);
        dial(lua, exchange, &url, (const char *)ctx);
    }
    gather(lua, exchange->client);
    if (exchange->client->state == CLIENT_DONE)
        return give_message(lua, exchange->client->answer);
    if (exchange->client->state != CLIENT_FAILED)
        return wait_until(lua, exchange, TIMER_NEVER, ctx);
    if (may_retry(lua, exchange))
        return wait_until(lua, exchange, exchange->pause_until_ms, ctx);
    return give_failure(lua, status_of(exchange->client->failure));
}

/* Where to: what `dst` says, or the URL. */
static void
find_address(lua_State *lua, struct exchange *exchange, const struct url *url)
{
    struct script_set *set = script_state_of(lua)->set;
    struct str dst = read_text(lua, "dst"), host = host_of(url);
    struct addr_spec spec;
    struct error err = ERROR_INIT;

    if (dst.ptr != NULL) {
        if (!addr_parse(dst.ptr, 0, &spec, &err))
            luaL_error(lua, "'dst': %s", err.text);
        exchange->to = spec.addr;
        if (addr_is_ip(&exchange->to) && exchange->to.port == 0)
            exchange->to.port = url->port;
        return;
    }
    if (!addr_parse_host(host, &exchange->to)) {
        exchange->to.family = ADDR_NONE;
        exchange->lookup = lookup_start(host, outside_of(set->snapshot), set->snapshot, on_name, exchange);
    }
    exchange->to.port = url->port;
}

static void
exchange_push(lua_State *lua)
{
    struct exchange *exchange = lua_newuserdatauv(lua, sizeof(*exchange), 0);

    *exchange = (struct exchange){ .lookup = NULL };
    luaL_setmetatable(lua, HANDLE);
    lua_toclose(lua, -1);
}

static int
request(lua_State *lua)
{
    const char *method = lua_touserdata(lua, lua_upvalueindex(1));
    struct exchange *exchange;
    struct str text;
    struct url url;

    luaL_checktype(lua, 2, LUA_TTABLE);
    if (outside_of(script_state_of(lua)->set->snapshot)->plain == NULL || loop_here() == NULL)
        return luaL_error(lua, "there are no requests while scripts are loaded");
    lua_settop(lua, 2);
    check_names(lua);
    exchange_push(lua);
    exchange = lua_touserdata(lua, 3);
    lua_newtable(lua);
    text = read_text(lua, "url");
    if (text.ptr == NULL)
        return luaL_error(lua, "'%s' need a 'url' argument", lua_tostring(lua, lua_upvalueindex(2)));
    exchange->timeout_ms = 0;
    if (lua_getfield(lua, 2, "timeout") != LUA_TNIL)
        exchange->timeout_ms = luaL_checkinteger(lua, -1);
    if (!url_parse(text, &url))
        return give_failure(lua, 503);
    find_address(lua, exchange, &url);
    lua_settop(lua, 4);
    return go_on(lua, LUA_OK, (lua_KContext)method);
}

/* Its call is over, or was given up: on the thread on which it began, because only a running coroutine can be closed. */
static int
close_exchange(lua_State *lua)
{
    struct exchange *exchange = luaL_checkudata(lua, 1, HANDLE);

    if (exchange->waiter != NULL)
        script_run_forget(exchange->waiter);
    if (exchange->lookup != NULL)
        lookup_abandon(exchange->lookup);
    exchange->lookup = NULL;
    client_free(exchange->client);
    exchange->client = NULL;
    return 0;
}

/* --- the class ------------------------------------------------------------------------------------------ */

static int
core_httpclient(lua_State *lua)
{
    script_object_new(lua, CLASS);
    return 1;
}

void
script_add_class_client(lua_State *lua)
{
    static const luaL_Reg nothing[] = { { NULL, NULL } };
    static const luaL_Reg core[] = { { "httpclient", core_httpclient }, { NULL, NULL } };
    static const char *const methods[][2] = { { "get", "GET" },   { "head", "HEAD" },    { "put", "PUT" },
                                              { "post", "POST" }, { "delete", "DELETE" } };

    script_class_new(lua, CLASS, nothing);
    luaL_getmetatable(lua, CLASS);
    lua_getfield(lua, -1, "__index");
    for (size_t i = 0; i < COUNT(methods); i++) {
        lua_pushlightuserdata(lua, (void *)(uintptr_t)methods[i][1]);
        lua_pushstring(lua, methods[i][0]);
        lua_pushcclosure(lua, request, 2);
        lua_setfield(lua, -2, methods[i][0]);
    }
    lua_pop(lua, 2);
    luaL_newmetatable(lua, HANDLE);
    lua_pushcfunction(lua, close_exchange);
    lua_setfield(lua, -2, "__close");
    lua_pop(lua, 1);
    lua_getglobal(lua, "core");
    luaL_setfuncs(lua, core, 0);
    lua_pop(lua, 1);
}
