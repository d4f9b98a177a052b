/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said on a connection before data, in order: PROXY header in or out, TLS, ... Each step
 * is a function that is called when the socket is ready, until it says IO_OK.
 */
#pragma once

#include "weir/net/connection.h"

typedef enum io handshake_step_fn(struct connection *conn);

#define HANDSHAKE_STEPS_MAX 4

/* Adds a step to be run before the connection counts as established. IO_FAILED: out of memory. Owner. */
bool handshake_add(struct connection *conn, handshake_step_fn *step, void *data);
/* Data of the step that runs now. */
void *handshake_data(struct connection *conn);
/* Starts them; owner->on_established comes at the end, perhaps at once. */
void handshake_start(struct connection *conn);
