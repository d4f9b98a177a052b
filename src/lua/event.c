/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.event_sub(): scripts that want to know what happens.
 *
 * For:     event_server.c and event_list.c, which know.
 * Owns:    the list of subscriptions of a state, in its registry; events on their way.
 * Thread:  an event goes as an errand to the thread of each state that wants it; there a task of the subscription
 *          calls the script, one event after the other.
 */
#include <string.h>
#include <time.h>

#include "weir/base/alloc.h"
#include "weir/loop/thread.h"
#include "event.h"

#define SUBS        "weir.subscriptions" /* in the registry: { { queue = , mask = , subject = NAME or nil }, ... } */
#define PENDING_MAX 100

static const char *const event_names[] = {
    "SERVER_ADD",  "SERVER_DEL",  "SERVER_UP",   "SERVER_DOWN",   "SERVER_STATE",  "SERVER_ADMIN",
    "SERVER_CHECK", "PAT_REF_ADD", "PAT_REF_DEL", "PAT_REF_SET", "PAT_REF_CLEAR", "PAT_REF_COMMIT",
};

/* For each subscription a queue, and a task that takes from it. */
static const char glue[] =
    "local register = ...\n"
    "local EventSub = {}\n"
    "EventSub.__index = EventSub\n"
    "function EventSub:unsub()\n"
    "    self.entry.mask = 0\n"
    "    self.entry.queue:push(false)\n"
    "end\n"
    "return function(mask, f, subject)\n"
    "    local queue = core.queue()\n"
    "    local sub = setmetatable({ entry = register(mask, queue, subject) }, EventSub)\n"
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

static const char *
name_of(enum script_event_kind kind)
{
    return event_names[__builtin_ctz(kind)];
}

/* --- on the thread of the state ---------------------------------------------------------------------------- */

static bool
is_for(lua_State *lua, int entry, const struct script_event *event)
{
    bool is_so;

    lua_getfield(lua, entry, "mask");
    lua_getfield(lua, entry, "subject");
    is_so = (lua_tointeger(lua, -2) & event->kind) != 0 &&
            (!lua_isstring(lua, -1) || strcmp(lua_tostring(lua, -1), event->subject) == 0);
    lua_pop(lua, 2);
    return is_so;
}

/* entry.queue:push({ type = , data = , when = }); too many unread ones are dropped. */
static void
push_to(lua_State *lua, int entry, const struct script_event *event)
{
    lua_getfield(lua, entry, "queue");
    lua_getfield(lua, -1, "size");
    lua_pushvalue(lua, -2);
    lua_call(lua, 1, 1);
    if (lua_tointeger(lua, -1) >= PENDING_MAX)
        return;
    lua_pop(lua, 1);
    lua_getfield(lua, -1, "push");
    lua_pushvalue(lua, -2);
    lua_createtable(lua, 0, 3);
    lua_pushstring(lua, name_of(event->kind));
    lua_setfield(lua, -2, "type");
    lua_pushinteger(lua, event->when);
    lua_setfield(lua, -2, "when");
    event->push(lua, event);
    lua_setfield(lua, -2, "data");
    lua_call(lua, 2, 0);
}

static int
spread(lua_State *lua)
{
    const struct script_event *event = lua_touserdata(lua, 1);

    luaL_getsubtable(lua, LUA_REGISTRYINDEX, SUBS);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(lua, 2); i++) {
        lua_settop(lua, 2);
        lua_rawgeti(lua, 2, i);
        if (is_for(lua, 3, event))
            push_to(lua, 3, event);
    }
    return 0;
}

