/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents: when they are asked, and whether they keep their server down.
 *
 * For:     servers with "agent-check". Owns: a struct agent for each, from publishing to removal.
 * Callers: server tells of added and removed servers (server_observer); timers do the rest.
 * Thread:  control.
 *
 * A server is up when its check and its agent both say so. An agent that cannot be reached changes
 * nothing.
 */
#include "agent.h"

#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/entropy.h"
#include "weir/loop/loop.h"
#include "weir/telemetry/notice.h"

#define RECEIVED_MAX 4096

static const struct agent_conf *
conf_of(const struct agent *agent)
{
    return agent->server->conf == NULL ? NULL : agent_conf_of(agent->server->conf);
}

static bool
is_due(const struct agent *agent)
{
    return agent->is_wanted && !agent->is_paused;
}

static void
schedule(struct agent *agent, int64_t delay_ms)
{
    timer_set(loop_here(), &agent->timer, loop_now_ms(loop_here()) + delay_ms);
}

static void
hang_up(struct agent *agent)
{
    struct connection *conn = agent->conn;

    agent->conn = NULL;
    agent->is_running = false;
    connection_close(conn);
}

static void
add_reason(struct text *to, const struct agent *agent)
{
    text_printf(to, "reason: %s%s", check_status_description(agent->status),
                check_status_has_code(agent->status) ? ", code: 0" : "");
    if (agent->text[0] != '\0')
        text_printf(to, ", info: \"%s\"", agent->text);
    text_printf(to, ", check duration: %lldms", (long long)agent->duration_ms);
}

static const struct proxy_conf *
logging_backend(const struct agent *agent)
{
    const struct proxy_conf *backend = agent->server->backend->conf;

    return backend != NULL && backend->option.log_health_checks ? backend : NULL;
}

/* option log-health-checks: each change of the result. */
static void
say_result(const struct agent *agent)
{
    const struct proxy_conf *backend = logging_backend(agent);
    struct text text = TEXT_INIT;

    if (backend == NULL || agent->server->conf == NULL)
        return;
    text_printf(&text, "Agent check for %sserver %s/%s %s, ",
                agent->server->conf->backup ? "backup " : "", agent->server->backend->name,
                agent->server->name, agent->status == CHECK_L7OK ? "succeeded" : "failed");
    add_reason(&text, agent);
    text_printf(&text, ", status: %s.", agent->is_down                         ? "0/1 DOWN"
                                         : agent->server->effective_weight == 0 ? "1/1 DRAIN"
                                                                                : "1/1 UP");
    notice_print(NOTICE_WARNING, "%s", text_cstr(&text));
    log_event(backend->logs, LOG_LEVEL_NOTICE, backend->log_tag, "check", STR_NONE, "%s",
              text_cstr(&text));
    text_fini(&text);
}

static void
set_result(struct agent *agent, enum check_status status, const char *text)
{
    bool is_other = agent->status != status;

    agent->status = status;
    snprintf(agent->text, sizeof(agent->text), "%s", text);
    if (is_other && status != CHECK_START)
        say_result(agent);
    FOR_EACH_REGISTERED (check_reader, reader, list)
        reader->read(agent->server, true);
}

static void
end(struct agent *agent)
{
    const struct agent_conf *conf = conf_of(agent);

    hang_up(agent);
    agent->duration_ms = (loop_here()->now_us - agent->began_us) / 1000;
    if (conf != NULL)
        schedule(agent, conf->inter_ms);
}

static void
done(struct agent *agent, enum check_status status, const char *text)
{
    end(agent);
    set_result(agent, status, text);
}

/* --- what it said ---------------------------------------------------------------------------- */

bool
agent_holds_down(const struct server *srv)
{
    const struct agent *agent = srv->agent;

    return agent != NULL && agent->is_wanted && agent->is_down;
}

void
agent_set(struct agent *agent, bool is_up, const char *text)
{
    struct server *srv = agent->server;
    struct text reason = TEXT_INIT;
    struct check_view view;

    agent->is_down = !is_up;
    set_result(agent, is_up ? CHECK_L7OK : CHECK_L7STS, text);
    add_reason(&reason, agent);
    /* With option log-health-checks the line before has said why. */
    if (!is_up)
        server_set_state(srv, SERVER_STOPPED,
                         logging_backend(agent) != NULL ? NULL : text_cstr(&reason));
    else if (srv->state == SERVER_STOPPED &&
             (!check_view(srv, &view) || view.health >= view.rise))
        server_set_state(srv, SERVER_RUNNING,
                         logging_backend(agent) != NULL ? NULL : text_cstr(&reason));
    text_fini(&reason);
}

void
agent_says_nothing(struct agent *agent, const char *text)
{
    set_result(agent, CHECK_START, text);
}

/* Up to the end of a line; without one nothing counts. */
static void
answered(struct agent *agent)
{
    struct str said = text_str(&agent->received);
    struct text copy = TEXT_INIT;

    if (said.len == 0) {
        done(agent, CHECK_L7RSP, "TCPCHK got an empty response at step 2");
        return;
    }
    if (str_find_char(said, '\n') < 0) {
        done(agent, CHECK_L7TOUT, "Ignoring incomplete line from agent");
        return;
    }
    text_add(&copy, said);
    end(agent);
    agent_obey(agent, text_str(&copy));
    text_fini(&copy);
}

/* --- the conversation ------------------------------------------------------------------------ */

static void
say(struct agent *agent)
{
    const struct agent_conf *conf = conf_of(agent);
    const char *words = agent->send != NULL ? agent->send : conf == NULL ? NULL : conf->send;
    size_t len = words == NULL ? 0 : strlen(words), sent;

    while (agent->sent < len) {
        struct iovec iov = { (char *)words + agent->sent, len - agent->sent };

        if (connection_write(agent->conn, &iov, 1, false, &sent) != IO_OK)
            return;
        agent->sent += sent;
    }
}

