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
/* The line serves HTTP: unless it says alpn or no-alpn, it offers HTTP/2 and HTTP/1.1. Builder,
 * CONFIG_CHECK, before ORDER_TLS. */
void tls_bind_serves_http(struct bind_conf *bind);

/* --- to servers ---------------------------------------------------------------- */

struct addr;
struct dial_request;
struct eval;
struct parse;
struct source_pos;
struct tls_server_conf;

/* Makes what a server line says, whose slots these are; nothing for one without ssl. False:
 * reported. Builder, CONFIG_CHECK. */
bool tls_server_prepare(struct parse *parse, struct source_pos pos, void *slots);
/* As if the line said "ssl", and "verify required" with this ca-file, or "verify none" (NULL). Before tls_server_prepare(). */
void tls_server_set_on(void *slots, const char *ca_file);
/* The same as the line `same` of the snapshot that is amended: it shares what that has made. */
void tls_server_prepare_as(struct parse *parse, void *slots, const void *same);
/* Lets go of it. Control, CONFIG_RELEASE. */
void tls_server_release(void *slots);
bool tls_server_is_on(const void *slots);
/* What it is offered by ALPN, as on the wire; len 0: nothing. */
struct str tls_server_alpn(const void *slots);

/* Whom a server line believes. */
enum tls_server_trust {
    TRUST_NO_TLS,
    TRUST_ANYBODY,  /* verify none */
    TRUST_ANY_NAME, /* any certificate of the authority */
    TRUST_NAME,
};
enum tls_server_trust tls_server_trust(const void *slots);

/* How one connection to a server is to be made; lives until connector_dial() returns. */
struct tls_dial {
    const struct tls_server_conf *conf; /* NULL: no TLS */
    struct str server_name;             /* to ask for; ptr NULL: none */
    bool is_guess;                      /* the name is not verified */
    bool may_be_early;                  /* before the handshake is over, if the line says allow-0rtt */
    struct str alpn;                    /* instead of the line's, as on the wire; len 0: none */
    const struct addr *address; /* if the server is verified, its certificate must be for this address; NULL: for the name */
    uint64_t key; /* connections with another key are not for this use; 0: no TLS */
};
/* For a stream: the server name that `sni` gives. Owner. */
void tls_dial_for_stream(struct tls_dial *dial, const void *slots, struct eval *eval);
/* Kept connections go by this name instead of the server's (pool-conn-name), TLS or not. */
void tls_dial_set_pool_name(struct tls_dial *dial, struct str name);
/* Without `sni` on the line: the name of the request's Host field, unless no-sni-auto. Owner. */
void tls_dial_guess_name(struct tls_dial *dial, struct str host);
/* What a check asks for beyond the server line. */
struct tls_check {
    bool is_default;   /* as the line says for checks */
    bool is_elsewhere; /* goes to another address than the traffic */
    bool is_ssl;       /* over TLS, whatever the line says; needs tls_server_want_context() */
    struct str server_name; /* ptr NULL: that of check-sni, if is_default */
    struct str guess;       /* the name when nobody gave one, unless no-check-sni-auto */
    struct str alpn;        /* as on the wire; len 0: as the line says */
};
/* For a check. Control. */
void tls_dial_for_check(struct tls_dial *dial, const void *slots, const struct tls_check *check);
/* Checks of this line speak TLS even if it does not say so itself. Builder, CONFIG_RESOLVE. */
void tls_server_want_context(void *slots);
/* Reads "h2,http/1.1" into the form on the wire. False: reported. */
bool tls_parse_alpn(struct parse *parse, struct str *wire);
/* What is said may be heard twice: it may be said before the handshake is over (allow-0rtt). */
void tls_dial_allow_early(struct tls_dial *dial);
/* Asks connector_dial() for TLS, if that is wanted. */
void tls_dial_apply(struct tls_dial *dial, struct dial_request *request);

/* --- any connection -------------------------------------------------------------- */

/* The SSL of a connection; NULL: it has no TLS. Owner. */
SSL *tls_of(const struct connection *conn);
/* The protocol that both sides agreed on by ALPN; ptr NULL: none. Lent by the connection. */
struct str tls_alpn(const struct connection *conn);
/* "TLSv1.3", and "TLS_AES_128_GCM_SHA256"; NULL: no TLS. */
const char *tls_version_of(const struct connection *conn);
const char *tls_cipher_of(const struct connection *conn);
/* Data came before the handshake was over, which it is not yet: somebody may be replaying them. NULL, or
 * no TLS: no. */
bool tls_is_early(const struct connection *conn);
bool tls_is_resumed(const struct connection *conn); /* false without TLS */