static void
drop(struct script_event *event)
{
    if (__atomic_sub_fetch(&event->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    event->free(event);
    alloc_free((char *)(uintptr_t)event->subject);
    alloc_free(event);
}

static void
on_event(struct script_state *state, void *arg)
{
    struct script_event *event = arg;
    struct script_run run = { .what = "event", .name = name_of(event->kind) };
    struct script_run *before = script_enter(state, &run);

    if (!state->set->is_retired) {
        lua_pushcfunction(state->lua, spread);
        lua_pushlightuserdata(state->lua, event);
        (void)script_call(state->lua, 1, 0);
    }
    script_leave(state, before);
    drop(event);
}

/* --- on the thread where it happened ------------------------------------------------------------------------ */

/* NULL: there are no scripts. */
static struct script_set *
set_here(void)
{
    const struct snapshot *snapshot = this_thread == NULL ? NULL : snapshot_current();

    return snapshot == NULL ? NULL : script_set_of(snapshot);
}

static bool
state_wants(const struct script_state *state, enum script_event_kind kind)
{
    return (__atomic_load_n(&state->event_mask, __ATOMIC_RELAXED) & kind) != 0;
}

bool
script_event_is_wanted(enum script_event_kind kind)
{
    const struct script_set *set = set_here();

    if (set == NULL)
        return false;
    if (set->shared != NULL && state_wants(set->shared, kind))
        return true;
    for (unsigned i = 0; i < set->own_count; i++) {
        if (state_wants(set->own[i], kind))
            return true;
    }
    return false;
}

void *
script_event_new(size_t size, enum script_event_kind kind, const char *subject)
{
    struct script_event *event = alloc_zero(size);

    event->refs = 1;
    event->kind = kind;
    event->when = time(NULL);
    event->subject = alloc_copy(subject);
    return event;
}

static void
send_to(struct script_state *state, struct script_event *event)
{
    unsigned index = state->is_shared ? 1 : state->index;

    if (!state_wants(state, event->kind) || index >= thread_count())
        return;
    __atomic_add_fetch(&event->refs, 1, __ATOMIC_RELAXED);
    script_send(state, thread_at(index), on_event, event);
}

void
script_event_send(struct script_event *event)
{
    struct script_set *set = set_here();

    if (set != NULL && set->shared != NULL)
        send_to(set->shared, event);
    for (unsigned i = 0; set != NULL && i < set->own_count; i++)
        send_to(set->own[i], event);
    drop(event);
}

/* --- subscribing ------------------------------------------------------------------------------------------------ */

/* Of a name, or of the family. */
static unsigned
find(const char *name)
{
    if (strcmp(name, "SERVER") == 0)
        return EVENTS_OF_SERVERS;
    if (strcmp(name, "PAT_REF") == 0)
        return EVENTS_OF_LISTS;
    for (unsigned i = 0; i < COUNT(event_names); i++) {
        if (strcmp(event_names[i], name) == 0)
            return 1u << i;
    }
    return 0;
}

static unsigned
mask_of(lua_State *lua, const char *name, unsigned kinds)
{
    unsigned mask = find(name);
    luaL_Buffer known;

    if (mask != 0 && (mask & kinds) == mask)
        return mask;
    if (strncmp(name, "ACME", 4) == 0)
        luaL_error(lua, "event '%s': weir gets no certificates by ACME", name);
    luaL_buffinit(lua, &known);
    luaL_addstring(&known, (kinds & EVENTS_OF_SERVERS) != 0 ? "SERVER" : "PAT_REF");
    for (unsigned i = 0; i < COUNT(event_names); i++) {
        if ((kinds & 1u << i) == 0)
            continue;
        luaL_addstring(&known, ", ");
        luaL_addstring(&known, event_names[i]);
    }
    luaL_pushresult(&known);
    luaL_error(lua, "event '%s' is not known here; these are: %s", name, lua_tostring(lua, -1));
    return 0;
}

/* (mask, queue, subject or nil) gives the entry in the list. */
static int
register_sub(lua_State *lua)
{
    struct script_state *state = script_state_of(lua);

    lua_settop(lua, 3);
    lua_createtable(lua, 0, 3);
    lua_pushvalue(lua, 1);
    lua_setfield(lua, 4, "mask");
    lua_pushvalue(lua, 2);
    lua_setfield(lua, 4, "queue");
    lua_pushvalue(lua, 3);
    lua_setfield(lua, 4, "subject");
    luaL_getsubtable(lua, LUA_REGISTRYINDEX, SUBS);
    lua_pushvalue(lua, 4);
    lua_rawseti(lua, 5, (lua_Integer)lua_rawlen(lua, 5) + 1);
    __atomic_or_fetch(&state->event_mask, (uint32_t)lua_tointeger(lua, 1), __ATOMIC_RELAXED);
    lua_settop(lua, 4);
    return 1;
}

int
script_event_sub(lua_State *lua, unsigned kinds, const char *subject)
{
    unsigned mask = 0;

    lua_settop(lua, 3);
    luaL_checktype(lua, 2, LUA_TTABLE);
    luaL_checktype(lua, 3, LUA_TFUNCTION);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(lua, 2); i++) {
        lua_rawgeti(lua, 2, i);
        mask |= mask_of(lua, luaL_checkstring(lua, -1), kinds);
        lua_pop(lua, 1);
    }
    lua_getfield(lua, LUA_REGISTRYINDEX, "weir.event_sub");
    lua_pushinteger(lua, mask);
    lua_pushvalue(lua, 3);
    lua_pushstring(lua, subject);
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
    return script_event_sub(lua, EVENTS_OF_SERVERS, NULL);
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
