/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters of FIX messages (Financial Information eXchange): fix_is_valid, fix_tag_value.
 *
 * Thread: traffic, inside an expression.
 *
 * A message is a list of "tag=value", each ended by a byte 1: BeginString (8), BodyLength (9),
 * MsgType (35) first, CheckSum (10) last.
 */
#include <string.h>

#include "weir/base/number.h"
#include "private.h"

#define SEPARATOR '\1'
#define TAG_BEGIN_STRING 8
#define TAG_BODY_LENGTH  9
#define TAG_CHECK_SUM    10
#define TAG_MSG_TYPE     35

struct fix_field {
    uint64_t tag;
    struct str value;
    const char *begin; /* of the tag */
};

/* False: there is no further one, or it is none. */
static bool
next_field(struct str *rest, struct fix_field *field)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->ptr, SEPARATOR, rest->len);
    struct str text;
    long sign;

    if (end == NULL)
        return false;
    text = str_of(rest->ptr, (size_t)(end - rest->ptr));
    sign = str_find_char(text, '=');
    if (sign <= 0 || (size_t)sign + 1 == text.len ||
        !number_read_digits(str_slice(text, 0, (size_t)sign), &field->tag))
        return false;
    field->begin = text.ptr;
    field->value = str_slice(text, (size_t)sign + 1, text.len);
    *rest = str_slice(*rest, text.len + 1, rest->len);
    return true;
}

/* --- fix_is_valid ------------------------------------------------------------------------------- */

static bool
is_version(struct str value)
{
    static const char *const versions[] = { "FIX.4.0", "FIX.4.1", "FIX.4.2",
                                            "FIX.4.3", "FIX.4.4", "FIXT.1.1" };

    for (size_t i = 0; i < COUNT(versions); i++) {
        if (str_eq(value, str_from(versions[i])))
            return true;
    }
    return false;
}

/* The sum of all bytes before the field, in three digits. */
static bool
is_check_sum(const char *begin, const struct fix_field *field)
{
    uint64_t written;
    unsigned char sum = 0;

    for (const char *at = begin; at < field->begin; at++)
        sum = (unsigned char)(sum + (unsigned char)*at);
    return field->value.len == 3 && number_read_digits(field->value, &written) && written == sum;
}

static bool
is_valid(struct str bytes)
{
    struct str rest = bytes;
    struct fix_field field;
    uint64_t length;
    const char *body;

    if (!next_field(&rest, &field) || field.tag != TAG_BEGIN_STRING || !is_version(field.value) ||
        !next_field(&rest, &field) || field.tag != TAG_BODY_LENGTH ||
        !number_read_digits(field.value, &length))
        return false;
    body = rest.ptr;
    if (!next_field(&rest, &field) || field.tag != TAG_MSG_TYPE)
        return false;
    while (next_field(&rest, &field)) {
        if (field.tag == TAG_CHECK_SUM)
            return length == (uint64_t)(field.begin - body) && is_check_sum(bytes.ptr, &field);
    }
    return false;
}

static bool
run_is_valid(struct eval *eval, const struct converter *conv, const struct arg *args,
             struct value *value)
{
    (void)eval;
    (void)conv;
    (void)args;
    value_set_bool(value, is_valid(value->str));
    return true;
}

/* --- fix_tag_value ------------------------------------------------------------------------------ */

static bool
run_tag_value(struct eval *eval, const struct converter *conv, const struct arg *args,
              struct value *value)
{
    struct str rest = value->str;
    struct fix_field field;

    (void)eval;
    (void)conv;
    while (next_field(&rest, &field)) {
        if (field.tag != (uint64_t)args[0].num)
            continue;
        value_set_bin(value, field.value);
        return true;
    }
    return false;
}

static bool
check_tag(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    static const struct {
        const char *name;
        int tag;
    } names[] = { { "BeginString", TAG_BEGIN_STRING }, { "BodyLength", TAG_BODY_LENGTH },
                  { "MsgType", TAG_MSG_TYPE },         { "SenderCompID", 49 },
                  { "TargetCompID", 56 },              { "CheckSum", TAG_CHECK_SUM } };

    (void)parse;
    (void)count;
    for (size_t i = 0; i < COUNT(names); i++) {
        args[0].num = names[i].tag;
        if (str_eq(args[0].str, str_from(names[i].name)))
            return true;
    }
    return number_parse_int(args[0].str, 1, INT32_MAX, &args[0].num, NULL) ||
           error_set(err, "'%s' is no number and no known name of a tag", args[0].str.ptr);
}

static const struct converter converters[] = {
    { "fix_is_valid", VALUE_BIN, VALUE_BOOL, { { 0 } }, run_is_valid,
      .help = "Is it a FIX message, with the right length and sum?" },
    { "fix_tag_value", VALUE_BIN, VALUE_BIN, { { ARG_STR } }, run_tag_value, 0, check_tag,
      "The value of a tag of a FIX message, by number or name." },
};
REGISTER(converter, converters);
