/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate-certificates: a certificate for any name that a client asks for, signed by an authority of our own.
 *
 * For:     bind lines that take off TLS for whole networks (development, filtering); context.c.
 * Owns:    the authority, and the certificates that were made last, in the order of their use.
 * Thread:  builder makes it; traffic threads ask at once; the last user of the context frees it.
 *
 * All certificates have the key of the bind line's default certificate. Signing takes 30 us with a P-256
 * authority, 1 ms with RSA, outside of the lock: two threads may make the same one, and the first is kept.
 */
#include <ctype.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "weir/base/alloc.h"
#include "weir/loop/lock.h"
#include "weir/os/file.h"
#include "private.h"

#define DAY_S       ((long)24 * 60 * 60)
#define LASTS_DAYS  365
#define NAME_MAX_   253 /* RFC 1035 2.3.4 */
#define COMMON_MAX  64  /* ub-common-name of RFC 5280 */
#define SERIAL_SIZE 16

struct forged {
    struct list link; /* the newest use first */
    X509 *x509;       /* owns */
    struct str name;  /* owns ptr */
};

struct tls_forge {
    X509 *authority;       /* owns, and the next two */
    EVP_PKEY *key;
    STACK_OF(X509) *chain; /* the authority, unless it is a root; NULL: none */
    struct lock lock;
    struct hashmap by_name; /* to struct forged */
    struct list used;
    size_t count, most;
};

/* --- the authority ---------------------------------------------------------------------------------- */

static int
give_password(char *to, int size, int is_writing, void *password)
{
    size_t len = password == NULL ? 0 : strlen(password);

    (void)is_writing;
    if (password == NULL || len > (size_t)size)
        return -1;
    memcpy(to, password, len);
    return (int)len;
}

static bool
read_authority(struct tls_forge *forge, const char *path, const char *password, struct error *err)
{
    size_t len;
    char *text = file_read(path, &len, err);
    BIO *cert_bio, *key_bio;

    if (text == NULL)
        return false;
    cert_bio = BIO_new_mem_buf(text, (int)len);
    key_bio = BIO_new_mem_buf(text, (int)len);
    forge->authority = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
    forge->key = PEM_read_bio_PrivateKey(key_bio, NULL, give_password, (void *)(uintptr_t)password);
    BIO_free(cert_bio);
    BIO_free(key_bio);
    OPENSSL_cleanse(text, len);
    alloc_free(text);
    if (forge->authority == NULL)
        return error_set(err, "'ca-sign-file %s': no certificate in it (PEM is expected)", path);
    if (forge->key == NULL)
        return error_set(err, "'ca-sign-file %s': no private key in it%s", path,
                         password == NULL ? ", or one with a password: say 'ca-sign-pass'"
                                          : " that this 'ca-sign-pass' opens");
    if (X509_check_private_key(forge->authority, forge->key) != 1)
        return error_set(err, "'ca-sign-file %s': the private key does not belong to the certificate", path);
    return X509_check_ca(forge->authority) != 0 ||
           error_set(err, "'ca-sign-file %s': the certificate is no authority's", path);
}

struct tls_forge *
tls_forge_new(const char *path, const char *password, size_t most, struct error *err)
{
    struct tls_forge *forge = alloc_zero(sizeof(*forge));

    forge->lock = (struct lock)LOCK_INIT(LOCK_NET);
    forge->most = most;
    hashmap_init(&forge->by_name);
    list_init(&forge->used);
    if (!read_authority(forge, path, password, err)) {
        (void)tls_error_text();
        tls_forge_free(forge);
        return NULL;
    }
    if (X509_self_signed(forge->authority, 0) != 1) {
        forge->chain = sk_X509_new_null();
        X509_up_ref(forge->authority);
        sk_X509_push(forge->chain, forge->authority);
    }
    (void)tls_error_text();
    return forge;
}

static void
free_forged(struct forged *forged)
{
    X509_free(forged->x509);
    alloc_free((void *)(uintptr_t)forged->name.ptr);
    alloc_free(forged);
}

void
tls_forge_free(struct tls_forge *forge)
{
    if (forge == NULL)
        return;
    LIST_FOR_EACH_SAFE (forged, &forge->used, struct forged, link)
        free_forged(forged);
    hashmap_fini(&forge->by_name);
    sk_X509_pop_free(forge->chain, X509_free);
    X509_free(forge->authority);
    EVP_PKEY_free(forge->key);
    alloc_free(forge);
}

/* --- one certificate -------------------------------------------------------------------------------- */

