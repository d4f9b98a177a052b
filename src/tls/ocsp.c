/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSP questions and answers (RFC 6960).
 *
 * For:     room acme, which fetches answers; ocsp_cli.c.
 * Owns:    nothing.
 * Thread:  control.
 *
 * An answer names its certificate by hashes of the issuer and the serial number (4.1.1), so only
 * certificates whose issuer is known, from the chain or a file, can be asked about.
 */
#include "weir/tls/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <string.h>
#include <time.h>

#include "weir/base/alloc.h"
#include "weir/tls/cert_store.h"
#include "private.h"

#define CLOCK_SKEW_S 300

struct ocsp_settings
ocsp_settings_of(const struct snapshot *snapshot)
{
    const struct tls_globals *globals = tls_globals_of(snapshot);

    return (struct ocsp_settings){ .min_s = globals->ocsp_min_s,
                                   .max_s = globals->ocsp_max_s,
                                   .proxy = globals->ocsp_proxy,
                                   .is_off = globals->ocsp_is_off };
}

/* --- names of certificates in answers ----------------------------------------------------------------- */

static X509 *
issuer_of(const struct tls_cert *cert)
{
    if (cert->issuer != NULL || cert->x509 == NULL)
        return cert->issuer;
    for (int i = 0; cert->chain != NULL && i < sk_X509_num(cert->chain); i++) {
        if (X509_check_issued(sk_X509_value(cert->chain, i), cert->x509) == X509_V_OK)
            return sk_X509_value(cert->chain, i);
    }
    return NULL;
}

OCSP_CERTID *
ocsp_id_of(const struct tls_cert *cert)
{
    X509 *issuer = issuer_of(cert);

    return issuer == NULL || cert->x509 == NULL ? NULL
                                                : OCSP_cert_to_id(EVP_sha1(), cert->x509, issuer);
}

void
ocsp_add_key(const struct tls_cert *cert, struct text *out)
{
    OCSP_CERTID *id = ocsp_id_of(cert);
    unsigned char *der = NULL;
    int len = id == NULL ? 0 : i2d_OCSP_CERTID(id, &der);

    for (int i = 0; i < len; i++)
        text_printf(out, "%02x", der[i]);
    OPENSSL_free(der);
    OCSP_CERTID_free(id);
}

/* An empty line would end the reply. */
static void
add_filled(struct text *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n' && i > 0 && text.ptr[i - 1] == '\n')
            text_add_char(out, ' ');
        text_add_char(out, text.ptr[i]);
    }
}

