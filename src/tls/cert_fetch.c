/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What certificates say: ssl_c_* (the client's), ssl_f_* (ours), ssl_s_* (the server's).
 *
 * For:     expressions.
 * Thread:  owner of the stream, inside a rule.
 */
#include <openssl/asn1.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "weir/expr/eval.h"
#include "weir/expr/sample.h"
#include "private.h"

enum whose { OF_CLIENT, OF_FRONTEND, OF_SERVER, OF_ROOT };

enum fact {
    FACT_DER,
    FACT_CHAIN_DER,
    FACT_ISSUER,
    FACT_SUBJECT,
    FACT_NOT_AFTER,
    FACT_NOT_BEFORE,
    FACT_SERIAL,
    FACT_SHA1,
    FACT_SIGNATURE,
    FACT_KEY,
    FACT_VERSION,
    FACT_ALTERNATIVES,
};

#define WHOSE_SHIFT 8 /* in .private: whose above, what below */

/* The authority at the end of the client's chain. */
static X509 *
root_of(const SSL *ssl)
{
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    int count = chain == NULL ? 0 : sk_X509_num(chain);

    return count == 0 ? NULL : sk_X509_value(chain, count - 1);
}

static X509 *
cert_of(const struct eval *eval, enum whose whose)
{
    SSL *ssl = tls_of(whose == OF_SERVER ? eval->server_conn : eval->client);

    if (ssl == NULL)
        return NULL;
    if (whose == OF_ROOT)
        return root_of(ssl);
    return whose == OF_FRONTEND ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
}

/* --- bytes --------------------------------------------------------------------------------------------- */

static size_t
der_size(X509 *cert)
{
    int len = cert == NULL ? 0 : i2d_X509(cert, NULL);

    return len > 0 ? (size_t)len : 0;
}

static void
der_write(X509 *cert, char *to)
{
    unsigned char *at = (unsigned char *)to;

    (void)i2d_X509(cert, &at);
}

static enum fetched
give_der(struct eval *eval, X509 *cert, struct value *out)
{
    size_t len = der_size(cert);
    char *bytes = len == 0 ? NULL : arena_take(eval->arena, len);

    if (bytes == NULL)
        return FETCH_NONE;
    der_write(cert, bytes);
    return fetched_bin(out, str_of(bytes, len));
}

/* One behind the other; a server's own view of a client's chain has not the certificate itself. */
static enum fetched
give_chain(struct eval *eval, enum whose whose, struct value *out)
{
    SSL *ssl = tls_of(whose == OF_SERVER ? eval->server_conn : eval->client);
    STACK_OF(X509) *chain = ssl == NULL ? NULL : SSL_get_peer_cert_chain(ssl);
    X509 *own = SSL_is_server(ssl) ? SSL_get0_peer_certificate(ssl) : NULL;
    size_t len = der_size(own), at = der_size(own);
    char *bytes;

    for (int i = 0; chain != NULL && i < sk_X509_num(chain); i++)
        len += der_size(sk_X509_value(chain, i));
    bytes = len == 0 ? NULL : arena_take(eval->arena, len);
    if (bytes == NULL)
        return FETCH_NONE;
    if (own != NULL)
        der_write(own, bytes);
    for (int i = 0; chain != NULL && i < sk_X509_num(chain); i++) {
        der_write(sk_X509_value(chain, i), bytes + at);
        at += der_size(sk_X509_value(chain, i));
    }
    return fetched_bin(out, str_of(bytes, len));
}

static enum fetched
give_copy(struct eval *eval, const unsigned char *bytes, int len, bool is_text, struct value *out)
{
    char *copy = len <= 0 ? NULL : arena_take(eval->arena, (size_t)len);

    if (copy == NULL)
        return FETCH_NONE;
    memcpy(copy, bytes, (size_t)len);
    return is_text ? fetched_str(out, str_of(copy, (size_t)len))
                   : fetched_bin(out, str_of(copy, (size_t)len));
}

static enum fetched
give_serial(struct eval *eval, X509 *cert, struct value *out)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);

    return give_copy(eval, serial->data, serial->length, false, out);
}

static enum fetched
give_sha1(struct eval *eval, X509 *cert, struct value *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (X509_digest(cert, EVP_sha1(), digest, &len) != 1)
        return FETCH_NONE;
    return give_copy(eval, digest, (int)len, false, out);
}

/* --- texts --------------------------------------------------------------------------------------------- */

