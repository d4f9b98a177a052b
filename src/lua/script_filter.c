/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters that are written in Lua: "filter lua.name args" in proxies.
 *
 * Owns:    for each stream, the script's instance and its two channels, in the state's registry.
 * Thread:  builder reads; owner of the stream runs. Callbacks cannot pause.
 *
 *     script:  core.register_filter(name, Class, function(flt, args) ... return flt end)
 *     line:    flt = a table that inherits from Class; the function may give it the arguments
 *     stream:  flt:new(), then start_analyze, http_headers, http_payload or tcp_payload, http_end,
 *              end_analyze, for each direction
 */
#include <string.h>

#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "filter.h"

enum { FLT_ERROR = -1, FLT_WAIT = 0, FLT_CONTINUE = 1 };
#define FLT_CFG_FL_HTX 1

struct filter_line { /* of the configuration */
    const struct script_fn *fn;
    const char **args;
    unsigned count;
};

struct script_filter { /* of a stream */
    struct script_state *state;
    int ref; /* of a list: 1 the instance, 2 and 3 the channels, 4 and 5 the messages */
    struct script_channel *channels[DIRECTIONS];
    bool has_begun[DIRECTIONS], has_ended[DIRECTIONS];
    bool is_quiet[DIRECTIONS]; /* unregister_data_filter() */
    int64_t wake_ms;           /* said by filter.wake_time(); 0: nothing */
};

enum { AT_INSTANCE = 1, AT_CHANNELS = 2, AT_MESSAGES = 4 };

/* --- calling the script --------------------------------------------------------------------------------------- */

/* Callback with (instance, txn, channel or message). `absent`: what a filter without it gives. Entered. */
static int
call(struct filter *f, enum direction dir, const char *name, int what, int absent)
{
    struct script_filter *sf = f->state;
    lua_State *lua = sf->state->lua;
    int top = lua_gettop(lua), result = absent;

    lua_rawgeti(lua, LUA_REGISTRYINDEX, sf->ref);
    lua_rawgeti(lua, top + 1, AT_INSTANCE);
    lua_getfield(lua, top + 2, name);
    if (lua_isfunction(lua, -1)) {
        lua_pushvalue(lua, top + 2);
        script_txn_push(sf->state, lua, &f->stream->eval)->hook =
            dir == TO_SERVER ? HOOK_HTTP_REQUEST : HOOK_HTTP_RESPONSE;
        lua_rawgeti(lua, top + 1, what + (int)dir);
        if (!script_call(lua, 3, 1))
            result = FLT_ERROR;
        else if (lua_isinteger(lua, -1))
            result = (int)lua_tointeger(lua, -1);
        else
            result = FLT_CONTINUE;
    }
    lua_settop(lua, top);
    return result;
}

/* Enters the state; the channel is at hand until end(). */
static struct script_run *
begin(struct filter *f, enum direction dir, struct script_run *run)
{
    struct script_filter *sf = f->state;
    const struct filter_line *line = f->conf->data;

    *run = (struct script_run){ .eval = &f->stream->eval, .what = "filter", .name = line->fn->name,
                                .filter = f };
    sf->channels[dir]->filter = f;
    return script_enter(sf->state, run);
}

static void
end(struct filter *f, enum direction dir, struct script_run *before)
{
    struct script_filter *sf = f->state;
    struct script_channel *channel = sf->channels[dir];

    channel->filter = NULL;
    channel->msg = NULL;
    channel->in = channel->out = NULL;
    if (before == NULL && f->stream->guest != NULL)
        script_txn_rest(sf->state, f->stream);
    script_leave(sf->state, before);
}

static void
start_analyze(struct filter *f, enum direction dir)
{
    struct script_filter *sf = f->state;

    if (sf->has_begun[dir])
        return;
    sf->has_begun[dir] = true;
    call(f, dir, "start_analyze", AT_CHANNELS, FLT_CONTINUE);
}

/* --- a stream --------------------------------------------------------------------------------------------------- */

