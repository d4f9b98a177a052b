/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TXN: what a script sees of the exchange it was called for.
 *
 * Thread:  owner of the stream, in the state that it has entered.
 *
 *     TXN   a table: [0] the userdata with the eval; f, sf, c, sc, http ... hang off it, made when
 *           they are asked for; "priv" and whatever scripts put there stays with the stream.
 */
#include "weir/expr/variable.h"
#include "weir/http/reply_action.h"
#include "weir/http/validate.h"
#include "weir/net/connection.h"
#include "weir/os/socket.h"
#include "weir/proxy/proxy.h"
#include "weir/stream/session.h"
#include "filter.h"

#define CLASS "TXN"

/* --- how it comes to a script ------------------------------------------------------------------------- */

static enum hook
hook_of(const struct eval *eval)
{
    return (eval->place & PLACE_HTTP_RESPONSE) != 0 ? HOOK_HTTP_RESPONSE : HOOK_HTTP_REQUEST;
}

struct script_txn *
script_txn_add(lua_State *lua)
{
    struct script_txn *txn = lua_newuserdatauv(lua, sizeof(*txn), 0);

    *txn = (struct script_txn){ .magic = SCRIPT_TXN_MAGIC };
    lua_rawseti(lua, -2, 0);
    return txn;
}

static struct script_txn *
make(lua_State *lua)
{
    script_object_new(lua, CLASS);
    return script_txn_add(lua);
}

struct script_txn *
script_txn_push(struct script_state *state, lua_State *lua, struct eval *eval)
{
    struct script_side *side =
        eval->stream == NULL ? NULL : script_side_of(state, eval->stream);
    struct script_txn *txn;

    if (side != NULL && side->txn != NULL) {
        lua_rawgeti(lua, LUA_REGISTRYINDEX, side->txn_ref);
        txn = side->txn;
    } else {
        txn = make(lua);
        if (side != NULL) {
            lua_pushvalue(lua, -1);
            side->txn_ref = luaL_ref(lua, LUA_REGISTRYINDEX);
            side->txn = txn;
        }
    }
    txn->eval = eval;
    txn->hook = hook_of(eval);
    return txn;
}

void
script_txn_rest(struct script_state *state, struct stream *s)
{
    struct script_side *side = script_side_of(state, s);

    if (side != NULL && side->txn != NULL)
        side->txn->eval = NULL;
}

struct script_txn *
script_txn_at(lua_State *lua, int at)
{
    struct script_txn *txn = NULL;

    if (lua_istable(lua, at)) {
        lua_rawgeti(lua, at, 0);
        if (lua_rawlen(lua, -1) == sizeof(*txn))
            txn = lua_touserdata(lua, -1);
        lua_pop(lua, 1);
    }
    if (txn == NULL || txn->magic != SCRIPT_TXN_MAGIC)
        luaL_argerror(lua, at, "an object of the transaction should stand here; was it called with ':'?");
    if (txn->eval == NULL)
        luaL_error(lua, "this transaction is not at hand now");
    return txn;
}

/* --- variables ------------------------------------------------------------------------------------------ */

/* False: it is no name; as HAProxy, that is not an error. */
static bool
read_name(lua_State *lua, int at, struct variable_name *name)
{
    return variable_name_parse(script_to_str(lua, at), name, NULL);
}

static int
set_var(lua_State *lua)
{
    struct eval *eval = script_txn_at(lua, 1)->eval;
    struct value value = { .cursor = VALUE_SINGLE };
    struct variable_name name;
    unsigned conditions = lua_toboolean(lua, 4) ? VARIABLE_IF_EXISTS : 0;

    if (!read_name(lua, 2, &name)) {
        lua_pushboolean(lua, false);
        return 1;
    }
    if (lua_isnoneornil(lua, 3)) {
        variable_forget(eval, &name);
        lua_pushboolean(lua, true);
        return 1;
    }
    lua_pushboolean(lua, script_to_value(lua, 3, &value, eval->arena) &&
                             variable_store_if(eval, &name, conditions, &value));
    return 1;
}

static int
unset_var(lua_State *lua)
{
    struct eval *eval = script_txn_at(lua, 1)->eval;
    struct variable_name name;

    bool is_name = read_name(lua, 2, &name);

    if (is_name)
        variable_forget(eval, &name);
    lua_pushboolean(lua, is_name);
    return 1;
}

