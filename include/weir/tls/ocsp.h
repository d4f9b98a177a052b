/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSP (RFC 6960): which certificates want a fresh answer, what to ask for it, and taking it up.
 *
 * All functions: control.
 */
#pragma once

#include "weir/base/error.h"
#include "weir/base/str.h"
#include "weir/base/text.h"
#include "weir/tls/cert.h"

struct snapshot;

struct ocsp_settings {
    int64_t min_s, max_s; /* between two updates of one certificate */
    const char *proxy;    /* address of an HTTP proxy; NULL: none */
    bool is_off;          /* no updates at all */
};
struct ocsp_settings ocsp_settings_of(const struct snapshot *snapshot);

/* Paths of certificates to be kept fresh, each once; each and the array are freed with alloc_free(). */
char **ocsp_wanted(size_t *count);
/* Another number whenever ocsp_wanted(), or one of its certificates, may have changed. */
uint64_t cert_store_generation(void);

/* What is asked, and where. False: err (no issuer, no responder in the certificate). */
struct ocsp_question {
    char *url;          /* owns: alloc_free() */
    unsigned char *der; /* owns: OPENSSL_free() */
    size_t len;
};
bool ocsp_question_make(const struct tls_cert *cert, struct ocsp_question *question,
                        struct error *err);
void ocsp_question_fini(struct ocsp_question *question);

enum ocsp_verdict { OCSP_TAKEN, OCSP_REFUSED, OCSP_NOT_PUT };
/* Checks an answer about that certificate, its signature too, and staples it from now on. next_s: when the
 * answer ends, in s since 1970; 0: it does not say. Refused: err, and what was stapled stays. */
enum ocsp_verdict ocsp_take(const char *path, struct str der, int64_t *next_s, struct error *err);

/* "303b30...", as tools name it; nothing without an issuer. */
void ocsp_add_key(const struct tls_cert *cert, struct text *out);
/* The stapled answer in words. */
void ocsp_show(const struct tls_cert *cert, struct text *out);
