/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one certificate of a list says about the handshake, instead of what its bind line says.
 *
 * For:     cert_list.c, sni.c; handshakes.
 * Owns:    the texts.
 * Thread:  builder and control make; owner of the connection applies.
 *
 * Versions and suites are chosen before OpenSSL tells of the server name, so they are set earlier, by
 * the name that stands in the ClientHello.
 */
#include <stddef.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/loop/grace.h"
#include "private.h"

/* --- the texts -------------------------------------------------------------------------------- */

/* Macros of OpenSSL's as functions. */
static int
set_curves(SSL *ssl, const char *value)
{
    return (int)SSL_set1_groups_list(ssl, value);
}

static int
set_sigalgs(SSL *ssl, const char *value)
{
    return (int)SSL_set1_sigalgs_list(ssl, value);
}

static int
set_client_sigalgs(SSL *ssl, const char *value)
{
    return (int)SSL_set1_client_sigalgs_list(ssl, value);
}

static const struct {
    const char *name;
    size_t offset;
    int (*set)(SSL *ssl, const char *value);
} texts[] = {
    { "ciphers", offsetof(struct cert_settings, ciphers), SSL_set_cipher_list },
    { "ciphersuites", offsetof(struct cert_settings, ciphersuites), SSL_set_ciphersuites },
    { "curves", offsetof(struct cert_settings, curves), set_curves },
    { "ecdhe", offsetof(struct cert_settings, curves), set_curves },
    { "sigalgs", offsetof(struct cert_settings, sigalgs), set_sigalgs },
    { "client-sigalgs", offsetof(struct cert_settings, client_sigalgs), set_client_sigalgs },
};

static char **
text_at(const struct cert_settings *settings, size_t at)
{
    return (char **)(uintptr_t)((const char *)settings + texts[at].offset);
}

/* OpenSSL is asked whether it knows what the value names. */
static bool
is_known(size_t at, const char *value)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
    bool fine = ssl != NULL && texts[at].set(ssl, value) == 1;

    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return fine;
}

static bool
set_text(struct cert_settings *settings, size_t at, struct str value, struct error *err)
{
    char **to = text_at(settings, at);

    alloc_free(*to);
    *to = alloc_copy_str(value);
    return is_known(at, *to) || error_set(err, "'%s %s': %s", texts[at].name, *to, tls_error_text());
}

bool
cert_settings_has(struct str name)
{
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (str_eq(name, str_from(texts[i].name)))
            return true;
    }
    return str_eq(name, STR("ssl-min-ver")) || str_eq(name, STR("ssl-max-ver"));
}

bool
cert_settings_set(struct cert_settings **settings, struct str name, struct str value,
                  struct error *err)
{
    char version[16];
    int number;

    if (value.len == 0)
        return error_set(err, "'%.*s' expects a value", STR_ARG(name));
    if (*settings == NULL)
        *settings = alloc_zero(sizeof(**settings));
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (str_eq(name, str_from(texts[i].name)))
            return set_text(*settings, i, value, err);
    }
    (void)snprintf(version, sizeof(version), "%.*s", STR_ARG(value));
    number = tls_version_find(version);
    if (number == 0)
        return error_set(err, "'%.*s': unknown version of TLS '%.*s'", STR_ARG(name),
                         STR_ARG(value));
    *(str_eq(name, STR("ssl-min-ver")) ? &(*settings)->min_version : &(*settings)->max_version) =
        number;
    return true;
}

struct cert_settings *
cert_settings_copy(const struct cert_settings *from)
{
    struct cert_settings *copy = from == NULL ? NULL : alloc_zero(sizeof(*copy));

    if (copy == NULL)
        return NULL;
    copy->min_version = from->min_version;
    copy->max_version = from->max_version;
    copy->allow_early_data = from->allow_early_data;
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (*text_at(from, i) != NULL && *text_at(copy, i) == NULL)
            *text_at(copy, i) = alloc_copy(*text_at(from, i));
    }
    return copy;
}

void
cert_settings_free(struct cert_settings *settings)
{
    if (settings == NULL)
        return;
    for (size_t i = 0; i < COUNT(texts); i++) {
        alloc_free(*text_at(settings, i));
        *text_at(settings, i) = NULL;
    }
    alloc_free(settings);
}

/* --- handshakes ---------------------------------------------------------------------------------- */

/* The extension of RFC 6066 3: a list of names, of which the first of kind 0 counts. */
static struct str
name_in_hello(SSL *ssl)
{
    const unsigned char *at;
    size_t len, name_len;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &len) != 1 || len < 5 ||
        at[2] != TLSEXT_NAMETYPE_host_name)
        return STR_NONE;
    name_len = (size_t)(at[3] << 8 | at[4]);
    return name_len > len - 5 ? STR_NONE : str_of((const char *)at + 5, name_len);
}

static bool
apply(SSL *ssl, const struct cert_settings *settings)
{
    if (settings->allow_early_data && !early_data_allow(ssl, true))
        return false;
    if (settings->min_version != 0 && SSL_set_min_proto_version(ssl, settings->min_version) != 1)
        return false;
    if (settings->max_version != 0 && SSL_set_max_proto_version(ssl, settings->max_version) != 1)
        return false;
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (*text_at(settings, i) != NULL && texts[i].set(ssl, *text_at(settings, i)) != 1)
            return false;
    }
    return true;
}

int
cert_settings_on_hello(SSL *ssl, int *alert, void *arg)
{
    const struct tls_context *context = arg;
    const struct sni_table *table = grace_read(context->names);
    const struct sni_choice *choice;

    if (!tls_trust_apply(ssl, context)) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (!table->has_settings)
        return SSL_CLIENT_HELLO_SUCCESS;
    choice = sni_table_find(table, name_in_hello(ssl));
    if (choice == NULL)
        choice = table->first;
    if (choice == NULL || choice->settings == NULL || apply(ssl, choice->settings))
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
}
