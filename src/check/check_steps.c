/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check: the steps of its method one after the other, over one connection or several.
 *
 * Callers: check.c. Thread: control.
 *
 *     check_run_begin ──> run_steps: connect ──> on_established ──> run_steps: send, expect ...
 *                                    send    ──> on_writable    ──> run_steps
 *                                    expect  ──> on_readable    ──> run_steps ──> check_done
 */
#include <stdio.h>
#include <string.h>

#include "weir/base/encode.h"
#include "weir/expr/sample.h"
#include "weir/loop/loop.h"
#include "weir/tls/tls.h"
#include "steps.h"

#define RECEIVE_BYTES 4096
#define RECEIVED_MAX  (1 << 20) /* more is not kept */

static void run_steps(struct check *check);

static const struct check_method *
method_of(const struct check *check)
{
    const struct proxy_conf *backend = check->server->backend->conf;

    return backend == NULL ? NULL : check_method_of(backend);
}

static const struct check_step *
step_of(const struct check *check)
{
    const struct check_method *method = method_of(check);

    return method == NULL || method->steps == NULL ? NULL : method->steps[check->step];
}

void
check_eval(struct check *check, struct eval *eval)
{
    static struct variables variables;

    variables.scopes[SCOPE_CHECK] = &check->variables;
    *eval = (struct eval){
        .snapshot = snapshot_current(),
        .check = check,
        .backend = check->server->backend->conf,
        .proxy = check->server->backend->conf,
        .server_conn = check->conn,
        .server = check->server,
        .arena = &check->arena,
        .variables = &variables,
        .place = PLACE_CHECK,
        .final = 1,
        .now_us = loop_here()->now_us,
    };
}

struct str
check_unique_id(struct check *check, struct eval *eval)
{
    const struct log_format *format = eval->backend == NULL ? NULL : eval->backend->unique_id_format;

    if (format != NULL && check->unique_id[0] == '\0') {
        check->unique_id[0] = '-'; /* as the format itself sees it */
        check->unique_id[1] = '\0';
        (void)snprintf(check->unique_id, sizeof(check->unique_id), "%.*s",
                       STR_ARG(log_format_to_str(format, eval)));
    }
    return str_from(check->unique_id);
}

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

/* `what`, and which step it was. */
static void
fail(struct check *check, enum check_status status, const char *what)
{
    const struct check_step *step = step_of(check);
    struct text info = TEXT_INIT;

    text_puts(&info, what);
    if (step != NULL)
        step_describe(&info, step, NULL);
    check_done(check, status, 0, text_cstr(&info));
    text_fini(&info);
}

void
check_timed_out(struct check *check)
{
    const struct connection *conn = check->conn;
    const struct check_step *step = step_of(check);
    enum check_status status = CHECK_L4TOUT;

    if (conn != NULL && (conn->flags & CONN_ESTABLISHED) != 0)
        status = CHECK_L7TOUT;
    else if (conn != NULL && (conn->flags & CONN_CONNECTING) == 0 && tls_of(conn) != NULL)
        status = CHECK_L6TOUT;
    if (status == CHECK_L7TOUT && step != NULL && step->kind == STEP_EXPECT &&
        step->expect.timeout_status != CHECK_UNKNOWN)
        status = (enum check_status)step->expect.timeout_status;
    fail(check, status, "");
}

/* --- send -------------------------------------------------------------------------------------- */

/* False: the format gave nothing that could be sent. */
static bool
fill(struct check *check, const struct check_step *step)
{
    const struct step_send *send = &step->send;
    struct eval eval;
    struct str text;
    size_t len;
    char *bytes;

    text_clear(&check->to_send);
    if (send->write != NULL)
        send->write(check, step, &check->to_send);
    else if (send->request != NULL)
        http_request_write(check, send, &check->to_send);
    else if (send->format == NULL)
        text_add(&check->to_send, send->bytes);
    else {
        check_eval(check, &eval);
        text = log_format_to_str(send->format, &eval);
        if (text.ptr == NULL)
            return false;
        if (!send->is_hex) {
            text_add(&check->to_send, text);
            return true;
        }
        bytes = text_reserve(&check->to_send, text.len / 2 + 1);
        if (text.len % 2 != 0 || !hex_decode(bytes, &len, text))
            return false;
        text_keep(&check->to_send, len);
    }
    return true;
}

