/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bind line says about TLS becomes an SSL_CTX and a table of certificates.
 *
 * For:     the transport.
 * Owns:    the SSL_CTX; holds the certificates.
 * Callers: tls_conf.c.
 * Thread:  builder makes it; any thread uses it, and the last one frees it.
 *
 * A bind line has one SSL_CTX whatever the number of its certificates: the name that a client asks
 * for chooses those that are put into its SSL.
 */
#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/loop/grace.h"
#include "weir/loop/thread.h"
#include "weir/os/file.h"
#include "private.h"

/* --- life ------------------------------------------------------------------------------------------ */

/* With the SSL_CTX: every SSL made of it keeps it alive, and us. */
static void
on_ctx_freed(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long number, void *arg)
{
    struct tls_context *context = ptr;

    (void)parent;
    (void)data;
    (void)index;
    (void)number;
    (void)arg;
    if (context == NULL)
        return;
    if (context->names != NULL)
        sni_table_free(context->names);
    tls_trust_fini(context);
    cert_use_free_all(context->uses);
    for (unsigned i = 0; i < context->list_count; i++)
        alloc_free(context->lists[i]);
    alloc_free(context->lists);
    ticket_file_free(context->tickets);
    tls_forge_free(context->forge);
    for (unsigned i = 0; context->kept != NULL && i < thread_count(); i++)
        SSL_SESSION_free(context->kept[i].session);
    alloc_free(context->kept);
    alloc_free(context->alpn);
    alloc_free(context);
}

static int ex_index = -1; /* of the context in its SSL_CTX; builder makes it once */

static struct tls_context *
context_new(const SSL_METHOD *method)
{
    struct tls_context *context = alloc_zero(sizeof(*context));

    if (ex_index == -1)
        ex_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_ctx_freed);
    context->users = 1;
    context->ctx = SSL_CTX_new(method);
    MUST(context->ctx != NULL && SSL_CTX_set_ex_data(context->ctx, ex_index, context) == 1);
    return context;
}

struct tls_context *
tls_context_of(const SSL *ssl)
{
    return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ex_index);
}

struct tls_context *
tls_context_hold(struct tls_context *context)
{
    __atomic_add_fetch(&context->users, 1, __ATOMIC_RELAXED);
    return context;
}

