/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches about the session and its two ends: the listener, versions, streams of a connection,
 * places in queues.
 *
 * Thread: traffic, inside a rule.
 */
#include <stdio.h>
#include <string.h>

#include "weir/expr/sample.h"
#include "weir/mux/mux.h"

#include "private.h"

#define BACK_PLACES (PLACE_HTTP_RESPONSE | PLACE_FE_LOG)
#define IN_STREAM                                                                                  \
    (PLACE_L4 & ~(PLACE_FE_CONNECTION | PLACE_FE_SESSION))
#define NO_ARG                                                                                     \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* --- the listener ----------------------------------------------------------------------------- */

static const struct bind_conf *
bind_of(const struct eval *eval)
{
    if (eval->session == NULL || eval->session->listener == NULL)
        return NULL;
    return grace_read(eval->session->listener->conf);
}

static enum fetched
run_socket_id(struct eval *eval, const struct fetch *fetch, const struct arg *args,
              struct value *out)
{
    (void)fetch;
    (void)args;
    if (bind_of(eval) == NULL)
        return FETCH_NONE;
    return fetched_int(out, session_listener_id(eval->session));
}

static enum fetched
run_socket_name(struct eval *eval, const struct fetch *fetch, const struct arg *args,
                struct value *out)
{
    const struct bind_conf *bind = bind_of(eval);

    (void)fetch;
    (void)args;
    return bind == NULL || bind->name == NULL ? FETCH_NONE : fetched_str(out, str_from(bind->name));
}

static enum fetched
run_socket_conns(struct eval *eval, const struct fetch *fetch, const struct arg *args,
                 struct value *out)
{
    (void)fetch;
    (void)args;
    if (eval->session == NULL || eval->session->listener == NULL)
        return FETCH_NONE;
    return fetched_int(out, __atomic_load_n(&eval->session->listener->current, __ATOMIC_RELAXED));
}

/* --- the two connections ------------------------------------------------------------------------ */

enum { FRONT_SIDE, BACK_SIDE };

/* NULL: there is none. */
static const struct mux_conn *
mux_of(const struct eval *eval, const struct fetch *fetch)
{
    if (fetch->private == BACK_SIDE)
        return eval->back == NULL ? NULL : eval->back->mux_conn;
    return eval->session == NULL ? NULL : eval->session->mux;
}

static enum fetched
run_major(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct mux_conn *mc = mux_of(eval, fetch);

    (void)args;
    if (mc == NULL)
        return FETCH_NONE;
    return fetched_int(out, strcmp(mc->mux->name, "h2") == 0 ? 2 : 1);
}

static enum fetched
run_streams(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct mux_conn *mc = mux_of(eval, fetch);

    (void)args;
    return mc == NULL ? FETCH_NONE : fetched_int(out, mc->streams);
}

/* HTTP/1 and TCP have one stream at a time, and end with the first oddity. False: no connection. */
static bool
read_facts(const struct eval *eval, const struct fetch *fetch, struct mux_facts *facts)
{
    const struct mux_conn *mc = mux_of(eval, fetch);
    const struct endpoint *ep = fetch->private == BACK_SIDE ? eval->back : eval->front;

    *facts = (struct mux_facts){ .most_streams = 1 };
    if (mc != NULL && mc->mux->facts != NULL)
        mc->mux->facts(mc, ep, facts);
    return mc != NULL;
}

static enum fetched
run_stream_limit(struct eval *eval, const struct fetch *fetch, const struct arg *args,
                 struct value *out)
{
    struct mux_facts facts;

    (void)args;
    return read_facts(eval, fetch, &facts) ? fetched_int(out, facts.most_streams) : FETCH_NONE;
}

static enum fetched
run_glitches(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    struct mux_facts facts;

    (void)args;
    return read_facts(eval, fetch, &facts) ? fetched_int(out, facts.glitches) : FETCH_NONE;
}

static enum fetched
run_stream_id(struct eval *eval, const struct fetch *fetch, const struct arg *args,
              struct value *out)
{
    struct mux_facts facts;

    (void)args;
    return read_facts(eval, fetch, &facts) ? fetched_int(out, facts.stream_id) : FETCH_NONE;
}

static enum fetched
run_no_value(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    (void)eval;
    (void)fetch;
    (void)args;
    (void)out;
    return FETCH_NONE;
}

static enum fetched
run_debug_text(struct eval *eval, const struct fetch *fetch, const struct arg *args,
               struct value *out)
{
    const struct mux_conn *mc = mux_of(eval, fetch);
    const struct endpoint *ep = fetch->private == BACK_SIDE ? eval->back : eval->front;
    char text[160];

