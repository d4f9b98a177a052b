/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server: what scripts know of a server, and what they can tell it.
 *
 * Thread:  who has entered the state. Changes are orders for the control thread: they are in force a moment later.
 */
#include <stdio.h>
#include <string.h>

#include "weir/check/check.h"
#include "weir/server/server.h"
#include "event.h"

static const char class[] = "Server";

static struct server_conf *
server_at(lua_State *lua)
{
    struct server_conf *conf = script_handle_at(lua, 1, class);

    if (conf->live == NULL)
        luaL_error(lua, "the server does not live yet");
    return conf;
}

/* --- orders --------------------------------------------------------------------------------------------- */

/* What a script puts into a command must stay one word. */
static const char *
check_word(lua_State *lua, int at)
{
    const char *word = luaL_checkstring(lua, at);

    luaL_argcheck(lua, *word != '\0' && strpbrk(word, " \t\r\n;\\") == NULL, at, "one word");
    return word;
}

static int
order(lua_State *lua, const char *verb, const char *rest)
{
    const struct server_conf *conf = server_at(lua);

    script_order(lua_pushfstring(lua, "%s %s/%s%s%s", verb, conf->backend->name, conf->name,
                                 *rest == '\0' ? "" : " ", rest));
    return 0;
}

static int
set_weight(lua_State *lua)
{
    return order(lua, "set server", lua_pushfstring(lua, "weight %s", check_word(lua, 2)));
}

static int
set_maxconn(lua_State *lua)
{
    return order(lua, "set maxconn server", check_word(lua, 2));
}

static int
set_addr(lua_State *lua)
{
    const char *addr = check_word(lua, 2);

    if (lua_isnoneornil(lua, 3))
        return order(lua, "set server", lua_pushfstring(lua, "addr %s", addr));
    return order(lua, "set server", lua_pushfstring(lua, "addr %s port %s", addr, check_word(lua, 3)));
}

#define ORDER(name_, verb_, rest_)                                                                 \
    static int name_(lua_State *lua)                                                               \
    {                                                                                              \
        return order(lua, verb_, rest_);                                                           \
    }
ORDER(set_drain, "set server", "state drain")
ORDER(set_maint, "set server", "state maint")
ORDER(set_ready, "set server", "state ready")
ORDER(shut_sess, "shutdown sessions server", "")
ORDER(check_enable, "enable health", "")
ORDER(check_disable, "disable health", "")
ORDER(check_force_up, "set server", "health up")
ORDER(check_force_nolb, "set server", "health stopping")
ORDER(check_force_down, "set server", "health down")
ORDER(agent_enable, "enable agent", "")
ORDER(agent_disable, "disable agent", "")
ORDER(agent_force_up, "set server", "agent up")
ORDER(agent_force_down, "set server", "agent down")

/* --- what is known ---------------------------------------------------------------------------------------- */

static int
get_weight(lua_State *lua)
{
    lua_pushinteger(lua, __atomic_load_n(&server_at(lua)->live->user_weight, __ATOMIC_RELAXED));
    return 1;
}

static int
get_maxconn(lua_State *lua)
{
    lua_pushinteger(lua, __atomic_load_n(&server_at(lua)->live->maxconn, __ATOMIC_RELAXED));
    return 1;
}

static int
get_addr(lua_State *lua)
{
    struct addr addr;
    char text[128];

    server_addr(server_at(lua)->live, &addr);
    addr_format(&addr, text, sizeof(text));
    lua_pushstring(lua, text);
    return 1;
}

static int
is_draining(lua_State *lua)
{
    const struct server *srv = server_at(lua)->live;

    lua_pushboolean(lua, (__atomic_load_n(&srv->admin, __ATOMIC_RELAXED) & ADMIN_DRAIN) != 0 ||
                             __atomic_load_n(&srv->effective_weight, __ATOMIC_RELAXED) == 0);
    return 1;
}

static int
is_backup(lua_State *lua)
{
    lua_pushboolean(lua, server_at(lua)->backup);
    return 1;
}

