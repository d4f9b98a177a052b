/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches about servers, and about what the servers of a backend can take; the argument type that
 * names a server.
 *
 * For:     rules and log formats.
 * Owns:    nothing.
 * Callers: expressions.
 * Thread:  any; reads the published set and counts that others change.
 */
#include <stddef.h>

#include "weir/expr/sample.h"
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

/* --- argument: [backend/]server --------------------------------------------------------------- */

static void *
resolve_server(struct parse *parse, struct source_pos pos, struct str text, void *proxy_conf)
{
    struct proxy_conf *conf = proxy_conf;
    struct str name = text;

    if (str_find_char(text, '/') >= 0) {
        struct str backend = str_split(&name, '/');

        conf = proxy_conf_find(parse->snapshot, backend, SIDE_BACK);
    }
    if (conf != NULL) {
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
            if (str_eq(str_from(srv->name), name))
                return srv;
        }
    }
    parse_alert_at(parse, pos, "there is no server '%.*s'", STR_ARG(text));
    return NULL;
}

static const struct arg_type arg_types[] = { { "server", resolve_server } };
REGISTER(arg_type, arg_types);

/* --- one server ------------------------------------------------------------------------------- */

static enum fetched
run_name(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    (void)args;
    if (eval->server == NULL)
        return FETCH_NONE;
    out->type = VALUE_STR;
    out->str = str_from(eval->server->name);
    return FETCH_OK;
}

static enum fetched
run_id(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    (void)args;
    return eval->server == NULL ? FETCH_NONE : give_int(out, eval->server->id);
}

static bool
is_up(const struct server *srv)
{
    return server_takes_persistent(srv);
}

enum { SRV_CONN, SRV_CONN_FREE, SRV_QUEUE, SRV_IWEIGHT, SRV_UWEIGHT, SRV_WEIGHT };

/* -1: no limit */
static int64_t
free_slots(const struct server *srv)
{
    int64_t max = __atomic_load_n(&srv->maxconn, __ATOMIC_RELAXED);
    int64_t now = __atomic_load_n(&srv->current, __ATOMIC_RELAXED);

    return max == 0 ? -1 : max > now ? max - now : 0;
}

static int64_t
queued(const struct queue *queue)
{
    return __atomic_load_n(&queue->length, __ATOMIC_RELAXED);
}

static enum fetched
run_number(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct server_conf *conf = args[0].ptr;
    const struct server *srv = conf->live;

    (void)eval;
    switch (fetch->private) {
    case SRV_CONN:
        return give_int(out, __atomic_load_n(&srv->current, __ATOMIC_RELAXED));
    case SRV_CONN_FREE:
        return give_int(out, free_slots(srv));
    case SRV_QUEUE:
        return give_int(out, queued(&srv->queue));
    case SRV_IWEIGHT:
        return give_int(out, conf->weight);
    case SRV_UWEIGHT:
        return give_int(out, __atomic_load_n(&srv->user_weight, __ATOMIC_RELAXED));
    default:
        return give_int(out, __atomic_load_n(&srv->effective_weight, __ATOMIC_RELAXED));
    }
}

static enum fetched
run_is_up(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct server_conf *conf = args[0].ptr;

    (void)eval;
    (void)fetch;
    out->type = VALUE_BOOL;
    out->num = is_up(conf->live);
    return FETCH_OK;
}

static enum fetched
run_rate(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct server *srv = ((const struct server_conf *)args[0].ptr)->live;
    int64_t sum = 0, now_ms = loop_now_ms(loop_here());

    (void)eval;
    (void)fetch;
    for (unsigned i = 0; i < thread_count(); i++) {
        const struct server_row *row = counter_row_of(&srv->counters, i);

        if (row != NULL)
            sum += rate_read(&row->session_rate, now_ms, RATE_PERIOD_MS);
    }
    return give_int(out, sum);
}

/* --- the servers of a backend ----------------------------------------------------------------- */

