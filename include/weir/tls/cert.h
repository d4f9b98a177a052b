/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate with its key and its chain, as read from files. Immutable; counted.
 */
#pragma once

#include <openssl/ssl.h>

#include "weir/base/error.h"
#include "weir/base/str.h"

struct tls_cert {
    unsigned refs;
    char *path;             /* owns: as the configuration says it */
    X509 *x509;             /* owns, and the next two */
    EVP_PKEY *key;
    STACK_OF(X509) *chain;  /* NULL: none */
    char **names;           /* owns, and each: DNS names in lower case, "*.example.com" too */
    unsigned name_count;
};

/* Reads a PEM file with certificate, key and chain in any order; a missing key is looked for in
 * "<path>.key". Held once for the caller. NULL: err. Builder or control. */
struct tls_cert *tls_cert_load(const char *path, struct error *err);
/* Any thread. */
void tls_cert_hold(struct tls_cert *cert);
void tls_cert_drop(struct tls_cert *cert); /* NULL is fine */
/* EVP_PKEY_RSA and the like. */
int tls_cert_key_type(const struct tls_cert *cert);
