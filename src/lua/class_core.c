/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core: what scripts can do anywhere.
 *
 * Thread: who has entered the state.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weir/expr/variable.h"
#include "weir/loop/thread.h"
#include "weir/os/addr.h"
#include "weir/telemetry/log.h"
#include "private.h"

/* --- logs ----------------------------------------------------------------------------------------------- */

static int
log_any(lua_State *lua)
{
    script_log(lua, NULL, script_check_level(lua, 1), script_to_str(lua, 2));
    return 0;
}

static int
log_debug(lua_State *lua)
{
    script_log(lua, NULL, LOG_LEVEL_DEBUG, script_to_str(lua, 1));
    return 0;
}

static int
log_info(lua_State *lua)
{
    script_log(lua, NULL, LOG_LEVEL_INFO, script_to_str(lua, 1));
    return 0;
}

static int
log_warning(lua_State *lua)
{
    script_log(lua, NULL, LOG_LEVEL_WARNING, script_to_str(lua, 1));
    return 0;
}

static int
log_alert(lua_State *lua)
{
    script_log(lua, NULL, LOG_LEVEL_ALERT, script_to_str(lua, 1));
    return 0;
}

/* --- time ------------------------------------------------------------------------------------------------ */

static int
now(lua_State *lua)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    lua_createtable(lua, 0, 2);
    lua_pushinteger(lua, ts.tv_sec);
    lua_setfield(lua, -2, "sec");
    lua_pushinteger(lua, ts.tv_nsec / 1000);
    lua_setfield(lua, -2, "usec");
    return 1;
}

static int
sleep_ms(lua_State *lua)
{
    return script_pause(lua, script_now_ms() + luaL_checkinteger(lua, 1));
}

static int
sleep_s(lua_State *lua)
{
    return script_pause(lua, script_now_ms() + luaL_checkinteger(lua, 1) * 1000);
}

static int
yield(lua_State *lua)
{
    return script_pause(lua, script_now_ms());
}

/* nil for what is no date of that form. */
static int
push_date(lua_State *lua, const char *format, size_t skip)
{
    const char *text = luaL_checkstring(lua, 1);
    struct tm tm = { 0 };
    const char *end;

    if (strlen(text) < skip)
        return 0;
    end = strptime(text, format, &tm);
    if (end == NULL)
        lua_pushnil(lua);
    else
        lua_pushinteger(lua, timegm(&tm));
    return 1;
}

static int
imf_date(lua_State *lua)
{
    return push_date(lua, "%a, %d %b %Y %H:%M:%S GMT", 0);
}

static int
rfc850_date(lua_State *lua)
{
    return push_date(lua, "%A, %d-%b-%y %H:%M:%S GMT", 0);
}

static int
asctime_date(lua_State *lua)
{
    return push_date(lua, "%a %b %d %H:%M:%S %Y", 0);
}

static int
http_date(lua_State *lua)
{
    static const lua_CFunction forms[] = { imf_date, rfc850_date, asctime_date };

    for (size_t i = 0; i < COUNT(forms); i++) {
        if (forms[i](lua) == 1 && !lua_isnil(lua, -1))
            return 1;
        lua_settop(lua, 1);
    }
    lua_pushnil(lua);
    return 1;
}

/* --- addresses: userdata ------------------------------------------------------------------------------------ */

struct network {
    struct addr addr;
    unsigned bits;
};

static const char network_class[] = "weir.address";

/* "127.0.0.1", "10.0.0.0/8", "::1/64", "unix@path"; nil for what is none. */
static int
parse_addr(lua_State *lua)
{
    struct str text = script_to_str(lua, 1), host = str_split(&text, '/');
    struct network network = { .bits = 0 };
    char *end;
    long bits;

    if (!addr_parse_host(host, &network.addr)) {
        lua_pushnil(lua);
        return 1;
    }
    network.bits = network.addr.family == ADDR_IPV4 ? 32 : 128;
    if (text.ptr != NULL) {
        bits = strtol(text.ptr, &end, 10);
        if (end != text.ptr + text.len || text.len == 0 || bits < 0 || bits > network.bits) {
            lua_pushnil(lua);
            return 1;
        }
        network.bits = (unsigned)bits;
    }
    *(struct network *)lua_newuserdatauv(lua, sizeof(network), 0) = network;
    luaL_setmetatable(lua, network_class);
    return 1;
}

static bool
are_same_bits(const struct addr *a, const struct addr *b, unsigned bits)
{
    const uint8_t *left = a->family == ADDR_IPV4 ? (const uint8_t *)&a->ip4 : a->ip6.s6_addr;
    const uint8_t *right = b->family == ADDR_IPV4 ? (const uint8_t *)&b->ip4 : b->ip6.s6_addr;

    if (memcmp(left, right, bits / 8) != 0)
        return false;
    return bits % 8 == 0 || ((left[bits / 8] ^ right[bits / 8]) >> (8 - bits % 8)) == 0;
}

