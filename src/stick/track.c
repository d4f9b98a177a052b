/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries that sessions and streams hold and count in.
 *
 * For:     rules that begin it, fetches that read it, the room stream that tells what happens.
 * Owns:    the slots, which hold entry and table.
 * Thread:  owner of the session.
 */
#include "weir/stick/track.h"

#include <string.h>

#include "weir/base/pool.h"
#include "private.h"

static struct pool tracks_pool = POOL("stick tracks", sizeof(struct stick_tracks));

static void
end_track(const struct stick_tracks *tracks, struct stick_track *track)
{
    if (track->table == NULL)
        return;
    stick_table_untrack(track->table, track->entry);
    if (tracks->holds_tables)
        stick_table_drop(track->table);
    track->table = NULL;
    track->entry = NULL;
}

void
stick_tracks_free(struct stick_tracks *tracks)
{
    if (tracks == NULL)
        return;
    for (uint32_t left = tracks->used; left != 0; left &= left - 1)
        end_track(tracks, &tracks->slots[__builtin_ctz(left)]);
    pool_give(&tracks_pool, tracks);
}

struct stick_track
stick_track_find(const struct eval *eval, unsigned n)
{
    static const struct stick_track none;
    const struct stick_tracks *of_stream =
        eval->stream_tracks == NULL ? NULL : *eval->stream_tracks;
    const struct stick_tracks *of_session =
        eval->session_tracks == NULL ? NULL : *eval->session_tracks;

    if (of_stream != NULL && of_stream->slots[n].table != NULL)
        return of_stream->slots[n];
    return of_session != NULL ? of_session->slots[n] : none;
}

bool
stick_track_begin(struct eval *eval, unsigned n, struct stick_table *table,
                  const struct stick_key *key)
{
    bool is_of_session = (eval->place & (PLACE_FE_CONNECTION | PLACE_FE_SESSION)) != 0;
    struct stick_tracks **tracks = is_of_session ? eval->session_tracks : eval->stream_tracks;
    struct stick_track *track;

    if (tracks == NULL)
        return false;
    if (*tracks == NULL) {
        *tracks = pool_take(&tracks_pool);
        if (*tracks == NULL)
            return false;
        memset(*tracks, 0, sizeof(**tracks));
        (*tracks)->holds_tables = is_of_session;
    }
    track = &(*tracks)->slots[n];
    /* A connection, and with it a request if one is there, counts in the new entry. */
    track->entry = stick_table_track(table, key, eval->request != NULL);
    if (track->entry == NULL)
        return false;
    track->table = table;
    (*tracks)->used |= 1u << n;
    (*tracks)->events |= table->events;
    if (is_of_session)
        stick_table_hold(table);
    return true;
}

/* --- events -------------------------------------------------------------------------------------- */

static void
count_all(struct stick_tracks *tracks, enum stick_event event, uint64_t amount)
{
    if (tracks == NULL || (tracks->events & 1u << event) == 0)
        return;
    for (uint32_t left = tracks->used; left != 0; left &= left - 1) {
        const struct stick_track *track = &tracks->slots[__builtin_ctz(left)];

        stick_data_count_event(track->table, track->entry, event, amount);
    }
}

void
stick_count_session(struct stick_tracks *tracks)
{
    count_all(tracks, STICK_SESSION, 1);
}

void
stick_count_request(struct stick_tracks *tracks)
{
    count_all(tracks, STICK_REQUEST, 1);
}

void
stick_count_status(struct stick_tracks *tracks, int status, bool is_ours)
{
    if (status >= 400 && status < 500)
        count_all(tracks, STICK_ERROR, 1);
    if (!is_ours && status >= 500 && status < 600 && status != 501 && status != 505)
        count_all(tracks, STICK_FAILURE, 1);
}

void
stick_count_glitches(struct stick_tracks *tracks, uint64_t total)
{
    if (tracks == NULL || total <= tracks->glitches)
        return;
    count_all(tracks, STICK_GLITCH, total - tracks->glitches);
    tracks->glitches = total;
}

void
stick_count_bytes(struct stick_tracks *tracks, uint64_t from_client, uint64_t to_client)
{
    if (from_client > 0)
        count_all(tracks, STICK_BYTES_IN, from_client);
    if (to_client > 0)
        count_all(tracks, STICK_BYTES_OUT, to_client);
}
