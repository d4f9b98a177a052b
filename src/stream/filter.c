/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters on the way of a stream's messages.
 *
 * For:     forward.c (bytes), step_request.c and step_response.c (heads), stream.c (begin, end).
 * Owns:    the bytes between two filters.
 * Thread:  owner.
 *
 * Bytes enter the first filter's `in` and leave the last one's hands into the chain that is sent at
 * once. A filter is called only while there is less than a buffer behind it, and bytes are taken
 * from the endpoint only while the first one holds less than that: so a reader that is slow stops
 * the sender, whatever filters do.
 */
#include "weir/stream/filter.h"

#include <string.h>

#include "filters.h"

/* --- attach, detach ------------------------------------------------------ */

static struct stream_filters *
filters_of(struct stream *s)
{
    if (s->filters == NULL && (s->filters = arena_take(&s->arena, sizeof(*s->filters))) != NULL) {
        memset(s->filters, 0, sizeof(*s->filters));
        s->filters->wake_ms[TO_SERVER] = s->filters->wake_ms[TO_CLIENT] = TIMER_NEVER;
    }
    return s->filters;
}

static bool
attach(struct stream *s, const struct filter_conf *conf)
{
    struct stream_filters *all = filters_of(s);
    struct filter *f = all == NULL ? NULL : arena_take(&s->arena, sizeof(*f));

    if (f == NULL)
        return false;
    memset(f, 0, sizeof(*f));
    f->conf = conf;
    f->stream = s;
    if (conf->ops->attach != NULL && !conf->ops->attach(f))
        return true;
    if (all->last == NULL)
        all->first = f;
    else
        all->last->next = f;
    all->last = f;
    return true;
}

static void
add_to_way(struct stream_filters *all, enum direction dir, struct filter *f)
{
    struct filter **end = &all->way[dir];

    while (*end != NULL)
        end = &(*end)->following[dir];
    *end = f;
}

/* As declared, or as filter-sequence says. */
static void
line_up(struct stream *s, const struct proxy_conf *proxy, enum direction dir)
{
    const struct filter_conf **order = filter_chain_of(proxy)->order[dir];
    struct filter *f;

    for (f = s->filters->first; order == NULL && f != NULL; f = f->next) {
        if (f->conf->proxy == proxy)
            add_to_way(s->filters, dir, f);
    }
    for (; order != NULL && *order != NULL; order++) {
        f = filter_of(s, *order);
        if (f != NULL)
            add_to_way(s->filters, dir, f);
    }
}

void
filters_attach(struct stream *s, const struct proxy_conf *proxy)
{
    const struct filter_conf *conf = filter_conf_first(proxy);
    bool fine = true;

    for (; fine && conf != NULL; conf = conf->next)
        fine = attach(s, conf);
    if (s->filters == NULL)
        return;
    s->filters->is_broken = s->filters->is_broken || !fine;
    line_up(s, proxy, TO_SERVER);
    line_up(s, proxy, TO_CLIENT);
}

void
filters_detach(struct stream *s)
{
    for (struct filter *f = s->filters->first; f != NULL; f = f->next) {
        if (f->conf->ops->detach != NULL)
            f->conf->ops->detach(f);
        chain_clear(&f->in[TO_SERVER]);
        chain_clear(&f->in[TO_CLIENT]);
    }
    s->filters = NULL;
}

/* --- heads ----------------------------------------------------------------- */

static enum step_result
refuse(struct stream *s, enum direction dir, enum filter_result result)
{
    enum end_phase phase = dir == TO_SERVER ? PHASE_REQUEST : PHASE_HEADERS;

    if (result == FILTER_DENY)
        return reply_error(s, dir == TO_SERVER ? 403 : 502, END_DENIED, phase);
    return reply_error(s, 500, END_RESOURCE, phase);
}

enum step_result
filters_head(struct stream *s, enum direction dir)
{
    struct stream_filters *all = s->filters;
    struct message *msg = dir == TO_SERVER ? s->request : s->response;

    if (all->head[dir] == HEAD_DONE)
        return STEP_NEXT;
    if (all->head[dir] == HEAD_COMES)
        all->at[dir] = all->way[dir];
    all->head[dir] = HEAD_RUNS;
    all->wake_ms[dir] = TIMER_NEVER;
    if (all->is_broken) {
        all->head[dir] = HEAD_DONE;
        return refuse(s, dir, FILTER_FAILED);
    }
    for (; all->at[dir] != NULL; all->at[dir] = all->at[dir]->following[dir]) {
        struct filter *f = all->at[dir];
        enum filter_result result =
            f->conf->ops->head == NULL ? FILTER_GO : f->conf->ops->head(f, dir, msg);

        if (result == FILTER_WAIT)
            return STEP_WAIT;
        if (result == FILTER_DENY || result == FILTER_FAILED) {
            all->head[dir] = HEAD_DONE;
            return refuse(s, dir, result);
        }
    }
    all->head[dir] = HEAD_DONE;
    return STEP_NEXT;
}