static enum fetched
give_nid(struct value *out, int nid)
{
    return nid == NID_undef ? FETCH_NONE : fetched_str(out, str_from(OBJ_nid2sn(nid)));
}

/* "YYMMDDhhmmssZ": two digits of the year, whatever the certificate has. */
static enum fetched
give_time(struct eval *eval, const ASN1_TIME *time, struct value *out)
{
    const unsigned char *text = ASN1_STRING_get0_data(time);
    int len = ASN1_STRING_length(time);
    int skipped = ASN1_STRING_type(time) == V_ASN1_GENERALIZEDTIME ? 2 : 0;

    return give_copy(eval, text + skipped, len - skipped, true, out);
}

/* All names of the kind, parted by ", ", as OpenSSL prints them. */
static enum fetched
give_alternatives(struct eval *eval, X509 *cert, struct value *out)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    BIO *bio = names == NULL ? NULL : BIO_new(BIO_s_mem());
    enum fetched result = FETCH_NONE;
    char *text;
    long len;

    for (int i = 0; bio != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        if (i > 0)
            BIO_write(bio, ", ", 2);
        GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, i));
    }
    len = bio == NULL ? 0 : BIO_get_mem_data(bio, &text);
    if (len > 0)
        result = give_copy(eval, (unsigned char *)text, (int)len, true, out);
    BIO_free(bio);
    GENERAL_NAMES_free(names);
    return result;
}

#define POLICY_MAX 128 /* bytes of one in digits */

/* RFC 5280 4.2.1.4: all, or the one that is asked for. */
static enum fetched
run_policies(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    X509 *cert = cert_of(eval, OF_CLIENT);
    CERTIFICATEPOLICIES *policies =
        cert == NULL ? NULL : X509_get_ext_d2i(cert, NID_certificate_policies, NULL, NULL);
    int count = policies == NULL ? 0 : sk_POLICYINFO_num(policies);
    char *text = count == 0 ? NULL : arena_take(eval->arena, (size_t)count * (POLICY_MAX + 1));
    char *end = text;
    bool is_there = !arg_is_given(&args[0]);

    (void)fetch;
    for (int i = 0; text != NULL && i < count; i++) {
        char one[POLICY_MAX];

        if (OBJ_obj2txt(one, sizeof(one), sk_POLICYINFO_value(policies, i)->policyid, 1) <= 0)
            continue;
        is_there = is_there || str_eq(args[0].str, str_from(one));
        end += sprintf(end, "%s%s", end == text ? "" : ",", one);
    }
    CERTIFICATEPOLICIES_free(policies);
    if (text == NULL || !is_there)
        return FETCH_NONE;
    if (arg_is_given(&args[0]))
        return fetched_str(out, args[0].str);
    return fetched_str(out, str_of(text, (size_t)(end - text)));
}

/* --- names ---------------------------------------------------------------------------------------------- */

static const char *
entry_name(const X509_NAME_ENTRY *entry)
{
    return OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)));
}

static enum fetched
give_entry(struct eval *eval, const X509_NAME_ENTRY *entry, struct value *out)
{
    const ASN1_STRING *text = X509_NAME_ENTRY_get_data(entry);

    return give_copy(eval, ASN1_STRING_get0_data(text), ASN1_STRING_length(text), true, out);
}

/* The nth part of that name; n < 0: from the end. */
static enum fetched
give_part(struct eval *eval, X509_NAME *name, struct str wanted, int64_t n, struct value *out)
{
    int count = X509_NAME_entry_count(name), step = n < 0 ? -1 : 1;
    int64_t left = n < 0 ? -n : n == 0 ? 1 : n;

    for (int i = n < 0 ? count - 1 : 0; i >= 0 && i < count; i += step) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);

        if (str_eq_nocase(str_from(entry_name(entry)), wanted) && --left == 0)
            return give_entry(eval, entry, out);
    }
    return FETCH_NONE;
}

/* "/C=FR/CN=x" */
static enum fetched
give_name(struct eval *eval, X509_NAME *name, struct value *out)
{
    size_t len = 0, at = 0;
    char *text;

    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);

        len += strlen(entry_name(entry)) + 2 +
               (size_t)ASN1_STRING_length(X509_NAME_ENTRY_get_data(entry));
    }
    text = len == 0 ? NULL : arena_take(eval->arena, len + 1);
    if (text == NULL)
        return FETCH_NONE;
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
        size_t value_len = (size_t)ASN1_STRING_length(value);

        at += (size_t)snprintf(text + at, len + 1 - at, "/%s=", entry_name(entry));
        memcpy(text + at, ASN1_STRING_get0_data(value), value_len);
        at += value_len;
    }
    return fetched_str(out, str_of(text, at));
}