/* Is one within the other? */
static int
match_addr(lua_State *lua)
{
    const struct network *a = luaL_checkudata(lua, 1, network_class);
    const struct network *b = luaL_checkudata(lua, 2, network_class);
    unsigned bits = a->bits < b->bits ? a->bits : b->bits;

    lua_pushboolean(lua, a->addr.family == b->addr.family && are_same_bits(&a->addr, &b->addr, bits));
    return 1;
}

/* --- texts --------------------------------------------------------------------------------------------------- */

static int
tokenize(lua_State *lua)
{
    struct str text = script_to_str(lua, 1), separators = script_to_str(lua, 2);
    bool skips_empty = lua_toboolean(lua, 3);
    lua_Integer count = 0;
    size_t from = 0;

    lua_newtable(lua);
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && memchr(separators.ptr, text.ptr[i], separators.len) == NULL)
            continue;
        if (i > from || !skips_empty) {
            lua_pushlstring(lua, text.ptr + from, i - from);
            lua_rawseti(lua, -2, ++count);
        }
        from = i + 1;
    }
    return 1;
}

static int
concat_add(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    luaL_checkstring(lua, 2);
    lua_settop(lua, 2);
    lua_rawseti(lua, 1, (lua_Integer)lua_rawlen(lua, 1) + 1);
    return 0;
}

static int
concat_dump(lua_State *lua)
{
    luaL_Buffer all;
    lua_Integer count;

    luaL_checktype(lua, 1, LUA_TTABLE);
    count = (lua_Integer)lua_rawlen(lua, 1);
    luaL_buffinit(lua, &all);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(lua, 1, i);
        luaL_addvalue(&all);
    }
    luaL_pushresult(&all);
    return 1;
}

static int
concat_new(lua_State *lua)
{
    script_object_new(lua, "Concat");
    return 1;
}

/* --- variables of the process ------------------------------------------------------------------------------------ */

static int
get_var(lua_State *lua)
{
    struct variables none = { { NULL } };
    struct eval eval = { .variables = &none };
    struct value value = { .cursor = VALUE_SINGLE };
    struct variable_name name;
    struct error err = ERROR_INIT;

    if (!variable_name_parse(script_to_str(lua, 1), &name, &err))
        return luaL_error(lua, "%s", err.text);
    luaL_argcheck(lua, name.scope == SCOPE_PROC, 1, "only variables of scope proc are known here");
    if (variable_find(&eval, &name, &value))
        script_push_value(lua, &value);
    else
        lua_pushnil(lua);
    return 1;
}

static int
set_nice(lua_State *lua)
{
    luaL_checkinteger(lua, 1);
    return 0; /* threads of weir take turns: there is nobody to be nicer than */
}

static int
done(lua_State *lua)
{
    (void)lua;
    script_stop(lua);
}

/* --- the table --------------------------------------------------------------------------------------------------- */

static const luaL_Reg functions[] = {
    { "log", log_any },
    { "Debug", log_debug },
    { "Info", log_info },
    { "Warning", log_warning },
    { "Alert", log_alert },
    { "now", now },
    { "msleep", sleep_ms },
    { "sleep", sleep_s },
    { "yield", yield },
    { "http_date", http_date },
    { "imf_date", imf_date },
    { "rfc850_date", rfc850_date },
    { "asctime_date", asctime_date },
    { "parse_addr", parse_addr },
    { "match_addr", match_addr },
    { "tokenize", tokenize },
    { "concat", concat_new },
    { "get_var", get_var },
    { "set_nice", set_nice },
    { "done", done },
    { NULL, NULL },
};

static void
add_levels(lua_State *lua)
{
    static const char *const names[] = { "emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug" };

    for (size_t i = 0; i < COUNT(names); i++) {
        lua_pushinteger(lua, (lua_Integer)i);
        lua_setfield(lua, -2, names[i]);
    }
    lua_pushinteger(lua, -1);
    lua_setfield(lua, -2, "silent");
}

void
script_add_core(lua_State *lua, struct script_state *state)
{
    static const luaL_Reg concat[] = { { "add", concat_add }, { "dump", concat_dump }, { NULL, NULL } };
    static const luaL_Reg none[] = { { NULL, NULL } };

    script_class_new(lua, "Concat", concat);
    script_class_new(lua, network_class, none);
    lua_newtable(lua);
    luaL_setfuncs(lua, functions, 0);
    add_levels(lua);
    /* As HAProxy numbers them: 0 is the shared state, threads count from 1. */
    lua_pushinteger(lua, state->is_shared ? 0 : state->index);
    lua_setfield(lua, -2, "thread");
    lua_setglobal(lua, "core");
}
