/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP: header fields and start lines of the request and the response, for actions.
 *
 * Thread:  owner of the stream, in the state that it has entered.
 */
#include <string.h>

#include "weir/base/regex.h"
#include "weir/http/message.h"
#include "weir/http/start_line.h"
#include "weir/http/validate.h"
#include "filter.h"

static struct message *
request_at(lua_State *lua, int at)
{
    struct message *msg = script_txn_at(lua, at)->eval->request;

    if (msg == NULL)
        luaL_error(lua, "there is no HTTP request here");
    return msg;
}

static struct message *
response_at(lua_State *lua, int at)
{
    struct message *msg = script_txn_at(lua, at)->eval->response;

    if (msg == NULL)
        luaL_error(lua, "there is no HTTP response here");
    return msg;
}

/* --- fields ---------------------------------------------------------------------------------------------- */

static struct str
lower(struct message *msg, lua_State *lua, struct str name)
{
    char *copy = arena_take(&msg->arena, name.len + 1);

    if (copy == NULL)
        luaL_error(lua, "out of memory");
    for (size_t i = 0; i < name.len; i++)
        copy[i] = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? (char)(name.ptr[i] + 32) : name.ptr[i];
    copy[name.len] = '\0';
    return str_of(copy, name.len);
}

/* { name = { [0] = "value", [1] = ... } } */
static int
push_fields(lua_State *lua, const struct message *msg)
{
    lua_newtable(lua);
    for (uint32_t i = 0; i < msg->count; i++) {
        const struct field *field = &msg->fields[i];

        if (field->name_len == 0)
            continue;
        script_push_str(lua, field_name_str(field));
        lua_pushvalue(lua, -1);
        if (lua_rawget(lua, -3) != LUA_TTABLE) {
            lua_pop(lua, 1);
            lua_createtable(lua, 1, 0);
            lua_pushvalue(lua, -2);
            lua_pushvalue(lua, -2);
            lua_rawset(lua, -5);
            script_push_str(lua, field_value(field));
            lua_rawseti(lua, -2, 0);
        } else {
            script_push_str(lua, field_value(field));
            lua_rawseti(lua, -2, (lua_Integer)lua_rawlen(lua, -2) + 1);
        }
        lua_pop(lua, 2);
    }
    return 1;
}

static int
add_field(lua_State *lua, struct message *msg, bool is_set)
{
    struct str name = script_to_str(lua, 2), value = script_to_str(lua, 3);

    luaL_argcheck(lua, validate_token(name), 2, "no name of a header field");
    luaL_argcheck(lua, validate_value(value), 3, "no value of a header field");
    if (is_set)
        message_remove_fields(msg, lower(msg, lua, name));
    if (!message_add_field_copy(msg, name, value))
        luaL_error(lua, "out of memory");
    return 0;
}

static int
del_field(lua_State *lua, struct message *msg)
{
    message_remove_fields(msg, lower(msg, lua, script_to_str(lua, 2)));
    return 0;
}

/* --- replacing ------------------------------------------------------------------------------------------- */

struct replacement {
    struct regex *regex;
    struct str format;
    struct message *msg;
};

/* ptr NULL: it does not match, or memory is out. */
static struct str
replace(const struct replacement *r, struct str text)
{
    struct str groups[REGEX_GROUPS_MAX];
    int count = regex_capture(r->regex, text, 0, groups);
    size_t len;
    char *copy;

    if (count <= 0)
        return STR_NONE;
    len = (size_t)regex_expand(NULL, SIZE_MAX, r->format, groups, count);
    copy = arena_take(&r->msg->arena, len + 1);
    if (copy == NULL)
        return STR_NONE;
    regex_expand(copy, len, r->format, groups, count);
    return str_of(copy, len);
}

/* The parts between commas, each on its own. */
static struct str
replace_parts(const struct replacement *r, struct str rest)
{
    struct str joined = STR("");
    bool is_first = true;

    while (rest.ptr != NULL) {
        struct str part = str_split(&rest, ','), now = replace(r, str_trim(part));
        size_t len = joined.len + 1 + (now.ptr == NULL ? part.len : now.len);
        char *both = arena_take(&r->msg->arena, len + 1);

        if (both == NULL)
            return STR_NONE;
        if (now.ptr == NULL)
            now = part;
        memcpy(both, joined.ptr, joined.len);
        if (!is_first)
            both[joined.len] = ',';
        memcpy(both + joined.len + !is_first, now.ptr, now.len);
        joined = str_of(both, joined.len + !is_first + now.len);
        is_first = false;
    }
    return joined;
}

static int
replace_fields(lua_State *lua, struct message *msg, bool by_parts)
{
    struct str name = lower(msg, lua, script_to_str(lua, 2));
    struct error err = ERROR_INIT;
    struct replacement r = { .format = script_to_str(lua, 4), .msg = msg };

    r.regex = regex_compile(script_to_str(lua, 3), REGEX_CASE, &err);
    if (r.regex == NULL)
        return luaL_error(lua, "regular expression: %s", err.text);
    for (int at = message_find_field_name(msg, name, 0); at >= 0;
         at = message_find_field_name(msg, name, (uint32_t)at + 1)) {
        struct str value = field_value(&msg->fields[at]);

        value = by_parts ? replace_parts(&r, value) : replace(&r, value);
        if (value.ptr != NULL && validate_value(value))
            message_replace_value(msg, (uint32_t)at, value);
    }
    regex_free(r.regex);
    return 0;
}

/* --- the start lines ---------------------------------------------------------------------------------------- */