/* The object of this line in this state, made when it is needed first; nil: the script ignores the line. */
static void
push_line(lua_State *lua, const struct filter_line *line, int class_and_function)
{
    if (lua_rawgetp(lua, LUA_REGISTRYINDEX, line) != LUA_TNIL)
        return;
    lua_pop(lua, 1);
    lua_rawgeti(lua, class_and_function, 2);
    lua_newtable(lua);
    lua_createtable(lua, 0, 1);
    lua_rawgeti(lua, class_and_function, 1);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
    lua_createtable(lua, (int)line->count, 0);
    for (unsigned i = 0; i < line->count; i++) {
        lua_pushstring(lua, line->args[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    if (!script_call(lua, 2, 1))
        lua_pushboolean(lua, false);
    if (lua_isnil(lua, -1)) {
        lua_pop(lua, 1);
        lua_pushboolean(lua, false);
    }
    lua_pushvalue(lua, -1);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, line);
}

/* Leaves the instance at the top; false: the filter takes no part, nothing is left. */
static bool
push_instance(struct script_state *state, const struct filter_line *line)
{
    lua_State *lua = state->lua;
    int top = lua_gettop(lua);

    lua_rawgeti(lua, LUA_REGISTRYINDEX, line->fn->refs[state->index]);
    push_line(lua, line, top + 1);
    if (lua_istable(lua, top + 2) && lua_getfield(lua, top + 2, "new") == LUA_TFUNCTION) {
        lua_pushvalue(lua, top + 2);
        if (script_call(lua, 1, 1) && lua_istable(lua, -1)) {
            lua_replace(lua, top + 1);
            lua_settop(lua, top + 1);
            return true;
        }
    }
    lua_settop(lua, top);
    return false;
}

static void
keep(struct script_filter *sf, lua_State *lua)
{
    int instance = lua_gettop(lua);

    lua_createtable(lua, 5, 0);
    lua_pushvalue(lua, instance);
    lua_rawseti(lua, -2, AT_INSTANCE);
    for (int dir = 0; dir < DIRECTIONS; dir++) {
        sf->channels[dir] = script_channel_push(lua);
        sf->channels[dir]->dir = (enum direction)dir;
        script_message_push(lua, -1);
        lua_rawseti(lua, -3, AT_MESSAGES + dir);
        lua_rawseti(lua, -2, AT_CHANNELS + dir);
    }
    sf->ref = luaL_ref(lua, LUA_REGISTRYINDEX);
    lua_settop(lua, instance - 1);
}

static bool
attach(struct filter *f)
{
    const struct filter_line *line = f->conf->data;
    struct script_state *state = script_state_for(line->fn);
    struct script_filter *sf = arena_take(&f->stream->arena, sizeof(*sf));
    struct script_run run = { .eval = &f->stream->eval, .what = "filter", .name = line->fn->name };
    struct script_run *before;
    bool takes_part;

    if (state == NULL || sf == NULL)
        return false;
    *sf = (struct script_filter){ .state = state };
    before = script_enter(state, &run);
    takes_part = push_instance(state, line);
    if (takes_part) {
        f->state = sf;
        keep(sf, state->lua);
    }
    script_leave(state, before);
    if (!takes_part)
        return false;
    before = begin(f, TO_SERVER, &run);
    start_analyze(f, TO_SERVER);
    end(f, TO_SERVER, before);
    return true;
}

static void
detach(struct filter *f)
{
    struct script_filter *sf = f->state;
    struct script_run run, *before;

    for (int dir = 0; dir < DIRECTIONS; dir++) {
        if (!sf->has_begun[dir])
            continue;
        before = begin(f, (enum direction)dir, &run);
        call(f, (enum direction)dir, "end_analyze", AT_CHANNELS, FLT_CONTINUE);
        end(f, (enum direction)dir, before);
    }
    script_lock(sf->state);
    luaL_unref(sf->state->lua, LUA_REGISTRYINDEX, sf->ref);
    script_unlock(sf->state);
}

/* --- messages and data -------------------------------------------------------------------------------------------- */

static enum filter_result
result_of(struct filter *f, enum direction dir, int result)
{
    struct script_filter *sf = f->state;

    if (result == FLT_ERROR)
        return FILTER_FAILED;
    if (result != FLT_WAIT)
        return FILTER_GO;
    if (sf->wake_ms != 0)
        filter_wait_until(f, dir, sf->wake_ms);
    sf->wake_ms = 0;
    return FILTER_WAIT;
}

static enum filter_result
on_head(struct filter *f, enum direction dir, struct message *msg)
{
    struct script_filter *sf = f->state;
    struct script_run run, *before = begin(f, dir, &run);
    int result;

    sf->channels[dir]->msg = msg;
    start_analyze(f, dir);
    result = call(f, dir, "http_headers", AT_MESSAGES, FLT_CONTINUE);
    end(f, dir, before);
    return result_of(f, dir, result);
}

/* What the callback leaves goes on, unless it waits for more. */
static enum filter_result
on_data(struct filter *f, enum direction dir, struct chain *in, struct chain *out, bool is_last)
{
    struct script_filter *sf = f->state;
    struct script_channel *channel = sf->channels[dir];
    bool is_http = (f->stream->flags & STREAM_HTTP) != 0;
    int what = is_http ? AT_MESSAGES : AT_CHANNELS, result = FLT_CONTINUE;
    struct script_run run, *before = begin(f, dir, &run);

    channel->in = in;
    channel->out = out;
    channel->is_last = is_last;
    start_analyze(f, dir);
    if (!sf->is_quiet[dir] && !chain_is_empty(in))
        result = call(f, dir, is_http ? "http_payload" : "tcp_payload", what, FLT_CONTINUE);
    if (result == FLT_WAIT && is_last)
        result = FLT_CONTINUE; /* nothing more will come */
    if (result == FLT_CONTINUE)
        chain_move(out, in);
    if (is_last && !sf->has_ended[dir] && result != FLT_ERROR) {
        sf->has_ended[dir] = true;
        if (is_http && call(f, dir, "http_end", what, FLT_CONTINUE) == FLT_ERROR)
            result = FLT_ERROR;
    }
    end(f, dir, before);
    return result_of(f, dir, result);
}

static const struct filter_ops ops = {
    .attach = attach, .detach = detach, .head = on_head, .data = on_data
};

/* --- reading -------------------------------------------------------------------------------------------------------- */

static bool
parse_filter(struct parse *parse, struct filter_conf *conf)
{
    const struct script_set *set = script_set_of(parse->snapshot);
    struct filter_line *line = ARENA_NEW(parse->arena, struct filter_line);
    const char *name = conf->name + strlen("lua.");

    line->fn = set == NULL ? NULL : script_fn_find(set, SCRIPT_FILTER, str_from(name));
    if (line->fn == NULL)
        return parse_alert(parse, "no script has registered a filter '%s'", name);
    line->args = ARENA_ARRAY(parse->arena, const char *, parse->words->count + 1);
    while (words_peek(parse->words) != NULL)
        line->args[line->count++] = words_next(parse->words);
    conf->ops = &ops;
    conf->data = line;
    return true;
}

static const struct filter_kind kinds[] = {
    { "lua.", .is_prefix = true, .args = "<name> [<arg>]*", .parse = parse_filter,
      .help = "A filter that a script has registered with core.register_filter()." },
};
REGISTER(filter_kind, kinds);

/* --- filter.* --------------------------------------------------------------------------------------------------------- */

/* (instance, channel) */
static int
register_data_filter(lua_State *lua)
{
    struct script_channel *channel = script_channel_at(lua, lua_gettop(lua));
    struct script_filter *sf = channel->filter->state;

    sf->is_quiet[channel->dir] = false;
    filter_want_data(channel->filter, channel->dir);
    return 0;
}

static int
unregister_data_filter(lua_State *lua)
{
    struct script_channel *channel = script_channel_at(lua, lua_gettop(lua));

    ((struct script_filter *)channel->filter->state)->is_quiet[channel->dir] = true;
    return 0;
}

static int
wake_time(lua_State *lua)
{
    const struct script_run *run = script_state_of(lua)->run;

    (void)luaL_checkinteger(lua, lua_gettop(lua));
    if (run != NULL && run->filter != NULL)
        ((struct script_filter *)run->filter->state)->wake_ms =
            script_now_ms() + lua_tointeger(lua, lua_gettop(lua));
    return 0;
}

void
script_add_filter(lua_State *lua)
{
    static const luaL_Reg functions[] = { { "register_data_filter", register_data_filter },
                                          { "unregister_data_filter", unregister_data_filter },
                                          { "wake_time", wake_time },
                                          { NULL, NULL } };
    static const struct {
        const char *name;
        int number;
    } numbers[] = { { "CONTINUE", FLT_CONTINUE }, { "WAIT", FLT_WAIT }, { "ERROR", FLT_ERROR },
                    { "FLT_CFG_FL_HTX", FLT_CFG_FL_HTX } };

    lua_newtable(lua);
    luaL_setfuncs(lua, functions, 0);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        lua_pushinteger(lua, numbers[i].number);
        lua_setfield(lua, -2, numbers[i].name);
    }
    lua_setglobal(lua, "filter");
}
