/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AppletHTTP, AppletTCP: what a service written in Lua works with.
 *
 * Thread:  owner of the stream, in the state that it has entered.
 *
 * A table: [0] the userdata with the eval, as in TXN, so that f, sf, c, sc and variables work the same way. Functions
 * that must wait leave the coroutine with what the applet waits for in run->wants, and look again afterwards.
 */
#include <string.h>

#include "weir/http/validate.h"
#include "weir/stream/applet.h"
#include "private.h"

#define HTTP "AppletHTTP"
#define TCP  "AppletTCP"

/* The applet for which the script runs, if the object at 1 is its own. */
static struct applet *
applet_here(lua_State *lua)
{
    const struct script_txn *txn = script_txn_at(lua, 1);
    struct script_run *run = script_state_of(lua)->run;

    if (run == NULL || run->applet == NULL || run->eval != txn->eval)
        luaL_error(lua, "this is for the service itself alone");
    return run->applet;
}

static int
wait_for(lua_State *lua, unsigned wants, lua_KContext ctx, lua_KFunction go_on)
{
    struct script_run *run = script_state_of(lua)->run;

    if (!lua_isyieldable(lua))
        return luaL_error(lua, "a service cannot wait here");
    run->wants = wants;
    run->wake_ms = TIMER_NEVER;
    return lua_yieldk(lua, 0, ctx, go_on);
}

/* --- reading ----------------------------------------------------------------------------------------- */

static int
getline_on(lua_State *lua, int status, lua_KContext ctx)
{
    struct applet *applet = applet_here(lua);
    struct chain *input = applet_input(applet);
    long at = script_find_line(input);

    (void)status;
    (void)ctx;
    script_keep_piece(lua, 3, input, at < 0 ? input->bytes : (size_t)at + 1);
    applet_consumed(applet);
    if (at < 0 && !applet_input_ended(applet))
        return wait_for(lua, APPLET_WANTS_DATA, 0, getline_on);
    script_push_pieces(lua, 3);
    return 1;
}

static int
applet_getline(lua_State *lua)
{
    lua_settop(lua, 2);
    lua_newtable(lua);
    return getline_on(lua, LUA_OK, 0);
}

/* ctx: how many bytes are still to come; -1: all. */
static int
receive_on(lua_State *lua, int status, lua_KContext ctx)
{
    struct applet *applet = applet_here(lua);
    size_t here = applet_input(applet)->bytes;

    (void)status;
    if (ctx >= 0 && here > (size_t)ctx)
        here = (size_t)ctx;
    script_keep_piece(lua, 3, applet_input(applet), here);
    applet_consumed(applet);
    if (ctx > 0)
        ctx -= (lua_KContext)here;
    if (ctx != 0 && !applet_input_ended(applet))
        return wait_for(lua, APPLET_WANTS_DATA, ctx, receive_on);
    script_push_pieces(lua, 3);
    return 1;
}

static int
applet_receive(lua_State *lua)
{
    lua_Integer size = luaL_optinteger(lua, 2, -1);

    lua_settop(lua, 2);
    lua_newtable(lua);
    return receive_on(lua, LUA_OK, size < 0 ? -1 : (lua_KContext)size);
}

/* --- answering --------------------------------------------------------------------------------------- */

/* ctx: how many bytes of the string at 2 have gone. */
static int
send_on(lua_State *lua, int status, lua_KContext ctx)
{
    struct applet *applet = applet_here(lua);
    struct str bytes = script_to_str(lua, 2);
    size_t from = (size_t)ctx, sent;

    (void)status;
    while (from < bytes.len) {
        sent = applet_send(applet, str_slice(bytes, from, bytes.len - from));
        if (sent == 0 && applet_room(applet) > 0)
            return luaL_error(lua, "out of memory");
        if (sent == 0)
            return wait_for(lua, APPLET_WANTS_ROOM, (lua_KContext)from, send_on);
        from += sent;
    }
    lua_pushinteger(lua, (lua_Integer)bytes.len);
    return 1;
}

static int
http_send(lua_State *lua)
{
    if (!applet_is_started(applet_here(lua)))
        return luaL_error(lua, "'send': start_response() must come before it");
    luaL_checkstring(lua, 2);
    return send_on(lua, LUA_OK, 0);
}

static int
tcp_send(lua_State *lua)
{
    luaL_checkstring(lua, 2);
    return send_on(lua, LUA_OK, 0);
}

/* Too late or no status: false. */
static int
http_set_status(lua_State *lua)
{
    struct applet *applet = applet_here(lua);
    lua_Integer status = luaL_checkinteger(lua, 2);
    struct str reason = script_opt_str(lua, 3);
    bool fine = status >= 200 && status <= 599 && !applet_is_started(applet);

    if (reason.ptr != NULL && !validate_value(reason))
        return luaL_error(lua, "a reason that cannot be sent");
    if (fine && applet_answer(applet, (int)status, reason) == NULL)
        return luaL_error(lua, "out of memory");
    lua_pushboolean(lua, fine);
    return 1;
}

