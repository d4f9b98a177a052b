/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS on connections to servers: keywords of server lines, server names, sessions to resume.
 *
 * For:     streams and checks, which dial.
 * Owns:    the context of a server line, in its slot; sessions to resume, one for each thread.
 * Thread:  builder; traffic threads dial, control checks.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/expr/eval.h"
#include "weir/expr/sample.h"
#include "weir/loop/thread.h"
#include "weir/net/connector.h"
#include "weir/os/addr.h"
#include "private.h"

#define SERVER_NAME_MAX 255 /* RFC 1035 2.3.4 */

/* --- keywords -------------------------------------------------------------------------------------- */

static struct tls_server_conf *
conf_of(struct parse *parse)
{
    return keyword_slot(parse, &tls_server_slot);
}

static bool
parse_server_name(struct parse *parse)
{
    struct tls_server_conf *conf = conf_of(parse);

    conf->server_name = sample_parse(parse, PLACE_BE_CONNECT);
    return conf->server_name != NULL;
}

static bool
parse_sni_auto(struct parse *parse)
{
    conf_of(parse)->no_sni_auto = strcmp(parse->keyword, "no-sni-auto") == 0;
    return true;
}

static bool
parse_crt(struct parse *parse)
{
    const char *base = tls_globals_of(parse->snapshot)->crt_base;
    const char *word = parse_word(parse, "a file with certificate and key");

    if (word == NULL)
        return false;
    conf_of(parse)->crt = base == NULL || word[0] == '/' || word[0] == '@'
                              ? arena_copy(parse->arena, word)
                              : arena_printf(parse->arena, "%s/%s", base, word);
    return true;
}

static bool
parse_no_ssl(struct parse *parse)
{
    conf_of(parse)->is_ssl = false;
    return true;
}

static bool
parse_ssl_reuse(struct parse *parse)
{
    conf_of(parse)->no_reuse = strcmp(parse->keyword, "no-ssl-reuse") == 0;
    return true;
}

static bool
parse_no_verify_host(struct parse *parse)
{
    conf_of(parse)->verify_host = NULL;
    return true;
}

static bool
parse_no_check_ssl(struct parse *parse)
{
    struct tls_server_conf *conf = conf_of(parse);

    conf->check_ssl = false;
    conf->no_check_ssl = true;
    return true;
}

static bool
parse_check_alpn(struct parse *parse)
{
    return tls_parse_alpn(parse, &conf_of(parse)->check_alpn);
}

static bool
parse_check_sni_auto(struct parse *parse)
{
    conf_of(parse)->no_check_sni_auto = strcmp(parse->keyword, "no-check-sni-auto") == 0;
    return true;
}

static bool
parse_server_verify(struct parse *parse)
{
    static const char *const names[] = { "none", "required", NULL };
    struct tls_globals *globals = (struct tls_globals *)(uintptr_t)tls_globals_of(parse->snapshot);
    int at;

    if (!parse_choice(parse, "whether to verify servers", names, &at))
        return false;
    globals->servers_unverified = at == 0;
    return true;
}

#define SLOT_FLAG(name_, member_, help_)                                                           \
    {                                                                                              \
        name_, IN_SERVER, SET_FLAG(struct tls_server_conf, member_), .slot = &tls_server_slot,     \
                          .help = help_                                                            \
    }
#define SLOT_TEXT(name_, args_, member_, help_)                                                    \
    {                                                                                              \
        name_, IN_SERVER, .args = args_, SET_TEXT(struct tls_server_conf, member_),                \
                          .slot = &tls_server_slot, .help = help_                                  \
    }

