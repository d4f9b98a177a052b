/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate with its key and its chain, as read from files or given at run time. Counted;
 * immutable once it is shown to clients.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdint.h>

#include "weir/base/error.h"
#include "weir/base/str.h"

/* Files beside "<path>" that are read with it. */
enum tls_extra {
    EXTRA_KEY = 1,
    EXTRA_OCSP = 2,
    EXTRA_ISSUER = 4,
    EXTRA_BUNDLE = 8,
    EXTRA_DEL_EXT = 16, /* they stand beside "<path>" without its ".crt" */
    EXTRA_SCTL = 32,
    EXTRA_ALL = EXTRA_KEY | EXTRA_OCSP | EXTRA_ISSUER | EXTRA_BUNDLE | EXTRA_SCTL,
};

/* Files that make one certificate, where the configuration names them. NULL: not said. */
struct cert_files {
    char *crt, *key, *ocsp, *issuer, *sctl;
};

struct tls_cert {
    unsigned refs;
    char *path;            /* owns: as the configuration says it */
    X509 *x509;            /* owns, and the next three; NULL: empty yet */
    EVP_PKEY *key;         /* NULL: not given yet */
    STACK_OF(X509) *chain; /* NULL: none */
    X509 *issuer;          /* of "<path>.issuer"; NULL: not said */
    char **names;          /* owns, and each: DNS names in lower case, "*.example.com" too */
    unsigned name_count;
    unsigned char *ocsp; /* owns: the answer to staple, DER; NULL: none */
    size_t ocsp_len;
    unsigned char *sctl; /* owns: timestamps of the logs, RFC 6962 3.3; NULL: none */
    size_t sctl_len;
    struct cert_files *files; /* owns, with its paths; NULL: those beside `path` */
    unsigned extras; /* how it was read */
    uint64_t stamp;  /* of its files when they were read */
    uint64_t refused_stamp; /* control's: of files that could not take its place; 0: none */
};

/* Reads a PEM file with certificate, key and chain in any order, and what stands beside it in files
 * that end in .key, .ocsp, .issuer, .sctl (`extras`: enum tls_extra). Held once for the caller.
 * NULL: err. Builder or control. */
struct tls_cert *tls_cert_load(const char *path, unsigned extras, struct error *err);
/* Reads exactly those files, which are copied. `path` is its name; files->crt NULL: it is the file
 * too. */
struct tls_cert *tls_cert_load_files(const char *path, const struct cert_files *files,
                                     struct error *err);
/* Reads it again from where it came. */
struct tls_cert *tls_cert_reload(const struct tls_cert *cert, struct error *err);
/* Another number whenever one of its files was replaced or written. */
uint64_t tls_cert_stamp(const struct tls_cert *cert);
/* An empty one. */
struct tls_cert *tls_cert_new(const char *path);
/* One that can be changed, with the same content. */
struct tls_cert *tls_cert_copy(const struct tls_cert *cert);
/* Certificate, chain and key become those of the PEM text; the key may be missing yet. Only before
 * it is shown. False: err, and nothing has changed. */
bool tls_cert_set_pem(struct tls_cert *cert, struct str text, struct error *err);
/* The content of one of the files beside it; `ending` is ".key", ".ocsp", ".sctl" or
 * ".issuer". */
bool tls_cert_set_extra(struct tls_cert *cert, const char *ending, struct str content,
                        struct error *err);
/* Checks that key and certificate fit, and reads the names. The last step before it is shown. */
bool tls_cert_finish(struct tls_cert *cert, struct error *err);
/* With its paths, from alloc_copy(); NULL is fine. */
void cert_files_free(struct cert_files *files);
/* Any thread. */
void tls_cert_hold(struct tls_cert *cert);
void tls_cert_drop(struct tls_cert *cert); /* NULL is fine */
/* EVP_PKEY_RSA and the like. */
int tls_cert_key_type(const struct tls_cert *cert);
