/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP checks through a mux: over HTTP/2, and over connections that are kept for the next check.
 *
 * For:     check-proto h2, proto h2, alpn h2; check-reuse-pool.
 * Owns:    the mux of the connection, and the request while it is under way; what is kept.
 * Callers: check_steps.c. Thread: control.
 *
 * Steps are written for HTTP/1's text. The request is parsed from it, and the response is put into
 * check->received as text again, so that everything that judges knows one form only.
 */
#include <string.h>

#include "weir/http/message.h"
#include "weir/loop/loop.h"
#include "weir/mux/h1_parser.h"
#include "weir/mux/mux.h"
#include "steps.h"

#define RECEIVED_MAX (1 << 20) /* more is not kept */
#define FIELDS_MAX   101

/* --- the response --------------------------------------------------------------------------- */

static void
add_head(struct text *out, const struct message *msg)
{
    text_printf(out, "HTTP/1.1 %03u %.*s\r\n", msg->status, STR_ARG(msg->reason));
    for (uint32_t i = 0; i < msg->count; i++) {
        struct str name = field_name_str(&msg->fields[i]), value = field_value(&msg->fields[i]);

        if (name.len > 0)
            text_printf(out, "%.*s: %.*s\r\n", STR_ARG(name), STR_ARG(value));
    }
    text_puts(out, "\r\n");
}

static void
take_head(struct check *check)
{
    struct message *msg = endpoint_take_message(check->ep);

    if (msg != NULL && msg->status >= 200)
        add_head(&check->received, msg);
    message_give(msg);
}

static void
take_body(struct check *check)
{
    struct chain *in = &check->ep->in;
    char bytes[4096];

    while (!chain_is_empty(in)) {
        size_t len = chain_peek(in, 0, bytes, sizeof(bytes));

        if (check->received.len < RECEIVED_MAX)
            text_add(&check->received, str_of(bytes, len));
        chain_consume(in, len);
    }
    endpoint_consumed(check->ep);
}

/* A kept connection had died meanwhile. */
static void
begin_anew(struct check *check)
{
    mux_check_close(check);
    check->is_reused = false;
    check->has_l7 = false;
    check->step = 0;
    check_steps_run(check);
}

static void
on_event(struct endpoint *ep)
{
    struct check *check = ep->owner_data;

    if (ep->flags & EP_HEAD)
        take_head(check);
    take_body(check);
    if (ep->flags & (EP_IN_ENDED | EP_IN_BROKEN))
        check->has_all = true;
    if ((ep->flags & EP_IN_BROKEN) != 0 && check->received.len == 0 && check->is_reused)
        begin_anew(check);
    else
        check_steps_go_on(check);
}

static const struct endpoint_owner endpoint_owner = { .on_event = on_event };

/* --- the connection -------------------------------------------------------------------------- */

/* Kept connections must not look at settings of a snapshot that may go. */
static const struct mux_settings idle_settings;

/* From inside endpoint_close(): it may be used again. */
static void
on_idle(struct mux_conn *mc)
{
    struct check *check = mc->owner_data;

    if (check != NULL && check->keeps) {
        mc->settings = &idle_settings;
        check->kept = mc;
    }
}

static void
on_gone(struct mux_conn *mc)
{
    struct check *check = mc->owner_data;

    if (check == NULL)
        return;
    if (mc == check->kept) {
        check->kept = NULL;
        return;
    }
    check->mux = NULL;
    check->conn = NULL;
    check->ep = NULL;
    check_done(check, CHECK_L7RSP, 0, "the connection closed");
}

static const struct mux_owner mux_owner = { .on_idle = on_idle, .on_gone = on_gone };

bool
mux_check_start(struct check *check, const struct mux *mux)
{
    const struct proxy_conf *backend = check->server->backend->conf;

    check->mux = mux->start(check->conn, MUX_BACK, &backend->back_mux, &mux_owner, check);
    return check->mux != NULL;
}

bool
mux_check_take_kept(struct check *check, const struct addr *to, uint64_t key)
{
    struct mux_conn *kept = check->kept;

    if (kept == NULL)
        return false;
    if (!addr_eq(&kept->conn->dst, to) || kept->key != key) {
        mux_check_drop_kept(check);
        return false;
    }
    check->kept = NULL;
    check->is_reused = true;
    check->has_all = false;
    check->mux = kept;
    check->conn = kept->conn;
    kept->settings = &check->server->backend->conf->back_mux;
    return true;
}

void
mux_check_drop_kept(struct check *check)
{
    struct mux_conn *kept = check->kept;

    check->kept = NULL;
    if (kept == NULL)
        return;
    kept->owner_data = NULL;
    mux_conn_close(kept);
}

void
mux_check_close(struct check *check)
{
    struct endpoint *ep = check->ep;
    struct mux_conn *mux = check->mux;
    bool is_whole = ep != NULL && (ep->flags & (EP_IN_ENDED | EP_IN_BROKEN)) == EP_IN_ENDED;

    check->ep = NULL;
    check->mux = NULL;
    check->conn = NULL;
    if (!is_whole || !check->keeps)
        mux->owner_data = NULL;
    if (ep != NULL) {
        ep->owner = NULL;
        endpoint_close(ep, is_whole ? EP_CLOSE_DONE : EP_CLOSE_ABORT);
    }
    if (check->kept != mux) {
        mux->owner_data = NULL;
        mux_conn_close(mux);
    }
    message_give(check->request);
    check->request = NULL;
}

/* --- the request ----------------------------------------------------------------------------- */

static struct message *
parse_request(struct text *text, size_t *head_len)
{
    struct h1_limits limits = { .max_fields = FIELDS_MAX, .accept_unsafe = true };
    struct message *msg = message_take();
    struct h1_error err;

    if (msg == NULL)
        return NULL;
    if (h1_parse_request(text->ptr, text->len, &limits, msg, head_len, &err) == PARSE_DONE)
        return msg;
    message_give(msg);
    return NULL;
}

bool
mux_check_ask(struct check *check)
{
    struct chain body;
    size_t head_len;

    chain_init(&body);
    if (check->ep != NULL)
        return false; /* one request for each connection */
    check->request = parse_request(&check->to_send, &head_len);
    if (check->request == NULL)
        return false;
    check->ep = check->mux->mux->open(check->mux);
    if (check->ep == NULL)
        return false;
    check->ep->owner = &endpoint_owner;
    check->ep->owner_data = check;
    check->has_all = false;
    if (!endpoint_send_head(check->ep, check->request))
        return false;
    if (check->to_send.len > head_len &&
        (!chain_add_copy(&body, check->to_send.ptr + head_len, check->to_send.len - head_len) ||
         !endpoint_send_body(check->ep, &body))) {
        chain_clear(&body);
        return false;
    }
    if (!endpoint_send_end(check->ep))
        return false;
    endpoint_flush(check->ep, false);
    return true;
}
