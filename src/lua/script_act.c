/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions that are written in Lua: "http-request lua.name a b". They may pause: the rule is run again
 * when the stream wakes, and the script goes on where it was.
 *
 * Owns:    while an action runs or waits, a coroutine: in the stream's part (script_stream.c).
 * Thread:  builder reads; owner of the stream runs.
 */
#include <string.h>

#include "weir/expr/explain.h"
#include "weir/http/reply_action.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "private.h"

/* What an action's function gives back, as HAProxy numbers it. */
enum act { ACT_CONTINUE, ACT_STOP, ACT_YIELD, ACT_ERROR, ACT_DONE, ACT_DENY, ACT_ABORT, ACT_INVALID };

struct action_call {
    const struct script_fn *fn;
    const char **args;
    unsigned count;
};

static bool
is_http(const struct action *action)
{
    return (HOOKS_HTTP & ON(action->hook)) != 0;
}

static bool
is_response(const struct action *action)
{
    return (ON(action->hook) &
            (ON(HOOK_HTTP_RESPONSE) | ON(HOOK_HTTP_AFTER_RESPONSE) | ON(HOOK_TCP_RESPONSE))) != 0;
}

static enum verdict
answer(const struct action *action, struct eval *eval, int status, bool is_denial)
{
    struct reply_action *reply;

    if (!is_http(action))
        return VERDICT_REJECT;
    reply = arena_take(eval->arena, sizeof(*reply));
    if (reply == NULL)
        return VERDICT_FAILED;
    *reply = (struct reply_action){ .kind = REPLY_ACTION_PAGE,
                                    .status = status,
                                    .is_denial = is_denial,
                                    .must_close = !is_denial };
    eval->reply = reply;
    return VERDICT_REPLY;
}

static enum verdict
verdict_of(const struct action *action, struct eval *eval, enum act act)
{
    switch (act) {
    case ACT_CONTINUE:
        return VERDICT_CONTINUE;
    case ACT_STOP:
        return VERDICT_STOP;
    case ACT_YIELD:
        eval->resume = 0; /* the whole function again */
        return VERDICT_WAIT;
    case ACT_ERROR:
        return VERDICT_FAILED;
    case ACT_DONE:
        return eval->reply != NULL ? VERDICT_REPLY : VERDICT_REJECT;
    case ACT_DENY:
        return answer(action, eval, is_response(action) ? 502 : 403, true);
    case ACT_ABORT:
        return answer(action, eval, 503, false);
    case ACT_INVALID:
        return answer(action, eval, is_response(action) ? 502 : 400, false);
    }
    return VERDICT_CONTINUE;
}

/* What lies on the stack of a function that has ended. */
static enum act
take_act(lua_State *lua, int results)
{
    return results > 0 && lua_isinteger(lua, -1) ? (enum act)lua_tointeger(lua, -1) : ACT_CONTINUE;
}

static int
push_call(const struct action_call *call, struct script_state *state, lua_State *lua,
          struct eval *eval)
{
    lua_rawgeti(lua, LUA_REGISTRYINDEX, call->fn->refs[state->index]);
    script_txn_push(state, lua, eval)->hook = HOOK_HTTP_REQUEST;
    for (unsigned i = 0; i < call->count; i++)
        lua_pushstring(lua, call->args[i]);
    return (int)call->count + 1;
}

/* --- streams: in a coroutine ------------------------------------------------------------------------------ */

static void
end_call(struct script_side *side)
{
    script_coroutine_give(side->state, side->co, side->co_ref);
    side->co = NULL;
}

#define OFFLINE_PAUSES 100

/* "weir --explain" waits for nobody. */
static bool
is_offline(const struct eval *eval)
{
    return eval->explain != NULL && eval->explain->is_offline;
}

/* A burst of the coroutine, and what comes of it. */
static enum verdict
go_on(const struct action *action, struct eval *eval, struct script_side *side, int args)
{
    struct script_state *state = side->state;
    struct stream *s = eval->stream;
    enum act act = ACT_CONTINUE;
    int results, status;

    status = script_resume(state, side->co, args, &results);
    for (int pauses = 0; status == LUA_YIELD && is_offline(eval) && pauses < OFFLINE_PAUSES; pauses++) {
        lua_pop(side->co, results);
        status = script_resume(state, side->co, 0, &results);
    }
    if (status == LUA_YIELD && is_offline(eval)) { /* it waits for somebody who is not there */
        eval->resume = 0;
        end_call(side);
        return VERDICT_CONTINUE;
    }
    if (status == LUA_YIELD) {
        lua_pop(side->co, results);
        eval->resume = 1;
        s->rule_expires_ms = side->run.wake_ms;
        return VERDICT_WAIT;
    }
    s->rule_expires_ms = 0;
    eval->resume = 0;
    if (status == LUA_OK)
        act = take_act(side->co, results);
    else if (side->run.is_over)
        act = ACT_DONE;
    else
        script_tell_error(side->co);
    if (act == ACT_YIELD && side->run.wake_ms > 0)
        s->rule_expires_ms = side->run.wake_ms;
    end_call(side);
    return verdict_of(action, eval, act);
}

