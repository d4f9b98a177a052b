/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channel: bytes on their way through a filter that is written in Lua, or past an action.
 *
 * Thread:  owner of the stream, in the state that it has entered; only within a callback of a filter, or an action.
 *
 * What has come and was not given on is the incoming data; offsets count in it, negative ones from its end. In the hands
 * of an action what is given on waits at the head of what came, until the rules have let it pass.
 */
#include <string.h>

#include "weir/http/message.h"
#include "weir/mux/endpoint.h"
#include "filter.h"

/* --- objects ------------------------------------------------------------------------------------------------ */

struct script_channel *
script_channel_push(lua_State *lua)
{
    struct script_channel *channel;

    script_object_new(lua, "Channel");
    channel = lua_newuserdatauv(lua, sizeof(*channel), 0);
    *channel = (struct script_channel){ .magic = SCRIPT_CHANNEL_MAGIC };
    lua_rawseti(lua, -2, 0);
    return channel;
}

void
script_channel_push_txn(lua_State *lua, int at, enum direction dir)
{
    struct script_channel *channel;

    at = lua_absindex(lua, at);
    channel = script_channel_push(lua);
    channel->txn = script_txn_at(lua, at);
    channel->dir = dir;
    lua_pushvalue(lua, at); /* lives as long as the channel */
    lua_rawseti(lua, -2, 1);
}

static struct endpoint *
endpoint_of(const struct script_channel *channel, enum direction from)
{
    const struct eval *eval = channel->txn->eval;

    return eval == NULL ? NULL : from == TO_SERVER ? eval->front : eval->back;
}

/* What the endpoint of that side has received, if it is at hand. */
static void
look_at_endpoint(struct script_channel *channel)
{
    static size_t none;
    const struct eval *eval = channel->txn->eval;
    struct endpoint *ep = endpoint_of(channel, channel->dir);
    struct script_stream *all =
        eval == NULL || eval->stream == NULL ? NULL : (struct script_stream *)eval->stream->guest;

    channel->in = ep == NULL ? NULL : &ep->in;
    channel->is_last = ep == NULL || (ep->flags & (EP_IN_ENDED | EP_IN_BROKEN)) != 0;
    channel->given = all == NULL ? &none : &all->given[channel->dir];
}

/* How much of `in` is output already. */
static size_t
given(const struct script_channel *channel)
{
    return channel->given == NULL ? 0 : *channel->given;
}

static size_t
incoming(const struct script_channel *channel)
{
    return channel->in == NULL ? 0 : channel->in->bytes - given(channel);
}

struct script_channel *
script_channel_at(lua_State *lua, int at)
{
    struct script_channel *channel = NULL;

    if (lua_istable(lua, at)) {
        lua_rawgeti(lua, at, 0);
        if (lua_rawlen(lua, -1) == sizeof(*channel))
            channel = lua_touserdata(lua, -1);
        lua_pop(lua, 1);
    }
    if (channel == NULL || channel->magic != SCRIPT_CHANNEL_MAGIC)
        luaL_argerror(lua, at, "a channel or an HTTP message should stand here");
    if (channel->txn != NULL)
        look_at_endpoint(channel);
    if (channel->filter == NULL && (channel->txn == NULL || channel->txn->eval == NULL))
        luaL_error(lua, "this channel is not at hand now");
    return channel;
}

static struct script_channel *
data_at(lua_State *lua)
{
    struct script_channel *channel = script_channel_at(lua, 1);

    if (channel->in == NULL)
        luaL_error(lua, "there is no data at hand now");
    return channel;
}

/* Actions of TCP streams may; HTTP has its own methods, and filters. */
static void
check_action(lua_State *lua, const struct script_channel *channel)
{
    const struct script_run *run = script_state_of(lua)->run;
    const struct stream *s = channel->txn->eval->stream;

    if (run == NULL || !run->may_pause || s == NULL)
        luaL_error(lua, "only an action or a filter can change data");
    if ((s->flags & STREAM_HTTP) != 0)
        luaL_error(lua, "in HTTP mode only a filter can change data: core.register_filter()");
}

