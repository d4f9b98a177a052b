/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What TLS is like on the connections of a stream: ssl_fc_*, ssl_bc_*, %sslv, %sslc.
 *
 * For:     expressions and logs.
 * Thread:  owner of the stream, inside a rule.
 */
#include <openssl/err.h>
#include <string.h>

#include "weir/expr/eval.h"
#include "weir/expr/log_format.h"
#include "weir/expr/sample.h"
#include "weir/net/transport.h"
#include "private.h"

enum truth_of { TRUTH_IS_ON, TRUTH_IS_RESUMED, TRUTH_HAS_SNI, TRUTH_HAS_CERT, TRUTH_HAS_EARLY, TRUTH_GOT_EARLY };

enum fact {
    FACT_VERSION,
    FACT_CIPHER,
    FACT_KEY_BITS,
    FACT_USED_BITS,
    FACT_ALPN,
    FACT_NPN,
    FACT_SNI,
    FACT_CURVE,
    FACT_SESSION_ID,
    FACT_SESSION_KEY,
    FACT_CLIENT_RANDOM,
    FACT_SERVER_RANDOM,
    FACT_UNIQUE_ID,
    FACT_ERROR,
    FACT_ERROR_TEXT,
    FACT_CERT_NAME,
};

#define ERROR_TEXT_SIZE 256
#define OF_SERVER       0x1000 /* in .private */

static const struct connection *
conn_of(const struct eval *eval, intptr_t private)
{
    return (private & OF_SERVER) != 0 ? eval->server_conn : eval->client;
}

/* --- bytes and texts --------------------------------------------------------------------------------- */

static enum fetched
give_text(struct value *out, const char *text)
{
    return text == NULL ? FETCH_NONE : fetched_str(out, str_from(text));
}

typedef size_t random_fn(const SSL *ssl, unsigned char *out, size_t len);

static enum fetched
give_random(struct eval *eval, SSL *ssl, random_fn *read, struct value *out)
{
    unsigned char *bytes = arena_take(eval->arena, SSL3_RANDOM_SIZE);

    if (bytes == NULL)
        return FETCH_NONE;
    return fetched_bin(out, str_of((const char *)bytes, read(ssl, bytes, SSL3_RANDOM_SIZE)));
}

static enum fetched
give_session_key(struct eval *eval, SSL *ssl, struct value *out)
{
    unsigned char *bytes = arena_take(eval->arena, SSL_MAX_MASTER_KEY_LENGTH);
    const SSL_SESSION *session = SSL_get_session(ssl);

    if (bytes == NULL || session == NULL)
        return FETCH_NONE;
    return fetched_bin(out, str_of((const char *)bytes,
                                   SSL_SESSION_get_master_key(session, bytes,
                                                              SSL_MAX_MASTER_KEY_LENGTH)));
}

static enum fetched
give_session_id(SSL *ssl, struct value *out)
{
    const SSL_SESSION *session = SSL_get_session(ssl);
    unsigned len = 0;
    const unsigned char *id = session == NULL ? NULL : SSL_SESSION_get_id(session, &len);

    return len == 0 ? FETCH_NONE : fetched_bin(out, str_of((const char *)id, len));
}

/* The first Finished message: the client's, in a resumed session the server's (RFC 5929 3.1). */
static enum fetched
give_unique_id(struct eval *eval, SSL *ssl, struct value *out)
{
    char *bytes = arena_take(eval->arena, EVP_MAX_MD_SIZE);
    bool is_ours = (SSL_is_server(ssl) == 1) == (SSL_session_reused(ssl) == 1);

    if (bytes == NULL)
        return FETCH_NONE;
    return fetched_bin(out, str_of(bytes, is_ours ? SSL_get_finished(ssl, bytes, EVP_MAX_MD_SIZE)
                                                  : SSL_get_peer_finished(ssl, bytes,
                                                                          EVP_MAX_MD_SIZE)));
}

static enum fetched
give_alpn(const struct connection *conn, struct value *out)
{
    struct str alpn = tls_alpn(conn);

    return alpn.ptr == NULL ? FETCH_NONE : fetched_str(out, alpn);
}

