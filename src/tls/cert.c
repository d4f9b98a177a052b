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
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/os/file.h"
#include "private.h"

/* --- names ------------------------------------------------------------------------------------ */

static void
free_names(struct tls_cert *cert)
{
    for (unsigned i = 0; i < cert->name_count; i++)
        alloc_free(cert->names[i]);
    alloc_free(cert->names);
    cert->names = NULL;
    cert->name_count = 0;
}

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

/* --- parts ------------------------------------------------------------------------------------ */

/* Looking for OpenSSL's decoders takes ten times as long as decoding: those of a thread are kept. */
static _Thread_local struct {
    OSSL_DECODER_CTX *decoder; /* owns; NULL: none yet */
    EVP_PKEY *key;             /* where it puts one */
} reader;

void
tls_cert_reader_end(void)
{
    OSSL_DECODER_CTX_free(reader.decoder);
    reader.decoder = NULL;
}

static EVP_PKEY *
decode_key(const unsigned char *der, size_t len)
{
    EVP_PKEY *key = NULL;

    if (reader.decoder == NULL)
        reader.decoder = OSSL_DECODER_CTX_new_for_pkey(&reader.key, "DER", NULL, NULL,
                                                       OSSL_KEYMGMT_SELECT_KEYPAIR, NULL, NULL);
    if (reader.decoder != NULL && OSSL_DECODER_from_data(reader.decoder, &der, &len) == 1)
        key = reader.key;
    reader.key = NULL;
    return key;
}

/* "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"; not "ENCRYPTED PRIVATE KEY", nor by its header. */
static bool
is_plain_key(const char *label, const char *header)
{
    static const char ending[] = "PRIVATE KEY";
    size_t len = strlen(label);

    return len >= strlen(ending) && strcmp(label + len - strlen(ending), ending) == 0 &&
           strncmp(label, "ENCRYPTED", strlen("ENCRYPTED")) != 0 && header[0] == '\0';
}

/* The first one. NULL: there is none, or it has a password. */
static EVP_PKEY *
read_key(struct str text)
{
    BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    char *label, *header;
    unsigned char *der;
    EVP_PKEY *key = NULL;
    long len;

    while (key == NULL && PEM_read_bio(bio, &label, &header, &der, &len) == 1) {
        if (is_plain_key(label, header))
            key = decode_key(der, (size_t)len);
        OPENSSL_cleanse(der, (size_t)len);
        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(bio);
    ERR_clear_error();
    return key;
}

/* The first certificate is the one; those behind it are its chain. NULL: there is none. */
static X509 *
read_certificates(struct str text, STACK_OF(X509) **chain)
{
    BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    X509 *first = NULL, *x509;

    *chain = NULL;
    while ((x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (first == NULL) {
            first = x509;
            continue;
        }
        if (*chain == NULL)
            *chain = sk_X509_new_null();
        sk_X509_push(*chain, x509);
    }
    BIO_free(bio);
    ERR_clear_error(); /* it ends with "no start line" */
    return first;
}

bool
tls_cert_set_pem(struct tls_cert *cert, struct str text, struct error *err)
{
    STACK_OF(X509) *chain;
    X509 *x509 = read_certificates(text, &chain);

    if (x509 == NULL)
        return error_set(err, "no certificate in '%s' (PEM is expected)", cert->path);
    X509_free(cert->x509);
    sk_X509_pop_free(cert->chain, X509_free);
    EVP_PKEY_free(cert->key);
    cert->x509 = x509;
    cert->chain = chain;
    cert->key = read_key(text);
    return true;
}

static bool
set_key(struct tls_cert *cert, struct str content, struct error *err)
{
    EVP_PKEY *key = read_key(content);

    if (key == NULL)
        return error_set(err, "no private key in '%s.key'; keys with a password cannot be read",
                         cert->path);
    EVP_PKEY_free(cert->key);
    cert->key = key;
    return true;
}

static bool
set_issuer(struct tls_cert *cert, struct str content, struct error *err)
{
    STACK_OF(X509) *rest;
    X509 *issuer = read_certificates(content, &rest);

    sk_X509_pop_free(rest, X509_free);
    if (issuer == NULL)
        return error_set(err, "no certificate in '%s.issuer' (PEM is expected)", cert->path);
    X509_free(cert->issuer);
    cert->issuer = issuer;
    return true;
}

/* RFC 6960 4.2.1: what is not a response is not given to clients. */
static bool
set_ocsp(struct tls_cert *cert, struct str content, struct error *err)
{
    const unsigned char *at = (const unsigned char *)content.ptr;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)content.len);
    bool fine = response != NULL &&
                OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL;

    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    if (!fine)
        return error_set(err, "'%s.ocsp' is no successful OCSP response in DER", cert->path);
    alloc_free(cert->ocsp);
    cert->ocsp = (unsigned char *)alloc_copy_str(content);
    cert->ocsp_len = content.len;
    return true;
}