static int
get_var(lua_State *lua)
{
    struct eval *eval = script_txn_at(lua, 1)->eval;
    struct value value = { .cursor = VALUE_SINGLE };
    struct variable_name name;

    if (read_name(lua, 2, &name) && variable_find(eval, &name, &value))
        script_push_value(lua, &value);
    else
        lua_pushnil(lua);
    return 1;
}

/* --- what a script keeps with the stream ------------------------------------------------------------------ */

static int
set_priv(lua_State *lua)
{
    script_txn_at(lua, 1);
    lua_settop(lua, 2);
    lua_rawsetp(lua, 1, (const void *)CLASS);
    return 0;
}

static int
get_priv(lua_State *lua)
{
    script_txn_at(lua, 1);
    lua_rawgetp(lua, 1, (const void *)CLASS);
    return 1;
}

/* --- logs ---------------------------------------------------------------------------------------------------- */

static int
log_at(lua_State *lua, int level, int at)
{
    const struct eval *eval = script_txn_at(lua, 1)->eval;

    script_log(lua, eval->frontend, level, script_to_str(lua, at));
    return 0;
}

static int
log_any(lua_State *lua)
{
    return log_at(lua, script_check_level(lua, 2), 3);
}

static int
log_debug(lua_State *lua)
{
    return log_at(lua, LOG_LEVEL_DEBUG, 2);
}

static int
log_info(lua_State *lua)
{
    return log_at(lua, LOG_LEVEL_INFO, 2);
}

static int
log_warning(lua_State *lua)
{
    return log_at(lua, LOG_LEVEL_WARNING, 2);
}

static int
log_alert(lua_State *lua)
{
    return log_at(lua, LOG_LEVEL_ALERT, 2);
}

/* -1: no line at all. */
static int
set_loglevel(lua_State *lua)
{
    struct eval *eval = script_txn_at(lua, 1)->eval;
    lua_Integer level = luaL_checkinteger(lua, 2);

    luaL_argcheck(lua, level >= -1 && level <= LOG_LEVEL_DEBUG, 2, "no log level");
    if (eval->stream != NULL)
        eval->stream->log_level = level == -1 ? LOG_LEVEL_SILENT : (int8_t)level;
    return 0;
}

/* --- answers ------------------------------------------------------------------------------------------------- */

/* Counts the values of a reply's headers: { name = { "a", "b" } or "a" }. */
static unsigned
count_fields(lua_State *lua, int headers)
{
    unsigned count = 0;

    lua_pushnil(lua);
    while (lua_next(lua, headers)) {
        count += lua_istable(lua, -1) ? (unsigned)lua_rawlen(lua, -1) + 1 : 1;
        lua_pop(lua, 1);
    }
    return count;
}

static struct str
keep(lua_State *lua, struct arena *arena, int at)
{
    size_t len;
    const char *bytes = luaL_tolstring(lua, at, &len);
    char *copy = arena_take(arena, len + 1);

    if (copy != NULL)
        memcpy(copy, bytes, len);
    lua_pop(lua, 1);
    return copy == NULL ? STR_NONE : str_of(copy, len);
}

static void
add_field(lua_State *lua, struct reply_action *reply, struct arena *arena, int value)
{
    struct reply_field *field = &reply->fields[reply->field_count];

    lua_pushvalue(lua, -2); /* the name: luaL_tolstring must not change a key of lua_next */
    field->name = keep(lua, arena, -1);
    lua_pop(lua, 1);
    field->value = keep(lua, arena, value);
    if (!validate_token(field->name) || !validate_value(field->value))
        luaL_error(lua, "a header field that cannot be sent");
    if (!str_eq_nocase(field->name, STR("content-length")))
        reply->field_count++;
}

static void
read_fields(lua_State *lua, struct reply_action *reply, struct arena *arena, int headers)
{
    reply->fields = arena_take(arena, (count_fields(lua, headers) + 1) * sizeof(*reply->fields));
    if (reply->fields == NULL)
        luaL_error(lua, "out of memory");
    lua_pushnil(lua);
    while (lua_next(lua, headers)) {
        if (!lua_istable(lua, -1))
            add_field(lua, reply, arena, lua_gettop(lua));
        else
            for (lua_Integer i = 0; i <= (lua_Integer)lua_rawlen(lua, -1); i++) {
                int list = lua_gettop(lua);

                if (lua_rawgeti(lua, list, i) == LUA_TNIL) {
                    lua_pop(lua, 1);
                    continue;
                }
                lua_insert(lua, list); /* name, value, list */
                lua_pushvalue(lua, list - 1);
                lua_pushvalue(lua, list);
                add_field(lua, reply, arena, lua_gettop(lua));
                lua_pop(lua, 2);
                lua_remove(lua, list);
            }
        lua_pop(lua, 1);
    }
}

