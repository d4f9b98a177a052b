/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which protocol a client's connection speaks: by proto, by ALPN, by the mode of its frontend.
 *
 * For:     session.c.
 * Thread:  owner; the checks run in the builder.
 */
#include <string.h>

#include "weir/tls/tls.h"
#include "private.h"

/* "http/1.1" and its kin need no mux of their own name. */
static const struct mux *
mux_of_alpn(struct str name)
{
    return str_eq(name, STR("h2")) ? mux_find(name) : NULL;
}

const struct mux *
session_choose_mux(const struct session *session, const struct proxy_conf *frontend)
{
    const struct bind_conf *bind =
        session->listener == NULL ? NULL : grace_read(session->listener->conf);
    const struct mux *mux = NULL;

    if (bind != NULL && bind->proto != NULL)
        mux = mux_find(str_from(bind->proto));
    else if (frontend->mode == MODE_HTTP)
        mux = mux_of_alpn(tls_alpn(session->client));
    if (mux != NULL)
        return mux;
    return frontend->mode == MODE_HTTP ? &h1_mux : &tcp_mux;
}

/* --- checks ---------------------------------------------------------------------------------- */

static bool
check_proto(struct parse *parse, const struct proxy_conf *proxy, const struct bind_conf *bind)
{
    const struct mux *mux = bind->proto == NULL ? NULL : mux_find(str_from(bind->proto));

    if (bind->proto == NULL)
        return true;
    if (mux == NULL && (strcmp(bind->proto, "h2") == 0 || strcmp(bind->proto, "quic") == 0))
        return parse_alert_at(parse, bind->pos, "'proto %s' is not implemented yet", bind->proto);
    if (mux == NULL)
        return parse_alert_at(parse, bind->pos, "'proto %s' is unknown", bind->proto);
    if (mux->is_http != (proxy->mode == MODE_HTTP))
        return parse_alert_at(parse, bind->pos, "'proto %s' does not go with the mode of '%s'",
                              bind->proto, proxy->name);
    return true;
}

static bool
check_alpn(struct parse *parse, const struct proxy_conf *proxy, const struct bind_conf *bind)
{
    struct str rest = tls_bind_alpn(bind);

    while (proxy->mode == MODE_HTTP && tls_bind_is_on(bind) && rest.len > 0) {
        size_t len = (unsigned char)rest.ptr[0];
        struct str name = str_slice(rest, 1, len);

        if (str_eq(name, STR("h2")) && mux_of_alpn(name) == NULL)
            return parse_alert_at(parse, bind->pos, "'alpn h2' is not implemented yet");
        rest = str_slice(rest, 1 + len, rest.len);
    }
    return true;
}

static bool
on_check(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (proxy, proxy_list(parse->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (bind, &proxy->binds, struct bind_conf, link) {
            fine = check_proto(parse, proxy, bind) && check_alpn(parse, proxy, bind) && fine;
        }
    }
    return fine;
}

static bool
offer_usual(struct parse *parse)
{
    LIST_FOR_EACH (proxy, proxy_list(parse->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (bind, &proxy->binds, struct bind_conf, link) {
            if (proxy->mode == MODE_HTTP && bind->proto == NULL)
                tls_bind_serves_http(bind);
        }
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_TLS - 1, offer_usual, "stream: usual ALPN of bind lines" },
    { CONFIG_CHECK, ORDER_STREAM, on_check, "stream: protocols of bind lines" },
};
REGISTER(config_hook, hooks);
