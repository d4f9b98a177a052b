/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches that look at nothing but the process: constants, environment, time, chance.
 *
 * Thread: traffic.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/entropy.h"
#include "weir/base/number.h"
#include "weir/config/conditional.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/telemetry/process.h"
#include "private.h"

static enum fetched
give_int(struct value *out, int64_t n)
{
    out->type = VALUE_INT;
    out->num = n;
    return FETCH_OK;
}

static enum fetched
give_str(struct value *out, struct str s)
{
    out->type = VALUE_STR;
    out->str = s;
    out->flags = VALUE_CONST;
    return FETCH_OK;
}

static enum fetched
run_constant(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    (void)eval;
    (void)args;
    out->type = VALUE_BOOL;
    out->num = fetch->private;
    return FETCH_OK;
}

static enum fetched
run_str(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    return give_str(out, args[0].str);
}

static enum fetched
run_int(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    give_int(out, args[0].num);
    out->type = (uint8_t)fetch->out;
    return FETCH_OK;
}

static bool
check_bool(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    (void)count;
    if (str_eq(args[0].str, STR("true")) || str_eq(args[0].str, STR("1")))
        args[0].num = 1;
    else if (!str_eq(args[0].str, STR("false")) && !str_eq(args[0].str, STR("0")))
        return error_set(err, "'true' or 'false' should stand here");
    return true;
}

static enum fetched
run_ip(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    out->type = (uint8_t)fetch->out;
    if (fetch->out == VALUE_IP4)
        out->ip4 = args[0].addr.ip4;
    else
        out->ip6 = args[0].addr.ip6;
    return FETCH_OK;
}

static enum fetched
run_env(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    return args[0].ptr == NULL ? FETCH_NONE : give_str(out, str_from(args[0].ptr));
}

/* Looked up once: traffic threads must not read what others may set. */
static bool
check_env(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    const char *value = getenv(args[0].str.ptr);

    (void)count;
    (void)err;
    args[0].ptr = value == NULL ? NULL : arena_copy(parse->arena, value);
    return true;
}

static enum fetched
run_date(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    int64_t unit = args[1].kind == ARG_END ? 1000000 : args[1].num;

    (void)eval;
    (void)fetch;
    return give_int(out, loop_here()->wall_us / unit + args[0].num);
}

static bool
check_date(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    if (count < 2)
        return true;
    args[1].num = str_eq(args[1].str, STR("s"))    ? 1000000
                  : str_eq(args[1].str, STR("ms")) ? 1000
                  : str_eq(args[1].str, STR("us")) ? 1
                                                   : 0;
    return args[1].num != 0 || error_set(err, "the unit is s, ms or us");
}

static enum fetched
run_rand(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    return give_int(out, args[0].kind == ARG_END ? (int64_t)(entropy_next() >> 33)
                                                 : (int64_t)entropy_below((uint64_t)args[0].num));
}

static bool
check_rand(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    return count == 0 || args[0].num > 0 || error_set(err, "the range must be positive");
}

static enum fetched
run_uuid(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    char *text = arena_take(eval->arena, 40);
    size_t len;

    (void)fetch;
    if (text == NULL)
        return FETCH_NONE;
    len = args[0].kind == ARG_INT && args[0].num == 7
              ? entropy_format_uuid7(text, loop_here()->wall_us)
              : entropy_format_uuid4(text);
    return give_str(out, str_of(text, len));
}

static bool
check_uuid(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    return count == 0 || args[0].num == 4 || args[0].num == 7 ||
           error_set(err, "the version is 4 or 7");
}

static enum fetched
run_process(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    static char host[256];

    (void)eval;
    (void)args;
    switch (fetch->private) {
    case 0:
        return give_int(out, thread_traffic_count());
    case 1:
        return give_int(out, this_thread == NULL ? 0 : this_thread->index);
    case 2:
        out->type = VALUE_BOOL;
        out->num = __atomic_load_n(&this_process.is_stopping, __ATOMIC_RELAXED);
        return FETCH_OK;
    case 3:
        return give_int(out, getpid());
    case 4:
        if (host[0] == '\0')
            gethostname(host, sizeof(host) - 1);
        return give_str(out, str_from(host));
    default:
        return give_int(out, 1);
    }
}

