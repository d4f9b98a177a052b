/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches and Converters: all samples of weir as methods: txn.f:req_hdr("host"), txn.c:upper(text).
 *
 * Owns:    the arguments that scripts have used, typed once for each state.
 * Thread:  who has entered the state.
 *
 * A name's dots, dashes and plus signs become '_'. Arguments of a call are looked up by their texts,
 * so a call that was made before allocates nothing but its result.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/expr/call.h"
#include "private.h"

#define KEY_MAX   512  /* bytes of a name and its arguments that are remembered together */
#define CALLS_MAX 4096 /* remembered in a state; then it begins anew */

struct known_call {
    struct call_args args;
    char key[]; /* not ended */
};

static void
free_calls(struct script_state *state)
{
    struct str key;
    void *value;
    size_t at = 0;

    while (hashmap_next(&state->calls, &at, &key, &value)) {
        call_args_fini(&((struct known_call *)value)->args);
        alloc_free(value);
    }
    hashmap_fini(&state->calls);
    hashmap_init(&state->calls);
}

void
script_calls_free(struct script_state *state)
{
    free_calls(state);
    hashmap_fini(&state->calls);
}

/* --- arguments ---------------------------------------------------------------------------------------- */

struct request {
    const struct fetch *fetch;
    const struct converter *conv;
    struct str texts[ARGS_MAX];
    unsigned count;
    char key[KEY_MAX];
    size_t key_len;
};

static void
add_to_key(struct request *request, const void *bytes, size_t len)
{
    if (request->key_len + len <= KEY_MAX)
        memcpy(request->key + request->key_len, bytes, len);
    request->key_len += len;
}

/* From the arguments of the Lua call, `first` on. */
static void
read_arguments(lua_State *lua, struct request *request, int first, const struct eval *eval)
{
    int top = lua_gettop(lua);
    const void *what = request->fetch != NULL ? (const void *)request->fetch
                                              : (const void *)request->conv;

    request->count = 0;
    request->key_len = 0;
    add_to_key(request, &what, sizeof(what));
    add_to_key(request, &eval->proxy, sizeof(eval->proxy)); /* names mean what stands there */
    while (top >= first && lua_isnil(lua, top))
        top--;
    for (int at = first; at <= top; at++) {
        struct str text = STR("");
        uint32_t len;

        luaL_argcheck(lua, request->count < ARGS_MAX, at, "too many arguments");
        if (lua_isboolean(lua, at))
            text = lua_toboolean(lua, at) ? STR("1") : STR("0");
        else if (!lua_isnil(lua, at))
            text = script_to_str(lua, at);
        request->texts[request->count++] = text;
        len = (uint32_t)text.len;
        add_to_key(request, &len, sizeof(len));
        add_to_key(request, text.ptr, text.len);
    }
}

static const struct arg *
type_arguments(lua_State *lua, struct request *request, struct eval *eval)
{
    struct script_state *state = script_state_of(lua);
    struct error err = ERROR_INIT;
    size_t len = request->key_len <= KEY_MAX ? request->key_len : 0;
    struct known_call *call;

    if (state->calls.count >= CALLS_MAX)
        free_calls(state);
    call = alloc_zero(sizeof(*call) + len + sizeof(call));
    if (!call_args_init(&call->args, state->set->snapshot, eval->proxy, request->fetch,
                        request->conv, request->texts, request->count, &err)) {
        call_args_fini(&call->args);
        alloc_free(call);
        luaL_error(lua, "%s", err.text);
    }
    memcpy(call->key, request->key, len);
    if (len == 0) { /* too long to be found again: only freed with the others */
        memcpy(call->key, &call, sizeof(call));
        len = sizeof(call);
    }
    hashmap_set(&state->calls, str_of(call->key, len), call);
    return call->args.args;
}

static const struct arg *
find_arguments(lua_State *lua, struct request *request, int first, struct eval *eval)
{
    struct known_call *known = NULL;

    read_arguments(lua, request, first, eval);
    if (request->key_len <= KEY_MAX)
        known = hashmap_find(&script_state_of(lua)->calls,
                             str_of(request->key, request->key_len));
    return known != NULL ? known->args.args : type_arguments(lua, request, eval);
}

/* --- calls ---------------------------------------------------------------------------------------------- */

