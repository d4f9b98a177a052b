/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lua-load, lua-load-per-thread, lua-prepend-path, tune.lua.*; when scripts begin and end.
 *
 * Owns:    the set of scripts of a snapshot, through its slot.
 * Thread:  builder reads; control adopts, publishes and releases.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/loop/thread.h"
#include "weir/telemetry/log.h"
#include "private.h"

struct script_slot {
    struct script_set *set; /* owns; NULL: no scripts */
    struct script_limits limits;
    unsigned libraries; /* bits that are left out */
    char *path, *cpath; /* in the arena */
    struct source_pos first_pos; /* of the first script */
    bool has_bool_word;
};

static void
fill_slot(void *slot)
{
    struct script_slot *s = slot;

    s->limits = (struct script_limits){ .burst_ms = 1000,
                                        .session_ms = 4000,
                                        .service_ms = 4000,
                                        .logs_to_loggers = true,
                                        .logs_to_stderr = SCRIPT_STDERR_AUTO };
}

static struct slot script_slot = { .name = "lua",
                                   .owner = SLOT_GLOBAL,
                                   .size = sizeof(struct script_slot),
                                   .init = fill_slot };
REGISTER_SLOT(script_slot);

static struct script_set *current; /* control: of the configuration in force */

struct script_set *
script_set_current(void)
{
    return current;
}

static struct script_slot *
slot_of_parse(struct parse *parse)
{
    return snapshot_slot(parse->snapshot, &script_slot);
}

struct script_set *
script_set_of(const struct snapshot *snapshot)
{
    return ((struct script_slot *)snapshot_slot(snapshot, &script_slot))->set;
}

struct script_set *
script_set_make(struct parse *parse)
{
    struct script_slot *slot = slot_of_parse(parse);
    struct script_set *set = slot->set;

    if (set == NULL) {
        set = slot->set = alloc_zero(sizeof(*set));
        set->snapshot = parse->snapshot;
        list_init(&set->functions);
    }
    set->limits = slot->limits;
    set->libraries = slot->libraries;
    set->path = slot->path;
    set->cpath = slot->cpath;
    return set;
}

/* --- keywords ------------------------------------------------------------------------------------------- */

static bool
parse_load(struct parse *parse)
{
    const char *path = parse_word(parse, "a script");
    const char *args[64];
    struct error err = ERROR_INIT;
    unsigned count = 0;
    bool is_own = strcmp(parse->keyword, "lua-load-per-thread") == 0, fine;

    if (path == NULL)
        return false;
    while (words_peek(parse->words) != NULL && count < COUNT(args))
        args[count++] = words_next(parse->words);
    if (slot_of_parse(parse)->first_pos.file == NULL)
        slot_of_parse(parse)->first_pos = parse_pos(parse);
    script_set_make(parse)->parse = parse;
    fine = is_own ? script_load_own(script_set_make(parse), path, args, count, &err)
                  : script_load_shared(script_set_make(parse), path, args, count, &err);
    slot_of_parse(parse)->set->parse = NULL;
    if (!fine)
        return parse_alert(parse, "%s", err.text);
    return parse_end(parse);
}

static bool
parse_path(struct parse *parse)
{
    struct script_slot *slot = slot_of_parse(parse);
    const char *path = parse_word(parse, "a path of Lua"), *kind = "path";
    char **to;

    if (path == NULL)
        return false;
    if (words_peek(parse->words) != NULL)
        kind = words_next(parse->words);
    if (strcmp(kind, "path") != 0 && strcmp(kind, "cpath") != 0)
        return parse_alert(parse, "'%s' is neither 'path' nor 'cpath'", kind);
    if (slot->set != NULL)
        return parse_alert(parse, "it comes too late: a script was loaded above");
    to = kind[0] == 'c' ? &slot->cpath : &slot->path;
    *to = *to == NULL ? arena_copy(parse->arena, path)
                      : arena_printf(parse->arena, "%s;%s", path, *to);
    return parse_end(parse);
}

static bool
parse_memory(struct parse *parse)
{
    int64_t megabytes;

    if (!parse_int(parse, "megabytes", 0, 1 << 20, &megabytes))
        return false;
    slot_of_parse(parse)->limits.memory_max = (uint64_t)megabytes << 20;
    return parse_end(parse);
}

static bool
parse_yield(struct parse *parse)
{
    return parse_int(parse, "a number of instructions", 1, INT32_MAX,
                     &slot_of_parse(parse)->limits.forced_yield) &&
           parse_end(parse);
}