static const struct keyword keywords[] = {
    SLOT_FLAG("allow-0rtt", allow_early_data,
              "Requests that are safe may be sent before the handshake is over, where a session is resumed and the "
              "client's request came that way too, or the backend says 'retry-on 0rtt-rejected'."),
    { "check-alpn", IN_SERVER, .args = "<protocol>[,...]", .parse = parse_check_alpn,
      .help = "What checks offer by ALPN, instead of what 'alpn' says." },
    { "check-sni-auto", IN_SERVER, .parse = parse_check_sni_auto,
      .help = "HTTP checks over TLS ask for the server named by their own Host field, as by default." },
    { "no-check-sni-auto", IN_SERVER, .parse = parse_check_sni_auto,
      .help = "Checks ask for no server name but that of 'check-sni'." },
    SLOT_FLAG("check-ssl", check_ssl, "Check over TLS, whatever the traffic does."),
    SLOT_TEXT("check-sni", "<name>", check_server_name, "The server name that checks ask for."),
    { "crt", IN_SERVER, .args = "<file>", .parse = parse_crt,
      .help = "The certificate, with its key, that the server is shown when it asks for one." },
    { "no-check-ssl", IN_SERVER, .parse = parse_no_check_ssl, .help = "Check without TLS." },
    { "no-ssl", IN_SERVER, .parse = parse_no_ssl, .help = "Undoes an inherited 'ssl'." },
    { "no-ssl-reuse", IN_SERVER, .parse = parse_ssl_reuse,
      .help = "Each connection makes a session of its own." },
    { "no-sni-auto", IN_SERVER, .parse = parse_sni_auto,
      .help = "Ask for no server name that 'sni' does not give." },
    { "sni-auto", IN_SERVER, .parse = parse_sni_auto,
      .help = "Without 'sni', HTTP requests ask for the name in their Host field: the default. Such a name is "
              "not verified: say 'verifyhost' for that." },
    { "no-verifyhost", IN_SERVER, .parse = parse_no_verify_host,
      .help = "Undoes an inherited 'verifyhost'." },
    { "sni", IN_SERVER, .args = "<expression>", .parse = parse_server_name,
      .help = "The server name to ask for, from an expression such as req.hdr(host)." },
    SLOT_FLAG("ssl", is_ssl, "Speak TLS with this server."),
    { "ssl-reuse", IN_SERVER, .parse = parse_ssl_reuse,
      .help = "Resume sessions, as by default." },
    { "ssl-server-verify", IN_GLOBAL, .args = "<none|required>", .parse = parse_server_verify,
      .help = "Whether servers are verified when their lines do not say." },
    SLOT_TEXT("verifyhost", "<name>", verify_host,
              "The name that the server's certificate must have; without it that of 'sni'."),
};
REGISTER(keyword, keywords);

/* --- preparing ------------------------------------------------------------------------------------- */

static uint64_t
add_text(uint64_t hash, const char *text)
{
    return text == NULL ? hash * 3 : hash_xxh3(str_from(text), hash + 1);
}

/* Connections that were made with other settings are not for the new ones. */
static uint64_t
fingerprint_of(const struct tls_server_conf *conf)
{
    const struct tls_settings *settings = &conf->settings;
    uint64_t hash = hash_xxh3(settings->alpn, settings->without);

    hash = add_text(hash, settings->ciphers);
    hash = add_text(hash, settings->ciphersuites);
    hash = add_text(hash, settings->ca_file);
    hash = add_text(hash, settings->crl_file);
    hash = add_text(hash, conf->crt);
    hash = add_text(hash, conf->verify_host);
    hash += (uint64_t)settings->verify * 7 + (uint64_t)settings->min_version * 65537 +
            (uint64_t)settings->max_version;
    return hash | 1; /* 0 means no TLS */
}

bool
tls_server_prepare(struct parse *parse, struct source_pos pos, void *slots)
{
    struct tls_server_conf *conf = slot_of(slots, &tls_server_slot);

    if (!conf->is_ssl && !conf->check_ssl && !conf->check_by_steps)
        return true;
    tls_settings_inherit(&conf->settings, &tls_globals_of(parse->snapshot)->server_defaults);
    conf->context = tls_context_of_server(parse, pos, conf);
    conf->fingerprint = fingerprint_of(conf);
    return conf->context != NULL;
}

void
tls_server_set_on(void *slots, const char *ca_file)
{
    struct tls_server_conf *conf = slot_of(slots, &tls_server_slot);

    conf->is_ssl = true;
    conf->settings.verify = ca_file == NULL ? VERIFY_NONE : VERIFY_REQUIRED;
    conf->settings.ca_file = ca_file;
}

void
tls_server_prepare_as(struct parse *parse, void *slots, const void *same)
{
    struct tls_server_conf *conf = slot_of(slots, &tls_server_slot);
    const struct tls_server_conf *other = slot_of_const(same, &tls_server_slot);

    if (other->context == NULL)
        return;
    tls_settings_inherit(&conf->settings, &tls_globals_of(parse->snapshot)->server_defaults);
    conf->context = tls_context_hold(other->context);
    conf->fingerprint = other->fingerprint;
}