static int
http_add_header(lua_State *lua)
{
    struct applet *applet = applet_here(lua);
    struct str name = script_to_str(lua, 2), value = script_to_str(lua, 3);
    struct message *msg;

    if (!validate_token(name) || !validate_value(value))
        return luaL_error(lua, "a header field that cannot be sent");
    if (applet_is_started(applet)) {
        lua_pushboolean(lua, false);
        return 1;
    }
    msg = applet_draft(applet);
    if (msg == NULL || !message_add_field_copy(msg, name, value))
        return luaL_error(lua, "out of memory");
    lua_pushboolean(lua, true);
    return 1;
}

/* Those that say how the body is sent are weir's own to write. */
static void
drop_framing(struct message *msg)
{
    message_remove_fields_id(msg, FIELD_TRANSFER_ENCODING);
    message_remove_fields_id(msg, FIELD_CONNECTION);
}

static int
http_start_response(lua_State *lua)
{
    struct applet *applet = applet_here(lua);
    struct message *msg = applet_draft(applet);

    if (applet_is_started(applet))
        return 0;
    if (msg == NULL)
        return luaL_error(lua, "out of memory");
    drop_framing(msg);
    (void)applet_start(applet);
    return 0;
}

/* --- the object --------------------------------------------------------------------------------------- */

/* One list for each name; the first value stands at 0. */
static void
push_headers(lua_State *lua, const struct message *msg)
{
    lua_newtable(lua);
    for (uint32_t i = 0; i < msg->count; i++) {
        if (msg->fields[i].name_len == 0)
            continue;
        script_push_str(lua, field_name_str(&msg->fields[i]));
        script_push_str(lua, field_value(&msg->fields[i]));
        script_add_to_list(lua);
    }
}

static void
set_str(lua_State *lua, const char *name, struct str value)
{
    script_push_str(lua, value);
    lua_setfield(lua, -2, name);
}

static void
fill_http(lua_State *lua, const struct stream *s)
{
    const struct message *msg = s->request;
    char version[16];

    snprintf(version, sizeof(version), "HTTP/%u.%u", msg->version_major, msg->version_minor);
    set_str(lua, "method", msg->method_text);
    set_str(lua, "version", str_from(version));
    set_str(lua, "path", message_path_only(msg));
    set_str(lua, "qs", message_query(msg));
    lua_pushinteger(lua, (lua_Integer)(msg->body == BODY_LENGTH ? msg->body_length : s->front->in.bytes));
    lua_setfield(lua, -2, "length");
    push_headers(lua, msg);
    lua_setfield(lua, -2, "headers");
}

struct script_txn *
script_applet_push(lua_State *lua, struct applet *applet, bool is_http)
{
    struct stream *s = applet->stream;
    struct script_txn *txn;

    script_object_new(lua, is_http ? HTTP : TCP);
    txn = script_txn_add(lua);
    txn->eval = &s->eval;
    txn->hook = is_http ? HOOK_HTTP_REQUEST : HOOK_TCP_REQUEST;
    if (is_http)
        fill_http(lua, s);
    return txn;
}

static const luaL_Reg http_functions[] = {
    { "set_status", http_set_status },
    { "add_header", http_add_header },
    { "start_response", http_start_response },
    { "getline", applet_getline },
    { "receive", applet_receive },
    { "send", http_send },
    { NULL, NULL },
};

static const luaL_Reg tcp_functions[] = {
    { "getline", applet_getline },
    { "receive", applet_receive },
    { "send", tcp_send },
    { NULL, NULL },
};

/* What it has in common with TXN. */
static const char *const shared[] = { "set_var", "unset_var", "get_var", "set_priv", "get_priv" };

static void
add_class(lua_State *lua, const char *name, const luaL_Reg *functions)
{
    script_class_new(lua, name, functions);
    luaL_getmetatable(lua, name);
    lua_getfield(lua, -1, "__index");
    script_object_new(lua, "TXN");
    for (size_t i = 0; i < COUNT(shared); i++) {
        lua_getfield(lua, -1, shared[i]);
        lua_setfield(lua, -3, shared[i]);
    }
    lua_pop(lua, 1);
    lua_pushcclosure(lua, script_txn_index, 1);
    lua_setfield(lua, -2, "__index");
    lua_pop(lua, 1);
}

void
script_add_class_applet(lua_State *lua)
{
    add_class(lua, HTTP, http_functions);
    add_class(lua, TCP, tcp_functions);
}
