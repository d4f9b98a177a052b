/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket: connections that scripts make, core.tcp().
 *
 * For:     actions, services, tasks: whatever may wait.
 * Owns:    a wire for each object.
 * Thread:  who has entered the state; a connected one belongs to the thread that has connected it.
 *
 * Whatever is not there yet is waited for: the coroutine pauses, and its thread goes on serving others.
 */
#include <string.h>

#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/tls/tls.h"
#include "outside.h"
#include "private.h"
#include "wire.h"

#define CLASS       "Socket"
#define HANDLE      "weir.socket"
#define IS_CLOSED   "connection closed."
#define IS_LATE     "timeout"

struct socket_handle {
    struct wire *wire; /* owns; NULL: not connected yet, or closed */
    int64_t timeout_ms; /* 0: none */
    int64_t wait_until_ms; /* of the call that waits */
    bool is_closed;
};

static struct socket_handle *
handle_at(lua_State *lua)
{
    struct socket_handle *handle;

    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_rawgeti(lua, 1, 0);
    handle = luaL_testudata(lua, -1, HANDLE);
    lua_pop(lua, 1);
    if (handle == NULL)
        luaL_argerror(lua, 1, "a Socket is expected; was it called with ':'?");
    if (handle->wire != NULL && handle->wire->home != this_thread)
        luaL_error(lua, "this socket belongs to another thread, on which it was connected");
    return handle;
}

static void
on_change(struct wire *wire)
{
    script_wake(wire->waiter); /* the wire may be gone afterwards */
}

/* --- waiting ------------------------------------------------------------------------------------------ */

static void
begin_wait(struct socket_handle *handle)
{
    handle->wait_until_ms = handle->timeout_ms == 0 ? TIMER_NEVER : script_now_ms() + handle->timeout_ms;
}

static bool
is_late(const struct socket_handle *handle)
{
    return script_now_ms() >= handle->wait_until_ms;
}

static int
wait_for(lua_State *lua, struct socket_handle *handle, lua_KContext ctx, lua_KFunction go_on)
{
    return script_wait(lua, &handle->wire->waiter, handle->wait_until_ms, ctx, go_on);
}

/* Whoever waited does so no more: it looks again. */
static struct socket_handle *
resumed(lua_State *lua)
{
    struct socket_handle *handle = handle_at(lua);

    if (handle->wire != NULL && handle->wire->waiter != NULL)
        script_run_forget(handle->wire->waiter);
    return handle;
}

static int
give_error(lua_State *lua, const char *text)
{
    lua_pushnil(lua);
    lua_pushstring(lua, text);
    return 2;
}

/* --- connecting --------------------------------------------------------------------------------------- */

static void
drop_wire(struct socket_handle *handle)
{
    if (handle->wire != NULL)
        wire_free(handle->wire);
    handle->wire = NULL;
}

static int
connect_on(lua_State *lua, int status, lua_KContext ctx)
{
    struct socket_handle *handle = resumed(lua);
    struct wire *wire = handle->wire;
    bool was_late = is_late(handle);

    (void)status;
    if (wire != NULL && wire->is_established) {
        lua_pushinteger(lua, 1);
        return 1;
    }
    if (wire != NULL && !wire->is_broken && !was_late)
        return wait_for(lua, handle, ctx, connect_on);
    drop_wire(handle);
    handle->is_closed = true;
    return give_error(lua, was_late ? IS_LATE : "Can't connect");
}

/* The words at 2 and 3. */
static void
read_address(lua_State *lua, struct addr *out)
{
    const char *word = luaL_checkstring(lua, 2);
    struct addr_spec spec;
    struct error err = ERROR_INIT;

    if (!lua_isnoneornil(lua, 3)) {
        lua_Integer port = luaL_checkinteger(lua, 3);

        luaL_argcheck(lua, port > 0 && port < 65536, 3, "a port from 1 to 65535");
        word = lua_pushfstring(lua, strchr(word, ':') != NULL && word[0] != '[' && strchr(word, '@') == NULL &&
                                            strchr(strchr(word, ':') + 1, ':') != NULL
                                        ? "[%s]:%d"
                                        : "%s:%d",
                               word, (int)port);
    }
    if (!addr_parse(word, 0, &spec, &err))
        luaL_error(lua, "connect: cannot parse destination address '%s'", word);
    if (addr_is_ip(&spec.addr) && spec.addr.port == 0)
        luaL_error(lua, "connect: port missing");
    *out = spec.addr;
}

static int
begin_connect(lua_State *lua, const struct server_conf *how)
{
    struct socket_handle *handle = handle_at(lua);
    struct tls_check wish = { .is_default = true };
    struct dial_request request = { .conf = &how->dial };
    struct tls_dial tls;

    read_address(lua, &request.to);
    lua_settop(lua, 3);
    drop_wire(handle);
    handle->is_closed = false;
    handle->wire = wire_new();
    if (handle->wire == NULL)
        return luaL_error(lua, "out of memory");
    handle->wire->on_change = on_change;
    tls_dial_for_check(&tls, how->slots, &wish);
    tls_dial_apply(&tls, &request);
    begin_wait(handle);
    if (!wire_connect(handle->wire, &request))
        handle->wire->is_broken = true;
    return connect_on(lua, LUA_OK, 0);
}

