/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that a script has made: bytes that came and bytes that go.
 *
 * It belongs to the thread that made it; nobody else may touch it, but wire_free() may be called by any thread,
 * because garbage is collected on whichever thread runs the state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/buffer.h"
#include "weir/loop/mailbox.h"
#include "weir/net/connector.h"

struct script_run;
struct thread;

#define WIRE_MAGIC 0x57495245u
struct wire {
    unsigned magic;
    struct thread *home;
    struct connection *conn; /* owns; NULL: not connected */
    bool is_established;
    bool in_ended;  /* nothing more comes */
    bool is_broken; /* neither can anything be sent */
    struct chain in, out;
    struct mail mail; /* of the last way home */
    /* The owner's: something has changed. NULL: nobody wants to know. */
    void (*on_change)(struct wire *wire);
    struct script_run *waiter; /* class_socket.c's: who waits; NULL: nobody */
};

/* Unconnected. NULL: out of memory. */
struct wire *wire_new(void);
/* on_change() comes when it is established, or broken. False: it failed at once. */
bool wire_connect(struct wire *wire, const struct dial_request *request);
/* All is written in time; what is left goes as the peer takes it. False: out of memory. */
bool wire_send(struct wire *wire, struct str bytes);
/* Bytes were taken out of `in`. */
void wire_consumed(struct wire *wire);
/* What is queued is lost. */
void wire_close(struct wire *wire);
void wire_free(struct wire *wire);
