/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of servers: "show servers state", "show servers conn".
 *
 * For:     tools that read HAProxy's state files, and people.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control; counts of other threads are read while they run.
 *
 * They stand in room check because the state says what checks found.
 */
#include <stddef.h>

#include "weir/loop/loop.h"
#include "weir/cli/anon.h"
#include "weir/loop/thread.h"
#include "weir/server/idle_pool.h"
#include "weir/server/server_cli.h"
#include "weir/tls/tls.h"
#include "agent.h"
#include "private.h"

/* HAProxy's numbers of check results in state files. */
static const unsigned char status_numbers[] = {
    [CHECK_UNKNOWN] = 0,  [CHECK_INI] = 1,       [CHECK_START] = 2,   [CHECK_HANA] = 4,
    [CHECK_SOCKERR] = 5,  [CHECK_L4OK] = 6,      [CHECK_L4TOUT] = 7,  [CHECK_L4CON] = 8,
    [CHECK_L6OK] = 9,     [CHECK_L6TOUT] = 10,   [CHECK_L6RSP] = 11,  [CHECK_L7TOUT] = 12,
    [CHECK_L7RSP] = 13,   [CHECK_L7OK] = 15,     [CHECK_L7OKC] = 16,  [CHECK_L7STS] = 17,
    [CHECK_PROCERR] = 18, [CHECK_PROCTOUT] = 19, [CHECK_PROCOK] = 20,
};

enum { STATE_RUNNING = 1, STATE_CONFIGURED = 2, STATE_ENABLED = 4, STATE_PAUSED = 8, STATE_AGENT = 16 };
enum { RESULT_UNKNOWN, RESULT_NEUTRAL, RESULT_FAILED, RESULT_PASSED, RESULT_CONDITIONAL };

/* Runs `write` for all servers, or for those of the named backend. */
static enum command_result
for_each_server(struct command_call *call, const char *header,
                void (*write)(struct text *out, const struct server *srv, uint32_t anon))
{
    const char *name = command_next(call);
    const struct proxy *only = NULL;

    if (name != NULL) {
        only = proxy_find(str_from(name), SIDE_BACK);
        if (only == NULL || only->conf == NULL)
            return command_say(call, 3, "Can't find backend.");
    }
    text_puts(call->out, header);
    LIST_FOR_EACH (conf, proxy_list(snapshot_current()), struct proxy_conf, link) {
        if (!proxy_conf_is_back(conf) || (only != NULL && conf->live != only))
            continue;
        LIST_FOR_EACH (written, &conf->servers, struct server_conf, link)
            write(call->out, written->live, call->anon_key);
    }
    return COMMAND_DONE;
}

static const char *
host_of(const struct addr *addr, char *to, size_t size)
{
    if (!addr_is_ip(addr))
        return "-";
    addr_format_host(addr, to, size);
    return to;
}

/* --- state -------------------------------------------------------------------------------- */

static int
result_of(const struct check_view *view)
{
    switch ((int)view->status) {
    case CHECK_UNKNOWN:
    case CHECK_INI:
    case CHECK_START:
        return RESULT_UNKNOWN;
    case CHECK_L4OK:
    case CHECK_L6OK:
    case CHECK_L7OK:
    case CHECK_PROCOK:
        return RESULT_PASSED;
    case CHECK_L7OKC:
        return RESULT_CONDITIONAL;
    default:
        return RESULT_FAILED;
    }
}

static unsigned
check_bits(const struct server *srv, const struct check_view *view, bool has_check)
{
    bool is_paused =
        (srv->admin & ADMIN_CMAINT) ||
        ((srv->admin & ADMIN_FMAINT) && has_check && view->is_enabled);
    unsigned bits = is_paused ? STATE_PAUSED : 0;

    if (!has_check)
        return bits;
    return bits | STATE_CONFIGURED | (view->is_enabled ? STATE_ENABLED : 0) |
           (view->in_progress ? STATE_RUNNING : 0);
}

static unsigned
agent_bits(const struct server *srv)
{
    struct check_view view;

    if (!agent_view(srv, &view))
        return 0;
    return STATE_AGENT | STATE_CONFIGURED | (view.is_enabled ? STATE_ENABLED : 0) |
           (view.in_progress ? STATE_RUNNING : 0);
}