/* For what changes data. */
static struct script_channel *
changeable_at(lua_State *lua)
{
    struct script_channel *channel = data_at(lua);

    if (channel->txn != NULL)
        check_action(lua, channel);
    else if (channel->out == NULL)
        luaL_error(lua, "there is no data at hand now");
    return channel;
}

/* --- what is there ---------------------------------------------------------------------------------------------- */

struct range {
    size_t from, len;
};

/* Arguments `at` and the next: an offset and a length. */
static struct range
read_range(lua_State *lua, const struct script_channel *channel, int at)
{
    lua_Integer there = (lua_Integer)incoming(channel), from = luaL_optinteger(lua, at, 0), len;

    if (from < 0)
        from = from + there < 0 ? 0 : from + there;
    if (from > there)
        from = there;
    len = luaL_optinteger(lua, at + 1, -1);
    if (len < 0 || len > there - from)
        len = there - from;
    return (struct range){ (size_t)from, (size_t)len };
}

static void
push_range(lua_State *lua, const struct script_channel *channel, struct range range)
{
    luaL_Buffer buf;
    char *to = luaL_buffinitsize(lua, &buf, range.len);

    chain_peek(channel->in, given(channel) + range.from, to, range.len);
    luaL_pushresultsize(&buf, range.len);
}

/* nil: there is nothing, and nothing will come. */
static int
data(lua_State *lua)
{
    const struct script_channel *channel = data_at(lua);

    if (incoming(channel) == 0 && channel->is_last)
        lua_pushnil(lua);
    else
        push_range(lua, channel, read_range(lua, channel, 2));
    return 1;
}

/* Up to the first line feed. */
static int
line(lua_State *lua)
{
    size_t len;
    const char *bytes, *end;

    if (data(lua) == 1 && lua_isnil(lua, -1))
        return 1;
    bytes = lua_tolstring(lua, -1, &len);
    end = memchr(bytes, '\n', len);
    if (end != NULL)
        lua_pushlstring(lua, bytes, (size_t)(end - bytes) + 1);
    return 1;
}

static int
input(lua_State *lua)
{
    lua_pushinteger(lua, (lua_Integer)incoming(script_channel_at(lua, 1)));
    return 1;
}

static int
output(lua_State *lua)
{
    const struct script_channel *channel = script_channel_at(lua, 1);

    lua_pushinteger(lua, channel->out == NULL ? (lua_Integer)given(channel)
                                              : (lua_Integer)channel->out->bytes);
    return 1;
}

static int
is_full(lua_State *lua)
{
    const struct script_channel *channel = script_channel_at(lua, 1);

    lua_pushboolean(lua, channel->in != NULL && channel->in->bytes >= buffer_default_size());
    return 1;
}

static int
may_recv(lua_State *lua)
{
    lua_pushboolean(lua, !script_channel_at(lua, 1)->is_last);
    return 1;
}

