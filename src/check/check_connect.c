/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of checks: where to, through whom, over what; and what comes from them.
 *
 * Callers: check_steps.c; events of the connection. Thread: control.
 */
#include <stdio.h>
#include <string.h>

#include "weir/expr/sample.h"
#include "weir/http/message.h"
#include "weir/loop/loop.h"
#include "weir/tls/tls.h"
#include "steps.h"

#define RECEIVE_BYTES 4096
#define RECEIVED_MAX  (1 << 20) /* more is not kept */

void
check_close_connection(struct check *check)
{
    struct connection *conn = check->conn;

    if (check->mux != NULL) {
        mux_check_close(check);
        return;
    }
    check->conn = NULL;
    connection_close(conn);
}

static void
on_writable(struct connection *conn)
{
    check_steps_run(conn->owner_data);
}

static void
on_readable(struct connection *conn)
{
    struct check *check = conn->owner_data;
    const struct check_step *step = check_step_now(check);
    char bytes[RECEIVE_BYTES];
    enum io result;
    size_t got;

    while ((result = connection_read(conn, bytes, sizeof(bytes), &got)) == IO_OK) {
        if (check->received.len < RECEIVED_MAX)
            text_add(&check->received, str_of(bytes, got));
        if (got < sizeof(bytes))
            break;
    }
    if (step == NULL) {
        check_run_abort(check);
        return;
    }
    if (result == IO_FAILED && check->received.len == 0) {
        if (check_method_now(check)->is_http)
            check_done(check, CHECK_SOCKERR, 0, strerror(conn->os_errno));
        else
            check_fail(check, CHECK_SOCKERR, strerror(conn->os_errno));
        return;
    }
    if (step->kind == STEP_EXPECT)
        check_steps_run(check);
}

static bool
is_elsewhere(const struct check_conf *conf)
{
    return conf->addr.family != ADDR_NONE || conf->port > 0;
}

/* Which of the protocols of HTTP? Settings first, then what the handshake agreed on. */
static bool
speaks_h2(const struct check *check, const struct check_step *step)
{
    const struct server_conf *srv = check->server->conf;
    const struct check_conf *conf = check_conf_of(srv);
    const struct mux *mux = step->connect.mux;

    if (mux == NULL && step->connect.is_default)
        mux = conf->mux;
    if (mux == NULL && step->connect.is_default && srv->proto != NULL && !is_elsewhere(conf))
        mux = mux_find(str_from(srv->proto));
    if (!check_method_now(check)->is_http)
        return false;
    return mux != NULL ? mux == &h2_mux : str_eq(tls_alpn(check->conn), STR("h2"));
}

/* Bytes of HTTP/1 need no mux, unless the connection is to be kept. */
static bool
start_mux(struct check *check, const struct check_step *step)
{
    if (speaks_h2(check, step))
        return mux_check_start(check, &h2_mux);
    return !check->keeps || mux_check_start(check, &h1_mux);
}

static void
on_established(struct connection *conn)
{
    struct check *check = conn->owner_data;
    const struct proxy_conf *backend = check->server->backend->conf;

    if (conn->err >= CONN_ERR_TLS_EMPTY && conn->err <= CONN_ERR_TLS_FATAL) {
        check_fail(check, CHECK_L6RSP, connection_error_text((enum connection_error)conn->err));
        return;
    }
    if (conn->err >= CONN_ERR_SOCKS4_SEND && conn->err <= CONN_ERR_SOCKS4_ABORT) {
        check_fail(check, CHECK_L4CON, connection_error_text((enum connection_error)conn->err));
        return;
    }
    if (conn->err != CONN_ERR_NONE) {
        check_fail(check, CHECK_L4CON,
             conn->os_errno != 0 ? strerror(conn->os_errno) : "cannot connect");
        return;
    }
    if (check_step_now(check) == NULL) {
        check_run_abort(check);
        return;
    }
    if (backend->timeouts.check_ms > 0)
        check_set_deadline(check, backend->timeouts.check_ms);
    if (!start_mux(check, check_step_now(check))) {
        check_done(check, CHECK_SOCKERR, 0, "out of memory");
        return;
    }
    if (check->mux != NULL)
        check->mux->key = check->key;
    check->step++;
    check_steps_run(check);
}

static const struct connection_owner owner = {
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_established = on_established,
};

/* As connections do when the check goes where they go; else only with check-send-proxy. */
static void
choose_proxy_header(const struct check_conf *conf, const struct step_connect *connect,
                    struct dial_conf *dial)
{
    bool goes_elsewhere = is_elsewhere(conf);
    bool is_wanted = connect->send_proxy || (connect->is_default && conf->send_proxy);