enum ran { RAN_ON, RAN_WAITS, RAN_OVER };

static enum ran
run_send(struct check *check, const struct check_step *step)
{
    size_t sent;

    check->has_l7 = true;
    if (check->sent == 0) {
        text_clear(&check->received);
        if (!fill(check, step)) {
            fail(check, CHECK_SOCKERR, "TCPCHK error evaluating what is to be sent");
            return RAN_OVER;
        }
    }
    while (check->sent < check->to_send.len) {
        struct iovec iov = { check->to_send.ptr + check->sent, check->to_send.len - check->sent };

        if (connection_write(check->conn, &iov, 1, false, &sent) != IO_OK)
            return RAN_WAITS; /* on_writable, or on_readable with the error */
        check->sent += sent;
    }
    check->sent = 0;
    return RAN_ON;
}

/* --- expect ------------------------------------------------------------------------------------- */

static enum ran
run_expect(struct check *check, const struct check_step *step, bool at_end)
{
    struct verdict_of_step out = { .info = TEXT_INIT };
    enum judged judged = expect_judge(check, step, at_end, &out);

    check->has_l7 = true;
    if (judged == JUDGED_BAD)
        check_done(check, (enum check_status)out.status, out.code, text_cstr(&out.info));
    else if (judged == JUDGED_GOOD) {
        check->ended = (enum check_status)out.status;
        check->ended_code = out.code;
        snprintf(check->ended_text, sizeof(check->ended_text), "%s", text_cstr(&out.info));
    }
    text_fini(&out.info);
    return judged == JUDGED_GOOD ? RAN_ON : judged == JUDGED_BAD ? RAN_OVER : RAN_WAITS;
}

/* --- variables ----------------------------------------------------------------------------------- */

static void
run_set(struct check *check, const struct check_step *step)
{
    struct value value = { .cursor = VALUE_SINGLE };
    struct eval eval;

    check_eval(check, &eval);
    if (step->kind == STEP_UNSET) {
        variable_forget(&eval, &step->set.name);
        return;
    }
    if (step->set.format != NULL) {
        value_set_str(&value, log_format_to_str(step->set.format, &eval));
        if (value.str.ptr == NULL)
            return;
    } else if (sample_run(step->set.sample, &eval, &value) != FETCH_OK)
        return;
    variable_store_if(&eval, &step->set.name, step->set.conditions, &value);
}

/* --- connections ----------------------------------------------------------------------------------- */

static void
on_writable(struct connection *conn)
{
    run_steps(conn->owner_data);
}

static void
on_readable(struct connection *conn)
{
    struct check *check = conn->owner_data;
    const struct check_step *step = step_of(check);
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
        check_done(check, CHECK_L7RSP, 0, strerror(conn->os_errno));
        return;
    }
    if (step->kind == STEP_EXPECT)
        run_steps(check);
}

