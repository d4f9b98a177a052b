/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may stand in a message, and what its framing fields mean.
 *
 * For:     keeps smuggled requests out: one strict meaning, or none.
 * Callers: the parsers of h1 and h2.
 * Thread:  pure.
 *
 * Host and authority: no blanks, controls or bytes above 127, and none of # / < > ? \ ^ | , " ` {
 * }; no '@' in Host. The unit test spells the classes out and compares them with this table.
 */
#include "weir/http/validate.h"

/* enum byte_class, 16 bytes in a row */
/* clang-format off */
const uint8_t byte_classes[256] = {
    0x00, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x00, 0x04, 0x04, 0x00, 0x04, 0x04,
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04,
    0x04, 0x3d, 0x0c, 0x05, 0x3d, 0x3d, 0x3d, 0x3d, 0x3c, 0x3c, 0x3d, 0x3d, 0x0c, 0x3d, 0x3d, 0x0c,
    0xfd, 0xfd, 0xfd, 0xfd, 0xfd, 0xfd, 0xfd, 0xfd, 0xfd, 0xfd, 0x3c, 0x3c, 0x0c, 0x3c, 0x0c, 0x0c,
    0x1c, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3c, 0x0c, 0x3c, 0x0d, 0x3d,
    0x0d, 0x7d, 0x7d, 0x7d, 0x7d, 0x7d, 0x7d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d,
    0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x0c, 0x0d, 0x0c, 0x3d, 0x04,
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04,
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04,
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04,
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04,
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04,
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04,
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04,
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04,
};
/* clang-format on */

bool
validate_bytes(struct str bytes, enum byte_class class_)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (!byte_is(bytes.ptr[i], class_))
            return false;
    }
    return true;
}

bool
validate_token(struct str token)
{
    return token.len > 0 && validate_bytes(token, BYTE_TOKEN);
}

bool
validate_lower_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((byte_classes[(unsigned char)name.ptr[i]] & (BYTE_TOKEN | BYTE_UPPER)) != BYTE_TOKEN)
            return false;
    }
    return name.len > 0;
}

bool
validate_value(struct str value)
{
    return validate_bytes(value, BYTE_VALUE);
}

bool
validate_target(struct str target, bool is_unsafe)
{
    if (target.len == 0)
        return false;
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.ptr[i];

        if (!byte_is((char)c, BYTE_TARGET) && !(is_unsafe && (c == '#' || c > 127)))
            return false;
    }
    return true;
}

bool
validate_authority(struct str authority)
{
    return validate_bytes(authority, BYTE_AUTHORITY);
}

bool
validate_host(struct str host)
{
    return validate_bytes(host, BYTE_HOST);
}

/* --- lists ---------------------------------------------------------------- */

struct str
list_next(struct str *rest)
{
    return str_trim(str_split(rest, ','));
}

bool
list_has(struct str list, struct str lower)
{
    if (list.len == lower.len && str_eq_nocase(list, lower))
        return true;
    while (list.ptr != NULL) {
        if (str_eq_nocase(list_next(&list), lower))
            return true;
    }
    return false;
}

/* --- framing -------------------------------------------------------------- */

/* Longer numbers are no lengths of real bodies, and leave room for sums. */
#define LENGTH_DIGITS_MAX 18

static bool
read_length(struct str value, uint64_t *length, struct str *plain)
{
    uint64_t number = 0;

    while (value.len > 1 && value.ptr[0] == '0')
        value = str_of(value.ptr + 1, value.len - 1);
    *plain = value;
    if (value.len == 0 || value.len > LENGTH_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        unsigned digit = (unsigned)(unsigned char)value.ptr[i] - '0';

        if (digit > 9)
            return false;
        number = number * 10 + digit;
    }
    *length = number;
    return true;
}

bool
validate_length(struct str value, uint64_t *length, struct str *plain)
{
    struct str rest = value;
    struct str other;
    uint64_t again;

    if (read_length(value, length, plain))
        return true;
    if (!read_length(list_next(&rest), length, plain))
        return false;
    while (rest.ptr != NULL) {
        if (!read_length(list_next(&rest), &again, &other) || again != *length)
            return false;
    }
    return true;
}

static enum coding_result
add_coding(enum coding_result before, struct str coding)
{
    bool is_chunked = str_eq_nocase(coding, STR("chunked"));

    switch (before) {
    case CODING_EMPTY:
        return is_chunked ? CODING_CHUNKED : CODING_BAD;
    case CODING_BAD:
        return is_chunked ? CODING_UNKNOWN : CODING_BAD;
    case CODING_CHUNKED:
    case CODING_REPEATED:
        return is_chunked ? CODING_REPEATED : CODING_BAD;
    case CODING_UNKNOWN:
    default:
        return CODING_BAD;
    }
}

enum coding_result
validate_coding(enum coding_result before, struct str value)
{
    struct str rest = value;

    if (value.len == 0)
        return before;
    while (rest.ptr != NULL)
        before = add_coding(before, list_next(&rest));
    return before;
}