/* --- bytes ------------------------------------------------------------------- */

/* What goes through a tunnel is no message any more. */
bool
filters_want_data(const struct stream *s, enum direction dir)
{
    return s->filters->wanting[dir] > 0 && (s->flags & STREAM_TUNNEL) == 0;
}

static size_t
hold_max(const struct filter *f)
{
    return f != NULL && f->hold_max != 0 ? f->hold_max : buffer_default_size();
}

static struct filter *
next_wanting(struct filter *f, enum direction dir)
{
    while (f != NULL && !f->wants_data[dir])
        f = f->following[dir];
    return f;
}

bool
filters_hold(const struct stream *s, enum direction dir)
{
    for (const struct filter *f = s->filters->way[dir]; f != NULL; f = f->following[dir]) {
        if (!chain_is_empty(&f->in[dir]))
            return true;
    }
    return false;
}

struct flow {
    struct stream *stream;
    enum direction dir;
    struct chain *out;
    bool is_moving;
};

/* False: the stream fails. */
static bool
call(struct flow *flow, struct filter *f, struct chain *to, bool is_last)
{
    struct chain *in = &f->in[flow->dir];
    size_t in_before = in->bytes, out_before = to->bytes;
    enum filter_result result;

    if (chain_is_empty(in) && !is_last && !f->has_more[flow->dir])
        return true;
    result = f->conf->ops->data(f, flow->dir, in, to, is_last);
    if (result == FILTER_FAILED || result == FILTER_DENY)
        return false;
    f->has_more[flow->dir] = result == FILTER_MORE;
    f->is_over[flow->dir] = is_last && result == FILTER_GO && chain_is_empty(in);
    if (in->bytes != in_before || to->bytes != out_before || f->is_over[flow->dir])
        flow->is_moving = true;
    return true;
}

/* One call of each filter on the way. *is_over: the end has come through. */
static bool
run_once(struct flow *flow, bool *is_over)
{
    enum direction dir = flow->dir;
    struct filter *next, *f = next_wanting(flow->stream->filters->way[dir], dir);

    for (; f != NULL; f = next) {
        struct chain *to;

        next = next_wanting(f->following[dir], dir);
        to = next == NULL ? flow->out : &next->in[dir];
        if (!f->is_over[dir] && to->bytes < hold_max(next) && !call(flow, f, to, *is_over))
            return false;
        *is_over = f->is_over[dir];
    }
    return true;
}

bool
filters_run(struct stream *s, enum direction dir, struct endpoint *from, struct chain *out,
            bool *is_over, bool *is_moving)
{
    struct filter *first = next_wanting(s->filters->way[dir], dir);
    struct flow flow = { .stream = s, .dir = dir, .out = out };

    s->filters->wake_ms[dir] = TIMER_NEVER;
    do {
        struct chain *to = first == NULL ? out : &first->in[dir];

        flow.is_moving = false;
        if (!chain_is_empty(&from->in) && to->bytes < hold_max(first)) {
            chain_move(to, &from->in);
            endpoint_consumed(from);
            flow.is_moving = *is_moving = true;
        }
        *is_over = (from->flags & EP_IN_ENDED) != 0 && chain_is_empty(&from->in);
        if (!run_once(&flow, is_over))
            return false;
        *is_moving = *is_moving || flow.is_moving;
    } while (flow.is_moving && out->bytes < buffer_default_size());
    return true;
}

/* --- for filters ------------------------------------------------------------- */

void
filter_want_data(struct filter *f, enum direction dir)
{
    if (f->wants_data[dir])
        return;
    f->wants_data[dir] = true;
    f->stream->filters->wanting[dir]++;
    f->stream->is_calm = f->stream->may_splice = false;
}

void
filter_wait_until(struct filter *f, enum direction dir, int64_t at_ms)
{
    struct stream_filters *all = f->stream->filters;

    if (at_ms < all->wake_ms[dir])
        all->wake_ms[dir] = at_ms;
}

int64_t
filter_now_ms(const struct filter *f)
{
    return stream_loop(f->stream)->now_ms;
}

/* --- for rules and samples --------------------------------------------------- */

struct filter *
filter_of(const struct stream *s, const struct filter_conf *conf)
{
    struct filter *f = s->filters == NULL ? NULL : s->filters->first;

    while (f != NULL && f->conf != conf)
        f = f->next;
    return f;
}

struct filter *
filter_with_ops(const struct stream *s, const struct filter_ops *ops)
{
    struct filter *f = s->filters == NULL ? NULL : s->filters->first;

    while (f != NULL && f->conf->ops != ops)
        f = f->next;
    return f;
}
