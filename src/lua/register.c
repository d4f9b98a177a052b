/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.register_...: functions that scripts give to weir while they are loaded.
 *
 * Owns:    the list of functions of a set (struct script_fn).
 * Thread:  builder.
 *
 * A script of lua-load-per-thread registers the same names once in each state; what is known by then
 * only gets its function there.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/loop/thread.h"
#include "private.h"

struct script_fn *
script_fn_find(const struct script_set *set, enum script_kind kind, struct str name)
{
    LIST_FOR_EACH (fn, &set->functions, struct script_fn, link) {
        if (fn->kind == kind && str_eq(str_from(fn->name), name))
            return fn;
    }
    return NULL;
}

static struct script_fn *
fn_new(struct script_state *state, enum script_kind kind, const char *name)
{
    struct script_fn *fn = alloc_zero(sizeof(*fn));

    fn->kind = kind;
    fn->name = alloc_copy(name);
    fn->set = state->set;
    fn->is_shared = state->is_shared;
    fn->refs = alloc_array(THREAD_MAX, sizeof(int));
    for (unsigned i = 0; i < THREAD_MAX; i++)
        fn->refs[i] = LUA_NOREF;
    list_add_last(&state->set->functions, &fn->link);
    return fn;
}

/* The function at `at` becomes the one of that name. Lua error: it exists, or it is too late. */
static struct script_fn *
add(lua_State *lua, enum script_kind kind, const char *name, int at)
{
    struct script_state *state = script_state_of(lua);
    struct script_fn *fn;

    luaL_checktype(lua, at, LUA_TFUNCTION);
    if (state->set->is_ready)
        luaL_error(lua, "functions can only be registered while the script is loaded");
    fn = script_fn_find(state->set, kind, str_from(name));
    if (fn != NULL && (fn->is_shared != state->is_shared || fn->refs[state->index] != LUA_NOREF))
        luaL_error(lua, "'%s' is registered already", name);
    if (fn == NULL)
        fn = fn_new(state, kind, name);
    lua_pushvalue(lua, at);
    fn->refs[state->index] = luaL_ref(lua, LUA_REGISTRYINDEX);
    return fn;
}

static int
register_fetches(lua_State *lua)
{
    struct script_fn *fn = add(lua, SCRIPT_FETCH, luaL_checkstring(lua, 1), 2);

    script_fetch_fill(fn);
    return 0;
}

static int
register_converters(lua_State *lua)
{
    struct script_fn *fn = add(lua, SCRIPT_CONVERTER, luaL_checkstring(lua, 1), 2);

    script_converter_fill(fn);
    return 0;
}

static unsigned
hook_of(lua_State *lua, const char *word)
{
    if (strcmp(word, "tcp-req") == 0)
        return ON(HOOK_TCP_REQUEST);
    if (strcmp(word, "tcp-res") == 0)
        return ON(HOOK_TCP_RESPONSE);
    if (strcmp(word, "http-req") == 0)
        return ON(HOOK_HTTP_REQUEST);
    if (strcmp(word, "http-res") == 0)
        return ON(HOOK_HTTP_RESPONSE);
    if (strcmp(word, "http-after-res") == 0)
        return ON(HOOK_HTTP_AFTER_RESPONSE);
    luaL_error(lua,
               "action environment '%s' is unknown: expected tcp-req, tcp-res, http-req, http-res "
               "or http-after-res",
               word);
    return 0;
}

/* (name, { "http-req", ... }, function [, count of arguments]) */
static int
register_action(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 1);
    lua_Integer count = luaL_optinteger(lua, 4, 0);
    struct script_fn *fn;
    unsigned hooks = 0;

    luaL_checktype(lua, 2, LUA_TTABLE);
    luaL_argcheck(lua, count >= 0 && count <= 64, 4, "0 to 64 arguments");
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(lua, 2); i++) {
        lua_rawgeti(lua, 2, i);
        hooks |= hook_of(lua, luaL_checkstring(lua, -1));
        lua_pop(lua, 1);
    }
    luaL_argcheck(lua, hooks != 0, 2, "names of rule sets in a list");
    fn = add(lua, SCRIPT_ACTION, name, 3);
    fn->hooks = hooks;
    fn->arg_count = (int)count;
    return 0;
}

/* (name, class, function): a list of both is what is kept. */
static int
register_filter(lua_State *lua)
{
    struct script_fn *fn;

    luaL_checktype(lua, 2, LUA_TTABLE);
    fn = add(lua, SCRIPT_FILTER, luaL_checkstring(lua, 1), 3);
    lua_createtable(lua, 2, 0);
    lua_pushvalue(lua, 2);
    lua_rawseti(lua, -2, 1);
    lua_pushvalue(lua, 3);
    lua_rawseti(lua, -2, 2);
    lua_rawseti(lua, LUA_REGISTRYINDEX, fn->refs[script_state_of(lua)->index]);
    return 0;
}

/* (function): runs when all is loaded, before traffic. */
static int
register_init(lua_State *lua)
{
    struct script_state *state = script_state_of(lua);

    luaL_checktype(lua, 1, LUA_TFUNCTION);
    if (state->set->is_ready)
        return luaL_error(lua, "functions can only be registered while the script is loaded");
    luaL_getsubtable(lua, LUA_REGISTRYINDEX, SCRIPT_INITS);
    lua_pushvalue(lua, 1);
    lua_rawseti(lua, -2, (lua_Integer)lua_rawlen(lua, -2) + 1);
    return 0;
}

/* (name, "tcp" or "http", function) */
static int
register_service(lua_State *lua)
{
    static const char *const modes[] = { "tcp", "http", NULL };
    const char *name = luaL_checkstring(lua, 1);
    int mode = luaL_checkoption(lua, 2, NULL, modes);

    add(lua, SCRIPT_SERVICE, name, 3)->is_http = mode == 1;
    return 0;
}

/* ({ "show", "x" }, usage, function) */
static int
register_cli(lua_State *lua)
{
    struct script_fn *fn;
    luaL_Buffer name;

    luaL_checktype(lua, 1, LUA_TTABLE);
    luaL_checkstring(lua, 2);
    luaL_buffinit(lua, &name);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(lua, 1); i++) {
        if (i > 1)
            luaL_addchar(&name, ' ');
        lua_rawgeti(lua, 1, i);
        luaL_checkstring(lua, -1);
        luaL_addvalue(&name);
    }
    luaL_pushresult(&name);
    fn = add(lua, SCRIPT_COMMAND, luaL_checkstring(lua, -1), 3);
    alloc_free((char *)fn->usage);
    fn->usage = alloc_copy(lua_tostring(lua, 2));
    script_command_fill(fn);
    return 0;
}

void
script_add_register(lua_State *lua)
{
    static const luaL_Reg functions[] = {
        { "register_fetches", register_fetches },
        { "register_converters", register_converters },
        { "register_action", register_action },
        { "register_init", register_init },
        { "register_service", register_service },
        { "register_filter", register_filter },
        { "register_task", script_register_task },
        { "register_cli", register_cli },
        { NULL, NULL },
    };

    lua_getglobal(lua, "core");
    luaL_setfuncs(lua, functions, 0);
    lua_pop(lua, 1);
}