/* RFC 6962 3.3: a list of timestamps, each with its length before it. */
static bool
is_timestamp_list(struct str s)
{
    const unsigned char *at = (const unsigned char *)s.ptr, *end = at + s.len;

    if (s.len < 4 || (size_t)(at[0] << 8 | at[1]) != s.len - 2)
        return false;
    for (at += 2; end - at >= 2; at += 2 + (at[0] << 8 | at[1])) {
        if ((at[0] << 8 | at[1]) > end - at - 2)
            return false;
    }
    return at == end;
}

static bool
set_sctl(struct tls_cert *cert, struct str content, struct error *err)
{
    if (!is_timestamp_list(content))
        return error_set(err, "'%s.sctl' is no list of certificate timestamps (RFC 6962 3.3)",
                         cert->path);
    alloc_free(cert->sctl);
    cert->sctl = (unsigned char *)alloc_copy_str(content);
    cert->sctl_len = content.len;
    return true;
}

bool
tls_cert_set_extra(struct tls_cert *cert, const char *ending, struct str content, struct error *err)
{
    if (strcmp(ending, ".key") == 0)
        return set_key(cert, content, err);
    if (strcmp(ending, ".sctl") == 0)
        return set_sctl(cert, content, err);
    return strcmp(ending, ".ocsp") == 0 ? set_ocsp(cert, content, err)
                                        : set_issuer(cert, content, err);
}

bool
tls_cert_finish(struct tls_cert *cert, struct error *err)
{
    if (X509_check_private_key(cert->x509, cert->key) != 1) {
        ERR_clear_error();
        return error_set(err, "'%s': the private key does not belong to the certificate",
                         cert->path);
    }
    free_names(cert);
    add_alternative_names(cert);
    add_common_names(cert);
    return true;
}

/* --- files ------------------------------------------------------------------------------------ */

static bool
read_extra(struct tls_cert *cert, const char *path, const char *ending, struct error *err)
{
    size_t len;
    char *content = file_read(path, &len, err);
    bool fine;

    if (content == NULL)
        return false;
    fine = tls_cert_set_extra(cert, ending, str_of(content, len), err);
    OPENSSL_cleanse(content, len);
    alloc_free(content);
    return fine;
}

/* The file beside it, or the one that was named. False: there is none. */
static bool
find_extra(const struct tls_cert *cert, const char *ending, char path[PATH_MAX])
{
    const struct cert_files *files = cert->files;
    struct str base = str_from(cert->path);
    const char *named;

    if (files != NULL) {
        named = strcmp(ending, ".key") == 0      ? files->key
                : strcmp(ending, ".ocsp") == 0   ? files->ocsp
                : strcmp(ending, ".issuer") == 0 ? files->issuer
                                                 : files->sctl;
        return named != NULL && snprintf(path, PATH_MAX, "%s", named) < PATH_MAX;
    }
    if ((cert->extras & EXTRA_DEL_EXT) != 0 && str_ends(base, STR(".crt")))
        base.len -= strlen(".crt");
    return snprintf(path, PATH_MAX, "%.*s%s", STR_ARG(base), ending) < PATH_MAX &&
           file_exists(path);
}

static const struct {
    const char *ending;
    unsigned extra;
} extra_files[] = {
    { ".key", EXTRA_KEY },
    { ".ocsp", EXTRA_OCSP },
    { ".issuer", EXTRA_ISSUER },
    { ".sctl", EXTRA_SCTL },
};

/* A key of its own takes the place of one beside the certificate only if it was named. */
static bool
load_extras(struct tls_cert *cert, struct error *err)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < COUNT(extra_files); i++) {
        bool is_wanted = cert->files != NULL || (cert->extras & extra_files[i].extra) != 0;

        if (!is_wanted || (cert->files == NULL && i == 0 && cert->key != NULL))
            continue;
        if (find_extra(cert, extra_files[i].ending, path) &&
            !read_extra(cert, path, extra_files[i].ending, err))
            return false;
    }
    return true;
}

static bool
load(struct tls_cert *cert, struct str text, struct error *err)
{
    if (!tls_cert_set_pem(cert, text, err) || !load_extras(cert, err))
        return false;
    if (cert->key == NULL)
        return error_set(err, "no private key in '%s' or in '%s.key'; keys with a password cannot be read",
                         cert->path, cert->path);
    return tls_cert_finish(cert, err);
}

static uint64_t
add_stamp(uint64_t hash, const char *path)
{
    struct stat stat_now;
    uint64_t facts[4];

    if (path == NULL || stat(path, &stat_now) != 0)
        return hash;
    facts[0] = (uint64_t)stat_now.st_ino;
    facts[1] = (uint64_t)stat_now.st_size;
    facts[2] = (uint64_t)stat_now.st_mtim.tv_sec;
    facts[3] = (uint64_t)stat_now.st_mtim.tv_nsec;
    return hash_xxh3(str_of((const char *)facts, sizeof(facts)), hash);
}