static void
on_established(struct connection *conn)
{
    struct check *check = conn->owner_data;
    const struct proxy_conf *backend = check->server->backend->conf;

    if (conn->err >= CONN_ERR_TLS_EMPTY && conn->err <= CONN_ERR_TLS_FATAL) {
        check_done(check, CHECK_L6RSP, 0, connection_error_text((enum connection_error)conn->err));
        return;
    }
    if (conn->err != CONN_ERR_NONE) {
        fail(check, CHECK_L4CON,
             conn->os_errno != 0 ? strerror(conn->os_errno) : "cannot connect");
        return;
    }
    if (step_of(check) == NULL) {
        check_run_abort(check);
        return;
    }
    if (backend->timeouts.check_ms > 0)
        set_deadline(check, backend->timeouts.check_ms);
    check->step++;
    run_steps(check);
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
    bool is_elsewhere = conf->addr.family != ADDR_NONE || conf->port > 0;
    bool is_wanted = connect->send_proxy || (connect->is_default && conf->send_proxy);

    if (is_wanted && !dial->send_proxy_v2)
        dial->send_proxy = true;
    else if (!is_wanted && (is_elsewhere || !connect->is_default))
        dial->send_proxy = dial->send_proxy_v2 = false;
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

static enum ran
run_connect(struct check *check, const struct check_step *step)
{
    const struct server_conf *srv = check->server->conf;
    const struct check_conf *conf = check_conf_of(srv);
    const struct proxy_conf *backend = check->server->backend->conf;
    struct dial_conf dial = srv->dial;
    struct dial_request request = { .conf = &dial };
    enum connection_error err;
    struct tls_dial tls;
    int64_t limit_ms = conf->inter_ms;

    choose_proxy_header(conf, &step->connect, &dial);
    find_target(check, conf, &step->connect, &request.to);
    tls_dial_for_check(&tls, srv->slots,
                       !step->connect.is_default || conf->addr.family != ADDR_NONE ||
                           conf->port > 0);
    tls_dial_apply(&tls, &request);
    text_clear(&check->received);
    check->sent = 0;
    connection_close(check->conn);
    if (backend->timeouts.check_ms > 0)
        limit_ms = shorter(backend->timeouts.connect_ms, conf->inter_ms);
    if (backend->timeouts.check_ms > 0 || check->ended == CHECK_START)
        set_deadline(check, limit_ms);
    check->conn = connector_dial(loop_here(), &request, &owner, check, &err);
    if (check->conn == NULL) {
        check_done(check, CHECK_SOCKERR, 0, connection_error_name(err));
        return RAN_OVER;
    }
    return RAN_WAITS;
}

/* --- the machine ------------------------------------------------------------------------------------ */

static void
end(struct check *check, const struct check_method *method)
{
    enum check_status status = check->ended;
    const char *text = check->ended_text;
    bool is_tls = tls_of(check->conn) != NULL;

    if (status == CHECK_START)
        status = check->has_l7 ? CHECK_L7OK : is_tls ? CHECK_L6OK : CHECK_L4OK;
    if (text[0] == '\0' && !method->is_http && !method->is_plain && method->prepared == NULL)
        text = "(tcp-check)";
    if (!check->has_l7)
        check->conn->flags |= CONN_LINGER_RESET; /* no state stays behind on either side */
    check_done(check, status, check->ended_code, text);
}

static bool
ended_at_end(const struct check *check)
{
    return (check->conn->flags & (CONN_READ_CLOSED | CONN_FAILED)) != 0;
}

static void
run_steps(struct check *check)
{
    const struct check_method *method = method_of(check);
    const struct check_step *step;
    enum ran ran = RAN_ON;

    if (method == NULL || method->steps == NULL) {
        check_run_abort(check);
        return;
    }
    while (ran == RAN_ON && (step = method->steps[check->step]) != NULL) {
        if (step->kind == STEP_CONNECT)
            ran = run_connect(check, step);
        else if (step->kind == STEP_SEND)
            ran = run_send(check, step);
        else if (step->kind == STEP_EXPECT)
            ran = run_expect(check, step, ended_at_end(check));
        else if (step->kind != STEP_COMMENT)
            run_set(check, step);
        if (ran == RAN_ON)
            check->step++;
    }
    if (ran == RAN_ON)
        end(check, method);
}

void
check_run_begin(struct check *check)
{
    check->is_running = true;
    check->began_us = loop_here()->now_us;
    check->step = 0;
    check->sent = 0;
    check->has_l7 = false;
    check->ended = CHECK_START;
    check->ended_code = 0;
    check->ended_text[0] = '\0';
    check->unique_id[0] = '\0';
    text_clear(&check->received);
    run_steps(check);
}

void
check_run_abort(struct check *check)
{
    struct connection *conn = check->conn;

    check->conn = NULL;
    check->is_running = false;
    connection_close(conn);
    arena_fini(&check->arena);
    variable_set_clear(&check->variables);
}
