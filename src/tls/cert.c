/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One certificate with key and chain: read, check, name.
 *
 * For:     contexts, which show them to clients.
 * Owns:    the OpenSSL objects.
 * Callers: cert_list.c, context.c.
 * Thread:  builder and control make; any drops (the count is atomic).
 */
#include "weir/tls/cert.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/os/file.h"
#include "private.h"

/* --- names ------------------------------------------------------------------------------------ */

static void
add_name(struct tls_cert *cert, const ASN1_STRING *text)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(text);
    int len = ASN1_STRING_length(text);
    char *name;

    if (len <= 0 || memchr(bytes, '\0', (size_t)len) != NULL)
        return;
    name = alloc_zero((size_t)len + 1);
    for (int i = 0; i < len; i++)
        name[i] = (char)tolower(bytes[i]);
    cert->names = alloc_resize(cert->names, (cert->name_count + 1) * sizeof(*cert->names));
    cert->names[cert->name_count++] = name;
}

static void
add_alternative_names(struct tls_cert *cert)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert->x509, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DNS)
            add_name(cert, name->d.dNSName);
    }
    GENERAL_NAMES_free(names);
}

static void
add_common_names(struct tls_cert *cert)
{
    X509_NAME *subject = X509_get_subject_name(cert->x509);
    int at = -1;

    while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0) {
        unsigned char *utf8 = NULL;
        const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        int len = ASN1_STRING_to_UTF8(&utf8, text);
        ASN1_STRING *plain = len < 0 ? NULL : ASN1_STRING_new();

        if (plain != NULL && ASN1_STRING_set(plain, utf8, len) == 1)
            add_name(cert, plain);
        ASN1_STRING_free(plain);
        OPENSSL_free(utf8);
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

/* The first certificate is the one; those behind it are its chain. */
static bool
read_certificates(struct tls_cert *cert, BIO *bio)
{
    X509 *x509;

    while ((x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (cert->x509 == NULL) {
            cert->x509 = x509;
            continue;
        }
        if (cert->chain == NULL)
            cert->chain = sk_X509_new_null();
        sk_X509_push(cert->chain, x509);
    }
    ERR_clear_error(); /* it ends with "no start line" */
    return cert->x509 != NULL;
}

static int
no_password(char *to, int size, int is_writing, void *arg)
{
    (void)to;
    (void)size;
    (void)is_writing;
    (void)arg;
    return -1;
}

static EVP_PKEY *
read_key(const char *content, size_t len)
{
    BIO *bio = BIO_new_mem_buf(content, (int)len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);

    BIO_free(bio);
    return key;
}

static bool
load_key(struct tls_cert *cert, const char *content, size_t len, struct error *err)
{
    char path[PATH_MAX], *own = NULL;

    cert->key = read_key(content, len);
    if (cert->key == NULL && snprintf(path, sizeof(path), "%s.key", cert->path) < PATH_MAX &&
        file_exists(path)) {
        own = file_read(path, &len, err);
        if (own == NULL)
            return false;
        cert->key = read_key(own, len);
        OPENSSL_cleanse(own, len);
        alloc_free(own);
    }
    ERR_clear_error();
    if (cert->key == NULL)
        return error_set(err, "no private key in '%s' or in '%s.key'; keys with a password cannot be read",
                         cert->path, cert->path);
    if (X509_check_private_key(cert->x509, cert->key) == 1)
        return true;
    ERR_clear_error();
    return error_set(err, "'%s': the private key does not belong to the certificate", cert->path);
}

static bool
load(struct tls_cert *cert, const char *content, size_t len, struct error *err)
{
    BIO *bio = BIO_new_mem_buf(content, (int)len);
    bool has_certificate = read_certificates(cert, bio);

    BIO_free(bio);
    if (!has_certificate)
        return error_set(err, "no certificate in '%s' (PEM is expected)", cert->path);
    if (!load_key(cert, content, len, err))
        return false;
    add_alternative_names(cert);
    add_common_names(cert);
    return true;
}

struct tls_cert *
tls_cert_load(const char *path, struct error *err)
{
    size_t len;
    char *content = file_read(path, &len, err);
    struct tls_cert *cert;
    bool fine;

    if (content == NULL)
        return NULL;
    cert = alloc_zero(sizeof(*cert));
    cert->refs = 1;
    cert->path = alloc_copy(path);
    fine = load(cert, content, len, err);
    OPENSSL_cleanse(content, len);
    alloc_free(content);
    if (fine)
        return cert;
    tls_cert_drop(cert);
    return NULL;
}

/* --- life --------------------------------------------------------------------------------------- */

void
tls_cert_hold(struct tls_cert *cert)
{
    __atomic_add_fetch(&cert->refs, 1, __ATOMIC_RELAXED);
}

void
tls_cert_drop(struct tls_cert *cert)
{
    if (cert == NULL || __atomic_sub_fetch(&cert->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    X509_free(cert->x509);
    EVP_PKEY_free(cert->key);
    sk_X509_pop_free(cert->chain, X509_free);
    for (unsigned i = 0; i < cert->name_count; i++)
        alloc_free(cert->names[i]);
    alloc_free(cert->names);
    alloc_free(cert->path);
    alloc_free(cert);
}

int
tls_cert_key_type(const struct tls_cert *cert)
{
    return EVP_PKEY_get_base_id(cert->key);
}