static int64_t
all_queued(const struct proxy *backend, const struct server_set *set)
{
    int64_t sum = queued(&backend->back->queue);

    for (unsigned i = 0; i < set->all_count; i++)
        sum += queued(&set->all[i]->queue);
    return sum;
}

/* Free slots of the usable servers, and free places in their lines; -1: no limit somewhere. */
static int64_t
all_free(const struct server_set *set, bool with_queues)
{
    int64_t sum = 0;

    for (unsigned i = 0; i < set->usable_count; i++) {
        const struct server *srv = set->usable[i];
        const struct server_conf *conf = __atomic_load_n(&srv->conf, __ATOMIC_CONSUME);
        int64_t slots = free_slots(srv);

        if (slots < 0 || conf == NULL || (with_queues && conf->maxqueue == 0))
            return -1;
        sum += slots;
        if (with_queues && conf->maxqueue > queued(&srv->queue))
            sum += conf->maxqueue - queued(&srv->queue);
    }
    return sum;
}

/* All that wait, for each usable server; rounded up. */
static int64_t
average_queue(const struct proxy *backend, const struct server_set *set)
{
    int64_t waiting = all_queued(backend, set);

    if (set->usable_count == 0)
        return waiting * 2;
    return (waiting + set->usable_count - 1) / set->usable_count;
}

enum { BACK_USABLE, BACK_QUEUE, BACK_AVERAGE_QUEUE, BACK_FREE, BACK_SLOTS };

static int64_t
back_number(const struct proxy *backend, intptr_t what)
{
    const struct server_set *set = server_set_read(backend);

    switch (what) {
    case BACK_USABLE:
        return set->usable_count;
    case BACK_QUEUE:
        return all_queued(backend, set);
    case BACK_AVERAGE_QUEUE:
        return average_queue(backend, set);
    case BACK_FREE:
        return all_free(set, false);
    default:
        return all_free(set, true);
    }
}

static enum fetched
run_back(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct proxy_conf *conf =
        args[0].kind == ARG_NAMED ? (const struct proxy_conf *)args[0].ptr : eval->backend;

    if (conf == NULL || !proxy_conf_is_back(conf))
        return FETCH_NONE;
    return give_int(out, back_number(conf->live, fetch->private));
}

/* --- converters: names known only at run time ---------------------------------------------------
 */

static const struct server *
find_server(const struct eval *eval, struct str name)
{
    const struct proxy_conf *conf = eval->backend;
    const struct server_set *set;

    if (str_find_char(name, '/') >= 0) {
        struct str backend = str_split(&name, '/');

        conf = proxy_conf_find(eval->snapshot, backend, SIDE_BACK);
    }
    if (conf == NULL || !proxy_conf_is_back(conf))
        return NULL;
    set = server_set_read(conf->live);
    for (unsigned i = 0; i < set->all_count; i++) {
        if (str_eq(str_from(set->all[i]->name), name))
            return set->all[i];
    }
    return NULL;
}

static bool
convert_nbsrv(struct eval *eval, const struct converter *conv, const struct arg *args,
              struct value *value)
{
    const struct proxy_conf *conf = proxy_conf_find(eval->snapshot, value->str, SIDE_BACK);

    (void)conv;
    (void)args;
    return conf != NULL && give_int(value, back_number(conf->live, BACK_USABLE)) == FETCH_OK;
}

static bool
convert_server(struct eval *eval, const struct converter *conv, const struct arg *args,
               struct value *value)
{
    const struct server *srv = find_server(eval, value->str);

    (void)args;
    if (srv == NULL)
        return false;
    give_int(value, conv->out == VALUE_BOOL ? is_up(srv) : queued(&srv->queue));
    value->type = conv->out;
    return true;
}

/* --- tables -------------------------------------------------------------------------------------
 */

