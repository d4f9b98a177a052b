/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification of client certificates: what is passed over, and what was found.
 *
 * For:     bind lines with crt-ignore-err and ca-ignore-err; ssl_c_err and its kin.
 * Thread:  the list is read by the builder; the callback runs in handshakes, on the owner's thread.
 */
#include <openssl/x509_vfy.h>
#include <string.h>
#include <strings.h>

#include "weir/base/number.h"
#include "private.h"

static bool
holds(const struct tls_error_set *set, int error)
{
    return error >= 0 && error < TLS_ERRORS_MAX && (set->bits[error / 64] >> (error % 64) & 1) != 0;
}

bool
tls_error_set_parse(struct parse *parse, struct tls_error_set *set)
{
    const char *word = parse_word(parse, "numbers of errors parted by commas, or 'all'");
    struct str rest = str_from(word);

    if (word == NULL)
        return false;
    if (strcmp(word, "all") == 0) {
        memset(set->bits, 0xff, sizeof(set->bits));
        return true;
    }
    while (rest.ptr != NULL) {
        struct str item = str_split(&rest, ',');
        int64_t number;

        if (!number_parse_int(item, 1, TLS_ERRORS_MAX - 1, &number, NULL))
            return parse_alert(parse,
                               "'%s' expects numbers of X509_V_ERR_* below %d, or 'all'; not '%.*s'",
                               parse->keyword, TLS_ERRORS_MAX, STR_ARG(item));
        set->bits[number / 64] |= (uint64_t)1 << (number % 64);
    }
    return true;
}

/* As SSL_CTX_set_verify() wants it: 1 goes on. */
static int
on_verified(int is_fine, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct tls_context *context = tls_context_of(ssl);
    int error = X509_STORE_CTX_get_error(store), depth = X509_STORE_CTX_get_error_depth(store);
    struct tls_refusal *refusal = tls_refusal_of(ssl);

    if (is_fine)
        return 1;
    if (depth > 0 && refusal->ca_error == 0) {
        refusal->ca_error = error;
        refusal->ca_depth = depth;
    } else if (depth == 0 && refusal->error == 0) {
        refusal->error = error;
    }
    return holds(depth > 0 ? &context->ca_ignored : &context->ignored, error);
}

void
tls_client_auth_use(struct tls_context *context, int how)
{
    SSL_CTX_set_verify(context->ctx, how, on_verified);
}

int
tls_verify_flags(int verify)
{
    return verify == VERIFY_REQUIRED   ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
           : verify == VERIFY_OPTIONAL ? SSL_VERIFY_PEER
                                       : SSL_VERIFY_NONE;
}

static bool
is_resumed_elsewhere(const SSL *ssl)
{
    const char *now = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), *before;

    if (!SSL_session_reused(ssl))
        return false;
    before = SSL_SESSION_get0_hostname(SSL_get_session(ssl));
    return now == NULL ? before != NULL : before == NULL || strcasecmp(now, before) != 0;
}

bool
tls_client_auth_ask(SSL *ssl, const struct sni_choice *choice)
{
    if (choice->verify < 0)
        return true;
    if (is_resumed_elsewhere(ssl))
        return false;
    SSL_set_verify(ssl, tls_verify_flags(choice->verify),
                   choice->verify == VERIFY_NONE ? NULL : on_verified);
    if (choice->store != NULL && SSL_set1_verify_cert_store(ssl, choice->store) != 1)
        return false;
    if (choice->ca_names != NULL)
        SSL_set_client_CA_list(ssl, SSL_dup_CA_list(choice->ca_names));
    return true;
}
