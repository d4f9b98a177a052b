/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches of header fields: hdr, fhdr and kin, of requests and responses.
 *
 * Thread: traffic, inside a rule. They find nothing where there is no message.
 *
 * hdr() walks over the values of a field, parts between commas on their own; fhdr() over whole
 * fields. In conditions all values are tried; elsewhere the last one is taken, or the one asked for.
 */
#include <string.h>

#include "weir/base/number.h"
#include "fetch.h"

#define WHOLE (SIDE_MASK + 1) /* in .private */

static bool
begin_walk(struct field_walk *walk, const struct eval *eval, const struct fetch *fetch,
           const struct arg *args)
{
    *walk = (struct field_walk){ .msg = fetch_message(eval, fetch),
                                 .name = args[0].str,
                                 .id = (enum field_name)args[0].num,
                                 .is_whole = (fetch->private & WHOLE) != 0 };
    return walk->msg != NULL;
}

/* --- values --------------------------------------------------------------- */

static bool
find_value(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct field_walk walk;

    if (!begin_walk(&walk, eval, fetch, args))
        return false;
    if (args[1].num != 0)
        return field_walk_find(&walk, args[1].num, &out->str);
    if (out->cursor == VALUE_SINGLE)
        return field_walk_find(&walk, -1, &out->str);
    field_walk_resume(&walk, out->cursor);
    if (!field_walk_next(&walk, &out->str))
        return false;
    out->cursor = field_walk_cursor(&walk);
    out->flags |= VALUE_MORE;
    return true;
}

static enum fetched
run_field(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    if (!find_value(eval, fetch, args, out))
        return FETCH_NONE;
    return fetched_str(out, out->str);
}

static enum fetched
run_number(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    int64_t n;

    if (!find_value(eval, fetch, args, out) || !value_read_int(out->str, &n))
        return FETCH_NONE;
    return fetched_int(out, n);
}

/* "192.0.2.1", perhaps with a port, or an IPv6 address. */
static enum fetched
run_address(struct eval *eval, const struct fetch *fetch, const struct arg *args,
            struct value *out)
{
    struct str text;
    struct addr addr;
    uint64_t port;
    long colon;

    if (!find_value(eval, fetch, args, out))
        return FETCH_NONE;
    text = out->str;
    if (addr_parse_host(text, &addr))
        return fetched_addr(out, &addr);
    colon = str_find_char(text, ':');
    if (colon < 0 || !number_read_digits(str_slice(text, (size_t)colon + 1, text.len), &port) ||
        port > UINT16_MAX || !addr_parse_host(str_slice(text, 0, (size_t)colon), &addr))
        return FETCH_NONE;
    return fetched_addr(out, &addr);
}

static enum fetched
run_count(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct field_walk walk;
    struct str value;
    int64_t count = 0;

    if (!begin_walk(&walk, eval, fetch, args))
        return FETCH_NONE;
    while (field_walk_next(&walk, &value))
        count++;
    return fetched_int(out, count);
}

