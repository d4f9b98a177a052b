/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS on the connections of bind lines.
 *
 * Callers: session. Thread: owner.
 */
#include "weir/net/transport.h"
#include "private.h"

bool
tls_bind_is_on(const struct bind_conf *bind)
{
    return tls_bind_conf_of(bind)->is_ssl;
}

bool
tls_bind_start(const struct bind_conf *bind, struct connection *conn)
{
    const struct tls_bind_conf *conf = tls_bind_conf_of(bind);

    return !conf->is_ssl || connection_set_transport(conn, &tls_transport, conf->context);
}

struct str
tls_bind_alpn(const struct bind_conf *bind)
{
    return tls_bind_conf_of(bind)->settings.alpn;
}

void
tls_bind_serves_http(struct bind_conf *bind)
{
    struct tls_bind_conf *conf = (struct tls_bind_conf *)(uintptr_t)tls_bind_conf_of(bind);

    if (conf->is_ssl && conf->settings.alpn.ptr == NULL)
        conf->settings.alpn = STR("\2h2\10http/1.1");
}

const char *
tls_version_of(const struct connection *conn)
{
    SSL *ssl = tls_of(conn);

    return ssl == NULL ? NULL : SSL_get_version(ssl);
}

bool
tls_is_resumed(const struct connection *conn)
{
    SSL *ssl = tls_of(conn);

    return ssl != NULL && SSL_session_reused(ssl) == 1;
}

const char *
tls_cipher_of(const struct connection *conn)
{
    SSL *ssl = tls_of(conn);

    return ssl == NULL ? NULL : SSL_get_cipher_name(ssl);
}