void
tls_server_want_context(void *slots)
{
    ((struct tls_server_conf *)slot_of(slots, &tls_server_slot))->check_by_steps = true;
}

void
tls_server_release(void *slots)
{
    struct tls_server_conf *conf = slot_of(slots, &tls_server_slot);

    tls_context_drop(conf->context);
    conf->context = NULL;
}

bool
tls_server_is_on(const void *slots)
{
    return ((const struct tls_server_conf *)slot_of_const(slots, &tls_server_slot))->is_ssl;
}

struct str
tls_server_alpn(const void *slots)
{
    return ((const struct tls_server_conf *)slot_of_const(slots, &tls_server_slot))->settings.alpn;
}

enum tls_server_trust
tls_server_trust(const void *slots)
{
    const struct tls_server_conf *conf = slot_of_const(slots, &tls_server_slot);

    if (!conf->is_ssl || conf->context == NULL)
        return TRUST_NO_TLS;
    if (SSL_CTX_get_verify_mode(conf->context->ctx) == SSL_VERIFY_NONE)
        return TRUST_ANYBODY;
    return conf->verify_host != NULL || conf->server_name != NULL ? TRUST_NAME : TRUST_ANY_NAME;
}

/* --- dialling --------------------------------------------------------------------------------------- */

static uint64_t
hash_name(struct str name)
{
    return name.len == 0 ? 0 : hash_xxh3(name, 0);
}

static void
dial_init(struct tls_dial *dial, const struct tls_server_conf *conf, struct str name)
{
    *dial = (struct tls_dial){ .conf = conf, .server_name = name };
    if (conf != NULL)
        dial->key = (conf->fingerprint ^ hash_name(name)) | 1;
}

void
tls_dial_for_stream(struct tls_dial *dial, const void *slots, struct eval *eval)
{
    const struct tls_server_conf *conf = slot_of_const(slots, &tls_server_slot);
    uint32_t place = eval->place;
    struct str name = STR("");
    struct value value;

    if (!conf->is_ssl) {
        dial_init(dial, NULL, name);
        return;
    }
    eval->place = PLACE_BE_CONNECT;
    if (conf->server_name != NULL &&
        sample_run_as(conf->server_name, eval, VALUE_STR, &value) == FETCH_OK)
        name = value.str;
    eval->place = place;
    dial_init(dial, conf, name);
}

void
tls_dial_guess_name(struct tls_dial *dial, struct str host)
{
    const struct tls_server_conf *conf = dial->conf;
    long port = host.len == 0 ? -1 : str_find_char(host, ':');

    if (conf == NULL || conf->server_name != NULL || conf->no_sni_auto || host.len == 0)
        return;
    if (port >= 0)
        host.len = (size_t)port;
    dial_init(dial, conf, host);
    dial->is_guess = true;
}

void
tls_dial_set_pool_name(struct tls_dial *dial, struct str name)
{
    dial->key = ((dial->conf == NULL ? 2 : dial->conf->fingerprint) ^ hash_name(name)) | 1;
}

static struct str
name_for_check(const struct tls_server_conf *conf, const struct tls_check *check)
{
    if (check->server_name.ptr != NULL)
        return check->server_name;
    return check->is_default && conf->check_server_name != NULL
               ? str_from(conf->check_server_name)
               : STR_NONE;
}

void
tls_dial_for_check(struct tls_dial *dial, const void *slots, const struct tls_check *check)
{
    const struct tls_server_conf *conf = slot_of_const(slots, &tls_server_slot);
    bool is_traffic = conf->is_ssl && !check->is_elsewhere && !conf->no_check_ssl;
    bool is_wanted = check->is_ssl || (check->is_default && (conf->check_ssl || is_traffic));

    dial_init(dial, is_wanted && conf->context != NULL ? conf : NULL, name_for_check(conf, check));
    if (dial->server_name.ptr == NULL && !conf->no_check_sni_auto && dial->conf != NULL) {
        dial->server_name = check->guess;
        dial->is_guess = true;
    }
    dial->alpn = check->alpn.len > 0 ? check->alpn : check->is_default ? conf->check_alpn : STR("");
}

void
tls_dial_allow_early(struct tls_dial *dial)
{
    dial->may_be_early = dial->conf != NULL && dial->conf->allow_early_data;
}