void
tls_context_drop(struct tls_context *context)
{
    if (context == NULL || __atomic_sub_fetch(&context->users, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    cert_store_remove(context);
    tls_trust_unwatch(context);
    SSL_CTX_free(context->ctx);
}

/* --- certificates by name ----------------------------------------------------------------------- */

/* The choice of this handshake; NULL: the name is unknown. */
static const struct sni_choice *
choice_of(const SSL *ssl, const struct sni_table *table)
{
    return sni_table_find(table,
                          str_from(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)));
}

static const struct sni_choice *
choice_or_default(const SSL *ssl)
{
    const struct sni_table *table = grace_read(tls_context_of(ssl)->names);
    const struct sni_choice *choice = choice_of(ssl, table);

    return choice != NULL ? choice : table->first;
}

/* The SSL has them from its SSL_CTX. */
static bool
is_shown(const struct sni_table *table, const struct sni_choice *choice)
{
    const struct sni_choice *first = table->first;

    return table->is_in_context && choice->count == first->count &&
           memcmp(choice->certs, first->certs, first->count * sizeof(struct tls_cert *)) == 0;
}

/* Instead of the ones that the SSL has from its SSL_CTX. */
static bool
show_certs(SSL *ssl, const struct sni_choice *choice)
{
    SSL_certs_clear(ssl);
    for (unsigned i = 0; i < choice->count; i++) {
        const struct tls_cert *cert = choice->certs[i];

        if (SSL_use_cert_and_key(ssl, cert->x509, cert->key, cert->chain, 1) != 1)
            return false;
    }
    return true;
}

/* NULL: something else is shown. */
static const struct tls_cert *
cert_of(const SSL *ssl)
{
    const struct sni_choice *choice = choice_or_default(ssl);
    const X509 *shown = SSL_get_certificate(ssl);

    for (unsigned i = 0; choice != NULL && i < choice->count; i++) {
        if (choice->certs[i]->x509 == shown)
            return choice->certs[i];
    }
    return NULL;
}

const char *
tls_cert_path_of(const SSL *ssl)
{
    const struct tls_cert *cert = cert_of(ssl);

    return cert == NULL ? NULL : cert->path;
}

/* RFC 6066 3. OpenSSL calls it for each hello, with or without a name. */
static int
on_server_name(SSL *ssl, int *alert, void *arg)
{
    const struct tls_context *context = arg;
    const struct sni_table *table = grace_read(context->names);
    const struct sni_choice *choice = choice_of(ssl, table);

    if (choice == NULL && context->forge != NULL && table->first != NULL &&
        tls_forge_show(context->forge, ssl, table->first->certs[0]->key)) {
        if (tls_client_auth_ask(ssl, table->first))
            return SSL_TLSEXT_ERR_OK;
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (choice == NULL && context->strict_sni) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (choice == NULL)
        choice = table->first;
    if (choice == NULL || ((is_shown(table, choice) || show_certs(ssl, choice)) &&
                           tls_client_auth_ask(ssl, choice)))
        return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* RFC 6066 8: the client asked for the state of our certificate. */
static int
on_status(SSL *ssl, void *arg)
{
    const struct tls_cert *cert = cert_of(ssl);
    unsigned char *copy;

    (void)arg;
    if (cert == NULL || cert->ocsp == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    copy = OPENSSL_memdup(cert->ocsp, cert->ocsp_len); /* OpenSSL frees it */
    if (copy == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)cert->ocsp_len);
    return SSL_TLSEXT_ERR_OK;
}

/* RFC 6962 3.3.1: timestamps of the certificate, for clients that want some. TLS 1.3 asks for each
 * certificate of the chain; they are of the first. */
static int
on_timestamps(SSL *ssl, unsigned type, unsigned where, const unsigned char **out, size_t *out_len,
              X509 *x509, size_t depth, int *alert, void *arg)
{
    const struct tls_cert *cert = cert_of(ssl);

    (void)type;
    (void)where;
    (void)x509;
    (void)alert;
    (void)arg;
    if (cert == NULL || cert->sctl == NULL || depth > 0)
        return 0;
    *out = cert->sctl;
    *out_len = cert->sctl_len;
    return 1;
}

static int
on_timestamps_wanted(SSL *ssl, unsigned type, unsigned where, const unsigned char *in, size_t len,
                     X509 *x509, size_t depth, int *alert, void *arg)
{
    (void)ssl;
    (void)type;
    (void)where;
    (void)in;
    (void)len;
    (void)x509;
    (void)depth;
    (void)alert;
    (void)arg;
    return 1;
}

/* --- settings -------------------------------------------------------------------------------------- */

/* RFC 7301 3.2: our order counts; without a common protocol the client is served all the same. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offered,
        unsigned offered_len, void *arg)
{
    const struct tls_context *context = arg;
    const struct sni_choice *choice = choice_or_default(ssl);
    const char *ours = context->alpn;
    size_t len = context->alpn_len;

    if (choice != NULL && choice->alpn != NULL) {
        ours = choice->alpn;
        len = choice->alpn_len;
    }
    if (len == 0)
        return SSL_TLSEXT_ERR_NOACK;
    return SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len,
                                 (const unsigned char *)ours, (unsigned)len, offered,
                                 offered_len) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_NOACK;
}

static bool
refuse(struct parse *parse, struct source_pos pos, const char *word, const char *value)
{
    return parse_alert_at(parse, pos, "'%s %s': %s", word, value, tls_error_text());
}

static bool
set_names(struct parse *parse, struct source_pos pos, SSL_CTX *ctx,
          const struct tls_settings *settings)
{
    const struct {
        const char *word, *value;
        int result;
    } steps[] = {
        { "ciphers", settings->ciphers,
          settings->ciphers == NULL ? 1 : SSL_CTX_set_cipher_list(ctx, settings->ciphers) },
        { "ciphersuites", settings->ciphersuites,
          settings->ciphersuites == NULL ? 1 : SSL_CTX_set_ciphersuites(ctx, settings->ciphersuites) },
        { "curves", settings->curves,
          settings->curves == NULL ? 1 : (int)SSL_CTX_set1_groups_list(ctx, settings->curves) },
        { "sigalgs", settings->sigalgs,
          settings->sigalgs == NULL ? 1 : (int)SSL_CTX_set1_sigalgs_list(ctx, settings->sigalgs) },
        { "client-sigalgs", settings->client_sigalgs,
          settings->client_sigalgs == NULL
              ? 1
              : (int)SSL_CTX_set1_client_sigalgs_list(ctx, settings->client_sigalgs) },
    };

    for (size_t i = 0; i < COUNT(steps); i++) {
        if (steps[i].result != 1)
            return refuse(parse, pos, steps[i].word, steps[i].value);
    }
    return true;
}

static bool
set_versions(struct parse *parse, struct source_pos pos, SSL_CTX *ctx,
             const struct tls_settings *settings)
{
    int low = settings->min_version != 0 ? settings->min_version : TLS1_2_VERSION;

    if (settings->max_version != 0 && settings->max_version < low) {
        if (settings->min_version != 0)
            return parse_alert_at(parse, pos, "ssl-min-ver is above ssl-max-ver");
        low = settings->max_version;
    }
    if (low < TLS1_2_VERSION)
        SSL_CTX_set_security_level(ctx, 0); /* OpenSSL has no older versions above that */
    SSL_CTX_set_min_proto_version(ctx, low);
    SSL_CTX_set_max_proto_version(ctx, settings->max_version);
    SSL_CTX_set_options(ctx, settings->without);
    return true;
}

/* Reads it, and verifies against it. */
static bool
set_auth(struct parse *parse, struct source_pos pos, struct tls_context *context,
         enum auth_place place, const char *path)
{
    const char *word = place == AUTH_CRL ? "crl-file" : "ca-file";
    struct error err = ERROR_INIT;

    context->auth[place] = auth_file_read(path, word, &err);
    if (context->auth[place] == NULL)
        return parse_alert_at(parse, pos, "%s", err.text);
    return auth_file_add_to(context->auth[place], SSL_CTX_get_cert_store(context->ctx)) ||
           refuse(parse, pos, word, path);
}

static bool
set_revoked(struct parse *parse, struct source_pos pos, struct tls_context *context,
            const char *path)
{
    if (path == NULL)
        return true;
    if (!set_auth(parse, pos, context, AUTH_CRL, path))
        return false;
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context->ctx),
                         X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return true;
}

static bool
set_authorities(struct parse *parse, struct source_pos pos, struct tls_context *context,
                enum auth_place place, const char *path)
{
    if (path == NULL)
        return true;
    if (strcmp(path, "@system-ca") != 0)
        return set_auth(parse, pos, context, place, path);
    context->trusts_system = true;
    return SSL_CTX_set_default_verify_paths(context->ctx) == 1 ||
           refuse(parse, pos, "ca-file", path);
}

static void
set_tickets(SSL_CTX *ctx, const struct tls_settings *settings)
{
    if (!settings->no_tickets) {
        tls_tickets_use(ctx);
        return;
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ctx, 0);
}

static bool
set_common(struct parse *parse, struct source_pos pos, struct tls_context *context,
           const struct tls_settings *settings)
{
    SSL_CTX *ctx = context->ctx;

    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(ctx, 1);
    return set_versions(parse, pos, ctx, settings) && set_names(parse, pos, ctx, settings) &&
           set_authorities(parse, pos, context, AUTH_CA, settings->ca_file) &&
           set_revoked(parse, pos, context, settings->crl_file);
}

/* --- bind lines ------------------------------------------------------------------------------------ */

static bool
set_verify(struct parse *parse, const struct tls_bind_conf *conf, struct tls_context *context)
{
    SSL_CTX *ctx = context->ctx;
    const struct tls_settings *settings = &conf->settings;
    int how = tls_verify_flags(settings->verify);

    if (how == SSL_VERIFY_NONE)
        return true;
    if (settings->ca_file == NULL)
        return parse_alert_at(parse, conf->pos, "'verify' needs a 'ca-file' to verify against");
    if (!set_authorities(parse, conf->pos, context, AUTH_VERIFY, conf->ca_verify_file))
        return false;
    context->ignored = conf->ignored;
    context->ca_ignored = conf->ca_ignored;
    tls_client_auth_use(context, how);
    context->tells_names = !conf->no_ca_names && strcmp(settings->ca_file, "@system-ca") != 0 &&
                           !file_is_folder(settings->ca_file);
    if (context->tells_names)
        SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(settings->ca_file));
    return true;
}

