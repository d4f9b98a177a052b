/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries that a session or a stream holds on to and counts in: sc0, sc1 ...
 *
 * Thread: owner of the session.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct stick_table;
struct stick_entry;

#define STICK_TRACKS_MAX 12

struct stick_track {
    struct stick_table *table; /* NULL: nothing is tracked here */
    struct stick_entry *entry; /* holds */
};

/* Of one session or one stream; made with its first entry. */
struct stick_tracks {
    uint32_t used;   /* set of bits: slots that track something */
    uint32_t events; /* the same: what one of their tables counts */
    bool holds_tables; /* of a session; a stream holds its snapshot, and with it all tables */
    struct stick_track slots[STICK_TRACKS_MAX];
    uint64_t glitches; /* of the client's connection: those that were counted */
};

/* Lets go of all and frees; NULL is fine. */
void stick_tracks_free(struct stick_tracks *tracks);

/* --- events: each counts in all entries; NULL is fine ------------------------------------ */

/* A session has passed its first rules. */
void stick_count_session(struct stick_tracks *tracks);
void stick_count_request(struct stick_tracks *tracks);
/* 4xx counts as the client's error; 5xx but 501 and 505 as a failure, if the server answered. */
void stick_count_status(struct stick_tracks *tracks, int status, bool is_ours);
/* Oddities of the client's connection, all of them so far; of a session. */
void stick_count_glitches(struct stick_tracks *tracks, uint64_t total);
void stick_count_bytes(struct stick_tracks *tracks, uint64_t from_client, uint64_t to_client);
