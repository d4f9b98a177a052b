/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches of cookies: of Cookie fields in requests, of Set-Cookie fields in responses.
 *
 * Thread: traffic, inside a rule.
 */
#include <string.h>

#include "fetch.h"

/* --- a walk over cookies -------------------------------------------------- */

struct cookie_walk {
    struct field_walk fields;
    struct str rest; /* of the Cookie field in hand; ptr NULL: done */
};

/* Up to a ';' outside of quotes. */
static struct str
next_pair(struct str *rest)
{
    bool is_quoted = false;
    size_t len = 0;
    struct str pair;

    for (; len < rest->len && (is_quoted || rest->ptr[len] != ';'); len++) {
        if (rest->ptr[len] == '"')
            is_quoted = !is_quoted;
    }
    pair = str_of(rest->ptr, len);
    *rest = len < rest->len ? str_of(rest->ptr + len + 1, rest->len - len - 1) : STR_NONE;
    return pair;
}

/* Behind the first ';' of Set-Cookie stand attributes. What has no '=' is no cookie. */
static bool
next_cookie(struct cookie_walk *walk, struct str *name, struct str *value)
{
    for (;;) {
        struct str pair;

        if (walk->rest.ptr == NULL && !field_walk_next(&walk->fields, &walk->rest))
            return false;
        pair = next_pair(&walk->rest);
        if (walk->fields.id == FIELD_SET_COOKIE)
            walk->rest = STR_NONE;
        *name = str_trim(str_split(&pair, '='));
        *value = str_trim(pair);
        if (pair.ptr != NULL)
            return true;
    }
}

static bool
next_named(struct cookie_walk *walk, struct str wanted, struct str *value)
{
    struct str name;

    while (next_cookie(walk, &name, value)) {
        if (wanted.len == 0 || str_eq(name, wanted))
            return true;
    }
    return false;
}

static bool
begin_walk(struct cookie_walk *walk, const struct eval *eval, const struct fetch *fetch)
{
    const struct message *msg = fetch_message(eval, fetch);
    enum field_name id =
        msg != NULL && msg == eval->response ? FIELD_SET_COOKIE : FIELD_COOKIE;

    *walk = (struct cookie_walk){
        .fields = { .msg = msg, .name = field_name_text(id), .id = id, .is_whole = true },
        .rest = STR_NONE,
    };
    return msg != NULL;
}

/* As field_walk_cursor(): the field, and where in it. */
static void
resume(struct cookie_walk *walk, uint64_t cursor)
{
    field_walk_resume(&walk->fields, cursor);
    walk->rest = walk->fields.rest;
    walk->fields.rest = STR_NONE;
}

static uint64_t
cursor_of(const struct cookie_walk *walk)
{
    struct field_walk fields = walk->fields;

    fields.rest = walk->rest;
    return field_walk_cursor(&fields);
}

/* --- fetches -------------------------------------------------------------- */

/* The last one of the name; without a name the first of all. */
static bool
find_single(struct cookie_walk *walk, struct str wanted, struct str *out)
{
    bool found = false;
    struct str value;

    while (next_named(walk, wanted, &value)) {
        *out = value;
        found = true;
        if (wanted.len == 0)
            break;
    }
    return found;
}

static bool
find_cookie(struct eval *eval, const struct fetch *fetch, const struct arg *args,
            struct value *out)
{
    struct cookie_walk walk;

    if (!begin_walk(&walk, eval, fetch))
        return false;
    if (out->cursor == VALUE_SINGLE)
        return find_single(&walk, args[0].str, &out->str);
    resume(&walk, out->cursor);
    if (!next_named(&walk, args[0].str, &out->str))
        return false;
    out->cursor = cursor_of(&walk);
    out->flags |= VALUE_MORE;
    return true;
}

static enum fetched
run_cookie(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    return find_cookie(eval, fetch, args, out) ? fetched_str(out, out->str) : FETCH_NONE;
}

static enum fetched
run_number(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    int64_t n;

    if (!find_cookie(eval, fetch, args, out) || !value_read_int(out->str, &n))
        return FETCH_NONE;
    return fetched_int(out, n);
}

