/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of Lua: made, loaded, entered and left; their memory and their time.
 *
 * For:     all files of the room.
 * Owns:    the states of a snapshot.
 * Thread:  builder makes and loads; the shared state is run by any thread under its lock, the others
 *          by their own thread alone. They are freed with the snapshot, when nobody can run them.
 */
#include "weir/lua/script.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/telemetry/log.h"
#include "weir/telemetry/notice.h"
#include "private.h"

static uint64_t errors, cuts;   /* atomic */
static uint64_t memory_used;    /* atomic: of all states of the process */
static const char stop_mark[] = "stopped"; /* its address is what script_stop() throws */

uint64_t
script_error_count(void)
{
    return __atomic_load_n(&errors, __ATOMIC_RELAXED);
}

uint64_t
script_cut_count(void)
{
    return __atomic_load_n(&cuts, __ATOMIC_RELAXED);
}

/* --- time and memory ----------------------------------------------------------------------------- */

int64_t
script_now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
script_now_ms(void)
{
    return this_thread != NULL && this_thread->loop != NULL ? this_thread->loop->now_ms
                                                            : script_now_us() / 1000;
}

/* For Lua: its memory, within tune.lua.maxmem; what weir itself needs to call a script is always given. */
static void *
allocate(void *arg, void *ptr, size_t old_size, size_t size)
{
    struct script_state *state = arg;
    uint64_t max = state->set->limits.memory_max;
    void *fresh;

    if (ptr == NULL)
        old_size = 0; /* Lua says what it is for */
    if (size == 0) {
        free(ptr);
        fresh = NULL;
    } else if (max != 0 && state->is_inside && size > old_size &&
               __atomic_load_n(&memory_used, __ATOMIC_RELAXED) + size - old_size > max) {
        return NULL;
    } else {
        fresh = realloc(ptr, size);
        if (fresh == NULL)
            return NULL;
    }
    state->used += size - old_size;
    if (max != 0)
        __atomic_add_fetch(&memory_used, size - old_size, __ATOMIC_RELAXED);
    return fresh;
}

static bool
ran_too_long(const struct script_state *state, const struct script_run *run, int64_t now_us)
{
    int64_t burst_us = now_us - run->began_us, limit_us = state->set->limits.burst_ms * 1000;

    return (limit_us != 0 && burst_us > limit_us) ||
           (run->limit_us != 0 && run->spent_us + burst_us > run->limit_us);
}

/* After so many instructions. A script that may pause lets others work. */
static void
on_count(lua_State *lua, lua_Debug *debug)
{
    struct script_state *state = script_state_of(lua);
    struct script_run *run = state->run;

    (void)debug;
    if (run == NULL)
        return;
    if (ran_too_long(state, run, script_now_us())) {
        run->was_cut = true;
        luaL_error(lua, "it ran too long and was cut");
    }
    if (run->may_pause && lua_isyieldable(lua)) {
        run->wake_ms = script_now_ms();
        lua_yield(lua, 0);
    }
}

int
script_pause(lua_State *lua, int64_t wake_ms)
{
    struct script_run *run = script_state_of(lua)->run;

    if (run == NULL || !run->may_pause || !lua_isyieldable(lua))
        return luaL_error(lua, "a pause is not possible here");
    run->wake_ms = wake_ms;
    return lua_yield(lua, 0);
}

/* --- made and freed ------------------------------------------------------------------------------- */

static int64_t
instructions_of(const struct script_state *state)
{
    int64_t forced = state->set->limits.forced_yield;
    unsigned threads = thread_count() > 1 ? thread_count() - 1 : 1;

    if (forced != 0)
        return forced;
    if (!state->is_shared)
        return 10000;
    return 10000 / threads > 500 ? 10000 / threads : 500;
}

static struct script_state *
state_new(struct script_set *set, bool is_shared, unsigned index)
{
    struct script_state *state = alloc_zero(sizeof(*state));
    pthread_mutexattr_t attributes;

    state->set = set;
    state->is_shared = is_shared;
    state->index = index;
    list_init(&state->tasks);
    list_init(&state->waiting);
    hashmap_init(&state->calls);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&state->mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    state->lua = lua_newstate(allocate, state);
    if (state->lua == NULL)
        return state;
    *(struct script_state **)lua_getextraspace(state->lua) = state;
    lua_sethook(state->lua, on_count, LUA_MASKCOUNT, (int)instructions_of(state));
    script_libraries_open(state);
    return state;
}