/* The file's name and, where it can be read, its content. */
static void
add_file_text(struct text *text, const char *path)
{
    size_t len;
    char *content;

    text_printf(text, "%s\n", path == NULL ? "" : path);
    if (path == NULL || !file_is_regular(path))
        return;
    content = file_read(path, &len, NULL);
    if (content != NULL)
        text_add(text, str_of(content, len));
    alloc_free(content);
}

/* A session is resumed without a look at the client's certificate, so only where the same was asked
 * of the client when it began: all that a verification depends on is part of the name. */
static void
set_session_name(const struct tls_bind_conf *conf, const struct tls_context *context)
{
    unsigned char name[EVP_MAX_MD_SIZE];
    struct text text = TEXT_INIT;
    unsigned len = 0;

    text_puts(&text, "weir");
    if (conf->settings.verify == VERIFY_OPTIONAL || conf->settings.verify == VERIFY_REQUIRED) {
        text_printf(&text, "%d\n", conf->settings.verify);
        add_file_text(&text, conf->settings.ca_file);
        add_file_text(&text, conf->ca_verify_file);
        add_file_text(&text, conf->settings.crl_file);
        text_add(&text, str_of((const char *)&conf->ignored, sizeof(conf->ignored)));
        text_add(&text, str_of((const char *)&conf->ca_ignored, sizeof(conf->ca_ignored)));
    }
    for (const struct cert_use *use = context->uses; use != NULL; use = use->next) {
        if (use->verify < 0)
            continue;
        text_printf(&text, "%s %d\n", use->cert->path, use->verify);
        add_file_text(&text, use->ca_file);
        add_file_text(&text, use->crl_file);
    }
    MUST(EVP_Digest(text.ptr, text.len, name, &len, EVP_sha256(), NULL) == 1);
    MUST(len <= SSL_MAX_SID_CTX_LENGTH && SSL_CTX_set_session_id_context(context->ctx, name, len) == 1);
    text_fini(&text);
}

