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
#include "weir/http/message.h"
#include "weir/loop/loop.h"
#include "weir/tls/tls.h"
#include "external.h"
#include "steps.h"

const struct check_method *
check_method_now(const struct check *check)
{
    const struct server_conf *srv = check->server->conf;

    return srv == NULL || check->server->backend->conf == NULL ? NULL : check_method_of_server(srv);
}

const struct check_step *
check_step_now(const struct check *check)
{
    const struct check_method *method = check_method_now(check);

    return method == NULL || method->steps == NULL ? NULL : method->steps[check->step];
}

void
check_eval(struct check *check, struct eval *eval)
{
    static struct variables variables;

    variables.scopes[SCOPE_CHECK] = &check->variables;
    variables.scopes[SCOPE_SESS] = &check->session_variables;
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
    if (check_method_now(check) != NULL)
        check_show_received(check, check_method_now(check)->is_http, eval);
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

void
check_set_deadline(struct check *check, int64_t delay_ms)
{
    timer_set(loop_here(), &check->timer, loop_now_ms(loop_here()) + delay_ms);
}

/* Is it one of 'option tcp-check', whether or not somebody wrote steps? */
static bool
says_steps(const struct check *check)
{
    const struct check_method *method = check_method_now(check);

    return method->is_steps && method->prepared == NULL;
}

static void end(struct check *check, const struct check_method *method);

/* `what`, and which step it was. */
void
check_fail(struct check *check, enum check_status status, const char *what)
{
    const struct check_step *step = check_step_now(check);
    struct text info = TEXT_INIT;

    text_puts(&info, what);
    if (step != NULL && step->number > 0)
        step_describe(&info, step, NULL);
    else if (step != NULL && step->kind == STEP_CONNECT && says_steps(check))
        text_puts(&info, " at initial connection step of tcp-check");
    check_done(check, status, 0, text_cstr(&info));
    text_fini(&info);
}

void
check_timed_out(struct check *check)
{
    const struct connection *conn = check->conn;
    const struct check_step *step = check_step_now(check);
    enum check_status status = CHECK_L4TOUT;

    if (conn != NULL && (conn->flags & CONN_ESTABLISHED) != 0)
        status = CHECK_L7TOUT;
    else if (conn != NULL && (conn->flags & CONN_CONNECTING) == 0 && tls_of(conn) != NULL)
        status = CHECK_L6TOUT;
    if (status == CHECK_L7TOUT && step != NULL && step->kind == STEP_EXPECT &&
        step->expect.timeout_status != CHECK_UNKNOWN)
        status = (enum check_status)step->expect.timeout_status;
    if (check->child != NULL)
        check_done(check, CHECK_PROCTOUT, 0, NULL);
    else if (step == NULL && check->mux != NULL && check_method_now(check) != NULL)
        end(check, check_method_now(check)); /* only the rest of the body is late */
    else if (check_method_now(check) != NULL && check_method_now(check)->is_http &&
             step != NULL && step->kind == STEP_EXPECT)
        check_done(check, status, 0, "");
    else
        check_fail(check, status, "");
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

static enum ran
send_by_mux(struct check *check)
{
    if (mux_check_ask(check))
        return RAN_ON;
    check_done(check, CHECK_L7RSP, 0, "the request cannot be sent over this connection");
    return RAN_OVER;
}

static enum ran
run_send(struct check *check, const struct check_step *step)
{
    size_t sent;

    check->has_l7 = true;
    if (check->sent == 0) {
        check_response_forget(check);
        text_clear(&check->received);
        if (!fill(check, step)) {
            check_fail(check, CHECK_SOCKERR, "TCPCHK error evaluating what is to be sent");
            return RAN_OVER;
        }
    }
    if (check->mux != NULL)
        return send_by_mux(check);
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

/* --- the machine ------------------------------------------------------------------------------------ */

/* linger of the last connect: closed with a FIN. */
static bool
ends_gently(const struct check *check, const struct check_method *method)
{
    for (unsigned at = check->step; at > 0; at--) {
        if (method->steps[at - 1]->kind == STEP_CONNECT)
            return method->steps[at - 1]->connect.linger;
    }
    return false;
}

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
    if (!check->has_l7 && !ends_gently(check, method))
        check->conn->flags |= CONN_LINGER_RESET; /* no state stays behind on either side */
    check_done(check, status, check->ended_code, text);
}

static bool
ended_at_end(const struct check *check)
{
    if (check->mux != NULL)
        return check->has_all;
    return (check->conn->flags & (CONN_READ_CLOSED | CONN_FAILED)) != 0;
}

void
check_steps_go_on(struct check *check)
{
    const struct check_step *step = check_step_now(check);

    if (check_method_now(check) == NULL)
        check_run_abort(check);
    else if (step == NULL || step->kind == STEP_EXPECT)
        check_steps_run(check);
}

void
check_steps_run(struct check *check)
{
    const struct check_method *method = check_method_now(check);
    const struct check_step *step;
    enum ran ran = RAN_ON;

    if (method == NULL || method->steps == NULL) {
        check_run_abort(check);
        return;
    }
    while (ran == RAN_ON && (step = method->steps[check->step]) != NULL) {
        if (step->kind == STEP_CONNECT)
            ran = check_connect(check, step);
        else if (step->kind == STEP_SEND)
            ran = run_send(check, step);
        else if (step->kind == STEP_EXPECT)
            ran = run_expect(check, step, ended_at_end(check));
        else if (step->kind != STEP_COMMENT)
            run_set(check, step);
        if (ran == RAN_ON)
            check->step++;
    }
    /* A connection that is kept must be empty. */
    if (ran == RAN_ON && (!check->keeps || check->mux == NULL || check->has_all))
        end(check, method);
}

static bool
external_checks(const struct server *srv)
{
    return srv->conf != NULL && check_conf_of(srv->conf)->method == NULL &&
           external_conf_of(srv->conf->backend)->is_on;
}

void
check_run_begin(struct check *check)
{
    check_count_running(check, true);
    check->began_us = loop_here()->now_us;
    check->step = 0;
    check->sent = 0;
    check->has_l7 = false;
    check->ended = CHECK_START;
    check->ended_code = 0;
    check->ended_text[0] = '\0';
    check->unique_id[0] = '\0';
    check_response_forget(check);
    text_clear(&check->received);
    if (external_checks(check->server)) {
        check_set_deadline(check, check_limit_ms(check));
        external_begin(check);
    } else
        check_steps_run(check);
}

void
check_run_abort(struct check *check)
{
    check_count_running(check, false);
    external_abort(check);
    check_close_connection(check);
    message_give(check->request); /* of a connection that went by itself */
    check->request = NULL;
    check_response_forget(check);
    arena_fini(&check->arena);
    variable_set_clear(&check->variables);
    variable_set_clear(&check->session_variables);
}
