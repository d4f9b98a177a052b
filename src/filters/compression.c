/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compression of bodies on their way.
 *
 * For:     "compression" settings, and filter compression, comp-req, comp-res.
 * Owns:    an encoding for each direction in which a stream is compressed.
 * Thread:  owner.
 *
 * What came is given out at the latest FLUSH_MS after it came, though more may follow: events of a
 * slow stream arrive one by one, and a body that comes in one go is made in one go.
 */
#include "compression.h"

#include <string.h>

#include "weir/config/snapshot.h"
#include "weir/expr/sample.h"
#include "weir/filters/compression.h"
#include "weir/http/message.h"
#include "weir/http/validate.h"
#include "weir/loop/loop.h"
#include "weir/loop/rate.h"
#include "weir/stream/stream.h"

#include "accept_encoding.h"

#define FLUSH_MS    2
#define HOLD_MAX    65536 /* bytes that wait for more to come, so that most bodies are made in one go */
#define THREADS_MOST 256

struct compression {
    const struct compression_conf *conf;
    const struct encoder_kind *algo; /* of the response, as the request says; NULL: none */
    struct encoding *coding[DIRECTIONS];
    const struct encoder_kind *done; /* what the response is in; NULL: as it came */
    int64_t flush_ms[DIRECTIONS];    /* 0: nothing waits */
    bool is_bypassed;                /* only a limit was against it */
};

/* Bytes per second of each thread. */
static struct thread_rates {
    struct rate in, out;
} __attribute__((aligned(64))) rates[THREADS_MOST];

/* --- limits ------------------------------------------------------------------ */

static uint64_t
rate_of(size_t offset, int64_t now_ms)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < thread_count() && i < THREADS_MOST; i++)
        sum += rate_read((const struct rate *)((const char *)&rates[i] + offset), now_ms, 1000);
    return sum;
}

/* Percent of the last turn of the loop. */
static int64_t
cpu_usage(const struct loop *loop)
{
    uint64_t all = loop->last_busy_us + loop->last_idle_us;

    return all == 0 ? 0 : (int64_t)(loop->last_busy_us * 100 / all);
}

static bool
is_within_limits(const struct stream *s, const struct compression_limits *limits)
{
    const struct loop *loop = s->session->client->loop;

    if (limits->rate_max != 0 && rate_of(offsetof(struct thread_rates, in), loop->now_ms) >
                                     (uint64_t)limits->rate_max * 1024)
        return false;
    return limits->cpu_max >= 100 || cpu_usage(loop) <= limits->cpu_max;
}

void
compression_totals(struct compression_totals *totals)
{
    const struct compression_limits *limits = compression_limits_of(snapshot_current());
    int64_t now_ms = this_thread->loop->now_ms;

    totals->bytes_in = rate_of(offsetof(struct thread_rates, in), now_ms);
    totals->bytes_out = rate_of(offsetof(struct thread_rates, out), now_ms);
    totals->rate_max = (uint64_t)limits->rate_max * 1024;
    totals->memory = encoder_memory();
    totals->memory_max = (uint64_t)limits->memory_max * 1024 * 1024;
}

/* Adds to a counter of the frontend and of the backend. */
#define TALLY(s, field, count)                                                                     \
    do {                                                                                           \
        counter_add(&(s)->front_row->field, (count));                                              \
        if ((s)->back_row != NULL)                                                                 \
            counter_add(&(s)->back_row->field, (count));                                           \
    } while (0)

static void
count_bytes(const struct stream *s, uint64_t in, uint64_t out)
{
    struct thread_rates *mine = &rates[this_thread->index % THREADS_MOST];
    int64_t now_ms = s->session->client->loop->now_ms;

    TALLY(s, comp_in, in);
    TALLY(s, comp_out, out);
    rate_add(&mine->in, now_ms, 1000, (uint32_t)in);
    rate_add(&mine->out, now_ms, 1000, (uint32_t)out);
}

/* --- what a message says ------------------------------------------------------- */

static struct str
value_of(const struct message *msg, enum field_name name)
{
    int at = message_find_field(msg, name, 0);

    return at < 0 ? STR_NONE : field_value(&msg->fields[at]);
}

