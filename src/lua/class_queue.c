/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue: first in, first out, between scripts of one state; core.wait(), which a push may end.
 *
 * Owns:    who waits for something to be pushed: a userdata on the stack of its coroutine, or, of those who have
 *          asked for an alarm, in the registry, by coroutine.
 * Thread:  who has entered the state. Who waits may live on another thread than who pushes: it is woken by
 *          an errand.
 *
 * A queue is a table: [first] .. [last] are its values, [0] the userdata with both numbers.
 */
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "private.h"

static const char class[] = "Queue", waiting_class[] = "weir.waiting", sleepers[] = "weir.sleepers";

#define ALARMS_MAX 8 /* of one coroutine */

struct queue_ends { /* values lie at first .. last - 1 */
    const char *class;
    lua_Integer first, last;
};

/* Somebody in pop_wait(), or who has asked for an alarm. */
struct waiting {
    struct list link; /* in the state's list */
    struct script_run *waiter;
    struct thread *home;
    const struct queue_ends *queue; /* of pop_wait(); NULL: a sleeper */
    const struct queue_ends *alarms[ALARMS_MAX];
    unsigned alarm_count;
    bool has_rung; /* a sleeper's: since core.wait() has looked */
    bool is_called;
};

static struct queue_ends *
ends_at(lua_State *lua)
{
    struct queue_ends *ends = NULL;

    if (lua_istable(lua, 1)) {
        lua_rawgeti(lua, 1, 0);
        if (lua_rawlen(lua, -1) == sizeof(*ends))
            ends = lua_touserdata(lua, -1);
        lua_pop(lua, 1);
    }
    if (ends == NULL || ends->class != class)
        luaL_argerror(lua, 1, "a queue should stand here");
    return ends;
}

/* --- waking ------------------------------------------------------------------------------------------------ */

/* One that was called here; NULL: none (any more). */
static struct waiting *
find_called(struct script_state *state)
{
    LIST_FOR_EACH (waiting, &state->waiting, struct waiting, link) {
        if (waiting->is_called && waiting->home == this_thread)
            return waiting;
    }
    return NULL;
}

/* Whoever is woken may run, and change the list. */
static void
wake_here(struct script_state *state, void *arg)
{
    struct waiting *waiting;

    (void)arg;
    script_lock(state);
    while ((waiting = find_called(state)) != NULL) {
        waiting->is_called = false;
        script_wake(waiting->waiter);
    }
    script_unlock(state);
}

/* False: it waits for nothing just now, or has been called already. */
static bool
call(struct script_state *state, struct waiting *waiting)
{
    if (waiting->is_called || __atomic_load_n(&waiting->waiter, __ATOMIC_RELAXED) == NULL)
        return false;
    waiting->is_called = true;
    script_send(state, waiting->home, wake_here, NULL);
    return true;
}

/* One who would take it. */
static void
call_one(struct script_state *state, const struct queue_ends *ends)
{
    LIST_FOR_EACH (waiting, &state->waiting, struct waiting, link) {
        if (waiting->queue == ends && call(state, waiting))
            return;
    }
}

static bool
has_alarm(const struct waiting *waiting, const struct queue_ends *ends)
{
    for (unsigned i = 0; i < waiting->alarm_count; i++) {
        if (waiting->alarms[i] == ends)
            return true;
    }
    return false;
}

/* All who want to know. */
static void
ring(struct script_state *state, const struct queue_ends *ends)
{
    LIST_FOR_EACH (waiting, &state->waiting, struct waiting, link) {
        if (!has_alarm(waiting, ends))
            continue;
        waiting->has_rung = true;
        (void)call(state, waiting);
    }
}

/* --- methods ------------------------------------------------------------------------------------------------- */

static int
size(lua_State *lua)
{
    const struct queue_ends *ends = ends_at(lua);

    lua_pushinteger(lua, ends->last - ends->first);
    return 1;
}

static int
push(lua_State *lua)
{
    struct queue_ends *ends = ends_at(lua);

    luaL_argcheck(lua, !lua_isnoneornil(lua, 2), 2, "nil cannot be queued");
    lua_settop(lua, 2);
    lua_rawseti(lua, 1, ends->last++);
    ring(script_state_of(lua), ends);
    call_one(script_state_of(lua), ends);
    lua_pushboolean(lua, true);
    return 1;
}

static bool
take(lua_State *lua, struct queue_ends *ends)
{
    if (ends->first == ends->last)
        return false;
    lua_rawgeti(lua, 1, ends->first);
    lua_pushnil(lua);
    lua_rawseti(lua, 1, ends->first++);
    return true;
}

static int
pop(lua_State *lua)
{
    if (!take(lua, ends_at(lua)))
        lua_pushnil(lua);
    return 1;
}

static int
go_on(lua_State *lua, int status, lua_KContext at)
{
    struct queue_ends *ends = ends_at(lua);
    struct waiting *waiting = lua_touserdata(lua, (int)at);

    (void)status;
    if (!take(lua, ends))
        return script_wait(lua, &waiting->waiter, INT64_MAX, at, go_on);
    list_remove(&waiting->link);
    list_init(&waiting->link);
    if (ends->first != ends->last) /* called for something that another one has left */
        call_one(script_state_of(lua), ends);
    return 1;
}