static void
set_sessions(const struct tls_globals *globals, SSL_CTX *ctx)
{
    SSL_CTX_set_timeout(ctx, (long)(globals->lifetime_ms / 1000));
    if (globals->cache_size == 0)
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    else
        SSL_CTX_sess_set_cache_size(ctx, (long)globals->cache_size);
}

/* Whose keys seal tickets. */
static bool
set_ticket_file(struct parse *parse, const struct tls_bind_conf *conf, struct tls_context *context)
{
    struct error err = ERROR_INIT;

    if (conf->ticket_keys == NULL)
        return true;
    context->tickets = ticket_file_read(conf->ticket_keys, &err);
    return context->tickets != NULL || parse_alert_at(parse, conf->pos, "%s", err.text);
}

static bool
set_forge(struct parse *parse, const struct tls_bind_conf *conf, struct tls_context *context)
{
    struct error err = ERROR_INIT;

    if (!conf->generates)
        return conf->sign_file == NULL ||
               parse_alert_at(parse, conf->pos, "'ca-sign-file' signs nothing without 'generate-certificates'");
    if (conf->sign_file == NULL)
        return parse_alert_at(parse, conf->pos,
                              "'generate-certificates' needs 'ca-sign-file' with an authority and its key");
    if (context->uses == NULL)
        return parse_alert_at(parse, conf->pos, "'generate-certificates' needs a certificate ('crt'), whose key "
                                                "the generated ones have");
    context->forge = tls_forge_new(conf->sign_file, conf->sign_password,
                                   (size_t)tls_globals_of(parse->snapshot)->forged_most, &err);
    return context->forge != NULL || parse_alert_at(parse, conf->pos, "%s", err.text);
}

/* What each SSL has from the beginning. */
static void
show_default(struct tls_context *context)
{
    const struct sni_choice *first = context->names->first;

    for (unsigned i = 0; first != NULL && i < first->count; i++)
        SSL_CTX_use_cert_and_key(context->ctx, first->certs[i]->x509, first->certs[i]->key,
                                 first->certs[i]->chain, 1);
}