/* True once no more data will come. */
static enum fetched
run_wait_end(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    (void)fetch;
    (void)args;
    if (!eval->final)
        return FETCH_LATER;
    out->type = VALUE_BOOL;
    out->num = 1;
    return FETCH_OK;
}

static const struct fetch fetches[] = {
    { "always_true", VALUE_BOOL, PLACE_ANY, { { 0 } }, run_constant, 1, .help = "True." },
    { "always_false", VALUE_BOOL, PLACE_ANY, { { 0 } }, run_constant, 0, .help = "False." },
    { "str", VALUE_STR, PLACE_ANY, { { ARG_STR } }, run_str, .help = "This text." },
    { "int", VALUE_INT, PLACE_ANY, { { ARG_INT } }, run_int, .help = "This number." },
    { "bool",
      VALUE_BOOL,
      PLACE_ANY,
      { { ARG_STR } },
      run_int,
      .check = check_bool,
      .help = "This truth value." },
    { "ipv4", VALUE_IP4, PLACE_ANY, { { ARG_IP4 } }, run_ip, .help = "This address." },
    { "ipv6", VALUE_IP6, PLACE_ANY, { { ARG_IP6 } }, run_ip, .help = "This address." },
    { "env",
      VALUE_STR,
      PLACE_ANY,
      { { ARG_STR } },
      run_env,
      .check = check_env,
      .help = "An environment variable, as it was when the configuration was read." },
    { "date",
      VALUE_INT,
      PLACE_ANY,
      { { ARG_INT, true }, { ARG_STR, true } },
      run_date,
      .check = check_date,
      .help = "Seconds since 1970, with an offset; or ms, us." },
    { "rand",
      VALUE_INT,
      PLACE_ANY,
      { { ARG_INT, true } },
      run_rand,
      .check = check_rand,
      .help = "A random number, below the range if one is given." },
    { "uuid",
      VALUE_STR,
      PLACE_ANY,
      { { ARG_INT, true } },
      run_uuid,
      .check = check_uuid,
      .help = "A random UUID, version 4 or 7." },
    { "nbthread",
      VALUE_INT,
      PLACE_ANY,
      { { 0 } },
      run_process,
      0,
      .help = "How many traffic threads there are." },
    { "thread",
      VALUE_INT,
      PLACE_ANY,
      { { 0 } },
      run_process,
      1,
      .help = "The number of this thread." },
    { "stopping",
      VALUE_BOOL,
      PLACE_ANY,
      { { 0 } },
      run_process,
      2,
      .help = "Is the process stopping?" },
    { "pid", VALUE_INT, PLACE_ANY, { { 0 } }, run_process, 3, .help = "The process id." },
    { "hostname",
      VALUE_STR,
      PLACE_ANY,
      { { 0 } },
      run_process,
      4,
      .help = "The name of the machine." },
    { "wait_end",
      VALUE_BOOL,
      PLACE_FE_CONTENT | PLACE_BE_CONTENT | PLACE_FE_RES_CONTENT | PLACE_BE_RES_CONTENT,
      { { 0 } },
      run_wait_end,
      .help = "True at the end of the inspect-delay; makes rules wait for it." },
};
REGISTER(fetch, fetches);

static bool
is_on(void)
{
    return true;
}

static const struct feature features[] = {
    { "EPOLL", false, NULL },        { "POLL", false, NULL },
    { "THREAD", false, NULL },       { "PCRE2", false, NULL },
    { "PCRE2_JIT", false, NULL },    { "GETADDRINFO", false, NULL },
    { "ACCEPT4", false, NULL },      { "TFO", false, NULL },
    { "NS", false, NULL },           { "TPROXY", false, NULL },
    { "CRYPT_H", false, NULL },      { "LINUX_SPLICE", false, NULL },
    { "SYSTEMD", false, NULL },      { "EPOLL", true, is_on },
    { "POLL", true, is_on },         { "SPLICE", true, is_on },
    { "GETADDRINFO", true, is_on },  { "REUSEPORT", true, is_on },
    { "FAST-FORWARD", true, is_on },
};
REGISTER(feature, features);
