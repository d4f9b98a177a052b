/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the runtime socket that are written in Lua: core.register_cli().
 *
 * Thread:  control.
 */
#include "weir/base/alloc.h"
#include "private.h"

#define CLASS "AppletCLI"

/* applet: [0] the call, while it runs. */
static struct command_call *
call_at(lua_State *lua, int at)
{
    struct command_call *call = NULL;

    if (lua_istable(lua, at) && lua_rawgeti(lua, at, 0) == LUA_TLIGHTUSERDATA)
        call = lua_touserdata(lua, -1);
    if (call == NULL)
        luaL_argerror(lua, at, "the applet of a command that runs should stand here");
    return call;
}

static int
send_text(lua_State *lua)
{
    struct command_call *call = call_at(lua, 1);
    struct str text = script_to_str(lua, 2);

    text_add(call->out, text);
    lua_pushinteger(lua, (lua_Integer)text.len);
    return 1;
}

/* What stands behind "<<". */
static int
receive(lua_State *lua)
{
    struct command_call *call = call_at(lua, 1);

    script_push_str(lua, call->payload);
    call->payload = STR_NONE;
    return 1;
}

static int
read_line(lua_State *lua)
{
    struct command_call *call = call_at(lua, 1);
    struct str line = call->payload.ptr == NULL ? STR_NONE : str_split(&call->payload, '\n');

    script_push_str(lua, line);
    return 1;
}

static enum command_result
run(struct command_call *call)
{
    const struct script_fn *fn = LIST_ITEM(call->command, struct script_fn, command);
    struct script_state *state = script_state_for(fn);
    struct script_run run_ = { .what = "command", .name = fn->name }, *before;
    lua_State *lua;
    bool fine;

    if (state == NULL)
        return command_say(call, 3, "The script of this command is not loaded here.");
    before = script_enter(state, &run_);
    lua = state->lua;
    lua_rawgeti(lua, LUA_REGISTRYINDEX, fn->refs[state->index]);
    script_object_new(lua, CLASS);
    lua_pushlightuserdata(lua, call);
    lua_rawseti(lua, -2, 0);
    lua_pushvalue(lua, -1);
    lua_insert(lua, 1); /* kept, to be emptied */
    for (unsigned i = 0; i < call->count; i++)
        lua_pushstring(lua, call->words[i]);
    fine = script_call(lua, (int)call->count + 1, 0);
    lua_pushnil(lua);
    lua_rawseti(lua, 1, 0);
    lua_settop(lua, 0);
    script_leave(state, before);
    return fine ? COMMAND_DONE : command_say(call, 3, "The script failed: see the log.");
}

void
script_command_fill(struct script_fn *fn)
{
    fn->command = (struct command){ .name = fn->name,
                                    .args = "",
                                    .level = LEVEL_ADMIN,
                                    .run = run,
                                    .help = fn->usage };
}

void
script_add_class_cli(lua_State *lua)
{
    static const luaL_Reg functions[] = {
        { "send", send_text }, { "receive", receive }, { "getline", read_line }, { NULL, NULL }
    };

    script_class_new(lua, CLASS, functions);
}