static enum verdict
run_in_stream(const struct action *action, struct eval *eval, struct script_state *state)
{
    const struct action_call *call = action->data;
    struct script_side *side = script_side_of(state, eval->stream);
    struct script_run *before;
    enum verdict verdict;
    int args = 0;

    if (side == NULL)
        return VERDICT_CONTINUE;
    if (eval->resume != 0 && script_now_ms() < side->run.wake_ms)
        return VERDICT_WAIT;
    if (eval->resume == 0)
        side->run = (struct script_run){ .may_pause = true,
                                         .what = "action",
                                         .name = call->fn->name,
                                         .limit_us = state->set->limits.session_ms * 1000 };
    side->run.eval = eval;
    before = script_enter(state, &side->run);
    if (eval->resume == 0) {
        side->co = script_coroutine_take(state, &side->co_ref);
        args = push_call(call, state, side->co, eval);
    } else {
        side->txn->eval = eval;
    }
    verdict = go_on(action, eval, side, args);
    side->txn->eval = NULL;
    script_leave(state, before);
    return verdict;
}

static enum verdict
run(const struct action *action, struct eval *eval)
{
    const struct action_call *call = action->data;
    struct script_state *state = script_state_for(call->fn);

    if (state == NULL || eval->stream == NULL)
        return VERDICT_CONTINUE;
    return run_in_stream(action, eval, state);
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static const struct script_fn *
find(struct parse *parse, const struct action *action)
{
    const char *word = parse->words->items[parse->words->at - 1].text;
    const struct script_set *set = script_set_of(parse->snapshot);
    const struct script_fn *fn;
    struct str name = str_from(word + strlen(action->kind->name));

    if (set == NULL) {
        parse_alert(parse, "no script was loaded: 'lua-load <file>' in section global does that");
        return NULL;
    }
    fn = script_fn_find(set, SCRIPT_ACTION, name);
    if (fn == NULL)
        parse_alert(parse, "no script has registered an action '%.*s'", STR_ARG(name));
    else if ((fn->hooks & ON(action->hook)) == 0)
        parse_alert(parse, "the script has registered action '%s' for other rule sets", fn->name);
    return fn != NULL && (fn->hooks & ON(action->hook)) != 0 ? fn : NULL;
}

static bool
parse_script(struct parse *parse, struct action *action)
{
    struct action_call *call = ARENA_NEW(parse->arena, struct action_call);

    action->data = call;
    action->run = run;
    call->fn = find(parse, action);
    if (call->fn == NULL)
        return false;
    call->args = ARENA_ARRAY(parse->arena, const char *, call->fn->arg_count + 1);
    for (; (int)call->count < call->fn->arg_count; call->count++) {
        if (words_peek(parse->words) == NULL)
            return parse_alert_next(parse, "action '%s' expects %d argument%s", call->fn->name,
                                    call->fn->arg_count, call->fn->arg_count == 1 ? "" : "s");
        call->args[call->count] = words_next(parse->words);
    }
    return true;
}

static const struct action_kind kinds[] = {
    { "lua.", HOOKS_HTTP | ON(HOOK_TCP_REQUEST) | ON(HOOK_TCP_RESPONSE), .is_prefix = true,
      .args = "<name> [<arg>]*", .parse = parse_script,
      .help = "Run a function that a script has registered with core.register_action()." },
};
REGISTER(action_kind, kinds);

/* act:wake_time(ms): for act.YIELD. */
static int
set_wake_time(lua_State *lua)
{
    struct script_run *run = script_state_of(lua)->run;

    if (run != NULL)
        run->wake_ms = script_now_ms() + luaL_checkinteger(lua, lua_gettop(lua));
    return 0;
}

void
script_add_act(lua_State *lua)
{
    static const char *const names[] = { "CONTINUE", "STOP", "YIELD", "ERROR",
                                         "DONE",     "DENY", "ABORT", "INVALID" };

    lua_newtable(lua);
    for (size_t i = 0; i < COUNT(names); i++) {
        lua_pushinteger(lua, (lua_Integer)i);
        lua_setfield(lua, -2, names[i]);
    }
    lua_pushcfunction(lua, set_wake_time);
    lua_setfield(lua, -2, "wake_time");
    lua_setglobal(lua, "act");
}