static void
write_check(struct text *out, const struct server *srv)
{
    struct check_view view = { .status = CHECK_INI };
    bool has_check = check_view(srv, &view) && !view.is_followed;

    if (!has_check && (srv->admin & ADMIN_MAINT) == 0)
        view.health = (int)check_conf_of(srv->conf)->rise;
    text_printf(out, " %u %d %d %u", status_numbers[view.status], result_of(&view), view.health,
                check_bits(srv, &view, has_check));
}

static void
write_state(struct text *out, const struct server *srv, uint32_t anon)
{
    const struct server_conf *conf = srv->conf;
    const struct check_conf *check = check_conf_of(conf);
    char host[80], check_host[80], backend[ANON_NAME_MAX], name[ANON_NAME_MAX];
    const struct agent_conf *agent = agent_conf_of(conf);
    char agent_host[80];
    const char *where, *agent_where;
    int64_t agent_at;
    struct addr addr;

    server_addr(srv, &addr);
    text_printf(out, "%lld %s %lld %s %s %d %u %lld %lld %lld", (long long)srv->backend->id,
                anon_name(anon, srv->backend->name, backend), (long long)srv->id,
                anon_name(anon, srv->name, name),
                host_of(&addr, host, sizeof(host)), srv->state, srv->admin,
                (long long)srv->user_weight, (long long)conf->weight,
                (long long)(loop_now_ms(loop_here()) - srv->last_change_ms) / 1000);
    write_check(out, srv);
    where = host_of(&check->addr, check_host, sizeof(check_host));
    /* "addr" and "port" are those of an agent too, as long as it has none of its own. */
    agent_where = agent->addr.family == ADDR_NONE
                      ? where
                      : host_of(&agent->addr, agent_host, sizeof(agent_host));
    agent_at = agent_port(conf, srv->agent) != 0 ? agent_port(conf, srv->agent) : check->port;
    text_printf(out, " %u %d %d %s %u %s %d %lld %s %s %lld\n", agent_bits(srv),
                conf->backend->has_own_id,
                conf->has_own_id, server_fqdn(srv) == NULL ? "-" : server_fqdn(srv), addr.port,
                conf->host_name != NULL && conf->host_name[0] == '_' ? conf->host_name : "-",
                tls_server_is_on(conf->slots),
                (long long)check->port, where, agent_where, (long long)agent_at);
}

static enum command_result
run_show_state(struct command_call *call)
{
    return for_each_server(
        call,
        "1\n"
        "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight "
        "srv_iweight srv_time_since_last_change srv_check_status srv_check_result "
        "srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id "
        "srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr "
        "srv_agent_port\n",
        write_state);
}

/* --- connections -------------------------------------------------------------------------- */

static void
write_conn(struct text *out, const struct server *srv, uint32_t anon)
{
    uint32_t idle = idle_pool_count(srv), now = __atomic_load_n(&srv->current, __ATOMIC_RELAXED);
    uint32_t max = __atomic_load_n(&srv->current_max, __ATOMIC_RELAXED);
    char host[80], backend[ANON_NAME_MAX], name[ANON_NAME_MAX];
    struct addr addr;

    server_addr(srv, &addr);
    text_printf(out, "%s/%s %lld/%lld %s %u - %lld %u %u %u %u 0 0 %u %lld %u",
                anon_name(anon, srv->backend->name, backend), anon_name(anon, srv->name, name), (long long)srv->backend->id, (long long)srv->id,
                host_of(&addr, host, sizeof(host)), addr.port,
                (long long)srv->conf->pool_purge_delay_ms, now, now, max, max, idle,
                (long long)srv->conf->pool_max_conn, idle);
    for (unsigned i = 1; i <= thread_traffic_count(); i++)
        text_printf(out, " %u", idle_pool_count_of(srv, i));
    text_add_char(out, '\n');
}

static enum command_result
run_show_conn(struct command_call *call)
{
    struct text header = TEXT_INIT;
    enum command_result result;

    text_printf(&header,
                "# bkname/svname bkid/svid addr port - purge_delay served used_cur used_max "
                "need_est idle_sess unsafe_nb safe_nb idle_lim idle_cur idle_per_thr[%u]\n",
                thread_traffic_count());
    result = for_each_server(call, text_cstr(&header), write_conn);
    text_fini(&header);
    return result;
}

static const struct command commands[] = {
    { "show servers state", "[<backend>]", LEVEL_USER, run_show_state,
      "the state of all servers, as in a state file" },
    { "show servers conn", "[<backend>]", LEVEL_USER, run_show_conn, "connections of servers" },
};
REGISTER(command, commands);
