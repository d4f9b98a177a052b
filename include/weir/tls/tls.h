/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS under a connection.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>

#include "weir/base/str.h"
#include "weir/net/bind.h"
#include "weir/net/connection.h"

/* Does this line speak TLS? */
bool tls_bind_is_on(const struct bind_conf *bind);
/* Puts TLS under a new connection of a bind line that says so; otherwise does nothing. Before the
 * handshakes start. False: out of memory. Owner. */
bool tls_bind_start(const struct bind_conf *bind, struct connection *conn);

/* What it offers by ALPN, as on the wire: length and name, each. len 0: nothing. */
struct str tls_bind_alpn(const struct bind_conf *bind);

/* The SSL of a connection; NULL: it has no TLS. Owner. */
SSL *tls_of(const struct connection *conn);
/* The protocol that both sides agreed on by ALPN; ptr NULL: none. Lent by the connection. */
struct str tls_alpn(const struct connection *conn);
/* "TLSv1.3", and "TLS_AES_128_GCM_SHA256"; NULL: no TLS. */
const char *tls_version_of(const struct connection *conn);
const char *tls_cipher_of(const struct connection *conn);