    if (is_wanted && !dial->send_proxy_v2)
        dial->send_proxy = true;
    else if (!is_wanted && (goes_elsewhere || !connect->is_default))
        dial->send_proxy = dial->send_proxy_v2 = false;
    if (!connect->via_socks4 && !(connect->is_default && conf->via_socks4))
        dial->socks4.family = ADDR_NONE;
}

/* The Host field of the request, for the server name. */
static struct str
guess_name(struct check *check, const struct check_method *method)
{
    const struct check_step *step = method->steps[check->step + 1];
    struct eval eval;

    if (!method->is_http || step == NULL || step->kind != STEP_SEND || step->send.request == NULL ||
        step->send.request->host == NULL)
        return STR_NONE;
    check_eval(check, &eval);
    return log_format_to_str(step->send.request->host, &eval);
}

static void
choose_tls(struct check *check, const struct check_step *step, struct tls_dial *tls)
{
    const struct server_conf *srv = check->server->conf;
    const struct step_connect *connect = &step->connect;
    struct tls_check wish = {
        .is_default = connect->is_default,
        .is_elsewhere = is_elsewhere(check_conf_of(srv)),
        .is_ssl = connect->is_ssl,
        .server_name = connect->server_name == NULL ? STR_NONE : str_from(connect->server_name),
        .alpn = connect->alpn,
    };

    if (step->number == 0)
        wish.guess = guess_name(check, check_method_now(check));
    tls_dial_for_check(tls, srv->slots, &wish);
}

static void
find_target(struct check *check, const struct check_conf *conf, const struct step_connect *connect,
            struct addr *to)
{
    struct value value = { .cursor = VALUE_SINGLE };
    struct addr server;
    struct eval eval;

    server_addr(check->server, &server);
    *to = connect->addr.family != ADDR_NONE ? connect->addr
          : check->addr.family != ADDR_NONE ? check->addr
          : conf->addr.family != ADDR_NONE  ? conf->addr
                                            : server;
    to->port = connect->port > 0         ? (uint16_t)connect->port
               : connect->addr.port > 0  ? connect->addr.port
               : check->port > 0         ? check->port
               : conf->port > 0          ? (uint16_t)conf->port
               : conf->addr.port > 0     ? conf->addr.port
                                         : server.port;
    if (connect->where == NULL)
        return;
    check_eval(check, &eval);
    if (sample_run_as(connect->where, &eval, VALUE_INT, &value) == FETCH_OK && value.num > 0 &&
        value.num < 65536)
        to->port = (uint16_t)value.num;
}

static int64_t
shorter(int64_t a, int64_t b)
{
    return a == 0 ? b : b == 0 ? a : a < b ? a : b;
}

/* check-reuse-pool counts for HTTP that connects as the server line says, and says no more. */
static bool
reuses(const struct check *check, const struct check_step *step)
{
    return check_conf_of(check->server->conf)->reuses && check_method_now(check)->is_http &&
           step->number == 0;
}

int64_t
check_limit_ms(const struct check *check)
{
    const struct server_conf *srv = check->server->conf;
    int64_t inter_ms = check_conf_of(srv)->inter_ms;

    return srv->backend->timeouts.check_ms > 0
               ? shorter(srv->backend->timeouts.connect_ms, inter_ms)
               : inter_ms;
}

enum ran
check_connect(struct check *check, const struct check_step *step)
{
    const struct server_conf *srv = check->server->conf;
    const struct check_conf *conf = check_conf_of(srv);
    const struct proxy_conf *backend = check->server->backend->conf;
    struct dial_conf dial = srv->dial;
    struct dial_request request = { .conf = &dial };
    enum connection_error err;
    struct tls_dial tls;

    choose_proxy_header(conf, &step->connect, &dial);
    find_target(check, conf, &step->connect, &request.to);
    choose_tls(check, step, &tls);
    tls_dial_apply(&tls, &request);
    check_response_forget(check);
    text_clear(&check->received);
    check->sent = 0;
    check_close_connection(check);
    if (backend->timeouts.check_ms > 0 || check->ended == CHECK_START)
        check_set_deadline(check, check_limit_ms(check));
    check->keeps = reuses(check, step);
    check->key = tls.key;
    check->is_reused = check->has_all = false;
    if (check->keeps && mux_check_take_kept(check, &request.to, tls.key))
        return RAN_ON;
    check->conn = connector_dial(loop_here(), &request, &owner, check, &err);
    if (check->conn == NULL) {
        check_done(check, CHECK_SOCKERR, 0, connection_error_name(err));
        return RAN_OVER;
    }
    return RAN_WAITS;
}