/* nil is not among what comes: it waits. */
static int
pop_wait(lua_State *lua)
{
    struct script_state *state = script_state_of(lua);
    struct queue_ends *ends = ends_at(lua);
    struct waiting *waiting;

    if (take(lua, ends))
        return 1;
    if (!lua_isyieldable(lua) || this_thread == NULL)
        return luaL_error(lua, "waiting is not possible here");
    waiting = lua_newuserdatauv(lua, sizeof(*waiting), 0);
    *waiting = (struct waiting){ .home = this_thread, .queue = ends };
    list_add_last(&state->waiting, &waiting->link);
    luaL_setmetatable(lua, waiting_class);
    return script_wait(lua, &waiting->waiter, INT64_MAX, lua_gettop(lua), go_on);
}

/* --- alarms, and core.wait() ---------------------------------------------------------------------------------- */

/* Leaves the coroutine's part in the registry at the top, and under it that table. NULL: nil. */
static struct waiting *
push_sleeper(lua_State *lua)
{
    luaL_getsubtable(lua, LUA_REGISTRYINDEX, sleepers);
    lua_pushthread(lua);
    lua_rawget(lua, -2);
    return lua_touserdata(lua, -1);
}

static struct waiting *
sleeper_new(lua_State *lua)
{
    struct waiting *sleeper = lua_newuserdatauv(lua, sizeof(*sleeper), ALARMS_MAX);

    *sleeper = (struct waiting){ .home = this_thread };
    list_add_last(&script_state_of(lua)->waiting, &sleeper->link);
    luaL_setmetatable(lua, waiting_class);
    lua_pushthread(lua);
    lua_pushvalue(lua, -2);
    lua_rawset(lua, -5); /* table, nil, userdata */
    return sleeper;
}

void
script_alarms_forget(struct script_state *state, lua_State *co)
{
    if (list_is_empty(&state->waiting))
        return;
    luaL_getsubtable(state->lua, LUA_REGISTRYINDEX, sleepers);
    lua_pushthread(co);
    lua_xmove(co, state->lua, 1);
    if (lua_rawget(state->lua, -2) == LUA_TUSERDATA) {
        struct waiting *sleeper = lua_touserdata(state->lua, -1);

        sleeper->alarm_count = 0;
        sleeper->has_rung = false;
    }
    lua_pop(state->lua, 2);
}

/* From now on a push ends this coroutine's core.wait(). */
static int
alarm_(lua_State *lua)
{
    const struct queue_ends *ends = ends_at(lua);
    struct waiting *sleeper;

    if (!lua_isyieldable(lua) || this_thread == NULL)
        return luaL_error(lua, "nobody can wait here");
    sleeper = push_sleeper(lua);
    if (sleeper == NULL)
        sleeper = sleeper_new(lua);
    sleeper->home = this_thread;
    if (has_alarm(sleeper, ends))
        return 0;
    if (sleeper->alarm_count == ALARMS_MAX)
        return luaL_error(lua, "one script may have alarms of %d queues", ALARMS_MAX);
    sleeper->alarms[sleeper->alarm_count++] = ends;
    lua_pushvalue(lua, 1); /* lives as long */
    lua_setiuservalue(lua, -2, (int)sleeper->alarm_count);
    return 0;
}

static int
wait_over(lua_State *lua, int status, lua_KContext at)
{
    struct waiting *sleeper = lua_touserdata(lua, (int)at);

    (void)status;
    sleeper->has_rung = false;
    return 0;
}

/* core.wait([ms]): until an alarm rings. */
static int
wait(lua_State *lua)
{
    lua_Integer ms = luaL_optinteger(lua, 1, 3600 * 1000);
    struct waiting *sleeper;

    if (this_thread == NULL)
        return luaL_error(lua, "waiting is not possible here");
    sleeper = push_sleeper(lua);
    if (sleeper == NULL)
        return script_pause(lua, script_now_ms() + ms);
    if (sleeper->has_rung)
        return wait_over(lua, LUA_OK, lua_gettop(lua));
    return script_wait(lua, &sleeper->waiter, script_now_ms() + ms, lua_gettop(lua), wait_over);
}

static int
stop_waiting(lua_State *lua)
{
    struct waiting *waiting = lua_touserdata(lua, 1);

    list_remove(&waiting->link);
    list_init(&waiting->link);
    return 0;
}

static int
queue_new(lua_State *lua)
{
    struct queue_ends *ends;

    script_object_new(lua, class);
    ends = lua_newuserdatauv(lua, sizeof(*ends), 0);
    *ends = (struct queue_ends){ class, 1, 1 };
    lua_rawseti(lua, -2, 0);
    return 1;
}

void
script_add_class_queue(lua_State *lua)
{
    static const luaL_Reg functions[] = {
        { "size", size }, { "push", push }, { "pop", pop }, { "pop_wait", pop_wait }, { "alarm", alarm_ },
        { NULL, NULL }
    };

    script_class_new(lua, class, functions);
    luaL_newmetatable(lua, waiting_class);
    lua_pushcfunction(lua, stop_waiting);
    lua_setfield(lua, -2, "__gc");
    lua_pop(lua, 1);
    luaL_getsubtable(lua, LUA_REGISTRYINDEX, sleepers);
    lua_createtable(lua, 0, 1);
    lua_pushliteral(lua, "k"); /* coroutines that are gone need none */
    lua_setfield(lua, -2, "__mode");
    lua_setmetatable(lua, -2);
    lua_pop(lua, 1);
    lua_getglobal(lua, "core");
    lua_pushcfunction(lua, wait);
    lua_setfield(lua, -2, "wait");
    lua_pushcfunction(lua, queue_new);
    lua_setfield(lua, -2, "queue");
    lua_pop(lua, 1);
}
