/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches about frontends and backends: names, numbers, loads; and the argument types that name
 * them.
 *
 * For:     rules and log formats.
 * Owns:    nothing.
 * Callers: expressions.
 * Thread:  any; counts of other threads are read while they run.
 */
#include <stddef.h>

#include "weir/expr/sample.h"
#include "weir/proxy/admission.h"
#include "weir/loop/loop.h"
#include "private.h"

#define RATE_PERIOD_MS 1000

static enum fetched
give_int(struct value *out, int64_t n)
{
    out->type = VALUE_INT;
    out->num = n;
    return FETCH_OK;
}

static enum fetched
give_name(struct value *out, const char *name)
{
    out->type = VALUE_STR;
    out->str = str_from(name);
    out->flags |= VALUE_CONST;
    return FETCH_OK;
}

/* --- argument types ------------------------------------------------------------------------ */

/* No name was given: the proxy for which the expression runs. */
static const struct proxy_conf here;

static void *
resolve_side(struct parse *parse, struct source_pos pos, struct str text, unsigned side,
             const char *what)
{
    struct proxy_conf *conf =
        text.len == 0 ? (struct proxy_conf *)&here : proxy_conf_find(parse->snapshot, text, side);

    if (conf == NULL)
        parse_alert_at(parse, pos, "there is no %s '%.*s'", what, STR_ARG(text));
    return conf;
}

static void *
resolve_frontend(struct parse *parse, struct source_pos pos, struct str text, void *proxy_conf)
{
    (void)proxy_conf;
    return resolve_side(parse, pos, text, SIDE_FRONT, "frontend");
}

static void *
resolve_backend(struct parse *parse, struct source_pos pos, struct str text, void *proxy_conf)
{
    (void)proxy_conf;
    return resolve_side(parse, pos, text, SIDE_BACK, "backend");
}

static const struct arg_type arg_types[] = {
    { "frontend", resolve_frontend },
    { "backend", resolve_backend },
};
REGISTER(arg_type, arg_types);

/* The named one, else where we are; NULL: not on that side. */
static const struct proxy *
front_of(const struct eval *eval, const struct arg *args)
{
    const struct proxy_conf *conf =
        args[0].ptr == &here ? eval->frontend : (const struct proxy_conf *)args[0].ptr;

    return conf == NULL ? NULL : conf->live;
}

static const struct proxy *
back_of(const struct eval *eval, const struct arg *args)
{
    const struct proxy_conf *conf =
        args[0].ptr == &here ? eval->backend : (const struct proxy_conf *)args[0].ptr;

    return conf == NULL || !proxy_conf_is_back(conf) ? NULL : conf->live;
}

/* --- names --------------------------------------------------------------------------------- */

enum { NAME_FRONT, NAME_BACK, NAME_DEFAULT };

static enum fetched
run_name(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct proxy_conf *conf = fetch->private == NAME_BACK ? eval->backend : eval->frontend;

    (void)args;
    if (conf != NULL && fetch->private == NAME_DEFAULT)
        conf = conf->default_backend;
    return conf == NULL ? FETCH_NONE : give_name(out, conf->name);
}

static enum fetched
run_id(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct proxy_conf *conf = fetch->private == NAME_BACK ? eval->backend : eval->frontend;

    (void)args;
    return conf == NULL ? FETCH_NONE : give_int(out, conf->id);
}

/* --- loads --------------------------------------------------------------------------------- */

static enum fetched
run_front_conn(struct eval *eval, const struct fetch *fetch, const struct arg *args,
               struct value *out)
{
    const struct proxy *proxy = front_of(eval, args);

    (void)fetch;
    return proxy == NULL
               ? FETCH_NONE
               : give_int(out, (int64_t)__atomic_load_n(&proxy->front_current, __ATOMIC_RELAXED));
}

static enum fetched
run_back_conn(struct eval *eval, const struct fetch *fetch, const struct arg *args,
              struct value *out)
{
    const struct proxy *proxy = back_of(eval, args);

    (void)fetch;
    return proxy == NULL
               ? FETCH_NONE
               : give_int(out, (int64_t)__atomic_load_n(&proxy->back_current, __ATOMIC_RELAXED));
}

static enum fetched
give_rate(struct value *out, const struct counter_rows *rows, size_t offset)
{
    int64_t sum = 0, now_ms = loop_now_ms(loop_here());

    for (unsigned i = 0; i < thread_count(); i++) {
        const char *row = counter_row_of(rows, i);

        if (row != NULL)
            sum += rate_read((const struct rate *)(row + offset), now_ms, RATE_PERIOD_MS);
    }
    return give_int(out, sum);
}

static enum fetched
run_front_rate(struct eval *eval, const struct fetch *fetch, const struct arg *args,
               struct value *out)
{
    const struct proxy *proxy = front_of(eval, args);

    return proxy == NULL ? FETCH_NONE
                         : give_rate(out, &proxy->front_counters, (size_t)fetch->private);
}

static enum fetched
run_back_rate(struct eval *eval, const struct fetch *fetch, const struct arg *args,
              struct value *out)
{
    const struct proxy *proxy = back_of(eval, args);