static int
set_part(lua_State *lua, enum line_part part)
{
    struct message *msg = request_at(lua, 1);
    struct str value = script_to_str(lua, 2);

    luaL_argcheck(lua, value.len > 0 || part == LINE_QUERY, 2, "it is empty");
    luaL_argcheck(lua,
                  part == LINE_METHOD ? validate_token(value)
                                      : value.len == 0 || validate_target(value, false),
                  2, "a character that cannot stand there");
    lua_pushboolean(lua, message_set_part(msg, part, value));
    return 1;
}

static int
req_set_method(lua_State *lua)
{
    return set_part(lua, LINE_METHOD);
}

static int
req_set_path(lua_State *lua)
{
    return set_part(lua, LINE_PATH);
}

static int
req_set_query(lua_State *lua)
{
    return set_part(lua, LINE_QUERY);
}

static int
req_set_uri(lua_State *lua)
{
    return set_part(lua, LINE_URI);
}

static int
set_status(lua_State *lua, struct message *msg)
{
    lua_Integer status = luaL_checkinteger(lua, 2);
    struct str reason = script_opt_str(lua, 3);

    luaL_argcheck(lua, status >= 100 && status <= 999, 2, "a status from 100 to 999");
    luaL_argcheck(lua, reason.ptr == NULL || validate_value(reason), 3, "no text of a reason");
    msg->status = (uint16_t)status;
    msg->reason = reason.ptr != NULL ? message_copy(msg, reason)
                                     : str_from(status_reason((int)status));
    return 0;
}

static int
res_set_status(lua_State *lua)
{
    return set_status(lua, response_at(lua, 1));
}

/* --- for each side ---------------------------------------------------------------------------------------- */

#define BOTH_SIDES(side_, at_)                                                                     \
    static int side_##_get_headers(lua_State *lua)                                                 \
    {                                                                                              \
        return push_fields(lua, at_(lua, 1));                                                      \
    }                                                                                              \
    static int side_##_add_header(lua_State *lua)                                                  \
    {                                                                                              \
        return add_field(lua, at_(lua, 1), false);                                                 \
    }                                                                                              \
    static int side_##_set_header(lua_State *lua)                                                  \
    {                                                                                              \
        return add_field(lua, at_(lua, 1), true);                                                  \
    }                                                                                              \
    static int side_##_del_header(lua_State *lua)                                                  \
    {                                                                                              \
        return del_field(lua, at_(lua, 1));                                                        \
    }                                                                                              \
    static int side_##_rep_header(lua_State *lua)                                                  \
    {                                                                                              \
        return replace_fields(lua, at_(lua, 1), false);                                            \
    }                                                                                              \
    static int side_##_rep_value(lua_State *lua)                                                   \
    {                                                                                              \
        return replace_fields(lua, at_(lua, 1), true);                                             \
    }
BOTH_SIDES(req, request_at)
BOTH_SIDES(res, response_at)
BOTH_SIDES(message, script_message_at)

#define METHOD(name_) { #name_, name_ }

static const luaL_Reg functions[] = {
    METHOD(req_get_headers), METHOD(req_add_header), METHOD(req_set_header), METHOD(req_del_header),
    METHOD(req_rep_header),  METHOD(req_rep_value),  METHOD(req_set_method), METHOD(req_set_path),
    METHOD(req_set_query),   METHOD(req_set_uri),    METHOD(res_get_headers), METHOD(res_add_header),
    METHOD(res_set_header),  METHOD(res_del_header), METHOD(res_rep_header), METHOD(res_rep_value),
    METHOD(res_set_status),  { NULL, NULL },
};

/* What says how long the body is goes: that is not known then. */
static int
message_drop_header(lua_State *lua)
{
    struct message *msg = script_message_at(lua, 1);

    if (str_eq_nocase(script_to_str(lua, 2), STR("content-length")) && msg->body == BODY_LENGTH)
        msg->body = BODY_CHUNKED;
    return message_del_header(lua);
}

/* The start line of the message of a filter. */
static int
message_set_line(lua_State *lua, enum line_part part)
{
    struct message *msg = script_message_at(lua, 1);
    struct str value = script_to_str(lua, 2);

    luaL_argcheck(lua, value.len > 0 || part == LINE_QUERY, 2, "it is empty");
    luaL_argcheck(lua,
                  part == LINE_METHOD ? validate_token(value)
                                      : value.len == 0 || validate_target(value, false),
                  2, "a character that cannot stand there");
    lua_pushboolean(lua, message_set_part(msg, part, value));
    return 1;
}

#define SET_LINE(name_, part_)                                                                     \
    static int name_(lua_State *lua)                                                               \
    {                                                                                              \
        return message_set_line(lua, part_);                                                       \
    }
SET_LINE(message_set_method, LINE_METHOD)
SET_LINE(message_set_path_, LINE_PATH)
SET_LINE(message_set_query, LINE_QUERY)
SET_LINE(message_set_uri, LINE_URI)

static int
message_set_status(lua_State *lua)
{
    return set_status(lua, script_message_at(lua, 1));
}

void
script_add_message_fields(lua_State *lua)
{
    static const luaL_Reg of_message[] = {
        { "get_headers", message_get_headers }, { "add_header", message_add_header },
        { "set_header", message_set_header },   { "del_header", message_drop_header },
        { "rep_header", message_rep_header },   { "rep_value", message_rep_value },
        { "set_method", message_set_method },   { "set_path", message_set_path_ },
        { "set_query", message_set_query },     { "set_uri", message_set_uri },
        { "set_status", message_set_status },   { NULL, NULL },
    };

    luaL_getmetatable(lua, "HTTPMessage");
    lua_getfield(lua, -1, "__index");
    luaL_setfuncs(lua, of_message, 0);
    lua_pop(lua, 2);
}

void
script_add_class_http(lua_State *lua)
{
    script_class_new(lua, "HTTP", functions);
}