#define SERVER_KNOWN                                                                               \
    (PLACE_BE_CONNECT | PLACE_BE_RES_CONTENT | PLACE_BE_RESPONSE | PLACE_BE_RESPONSE_BODY |        \
     PLACE_BE_STORE | PLACE_FE_RES_CONTENT | PLACE_FE_RESPONSE | PLACE_FE_RESPONSE_BODY |          \
     PLACE_FE_LOG | PLACE_CHECK)
#define NO_ARG                                                                                     \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define SERVER_ARG                                                                                 \
    {                                                                                              \
        {                                                                                          \
            ARG_NAMED, 0, "server"                                                                 \
        }                                                                                          \
    }
#define BACK_ARG                                                                                   \
    {                                                                                              \
        {                                                                                          \
            ARG_NAMED, 1, "backend"                                                                \
        }                                                                                          \
    }

static const struct fetch fetches[] = {
    { "srv_name", VALUE_STR, SERVER_KNOWN, NO_ARG, run_name, .help = "The server." },
    { "srv_id", VALUE_INT, SERVER_KNOWN, NO_ARG, run_id, .help = "The server's number." },
    { "srv_is_up", VALUE_BOOL, PLACE_RUNNING, SERVER_ARG, run_is_up,
      .help = "Is it neither down nor in maintenance?" },
    { "srv_conn", VALUE_INT, PLACE_RUNNING, SERVER_ARG, run_number, SRV_CONN,
      .help = "Streams that the server has now." },
    { "srv_conn_free", VALUE_INT, PLACE_RUNNING, SERVER_ARG, run_number, SRV_CONN_FREE,
      .help = "Streams that it can still take; -1: no limit." },
    { "srv_queue", VALUE_INT, PLACE_RUNNING, SERVER_ARG, run_number, SRV_QUEUE,
      .help = "Streams that wait for it." },
    { "srv_iweight", VALUE_INT, PLACE_RUNNING, SERVER_ARG, run_number, SRV_IWEIGHT,
      .help = "Its weight in the configuration." },
    { "srv_uweight", VALUE_INT, PLACE_RUNNING, SERVER_ARG, run_number, SRV_UWEIGHT,
      .help = "Its weight as it was set last." },
    { "srv_weight", VALUE_INT, PLACE_RUNNING, SERVER_ARG, run_number, SRV_WEIGHT,
      .help = "Its weight now: less while it starts slowly." },
    { "srv_sess_rate", VALUE_INT, PLACE_RUNNING, SERVER_ARG, run_rate,
      .help = "New streams per second." },
    { "nbsrv", VALUE_INT, PLACE_RUNNING, BACK_ARG, run_back, BACK_USABLE, .help = "Usable servers." },
    { "queue", VALUE_INT, PLACE_RUNNING, BACK_ARG, run_back, BACK_QUEUE,
      .help = "Streams that wait for a server." },
    { "avg_queue", VALUE_INT, PLACE_RUNNING, BACK_ARG, run_back, BACK_AVERAGE_QUEUE,
      .help = "The same, for each usable server." },
    { "be_conn_free", VALUE_INT, PLACE_RUNNING, BACK_ARG, run_back, BACK_FREE,
      .help = "Streams that the usable servers can still take; -1: no limit." },
    { "connslots", VALUE_INT, PLACE_RUNNING, BACK_ARG, run_back, BACK_SLOTS,
      .help = "The same, with the free places of their lines; -1: no limit." },
};
REGISTER(fetch, fetches);

static const struct converter converters[] = {
    { "nbsrv", VALUE_STR, VALUE_INT, NO_ARG, convert_nbsrv,
      .help = "Usable servers of the named backend." },
    { "srv_is_up", VALUE_STR, VALUE_BOOL, NO_ARG, convert_server,
      .help = "Is the named server neither down nor in maintenance?" },
    { "srv_queue", VALUE_STR, VALUE_INT, NO_ARG, convert_server,
      .help = "Streams that wait for the named server." },
};
REGISTER(converter, converters);
