/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests of our own.
 *
 * For:     scripts, and whoever else has to ask somebody something.
 * Owns:    clients, with their connections, until client_free().
 * Thread:  owner.
 *
 * The same muxes as for servers do the work; the client is the one stream of its connection, which may serve
 * another one afterwards (client_idle.c).
 */
#include "weir/mux/client.h"

#include "weir/base/crash.h"
#include "weir/base/pool.h"
#include "weir/loop/loop.h"
#include "weir/mux/mux.h"

#include "client_idle.h"

static struct pool client_pool = POOL("client", sizeof(struct client));
static const struct mux_settings default_settings;

/* --- its connection ----------------------------------------------------------- */

static void
on_idle(struct mux_conn *mc)
{
    struct client *client = mc->owner_data; /* it is just letting go */

    if (client->may_reuse)
        client_idle_give(mc, &client->to, client->key);
    else
        mux_conn_close(mc);
}

static void
on_gone(struct mux_conn *mc)
{
    (void)mc; /* the endpoint was given back before */
}

static const struct mux_owner mux_owner = { .on_idle = on_idle, .on_gone = on_gone };

static void
let_go(struct client *client)
{
    struct endpoint *ep = client->ep;

    timer_stop(&client->timer);
    if (ep == NULL)
        return;
    client->ep = NULL;
    ep->owner = NULL;
    ep->owner_data = NULL;
    endpoint_close(ep, client->state == CLIENT_DONE ? EP_CLOSE_DONE : EP_CLOSE_ABORT);
}

static void
fail(struct client *client, enum client_failure failure)
{
    client->state = CLIENT_FAILED;
    client->failure = failure;
    let_go(client);
}

static void
expect_more(struct client *client, int64_t ms)
{
    timer_set(client->loop, &client->timer, ms == 0 ? TIMER_NEVER : client->loop->now_ms + ms);
}

/* --- one exchange ------------------------------------------------------------- */

static bool
send_rest(struct client *client)
{
    struct endpoint *ep = client->ep;
    struct chain piece = { NULL, NULL, 0 };
    bool fine = true;

    while (fine && !chain_is_empty(&client->body) && (ep->flags & (EP_OUT_FULL | EP_OUT_BROKEN)) == 0) {
        fine = chain_move_some(&piece, &client->body, buffer_default_size()) &&
               endpoint_send_body(ep, &piece);
        endpoint_flush(ep, !chain_is_empty(&client->body));
    }
    chain_clear(&piece);
    if (fine && chain_is_empty(&client->body) && (ep->flags & (EP_OUT_ENDED | EP_OUT_BROKEN)) == 0) {
        fine = endpoint_send_end(ep);
        endpoint_flush(ep, false);
    }
    return fine;
}

static bool
begin(struct client *client)
{
    client->state = CLIENT_WAITS;
    return endpoint_send_head(client->ep, client->request);
}

/* Heads such as 100 or 103 only announce another one. */
static void
take_heads(struct client *client)
{
    while ((client->ep->flags & EP_HEAD) != 0 && client->answer == NULL) {
        struct message *msg = endpoint_take_message(client->ep);

        if (msg->status >= 200 || (msg->flags & MESSAGE_TUNNEL) != 0) {
            client->answer = msg;
            client->state = CLIENT_RECEIVES;
        } else {
            message_give(msg);
        }
    }
}

static enum client_failure
failure_of(const struct client *client)
{
    const struct endpoint *ep = client->ep;

    if (client->is_reused && client->answer == NULL && ep->bytes_in == 0)
        return CLIENT_STALE;
    if (ep->error == EP_ERR_CONNECT)
        return CLIENT_NOT_CONNECTED;
    return ep->error == EP_ERR_BAD || ep->error == EP_ERR_TOO_LARGE ? CLIENT_BAD_ANSWER : CLIENT_CUT_OFF;
}

/* Looks at everything, and does what can be done. */
static void
go_on(struct client *client)
{
    struct endpoint *ep = client->ep;

    if (client->state == CLIENT_CONNECTS && (ep->flags & EP_CONNECTED) != 0 && !begin(client)) {
        fail(client, CLIENT_NO_MEMORY);
        return;
    }
    take_heads(client);
    if (client->state != CLIENT_CONNECTS && !send_rest(client)) {
        fail(client, CLIENT_NO_MEMORY);
        return;
    }
    if (client->state == CLIENT_RECEIVES && (ep->flags & EP_IN_ENDED) != 0) {
        client->state = CLIENT_DONE;
        timer_stop(&client->timer);
    } else if ((ep->flags & EP_IN_BROKEN) != 0) {
        if (chain_is_empty(&ep->in))
            fail(client, failure_of(client));
    } else {
        expect_more(client, client->state == CLIENT_CONNECTS ? client->connect_ms : client->server_ms);
    }
}