static bool
parse_timeout(struct parse *parse)
{
    struct script_limits *limits = &slot_of_parse(parse)->limits;
    const char *name = parse->keyword + strlen("tune.lua.");
    int64_t *to = strncmp(name, "burst", 5) == 0     ? &limits->burst_ms
                  : strncmp(name, "session", 7) == 0 ? &limits->session_ms
                  : strncmp(name, "task", 4) == 0    ? &limits->task_ms
                                                     : &limits->service_ms;

    return parse_time(parse, "a time", "ms", to) && parse_end(parse);
}

static bool
parse_loggers(struct parse *parse)
{
    return parse_on_off(parse, &slot_of_parse(parse)->limits.logs_to_loggers) && parse_end(parse);
}

static bool
parse_stderr(struct parse *parse)
{
    static const char *const words[] = { "auto", "off", "on", NULL };
    int word;

    if (!parse_choice(parse, "'on', 'auto' or 'off'", words, &word))
        return false;
    slot_of_parse(parse)->limits.logs_to_stderr = (enum script_stderr)word;
    return parse_end(parse);
}

static bool
parse_booleans(struct parse *parse)
{
    static const char *const words[] = { "pre-3.1-bug", "normal", NULL };
    struct script_slot *slot = slot_of_parse(parse);
    int word;

    if (slot->set != NULL)
        return parse_alert(parse, "it comes too late: a script was loaded above");
    if (!parse_choice(parse, "'normal' or 'pre-3.1-bug'", words, &word))
        return false;
    slot->limits.has_real_booleans = word == 1;
    slot->has_bool_word = true;
    return parse_end(parse);
}

static bool
parse_libraries(struct parse *parse)
{
    struct script_slot *slot = slot_of_parse(parse);
    const char *word;
    struct str rest;

    if (slot->set != NULL || slot->path != NULL || slot->cpath != NULL)
        return parse_alert(parse, "it comes too late: 'lua-load' or 'lua-prepend-path' stands above");
    word = parse_word(parse, "all, none, or names of libraries");
    if (word == NULL)
        return false;
    slot->libraries = strcmp(word, "all") == 0 ? 0 : ~0u;
    rest = str_from(word);
    while (strcmp(word, "all") != 0 && strcmp(word, "none") != 0 && rest.ptr != NULL) {
        const char *name = arena_copy_str(parse->arena, str_trim(str_split(&rest, ',')));
        int number = script_library_find(name);

        if (number < 0)
            return parse_alert(parse, "there is no library '%s': table, io, os, string, math, utf8, "
                                      "package and debug are known", name);
        slot->libraries &= ~(1u << number);
    }
    return parse_end(parse);
}

static const struct keyword keywords[] = {
    { "lua-load", IN_GLOBAL, .args = "<file> [<arg>]*", .parse = parse_load,
      .help = "Load a script into the state of Lua that all threads share." },
    { "lua-load-per-thread", IN_GLOBAL, .args = "<file> [<arg>]*", .parse = parse_load,
      .help = "Load a script into a state of its own for each thread: no thread waits for another." },
    { "lua-prepend-path", IN_GLOBAL, .args = "<path> [path|cpath]", .parse = parse_path,
      .help = "Where require() looks first." },
    { "tune.lua.maxmem", IN_GLOBAL, .args = "<megabytes>", .parse = parse_memory,
      .help = "What all scripts together may hold; 0: no limit." },
    { "tune.lua.forced-yield", IN_GLOBAL, .args = "<instructions>", .parse = parse_yield,
      .help = "After so many instructions of Lua others get their turn." },
    { "tune.lua.burst-timeout", IN_GLOBAL, .args = "<time>", .parse = parse_timeout,
      .help = "The longest run of a script without a pause; 0: no limit." },
    { "tune.lua.session-timeout", IN_GLOBAL, .args = "<time>", .parse = parse_timeout,
      .help = "How long an action may run in all, pauses not counted; 0: no limit." },
    { "tune.lua.task-timeout", IN_GLOBAL, .args = "<time>", .parse = parse_timeout,
      .help = "How long a task may run in all, pauses not counted; 0: no limit." },
    { "tune.lua.service-timeout", IN_GLOBAL, .args = "<time>", .parse = parse_timeout,
      .help = "How long a service may run in all, pauses not counted; 0: no limit." },
    { "tune.lua.log.loggers", IN_GLOBAL, .args = "{on|off}", .parse = parse_loggers,
      .help = "Whether what scripts log goes to the log targets." },
    { "tune.lua.log.stderr", IN_GLOBAL, .args = "{on|auto|off}", .parse = parse_stderr,
      .help = "Whether what scripts log goes to stderr; auto: where there is no log target." },
    { "tune.lua.bool-sample-conversion", IN_GLOBAL, .args = "{normal|pre-3.1-bug}",
      .parse = parse_booleans,
      .help = "Whether scripts see booleans of samples as booleans, or as 0 and 1." },
    { "tune.lua.openlibs", IN_GLOBAL, .args = "{all|none|<library>[,...]}", .parse = parse_libraries,
      .help = "Which libraries of Lua scripts may use." },
};
REGISTER(keyword, keywords);