/* Of a Reply or of a table like it. */
static void
read_reply(lua_State *lua, struct eval *eval, int at)
{
    struct reply_action *reply = arena_take(eval->arena, sizeof(*reply));

    if (reply == NULL)
        luaL_error(lua, "out of memory");
    *reply = (struct reply_action){ .kind = REPLY_ACTION_MESSAGE, .status = 200, .body = STR("") };
    if (lua_getfield(lua, at, "status") != LUA_TNIL)
        reply->status = (int)luaL_checkinteger(lua, -1);
    luaL_argcheck(lua, reply->status >= 200 && reply->status <= 599, at, "a status from 200 to 599");
    if (lua_getfield(lua, at, "body") != LUA_TNIL)
        reply->body = keep(lua, eval->arena, -1);
    if (lua_getfield(lua, at, "headers") == LUA_TTABLE)
        read_fields(lua, reply, eval->arena, lua_gettop(lua));
    lua_settop(lua, at);
    eval->reply = reply;
}

/* Ends the script and the exchange: with an answer, or without a word. */
static int
done(lua_State *lua)
{
    struct eval *eval = script_txn_at(lua, 1)->eval;
    struct script_run *run = script_state_of(lua)->run;

    if (run == NULL || run->what == NULL || strcmp(run->what, "action") != 0)
        return luaL_error(lua, "only an action can end the transaction");
    if (lua_istable(lua, 2))
        read_reply(lua, eval, 2);
    run->is_over = true;
    script_stop(lua);
}

static int
reply_new(lua_State *lua)
{
    script_txn_at(lua, 1);
    lua_settop(lua, 2);
    if (!lua_istable(lua, 2)) {
        lua_settop(lua, 1);
        lua_newtable(lua);
    }
    if (lua_getfield(lua, 2, "status") == LUA_TNIL) {
        lua_pushinteger(lua, 200);
        lua_setfield(lua, 2, "status");
    }
    lua_settop(lua, 2);
    luaL_setmetatable(lua, "Reply");
    return 1;
}

/* --- the connections ---------------------------------------------------------------------------------------- */

static lua_Integer
clamp(lua_Integer n, lua_Integer max)
{
    return n > max ? max : n < -max ? -max : n;
}

/* Before it waits for a server: lower ones first. */
static int
set_priority_class(lua_State *lua)
{
    struct stream *s = script_txn_at(lua, 1)->eval->stream;

    if (s != NULL)
        s->queue_entry.priority_class = (int16_t)clamp(luaL_checkinteger(lua, 2), 2047);
    return 0;
}

static int
set_priority_offset(lua_State *lua)
{
    struct stream *s = script_txn_at(lua, 1)->eval->stream;

    if (s != NULL)
        s->queue_entry.offset_ms = (int32_t)clamp(luaL_checkinteger(lua, 2), 524287);
    return 0;
}

static int
set_fc_tos(lua_State *lua)
{
    const struct eval *eval = script_txn_at(lua, 1)->eval;
    lua_Integer tos = luaL_checkinteger(lua, 2);

    if (eval->client != NULL)
        socket_set_tos(eval->client->fd, (int)(tos & 0xff));
    return 0;
}

static int
set_fc_mark(lua_State *lua)
{
    const struct eval *eval = script_txn_at(lua, 1)->eval;
    lua_Integer mark = luaL_checkinteger(lua, 2);

    if (eval->client != NULL)
        (void)socket_set_mark(eval->client->fd, (unsigned)mark);
    return 0;
}

/* --- class --------------------------------------------------------------------------------------------------- */

