/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks: functions of scripts that run beside traffic, and pause.
 *
 * Owns:    struct script_task, in its state's list.
 * Thread:  the thread on which it runs: that of its state, the first traffic thread for the shared
 *          one. They begin when the configuration is in force, and end when another one is.
 */
#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "private.h"

struct script_task {
    struct list link; /* in state->tasks */
    struct timer timer;
    struct script_state *state;
    struct thread *home; /* NULL: it has not begun */
    lua_State *co;
    int co_ref;
    int args; /* on the stack of co, with the function, while it has not begun */
    struct script_run run;
};

/* The state is entered, or nobody else is there. */
static void
task_free(struct script_task *task)
{
    timer_stop(&task->timer);
    script_run_forget(&task->run);
    list_remove(&task->link);
    script_coroutine_give(task->state, task->co, task->co_ref);
    task->state->task_count--;
    alloc_free(task);
}

static void
on_time(struct timer *timer)
{
    struct script_task *task = LIST_ITEM(timer, struct script_task, timer);
    struct script_state *state = task->state;
    struct script_run *before = script_enter(state, &task->run);
    int results, status;

    status = script_resume(state, task->co, task->args, &results);
    task->args = 0;
    if (status == LUA_YIELD) {
        lua_pop(task->co, results);
        script_leave(state, before);
        timer_set(this_thread->loop, timer, task->run.wake_ms);
        return;
    }
    if (status != LUA_OK)
        script_tell_error(task->co);
    script_leave(state, before);
    script_lock(state);
    task_free(task);
    script_unlock(state);
}

static void
begin(struct script_task *task)
{
    task->home = this_thread;
    timer_set(this_thread->loop, &task->timer, this_thread->loop->now_ms);
}

/* core.register_task(function, ...): at load it begins with traffic, later at once. */
int
script_register_task(lua_State *lua)
{
    struct script_state *state = script_state_of(lua);
    struct script_task *task;
    int count = lua_gettop(lua);

    luaL_checktype(lua, 1, LUA_TFUNCTION);
    luaL_argcheck(lua, count <= 5, 6, "at most four arguments follow the function");
    task = alloc_zero(sizeof(*task));
    task->state = state;
    task->co = script_coroutine_take(state, &task->co_ref);
    lua_xmove(lua, task->co, count);
    task->args = count - 1;
    task->run = (struct script_run){ .task = task,
                                     .may_pause = true,
                                     .what = "task",
                                     .name = "register_task",
                                     .limit_us = state->set->limits.task_ms * 1000 };
    timer_init(&task->timer, on_time);
    list_add_last(&state->tasks, &task->link);
    state->task_count++;
    if (state->set->is_ready && !state->set->is_retired && this_thread != NULL)
        begin(task);
    return 0;
}

void
script_task_wake(struct script_task *task)
{
    timer_set(this_thread->loop, &task->timer, this_thread->loop->now_ms);
}

void
script_task_free_all(struct script_state *state)
{
    LIST_FOR_EACH_SAFE (task, &state->tasks, struct script_task, link)
        task_free(task);
}

/* --- with the configuration ----------------------------------------------------------------------------------- */

/* On a traffic thread. */
static void
begin_here(struct script_state *state, void *arg)
{
    (void)arg;
    script_lock(state);
    LIST_FOR_EACH (task, &state->tasks, struct script_task, link) {
        if (task->home == NULL)
            begin(task);
    }
    script_unlock(state);
}

static void
end_here(struct script_state *state, void *arg)
{
    (void)arg;
    script_lock(state);
    LIST_FOR_EACH_SAFE (task, &state->tasks, struct script_task, link) {
        if (task->home == this_thread)
            task_free(task);
    }
    script_unlock(state);
}

/* Runs it where tasks of that state live. */
static void
tell(struct script_state *state, script_errand_fn *fn)
{
    unsigned index = state->is_shared ? 1 : state->index;

    if (index < thread_count())
        script_send(state, thread_at(index), fn, NULL);
}

static void
tell_all(struct script_set *set, script_errand_fn *fn)
{
    if (set->shared != NULL)
        tell(set->shared, fn);
    for (unsigned i = 0; i < set->own_count; i++)
        tell(set->own[i], fn);
}

void
script_tasks_begin(struct script_set *set)
{
    tell_all(set, begin_here);
}

void
script_tasks_end(struct script_set *set)
{
    set->is_retired = true;
    tell_all(set, end_here);
}