/* RFC 2253: last part first, parted by commas. */
static enum fetched
give_rfc2253(struct eval *eval, X509_NAME *name, struct value *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum fetched result = FETCH_NONE;
    char *text;
    long len;

    if (bio == NULL)
        return FETCH_NONE;
    if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0 &&
        (len = BIO_get_mem_data(bio, &text)) > 0)
        result = give_copy(eval, (unsigned char *)text, (int)len, true, out);
    BIO_free(bio);
    return result;
}

static enum fetched
run_name(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    X509 *cert = cert_of(eval, (enum whose)(fetch->private >> WHOSE_SHIFT));
    bool is_issuer = (fetch->private & 0xff) == FACT_ISSUER;
    X509_NAME *name;

    if (cert == NULL)
        return FETCH_NONE;
    name = is_issuer ? X509_get_issuer_name(cert) : X509_get_subject_name(cert);
    if (arg_is_given(&args[0]) && args[0].str.len > 0)
        return give_part(eval, name, args[0].str, arg_is_given(&args[1]) ? args[1].num : 1, out);
    return arg_is_given(&args[2]) ? give_rfc2253(eval, name, out) : give_name(eval, name, out);
}

static bool
check_name(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    if (count < 3 || !arg_is_given(&args[2]) || str_eq(args[2].str, STR("rfc2253")))
        return true;
    return error_set(err, "unknown format '%.*s' of a name; known is rfc2253",
                     STR_ARG(args[2].str));
}

/* --- facts ------------------------------------------------------------------------------------------------ */

static enum fetched
give(struct eval *eval, enum whose whose, enum fact fact, X509 *cert, struct value *out)
{
    switch (fact) {
    case FACT_DER:
        return give_der(eval, cert, out);
    case FACT_CHAIN_DER:
        return give_chain(eval, whose, out);
    case FACT_NOT_AFTER:
        return give_time(eval, X509_get0_notAfter(cert), out);
    case FACT_NOT_BEFORE:
        return give_time(eval, X509_get0_notBefore(cert), out);
    case FACT_SERIAL:
        return give_serial(eval, cert, out);
    case FACT_SHA1:
        return give_sha1(eval, cert, out);
    case FACT_SIGNATURE:
        return give_nid(out, X509_get_signature_nid(cert));
    case FACT_KEY:
        return give_nid(out, EVP_PKEY_get_base_id(X509_get0_pubkey(cert)));
    case FACT_VERSION:
        return fetched_int(out, X509_get_version(cert) + 1);
    case FACT_ALTERNATIVES:
        return give_alternatives(eval, cert, out);
    case FACT_ISSUER:
    case FACT_SUBJECT: /* run_name() */
        break;
    }
    return FETCH_NONE;
}

static enum fetched
run_fact(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    enum whose whose = (enum whose)(fetch->private >> WHOSE_SHIFT);
    X509 *cert = cert_of(eval, whose);

    (void)args;
    return cert == NULL ? FETCH_NONE
                        : give(eval, whose, (enum fact)(fetch->private & 0xff), cert, out);
}

/* --- verification ------------------------------------------------------------------------------------------- */

enum verdict_of { CHECK_USED, CHECK_VERIFY, CHECK_ERROR, CHECK_CA_ERROR, CHECK_CA_DEPTH };

static enum fetched
run_check(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    SSL *ssl = tls_of(eval->client);
    const struct tls_refusal *refusal;

    (void)args;
    if (ssl == NULL)
        return FETCH_NONE;
    refusal = tls_refusal_of(ssl);
    switch ((enum verdict_of)fetch->private) {
    case CHECK_USED:
        return fetched_bool(out, SSL_get0_peer_certificate(ssl) != NULL);
    case CHECK_VERIFY:
        return fetched_int(out, SSL_get_verify_result(ssl));
    case CHECK_ERROR:
        return fetched_int(out, refusal->error);
    case CHECK_CA_ERROR:
        return fetched_int(out, refusal->ca_error);
    case CHECK_CA_DEPTH:
        return fetched_int(out, refusal->ca_depth);
    }
    return FETCH_NONE;
}

/* --- the table ----------------------------------------------------------------------------------------------- */