struct tls_context *
tls_context_of_bind(struct parse *parse, const struct tls_bind_conf *conf)
{
    struct tls_context *context = context_new(TLS_server_method());
    SSL_CTX *ctx = context->ctx;

    context->strict_sni = conf->strict_sni;
    context->takes_early_data = conf->allow_early_data;
    if (!set_common(parse, conf->pos, context, &conf->settings) || !set_verify(parse, conf, context) ||
        !cert_loader_run(parse, context, conf) || !set_forge(parse, conf, context) || !set_ticket_file(parse, conf, context) ||
        !tls_tune_apply(parse, conf->pos, ctx)) {
        tls_context_drop(context);
        return NULL;
    }
    show_default(context);
    if (!conf->settings.prefer_client_ciphers)
        SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    set_tickets(ctx, &conf->settings);
    early_data_use(ctx);
    set_session_name(conf, context);
    set_sessions(tls_globals_of(parse->snapshot), ctx);
    SSL_CTX_set_client_hello_cb(ctx, cert_settings_on_hello, context);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(ctx, context);
    if (conf->settings.alpn.len > 0) {
        context->alpn = alloc_copy_str(conf->settings.alpn);
        context->alpn_len = conf->settings.alpn.len;
    }
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, context);
    SSL_CTX_set_tlsext_status_cb(ctx, on_status);
    SSL_CTX_add_custom_ext(ctx, TLSEXT_TYPE_signed_certificate_timestamp,
                           SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO |
                               SSL_EXT_TLS1_3_CERTIFICATE,
                           on_timestamps, NULL, NULL, on_timestamps_wanted, NULL);
    cert_store_add(context);
    tls_trust_watch(context);
    return context;
}

/* --- server lines ------------------------------------------------------------------------------------ */

/* Servers are verified unless the configuration says that they are not. */
static bool
set_server_verify(struct parse *parse, struct source_pos pos, const struct tls_server_conf *conf,
                  SSL_CTX *ctx)
{
    bool is_off = conf->settings.verify < 0
                      ? tls_globals_of(parse->snapshot)->servers_unverified
                      : conf->settings.verify == VERIFY_NONE;

    if (is_off)
        return true;
    if (conf->settings.verify == VERIFY_OPTIONAL)
        return parse_alert_at(parse, pos, "servers are verified or not: 'verify required' or 'verify none'");
    if (conf->settings.ca_file == NULL)
        return parse_alert_at(parse, pos,
                              "a server with 'ssl' is verified and needs a 'ca-file' for that "
                              "(@system-ca: the system's); or say 'verify none'");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return true;
}

static bool
set_client_cert(struct parse *parse, struct source_pos pos, SSL_CTX *ctx, const char *path)
{
    struct error err = ERROR_INIT;
    const struct crt_load *load;
    struct tls_cert *cert;
    bool fine;

    if (path == NULL)
        return true;
    load = crt_load_find(parse->snapshot, path);
    cert = load != NULL ? load->cert : tls_cert_load(path, tls_extras_of(parse->snapshot), &err);
    if (load != NULL && cert == NULL)
        return false; /* reported at its section */
    if (load != NULL)
        tls_cert_hold(cert);
    if (cert == NULL)
        return parse_alert_at(parse, pos, "%s", err.text);
    fine = SSL_CTX_use_cert_and_key(ctx, cert->x509, cert->key, cert->chain, 1) == 1;
    tls_cert_drop(cert);
    return fine || refuse(parse, pos, "crt", path);
}

struct tls_context *
tls_context_of_server(struct parse *parse, struct source_pos pos, const struct tls_server_conf *conf)
{
    struct tls_context *context = context_new(TLS_client_method());
    const struct tls_settings *settings = &conf->settings;
    SSL_CTX *ctx = context->ctx;

    if (!set_common(parse, pos, context, settings) || !set_server_verify(parse, pos, conf, ctx) ||
        !set_client_cert(parse, pos, ctx, conf->crt)) {
        tls_context_drop(context);
        return NULL;
    }
    keylog_use(ctx, tls_globals_of(parse->snapshot)->has_keylog);
    if (settings->alpn.len > 0)
        SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)settings->alpn.ptr,
                                (unsigned)settings->alpn.len);
    if (settings->no_tickets)
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    if (!conf->no_reuse) {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, tls_server_on_session);
    }
    tls_trust_watch(context);
    return context;
}