static enum fetched
run_count(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct cookie_walk walk;
    struct str value;
    int64_t count = 0;

    if (!begin_walk(&walk, eval, fetch))
        return FETCH_NONE;
    while (next_named(&walk, args[0].str, &value))
        count++;
    return fetched_int(out, count);
}

/* Joined by the first character of the argument. */
static enum fetched
run_names(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    char delimiter = arg_is_given(&args[0]) && args[0].str.len > 0 ? args[0].str.ptr[0] : ',';
    struct cookie_walk walk, again;
    struct str name, value;
    size_t size = 0;
    char *text, *to;

    if (!begin_walk(&walk, eval, fetch))
        return FETCH_NONE;
    for (again = walk; next_cookie(&again, &name, &value);)
        size += name.len + 1;
    text = to = arena_take(eval->arena, size + 1);
    if (text == NULL)
        return FETCH_NONE;
    while (next_cookie(&walk, &name, &value)) {
        if (to > text)
            *to++ = delimiter;
        if (name.len > 0)
            memcpy(to, name.ptr, name.len);
        to += name.len;
    }
    return fetched_str(out, str_of(text, (size_t)(to - text)));
}

#define COOKIE(name_, places_, side_, help_)                                                       \
    {                                                                                              \
        name_, VALUE_STR, places_, { { ARG_STR, true } }, run_cookie, side_, .help = help_         \
    }
#define COOKIE_NUMBER(name_, places_, side_, help_)                                                \
    {                                                                                              \
        name_, VALUE_INT, places_, { { ARG_STR, true } }, run_number, side_, .help = help_         \
    }
#define COOKIE_COUNT(name_, places_, side_, help_)                                                 \
    {                                                                                              \
        name_, VALUE_INT, places_, { { ARG_STR, true } }, run_count, side_, .help = help_          \
    }
#define COOKIE_NAMES(name_, places_, side_, help_)                                                 \
    {                                                                                              \
        name_, VALUE_STR, places_, { { ARG_STR, true } }, run_names, side_, .help = help_          \
    }

static const struct fetch fetches[] = {
    COOKIE("req.cook", IN_REQUEST, SIDE_REQUEST,
           "The value of a cookie: the last of its name; without name the first of all."),
    COOKIE("cook", IN_REQUEST, SIDE_REQUEST, "Old name of req.cook."),
    COOKIE("res.cook", IN_RESPONSE, SIDE_RESPONSE, "The value of a cookie that the server sets."),
    COOKIE("scook", IN_RESPONSE, SIDE_RESPONSE, "Old name of res.cook."),
    COOKIE("cookie", IN_REQUEST | IN_RESPONSE, SIDE_HERE,
           "req.cook in rules for requests, res.cook in rules for responses."),
    COOKIE_NUMBER("req.cook_val", IN_REQUEST, SIDE_REQUEST, "The value of a cookie as a number."),
    COOKIE_NUMBER("cook_val", IN_REQUEST, SIDE_REQUEST, "Old name of req.cook_val."),
    COOKIE_NUMBER("res.cook_val", IN_RESPONSE, SIDE_RESPONSE,
                  "The value of a cookie that the server sets as a number."),
    COOKIE_NUMBER("scook_val", IN_RESPONSE, SIDE_RESPONSE, "Old name of res.cook_val."),
    COOKIE_COUNT("req.cook_cnt", IN_REQUEST, SIDE_REQUEST, "How many cookies of a name there are."),
    COOKIE_COUNT("cook_cnt", IN_REQUEST, SIDE_REQUEST, "Old name of req.cook_cnt."),
    COOKIE_COUNT("res.cook_cnt", IN_RESPONSE, SIDE_RESPONSE,
                 "How many cookies of a name the server sets."),
    COOKIE_COUNT("scook_cnt", IN_RESPONSE, SIDE_RESPONSE, "Old name of res.cook_cnt."),
    COOKIE_NAMES("req.cook_names", IN_REQUEST, SIDE_REQUEST,
                 "The names of all cookies, joined by a comma or another character."),
    COOKIE_NAMES("res.cook_names", IN_RESPONSE, SIDE_RESPONSE,
                 "The names of all cookies that the server sets."),
};
REGISTER(fetch, fetches);
