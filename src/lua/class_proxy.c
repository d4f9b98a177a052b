/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proxy, Listener; core.proxies, core.frontends, core.backends.
 *
 * Thread:  who has entered the state. Orders are carried out by the control thread a moment later.
 *
 * What hangs off a proxy is made when it is asked for first.
 */
#include <string.h>

#include "weir/check/mailers.h"
#include "weir/net/bind.h"
#include "weir/server/server.h"
#include "weir/stick/table.h"
#include "private.h"

static const char class[] = "Proxy", listener_class[] = "Listener";

static struct proxy_conf *
proxy_at(lua_State *lua)
{
    return script_handle_at(lua, 1, class);
}

/* --- orders ----------------------------------------------------------------------------------------------- */

static int
order(lua_State *lua, const char *verb)
{
    script_order(lua_pushfstring(lua, "%s %s", verb, proxy_at(lua)->name));
    return 0;
}

static int
pause_(lua_State *lua)
{
    return order(lua, "disable frontend");
}

static int
resume(lua_State *lua)
{
    return order(lua, "enable frontend");
}

static int
stop(lua_State *lua)
{
    return order(lua, "shutdown frontend");
}

static int
shut_bcksess(lua_State *lua)
{
    const struct proxy_conf *conf = proxy_at(lua);

    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        if (srv->backup)
            script_order(lua_pushfstring(lua, "shutdown sessions server %s/%s", conf->name, srv->name));
    }
    return 0;
}

/* --- what is known ------------------------------------------------------------------------------------------ */

static int
get_cap(lua_State *lua)
{
    unsigned sides = proxy_at(lua)->sides & (SIDE_FRONT | SIDE_BACK);

    lua_pushstring(lua, sides == SIDE_FRONT ? "frontend" : sides == SIDE_BACK ? "backend" : "proxy");
    return 1;
}

static int
get_mode(lua_State *lua)
{
    int mode = proxy_at(lua)->mode;

    lua_pushstring(lua, mode == MODE_HTTP ? "http" : mode == MODE_TCP ? "tcp" : "syslog");
    return 1;
}

static int
get_name(lua_State *lua)
{
    lua_pushstring(lua, proxy_at(lua)->name);
    return 1;
}

static int
get_uuid(lua_State *lua)
{
    lua_pushfstring(lua, "%I", (LUAI_UACINT)proxy_at(lua)->id);
    return 1;
}

static int
push_count(lua_State *lua, bool of_backups)
{
    const struct proxy_conf *conf = proxy_at(lua);
    const struct server_set *set;

    if (conf->live == NULL || conf->live->back == NULL)
        return luaL_error(lua, "it is no backend, or does not live yet");
    set = server_set_read(conf->live);
    lua_pushinteger(lua, set == NULL ? 0 : of_backups ? set->backup_count : set->active_count);
    return 1;
}

static int
get_srv_act(lua_State *lua)
{
    return push_count(lua, false);
}

static int
get_srv_bck(lua_State *lua)
{
    return push_count(lua, true);
}

/* Of a frontend, or of a backend: a listen section tells what came in. */
static int
get_stats(lua_State *lua)
{
    const struct proxy_conf *conf = proxy_at(lua);

    return script_ask(lua, lua_pushfstring(lua, "show stat %s %d -1", conf->name,
                                           (conf->sides & SIDE_FRONT) != 0 ? 1 : 2),
                      ANSWER_STAT);
}

/* nil, or ProxyMailers. */
static int
get_mailers(lua_State *lua)
{
    const struct proxy_conf *conf = proxy_at(lua);
    struct mailers_view view;
    char text[ADDR_TEXT_MAX];

    if (!mailers_view(conf, &view)) {
        lua_pushnil(lua);
        return 1;
    }
    lua_createtable(lua, 0, 7);
    lua_pushboolean(lua, conf->option.log_health_checks);
    lua_setfield(lua, -2, "track_server_health");
    lua_pushinteger(lua, view.level);
    lua_setfield(lua, -2, "log_level");
    lua_newtable(lua);
    for (const struct mailer_conf *at = view.mailers->first; at != NULL; at = at->next) {
        addr_format(&at->addr, text, sizeof(text));
        lua_pushstring(lua, text);
        lua_setfield(lua, -2, at->name);
    }
    lua_setfield(lua, -2, "mailservers");
    lua_pushinteger(lua, view.mailers->timeout_ms);
    lua_setfield(lua, -2, "mailservers_timeout");
    lua_pushstring(lua, view.hostname);
    lua_setfield(lua, -2, "smtp_hostname");
    lua_pushstring(lua, view.from);
    lua_setfield(lua, -2, "smtp_from");
    lua_pushstring(lua, view.to);
    lua_setfield(lua, -2, "smtp_to");
    return 1;
}

/* --- listeners ------------------------------------------------------------------------------------------------ */

struct listener_key {
    struct proxy_conf *proxy;
    struct bind_conf *bind;
};

static int
listener_get_stats(lua_State *lua)
{
    const struct listener_key *key;

    script_handle_at(lua, 1, listener_class);
    lua_getfield(lua, 1, "key");
    key = lua_touserdata(lua, -1);
    return script_ask(lua, lua_pushfstring(lua, "show stat %s 8 %I", key->proxy->name,
                                           (LUAI_UACINT)key->bind->id),
                      ANSWER_STAT);
}