static int
is_resp(lua_State *lua)
{
    lua_pushboolean(lua, script_channel_at(lua, 1)->dir == TO_CLIENT);
    return 1;
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

/* A range of the incoming data becomes these bytes. False: out of memory; then nothing is sure any more. */
static bool
splice(lua_State *lua, struct script_channel *channel, struct range range, struct str bytes)
{
    size_t there = channel->in->bytes, behind;
    struct chain fresh;
    bool fine = true;

    range.from += given(channel);
    behind = there - range.from - range.len;
    chain_init(&fresh);
    if (range.from > 0)
        fine = chain_move_some(&fresh, channel->in, range.from);
    chain_consume(channel->in, range.len);
    if (bytes.len > 0)
        fine = fine && chain_add_copy(&fresh, bytes.ptr, bytes.len);
    if (behind > 0)
        fine = fine && chain_move_some(&fresh, channel->in, behind);
    chain_clear(channel->in);
    chain_move(channel->in, &fresh);
    if (!fine)
        luaL_error(lua, "out of memory");
    return fine;
}

static int
put(lua_State *lua, struct range range)
{
    struct str bytes = script_to_str(lua, 2);

    splice(lua, changeable_at(lua), range, bytes);
    lua_pushinteger(lua, (lua_Integer)bytes.len);
    return 1;
}

static int
append(lua_State *lua)
{
    return put(lua, (struct range){ incoming(changeable_at(lua)), 0 });
}

static int
prepend(lua_State *lua)
{
    return put(lua, (struct range){ 0, 0 });
}

static int
insert(lua_State *lua)
{
    return put(lua, (struct range){ read_range(lua, changeable_at(lua), 3).from, 0 });
}

static int
set(lua_State *lua)
{
    return put(lua, read_range(lua, changeable_at(lua), 3));
}

static int
remove_(lua_State *lua)
{
    struct script_channel *channel = changeable_at(lua);
    struct range range = read_range(lua, channel, 2);

    splice(lua, channel, range, STR(""));
    lua_pushinteger(lua, (lua_Integer)range.len);
    return 1;
}

/* To a side that is there: at once. To a server that is not chosen yet: as soon as it is. */
static int
send_from_action(lua_State *lua, struct script_channel *channel, struct str bytes)
{
    struct endpoint *to = endpoint_of(channel, channel->dir == TO_SERVER ? TO_CLIENT : TO_SERVER);
    struct chain fresh = { NULL, NULL, 0 };

    check_action(lua, channel);
    if (to == NULL) {
        splice(lua, channel, (struct range){ 0, 0 }, bytes);
        *channel->given += bytes.len;
    } else if ((to->flags & (EP_OUT_ENDED | EP_OUT_BROKEN)) != 0) {
        lua_pushinteger(lua, -1);
        return 1;
    } else if (bytes.len > 0) {
        if (!chain_add_copy(&fresh, bytes.ptr, bytes.len) || !endpoint_send_body(to, &fresh))
            return luaL_error(lua, "out of memory");
        endpoint_flush(to, false);
    }
    lua_pushinteger(lua, (lua_Integer)bytes.len);
    return 1;
}

static int
send_now(lua_State *lua)
{
    struct script_channel *channel = script_channel_at(lua, 1);
    struct str bytes = script_to_str(lua, 2);

    if (channel->txn != NULL)
        return send_from_action(lua, channel, bytes);
    channel = changeable_at(lua);
    if (bytes.len > 0 && !chain_add_copy(channel->out, bytes.ptr, bytes.len))
        return luaL_error(lua, "out of memory");
    lua_pushinteger(lua, (lua_Integer)bytes.len);
    return 1;
}

static int
forward(lua_State *lua)
{
    struct script_channel *channel = changeable_at(lua);
    lua_Integer len = luaL_checkinteger(lua, 2);

    if (len < 0 || (size_t)len > incoming(channel))
        len = (lua_Integer)incoming(channel);
    if (channel->txn != NULL)
        *channel->given += (size_t)len;
    else if (len > 0 && !chain_move_some(channel->out, channel->in, (size_t)len))
        return luaL_error(lua, "out of memory");
    lua_pushinteger(lua, len);
    return 1;
}

/* As they were called first: what is got is taken away. */
static int
take(lua_State *lua, lua_CFunction find)
{
    if (find(lua) == 1 && !lua_isnil(lua, -1))
        splice(lua, changeable_at(lua), (struct range){ 0, lua_rawlen(lua, -1) }, STR(""));
    return 1;
}

static int
get(lua_State *lua)
{
    lua_settop(lua, 1);
    return take(lua, data);
}

static int
take_line(lua_State *lua)
{
    lua_settop(lua, 1);
    return take(lua, line);
}

/* --- class ------------------------------------------------------------------------------------------------------------ */

void
script_add_class_channel(lua_State *lua)
{
    static const luaL_Reg functions[] = { { "data", data },
                                          { "line", line },
                                          { "input", input },
                                          { "output", output },
                                          { "is_full", is_full },
                                          { "may_recv", may_recv },
                                          { "is_resp", is_resp },
                                          { "append", append },
                                          { "prepend", prepend },
                                          { "insert", insert },
                                          { "set", set },
                                          { "remove", remove_ },
                                          { "send", send_now },
                                          { "forward", forward },
                                          { "dup", data },
                                          { "get", get },
                                          { "getline", take_line },
                                          { "get_in_len", input },
                                          { "get_out_len", output },
                                          { NULL, NULL } };

    script_class_new(lua, "Channel", functions);
    script_add_class_message(lua);
}
