/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.event_sub(): scripts that want to know what becomes of servers.
 *
 * Owns:    the list of subscriptions of a state, in its registry; events on their way.
 * Thread:  servers change on the control thread, which mails the news to the thread of each state that wants them;
 *          there a task of the subscription calls the script, one event after the other.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "weir/base/alloc.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/server/server.h"
#include "private.h"

#define SUBS        "weir.subscriptions" /* in the registry: { { queue = , mask = , server = "b/s" or nil }, ... } */
#define PENDING_MAX 100

enum server_event {
    EVENT_ADD = 1,
    EVENT_DEL = 2,
    EVENT_UP = 4,
    EVENT_DOWN = 8,
    EVENT_STATE = 16,
    EVENT_ADMIN = 32,
    EVENTS = 6,
};
static const char *const event_names[EVENTS] = { "SERVER_ADD",  "SERVER_DEL",   "SERVER_UP",
                                                 "SERVER_DOWN", "SERVER_STATE", "SERVER_ADMIN" };

/* For each subscription a queue, and a task that takes from it. */
static const char glue[] =
    "local register = ...\n"
    "local EventSub = {}\n"
    "EventSub.__index = EventSub\n"
    "function EventSub:unsub()\n"
    "    self.entry.mask = 0\n"
    "    self.entry.queue:push(false)\n"
    "end\n"
    "return function(types, f, server)\n"
    "    local queue = core.queue()\n"
    "    local sub = setmetatable({ entry = register(types, queue, server) }, EventSub)\n"
    "    core.register_task(function()\n"
    "        while true do\n"
    "            local event = queue:pop_wait()\n"
    "            if not event then return end\n"
    "            local fine, why = pcall(f, event.type, event.data, sub, event.when)\n"
    "            if not fine then core.Alert('event_sub: ' .. tostring(why)) end\n"
    "        end\n"
    "    end)\n"
    "    return sub\n"
    "end\n";

/* --- on the thread of the state ---------------------------------------------------------------------------- */

struct event { /* on its way */
    struct mail mail;
    struct script_state *state;
    struct snapshot *snapshot; /* holds: of the state */
    unsigned what;             /* one of enum server_event */
    int64_t when;
    char *proxy, *server;            /* owns */
    int64_t proxy_id, server_id;
    const char *old_word, *new_word; /* static */
    char *cause;                     /* owns; NULL: none */
};

static int
event_number(unsigned what)
{
    return __builtin_ctz(what);
}

static const char *
running_word(const char *word)
{
    return strcmp(word, "up") == 0         ? "RUNNING"
           : strcmp(word, "stopping") == 0 ? "STOPPING"
           : strcmp(word, "drain") == 0    ? "RUNNING"
                                           : "STOPPED";
}

static void
set_text(lua_State *lua, const char *name, const char *text)
{
    lua_pushstring(lua, text);
    lua_setfield(lua, -2, name);
}

static void
set_number_text(lua_State *lua, const char *name, int64_t number)
{
    lua_pushfstring(lua, "%I", (LUAI_UACINT)number);
    lua_setfield(lua, -2, name);
}

/* ServerEventState, ServerEventAdmin. */
static void
add_change(lua_State *lua, const struct event *event)
{
    bool is_admin = event->what == EVENT_ADMIN;

    lua_newtable(lua);
    if (event->cause != NULL)
        set_text(lua, "cause", event->cause);
    if (is_admin) {
        set_text(lua, "old_admin", event->old_word);
        set_text(lua, "new_admin", event->new_word);
    } else {
        set_text(lua, "old_state", running_word(event->old_word));
        set_text(lua, "new_state", running_word(event->new_word));
        lua_pushboolean(lua, strcmp(event->new_word, "maint") == 0 || strcmp(event->old_word, "maint") == 0);
        lua_setfield(lua, -2, "admin");
    }
    lua_setfield(lua, -2, is_admin ? "admin" : "state");
}