static bool
type_is_wanted(const struct compression_side *side, const struct message *msg)
{
    struct str type = value_of(msg, FIELD_CONTENT_TYPE);

    if (type.ptr == NULL)
        return side->type_count == 0;
    if (str_eq_nocase(str_slice(type, 0, 9), STR("multipart")))
        return false;
    for (unsigned i = 0; i < side->type_count; i++) {
        struct str wanted = str_from(side->types[i]);

        if (str_eq_nocase(str_slice(type, 0, wanted.len), wanted))
            return true;
    }
    return side->type_count == 0;
}

static bool
is_transformable(const struct message *msg)
{
    for (int at = message_find_field(msg, FIELD_CACHE_CONTROL, 0); at >= 0;
         at = message_find_field(msg, FIELD_CACHE_CONTROL, (uint32_t)at + 1)) {
        if (list_has(field_value(&msg->fields[at]), STR("no-transform")))
            return false;
    }
    return true;
}

static bool
is_etag(struct str value)
{
    if (str_starts(value, STR("W/")))
        value = str_slice(value, 2, value.len);
    return value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';
}

/* None, or one that is none of several. */
static bool
etag_is_fine(const struct message *msg)
{
    int at = message_find_field(msg, FIELD_ETAG, 0);

    return at < 0 || (is_etag(field_value(&msg->fields[at])) &&
                      message_find_field(msg, FIELD_ETAG, (uint32_t)at + 1) < 0);
}

static bool
has_long_body(const struct compression_side *side, const struct message *msg)
{
    if ((msg->flags & MESSAGE_NO_BODY_EXPECTED) != 0)
        return false;
    if (msg->body == BODY_LENGTH)
        return msg->body_length > 0 && msg->body_length >= side->size_min;
    return msg->body == BODY_CHUNKED;
}

static bool
is_compressible(const struct compression_side *side, const struct message *msg)
{
    return (msg->version_major > 1 || (msg->version_major == 1 && msg->version_minor >= 1)) &&
           has_long_body(side, msg) && value_of(msg, FIELD_CONTENT_ENCODING).ptr == NULL &&
           is_transformable(msg) && type_is_wanted(side, msg);
}

/* --- what the client wants ----------------------------------------------------- */

#define FIELD_LISTS 1024 /* members of a list are fewer */

static struct accepted
client_accepts(const struct message *request, struct str coding)
{
    struct accepted best = { -1, 0 };
    unsigned list = 0;

    for (int at = message_find_field(request, FIELD_ACCEPT_ENCODING, 0); at >= 0;
         at = message_find_field(request, FIELD_ACCEPT_ENCODING, (uint32_t)at + 1)) {
        struct accepted here =
            accept_encoding_find(field_value(&request->fields[at]), coding);

        if (here.weight > best.weight)
            best = (struct accepted){ here.weight, list + here.position };
        list += FIELD_LISTS;
    }
    return best;
}

/* Internet Explorer before 7 says that it can, and cannot; but for 6 with Windows XP SP2. */
static bool
is_broken_client(const struct message *request)
{
    struct str agent = value_of(request, FIELD_USER_AGENT);
    long at;

    if (!str_starts(agent, STR("Mozilla/4")))
        return false;
    at = str_find(agent, STR("MSIE "), 0);
    if (at < 0 || (size_t)at + 5 >= agent.len)
        return true;
    if (agent.ptr[at + 5] == '6')
        return str_find(agent, STR("SV1"), 0) < 0;
    return (agent.ptr[at + 5] < '7' || agent.ptr[at + 5] > '9') && agent.ptr[at + 5] != '1';
}

static bool
is_deflate(const struct encoder_kind *kind)
{
    return kind->coding[0] == 'g' || kind->coding[0] == 'd';
}

/* Of codings with the same weight the one that stands first in the configuration; but between gzip
 * and deflate the client's order decides, and for "*" the last one, as with HAProxy. */
static bool
is_better(const struct encoder_kind *kind, const struct accepted *accepted,
          const struct encoder_kind *best, const struct accepted *best_accepted)
{
    if (accepted->weight != best_accepted->weight || best == NULL)
        return accepted->weight > best_accepted->weight;
    return is_deflate(kind) && is_deflate(best) && accepted->position <= best_accepted->position;
}

