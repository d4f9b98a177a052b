/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle server connections, kept for reuse, per server and thread.
 *
 * For:     a finished request leaves its server connection here; the next request for that server may take it instead of dialling.
 * Owns:    each connection in it, until idle_pool_take() gives it away.
 * Thread:  a pool belongs to one thread.
 *
 * The most recently used connection goes first, because the oldest is the likeliest to have been closed by the server.
 */
#pragma once

#include "weir/mux/mux.h"
#include "weir/server/server.h"

/* Which idle connections a request may use, of those with its key. */
enum idle_kind {
    IDLE_ANY = 0,
    IDLE_SAFE = 1, /* only connections that have already served more than one request ("http-reuse safe") */
};

/* --- control -------------------------------------------------------------- */

/* One slot for each thread; nothing is in it until the thread keeps a connection. */
struct idle_pool *idle_pool_new(void);
/* All threads must have cleared it. */
void idle_pool_free(struct idle_pool *pool);
/* Asks all threads to close what they keep, then runs done(srv) (may be NULL) on the control thread. */
void idle_pool_clear_all(struct server *srv, void (*done)(void *srv));

/* --- owner thread ------------------------------------------------------- */

/* The most recent one with that key (mux_conn.key), or NULL. It has one free stream. */
struct mux_conn *idle_pool_take(struct server *srv, enum idle_kind kind, uint64_t key);
/* Keeps it, or closes it when limits say so (pool-max-conn, server gone or in maintenance). */
void idle_pool_give(struct server *srv, struct mux_conn *mc);
/* strict-maxconn: closes what stands in the way of one more connection, for which the caller has a
 * slot. */
void idle_pool_make_room(struct server *srv);
/* A connection with streams, whose mux has room for more. It stays on the list. Or NULL. */
struct mux_conn *idle_pool_join(struct server *srv, uint64_t key);
/* It has streams and may get others: idle_pool_join() finds it from now on, until it is given, forgotten
 * or closed. */
void idle_pool_share(struct server *srv, struct mux_conn *mc);
/* An idle connection that closed (mux_owner.on_gone); one that is not kept is fine, its server may be gone. */
void idle_pool_forget(struct server *srv, struct mux_conn *mc);

/* --- any ------------------------------------------------------------------ */

/* Kept now by all threads; approximate. */
uint32_t idle_pool_count(const struct server *srv);
/* Kept now by the thread `index` (from 1). */
uint32_t idle_pool_count_of(const struct server *srv, unsigned index);
