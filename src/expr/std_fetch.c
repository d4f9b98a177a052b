/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches that look at nothing: constants, environment, time, chance.
 *
 * Thread: traffic.
 */
#include <string.h>

#include "weir/base/encode.h"
#include "weir/base/entropy.h"
#include "weir/base/number.h"
#include "weir/config/environment.h"
#include "weir/loop/loop.h"
#include "private.h"

/* --- constants ------------------------------------------------------------ */

static enum fetched
run_truth(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)args;
    return fetched_bool(out, fetch->private != 0);
}

static enum fetched
run_str(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    return fetched_str(out, args[0].str);
}

static enum fetched
run_int(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    return fetched_int(out, args[0].num);
}

static enum fetched
run_bool(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    return fetched_bool(out, args[0].num != 0);
}

static bool
check_bool(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    (void)count;
    args[0].num = str_eq_nocase(args[0].str, STR("true")) || str_eq(args[0].str, STR("1"));
    return args[0].num != 0 || str_eq_nocase(args[0].str, STR("false")) ||
           str_eq(args[0].str, STR("0")) || error_set(err, "'true' or 'false' should stand here");
}

static enum fetched
run_bin(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    return fetched_bin(out, args[0].str);
}

static bool
check_bin(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    char *bytes = arena_zero(parse->arena, args[0].str.len / 2 + 1);
    size_t len;

    (void)count;
    if (!hex_decode(bytes, &len, args[0].str))
        return error_set(err, "'%s' is not pairs of hexadecimal digits", args[0].str.ptr);
    args[0].str = str_of(bytes, len);
    return true;
}

static enum fetched
run_ip(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    return fetched_addr(out, &args[0].addr);
}

/* --- environment ---------------------------------------------------------- */

static enum fetched
run_env(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    return fetched_str(out, str_from(args[0].ptr));
}

/* Looked up once: traffic threads must not read what others may set. */
static bool
check_env(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    const char *value = environment_find(parse->snapshot, args[0].str.ptr);

    (void)count;
    (void)err;
    args[0].ptr = value == NULL ? NULL : arena_copy(parse->arena, value);
    return true;
}

/* --- time ----------------------------------------------------------------- */

/* Where there is no loop (the configuration sets variables) the evaluation says what time it is. */
static int64_t
wall_us(const struct eval *eval)
{
    const struct loop *loop = loop_here();

    return loop == NULL ? eval->now_us : loop->wall_us;
}

/* args[1].num: units of a second */
static enum fetched
run_date(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    return fetched_int(out, wall_us(eval) / (1000000 / args[1].num) + args[0].num);
}

static bool
check_date(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    struct str unit = args[1].str;

    (void)parse;
    (void)count;
    args[1].num = 1;
    if (!arg_is_given(&args[1]) || str_eq(unit, STR("s")))
        return true;
    args[1].num = str_eq(unit, STR("ms")) ? 1000 : str_eq(unit, STR("us")) ? 1000000 : 0;
    return args[1].num != 0 || error_set(err, "unknown unit '%s'; known are s, ms and us",
                                         unit.ptr);
}

static enum fetched
run_date_us(struct eval *eval, const struct fetch *fetch, const struct arg *args,
            struct value *out)
{
    (void)fetch;
    (void)args;
    return fetched_int(out, wall_us(eval) % 1000000);
}

/* True once no more data will come. Only rules that look at contents wait for it. */
static enum fetched
run_wait_end(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    const unsigned contents =
        PLACE_FE_CONTENT | PLACE_BE_CONTENT | PLACE_FE_RES_CONTENT | PLACE_BE_RES_CONTENT;

    (void)fetch;
    (void)args;
    if ((eval->place & contents) != 0 && !eval->final)
        return FETCH_LATER;
    return fetched_bool(out, true);
}

/* --- chance --------------------------------------------------------------- */

static enum fetched
run_rand(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    return fetched_int(out, arg_is_given(&args[0])
                                ? (int64_t)entropy_below((uint64_t)args[0].num)
                                : (int64_t)(entropy_next() >> 32));
}

static bool
check_rand(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    return count == 0 || !arg_is_given(&args[0]) || args[0].num > 0 ||
           error_set(err, "the range must be positive");
}

static enum fetched
run_uuid(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    char text[UUID_LEN];
    size_t len = args[0].num == 7 ? entropy_format_uuid7(text, wall_us(eval))
                                  : entropy_format_uuid4(text);

    (void)fetch;
    return value_set_copy(out, VALUE_STR, eval->arena, text, len) ? FETCH_OK : FETCH_NONE;
}

static bool
check_uuid(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    return count == 0 || !arg_is_given(&args[0]) || args[0].num == 4 || args[0].num == 7 ||
           error_set(err, "the version is 4 or 7");
}

#define NO_ARG                                                                                     \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static const struct fetch fetches[] = {
    { "always_true", VALUE_BOOL, PLACE_ANY, NO_ARG, run_truth, 1, .help = "True." },
    { "always_false", VALUE_BOOL, PLACE_ANY, NO_ARG, run_truth, 0, .help = "False." },
    { "str", VALUE_STR, PLACE_ANY, { { ARG_STR } }, run_str, .help = "This text." },
    { "int", VALUE_INT, PLACE_ANY, { { ARG_INT } }, run_int, .help = "This number." },
    { "bool", VALUE_BOOL, PLACE_ANY, { { ARG_STR } }, run_bool, 0, check_bool,
      "This truth value: true or false." },
    { "bin", VALUE_BIN, PLACE_ANY, { { ARG_STR } }, run_bin, 0, check_bin,
      "These bytes, in hexadecimal digits." },
    { "ipv4", VALUE_IP4, PLACE_ANY, { { ARG_IP4 } }, run_ip, .help = "This address." },
    { "ipv6", VALUE_IP6, PLACE_ANY, { { ARG_IP6 } }, run_ip, .help = "This address." },
    { "env", VALUE_STR, PLACE_ANY, { { ARG_STR } }, run_env, 0, check_env,
      "An environment variable, as it was when the configuration was read." },
    { "date", VALUE_INT, PLACE_ANY, { { ARG_INT, true }, { ARG_STR, true } }, run_date, 0,
      check_date, "Seconds since 1970, with an offset; or milliseconds (ms), microseconds (us)." },
    { "date_us", VALUE_INT, PLACE_ANY, NO_ARG, run_date_us,
      .help = "The microseconds of the current second." },
    { "rand", VALUE_INT, PLACE_ANY, { { ARG_INT, true } }, run_rand, 0, check_rand,
      "A random number of 32 bits, or below the range given." },
    { "uuid", VALUE_STR, PLACE_ANY, { { ARG_INT, true } }, run_uuid, 0, check_uuid,
      "A unique id, version 4 (random) or 7 (begins with the time)." },
    { "wait_end", VALUE_BOOL, PLACE_ANY & ~(unsigned)PLACE_CONFIG, NO_ARG, run_wait_end,
      .help = "True at the end of the inspect-delay; makes rules wait for it." },
};
REGISTER(fetch, fetches);