static const luaL_Reg functions[] = {
    { "set_var", set_var },
    { "unset_var", unset_var },
    { "get_var", get_var },
    { "set_priv", set_priv },
    { "get_priv", get_priv },
    { "log", log_any },
    { "deflog", log_info },
    { "Debug", log_debug },
    { "Info", log_info },
    { "Warning", log_warning },
    { "Alert", log_alert },
    { "set_loglevel", set_loglevel },
    { "done", done },
    { "reply", reply_new },
    { "set_priority_class", set_priority_class },
    { "set_priority_offset", set_priority_offset },
    { "set_fc_tos", set_fc_tos },
    { "set_fc_mark", set_fc_mark },
    { "set_tos", set_fc_tos }, /* as they were called first */
    { "set_mark", set_fc_mark },
    { NULL, NULL },
};

/* txn.f and the others, made when they are asked for first. They share the userdata. */
int
script_txn_index(lua_State *lua)
{
    static const char *const members[][2] = {
        { "f", "Fetches" },   { "sf", "SafeFetches" },    { "c", "Converters" },
        { "sc", "SafeConverters" }, { "http", "HTTP" },
    };
    const char *name = lua_tostring(lua, 2);

    lua_pushvalue(lua, 2);
    if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL || name == NULL)
        return 1;
    if (strcmp(name, "req") == 0 || strcmp(name, "res") == 0) {
        script_channel_push_txn(lua, 1, name[2] == 'q' ? TO_SERVER : TO_CLIENT);
        lua_pushvalue(lua, -1);
        lua_setfield(lua, 1, name);
        return 1;
    }
    for (size_t i = 0; i < COUNT(members); i++) {
        if (strcmp(members[i][0], name) != 0)
            continue;
        script_object_new(lua, members[i][1]);
        lua_rawgeti(lua, 1, 0);
        lua_rawseti(lua, -2, 0);
        lua_pushvalue(lua, -1);
        lua_setfield(lua, 1, name);
        return 1;
    }
    return 1; /* nil */
}

/* --- Reply ----------------------------------------------------------------------------------------------------- */

static int
reply_set_status(lua_State *lua)
{
    luaL_checkinteger(lua, 2);
    lua_settop(lua, 3);
    lua_setfield(lua, 1, "reason");
    lua_setfield(lua, 1, "status");
    return 0;
}

static int
reply_set_body(lua_State *lua)
{
    luaL_checkstring(lua, 2);
    lua_settop(lua, 2);
    lua_setfield(lua, 1, "body");
    return 0;
}

/* Leaves reply.headers at the top. */
static void
get_headers(lua_State *lua)
{
    if (lua_getfield(lua, 1, "headers") == LUA_TTABLE)
        return;
    lua_pop(lua, 1);
    lua_newtable(lua);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, 1, "headers");
}

static int
reply_add_header(lua_State *lua)
{
    luaL_checkstring(lua, 2);
    luaL_checkstring(lua, 3);
    lua_settop(lua, 3);
    get_headers(lua);
    lua_pushvalue(lua, 2);
    if (lua_rawget(lua, 4) != LUA_TTABLE) {
        lua_newtable(lua);
        if (!lua_isnil(lua, -2)) { /* one value that a script has put there */
            lua_pushvalue(lua, -2);
            lua_rawseti(lua, -2, 1);
        }
        lua_pushvalue(lua, 2);
        lua_pushvalue(lua, -2);
        lua_rawset(lua, 4);
    }
    lua_pushvalue(lua, 3);
    lua_rawseti(lua, -2, (lua_Integer)lua_rawlen(lua, -2) + 1);
    return 0;
}

static int
reply_del_header(lua_State *lua)
{
    luaL_checkstring(lua, 2);
    lua_settop(lua, 2);
    get_headers(lua);
    lua_pushvalue(lua, 2);
    lua_pushnil(lua);
    lua_rawset(lua, -3);
    return 0;
}

static const luaL_Reg reply_functions[] = {
    { "set_status", reply_set_status },
    { "set_body", reply_set_body },
    { "add_header", reply_add_header },
    { "del_header", reply_del_header },
    { NULL, NULL },
};

void
script_add_class_txn(lua_State *lua)
{
    script_class_new(lua, CLASS, functions);
    luaL_getmetatable(lua, CLASS);
    lua_getfield(lua, -1, "__index");
    lua_pushcclosure(lua, script_txn_index, 1);
    lua_setfield(lua, -2, "__index");
    lua_pop(lua, 1);
    script_class_new(lua, "Reply", reply_functions);
}