static void
on_event(struct endpoint *ep)
{
    struct client *client = ep->owner_data;

    MUST_BE(client, CLIENT_MAGIC);
    if (client->state < CLIENT_DONE)
        go_on(client);
    client->on_event(client);
}

static void
on_moved(struct endpoint *from, struct endpoint *to)
{
    struct client *client = from->owner_data;

    client->ep = to;
    client->mc = to->mux_conn;
    to->owner = from->owner;
    to->owner_data = client;
}

static const struct endpoint_owner endpoint_owner = { .on_event = on_event, .on_moved = on_moved };

static void
on_late(struct timer *timer)
{
    struct client *client = LIST_ITEM(timer, struct client, timer);

    fail(client, client->state == CLIENT_CONNECTS ? CLIENT_NOT_CONNECTED : CLIENT_TOO_LATE);
    client->on_event(client);
}

static void
on_failed_at_once(struct deferred *work)
{
    struct client *client = LIST_ITEM(work, struct client, work);

    client->on_event(client);
}

static const struct mux_settings *
settings_of(const struct client_request *request)
{
    return request->settings == NULL ? &default_settings : request->settings;
}

/* --- life --------------------------------------------------------------------- */

static struct mux_conn *
take_kept(struct client *client, const struct client_request *request)
{
    struct mux_conn *mc = request->may_reuse ? client_idle_take(&client->to, client->key) : NULL;

    if (mc == NULL)
        return NULL;
    client->is_reused = true;
    mc->owner = &mux_owner;
    mc->owner_data = client;
    mc->settings = settings_of(request);
    return mc;
}

static struct mux_conn *
dial(struct client *client, const struct client_request *request)
{
    const struct mux *mux = request->mux == NULL ? &h1_mux : request->mux;
    enum connection_error err;
    struct connection *conn = connector_dial(client->loop, &request->dial, NULL, NULL, &err);
    struct mux_conn *mc;

    if (conn == NULL)
        return NULL;
    mc = mux->start(conn, MUX_BACK, settings_of(request), &mux_owner, client);
    if (mc == NULL)
        connection_close(conn);
    return mc;
}

static bool
connect_it(struct client *client, const struct client_request *request)
{
    client->mc = take_kept(client, request);
    if (client->mc == NULL)
        client->mc = dial(client, request);
    if (client->mc == NULL)
        return false;
    client->ep = client->mc->mux->open(client->mc);
    if (client->ep == NULL) {
        mux_conn_close(client->mc);
        return false;
    }
    client->ep->owner = &endpoint_owner;
    client->ep->owner_data = client;
    return true;
}

struct client *
client_start(struct loop *loop, struct client_request *request,
             void (*on_event_fn)(struct client *client), void *data)
{
    struct client *client = pool_take(&client_pool);

    if (client == NULL) {
        message_give(request->head);
        chain_clear(&request->body);
        return NULL;
    }
    *client = (struct client){ .magic = CLIENT_MAGIC,
                               .loop = loop,
                               .on_event = on_event_fn,
                               .data = data,
                               .request = request->head,
                               .to = request->dial.to,
                               .key = request->key,
                               .may_reuse = request->may_reuse,
                               .connect_ms = request->connect_ms,
                               .server_ms = request->server_ms };
    chain_move(&client->body, &request->body);
    timer_init(&client->timer, on_late);
    deferred_init(&client->work, on_failed_at_once);
    if (!connect_it(client, request)) {
        fail(client, CLIENT_NOT_CONNECTED);
        loop_defer(loop, &client->work);
    } else if ((client->ep->flags & EP_CONNECTED) != 0) {
        go_on(client);
        if (client->state == CLIENT_FAILED)
            loop_defer(loop, &client->work);
    } else {
        expect_more(client, client->connect_ms);
    }
    return client;
}

struct chain *
client_body(struct client *client)
{
    return client->ep == NULL ? NULL : &client->ep->in;
}

void
client_consumed(struct client *client)
{
    if (client->ep == NULL)
        return;
    endpoint_consumed(client->ep);
    if ((client->ep->flags & EP_IN_BROKEN) != 0 && client->state != CLIENT_DONE &&
        chain_is_empty(&client->ep->in))
        fail(client, failure_of(client));
}

void
client_free(struct client *client)
{
    if (client == NULL)
        return;
    let_go(client);
    deferred_cancel(&client->work);
    message_give(client->request);
    message_give(client->answer);
    chain_clear(&client->body);
    client->magic = 0;
    pool_give(&client_pool, client);
}
