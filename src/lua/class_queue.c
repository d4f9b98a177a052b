/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue: first in, first out, between scripts of one state.
 *
 * Owns:    who waits for something to be pushed: a userdata on the stack of its coroutine.
 * Thread:  who has entered the state. Who waits may live on another thread than who pushes: it is woken by
 *          mail.
 *
 * A queue is a table: [first] .. [last] are its values, [0] the userdata with both numbers.
 */
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "private.h"

static const char class[] = "Queue", waiting_class[] = "weir.waiting";

struct queue_ends { /* values lie at first .. last - 1 */
    const char *class;
    lua_Integer first, last;
};

/* Somebody in pop_wait(). */
struct waiting {
    struct list link; /* in the state's list */
    struct script_run *waiter;
    struct thread *home;
    const struct queue_ends *queue;
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
wake_here(void *arg)
{
    struct script_state *state = arg;
    struct waiting *waiting;

    script_lock(state);
    while ((waiting = find_called(state)) != NULL) {
        waiting->is_called = false;
        script_wake(waiting->waiter);
    }
    script_unlock(state);
    snapshot_drop(state->set->snapshot);
}

static void
call_one(struct script_state *state, const struct queue_ends *ends)
{
    LIST_FOR_EACH (waiting, &state->waiting, struct waiting, link) {
        if (waiting->queue != ends || waiting->is_called ||
            __atomic_load_n(&waiting->waiter, __ATOMIC_RELAXED) == NULL)
            continue;
        waiting->is_called = true;
        snapshot_hold(state->set->snapshot);
        mailbox_call(waiting->home, wake_here, state);
        return;
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
        { "size", size }, { "push", push }, { "pop", pop }, { "pop_wait", pop_wait }, { NULL, NULL }
    };

    script_class_new(lua, class, functions);
    luaL_newmetatable(lua, waiting_class);
    lua_pushcfunction(lua, stop_waiting);
    lua_setfield(lua, -2, "__gc");
    lua_pop(lua, 1);
    lua_getglobal(lua, "core");
    lua_pushcfunction(lua, queue_new);
    lua_setfield(lua, -2, "queue");
    lua_pop(lua, 1);
}
