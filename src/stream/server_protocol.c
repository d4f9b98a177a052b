/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is spoken with a server: by `proto`, by ALPN, by the mode of the backend; WebSockets by `ws`.
 *
 * For:     server_side.c, before it takes or dials a connection.
 * Owns:    nothing.
 * Thread:  owner of the stream.
 */
#include "weir/tls/tls.h"
#include "private.h"

/* What the server is offered, as on the wire, leaves one protocol, or the choice. */
static const struct mux *
mux_of_alpn(struct str list)
{
    bool has_h2 = false, has_other = false;

    while (list.len > 0) {
        size_t len = (unsigned char)list.ptr[0];

        if (str_eq(str_slice(list, 1, len), STR("h2")))
            has_h2 = true;
        else
            has_other = true;
        list = str_slice(list, 1 + len, list.len);
    }
    return !has_h2 ? &h1_mux : has_other ? &alpn_mux : &h2_mux;
}

static const struct mux *
mux_of(const struct stream *s, const struct server_conf *conf)
{
    if (conf->proto != NULL) {
        const struct mux *mux = mux_find(str_from(conf->proto));

        if (mux != NULL)
            return mux;
    }
    if (!stream_is_http(s))
        return &tcp_mux;
    return tls_server_is_on(conf->slots) ? mux_of_alpn(tls_server_alpn(conf->slots)) : &h1_mux;
}

static bool
is_websocket(const struct stream *s)
{
    return s->request != NULL && (s->request->flags & MESSAGE_WEBSOCKET) != 0;
}

/* Not every HTTP/2 server takes WebSockets (RFC 8441), and only its SETTINGS tell, after ALPN: where
 * both versions are offered, a WebSocket is offered HTTP/1.1 alone. */
static const struct mux *
mux_for_websocket(const struct server_conf *conf, const struct mux *usual)
{
    if (conf->ws == WS_AUTO)
        return usual == &alpn_mux ? &h1_mux : usual;
    return conf->ws == WS_H1 ? &h1_mux : &h2_mux;
}

const struct mux *
server_protocol(struct stream *s, const struct server_conf *conf, struct tls_dial *tls)
{
    const struct mux *usual = mux_of(s, conf), *mux = usual;

    if (is_websocket(s))
        mux = mux_for_websocket(conf, usual);
    if (mux == usual)
        return mux;
    if (tls_server_alpn(conf->slots).len > 0)
        tls->alpn = mux == &h1_mux ? STR("\x08http/1.1") : STR("\x02h2");
    s->flags |= STREAM_NO_REUSE | STREAM_SINGLE_USE;
    return mux;
}