static const struct outside *
outside_here(lua_State *lua)
{
    const struct outside *outside = outside_of(script_state_of(lua)->set->snapshot);

    if (outside->plain == NULL || loop_here() == NULL)
        luaL_error(lua, "there are no connections while scripts are loaded");
    return outside;
}

static int
socket_connect(lua_State *lua)
{
    return begin_connect(lua, outside_here(lua)->plain);
}

static int
socket_connect_ssl(lua_State *lua)
{
    return begin_connect(lua, outside_here(lua)->unproven);
}

/* --- sending ------------------------------------------------------------------------------------------ */

/* Nothing more is taken while a buffer's fill waits to be written. */
static bool
is_full(const struct wire *wire)
{
    return wire->out.bytes >= buffer_default_size();
}

static int
give_unsent(lua_State *lua, const char *text, lua_Integer from)
{
    give_error(lua, text);
    lua_pushinteger(lua, from);
    return 3;
}

/* ctx: how many bytes of the string at 2 have gone, counted from its beginning; 4: the last one. */
static int
send_on(lua_State *lua, int status, lua_KContext ctx)
{
    struct socket_handle *handle = resumed(lua);
    struct wire *wire = handle->wire;
    struct str bytes = script_to_str(lua, 2);
    size_t from = (size_t)ctx, to = (size_t)lua_tointeger(lua, 4);

    (void)status;
    if (wire == NULL || wire->is_broken)
        return give_unsent(lua, IS_CLOSED, (lua_Integer)from);
    while (from < to && !is_full(wire)) {
        size_t len = to - from < buffer_default_size() ? to - from : buffer_default_size();

        if (!wire_send(wire, str_slice(bytes, from, len)))
            return luaL_error(lua, "out of memory");
        from += len;
    }
    if (from >= to) {
        lua_pushinteger(lua, (lua_Integer)to);
        return 1;
    }
    if (is_late(handle))
        return give_unsent(lua, IS_LATE, (lua_Integer)from);
    return wait_for(lua, handle, (lua_KContext)from, send_on);
}

/* As string.sub() counts. */
static lua_Integer
place_of(lua_Integer at, lua_Integer len)
{
    if (at < 0)
        at = len + at + 1;
    return at < 0 ? 0 : at > len ? len : at;
}

static int
socket_send(lua_State *lua)
{
    struct socket_handle *handle = handle_at(lua);
    lua_Integer len = (lua_Integer)script_to_str(lua, 2).len;
    lua_Integer first = luaL_optinteger(lua, 3, 1), last = place_of(luaL_optinteger(lua, 4, -1), len);

    first = first < 0 ? place_of(first, len) : first;
    if (first < 1)
        first = 1;
    lua_settop(lua, 3);
    lua_pushinteger(lua, last);
    begin_wait(handle);
    return send_on(lua, LUA_OK, (lua_KContext)(first - 1 > last ? last : first - 1));
}

/* --- receiving ---------------------------------------------------------------------------------------- */

enum pattern { ALL = -1, LINE = -2 }; /* or a number of bytes */

/* 2: what was asked; 3: the list of pieces, the first of which is the prefix. */
static int
give_partly(lua_State *lua, const char *text)
{
    give_error(lua, text);
    script_push_pieces(lua, 3);
    return 3;
}

/* Without the end of the line; carriage returns do not count. */
static int
give_line(lua_State *lua)
{
    size_t len, kept = 0;
    const char *bytes;
    luaL_Buffer buf;
    char *to;

    script_push_pieces(lua, 3);
    bytes = lua_tolstring(lua, -1, &len);
    to = luaL_buffinitsize(lua, &buf, len);
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\r' && (bytes[i] != '\n' || i + 1 < len))
            to[kept++] = bytes[i];
    }
    luaL_pushresultsize(&buf, kept);
    return 1;
}

static int
give_all(lua_State *lua)
{
    script_push_pieces(lua, 3);
    return 1;
}

/* How many of the bytes that are here belong to what was asked. */
static size_t
wanted(const struct wire *wire, lua_KContext left, bool *is_whole)
{
    size_t here = wire->in.bytes;
    long end = left == LINE ? script_find_line(&wire->in) : -1;

    *is_whole = left == LINE ? end >= 0 : left >= 0 && here >= (size_t)left;
    if (end >= 0)
        return (size_t)end + 1;
    return left >= 0 && here > (size_t)left ? (size_t)left : here;
}

/* ctx: enum pattern, or how many bytes are still to come. */
static int
receive_on(lua_State *lua, int status, lua_KContext ctx)
{
    struct socket_handle *handle = resumed(lua);
    struct wire *wire = handle->wire;
    bool is_whole;
    size_t len;

    (void)status;
    if (wire == NULL)
        return give_partly(lua, IS_CLOSED);
    do {
        len = wanted(wire, ctx, &is_whole);
        script_keep_piece(lua, 3, &wire->in, len);
        if (ctx > 0)
            ctx -= (lua_KContext)len;
        if (!is_whole)
            wire_consumed(wire);
    } while (!is_whole && !chain_is_empty(&wire->in));
    if (is_whole)
        return ctx == LINE ? give_line(lua) : give_all(lua);
    if (wire->in_ended)
        return ctx == ALL && !wire->is_broken ? give_all(lua) : give_partly(lua, IS_CLOSED);
    if (is_late(handle))
        return give_partly(lua, IS_LATE);
    return wait_for(lua, handle, ctx, receive_on);
}