static bool
add_extension(X509 *x509, X509 *authority, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;
    bool fine;

    X509V3_set_ctx(&ctx, authority, x509, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    fine = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return fine;
}

static bool
set_serial(X509 *x509)
{
    unsigned char bytes[SERIAL_SIZE];
    BIGNUM *number;
    bool fine;

    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and as long as the others */
    number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    fine = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
    BN_free(number);
    return fine;
}

static bool
set_subject(X509 *x509, struct str name)
{
    X509_NAME *subject = X509_get_subject_name(x509);
    struct str common = str_slice(name, 0, name.len < COMMON_MAX ? name.len : COMMON_MAX);

    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)common.ptr,
                                      (int)common.len, -1, 0) == 1;
}

static bool
fill(X509 *x509, const struct tls_forge *forge, EVP_PKEY *key, struct str name)
{
    char names[NAME_MAX_ + 8];

    (void)snprintf(names, sizeof(names), "DNS:%.*s", STR_ARG(name));
    return X509_set_version(x509, X509_VERSION_3) == 1 && set_serial(x509) &&
           X509_gmtime_adj(X509_getm_notBefore(x509), -DAY_S) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(x509), LASTS_DAYS * DAY_S) != NULL &&
           X509_set_issuer_name(x509, X509_get_subject_name(forge->authority)) == 1 &&
           set_subject(x509, name) && X509_set_pubkey(x509, key) == 1 &&
           add_extension(x509, forge->authority, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x509, forge->authority, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
           add_extension(x509, forge->authority, NID_ext_key_usage, "serverAuth") &&
           add_extension(x509, forge->authority, NID_subject_key_identifier, "hash") &&
           add_extension(x509, forge->authority, NID_authority_key_identifier, "keyid") &&
           add_extension(x509, forge->authority, NID_subject_alt_name, names);
}

static X509 *
make(const struct tls_forge *forge, EVP_PKEY *key, struct str name)
{
    X509 *x509 = X509_new();
    int digest = NID_undef;
    bool is_fixed = EVP_PKEY_get_default_digest_nid(forge->key, &digest) == 2; /* Ed25519 has none */

    if (x509 != NULL && fill(x509, forge, key, name) &&
        X509_sign(x509, forge->key, is_fixed && digest == NID_undef ? NULL : EVP_sha256()) > 0)
        return x509;
    X509_free(x509);
    return NULL;
}

/* --- those that were made --------------------------------------------------------------------------- */

/* NULL: none. */
static X509 *
find(struct tls_forge *forge, struct str name)
{
    struct forged *forged;
    X509 *x509 = NULL;

    lock_take(&forge->lock);
    forged = hashmap_find(&forge->by_name, name);
    if (forged != NULL) {
        list_remove(&forged->link);
        list_add_first(&forge->used, &forged->link);
        x509 = forged->x509;
        X509_up_ref(x509);
    }
    lock_give(&forge->lock);
    return x509;
}

static void
keep(struct tls_forge *forge, struct str name, X509 *x509)
{
    struct forged *forged = alloc_zero(sizeof(*forged)), *oldest = NULL;

    X509_up_ref(x509);
    forged->x509 = x509;
    forged->name = str_of(alloc_copy_str(name), name.len);
    lock_take(&forge->lock);
    if (forge->most == 0 || hashmap_find(&forge->by_name, name) != NULL) {
        oldest = forged;
    } else {
        hashmap_set(&forge->by_name, forged->name, forged);
        list_add_first(&forge->used, &forged->link);
        if (++forge->count > forge->most) {
            oldest = LIST_ITEM(forge->used.prev, struct forged, link);
            hashmap_remove(&forge->by_name, oldest->name);
            list_remove(&oldest->link);
            forge->count--;
        }
    }
    lock_give(&forge->lock);
    if (oldest != NULL)
        free_forged(oldest);
}

/* In lower case. False: it is no name of a host. */
static bool
clean_name(const char *asked, char name[NAME_MAX_ + 1])
{
    size_t len = asked == NULL ? 0 : strlen(asked);

    if (len == 0 || len > NAME_MAX_ || asked[0] == '.' || asked[0] == '-')
        return false;
    for (size_t i = 0; i <= len; i++) {
        name[i] = (char)tolower((unsigned char)asked[i]);
        if (i < len && !isalnum((unsigned char)name[i]) && strchr("-._", name[i]) == NULL)
            return false;
    }
    return true;
}

bool
tls_forge_show(struct tls_forge *forge, SSL *ssl, EVP_PKEY *key)
{
    char name[NAME_MAX_ + 1];
    X509 *x509;
    bool fine;

    if (key == NULL || !clean_name(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), name))
        return false;
    x509 = find(forge, str_from(name));
    if (x509 == NULL) {
        x509 = make(forge, key, str_from(name));
        if (x509 == NULL)
            return false;
        keep(forge, str_from(name), x509);
    }
    SSL_certs_clear(ssl);
    fine = SSL_use_cert_and_key(ssl, x509, key, forge->chain, 1) == 1;
    X509_free(x509);
    return fine;
}