/* --- hooks ------------------------------------------------------------------------------------------------ */

static bool
on_check(struct parse *parse)
{
    struct script_slot *slot = slot_of_parse(parse);

    if (slot->set == NULL)
        return true;
    if (!slot->has_bool_word)
        parse_warn_at(parse, slot->first_pos,
                      "scripts see the booleans of samples as 0 and 1, as HAProxy had it before 3.1; "
                      "'tune.lua.bool-sample-conversion normal' above the first 'lua-load' gives true "
                      "and false, 'pre-3.1-bug' silences this");
    slot->set->limits = slot->limits;
    return true;
}

/* The threads are known now. */
static bool
load_rest(struct parse *parse, struct script_set *set)
{
    struct error err = ERROR_INIT;
    bool fine;

    set->parse = parse;
    fine = script_load_rest(set, &err);
    set->parse = NULL;
    set->is_ready = true;
    return fine || parse_alert_at(parse, slot_of_parse(parse)->first_pos, "%s", err.text);
}

static bool
run_inits(struct parse *parse, struct script_state *state)
{
    struct script_run run = { .what = "init", .name = "register_init" }, *before;
    bool fine = true;

    if (state == NULL)
        return true;
    before = script_enter(state, &run);
    luaL_getsubtable(state->lua, LUA_REGISTRYINDEX, SCRIPT_INITS);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(state->lua, 1) && fine; i++) {
        lua_rawgeti(state->lua, 1, i);
        fine = script_call(state->lua, 0, 0);
    }
    lua_settop(state->lua, 0);
    script_leave(state, before);
    return fine || parse_alert_at(parse, (struct source_pos){ NULL, 0 },
                                  "a function of core.register_init() has failed");
}

static bool
on_adopt(struct parse *parse)
{
    struct script_set *set = script_set_of(parse->snapshot);
    bool fine;

    if (set == NULL)
        return true;
    fine = load_rest(parse, set) && run_inits(parse, set->shared);
    for (unsigned i = 0; i < set->own_count && fine; i++)
        fine = run_inits(parse, set->own[i]);
    return fine;
}

/* A name that weir has, or another script, keeps its meaning. */
static void
change_commands(const struct script_set *set, bool is_added)
{
    LIST_FOR_EACH (fn, &set->functions, struct script_fn, link) {
        if (fn->kind != SCRIPT_COMMAND)
            continue;
        if (!is_added)
            command_remove(&fn->command);
        else if (!command_add(&fn->command))
            log_process(LOG_LEVEL_WARNING, "Lua command '%s' is not added: there is one already",
                        fn->name);
    }
}

static bool
on_publish(struct parse *parse)
{
    struct script_set *before = current;

    current = script_set_of(parse->snapshot);
    if (before != NULL) {
        change_commands(before, false);
        script_tasks_end(before);
    }
    if (current != NULL) {
        change_commands(current, true);
        script_tasks_begin(current);
    }
    return true;
}

static bool
on_release(struct parse *parse)
{
    struct script_slot *slot = slot_of_parse(parse);

    if (slot->set == current)
        current = NULL;
    script_set_free(slot->set);
    slot->set = NULL;
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_LUA, on_check, "lua: limits" },
    { CONFIG_ADOPT, ORDER_LUA, on_adopt, "lua: states of the threads, init functions" },
    { CONFIG_PUBLISH, ORDER_LUA, on_publish, "lua: tasks" },
    { CONFIG_RELEASE, ORDER_LUA, on_release, "lua: states" },
};
REGISTER(config_hook, hooks);
