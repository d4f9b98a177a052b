/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mux has queued for its socket, and what the endpoint's flags say about it. Owner.
 */
#pragma once

#include "weir/mux/mux.h"

/* Moves all of `data` to the end of `out`. False: out of memory, part of it may have moved. */
bool outlet_add(struct chain *out, struct chain *data);
/* After adding: tells the stream when it is enough. */
static inline void
outlet_note(struct endpoint *ep, const struct chain *out)
{
    ep->flags &= ~(unsigned)EP_OUT_FLUSHED;
    if (out->bytes >= buffer_default_size())
        ep->flags |= EP_OUT_FULL;
}
/* Writes as much as goes; counts; sets EP_OUT_FLUSHED, EP_OUT_FULL, EP_OUT_BROKEN. Before the
 * connection is established: nothing. */
void outlet_write(struct endpoint *ep, struct connection *conn, struct chain *out, bool more);