static int
is_dynamic(lua_State *lua)
{
    lua_pushboolean(lua, server_at(lua)->is_dynamic);
    return 1;
}

static int
get_cur_sess(lua_State *lua)
{
    lua_pushinteger(lua, __atomic_load_n(&server_at(lua)->live->current, __ATOMIC_RELAXED));
    return 1;
}

static int
get_pend_conn(lua_State *lua)
{
    lua_pushinteger(lua, (lua_Integer)__atomic_load_n(&server_at(lua)->live->queue.length, __ATOMIC_RELAXED));
    return 1;
}

static int
get_name(lua_State *lua)
{
    lua_pushstring(lua, server_at(lua)->name);
    return 1;
}

/* A text, as HAProxy gives it. */
static int
get_puid(lua_State *lua)
{
    lua_pushfstring(lua, "%I", (LUAI_UACINT)server_at(lua)->id);
    return 1;
}

static int
get_proxy(lua_State *lua)
{
    script_push_proxy(lua, server_at(lua)->backend);
    return 1;
}

/* The server that it tracks; nil: none. */
static int
tracking(lua_State *lua)
{
    const struct server_conf *conf = server_at(lua), *target = track_target(conf);

    if (target == NULL || target == conf)
        lua_pushnil(lua);
    else
        script_push_server(lua, (struct server_conf *)target);
    return 1;
}

static int
get_trackers(lua_State *lua)
{
    const struct server_conf *conf = server_at(lua);
    const struct script_set *set = script_state_of(lua)->set;
    lua_Integer count = 0;

    lua_newtable(lua);
    LIST_FOR_EACH (proxy, proxy_list(set->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (srv, &proxy->servers, struct server_conf, link) {
            if (srv == conf || track_target(srv) != conf)
                continue;
            script_push_server(lua, srv);
            lua_rawseti(lua, -2, ++count);
        }
    }
    return 1;
}

static int
get_stats(lua_State *lua)
{
    const struct server_conf *conf = server_at(lua);

    return script_ask(lua, lua_pushfstring(lua, "show stat %s 4 %I", conf->backend->name,
                                           (LUAI_UACINT)conf->id),
                      ANSWER_STAT);
}

/* Of this server alone. */
static int
event_sub(lua_State *lua)
{
    const struct server_conf *conf = script_handle_at(lua, 1, class);
    char name[512];

    snprintf(name, sizeof(name), "%s/%s", conf->backend->name, conf->name);
    return script_event_sub(lua, EVENTS_OF_SERVERS, name);
}

/* --- class -------------------------------------------------------------------------------------------------- */

#define METHOD(name_) { #name_, name_ }

static const luaL_Reg functions[] = {
    METHOD(set_weight),     METHOD(get_weight),      METHOD(set_maxconn),      METHOD(get_maxconn),
    METHOD(set_addr),       METHOD(get_addr),        METHOD(set_drain),        METHOD(set_maint),
    METHOD(set_ready),      METHOD(shut_sess),       METHOD(check_enable),     METHOD(check_disable),
    METHOD(check_force_up), METHOD(check_force_nolb), METHOD(check_force_down), METHOD(agent_enable),
    METHOD(agent_disable),  METHOD(agent_force_up),  METHOD(agent_force_down), METHOD(is_draining),
    METHOD(is_backup),      METHOD(is_dynamic),      METHOD(get_cur_sess),     METHOD(get_pend_conn),
    METHOD(get_name),       METHOD(get_puid),        METHOD(get_proxy),        METHOD(tracking),
    METHOD(get_trackers),   METHOD(get_stats),       METHOD(event_sub),        { NULL, NULL },
};

void
script_push_server(lua_State *lua, struct server_conf *conf)
{
    script_handle_new(lua, class, conf);
    lua_pushstring(lua, conf->name);
    lua_setfield(lua, -2, "name");
    lua_pushfstring(lua, "%I", (LUAI_UACINT)conf->id);
    lua_setfield(lua, -2, "puid");
}

void
script_add_class_server(lua_State *lua)
{
    script_class_new(lua, class, functions);
}