/* Upvalues: the fetch; is it of the safe class (always a string)? */
static int
call_fetch(lua_State *lua)
{
    struct request request = { .fetch = lua_touserdata(lua, lua_upvalueindex(1)) };
    bool is_safe = lua_toboolean(lua, lua_upvalueindex(2));
    struct eval *eval = script_txn_at(lua, 1)->eval;
    const struct arg *args = find_arguments(lua, &request, 2, eval);
    struct value value = { .cursor = VALUE_SINGLE };
    bool has_value;

    if (eval->place != 0 && (request.fetch->places & eval->place) == 0)
        has_value = false;
    else
        has_value = request.fetch->run(eval, request.fetch, args, &value) == FETCH_OK;
    if (is_safe)
        script_push_value_str(lua, has_value ? &value : NULL, eval->arena);
    else if (has_value)
        script_push_value(lua, &value);
    else
        lua_pushnil(lua);
    return 1;
}

static bool
convert(struct eval *eval, const struct converter *conv, const struct arg *args,
        struct value *value)
{
    return value_cast(value, conv->in, eval->arena) && conv->run(eval, conv, args, value);
}

/* Converters work on what is given first. */
static int
call_converter(lua_State *lua)
{
    struct request request = { .conv = lua_touserdata(lua, lua_upvalueindex(1)) };
    bool is_safe = lua_toboolean(lua, lua_upvalueindex(2));
    struct eval *eval = script_txn_at(lua, 1)->eval;
    const struct arg *args;
    struct value value = { .cursor = VALUE_SINGLE };
    bool has_value;

    luaL_checkany(lua, 2);
    args = find_arguments(lua, &request, 3, eval);
    has_value = script_to_value(lua, 2, &value, eval->arena) &&
                convert(eval, request.conv, args, &value);
    if (is_safe)
        script_push_value_str(lua, has_value ? &value : NULL, eval->arena);
    else if (has_value)
        script_push_value(lua, &value);
    else
        lua_pushnil(lua);
    return 1;
}

/* --- methods, made when they are asked for first --------------------------------------------------------- */

/* Is `asked` what a script writes for `name`? */
static bool
is_mangled(const char *asked, const char *name)
{
    for (; *asked != '\0' && *name != '\0'; asked++, name++) {
        char c = *name == '.' || *name == '-' || *name == '+' ? '_' : *name;

        if (c != *asked)
            return false;
    }
    return *asked == '\0' && *name == '\0';
}

static const void *
find_by_name(const char *asked, bool is_fetch)
{
    if (is_fetch) {
        FOR_EACH_REGISTERED (fetch, fetch, list) {
            if (is_mangled(asked, fetch->name))
                return fetch;
        }
        return NULL;
    }
    FOR_EACH_REGISTERED (converter, conv, list) {
        if (is_mangled(asked, conv->name))
            return conv;
    }
    return NULL;
}

/* Upvalues: the table of known methods; is it of fetches? is it safe? */
static int
index_samples(lua_State *lua)
{
    bool is_fetch = lua_toboolean(lua, lua_upvalueindex(2));
    const char *name = lua_tostring(lua, 2);
    const void *found;

    lua_pushvalue(lua, 2);
    if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL || name == NULL)
        return 1;
    found = find_by_name(name, is_fetch);
    if (found == NULL)
        return 1; /* nil */
    lua_pushlightuserdata(lua, (void *)found);
    lua_pushvalue(lua, lua_upvalueindex(3));
    lua_pushcclosure(lua, is_fetch ? call_fetch : call_converter, 2);
    lua_pushvalue(lua, 2);
    lua_pushvalue(lua, -2);
    lua_rawset(lua, lua_upvalueindex(1));
    return 1;
}

static void
add_class(lua_State *lua, const char *name, bool is_fetch, bool is_safe)
{
    static const luaL_Reg none[] = { { NULL, NULL } };

    script_class_new(lua, name, none);
    luaL_getmetatable(lua, name);
    lua_getfield(lua, -1, "__index");
    lua_pushboolean(lua, is_fetch);
    lua_pushboolean(lua, is_safe);
    lua_pushcclosure(lua, index_samples, 3);
    lua_setfield(lua, -2, "__index");
    lua_pop(lua, 1);
}

void
script_add_class_fetches(lua_State *lua)
{
    add_class(lua, "Fetches", true, false);
    add_class(lua, "SafeFetches", true, true);
    add_class(lua, "Converters", false, false);
    add_class(lua, "SafeConverters", false, true);
}
