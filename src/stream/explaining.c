/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams that are watched while they decide: offline ones end where they would connect to a
 * server; live ones go on as if nobody looked.
 *
 * Owns:    the record of a live stream, until the stream ends.
 * Thread:  owner; explaining_watch() on control.
 */
#include "weir/stream/explaining.h"

#include "weir/base/alloc.h"

#include "private.h"

static struct explain_watch *current_watch; /* RCU */

/* --- begin ------------------------------------------------------------------------------- */

void
explaining_accept(struct listener *ln, int fd, const struct addr *src, const struct addr *dst,
                  struct explain *explain)
{
    struct connection *conn = connection_new(loop_here(), fd, CONN_INCOMING);

    MUST(conn != NULL);
    conn->src = *src;
    conn->dst = *dst;
    conn->flags |= CONN_ADDR_SRC | CONN_ADDR_DST;
    session_thread.explain = explain;
    session_listener_owner.on_accept(ln, conn);
    session_thread.explain = NULL;
}

void
explaining_watch(struct explain_watch *watch)
{
    __atomic_store_n(&current_watch, watch, __ATOMIC_RELEASE);
}

static bool
is_wanted(struct stream *s, struct explain_watch *watch)
{
    uint32_t place = s->eval.place;
    bool is_met;

    if ((int32_t)__atomic_load_n(&watch->left, __ATOMIC_RELAXED) <= 0)
        return false;
    s->eval.place = PLACE_FE_REQUEST;
    is_met = condition_test(watch->condition, &s->eval) == TRUTH_YES;
    s->eval.place = place;
    return is_met && (int32_t)__atomic_fetch_sub(&watch->left, 1, __ATOMIC_RELAXED) > 0;
}

void
explaining_look(struct stream *s)
{
    struct explain_watch *watch = grace_read(current_watch);
    struct explain *explain;

    if (__builtin_expect(watch == NULL, 1) || s->eval.explain != NULL || !is_wanted(s, watch))
        return;
    explain = alloc_zero(sizeof(*explain));
    explain_init(explain);
    explain->owner_data = watch;
    __atomic_add_fetch(&watch->traced, 1, __ATOMIC_RELAXED);
    s->eval.explain = explain;
}

/* --- end --------------------------------------------------------------------------------- */

static void
tell_result(const struct stream *s, struct explain_result *result)
{
    const struct proxy_conf *frontend = s->eval.frontend, *backend = s->eval.backend;
    const struct server_conf *server =
        s->eval.server == NULL ? NULL : grace_read(s->eval.server->conf);

    result->frontend = frontend->name;
    result->frontend_pos = frontend->pos;
    if ((s->flags & STREAM_HAD_BACKEND) != 0) {
        result->backend = backend->name;
        result->backend_pos = backend->pos;
    }
    if (s->eval.server != NULL)
        result->server = s->eval.server->name;
    result->service = s->service;
    if (server != NULL)
        result->server_pos = server->pos;
    if ((s->flags & STREAM_LOCAL_REPLY) != 0)
        result->status = s->status;
}

/* The configuration may be gone when an offline record is printed: its texts are copied. */
static void
keep_texts(struct explain *explain)
{
    struct explain_result *result = &explain->result;
    const char **texts[] = { &result->frontend, &result->backend, &result->server, &result->service };

    for (size_t i = 0; i < COUNT(texts); i++) {
        if (*texts[i] != NULL)
            *texts[i] = arena_copy(&explain->arena, *texts[i]);
    }
}

void
explaining_end(struct stream *s)
{
    struct explain *explain = s->eval.explain;
    struct explain_watch *watch = explain->owner_data;

    tell_result(s, &explain->result);
    s->eval.explain = NULL;
    if (explain->is_offline) {
        keep_texts(explain);
        return;
    }
    watch->on_trace(watch, explain, &s->eval);
    explain_fini(explain);
    alloc_free(explain);
    __atomic_sub_fetch(&watch->traced, 1, __ATOMIC_RELEASE);
}
