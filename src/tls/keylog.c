/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of TLS connections, so that a recording of them can be decrypted (tune.ssl.keylog).
 *
 * For:     ssl_fc_*_secret and ssl_bc_*_secret.
 * Owns:    the secrets, as text, until the connection is closed.
 * Callers: OpenSSL, as it makes them; expressions.
 * Thread:  owner of the connection.
 */
#include <openssl/ssl.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/expr/sample.h"
#include "private.h"

#define SECRET_MAX 96 /* digits: SHA-384 */

/* The labels of the log, in the order of the fetches. */
static const char *const labels[] = {
    "CLIENT_EARLY_TRAFFIC_SECRET",
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
    "EXPORTER_SECRET",
    "EARLY_EXPORTER_SECRET",
};

struct key_log {
    char secrets[COUNT(labels)][SECRET_MAX + 1]; /* "": none */
};

/* "LABEL random secret" */
static void
on_line(const SSL *ssl, const char *line)
{
    struct tls_notes *notes = tls_notes_of(ssl);
    struct str rest = str_from(line), label = str_split(&rest, ' ');

    (void)str_split(&rest, ' ');
    for (size_t i = 0; i < COUNT(labels) && rest.ptr != NULL; i++) {
        if (!str_eq(label, str_from(labels[i])) || rest.len > SECRET_MAX)
            continue;
        if (notes->keys == NULL)
            notes->keys = alloc_zero(sizeof(*notes->keys));
        memcpy(notes->keys->secrets[i], rest.ptr, rest.len);
        notes->keys->secrets[i][rest.len] = '\0';
    }
}

void
keylog_use(SSL_CTX *ctx, bool is_on)
{
    if (is_on)
        SSL_CTX_set_keylog_callback(ctx, on_line);
}

void
keylog_free(struct key_log *keys)
{
    if (keys != NULL)
        OPENSSL_cleanse(keys, sizeof(*keys));
    alloc_free(keys);
}

/* --- fetches --------------------------------------------------------------------------------------- */

#define OF_SERVER 256

static enum fetched
run_secret(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    bool is_server = (fetch->private & OF_SERVER) != 0;
    SSL *ssl = tls_of(is_server ? eval->server_conn : eval->client);
    const struct key_log *keys = ssl == NULL ? NULL : tls_notes_of(ssl)->keys;
    const char *secret = keys == NULL ? "" : keys->secrets[fetch->private & ~(intptr_t)OF_SERVER];

    (void)args;
    return secret[0] == '\0' ? FETCH_NONE : fetched_str(out, str_from(secret));
}

#define FRONT (PLACE_L4 & ~PLACE_FE_CONNECTION)
#define BACK  (PLACE_HTTP_RESPONSE | PLACE_FE_LOG | PLACE_CHECK)
#define SECRET(name_, at_, help_)                                                                  \
    { "ssl_fc_" name_, VALUE_STR, FRONT, { { 0 } }, run_secret, at_,                               \
      .help = help_ ", in hexadecimal digits (tune.ssl.keylog)." },                                \
    {                                                                                              \
        "ssl_bc_" name_, VALUE_STR, BACK, { { 0 } }, run_secret, OF_SERVER | (at_),                \
            .help = help_ " of the server's connection, in hexadecimal digits (tune.ssl.keylog)."  \
    }

static const struct fetch fetches[] = {
    SECRET("client_early_traffic_secret", 0, "TLS 1.3: the secret of the client's early data"),
    SECRET("client_handshake_traffic_secret", 1, "TLS 1.3: the secret of the client's handshake"),
    SECRET("server_handshake_traffic_secret", 2, "TLS 1.3: the secret of the server's handshake"),
    SECRET("client_traffic_secret_0", 3, "TLS 1.3: the secret of the client's data"),
    SECRET("server_traffic_secret_0", 4, "TLS 1.3: the secret of the server's data"),
    SECRET("exporter_secret", 5, "TLS 1.3: the secret that others are derived from"),
    SECRET("early_exporter_secret", 6, "TLS 1.3: the secret that early ones are derived from"),
};
REGISTER(fetch, fetches);
