/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters of a stream, as the rest of the room sees them. s->filters is NULL without any.
 *
 * Thread: owner.
 */
#pragma once

#include "weir/stream/filter.h"

#include "private.h"

struct filter_chain {
    struct filter_conf *first, *last;
    const struct filter_conf **order[DIRECTIONS]; /* filter-sequence: NULL-terminated; NULL: as declared */
    const char *sequence[DIRECTIONS];             /* its text, until RESOLVE */
    struct source_pos sequence_pos[DIRECTIONS];
};
/* The settings of a proxy. */
const struct filter_chain *filter_chain_of(const struct proxy_conf *proxy);

enum head_phase { HEAD_COMES, HEAD_RUNS, HEAD_DONE };

struct stream_filters {
    struct filter *first, *last;
    struct filter *way[DIRECTIONS];     /* the first one of each direction */
    struct filter *at[DIRECTIONS];      /* whose head() is next */
    uint8_t head[DIRECTIONS];           /* enum head_phase */
    uint8_t wanting[DIRECTIONS];        /* how many want data */
    int64_t wake_ms[DIRECTIONS];        /* TIMER_NEVER */
    bool is_broken;                     /* no memory for one */
};

/* Those of one more proxy take part in the stream. Without memory, filters_head() fails. */
void filters_attach(struct stream *s, const struct proxy_conf *proxy);
/* s->filters is not NULL, in all that follows. */
void filters_detach(struct stream *s);
/* STEP_NEXT: done, go on. Everything else: return it from the step. */
enum step_result filters_head(struct stream *s, enum direction dir);
static inline bool
filters_are_in_head(const struct stream *s, enum direction dir)
{
    return s->filters->head[dir] == HEAD_RUNS;
}
/* Do bytes of this direction go through filters? */
bool filters_want_data(const struct stream *s, enum direction dir);
/* Moves bytes of `from` through the filters to `out`, up to about a buffer. True: *is_over says
 * whether nothing more will come; *is_moving, whether something happened. */
bool filters_run(struct stream *s, enum direction dir, struct endpoint *from, struct chain *out,
                 bool *is_over, bool *is_moving);
/* Bytes are with filters. */
bool filters_hold(const struct stream *s, enum direction dir);

/* When a filter wants to be called again. */
static inline int64_t
filters_wake_ms(const struct stream *s)
{
    const int64_t *at = s->filters->wake_ms;

    return at[TO_SERVER] < at[TO_CLIENT] ? at[TO_SERVER] : at[TO_CLIENT];
}