static void
on_writable(struct connection *conn)
{
    say(conn->owner_data);
}

static void
on_readable(struct connection *conn)
{
    struct agent *agent = conn->owner_data;
    enum io result;
    char bytes[512];
    size_t got;

    while ((result = connection_read(conn, bytes, sizeof(bytes), &got)) == IO_OK) {
        text_add(&agent->received, str_of(bytes, got));
        if (got < sizeof(bytes) || agent->received.len > RECEIVED_MAX)
            break;
    }
    if (result == IO_FAILED && agent->received.len == 0) {
        done(agent, CHECK_SOCKERR, strerror(conn->os_errno));
        return;
    }
    if (str_find_char(text_str(&agent->received), '\n') >= 0 || result == IO_CLOSED ||
        result == IO_FAILED || agent->received.len > RECEIVED_MAX)
        answered(agent);
}

static void
on_established(struct connection *conn)
{
    struct agent *agent = conn->owner_data;

    if (conn->err != CONN_ERR_NONE)
        done(agent, CHECK_L4CON, conn->os_errno != 0 ? strerror(conn->os_errno) : "cannot connect");
    else
        say(agent);
}

static const struct connection_owner owner = {
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_established = on_established,
};

static void
ask(struct agent *agent, const struct agent_conf *conf)
{
    struct dial_conf dial = DIAL_CONF_INIT;
    struct dial_request request = { .conf = &dial };
    enum connection_error err;

    server_addr(agent->server, &request.to);
    if (agent->addr.family != ADDR_NONE)
        request.to = agent->addr;
    else if (conf->addr.family != ADDR_NONE)
        request.to = conf->addr;
    request.to.port = agent->port != 0 ? agent->port : (uint16_t)conf->port;
    agent->is_running = true;
    agent->began_us = loop_here()->now_us;
    agent->sent = 0;
    text_clear(&agent->received);
    schedule(agent, conf->inter_ms);
    agent->conn = connector_dial(loop_here(), &request, &owner, agent, &err);
    if (agent->conn == NULL)
        done(agent, CHECK_SOCKERR, connection_error_name(err));
}

static void
on_timer(struct timer *timer)
{
    struct agent *agent = LIST_ITEM(timer, struct agent, timer);
    const struct agent_conf *conf = conf_of(agent);

    if (agent->is_running)
        done(agent, agent->conn != NULL && (agent->conn->flags & CONN_ESTABLISHED) != 0
                        ? CHECK_L7TOUT
                        : CHECK_L4TOUT,
             "");
    else if (is_due(agent) && conf != NULL)
        ask(agent, conf);
}

/* --- life ---------------------------------------------------------------------------------------
 */

static void
stop(struct agent *agent)
{
    hang_up(agent);
    timer_stop(&agent->timer);
}

static void
agent_free(struct agent *agent)
{
    stop(agent);
    text_fini(&agent->received);
    agent->server->agent = NULL;
    alloc_free(agent->send);
    alloc_free(agent);
}

static void
refresh(struct server *srv)
{
    const struct agent_conf *conf = agent_conf_of(srv->conf);
    struct agent *agent = srv->agent;

    if (!conf->is_on) {
        if (agent != NULL)
            agent_free(agent);
        return;
    }
    if (agent == NULL) {
        srv->agent = agent = alloc_zero(sizeof(*agent));
        agent->server = srv;
        agent->status = CHECK_INI;
        agent->is_paused = srv->conf->is_dynamic;
        agent->duration_ms = -1;
        timer_init(&agent->timer, on_timer);
    }
    agent->is_wanted = true;
    if (!agent->is_running && !timer_is_running(&agent->timer) && is_due(agent))
        schedule(agent, (int64_t)entropy_below(
                            (uint64_t)(conf->inter_ms < 100 ? conf->inter_ms : 100) + 1));
}

static void
on_change(struct server *srv, unsigned what)
{
    if (what & SERVER_REMOVED) {
        if (srv->agent != NULL)
            agent_free(srv->agent);
    } else if (srv->conf != NULL && (what == 0 || (what & SERVER_ADDED)))
        refresh(srv);
}

static const struct server_observer observers[] = { { on_change } };
REGISTER(server_observer, observers);

bool
agent_pause(struct server *srv)
{
    struct agent *agent = srv->agent;

    if (agent == NULL)
        return false;
    agent->is_paused = true;
    stop(agent);
    return true;
}

bool
agent_resume(struct server *srv)
{
    struct agent *agent = srv->agent;

    if (agent == NULL)
        return false;
    agent->is_paused = false;
    if (!agent->is_running)
        schedule(agent, 0);
    return true;
}

bool
agent_view(const struct server *srv, struct check_view *out)
{
    const struct agent *agent = srv->agent;

    if (agent == NULL || !agent->is_wanted)
        return false;
    *out = (struct check_view){
        .is_enabled = !agent->is_paused,
        .in_progress = agent->is_running,
        .status = agent->status,
        .duration_ms = agent->duration_ms,
        .rise = 1,
        .fall = 1,
        .health = !agent->is_down,
        .description = check_status_description(agent->status),
    };
    snprintf(out->last_text, sizeof(out->last_text), "%s", agent->text);
    return true;
}

uint16_t
agent_port(const struct server_conf *srv, const struct agent *agent)
{
    return agent != NULL && agent->port != 0 ? agent->port : (uint16_t)agent_conf_of(srv)->port;
}
