/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream keeps with scripts: its TXN, and the coroutine of an action that waits.
 *
 * Owns:    struct script_stream, from the first script that looks at the stream to the stream's end.
 * Thread:  owner of the stream.
 */
#include "weir/base/pool.h"
#include "private.h"

static struct pool script_streams = POOL("script_stream", sizeof(struct script_stream));

static void
leave_side(struct script_side *side)
{
    struct script_state *state = side->state;

    if (state == NULL)
        return;
    script_lock(state);
    script_run_forget(&side->run);
    if (side->co != NULL)
        script_coroutine_give(state, side->co, side->co_ref);
    if (side->txn != NULL)
        side->txn->eval = NULL;
    luaL_unref(state->lua, LUA_REGISTRYINDEX, side->txn_ref);
    script_unlock(state);
}

static void
leave(struct stream_guest *guest, struct stream *s)
{
    struct script_stream *all = (struct script_stream *)guest;

    s->guest = NULL;
    leave_side(&all->sides[0]);
    leave_side(&all->sides[1]);
    pool_give(&script_streams, all);
}

struct script_side *
script_side_of(struct script_state *state, struct stream *s)
{
    struct script_stream *all = (struct script_stream *)s->guest;
    struct script_side *side;

    if (all == NULL) {
        all = pool_take(&script_streams);
        if (all == NULL)
            return NULL;
        *all = (struct script_stream){ .guest.leave = leave };
        s->guest = &all->guest;
    }
    side = &all->sides[state->is_shared];
    if (side->state == NULL) {
        side->state = state;
        side->txn_ref = LUA_NOREF;
    }
    return side;
}