static const struct encoder_kind *
choose(const struct compression_side *side, const struct message *request)
{
    const struct encoder_kind *best = NULL;
    struct accepted best_accepted = { 0, 0 };

    if (request->version_major < 1 ||
        (request->version_major == 1 && request->version_minor == 0) || is_broken_client(request))
        return NULL;
    for (unsigned i = 0; i < side->algo_count; i++) {
        const struct encoder_kind *kind = side->algos[i];
        struct accepted accepted;

        if (kind->coding == NULL)
            continue;
        accepted = client_accepts(request, str_from(kind->coding));
        if (is_better(kind, &accepted, best, &best_accepted)) {
            best = kind;
            best_accepted = accepted;
        }
    }
    return best;
}

/* --- heads ------------------------------------------------------------------------ */

static bool
add_vary(struct message *msg)
{
    for (int at = message_find_field(msg, FIELD_VARY, 0); at >= 0;
         at = message_find_field(msg, FIELD_VARY, (uint32_t)at + 1)) {
        struct str value = field_value(&msg->fields[at]);

        if (list_has(value, STR("accept-encoding")) || list_has(value, STR("*")))
            return true;
    }
    return message_add_field_copy(msg, STR("vary"), STR("Accept-Encoding"));
}

/* The bytes will be others: the tag may speak of the meaning only. */
static bool
weaken_etag(struct message *msg)
{
    int at = message_find_field(msg, FIELD_ETAG, 0);
    const char *text;

    if (at < 0 || str_starts(field_value(&msg->fields[at]), STR("W/")))
        return true;
    text = arena_printf(&msg->arena, "W/%.*s", (int)msg->fields[at].value_len,
                        msg->fields[at].value);
    if (text != NULL)
        message_replace_value(msg, (uint32_t)at, str_from(text));
    return text != NULL;
}

static bool
change_head(struct message *msg, const struct encoder_kind *kind, enum direction dir)
{
    message_remove_fields_id(msg, FIELD_CONTENT_LENGTH);
    message_remove_fields_id(msg, FIELD_TRANSFER_ENCODING);
    msg->body = BODY_CHUNKED;
    return message_add_field(msg, FIELD_CONTENT_ENCODING, STR("content-encoding"),
                             str_from(kind->coding)) &&
           (dir == TO_SERVER || (add_vary(msg) && weaken_etag(msg)));
}

static enum filter_result
begin(struct filter *f, enum direction dir, struct message *msg, const struct encoder_kind *kind)
{
    const struct compression_limits *limits = compression_limits_of(f->stream->snapshot);
    struct compression *c = f->state;

    if (is_within_limits(f->stream, limits))
        c->coding[dir] = encoding_begin(kind, &limits->tuning,
                                        (uint64_t)limits->memory_max * 1024 * 1024);
    if (c->coding[dir] == NULL) {
        c->is_bypassed = true;
        filter_want_data(f, dir); /* to be counted */
        return FILTER_GO;
    }
    if (dir == TO_CLIENT) {
        c->done = kind;
        TALLY(f->stream, comp_rsp, 1);
    }
    filter_want_data(f, dir);
    filter_may_hold(f, HOLD_MAX);
    return change_head(msg, kind, dir) ? FILTER_GO : FILTER_FAILED;
}

static enum filter_result
on_request(struct filter *f, struct message *msg)
{
    struct compression *c = f->state;
    const struct compression_side *side = &c->conf->sides[TO_SERVER];
    intptr_t sides = (intptr_t)f->conf->data;

    if ((sides & (1 << TO_CLIENT)) != 0)
        c->algo = choose(&c->conf->sides[TO_CLIENT], msg);
    if (c->conf->is_offload)
        message_remove_fields_id(msg, FIELD_ACCEPT_ENCODING);
    if ((sides & (1 << TO_SERVER)) == 0 || side->algo_count == 0 || side->algos[0]->coding == NULL ||
        !is_compressible(side, msg))
        return FILTER_GO;
    return begin(f, TO_SERVER, msg, side->algos[0]);
}

static bool
status_is_fine(int status)
{
    return status >= 200 && status <= 203;
}

static enum filter_result
on_response(struct filter *f, struct message *msg)
{
    struct compression *c = f->state;

    if (c->algo == NULL || !status_is_fine(msg->status) || !etag_is_fine(msg) ||
        !is_compressible(&c->conf->sides[TO_CLIENT], msg))
        return FILTER_GO;
    return begin(f, TO_CLIENT, msg, c->algo);
}

