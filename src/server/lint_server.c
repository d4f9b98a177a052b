/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lint: servers whose certificates prove nothing.
 *
 * Thread: boot.
 */
#include "weir/config/lint.h"
#include "weir/proxy/proxy.h"
#include "weir/server/server.h"
#include "weir/tls/tls.h"

static void
check_server(struct lint *lint, const struct server_conf *srv)
{
    switch (tls_server_trust(srv->slots)) {
    case TRUST_ANYBODY:
        lint_say(lint, srv->pos, "write: verify required ca-file FILE verifyhost NAME",
                 "server '%s' is not verified: whoever answers at its address reads the traffic",
                 srv->name);
        break;
    case TRUST_ANY_NAME:
        lint_say(lint, srv->pos, "add: verifyhost NAME",
                 "server '%s' is verified, but not its name: any certificate of the authority will "
                 "do",
                 srv->name);
        break;
    case TRUST_NAME:
    case TRUST_NO_TLS:
        break;
    }
}

static void
check_servers(struct lint *lint, const struct snapshot *snapshot)
{
    LIST_FOR_EACH (conf, proxy_list(snapshot), struct proxy_conf, link) {
        if (!proxy_conf_is_back(conf))
            continue;
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link)
            check_server(lint, srv);
    }
}

static const struct lint_check checks[] = {
    { "unverified-server", check_servers, "TLS servers that are not verified, or not by name." },
};
REGISTER(lint_check, checks);