    (void)args;
    if (mc == NULL || ep == NULL)
        return FETCH_NONE;
    snprintf(text, sizeof(text), "mux=%s streams=%u ep.flags=0x%x conn.flags=0x%x fd=%d",
             mc->mux->name, mc->streams, ep->flags, mc->conn->flags, mc->conn->fd);
    return value_set_copy(out, VALUE_STR, eval->arena, text, strlen(text)) ? FETCH_OK : FETCH_NONE;
}

/* --- the stream ----------------------------------------------------------------------------------- */

static enum fetched
run_priority(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    (void)args;
    if (eval->stream == NULL)
        return FETCH_NONE;
    return fetched_int(out, fetch->private == 0 ? eval->stream->queue_entry.priority_class
                                                : eval->stream->queue_entry.offset_ms);
}

static enum fetched
run_is_http(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    (void)args;
    return eval->stream == NULL ? FETCH_NONE : fetched_bool(out, stream_is_http(eval->stream));
}

static enum fetched
run_no(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)fetch;
    (void)args;
    return fetched_bool(out, false);
}

static const struct fetch fetches[] = {
    { "so_id", VALUE_INT, PLACE_L4, NO_ARG, run_socket_id, .help = "Number of the bind line." },
    { "so_name", VALUE_STR, PLACE_L4, NO_ARG, run_socket_name, .help = "Name of the bind line." },
    { "dst_conn", VALUE_INT, PLACE_L4, NO_ARG, run_socket_conns,
      .help = "Connections that the same listening address has now." },
    { "fc_http_major", VALUE_INT, PLACE_L4, NO_ARG, run_major, FRONT_SIDE,
      .help = "The client speaks HTTP/1 (also TCP) or 2." },
    { "bc_http_major", VALUE_INT, BACK_PLACES, NO_ARG, run_major, BACK_SIDE,
      .help = "The server speaks HTTP/1 (also TCP) or 2." },
    { "fc_nb_streams", VALUE_INT, PLACE_L4, NO_ARG, run_streams, FRONT_SIDE,
      .help = "Streams on the client's connection now." },
    { "bc_nb_streams", VALUE_INT, BACK_PLACES, NO_ARG, run_streams, BACK_SIDE,
      .help = "Streams on the server's connection now." },
    { "fc_settings_streams_limit", VALUE_INT, PLACE_L4, NO_ARG, run_stream_limit, FRONT_SIDE,
      .help = "How many streams the client's connection may have at a time." },
    { "bc_settings_streams_limit", VALUE_INT, BACK_PLACES, NO_ARG, run_stream_limit, BACK_SIDE,
      .help = "How many streams the server's connection may have at a time." },
    { "fc_glitches", VALUE_INT, PLACE_L4, NO_ARG, run_glitches, FRONT_SIDE,
      .help = "Oddities of the client's framing; none in HTTP/1." },
    { "bc_glitches", VALUE_INT, BACK_PLACES, NO_ARG, run_glitches, BACK_SIDE,
      .help = "Oddities of the server's framing; none in HTTP/1." },
    { "fs.id", VALUE_INT, IN_STREAM, NO_ARG, run_stream_id, FRONT_SIDE,
      .help = "Number of the stream on the client's connection; 0 but for HTTP/2." },
    { "bs.id", VALUE_INT, BACK_PLACES, NO_ARG, run_stream_id, BACK_SIDE,
      .help = "Number of the stream on the server's connection; 0 but for HTTP/2." },
    { "fs.rst_code", VALUE_INT, IN_STREAM, NO_ARG, run_no_value,
      .help = "With which code the client reset the stream; no value unless HTTP/2 did." },
    { "bs.rst_code", VALUE_INT, BACK_PLACES, NO_ARG, run_no_value,
      .help = "With which code the server reset the stream; no value unless HTTP/2 did." },
    { "fs.debug_str", VALUE_STR, IN_STREAM, { { ARG_INT, true } }, run_debug_text, FRONT_SIDE,
      .help = "State of the client's side, for developers." },
    { "bs.debug_str", VALUE_STR, BACK_PLACES, { { ARG_INT, true } }, run_debug_text, BACK_SIDE,
      .help = "State of the server's side, for developers." },
    { "prio_class", VALUE_INT, IN_STREAM, NO_ARG, run_priority, 0,
      .help = "The class that set-priority-class gave." },
    { "prio_offset", VALUE_INT, IN_STREAM, NO_ARG, run_priority, 1,
      .help = "The offset that set-priority-offset gave, in ms." },
    { "internal.strm.is_htx", VALUE_BOOL, IN_STREAM, NO_ARG, run_is_http,
      .help = "Is the stream HTTP? (A name of HAProxy's own.)" },
    { "quic_enabled", VALUE_BOOL, PLACE_ANY, NO_ARG, run_no, .help = "No: weir has no QUIC." },
};
REGISTER(fetch, fetches);
