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
