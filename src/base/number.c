/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as people write them: integers, sizes, durations.
 *
 * For:     values of the configuration and of commands (with messages that
 *          teach), and lengths on the wire (number_read_digits).
 * Owns:    nothing.
 * Callers: everybody.
 * Thread:  any; all functions are pure.
 */
#include "weir/base/number.h"

#include <inttypes.h>

/* Timers count milliseconds in 31 bits: about 24.8 days. */
#define TIME_MAX_MS INT32_MAX

struct time_unit {
    const char *name;
    uint64_t us;
};

static const struct time_unit time_units[] = {
    { "us", 1 },
    { "ms", 1000 },
    { "s", 1000000 },
    { "m", 60 * 1000000 },
    { "h", 3600 * 1000000ull },
    { "d", 86400 * 1000000ull },
};

bool
number_read_digits(struct str s, uint64_t *out)
{
    uint64_t n = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, digit, &n))
            return false;
    }
    *out = n;
    return true;
}

/* Takes the digits off the front of `*s`. False when there are none or too many of them. */
static bool
take_digits(struct str *s, uint64_t *out)
{
    size_t len = 0;

    while (len < s->len && s->ptr[len] >= '0' && s->ptr[len] <= '9')
        len++;
    if (!number_read_digits(str_of(s->ptr, len), out))
        return false;
    *s = str_slice(*s, len, s->len);
    return true;
}

static bool
has_digit_first(struct str s)
{
    return s.len > 0 && s.ptr[0] >= '0' && s.ptr[0] <= '9';
}

/* Says which of the two went wrong: not a number at all, or one with too many digits. */
static bool
refuse_digits(struct str s, const char *expected, struct error *err)
{
    if (has_digit_first(s))
        return error_set(err, "'%.*s' is too large", STR_ARG(s));
    return error_set(err, "'%.*s' is not %s", STR_ARG(s), expected);
}

bool
number_parse_int(struct str s, int64_t min, int64_t max, int64_t *out, struct error *err)
{
    bool is_negative = s.len > 0 && s.ptr[0] == '-';
    bool has_sign = is_negative || (s.len > 0 && s.ptr[0] == '+');
    struct str digits = has_sign ? str_slice(s, 1, s.len) : s;
    uint64_t limit = (uint64_t)INT64_MAX + is_negative;
    uint64_t n = 0;
    int64_t value;

    if (!take_digits(&digits, &n) && !has_digit_first(digits))
        return error_set(err, "'%.*s' is not an integer", STR_ARG(s));
    if (has_digit_first(digits) || n > limit)
        return error_set(err, "'%.*s' is out of range (%" PRId64 " to %" PRId64 ")", STR_ARG(s),
                         min, max);
    if (digits.len > 0)
        return error_set(err, "unexpected character '%c' in integer '%.*s'", digits.ptr[0],
                         STR_ARG(s));
    value = is_negative ? (int64_t)(0 - n) : (int64_t)n;
    if (value < min || value > max)
        return error_set(err, "'%.*s' is out of range (%" PRId64 " to %" PRId64 ")", STR_ARG(s),
                         min, max);
    *out = value;
    return true;
}

/* The shift of a size unit; -1 when the letter is none. */
static int
size_shift(char unit)
{
    switch (unit) {
    case 'k':
    case 'K':
        return 10;
    case 'm':
    case 'M':
        return 20;
    case 'g':
    case 'G':
        return 30;
    default:
        return -1;
    }
}

bool
number_parse_size(struct str s, uint64_t *out_bytes, struct error *err)
{
    struct str rest = s;
    uint64_t n;
    int shift = 0;

    if (!take_digits(&rest, &n))
        return refuse_digits(s, "a size: expected digits, then k, m or g", err);
    if (rest.len > 0)
        shift = size_shift(rest.ptr[0]);
    if (shift == -1 || rest.len > 1)
        return error_set(err, "unexpected '%.*s' in size '%.*s': expected k, m or g", STR_ARG(rest),
                         STR_ARG(s));
    if (n > UINT64_MAX >> shift)
        return error_set(err, "size '%.*s' is too large", STR_ARG(s));
    *out_bytes = n << shift;
    return true;
}

/* NULL when there is no such unit. */
static const struct time_unit *
find_time_unit(struct str name)
{
    for (size_t i = 0; i < sizeof(time_units) / sizeof(time_units[0]); i++) {
        if (str_eq(name, str_from(time_units[i].name)))
            return &time_units[i];
    }
    return NULL;
}

bool
number_parse_time(struct str s, const char *default_unit, int64_t *out_ms, struct error *err)
{
    const struct time_unit *unit;
    struct str rest = s;
    uint64_t n, us;

    if (!take_digits(&rest, &n))
        return refuse_digits(s, "a time: expected digits, then us, ms, s, m, h or d", err);
    unit = find_time_unit(rest.len > 0 ? rest : str_from(default_unit));
    if (unit == NULL)
        return error_set(err, "unexpected '%.*s' in time '%.*s': expected us, ms, s, m, h or d",
                         STR_ARG(rest), STR_ARG(s));
    if (__builtin_mul_overflow(n, unit->us, &us) || us > TIME_MAX_MS * 1000ull)
        return error_set(err, "time '%.*s' overflows: the most is %d ms (about 24.8 days)",
                         STR_ARG(s), TIME_MAX_MS);
    *out_ms = (int64_t)((us + 999) / 1000);
    return true;
}

size_t
number_format(char *to, uint64_t n)
{
    char digits[20];
    size_t len = 0;

    do {
        digits[len++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    for (size_t i = 0; i < len; i++)
        to[i] = digits[len - 1 - i];
    return len;
}

size_t
number_format_int(char *to, int64_t n)
{
    if (n >= 0)
        return number_format(to, (uint64_t)n);
    *to = '-';
    return 1 + number_format(to + 1, 0 - (uint64_t)n);
}

size_t
number_format_hex(char *to, uint64_t n)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = n == 0 ? 1 : (size_t)(64 - __builtin_clzll(n) + 3) / 4;

    for (size_t i = len; i > 0; i--) {
        to[i - 1] = digits[n & 15];
        n >>= 4;
    }
    return len;
}
