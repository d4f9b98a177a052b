/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters: what looks at, holds back or changes messages on their way through a stream.
 *
 * A kind registers a word for "filter WORD ..." lines; a line of a proxy becomes a filter_conf; each
 * stream of that proxy gets a filter for each line, in the order in which they stand (the
 * frontend's, then the backend's; "filter-sequence" may say another order for each direction).
 *
 *     static const struct filter_ops ops = { .attach = ..., .detach = ..., .head = ..., .data = ... };
 *     static bool parse_mine(struct parse *parse, struct filter_conf *conf) { conf->ops = &ops; ... }
 *     static const struct filter_kind kinds[] = {
 *         { "mine", .args = "...", .parse = parse_mine, .help = "..." },
 *     };
 *     REGISTER(filter_kind, kinds);
 *
 * On its way a message meets, per direction:
 *     head(msg)                  once, after all rules of that direction; HTTP only
 *     data(in, out, is_last)     for filters that have said filter_want_data(), until they are over
 * What filters gave out last goes to the other side. Bytes between two filters are bounded: while
 * there is about a buffer full behind a filter, it is not called; it must give out at most about a
 * buffer in one call and say FILTER_MORE for the rest. A stream without filters pays one test.
 *
 * Thread: the stream's owner; parsers on the builder.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/buffer.h"
#include "weir/base/registry.h"
#include "weir/base/str.h"
#include "weir/config/parse.h"

struct filter;
struct message;
struct proxy_conf;
struct stream;

enum direction { TO_SERVER, TO_CLIENT, DIRECTIONS };

enum filter_result {
    FILTER_GO,   /* all is done that can be done with what there is; after is_last: it is over */
    FILTER_MORE, /* data only: `out` is full, there is more to give out: call again */
    FILTER_WAIT, /* not yet: stream_wake() or filter_wait_until() will bring the next call */
    FILTER_DENY, /* head only: 403 to a request, 502 instead of a response */
    FILTER_FAILED, /* the stream ends: no memory, or nonsense came */
};

struct filter_ops {
    /* The stream is new (its proxy just became known). f->state is the filter's own; f->stream's
     * arena lives as long as it. False: it takes no part in this stream. May be NULL. */
    bool (*attach)(struct filter *f);
    /* The stream ends, however. May be NULL. */
    void (*detach)(struct filter *f);
    /* The head of the request or of the final response, which may be changed. May be NULL. */
    enum filter_result (*head)(struct filter *f, enum direction dir, struct message *msg);
    /* Takes bytes from `in`, puts what shall go on to `out` (bytes that stay as they are: chain_move()
     * or chain_move_some(), no copy). Bytes left in `in` come again, with those that followed.
     * is_last: nothing comes after `in`. Called for each arrival, and with is_last at least once
     * unless the stream breaks off. */
    enum filter_result (*data)(struct filter *f, enum direction dir, struct chain *in,
                               struct chain *out, bool is_last);
};

/* One "filter" line; immutable, in the snapshot's arena. */
struct filter_conf {
    struct filter_conf *next; /* of the proxy */
    const struct filter_kind *kind;
    const struct filter_ops *ops;
    void *data;       /* the kind's own */
    const char *name; /* what filter-sequence and rules call it; the kind's word unless it has another */
    const struct proxy_conf *proxy;
    struct source_pos pos;
};

struct filter_kind {
    const char *name;   /* the word behind "filter" */
    bool is_prefix;     /* the word goes on: "lua." */
    bool is_http_only;
    const char *args;   /* synopsis */
    /* Reads the rest of the line; sets conf->ops, maybe data and name. conf->kind and pos are set; of
     * a prefix kind, conf->name is the whole word. False: reported. */
    bool (*parse)(struct parse *parse, struct filter_conf *conf);
    const char *help;
};
REGISTRY(filter_kind, struct filter_kind);

/* One filter on one stream. */
struct filter {
    struct filter *next;                  /* as declared */
    struct filter *following[DIRECTIONS]; /* on the way of that direction */
    const struct filter_conf *conf;
    struct stream *stream;
    void *state;                  /* the kind's own */
    struct chain in[DIRECTIONS];  /* what has come and was not taken */
    bool wants_data[DIRECTIONS];
    size_t hold_max; /* bytes that it may leave in `in` before it is given no more; 0: a buffer */
    bool has_more[DIRECTIONS]; /* said FILTER_MORE */
    bool is_over[DIRECTIONS];
};

/* --- for filters; owner ---------------------------------------------------- */

/* From now on data() is called for this direction; at the latest before its first byte has gone. */
void filter_want_data(struct filter *f, enum direction dir);
/* Before FILTER_WAIT: call again at this time (monotonic milliseconds of the loop), or earlier. */
void filter_wait_until(struct filter *f, enum direction dir, int64_t at_ms);
/* It may wait with so many bytes before it, instead of about a buffer. */
static inline void
filter_may_hold(struct filter *f, size_t bytes)
{
    f->hold_max = bytes;
}
/* Now, in the same milliseconds. */
int64_t filter_now_ms(const struct filter *f);
/* --- for rules and samples ------------------------------------------------- */

/* The filter of this line on a stream. NULL: there is none. */
struct filter *filter_of(const struct stream *s, const struct filter_conf *conf);
/* The first filter of a stream whose line has these ops; NULL: none. */
struct filter *filter_with_ops(const struct stream *s, const struct filter_ops *ops);
/* Builder, or owner. The first line of a proxy; NULL: it has none. */
const struct filter_conf *filter_conf_first(const struct proxy_conf *proxy);
/* Builder, up to RESOLVE (before ORDER_LUA): one more line, behind the others. conf->kind may be
 * NULL: nobody wrote it ("compression algo" without "filter compression"). NULL: no memory. */
struct filter_conf *filter_conf_add(struct parse *parse, struct proxy_conf *proxy);