static enum filter_result
on_head(struct filter *f, enum direction dir, struct message *msg)
{
    return dir == TO_SERVER ? on_request(f, msg) : on_response(f, msg);
}

/* --- bytes ------------------------------------------------------------------------- */

/* More may follow at once; nobody waits longer than FLUSH_MS. */
static enum encoder_op
what_now(struct filter *f, enum direction dir, const struct chain *in, bool is_last)
{
    struct compression *c = f->state;
    int64_t now_ms = filter_now_ms(f);

    if (is_last)
        return ENCODE_END;
    if (c->flush_ms[dir] != 0 && c->flush_ms[dir] <= now_ms)
        return ENCODE_FLUSH;
    if (c->flush_ms[dir] == 0 && !chain_is_empty(in))
        c->flush_ms[dir] = now_ms + FLUSH_MS;
    return ENCODE_MORE;
}

static enum filter_result
bypass(struct filter *f, struct chain *in, struct chain *out)
{
    TALLY(f->stream, comp_byp, in->bytes);
    chain_move(out, in);
    return FILTER_GO;
}

static enum filter_result
on_data(struct filter *f, enum direction dir, struct chain *in, struct chain *out, bool is_last)
{
    struct compression *c = f->state;
    size_t in_before = in->bytes, out_before = out->bytes;
    enum encoder_op op;
    enum encoded result;

    if (c->coding[dir] == NULL)
        return bypass(f, in, out);
    op = what_now(f, dir, in, is_last);
    if (op == ENCODE_MORE && in->bytes < HOLD_MAX) {
        filter_wait_until(f, dir, c->flush_ms[dir]);
        return FILTER_MORE;
    }
    result = encoding_feed(c->coding[dir], in, out, op);
    count_bytes(f->stream, in_before - in->bytes, out->bytes - out_before);
    if (result == ENCODED_FAILED)
        return FILTER_FAILED;
    if (result == ENCODED_FULL)
        return FILTER_MORE;
    if (op != ENCODE_MORE) {
        c->flush_ms[dir] = 0;
        return FILTER_GO;
    }
    filter_wait_until(f, dir, c->flush_ms[dir]);
    return FILTER_MORE;
}

/* --- begin, end ----------------------------------------------------------------------- */

static bool
attach(struct filter *f)
{
    struct compression *c = arena_take(&f->stream->arena, sizeof(*c));

    if (c == NULL)
        return false; /* it goes uncompressed */
    memset(c, 0, sizeof(*c));
    c->conf = compression_conf_of(f->conf->proxy);
    f->state = c;
    return true;
}

static void
detach(struct filter *f)
{
    struct compression *c = f->state;

    encoding_end(c->coding[TO_SERVER]);
    encoding_end(c->coding[TO_CLIENT]);
}

const struct filter_ops compression_ops = {
    .attach = attach, .detach = detach, .head = on_head, .data = on_data
};

/* --- samples --------------------------------------------------------------------------- */

/* A frontend and a backend may both be able to: one of them has done it. */
static const struct encoder_kind *
done_by(const struct eval *eval)
{
    struct filter *f = eval->stream == NULL ? NULL
                                            : filter_with_ops(eval->stream, &compression_ops);

    for (; f != NULL; f = f->next) {
        const struct compression *c = f->conf->ops == &compression_ops ? f->state : NULL;

        if (c != NULL && c->done != NULL)
            return c->done;
    }
    return NULL;
}

static enum fetched
run_comp(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    (void)args;
    return fetched_bool(out, done_by(eval) != NULL);
}

static enum fetched
run_comp_algo(struct eval *eval, const struct fetch *fetch, const struct arg *args,
              struct value *out)
{
    const struct encoder_kind *kind = done_by(eval);

    (void)fetch;
    (void)args;
    if (kind == NULL)
        return FETCH_NONE;
    return fetched_str(out, str_from(kind->name));
}

#define PLACES (PLACE_HTTP_RESPONSE | PLACE_FE_LOG)

static const struct fetch fetches[] = {
    { "res.comp", VALUE_BOOL, PLACES, { { 0 } }, run_comp, 0,
      .help = "Was the response compressed here?" },
    { "res.comp_algo", VALUE_STR, PLACES, { { 0 } }, run_comp_algo, 0,
      .help = "The algorithm with which the response was compressed here." },
};
REGISTER(fetch, fetches);
