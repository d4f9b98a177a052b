/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said on a connection before data, in order: PROXY header in or out, then the
 * transport's own negotiation (TLS). Each step is a function that is called when the socket is
 * ready, until it says IO_OK.
 *
 * Thread: owner.
 */
#pragma once

#include "weir/net/connection.h"

/* IO_WAIT: call again when the socket is readable, or writable after connection_want_write().
 * Anything but these two ends the connection: the step has called connection_failed(). */
typedef enum io handshake_step_fn(struct connection *conn);

#define HANDSHAKE_STEPS_MAX 4

/* Adds a step to be run before the connection counts as established. False: out of memory. */
bool handshake_add(struct connection *conn, handshake_step_fn *step, void *data);
/* The same; data is given to `free_data` when the step is over or the connection closes. */
bool handshake_add_owned(struct connection *conn, handshake_step_fn *step, void *data,
                         void (*free_data)(void *data));
/* Data of the step that runs now. */
void *handshake_data(struct connection *conn);
/* Gives the running step new data; what it had before is the step's business. */
void handshake_set_data(struct connection *conn, void *data, void (*free_data)(void *data));
/* Starts them; owner->on_established comes at the end, perhaps at once. */
void handshake_start(struct connection *conn);