static enum fetched
give_curve(SSL *ssl, struct value *out)
{
    int nid = (int)SSL_get_negotiated_group(ssl);

    if (nid == NID_undef)
        return FETCH_NONE;
    return give_text(out, SSL_group_to_name(ssl, nid));
}

static enum fetched
give_bits(SSL *ssl, bool all, struct value *out)
{
    int possible = 0, used = SSL_get_cipher_bits(ssl, &possible);

    return used == 0 ? FETCH_NONE : fetched_int(out, all ? possible : used);
}

static enum fetched
give_error_text(struct eval *eval, unsigned long error, struct value *out)
{
    char *text = error == 0 ? NULL : arena_take(eval->arena, ERROR_TEXT_SIZE);

    if (text == NULL)
        return FETCH_NONE;
    ERR_error_string_n(error, text, ERROR_TEXT_SIZE);
    return give_text(out, text);
}

/* --- facts --------------------------------------------------------------------------------------------- */

static enum fetched
give(struct eval *eval, const struct connection *conn, SSL *ssl, enum fact fact, struct value *out)
{
    switch (fact) {
    case FACT_VERSION:
        return give_text(out, SSL_get_version(ssl));
    case FACT_CIPHER:
        return give_text(out, SSL_get_cipher_name(ssl));
    case FACT_KEY_BITS:
        return give_bits(ssl, true, out);
    case FACT_USED_BITS:
        return give_bits(ssl, false, out);
    case FACT_ALPN:
        return give_alpn(conn, out);
    case FACT_SNI:
        return give_text(out, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    case FACT_CURVE:
        return give_curve(ssl, out);
    case FACT_SESSION_ID:
        return give_session_id(ssl, out);
    case FACT_SESSION_KEY:
        return give_session_key(eval, ssl, out);
    case FACT_CLIENT_RANDOM:
        return give_random(eval, ssl, SSL_get_client_random, out);
    case FACT_SERVER_RANDOM:
        return give_random(eval, ssl, SSL_get_server_random, out);
    case FACT_UNIQUE_ID:
        return give_unique_id(eval, ssl, out);
    case FACT_ERROR:
        return fetched_int(out, (int64_t)tls_error_of(conn));
    case FACT_ERROR_TEXT:
        return give_error_text(eval, tls_error_of(conn), out);
    case FACT_CERT_NAME:
        return give_text(out, tls_cert_path_of(ssl));
    case FACT_NPN:
        break;
    }
    return FETCH_NONE;
}

static enum fetched
run_fact(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct connection *conn = conn_of(eval, fetch->private);
    SSL *ssl = tls_of(conn);

    (void)args;
    if (ssl == NULL)
        return FETCH_NONE;
    return give(eval, conn, ssl, (enum fact)(fetch->private & ~(intptr_t)OF_SERVER), out);
}

/* Without TLS the answer is no. */
static bool
is_true(SSL *ssl, enum truth_of what)
{
    switch (what) {
    case TRUTH_IS_ON:
        return true;
    case TRUTH_IS_RESUMED:
        return SSL_session_reused(ssl) == 1;
    case TRUTH_HAS_SNI:
        return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != NULL;
    case TRUTH_HAS_CERT:
        return SSL_get0_peer_certificate(ssl) != NULL;
    case TRUTH_HAS_EARLY:
        return tls_early_data_of(ssl)->is_open;
    case TRUTH_GOT_EARLY:
        return tls_early_data_of(ssl)->is_received;
    }
    return false;
}

static enum fetched
run_truth(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    SSL *ssl = tls_of(conn_of(eval, fetch->private));

    (void)args;
    return fetched_bool(out, ssl != NULL && is_true(ssl, (enum truth_of)(fetch->private &
                                                                        ~(intptr_t)OF_SERVER)));
}

/* --- log aliases ---------------------------------------------------------------------------------------- */

static void
run_alias(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    const char *text =
        alias->private != 0 ? tls_version_of(eval->client) : tls_cipher_of(eval->client);

    format_str(out, text == NULL ? STR_NONE : str_from(text), flags);
}

static const struct log_alias aliases[] = {
    { "sslc", run_alias, 0, 0, "TLS cipher" },
    { "sslv", run_alias, 1, 0, "TLS version" },
};
REGISTER(log_alias, aliases);

/* --- the table ------------------------------------------------------------------------------------------- */

#define FRONT (PLACE_L4 & ~PLACE_FE_CONNECTION)
#define BACK  (PLACE_HTTP_RESPONSE | PLACE_FE_LOG | PLACE_CHECK)
#define FRONT_OF(name_, type_, run_, private_, help_)                                              \
    {                                                                                              \
        "ssl_fc" name_, type_, FRONT, { { 0 } }, run_, private_, .help = help_                     \
    }
#define BACK_OF(name_, type_, run_, private_, help_)                                               \
    {                                                                                              \
        "ssl_bc" name_, type_, BACK, { { 0 } }, run_, OF_SERVER | (private_),                      \
            .help = help_ " (Server's connection.)"                                                \
    }
#define FACT(name_, type_, fact_, help_)                                                           \
    FRONT_OF(name_, type_, run_fact, fact_, help_), BACK_OF(name_, type_, run_fact, fact_, help_)
#define TRUTH(name_, truth_, help_)                                                                \
    FRONT_OF(name_, VALUE_BOOL, run_truth, truth_, help_),                                         \
        BACK_OF(name_, VALUE_BOOL, run_truth, truth_, help_)

static const struct fetch fetches[] = {
    TRUTH("", TRUTH_IS_ON, "Is it TLS?"),
    TRUTH("_is_resumed", TRUTH_IS_RESUMED, "Was an earlier session resumed?"),
    FRONT_OF("_has_crt", VALUE_BOOL, run_truth, TRUTH_HAS_CERT,
             "Did the client show a certificate on this connection?"),
    FRONT_OF("_has_early", VALUE_BOOL, run_truth, TRUTH_HAS_EARLY,
             "Did early data come that the handshake has not confirmed yet?"),
    FRONT_OF("_early_rcvd", VALUE_BOOL, run_truth, TRUTH_GOT_EARLY,
             "Did early data come, whether the handshake has confirmed them since or not?"),
    FRONT_OF("_has_sni", VALUE_BOOL, run_truth, TRUTH_HAS_SNI,
             "Did the client ask for a server name?"),
    FRONT_OF("_crtname", VALUE_STR, run_fact, FACT_CERT_NAME,
             "The certificate that the client was shown, as the configuration names it."),
    FACT("_alg_keysize", VALUE_INT, FACT_KEY_BITS, "Bits of the cipher's key."),
    FACT("_alpn", VALUE_STR, FACT_ALPN, "The protocol agreed on by ALPN."),
    FACT("_cipher", VALUE_STR, FACT_CIPHER, "Name of the cipher suite."),
    FACT("_client_random", VALUE_BIN, FACT_CLIENT_RANDOM, "Random bytes of the client's hello."),
    FACT("_curve", VALUE_STR, FACT_CURVE, "Group of the exchange of keys."),
    FACT("_err", VALUE_INT, FACT_ERROR, "OpenSSL's number of what broke; 0: nothing did."),
    FACT("_err_str", VALUE_STR, FACT_ERROR_TEXT, "What broke, in OpenSSL's words."),
    FACT("_npn", VALUE_STR, FACT_NPN, "Always nothing: NPN is gone from TLS."),
    FACT("_protocol", VALUE_STR, FACT_VERSION, "Version of TLS, such as TLSv1.3."),
    FACT("_server_random", VALUE_BIN, FACT_SERVER_RANDOM, "Random bytes of the server's hello."),
    FACT("_session_id", VALUE_BIN, FACT_SESSION_ID, "Id of the session."),
    FACT("_session_key", VALUE_BIN, FACT_SESSION_KEY,
         "Master key of the session, which must be kept secret."),
    FACT("_sni", VALUE_STR, FACT_SNI, "The server name that was asked for."),
    FACT("_unique_id", VALUE_BIN, FACT_UNIQUE_ID,
         "The first Finished message: tls-unique of RFC 5929."),
    FACT("_use_keysize", VALUE_INT, FACT_USED_BITS, "Bits of the cipher's key that count."),
};
REGISTER(fetch, fetches);