static lua_KContext
read_pattern(lua_State *lua)
{
    const char *pattern;

    if (lua_isnoneornil(lua, 2))
        return LINE;
    if (lua_type(lua, 2) == LUA_TNUMBER) {
        lua_Integer count = luaL_checkinteger(lua, 2);

        luaL_argcheck(lua, count >= 0, 2, "a number of bytes, 0 or more");
        return (lua_KContext)count;
    }
    pattern = luaL_checkstring(lua, 2);
    if (pattern[0] == '*')
        pattern++;
    if (strcmp(pattern, "l") == 0)
        return LINE;
    if (strcmp(pattern, "a") == 0)
        return ALL;
    return luaL_error(lua, "Unsupported pattern.");
}

static int
socket_receive(lua_State *lua)
{
    struct socket_handle *handle = handle_at(lua);
    lua_KContext pattern = read_pattern(lua);

    (void)script_opt_str(lua, 3);
    lua_settop(lua, 3);
    lua_newtable(lua);
    lua_insert(lua, 3); /* the pieces; 4: the prefix */
    if (!lua_isnil(lua, 4)) {
        lua_pushvalue(lua, 4);
        lua_rawseti(lua, 3, 1);
    }
    begin_wait(handle);
    return receive_on(lua, LUA_OK, pattern);
}

/* --- the rest ----------------------------------------------------------------------------------------- */

static int
socket_close(lua_State *lua)
{
    struct socket_handle *handle = handle_at(lua);

    drop_wire(handle);
    handle->is_closed = true;
    return 0;
}

/* Seconds. */
static int
socket_settimeout(lua_State *lua)
{
    struct socket_handle *handle = handle_at(lua);
    lua_Number seconds = luaL_optnumber(lua, 2, 0);

    luaL_argcheck(lua, seconds >= 0 && seconds <= INT32_MAX / 1000, 2, "a number of seconds, 0 or more");
    handle->timeout_ms = (int64_t)(seconds * 1000 + 0.5);
    lua_pushinteger(lua, 1);
    return 1;
}

static int
socket_setoption(lua_State *lua)
{
    handle_at(lua);
    return 0;
}

static int
give_address(lua_State *lua, const struct addr *addr)
{
    char text[256];

    if (addr == NULL || addr->family == ADDR_NONE) {
        lua_pushnil(lua);
        return 1;
    }
    addr_format(addr, text, sizeof(text));
    lua_pushstring(lua, text);
    return 1;
}

static struct connection *
connection_at(lua_State *lua)
{
    const struct socket_handle *handle = handle_at(lua);

    return handle->wire == NULL || !handle->wire->is_established ? NULL : handle->wire->conn;
}

static int
socket_getpeername(lua_State *lua)
{
    struct connection *conn = connection_at(lua);

    return give_address(lua, conn == NULL ? NULL : connection_dst(conn));
}

static int
socket_getsockname(lua_State *lua)
{
    struct connection *conn = connection_at(lua);

    return give_address(lua, conn == NULL ? NULL : connection_src(conn));
}

/* --- made and freed ------------------------------------------------------------------------------------ */

static int
core_tcp(lua_State *lua)
{
    struct socket_handle *handle;

    script_object_new(lua, CLASS);
    handle = lua_newuserdatauv(lua, sizeof(*handle), 0);
    *handle = (struct socket_handle){ .wire = NULL };
    luaL_setmetatable(lua, HANDLE);
    lua_rawseti(lua, -2, 0);
    return 1;
}

static int
collect(lua_State *lua)
{
    struct socket_handle *handle = luaL_checkudata(lua, 1, HANDLE);

    drop_wire(handle); /* nobody waits: a coroutine that did would hold the object */
    return 0;
}

static const luaL_Reg functions[] = {
    { "connect", socket_connect },
    { "connect_ssl", socket_connect_ssl },
    { "send", socket_send },
    { "receive", socket_receive },
    { "settimeout", socket_settimeout },
    { "setoption", socket_setoption },
    { "getpeername", socket_getpeername },
    { "getsockname", socket_getsockname },
    { "close", socket_close },
    { NULL, NULL },
};

void
script_add_class_socket(lua_State *lua)
{
    static const luaL_Reg core[] = { { "tcp", core_tcp }, { NULL, NULL } };

    script_class_new(lua, CLASS, functions);
    luaL_newmetatable(lua, HANDLE);
    lua_pushcfunction(lua, collect);
    lua_setfield(lua, -2, "__gc");
    lua_pop(lua, 1);
    lua_getglobal(lua, "core");
    luaL_setfuncs(lua, core, 0);
    lua_pop(lua, 1);
}
