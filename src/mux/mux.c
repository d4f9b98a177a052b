/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The muxes that there are, and what is the same for all of them.
 *
 * For:     "proto" of bind and server lines; closing a connection whatever its mux.
 * Callers: stream, server, configuration.
 * Thread:  any, for mux_find(); owner.
 */
#include "weir/mux/mux.h"

#include "weir/base/crash.h"
#include "weir/loop/counter.h"

const struct mux *
mux_find(struct str name)
{
    FOR_EACH_REGISTERED (mux_ref, ref, list) {
        if (str_eq(name, str_from(ref->mux->name)))
            return ref->mux;
    }
    return NULL;
}

void
mux_conn_close(struct mux_conn *mc)
{
    if (mc == NULL)
        return;
    MUST_BE(mc, MUX_CONN_MAGIC);
    mc->mux->free(mc);
}

/* --- counting -------------------------------------------------------------------------- */

/* NULL: of no protocol that is counted. */
static struct mux_counts *
counts_of(const struct mux *mux, struct mux_counts *counts)
{
    if (counts == NULL || mux->name[0] != 'h')
        return NULL;
    return mux->name[1] == '2' ? &counts[MUX_H2] : mux->name[1] == '1' ? &counts[MUX_H1] : NULL;
}

void
mux_count_begin(struct mux_conn *mc, struct mux_counts *counts)
{
    struct mux_counts *to = counts_of(mc->mux, counts);

    mc->counts = counts;
    if (to != NULL)
        counter_add(&to->opened, 1);
}

void
mux_count_resume(struct mux_conn *mc, struct mux_counts *counts)
{
    struct mux_counts *to = counts_of(mc->mux, counts);

    if (mc->counts != NULL)
        return;
    mc->counts = counts;
    if (to != NULL)
        counter_set(&to->ended, to->ended - 1);
}

void
mux_count_pause(struct mux_conn *mc)
{
    struct mux_counts *to = counts_of(mc->mux, mc->counts);

    mc->counts = NULL;
    if (to != NULL)
        counter_add(&to->ended, 1);
}

void
mux_count_stream(const struct mux *mux, struct mux_counts *counts)
{
    struct mux_counts *to = counts_of(mux, counts);

    if (to != NULL)
        counter_add(&to->streams, 1);
}

void
mux_count_stream_end(const struct endpoint *ep, struct mux_counts *counts)
{
    struct mux_counts *to = counts_of(ep->mux, counts);

    if (to == NULL)
        return;
    counter_add(&to->streams_ended, 1);
    counter_add(&to->bytes_in, ep->bytes_in);
    counter_add(&to->bytes_out, ep->bytes_out);
}