/* Names are compared in lower case; known ones by number. */
static bool
check_name(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    char *lower;

    (void)err;
    if (count == 0)
        return true;
    lower = arena_copy_str(parse->arena, args[0].str);
    for (char *c = lower; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    args[0].str.ptr = lower;
    args[0].num = field_name_find(lower, args[0].str.len);
    return true;
}

/* --- the whole head ------------------------------------------------------- */

static enum fetched
give_reserved(struct eval *eval, struct value *out, char *begin, char *end, enum value_type type)
{
    arena_keep(eval->arena, (size_t)(end - begin));
    out->type = (uint8_t)type;
    out->str = str_of(begin, (size_t)(end - begin));
    return FETCH_OK;
}

static char *
put(char *to, struct str s)
{
    if (s.len > 0)
        memcpy(to, s.ptr, s.len);
    return to + s.len;
}

/* How many bytes all names and values have, and room for `each` more with every field. */
static size_t
measure(const struct message *msg, size_t each)
{
    size_t size = 2 * each;

    for (uint32_t i = 0; i < msg->count; i++)
        size += msg->fields[i].name_len + msg->fields[i].value_len + each;
    return size;
}

static enum fetched
run_names(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct message *msg = fetch_message(eval, fetch);
    struct str delimiter = arg_is_given(&args[0]) ? str_slice(args[0].str, 0, 1) : STR(",");
    char *begin = msg == NULL ? NULL : arena_reserve(eval->arena, measure(msg, 1)), *to = begin;

    if (begin == NULL)
        return FETCH_NONE;
    for (uint32_t i = 0; i < msg->count; i++) {
        if (msg->fields[i].name_len == 0)
            continue;
        if (to > begin)
            to = put(to, delimiter);
        to = put(to, field_name_str(&msg->fields[i]));
    }
    return give_reserved(eval, out, begin, to, VALUE_STR);
}

static enum fetched
run_head(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct message *msg = fetch_message(eval, fetch);
    char *begin = msg == NULL ? NULL : arena_reserve(eval->arena, measure(msg, 4)), *to = begin;

    (void)args;
    if (begin == NULL)
        return FETCH_NONE;
    for (uint32_t i = 0; i < msg->count; i++) {
        if (msg->fields[i].name_len == 0)
            continue;
        to = put(to, field_name_str(&msg->fields[i]));
        to = put(to, STR(": "));
        to = put(to, field_value(&msg->fields[i]));
        to = put(to, STR("\r\n"));
    }
    to = put(to, STR("\r\n"));
    return give_reserved(eval, out, begin, to, VALUE_STR);
}

/* The variable-length integers of the SPOE protocol. */
#define VARINT_MAX 10

static char *
put_with_length(char *to, struct str s)
{
    uint64_t n = s.len;

    if (n >= 240) {
        *to++ = (char)(n | 240);
        n = (n - 240) >> 4;
        while (n >= 128) {
            *to++ = (char)(n | 128);
            n = (n - 128) >> 7;
        }
    }
    *to++ = (char)n;
    return put(to, s);
}

static enum fetched
run_head_binary(struct eval *eval, const struct fetch *fetch, const struct arg *args,
                struct value *out)
{
    const struct message *msg = fetch_message(eval, fetch);
    char *begin =
        msg == NULL ? NULL : arena_reserve(eval->arena, measure(msg, (size_t)2 * VARINT_MAX));
    char *to = begin;

    (void)args;
    if (begin == NULL)
        return FETCH_NONE;
    for (uint32_t i = 0; i < msg->count; i++) {
        if (msg->fields[i].name_len == 0)
            continue;
        to = put_with_length(to, field_name_str(&msg->fields[i]));
        to = put_with_length(to, field_value(&msg->fields[i]));
    }
    to = put_with_length(to, STR(""));
    to = put_with_length(to, STR(""));
    return give_reserved(eval, out, begin, to, VALUE_BIN);
}

/* --- registration --------------------------------------------------------- */

#define VALUE_ARGS                                                                                 \
    {                                                                                              \
        { ARG_STR, true },                                                                         \
        {                                                                                          \
            ARG_INT, true                                                                          \
        }                                                                                          \
    }
#define NAME_ARG                                                                                   \
    {                                                                                              \
        {                                                                                          \
            ARG_STR, true                                                                          \
        }                                                                                          \
    }
#define NO_ARG                                                                                     \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

#define FIELD(name_, places_, private_, help_)                                                     \
    {                                                                                              \
        name_, VALUE_STR, places_, VALUE_ARGS, run_field, private_, check_name, help_, true        \
    }
#define FIELD_COUNT(name_, places_, private_, help_)                                               \
    {                                                                                              \
        name_, VALUE_INT, places_, NAME_ARG, run_count, private_, check_name, help_                \
    }
#define FIELD_NUMBER(name_, places_, private_, help_)                                              \
    {                                                                                              \
        name_, VALUE_INT, places_, VALUE_ARGS, run_number, private_, check_name, help_             \
    }
#define FIELD_ADDRESS(name_, places_, private_, help_)                                             \
    {                                                                                              \
        name_, VALUE_ADDR, places_, VALUE_ARGS, run_address, private_, check_name, help_           \
    }

#define HEAD_FETCHES(prefix_, places_, side_)                                                      \
    FIELD(prefix_ "hdr", places_, side_, "A value of a header field, parts between commas apart; " \
                                         "the last, or the n-th (-1: last)."),                     \
        FIELD(prefix_ "fhdr", places_, (side_) | WHOLE,                                            \
              "The whole value of a header field; the last, or the n-th."),                        \
        FIELD_COUNT(prefix_ "hdr_cnt", places_, side_, "How many values a header field has."),     \
        FIELD_COUNT(prefix_ "fhdr_cnt", places_, (side_) | WHOLE,                                  \
                    "How many header fields of a name there are; without name: of all."),          \
        FIELD_NUMBER(prefix_ "hdr_val", places_, side_, "A value of a header field as a number."), \
        FIELD_ADDRESS(prefix_ "hdr_ip", places_, side_,                                            \
                      "A value of a header field as an address; a port is left off."),             \
        { prefix_ "hdr_names", VALUE_STR, places_, NAME_ARG, run_names, side_,                     \
          .help = "The names of all header fields, joined by a comma or another character." },     \
        { prefix_ "hdrs", VALUE_STR, places_, NO_ARG, run_head, side_,                             \
          .help = "All header fields as text, with the empty line behind them." },                 \
    {                                                                                              \
        prefix_ "hdrs_bin", VALUE_BIN, places_, NO_ARG, run_head_binary, side_,                    \
            .help = "All header fields in binary form: lengths as in SPOE before names and "       \
                    "values."                                                                      \
    }

static const struct fetch fetches[] = {
    HEAD_FETCHES("req.", IN_REQUEST, SIDE_REQUEST),
    HEAD_FETCHES("res.", IN_RESPONSE, SIDE_RESPONSE),
    FIELD("hdr", IN_REQUEST | IN_RESPONSE, SIDE_HERE,
          "req.hdr in rules for requests, res.hdr in rules for responses."),
    FIELD_COUNT("hdr_cnt", IN_REQUEST, SIDE_REQUEST, "Old name of req.hdr_cnt."),
    FIELD_NUMBER("hdr_val", IN_REQUEST, SIDE_REQUEST, "Old name of req.hdr_val."),
    FIELD_ADDRESS("hdr_ip", IN_REQUEST, SIDE_REQUEST, "Old name of req.hdr_ip."),
    FIELD("shdr", IN_RESPONSE, SIDE_RESPONSE, "Old name of res.hdr."),
    FIELD_COUNT("shdr_cnt", IN_RESPONSE, SIDE_RESPONSE, "Old name of res.hdr_cnt."),
    FIELD_NUMBER("shdr_val", IN_RESPONSE, SIDE_RESPONSE, "Old name of res.hdr_val."),
    FIELD_ADDRESS("shdr_ip", IN_RESPONSE, SIDE_RESPONSE, "Old name of res.hdr_ip."),
};
REGISTER(fetch, fetches);
