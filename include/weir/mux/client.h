/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP request of our own, to whom somebody here wants to talk. Connections are kept for a while.
 *
 *     client_start(); on_event() comes when the head of the answer is there, when more of its body is, and
 *     at its end; the owner looks at `state`, takes bytes from client_body() and says client_consumed();
 *     client_free() at any time, also from within on_event().
 *
 * Backpressure: bytes that nobody takes stop the server.
 * Thread: owner.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/http/message.h"
#include "weir/loop/loop.h"
#include "weir/mux/endpoint.h"
#include "weir/net/connector.h"

struct mux;
struct mux_conn;
struct mux_settings;

enum client_state {
    CLIENT_CONNECTS,
    CLIENT_WAITS, /* for the answer */
    CLIENT_RECEIVES, /* `answer` is here */
    CLIENT_DONE,     /* all of it has come, though maybe not all was taken */
    CLIENT_FAILED,
};
enum client_failure { CLIENT_NOT_CONNECTED, CLIENT_TOO_LATE, CLIENT_BAD_ANSWER, CLIENT_CUT_OFF, CLIENT_NO_MEMORY,
                      CLIENT_STALE /* a kept connection turned out dead: start again without one */ };

struct client_request {
    struct dial_request dial;
    const struct mux *mux;               /* NULL: HTTP/1 */
    const struct mux_settings *settings; /* NULL: as by default; lives as long as the client */
    struct message *head; /* taken over, whatever comes of it; with content-length if there is a body */
    struct chain body;    /* taken over as well */
    uint64_t key;        /* of how the connection is made: kept ones with another key are not used */
    bool may_reuse;      /* a connection that has served; only for what can be sent again, and has no body */
    int64_t connect_ms, server_ms; /* 0: as long as it takes */
};

#define CLIENT_MAGIC 0x434c4e54u
struct client {
    unsigned magic;
    enum client_state state;
    enum client_failure failure; /* with CLIENT_FAILED */
    struct message *answer;      /* owns; NULL: not yet */
    void (*on_event)(struct client *client);
    void *data; /* the owner's */

    /* client.c's */
    struct loop *loop;
    struct mux_conn *mc;
    struct endpoint *ep; /* NULL once given back */
    struct message *request; /* owns */
    struct chain body;
    int64_t connect_ms, server_ms;
    struct addr to;
    uint64_t key;
    bool may_reuse, is_reused;
    struct timer timer;
    struct deferred work;
};

/* on_event() never comes from inside. A failure at once comes that way too. NULL: out of memory. */
struct client *client_start(struct loop *loop, struct client_request *request,
                            void (*on_event)(struct client *client), void *data);
/* What has come of the body and was not taken; NULL: nothing. */
struct chain *client_body(struct client *client);
void client_consumed(struct client *client);
/* NULL is fine. */
void client_free(struct client *client);