#define PLACES      (PLACE_L4 & ~PLACE_FE_CONNECTION)
#define WHAT(w_, f_) ((w_) << WHOSE_SHIFT | (f_))
#define FACT(name_, type_, whose_, fact_, help_)                                                   \
    {                                                                                              \
        name_, type_, PLACES, { { 0 } }, run_fact, WHAT(whose_, fact_), .help = help_              \
    }
#define NAME(name_, whose_, fact_, help_)                                                          \
    {                                                                                              \
        name_, VALUE_STR, PLACES, { { ARG_STR, true }, { ARG_INT, true }, { ARG_STR, true } },     \
            run_name, WHAT(whose_, fact_), check_name, help_                                       \
    }
#define CERT(prefix_, whose_, of_)                                                                 \
    FACT(prefix_ "_der", VALUE_BIN, whose_, FACT_DER, "The certificate of " of_ ", in DER."),      \
        NAME(prefix_ "_i_dn", whose_, FACT_ISSUER,                                                 \
             "Issuer of the certificate of " of_ ": whole, or the nth part of a name."),           \
        FACT(prefix_ "_key_alg", VALUE_STR, whose_, FACT_KEY, "Kind of key of " of_ "."),          \
        FACT(prefix_ "_notafter", VALUE_STR, whose_, FACT_NOT_AFTER,                               \
             "End of validity of the certificate of " of_ ", YYMMDDhhmmssZ."),                     \
        FACT(prefix_ "_notbefore", VALUE_STR, whose_, FACT_NOT_BEFORE,                             \
             "Begin of validity of the certificate of " of_ ", YYMMDDhhmmssZ."),                   \
        NAME(prefix_ "_s_dn", whose_, FACT_SUBJECT,                                                \
             "Subject of the certificate of " of_ ": whole, or the nth part of a name."),          \
        FACT(prefix_ "_serial", VALUE_BIN, whose_, FACT_SERIAL,                                    \
             "Serial number of the certificate of " of_ "."),                                      \
        FACT(prefix_ "_sha1", VALUE_BIN, whose_, FACT_SHA1,                                        \
             "SHA-1 of the certificate of " of_ "."),                                              \
        FACT(prefix_ "_sig_alg", VALUE_STR, whose_, FACT_SIGNATURE,                                \
             "How the certificate of " of_ " is signed."),                                         \
        FACT(prefix_ "_version", VALUE_INT, whose_, FACT_VERSION,                                  \
             "Version of the certificate of " of_ ".")
#define CHECK(name_, type_, check_, help_)                                                         \
    {                                                                                              \
        name_, type_, PLACES, { { 0 } }, run_check, check_, .help = help_                          \
    }

static const struct fetch fetches[] = {
    CERT("ssl_c", OF_CLIENT, "the client"),
    CERT("ssl_f", OF_FRONTEND, "the frontend"),
    CERT("ssl_s", OF_SERVER, "the server"),
    NAME("ssl_c_r_dn", OF_ROOT, FACT_SUBJECT,
         "Subject of the authority at the end of the client's chain: whole, or the nth part of a name."),
    { "ssl_c_policies", VALUE_STR, PLACES, { { ARG_STR, true } }, run_policies, 0,
      .help = "Policies of the client's certificate, as numbers parted by commas; or the one that is named, if "
              "it is there." },
    FACT("ssl_c_chain_der", VALUE_BIN, OF_CLIENT, FACT_CHAIN_DER,
         "The certificates that the client sent, one behind the other, in DER."),
    FACT("ssl_s_chain_der", VALUE_BIN, OF_SERVER, FACT_CHAIN_DER,
         "The certificates that the server sent, one behind the other, in DER."),
    FACT("ssl_c_san", VALUE_STR, OF_CLIENT, FACT_ALTERNATIVES,
         "Alternative names in the client's certificate, parted by commas."),
    CHECK("ssl_c_used", VALUE_BOOL, CHECK_USED,
          "Has the session a certificate of the client, also one from before it was resumed?"),
    CHECK("ssl_c_verify", VALUE_INT, CHECK_VERIFY,
          "OpenSSL's number of how the client's certificate was verified; 0: well."),
    CHECK("ssl_c_err", VALUE_INT, CHECK_ERROR,
          "What was wrong with the client's certificate, but passed over; 0: nothing."),
    CHECK("ssl_c_ca_err", VALUE_INT, CHECK_CA_ERROR,
          "What was wrong with an authority of the client, but passed over; 0: nothing."),
    CHECK("ssl_c_ca_err_depth", VALUE_INT, CHECK_CA_DEPTH,
          "How far up the chain that authority stands."),
};
REGISTER(fetch, fetches);
