/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check over one connection: connect, perhaps send and receive, judge.
 *
 * Callers: check.c. Thread: control.
 *
 *     check_run_begin ──> on_established ──> (tcp) done
 *                              └─ (http) on_writable: send ──> on_readable: receive, judge ──> done
 */
#include <string.h>

#include "weir/loop/loop.h"
#include "weir/tls/tls.h"
#include "private.h"

#define RECEIVE_BYTES 4096

static int64_t
shorter(int64_t a, int64_t b)
{
    return a == 0 ? b : b == 0 ? a : a < b ? a : b;
}

static void
set_deadline(struct check *check, int64_t delay_ms)
{
    timer_set(loop_here(), &check->timer, loop_now_ms(loop_here()) + delay_ms);
}

static const struct check_method *
method_of(const struct check *check)
{
    const struct proxy_conf *backend = check->server->backend->conf;

    return backend == NULL ? NULL : check_method_of(backend);
}

static void
send_request(struct check *check)
{
    const struct check_method *method = method_of(check);
    size_t len = method == NULL ? 0 : strlen(method->request), sent;

    while (method != NULL && check->sent < len) {
        struct iovec iov = { (char *)method->request + check->sent, len - check->sent };

        if (connection_write(check->conn, &iov, 1, false, &sent) != IO_OK)
            return; /* on_writable, or on_readable with the error */
        check->sent += sent;
    }
}

static void
on_writable(struct connection *conn)
{
    send_request(conn->owner_data);
}

static void
on_readable(struct connection *conn)
{
    struct check *check = conn->owner_data;
    const struct check_method *method = method_of(check);
    char bytes[RECEIVE_BYTES];
    enum io result;
    size_t got;

    if (method == NULL) {
        check_run_abort(check);
        return;
    }
    while ((result = connection_read(conn, bytes, sizeof(bytes), &got)) == IO_OK) {
        text_add(&check->received, str_of(bytes, got));
        if (got < sizeof(bytes))
            break;
    }
    if (result == IO_FAILED && check->received.len == 0) {
        check_done(check, CHECK_L7RSP, 0, strerror(conn->os_errno));
        return;
    }
    http_check_judge(check, method, result == IO_CLOSED || result == IO_FAILED);
}

static void
on_established(struct connection *conn)
{
    struct check *check = conn->owner_data;
    const struct check_method *method = method_of(check);
    const struct proxy_conf *backend = check->server->backend->conf;

    if (conn->err >= CONN_ERR_TLS_EMPTY && conn->err <= CONN_ERR_TLS_FATAL) {
        check_done(check, CHECK_L6RSP, 0, connection_error_text((enum connection_error)conn->err));
        return;
    }
    if (conn->err != CONN_ERR_NONE) {
        check_done(check, CHECK_L4CON, 0,
                   conn->os_errno != 0 ? strerror(conn->os_errno) : "cannot connect");
        return;
    }
    if (method == NULL || !method->is_http) {
        conn->flags |= CONN_LINGER_RESET; /* no state stays behind on either side */
        check_done(check, tls_of(conn) != NULL ? CHECK_L6OK : CHECK_L4OK, 0, NULL);
        return;
    }
    if (backend->timeouts.check_ms > 0)
        set_deadline(check, backend->timeouts.check_ms);
    send_request(check);
}

static const struct connection_owner owner = {
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_established = on_established,
};

static void
find_target(const struct check *check, const struct check_conf *conf, struct addr *to)
{
    struct addr server;

    server_addr(check->server, &server);
    *to = conf->addr.family != ADDR_NONE ? conf->addr : server;
    to->port = conf->port > 0        ? (uint16_t)conf->port
               : conf->addr.port > 0 ? conf->addr.port
                                     : server.port;
}

/* As connections do when the check goes where they go; else only with check-send-proxy. */
static void
choose_proxy_header(const struct check_conf *conf, struct dial_conf *dial)
{
    bool is_elsewhere = conf->addr.family != ADDR_NONE || conf->port > 0;

    if (conf->send_proxy && !dial->send_proxy_v2)
        dial->send_proxy = true;
    else if (!conf->send_proxy && is_elsewhere)
        dial->send_proxy = dial->send_proxy_v2 = false;
}

void
check_run_begin(struct check *check)
{
    const struct server_conf *srv = check->server->conf;
    const struct check_conf *conf = check_conf_of(srv);
    const struct proxy_conf *backend = check->server->backend->conf;
    struct dial_conf dial = srv->dial;
    struct dial_request request = { .conf = &dial };
    enum connection_error err;
    struct tls_dial tls;
    int64_t limit_ms = conf->inter_ms;

    choose_proxy_header(conf, &dial);
    find_target(check, conf, &request.to);
    tls_dial_for_check(&tls, srv->slots, conf->addr.family != ADDR_NONE || conf->port > 0);
    tls_dial_apply(&tls, &request);
    check->is_running = true;
    check->began_us = loop_here()->now_us;
    check->sent = 0;
    text_clear(&check->received);
    if (backend != NULL && backend->timeouts.check_ms > 0)
        limit_ms = shorter(backend->timeouts.connect_ms, conf->inter_ms);
    set_deadline(check, limit_ms);
    check->conn = connector_dial(loop_here(), &request, &owner, check, &err);
    if (check->conn == NULL)
        check_done(check, CHECK_SOCKERR, 0, connection_error_name(err));
}

void
check_run_abort(struct check *check)
{
    struct connection *conn = check->conn;

    check->conn = NULL;
    check->is_running = false;
    connection_close(conn);
}
