/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters of header values with a form of their own: Host, Accept-Language.
 *
 * Thread: traffic, inside an expression.
 */
#include <string.h>

#include "weir/base/number.h"
#include "private.h"

/* --- Host ----------------------------------------------------------------- */

/* Where the ':' before the port stands; the length where there is none. The colons of an IPv6
 * address stand in brackets. */
static size_t
port_colon(struct str s)
{
    const char *colon = s.len == 0 ? NULL : memrchr(s.ptr, ':', s.len);
    const char *bracket = s.len == 0 ? NULL : memrchr(s.ptr, ']', s.len);

    if (colon == NULL || (bracket != NULL && bracket > colon))
        return s.len;
    return (size_t)(colon - s.ptr);
}

static bool
run_host_only(struct eval *eval, const struct converter *conv, const struct arg *args,
              struct value *value)
{
    struct str host = str_slice(value->str, 0, port_colon(value->str));
    char *copy = arena_take(eval->arena, host.len + 1);

    (void)conv;
    (void)args;
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < host.len; i++)
        copy[i] = (char)(host.ptr[i] >= 'A' && host.ptr[i] <= 'Z' ? host.ptr[i] + 32
                                                                  : host.ptr[i]);
    value_set_str(value, str_of(copy, host.len));
    return true;
}

static bool
run_port_only(struct eval *eval, const struct converter *conv, const struct arg *args,
              struct value *value)
{
    struct str port = str_slice(value->str, port_colon(value->str) + 1, value->str.len);
    uint64_t n;

    (void)eval;
    (void)conv;
    (void)args;
    if (!number_read_digits(port, &n) || n > INT64_MAX)
        n = 0;
    value_set_int(value, (int64_t)n);
    return true;
}

/* --- Accept-Language ------------------------------------------------------ */

/* "0.5" in thousandths; 1000 where there is none, or none that can be read. */
static int
read_weight(struct str rest)
{
    while (rest.ptr != NULL) {
        struct str param = str_trim(str_split(&rest, ';')), name = str_trim(str_split(&param, '='));
        int weight, unit = 100;

        param = str_trim(param);
        if (!str_eq_nocase(name, STR("q")) || param.len == 0)
            continue;
        if (param.ptr[0] != '0' && param.ptr[0] != '1')
            return 1000;
        weight = (param.ptr[0] - '0') * 1000;
        for (size_t i = 2; i < param.len && param.ptr[i] >= '0' && param.ptr[i] <= '9'; i++) {
            weight += (param.ptr[i] - '0') * unit;
            unit /= 10;
        }
        return weight > 1000 ? 1000 : weight;
    }
    return 1000;
}

/* One of "fr;en": the language with its variant, else without. */
static bool
find_language(struct str known, struct str wanted, struct str *out)
{
    struct str rest = known, base = wanted;
    long dash = str_find_char(wanted, '-');
    bool has_base = false;

    if (dash >= 0)
        base.len = (size_t)dash;
    while (rest.ptr != NULL) {
        struct str language = str_split(&rest, ';');

        if (str_eq(language, wanted)) {
            *out = language;
            return true;
        }
        if (!has_base && str_eq(language, base)) {
            *out = language;
            has_base = true;
        }
    }
    return has_base;
}

static bool
run_language(struct eval *eval, const struct converter *conv, const struct arg *args,
             struct value *value)
{
    struct str rest = value->str, best = STR_NONE;
    int best_weight = 0;

    (void)eval;
    (void)conv;
    while (rest.ptr != NULL) {
        struct str item = str_trim(str_split(&rest, ',')), tag = str_trim(str_split(&item, ';'));
        int weight = read_weight(item);
        struct str language = STR_NONE;

        if (weight <= best_weight || !find_language(args[0].str, tag, &language))
            continue;
        best = language;
        best_weight = weight;
    }
    if (best.ptr == NULL && arg_is_given(&args[1]))
        best = args[1].str;
    value_set_str(value, best);
    return best.ptr != NULL;
}

static const struct converter converters[] = {
    { "host_only", VALUE_STR, VALUE_STR, { { 0 } }, run_host_only,
      .help = "The host of a Host field, in small letters, without the port." },
    { "port_only", VALUE_STR, VALUE_INT, { { 0 } }, run_port_only,
      .help = "The port of a Host field; 0: none." },
    { "language", VALUE_STR, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_language,
      .help = "The one of these languages (fr;en) that an Accept-Language field likes best." },
};
REGISTER(converter, converters);