void
ocsp_show(const struct tls_cert *cert, struct text *out)
{
    const unsigned char *at = cert->ocsp;
    OCSP_RESPONSE *answer = at == NULL ? NULL : d2i_OCSP_RESPONSE(NULL, &at, (long)cert->ocsp_len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes;
    long len;

    if (answer != NULL)
        OCSP_RESPONSE_print(bio, answer, 0);
    len = BIO_get_mem_data(bio, &bytes);
    add_filled(out, str_of(bytes, (size_t)len));
    BIO_free(bio);
    OCSP_RESPONSE_free(answer);
}

/* --- questions ------------------------------------------------------------------------------------------ */

/* The first responder over HTTP that the certificate names. NULL: none. */
static char *
url_of(const struct tls_cert *cert)
{
    STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(cert->x509);
    char *url = NULL;

    for (int i = 0; url == NULL && urls != NULL && i < sk_OPENSSL_STRING_num(urls); i++) {
        if (strncmp(sk_OPENSSL_STRING_value(urls, i), "http://", 7) == 0)
            url = alloc_copy(sk_OPENSSL_STRING_value(urls, i));
    }
    X509_email_free(urls);
    return url;
}

bool
ocsp_question_make(const struct tls_cert *cert, struct ocsp_question *question, struct error *err)
{
    OCSP_CERTID *id = ocsp_id_of(cert);
    OCSP_REQUEST *request = id == NULL ? NULL : OCSP_REQUEST_new();
    int len = -1;

    *question = (struct ocsp_question){ .url = NULL };
    if (id == NULL)
        return error_set(err, "the issuer is not known: it is neither in the chain nor in a file '.issuer'");
    if (request == NULL || OCSP_request_add0_id(request, id) == NULL)
        OCSP_CERTID_free(id);
    else
        len = i2d_OCSP_REQUEST(request, &question->der);
    OCSP_REQUEST_free(request);
    if (len <= 0)
        return error_set(err, "out of memory");
    question->len = (size_t)len;
    question->url = url_of(cert);
    if (question->url != NULL)
        return true;
    ocsp_question_fini(question);
    return error_set(err, "the certificate names no responder that is asked over HTTP");
}

void
ocsp_question_fini(struct ocsp_question *question)
{
    alloc_free(question->url);
    OPENSSL_free(question->der);
    *question = (struct ocsp_question){ .url = NULL };
}

/* --- answers -------------------------------------------------------------------------------------------- */

bool
ocsp_is_about(OCSP_BASICRESP *basic, const struct tls_cert *cert)
{
    OCSP_CERTID *id = ocsp_id_of(cert);
    bool is_it = false;

    for (int i = 0; id != NULL && i < OCSP_resp_count(basic); i++) {
        const OCSP_CERTID *other = OCSP_SINGLERESP_get0_id(OCSP_resp_get0(basic, i));

        is_it = is_it || OCSP_id_cmp(id, other) == 0;
    }
    OCSP_CERTID_free(id);
    return is_it;
}

bool
ocsp_put(const struct tls_cert *cert, struct str der, struct error *err)
{
    struct tls_cert *copy = tls_cert_copy(cert);
    bool fine = tls_cert_set_extra(copy, ".ocsp", der, err) && tls_cert_finish(copy, err);

    if (fine)
        cert_store_replace(copy);
    tls_cert_drop(copy);
    return fine;
}

/* By the issuer, or by somebody whom the issuer trusts with it (4.2.2.2). */
static bool
is_signed(OCSP_BASICRESP *basic, const struct tls_cert *cert, struct error *err)
{
    X509_STORE *store = X509_STORE_new();
    bool fine = store != NULL && X509_STORE_add_cert(store, issuer_of(cert)) == 1;

    if (fine) {
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
        fine = OCSP_basic_verify(basic, cert->chain, store, 0) == 1;
    }
    X509_STORE_free(store);
    return fine || error_set(err, "the answer's signature: %s", tls_error_text());
}

static int64_t
seconds_of(const ASN1_GENERALIZEDTIME *when)
{
    struct tm tm;

    return when != NULL && ASN1_TIME_to_tm(when, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool
is_good(OCSP_BASICRESP *basic, const struct tls_cert *cert, int64_t *next_s, struct error *err)
{
    OCSP_CERTID *id = ocsp_id_of(cert);
    ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
    int status = -1, reason;
    bool is_there = id != NULL && OCSP_resp_find_status(basic, id, &status, &reason, NULL,
                                                        &this_update, &next_update) == 1;

    OCSP_CERTID_free(id);
    if (!is_there)
        return error_set(err, "the answer does not speak of this certificate");
    if (status != V_OCSP_CERTSTATUS_GOOD)
        return error_set(err, "the certificate's status is '%s'", OCSP_cert_status_str(status));
    if (OCSP_check_validity(this_update, next_update, CLOCK_SKEW_S, -1) != 1)
        return error_set(err, "the answer's time: %s", tls_error_text());
    *next_s = seconds_of(next_update);
    return is_signed(basic, cert, err);
}

enum ocsp_verdict
ocsp_take(const char *path, struct str der, int64_t *next_s, struct error *err)
{
    const struct tls_cert *cert = cert_store_find(path);
    const unsigned char *at = (const unsigned char *)der.ptr;
    OCSP_RESPONSE *answer = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
    int status = answer == NULL ? -1 : OCSP_response_status(answer);
    OCSP_BASICRESP *basic = status == OCSP_RESPONSE_STATUS_SUCCESSFUL ? OCSP_response_get1_basic(answer) : NULL;
    bool fine = false;

    if (cert == NULL)
        error_set(err, "the certificate is gone");
    else if (answer == NULL)
        error_set(err, "what came is no OCSP answer");
    else if (basic == NULL)
        error_set(err, "the responder says '%s'", OCSP_response_status_str(status));
    else
        fine = is_good(basic, cert, next_s, err);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(answer);
    ERR_clear_error();
    if (!fine)
        return OCSP_REFUSED;
    return ocsp_put(cert, der, err) ? OCSP_TAKEN : OCSP_NOT_PUT;
}
