/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts that wait for something other than time: an answer, bytes, an end.
 *
 * For:     class_socket.c, class_client.c.
 * Thread:  owner of the stream or task for which the script runs; no lock is needed, because a run belongs to one
 *          thread.
 *
 * What is waited for keeps a pointer to the run, the run one to that pointer: whoever goes first clears it.
 */
#include <string.h>

#include "weir/base/buffer.h"
#include "weir/stream/applet.h"
#include "private.h"

void
script_run_forget(struct script_run *run)
{
    if (run->waiter != NULL)
        *run->waiter = NULL;
    run->waiter = NULL;
}

int
script_wait(lua_State *lua, struct script_run **waiter, int64_t wake_ms, lua_KContext ctx, lua_KFunction go_on)
{
    struct script_run *run = script_state_of(lua)->run;

    if (run == NULL || !run->may_pause || !lua_isyieldable(lua) || lua != run->co)
        return luaL_error(lua, "waiting is not possible here");
    if (*waiter != NULL && *waiter != run)
        return luaL_error(lua, "somebody else waits for this already");
    *waiter = run;
    run->waiter = waiter;
    run->wake_ms = wake_ms;
    return lua_yieldk(lua, 0, ctx, go_on);
}

void
script_wake(struct script_run *run)
{
    if (run == NULL)
        return;
    script_run_forget(run);
    run->wake_ms = 0;
    if (run->applet != NULL)
        applet_wake(run->applet);
    else if (run->task != NULL)
        script_task_wake(run->task);
    else if (run->eval != NULL && run->eval->stream != NULL)
        stream_wake(run->eval->stream);
}

/* --- bytes -------------------------------------------------------------------------------------------- */

long
script_find_line(const struct chain *chain)
{
    size_t before = 0;

    for (const struct slice *slice = chain->first; slice != NULL; slice = slice->next) {
        const char *at = memchr(slice->ptr, '\n', slice->len);

        if (at != NULL)
            return (long)(before + (size_t)(at - slice->ptr));
        before += slice->len;
    }
    return -1;
}

void
script_push_taken(lua_State *lua, struct chain *chain, size_t len)
{
    luaL_Buffer buf;
    char *to = luaL_buffinitsize(lua, &buf, len);

    chain_peek(chain, 0, to, len);
    luaL_pushresultsize(&buf, len);
    chain_consume(chain, len);
}

void
script_keep_piece(lua_State *lua, int list, struct chain *chain, size_t len)
{
    if (len == 0)
        return;
    script_push_taken(lua, chain, len);
    lua_rawseti(lua, list, (lua_Integer)lua_rawlen(lua, list) + 1);
}

void
script_push_pieces(lua_State *lua, int list)
{
    lua_Integer count = (lua_Integer)lua_rawlen(lua, list);
    luaL_Buffer buf;

    luaL_buffinit(lua, &buf);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(lua, list, i);
        luaL_addvalue(&buf);
    }
    luaL_pushresult(&buf);
}

void
script_add_to_list(lua_State *lua)
{
    int table = lua_gettop(lua) - 2;

    lua_pushvalue(lua, table + 1);
    if (lua_rawget(lua, table) != LUA_TTABLE) {
        lua_pop(lua, 1);
        lua_newtable(lua);
        lua_pushvalue(lua, table + 1);
        lua_pushvalue(lua, -2);
        lua_rawset(lua, table);
        lua_pushvalue(lua, table + 2);
        lua_rawseti(lua, -2, 0);
    } else {
        lua_pushvalue(lua, table + 2);
        lua_rawseti(lua, -2, (lua_Integer)lua_rawlen(lua, -2) + 1);
    }
    lua_settop(lua, table);
}
