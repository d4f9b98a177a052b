/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lint: servers that would get traffic while they are down, checks that nobody runs.
 *
 * Thread: boot.
 */
#include "weir/config/lint.h"
#include "private.h"

static void
check_server(struct lint *lint, const struct proxy_conf *backend, const struct server_conf *srv)
{
    if (backend->server_count > 1 && !check_conf_of(track_target(srv))->is_on && !srv->disabled)
        lint_say(lint, srv->pos, "add: check",
                 "server '%s' is not checked: it gets its share of requests while it is down",
                 srv->name);
}

static bool
has_check(const struct proxy_conf *backend)
{
    LIST_FOR_EACH (srv, &backend->servers, struct server_conf, link) {
        if (check_conf_of(srv)->is_on)
            return true;
    }
    return false;
}

static void
check_backends(struct lint *lint, const struct snapshot *snapshot)
{
    LIST_FOR_EACH (conf, proxy_list(snapshot), struct proxy_conf, link) {
        if (!proxy_conf_is_back(conf))
            continue;
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link)
            check_server(lint, conf, srv);
        if (conf->server_count > 0 && check_method_of(conf)->is_http && !has_check(conf))
            lint_say(lint, conf->pos, "add 'check' to its servers",
                     "'option httpchk' of '%s' is never used: no server has 'check'", conf->name);
    }
}

static const struct lint_check checks[] = {
    { "unchecked-server", check_backends, "Servers without checks, and checks without servers." },
};
REGISTER(lint_check, checks);