    return proxy == NULL ? FETCH_NONE
                         : give_rate(out, &proxy->back_counters, (size_t)fetch->private);
}

/* --- settings ------------------------------------------------------------------------------ */

#define OF_FRONT 0x1000 /* in .private, beside the offset in struct proxy_timeouts */

static enum fetched
run_timeout(struct eval *eval, const struct fetch *fetch, const struct arg *args,
            struct value *out)
{
    const struct proxy_conf *conf =
        (fetch->private & OF_FRONT) != 0 ? eval->frontend : eval->backend;

    (void)args;
    if (conf == NULL)
        return FETCH_NONE;
    return fetched_int(
        out, *(const int64_t *)((const char *)&conf->timeouts + (fetch->private & 0xfff)));
}

static enum fetched
run_retries(struct eval *eval, const struct fetch *fetch, const struct arg *args,
            struct value *out)
{
    (void)fetch;
    (void)args;
    return eval->backend == NULL ? FETCH_NONE : fetched_int(out, eval->backend->retries);
}

/* Sessions of the whole process. */
static enum fetched
run_all_conns(struct eval *eval, const struct fetch *fetch, const struct arg *args,
              struct value *out)
{
    (void)eval;
    (void)fetch;
    (void)args;
    return fetched_int(out, (int64_t)admission_current());
}

/* --- table --------------------------------------------------------------------------------- */

#define FRONT_ARG                                                                                  \
    {                                                                                              \
        {                                                                                          \
            ARG_NAMED, 1, "frontend"                                                               \
        }                                                                                          \
    }
#define BACK_ARG                                                                                   \
    {                                                                                              \
        {                                                                                          \
            ARG_NAMED, 1, "backend"                                                                \
        }                                                                                          \
    }
#define NO_ARG                                                                                     \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

#define TIMEOUT(name_, places_, member_, side_, help_)                                             \
    {                                                                                              \
        name_, VALUE_INT, places_, NO_ARG, run_timeout,                                            \
            (intptr_t)offsetof(struct proxy_timeouts, member_) | (side_), .help = help_            \
    }

static const struct fetch fetches[] = {
    TIMEOUT("fe_client_timeout", PLACE_L4, client_ms, OF_FRONT,
            "timeout client of the frontend, in ms."),
    TIMEOUT("fe_tarpit_timeout", PLACE_L4, tarpit_ms, OF_FRONT,
            "timeout tarpit of the frontend, in ms."),
    TIMEOUT("be_server_timeout", PLACE_BACKEND, server_ms, 0, "timeout server of the backend, in ms."),
    TIMEOUT("be_tunnel_timeout", PLACE_BACKEND, tunnel_ms, 0, "timeout tunnel of the backend, in ms."),
    TIMEOUT("be_connect_timeout", PLACE_BACKEND, connect_ms, 0,
            "timeout connect of the backend, in ms."),
    TIMEOUT("be_queue_timeout", PLACE_BACKEND, queue_ms, 0, "timeout queue of the backend, in ms."),
    TIMEOUT("be_tarpit_timeout", PLACE_BACKEND, tarpit_ms, 0, "timeout tarpit of the backend, in ms."),
    { "be_max_retries", VALUE_INT, PLACE_BACKEND, NO_ARG, run_retries,
      .help = "retries of the backend." },
    { "act_conn", VALUE_INT, PLACE_ANY, NO_ARG, run_all_conns,
      .help = "Sessions that the process has now." },
    { "fe_name", VALUE_STR, PLACE_L4, NO_ARG, run_name, NAME_FRONT, .help = "The frontend." },
    { "fe_defbe", VALUE_STR, PLACE_L4, NO_ARG, run_name, NAME_DEFAULT,
      .help = "The frontend's default backend." },
    { "fe_id", VALUE_INT, PLACE_L4, NO_ARG, run_id, NAME_FRONT, .help = "The frontend's number." },
    { "be_name", VALUE_STR, PLACE_BACKEND, NO_ARG, run_name, NAME_BACK, .help = "The backend." },
    { "be_id", VALUE_INT, PLACE_BACKEND, NO_ARG, run_id, NAME_BACK, .help = "The backend's number." },
    { "fe_conn", VALUE_INT, PLACE_RUNNING, FRONT_ARG, run_front_conn,
      .help = "Connections that the frontend has now." },
    { "be_conn", VALUE_INT, PLACE_RUNNING, BACK_ARG, run_back_conn,
      .help = "Streams that the backend has now." },
    { "fe_sess_rate", VALUE_INT, PLACE_RUNNING, FRONT_ARG, run_front_rate,
      offsetof(struct proxy_row, session_rate), .help = "New sessions per second." },
    { "fe_req_rate", VALUE_INT, PLACE_RUNNING, FRONT_ARG, run_front_rate,
      offsetof(struct proxy_row, request_rate), .help = "Requests per second." },
    { "be_sess_rate", VALUE_INT, PLACE_RUNNING, BACK_ARG, run_back_rate,
      offsetof(struct proxy_row, backend_rate), .help = "New streams per second." },
};
REGISTER(fetch, fetches);