static void
state_free(struct script_state *state)
{
    if (state == NULL)
        return;
    script_task_free_all(state);
    if (state->lua != NULL)
        lua_close(state->lua);
    script_calls_free(state);
    pthread_mutex_destroy(&state->mutex);
    alloc_free(state);
}

struct script_file {
    struct script_file *next;
    char *path;
    char **args;
    unsigned arg_count;
};

static void
free_files(struct script_file *file)
{
    struct script_file *next;

    for (; file != NULL; file = next) {
        next = file->next;
        for (unsigned i = 0; i < file->arg_count; i++)
            alloc_free(file->args[i]);
        alloc_free(file->args);
        alloc_free(file->path);
        alloc_free(file);
    }
}

static void
free_functions(struct script_set *set)
{
    LIST_FOR_EACH_SAFE (fn, &set->functions, struct script_fn, link) {
        list_remove(&fn->link);
        alloc_free(fn->refs);
        alloc_free((char *)fn->usage);
        alloc_free((char *)fn->fetch.name);
        alloc_free((char *)fn->name);
        alloc_free(fn);
    }
}

void
script_set_free(struct script_set *set)
{
    if (set == NULL)
        return;
    state_free(set->shared);
    for (unsigned i = 0; i < set->own_count; i++)
        state_free(set->own[i]);
    alloc_free(set->own);
    free_functions(set);
    free_files(set->files);
    alloc_free(set);
}

/* --- loading --------------------------------------------------------------------------------------- */

static int
handle_error(lua_State *lua)
{
    if (script_is_stop(lua, 1))
        return 1;
    if (lua_tostring(lua, 1) == NULL)
        lua_pushfstring(lua, "(an error that is a %s)", luaL_typename(lua, 1));
    return 1;
}

static bool
load(struct script_state *state, const struct script_file *file, struct error *err)
{
    lua_State *lua = state->lua;
    struct script_run run = { .what = "file", .name = file->path }, *before;
    struct error *err_before = state->set->err;
    bool fine = false;

    if (lua == NULL)
        return error_set(err, "Lua: out of memory");
    state->set->err = err;
    before = script_enter(state, &run);
    if (luaL_loadfile(lua, file->path) == LUA_OK) {
        for (unsigned i = 0; i < file->arg_count; i++)
            lua_pushstring(lua, file->args[i]);
        fine = lua_pcall(lua, (int)file->arg_count, 0, 0) == LUA_OK;
    }
    if (!fine)
        error_set(err, "Lua: %s", lua_tostring(lua, -1));
    lua_settop(lua, 0);
    script_leave(state, before);
    state->set->err = err_before;
    return fine;
}

static struct script_file *
file_new(const char *path, const char **args, unsigned count)
{
    struct script_file *file = alloc_zero(sizeof(*file));

    file->path = alloc_copy(path);
    file->args = alloc_array(count + 1, sizeof(char *));
    for (unsigned i = 0; i < count; i++)
        file->args[i] = alloc_copy(args[i]);
    file->arg_count = count;
    return file;
}

bool
script_load_shared(struct script_set *set, const char *path, const char **args, unsigned count,
                   struct error *err)
{
    struct script_file *file = file_new(path, args, count);
    bool fine;

    if (set->shared == NULL)
        set->shared = state_new(set, true, 0);
    fine = load(set->shared, file, err);
    free_files(file);
    return fine;
}

bool
script_load_own(struct script_set *set, const char *path, const char **args, unsigned count,
                struct error *err)
{
    struct script_file **end = &set->files;

    while (*end != NULL)
        end = &(*end)->next;
    *end = file_new(path, args, count);
    if (set->own == NULL) {
        set->own = alloc_array(THREAD_MAX, sizeof(*set->own));
        set->own[0] = state_new(set, false, 0);
        set->own_count = 1;
    }
    return load(set->own[0], *end, err);
}