static const char *
main_file(const struct tls_cert *cert)
{
    return cert->files != NULL && cert->files->crt != NULL ? cert->files->crt : cert->path;
}

uint64_t
tls_cert_stamp(const struct tls_cert *cert)
{
    uint64_t hash = add_stamp(1, main_file(cert));
    char path[PATH_MAX];

    for (size_t i = 0; i < COUNT(extra_files); i++) {
        if (find_extra(cert, extra_files[i].ending, path))
            hash = add_stamp(hash, path);
    }
    return hash;
}

/* Takes `cert`, which knows where its files are. */
static struct tls_cert *
read_files(struct tls_cert *cert, struct error *err)
{
    size_t len;
    char *content;
    bool fine;

    cert->stamp = tls_cert_stamp(cert); /* before: what is written meanwhile is seen later */
    content = file_read(main_file(cert), &len, err);
    fine = content != NULL && load(cert, str_of(content, len), err);
    if (content != NULL)
        OPENSSL_cleanse(content, len);
    alloc_free(content);
    if (fine)
        return cert;
    tls_cert_drop(cert);
    return NULL;
}

struct tls_cert *
tls_cert_load(const char *path, unsigned extras, struct error *err)
{
    struct tls_cert *cert = tls_cert_new(path);

    cert->extras = extras;
    return read_files(cert, err);
}

static char *
copy_or_null(const char *text)
{
    return text == NULL ? NULL : alloc_copy(text);
}

static struct cert_files *
copy_files(const struct cert_files *files)
{
    struct cert_files *copy = files == NULL ? NULL : alloc_zero(sizeof(*copy));

    if (copy != NULL)
        *copy = (struct cert_files){ copy_or_null(files->crt), copy_or_null(files->key),
                                     copy_or_null(files->ocsp), copy_or_null(files->issuer),
                                     copy_or_null(files->sctl) };
    return copy;
}

void
cert_files_free(struct cert_files *files)
{
    if (files == NULL)
        return;
    alloc_free(files->crt);
    alloc_free(files->key);
    alloc_free(files->ocsp);
    alloc_free(files->issuer);
    alloc_free(files->sctl);
    alloc_free(files);
}

struct tls_cert *
tls_cert_load_files(const char *path, const struct cert_files *files, struct error *err)
{
    struct tls_cert *cert = tls_cert_new(path);

    cert->files = copy_files(files);
    return read_files(cert, err);
}

struct tls_cert *
tls_cert_reload(const struct tls_cert *cert, struct error *err)
{
    return cert->files != NULL ? tls_cert_load_files(cert->path, cert->files, err)
                               : tls_cert_load(cert->path, cert->extras, err);
}

/* --- life --------------------------------------------------------------------------------------- */

struct tls_cert *
tls_cert_new(const char *path)
{
    struct tls_cert *cert = alloc_zero(sizeof(*cert));

    cert->refs = 1;
    cert->path = alloc_copy(path);
    return cert;
}

struct tls_cert *
tls_cert_copy(const struct tls_cert *cert)
{
    struct tls_cert *copy = tls_cert_new(cert->path);

    copy->extras = cert->extras;
    copy->stamp = cert->stamp;
    if (cert->x509 != NULL && X509_up_ref(cert->x509) == 1)
        copy->x509 = cert->x509;
    if (cert->key != NULL && EVP_PKEY_up_ref(cert->key) == 1)
        copy->key = cert->key;
    if (cert->issuer != NULL && X509_up_ref(cert->issuer) == 1)
        copy->issuer = cert->issuer;
    if (cert->chain != NULL)
        copy->chain = X509_chain_up_ref(cert->chain);
    if (cert->ocsp != NULL) {
        copy->ocsp =
            (unsigned char *)alloc_copy_str(str_of((const char *)cert->ocsp, cert->ocsp_len));
        copy->ocsp_len = cert->ocsp_len;
    }
    if (cert->sctl != NULL) {
        copy->sctl =
            (unsigned char *)alloc_copy_str(str_of((const char *)cert->sctl, cert->sctl_len));
        copy->sctl_len = cert->sctl_len;
    }
    copy->files = copy_files(cert->files);
    return copy;
}

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
    X509_free(cert->issuer);
    free_names(cert);
    alloc_free(cert->ocsp);
    alloc_free(cert->sctl);
    cert_files_free(cert->files);
    alloc_free(cert->path);
    alloc_free(cert);
}

int
tls_cert_key_type(const struct tls_cert *cert)
{
    return EVP_PKEY_get_base_id(cert->key);
}