static void
push_listeners(lua_State *lua, struct proxy_conf *conf)
{
    lua_Integer number = 0;

    lua_newtable(lua);
    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        struct listener_key *key;

        number++;
        if (bind->name != NULL)
            lua_pushstring(lua, bind->name);
        else
            lua_pushfstring(lua, "sock-%I", (LUAI_UACINT)number);
        script_handle_new(lua, listener_class, bind);
        key = lua_newuserdatauv(lua, sizeof(*key), 0);
        *key = (struct listener_key){ conf, bind };
        lua_setfield(lua, -2, "key");
        lua_rawset(lua, -3);
    }
}

static void
push_servers(lua_State *lua, struct proxy_conf *conf)
{
    lua_newtable(lua);
    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        script_push_server(lua, srv);
        lua_setfield(lua, -2, srv->name);
    }
}

/* --- class ------------------------------------------------------------------------------------------------------ */

#define METHOD(name_) { #name_, name_ }

static const luaL_Reg functions[] = {
    { "pause", pause_ },
    METHOD(resume),      METHOD(stop),     METHOD(shut_bcksess), METHOD(get_cap), METHOD(get_mode),
    METHOD(get_name),    METHOD(get_uuid), METHOD(get_srv_act),  METHOD(get_srv_bck),
    METHOD(get_stats),   METHOD(get_mailers), { NULL, NULL },
};

/* Upvalue: the table of methods. */
static int
index_proxy(lua_State *lua)
{
    struct proxy_conf *conf;
    const char *name = lua_tostring(lua, 2);
    struct stick_table_conf *table;

    lua_pushvalue(lua, 2);
    if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL || name == NULL)
        return 1;
    conf = proxy_at(lua);
    if (strcmp(name, "servers") == 0) {
        push_servers(lua, conf);
    } else if (strcmp(name, "listeners") == 0) {
        push_listeners(lua, conf);
    } else if (strcmp(name, "stktable") == 0) {
        table = stick_table_conf_find(script_state_of(lua)->set->snapshot, str_from(conf->name));
        if (table == NULL)
            return 1;
        script_push_table(lua, table);
    } else {
        return 1;
    }
    lua_pushvalue(lua, -1);
    lua_setfield(lua, 1, name);
    return 1;
}

void
script_push_proxy(lua_State *lua, struct proxy_conf *conf)
{
    script_handle_new(lua, class, conf);
    lua_pushstring(lua, conf->name);
    lua_setfield(lua, -2, "name");
    lua_pushfstring(lua, "%I", (LUAI_UACINT)conf->id);
    lua_setfield(lua, -2, "uuid");
}

/* --- core.proxies and its kin ------------------------------------------------------------------------------------- */

static void
push_proxies(lua_State *lua, unsigned sides)
{
    const struct script_set *set = script_state_of(lua)->set;

    lua_newtable(lua);
    LIST_FOR_EACH (conf, proxy_list(set->snapshot), struct proxy_conf, link) {
        if ((conf->sides & sides) == 0 || (conf->sides & (SIDE_DEFAULTS | SIDE_INTERNAL)) != 0)
            continue;
        script_push_proxy(lua, conf);
        lua_setfield(lua, -2, conf->name);
    }
}

/* Lists that are there once the configuration is read. */
static int
index_core(lua_State *lua)
{
    const char *name = lua_tostring(lua, 2);
    unsigned sides = name == NULL                         ? 0
                     : strcmp(name, "proxies") == 0   ? SIDE_FRONT | SIDE_BACK
                     : strcmp(name, "frontends") == 0 ? SIDE_FRONT
                     : strcmp(name, "backends") == 0  ? SIDE_BACK
                                                          : 0;

    if (sides == 0 || !script_state_of(lua)->set->is_ready)
        return 0;
    push_proxies(lua, sides);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, 1, name);
    return 1;
}

/* core.use_native_mailers_config(): this script sends mails as get_mailers() says; then weir itself sends none. */
static int
use_native_mailers_config(lua_State *lua)
{
    struct script_set *set = script_state_of(lua)->set;

    if (set->parse == NULL)
        return luaL_error(lua, "it belongs into the body of a script");
    mailers_leave_to_scripts(set->parse->snapshot);
    return 0;
}

static int
get_info(lua_State *lua)
{
    return script_ask(lua, "show info", ANSWER_INFO);
}

void
script_add_class_proxy(lua_State *lua)
{
    static const luaL_Reg of_listeners[] = { { "get_stats", listener_get_stats }, { NULL, NULL } };

    script_class_new(lua, listener_class, of_listeners);
    script_class_new(lua, class, functions);
    luaL_getmetatable(lua, class);
    lua_getfield(lua, -1, "__index");
    lua_pushcclosure(lua, index_proxy, 1);
    lua_setfield(lua, -2, "__index");
    lua_pop(lua, 1);
    lua_getglobal(lua, "core");
    lua_pushcfunction(lua, get_info);
    lua_setfield(lua, -2, "get_info");
    lua_pushcfunction(lua, use_native_mailers_config);
    lua_setfield(lua, -2, "use_native_mailers_config");
    lua_createtable(lua, 0, 1);
    lua_pushcfunction(lua, index_core);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
    lua_pop(lua, 1);
}