/* ServerEvent. */
static void
push_data(lua_State *lua, const struct event *event)
{
    const struct script_set *set = script_state_of(lua)->set;

    lua_newtable(lua);
    set_text(lua, "name", event->server);
    set_text(lua, "proxy_name", event->proxy);
    set_number_text(lua, "puid", event->server_id);
    set_number_text(lua, "proxy_uuid", event->proxy_id);
    lua_pushinteger(lua, 0);
    lua_setfield(lua, -2, "rid");
    if (event->new_word != NULL)
        add_change(lua, event);
    if (event->what == EVENT_DEL)
        return;
    LIST_FOR_EACH (conf, proxy_list(set->snapshot), struct proxy_conf, link) {
        if (strcmp(conf->name, event->proxy) != 0)
            continue;
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
            if (strcmp(srv->name, event->server) == 0) {
                script_push_server(lua, srv);
                lua_setfield(lua, -2, "reference");
                return;
            }
        }
    }
}

/* entry.queue:push({ type = , data = , when = }), for each that wants it; too many unread ones are dropped. */
static int
spread(lua_State *lua)
{
    const struct event *event = lua_touserdata(lua, 1);
    const char *name = lua_pushfstring(lua, "%s/%s", event->proxy, event->server);

    luaL_getsubtable(lua, LUA_REGISTRYINDEX, SUBS);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(lua, 3); i++) {
        lua_settop(lua, 3);
        lua_rawgeti(lua, 3, i);
        lua_getfield(lua, 4, "mask");
        lua_getfield(lua, 4, "server");
        if ((lua_tointeger(lua, 5) & event->what) == 0 ||
            (lua_isstring(lua, 6) && strcmp(lua_tostring(lua, 6), name) != 0))
            continue;
        lua_getfield(lua, 4, "queue");
        lua_getfield(lua, 7, "size");
        lua_pushvalue(lua, 7);
        lua_call(lua, 1, 1);
        if (lua_tointeger(lua, -1) >= PENDING_MAX)
            continue;
        lua_getfield(lua, 7, "push");
        lua_pushvalue(lua, 7);
        lua_newtable(lua);
        set_text(lua, "type", event_names[event_number(event->what)]);
        lua_pushinteger(lua, event->when);
        lua_setfield(lua, -2, "when");
        push_data(lua, event);
        lua_setfield(lua, -2, "data");
        lua_call(lua, 2, 0);
    }
    return 0;
}

static void
event_free(struct event *event)
{
    snapshot_drop(event->snapshot);
    alloc_free(event->proxy);
    alloc_free(event->server);
    alloc_free(event->cause);
    alloc_free(event);
}

static void
on_event(struct mail *mail)
{
    struct event *event = LIST_ITEM(mail, struct event, mail);
    struct script_run run = { .what = "event", .name = event_names[event_number(event->what)] };
    struct script_run *before = script_enter(event->state, &run);

    if (!event->state->set->is_retired) {
        lua_pushcfunction(event->state->lua, spread);
        lua_pushlightuserdata(event->state->lua, event);
        (void)script_call(event->state->lua, 1, 0);
    }
    script_leave(event->state, before);
    event_free(event);
}

/* --- on the control thread ------------------------------------------------------------------------------------- */

struct fact {
    struct server *srv;
    unsigned what;
    const char *old_word, *new_word, *cause;
};

static void
send_to(struct script_state *state, const struct fact *fact)
{
    unsigned index = state->is_shared ? 1 : state->index;
    struct event *event;

    if ((__atomic_load_n(&state->event_mask, __ATOMIC_RELAXED) & fact->what) == 0 ||
        index >= thread_count())
        return;
    event = alloc_zero(sizeof(*event));
    event->state = state;
    event->snapshot = state->set->snapshot;
    snapshot_hold(event->snapshot);
    event->what = fact->what;
    event->when = time(NULL);
    event->proxy = alloc_copy(fact->srv->backend->name);
    event->server = alloc_copy(fact->srv->name);
    event->proxy_id = fact->srv->backend->conf == NULL ? 0 : fact->srv->backend->conf->id;
    event->server_id = fact->srv->id;
    event->old_word = fact->old_word;
    event->new_word = fact->new_word;
    event->cause = fact->cause == NULL ? NULL : alloc_copy(fact->cause);
    mailbox_send(thread_at(index), &event->mail, on_event);
}

static void
send_all(const struct fact *fact)
{
    struct script_set *set = script_set_current();

    if (set == NULL)
        return;
    if (set->shared != NULL)
        send_to(set->shared, fact);
    for (unsigned i = 0; i < set->own_count; i++)
        send_to(set->own[i], fact);
}