void
tls_dial_apply(struct tls_dial *dial, struct dial_request *request)
{
    if (dial->conf == NULL)
        return;
    request->transport = &tls_transport;
    request->transport_conf = dial;
}

/* RFC 6066 3: an address is no server name. */
static bool
is_name(struct str name)
{
    struct addr addr;

    return name.len > 0 && name.len <= SERVER_NAME_MAX && !addr_parse_host(name, &addr);
}

static bool
set_verified_name(SSL *ssl, const struct tls_server_conf *conf, const char *asked)
{
    const char *name = conf->verify_host != NULL ? conf->verify_host : asked;

    return SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE || name == NULL || name[0] == '\0' ||
           X509_VERIFY_PARAM_set1_host(SSL_get0_param(ssl), name, 0) == 1;
}

static bool
set_verified_address(SSL *ssl, const struct addr *address)
{
    const void *bytes = address->family == ADDR_IPV4 ? (const void *)&address->ip4 : (const void *)&address->ip6;

    return SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE ||
           X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), bytes, address->family == ADDR_IPV4 ? 4 : 16) == 1;
}

/* A copy: OpenSSL takes a session of TLS 1.3 for used up, and not all servers give a new one each time. */
static void
resume(SSL *ssl, const SSL_SESSION *kept)
{
    SSL_SESSION *copy = SSL_SESSION_dup(kept);

    if (copy != NULL)
        (void)SSL_set_session(ssl, copy);
    SSL_SESSION_free(copy);
    ERR_clear_error();
}

void
tls_server_forget_session(const SSL *ssl)
{
    struct tls_kept_session *kept =
        __atomic_load_n(&tls_context_of(ssl)->kept, __ATOMIC_ACQUIRE);

    if (kept == NULL)
        return;
    kept += this_thread->index;
    SSL_SESSION_free(kept->session);
    kept->session = NULL;
}

bool
tls_server_set_up(SSL *ssl, const struct tls_dial *dial)
{
    const struct tls_context *context = dial->conf->context;
    const struct tls_kept_session *kept = __atomic_load_n(&context->kept, __ATOMIC_ACQUIRE);
    char name[SERVER_NAME_MAX + 1] = "";
    struct str asked = dial->server_name;
    long port = asked.len == 0 ? -1 : str_find_char(asked, ':');

    if (!tls_trust_apply(ssl, context))
        return false;
    if (port >= 0) /* of a Host field */
        asked.len = (size_t)port;
    if (is_name(asked)) {
        memcpy(name, asked.ptr, asked.len);
        name[asked.len] = '\0';
        if (SSL_set_tlsext_host_name(ssl, name) != 1)
            return false;
    }
    if (dial->alpn.len > 0 &&
        SSL_set_alpn_protos(ssl, (const unsigned char *)dial->alpn.ptr, (unsigned)dial->alpn.len) != 0)
        return false;
    if (kept != NULL)
        kept += this_thread->index;
    if (kept != NULL && kept->session != NULL && dial->address == NULL && kept->name_hash == hash_name(str_from(name)) &&
        kept->trust == tls_trust_serial(context))
        resume(ssl, kept->session);
    if (dial->address != NULL)
        return set_verified_address(ssl, dial->address);
    return set_verified_name(ssl, dial->conf, dial->is_guess ? "" : name);
}

/* A place for each thread; all of them see the same. */
static struct tls_kept_session *
kept_here(struct tls_context *context)
{
    struct tls_kept_session *kept = __atomic_load_n(&context->kept, __ATOMIC_ACQUIRE);

    if (kept == NULL) {
        struct tls_kept_session *fresh = alloc_zero(thread_count() * sizeof(*fresh));

        if (__atomic_compare_exchange_n(&context->kept, &kept, fresh, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            kept = fresh;
        else
            alloc_free(fresh);
    }
    return kept + this_thread->index;
}

/* 1: we keep it. */
int
tls_server_on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_context *context = tls_context_of(ssl);
    struct tls_kept_session *kept;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    uint64_t trust;

    if (!tls_trust_is_current(ssl, context, &trust))
        return 0; /* verified against what counts no more */
    kept = kept_here(context);
    SSL_SESSION_free(kept->session);
    kept->session = session;
    kept->trust = trust;
    kept->name_hash = hash_name(name == NULL ? STR("") : str_from(name));
    return 1;
}
