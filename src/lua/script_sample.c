/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches and converters that are written in Lua: "lua.name(a,b)" in expressions.
 *
 * Thread:  builder finds them; traffic runs them. They cannot pause.
 */
#include "weir/base/alloc.h"
#include "weir/expr/call.h"
#include "private.h"

static struct script_fn *
find(struct parse *parse, enum script_kind kind, struct str name)
{
    const struct script_set *set = script_set_of(parse->snapshot);

    if (set == NULL || !str_starts(name, STR("lua.")))
        return NULL;
    return script_fn_find(set, kind, str_slice(name, 4, name.len));
}

static const struct fetch *
find_fetch(struct parse *parse, struct str name)
{
    const struct script_fn *fn = find(parse, SCRIPT_FETCH, name);

    return fn == NULL ? NULL : &fn->fetch;
}

static const struct converter *
find_converter(struct parse *parse, struct str name)
{
    const struct script_fn *fn = find(parse, SCRIPT_CONVERTER, name);

    return fn == NULL ? NULL : &fn->converter;
}

static const struct sample_source sources[] = { { find_fetch, find_converter } };
REGISTER(sample_source, sources);

/* --- running ---------------------------------------------------------------------------------------------- */

static int
push_args(lua_State *lua, const struct arg *args)
{
    int count = 0;

    for (; count < ARGS_MAX && arg_is_given(&args[count]); count++)
        script_push_str(lua, args[count].str);
    return count;
}

/* The function is on the stack, with `count` arguments; its first result becomes *out. */
static bool
take_result(lua_State *lua, int count, struct eval *eval, struct value *out)
{
    bool has_value;

    if (!script_call(lua, count, 1))
        return false;
    has_value = script_to_value(lua, -1, out, eval->arena);
    lua_pop(lua, 1);
    return has_value;
}

static enum fetched
run_fetch(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct script_fn *fn = (const struct script_fn *)fetch->private;
    struct script_state *state = script_state_for(fn);
    struct script_run run = { .eval = eval, .what = "sample-fetch", .name = fn->name }, *before;
    struct script_txn *txn;
    bool has_value;
    int count;

    if (state == NULL)
        return FETCH_NONE;
    before = script_enter(state, &run);
    lua_rawgeti(state->lua, LUA_REGISTRYINDEX, fn->refs[state->index]);
    txn = script_txn_push(state, state->lua, eval);
    count = push_args(state->lua, args);
    has_value = take_result(state->lua, count + 1, eval, out);
    if (before == NULL || before->eval != eval)
        txn->eval = NULL;
    script_leave(state, before);
    return has_value ? FETCH_OK : FETCH_NONE;
}

static bool
run_converter(struct eval *eval, const struct converter *conv, const struct arg *args,
              struct value *value)
{
    const struct script_fn *fn = (const struct script_fn *)conv->private;
    struct script_state *state = script_state_for(fn);
    struct script_run run = { .eval = eval, .what = "converter", .name = fn->name }, *before;
    bool has_value;
    int count;

    if (state == NULL)
        return false;
    before = script_enter(state, &run);
    lua_rawgeti(state->lua, LUA_REGISTRYINDEX, fn->refs[state->index]);
    script_push_str(state->lua, value->str);
    count = push_args(state->lua, args);
    has_value = take_result(state->lua, count + 1, eval, value);
    script_leave(state, before);
    return has_value;
}

/* --- as expressions see them ---------------------------------------------------------------------------------- */

static void
take_any_strings(struct arg_spec *specs)
{
    for (unsigned i = 0; i < ARGS_MAX; i++)
        specs[i] = (struct arg_spec){ .kind = ARG_STR, .is_optional = true };
}

void
script_fetch_fill(struct script_fn *fn)
{
    if (fn->fetch.name != NULL)
        return;
    fn->fetch.name = alloc_printf("lua.%s", fn->name);
    fn->fetch.out = VALUE_STR;
    fn->fetch.places = PLACE_ANY;
    fn->fetch.run = run_fetch;
    fn->fetch.private = (intptr_t)fn;
    take_any_strings(fn->fetch.args);
}

void
script_converter_fill(struct script_fn *fn)
{
    if (fn->fetch.name != NULL)
        return;
    fn->fetch.name = fn->converter.name = alloc_printf("lua.%s", fn->name);
    fn->converter.in = fn->converter.out = VALUE_STR;
    fn->converter.run = run_converter;
    fn->converter.private = (intptr_t)fn;
    take_any_strings(fn->converter.args);
}