static void
on_change(struct server *srv, unsigned what)
{
    if ((what & SERVER_ADDED) != 0)
        send_all(&(struct fact){ .srv = srv, .what = EVENT_ADD });
    if ((what & SERVER_REMOVED) != 0)
        send_all(&(struct fact){ .srv = srv, .what = EVENT_DEL });
}

static const struct server_observer observers[] = { { on_change } };
REGISTER(server_observer, observers);

static bool
is_serving(const char *word)
{
    return strcmp(word, "up") == 0 || strcmp(word, "drain") == 0;
}

static bool
is_administrative(const char *word)
{
    return strcmp(word, "maint") == 0 || strcmp(word, "drain") == 0;
}

static void
read_news(const struct server_news *news)
{
    const char *now = server_state_word(news->srv);
    struct fact fact = { news->srv, EVENT_STATE, news->before, now, news->reason };

    if (is_administrative(now) || is_administrative(news->before)) {
        fact.what = EVENT_ADMIN;
        send_all(&fact);
    }
    if (strcmp(running_word(news->before), running_word(now)) == 0)
        return;
    fact.what = EVENT_STATE;
    send_all(&fact);
    if (is_serving(news->before) == is_serving(now))
        return;
    fact.what = is_serving(now) ? EVENT_UP : EVENT_DOWN;
    send_all(&fact);
}

static const struct server_news_reader readers[] = { { read_news } };
REGISTER(server_news_reader, readers);

/* --- subscribing ------------------------------------------------------------------------------------------------ */

static unsigned
mask_of(lua_State *lua, const char *name)
{
    if (strcmp(name, "SERVER") == 0)
        return (1u << EVENTS) - 1;
    for (unsigned i = 0; i < EVENTS; i++) {
        if (strcmp(event_names[i], name) == 0)
            return 1u << i;
    }
    luaL_error(lua, "event '%s' is not known; SERVER, SERVER_ADD, SERVER_DEL, SERVER_UP, SERVER_DOWN, SERVER_STATE and "
                    "SERVER_ADMIN are", name);
    return 0;
}

/* ({ types }, queue, "b/s" or nil) gives the entry in the list. */
static int
register_sub(lua_State *lua)
{
    struct script_state *state = script_state_of(lua);
    unsigned mask = 0;

    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 3);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(lua, 1); i++) {
        lua_rawgeti(lua, 1, i);
        mask |= mask_of(lua, luaL_checkstring(lua, -1));
        lua_pop(lua, 1);
    }
    lua_createtable(lua, 0, 3);
    lua_pushinteger(lua, mask);
    lua_setfield(lua, 4, "mask");
    lua_pushvalue(lua, 2);
    lua_setfield(lua, 4, "queue");
    lua_pushvalue(lua, 3);
    lua_setfield(lua, 4, "server");
    luaL_getsubtable(lua, LUA_REGISTRYINDEX, SUBS);
    lua_pushvalue(lua, 4);
    lua_rawseti(lua, 5, (lua_Integer)lua_rawlen(lua, 5) + 1);
    __atomic_or_fetch(&state->event_mask, mask, __ATOMIC_RELAXED);
    lua_settop(lua, 4);
    return 1;
}

int
script_event_sub(lua_State *lua, const char *server)
{
    lua_settop(lua, 3);
    luaL_checktype(lua, 2, LUA_TTABLE);
    luaL_checktype(lua, 3, LUA_TFUNCTION);
    lua_getfield(lua, LUA_REGISTRYINDEX, "weir.event_sub");
    lua_insert(lua, 2);
    lua_pushstring(lua, server);
    lua_call(lua, 3, 1);
    return 1;
}

/* core.event_sub({ types }, function) */
static int
event_sub(lua_State *lua)
{
    lua_settop(lua, 2);
    lua_pushnil(lua);
    lua_insert(lua, 1);
    return script_event_sub(lua, NULL);
}

void
script_add_events(lua_State *lua)
{
    (void)luaL_loadbuffer(lua, glue, sizeof(glue) - 1, "=event_sub");
    lua_pushcfunction(lua, register_sub);
    lua_call(lua, 1, 1);
    lua_setfield(lua, LUA_REGISTRYINDEX, "weir.event_sub");
    lua_getglobal(lua, "core");
    lua_pushcfunction(lua, event_sub);
    lua_setfield(lua, -2, "event_sub");
    lua_pop(lua, 1);
}