bool
script_load_rest(struct script_set *set, struct error *err)
{
    for (unsigned i = 1; set->own != NULL && i < thread_count(); i++) {
        set->own[i] = state_new(set, false, i);
        set->own_count = i + 1;
        for (const struct script_file *file = set->files; file != NULL; file = file->next) {
            if (!load(set->own[i], file, err))
                return false;
        }
    }
    return true;
}

/* --- entered and left --------------------------------------------------------------------------------- */

struct script_state *
script_state_for(const struct script_fn *fn)
{
    unsigned index = this_thread == NULL ? 0 : this_thread->index;

    if (fn->is_shared)
        return fn->set->shared;
    return index < fn->set->own_count ? fn->set->own[index] : NULL;
}

void
script_lock(struct script_state *state)
{
    if (state->is_shared)
        pthread_mutex_lock(&state->mutex);
}

void
script_unlock(struct script_state *state)
{
    if (state->is_shared)
        pthread_mutex_unlock(&state->mutex);
}

struct script_run *
script_enter(struct script_state *state, struct script_run *run)
{
    struct script_run *before;

    script_lock(state);
    before = state->run;
    state->run = run;
    run->began_us = script_now_us();
    return before;
}

void
script_leave(struct script_state *state, struct script_run *before)
{
    struct script_run *run = state->run;

    run->spent_us += script_now_us() - run->began_us;
    state->run = before;
    script_unlock(state);
}

/* --- calls ---------------------------------------------------------------------------------------------- */

void
script_tell_error(lua_State *lua)
{
    const struct script_run *run = script_state_of(lua)->run;
    const char *text = lua_tostring(lua, -1);

    if (script_is_stop(lua, -1)) {
        lua_pop(lua, 1);
        return;
    }
    __atomic_add_fetch(&errors, 1, __ATOMIC_RELAXED);
    if (run->was_cut)
        __atomic_add_fetch(&cuts, 1, __ATOMIC_RELAXED);
    log_process(LOG_LEVEL_ALERT, "Lua %s '%s': runtime error: %s", run->what, run->name,
                text == NULL ? "unknown" : text);
    notice_print(NOTICE_ALERT, "Lua %s '%s': runtime error: %s", run->what, run->name,
                 text == NULL ? "unknown" : text);
    lua_pop(lua, 1);
}

bool
script_call(lua_State *lua, int args, int results)
{
    struct script_state *state = script_state_of(lua);
    bool was_inside = state->is_inside;
    int at = lua_gettop(lua) - args, status;

    lua_pushcfunction(lua, handle_error);
    lua_insert(lua, at);
    state->is_inside = true;
    status = lua_pcall(lua, args, results, at);
    state->is_inside = was_inside;
    lua_remove(lua, at);
    if (status == LUA_OK)
        return true;
    script_tell_error(lua);
    return false;
}

int
script_stop(lua_State *lua)
{
    lua_pushlightuserdata(lua, (void *)stop_mark);
    lua_error(lua);
    __builtin_unreachable();
}

bool
script_is_stop(lua_State *lua, int at)
{
    return lua_islightuserdata(lua, at) && lua_touserdata(lua, at) == stop_mark;
}

int
script_resume(struct script_state *state, lua_State *co, int args, int *results)
{
    int status;

    state->run->co = co;
    state->is_inside = true;
    status = lua_resume(co, state->lua, args, results);
    state->is_inside = false;
    return status;
}

/* --- coroutines ------------------------------------------------------------------------------------------ */

lua_State *
script_coroutine_take(struct script_state *state, int *ref)
{
    lua_State *co;

    if (state->idle_count > 0) {
        state->idle_count--;
        *ref = state->idle[state->idle_count].ref;
        return state->idle[state->idle_count].co;
    }
    co = lua_newthread(state->lua);
    *ref = luaL_ref(state->lua, LUA_REGISTRYINDEX);
    return co;
}

void
script_coroutine_give(struct script_state *state, lua_State *co, int ref)
{
    if (lua_resetthread(co) != LUA_OK || state->idle_count == SCRIPT_IDLE_MAX) {
        luaL_unref(state->lua, LUA_REGISTRYINDEX, ref);
        return;
    }
    lua_settop(co, 0);
    script_alarms_forget(state, co);
    state->idle[state->idle_count].co = co;
    state->idle[state->idle_count].ref = ref;
    state->idle_count++;
}
