/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords of TLS: of bind lines, of the global section, and those that bind and server lines share.
 *
 * For:     context.c, which makes contexts of what is said here.
 * Owns:    the lists of lines that speak TLS, in the snapshot.
 * Callers: the table of keywords; hooks of a configuration.
 * Thread:  builder; RELEASE on control.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/config/parse.h"
#include "private.h"

#define CACHE_SIZE_DEFAULT 20000
#define LIFETIME_DEFAULT_MS 300000
#define FORGED_MOST 1000
#define OCSP_MIN_S 300
#define OCSP_MAX_S 3600

/* --- storage --------------------------------------------------------------------------------------- */

static void
init_globals(void *slot)
{
    struct tls_globals *globals = slot;

    globals->cache_size = CACHE_SIZE_DEFAULT;
    globals->lifetime_ms = LIFETIME_DEFAULT_MS;
    globals->extras = EXTRA_ALL;
    globals->ocsp_min_s = OCSP_MIN_S;
    globals->forged_most = FORGED_MOST;
    globals->ocsp_max_s = OCSP_MAX_S;
    globals->security_level = -1;
    globals->bind_defaults.verify = globals->server_defaults.verify = -1;
}

static void
init_bind(void *slot)
{
    ((struct tls_bind_conf *)slot)->settings.verify = -1;
}

static void
init_server(void *slot)
{
    ((struct tls_server_conf *)slot)->settings.verify = -1;
}

struct slot tls_globals_slot = {
    .name = "tls", .owner = SLOT_GLOBAL, .size = sizeof(struct tls_globals), .init = init_globals
};
REGISTER_SLOT(tls_globals_slot);
static struct slot bind_slot = {
    .name = "tls bind", .owner = SLOT_BIND, .size = sizeof(struct tls_bind_conf), .init = init_bind
};
REGISTER_SLOT(bind_slot);

struct slot tls_server_slot = { .name = "tls server",
                                .owner = SLOT_SERVER,
                                .size = sizeof(struct tls_server_conf),
                                .init = init_server };
REGISTER_SLOT(tls_server_slot);

const struct tls_globals *
tls_globals_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &tls_globals_slot);
}

const struct tls_bind_conf *
tls_bind_conf_of(const struct bind_conf *bind)
{
    return slot_of_const(bind->slots, &bind_slot);
}

static struct tls_globals *
globals_of(struct parse *parse)
{
    return snapshot_slot(parse->snapshot, &tls_globals_slot);
}

/* Of the line that is read; the first word about TLS puts it on the list. */
static struct tls_bind_conf *
bind_of(struct parse *parse)
{
    struct tls_globals *globals = globals_of(parse);
    struct tls_bind_conf *conf = keyword_slot(parse, &bind_slot);

    if (conf->pos.file == NULL) {
        conf->pos = parse_pos(parse);
        conf->frontend = parse->outer;
        conf->frontend_name =
            parse->section_name == NULL ? "" : arena_copy(parse->arena, parse->section_name);
        conf->next = globals->binds;
        globals->binds = conf;
    }
    return conf;
}

static bool
is_about_servers(const struct parse *parse)
{
    return strncmp(parse->keyword, "ssl-default-server", strlen("ssl-default-server")) == 0;
}

static struct tls_settings *
settings_of(struct parse *parse)
{
    if (parse->place == IN_BIND)
        return &bind_of(parse)->settings;
    if (parse->place == IN_SERVER)
        return &((struct tls_server_conf *)keyword_slot(parse, &tls_server_slot))->settings;
    return is_about_servers(parse) ? &globals_of(parse)->server_defaults
                                   : &globals_of(parse)->bind_defaults;
}

/* --- words of text ---------------------------------------------------------------------------------- */

static bool
keep_word(struct parse *parse, const char *what, const char **to)
{
    const char *word = parse_word(parse, what);

    if (word == NULL)
        return false;
    *to = arena_copy(parse->arena, word);
    return true;
}

static bool
parse_ciphers(struct parse *parse)
{
    return keep_word(parse, "cipher suites of TLS 1.2 and before, parted by ':'",
                     &settings_of(parse)->ciphers);
}

static bool
parse_ciphersuites(struct parse *parse)
{
    return keep_word(parse, "cipher suites of TLS 1.3, parted by ':'",
                     &settings_of(parse)->ciphersuites);
}

static bool
parse_curves(struct parse *parse)
{
    return keep_word(parse, "groups, such as X25519:P-256", &settings_of(parse)->curves);
}

static bool
parse_sigalgs(struct parse *parse)
{
    return keep_word(parse, "signature algorithms, parted by ':'", &settings_of(parse)->sigalgs);
}

static bool
parse_client_sigalgs(struct parse *parse)
{
    return keep_word(parse, "signature algorithms, parted by ':'",
                     &settings_of(parse)->client_sigalgs);
}

static bool
parse_base(struct parse *parse)
{
    struct tls_globals *globals = globals_of(parse);
    const char **to = strcmp(parse->keyword, "ca-base") == 0 ? &globals->ca_base : &globals->crt_base;

    return keep_word(parse, "a folder", to);
}

/* A file under its base, unless it begins with '/' or '@'. */
static const char *
parse_path(struct parse *parse, const char *what, const char *base)
{
    const char *word = parse_word(parse, what);

    if (word == NULL)
        return NULL;
    if (base == NULL || word[0] == '/' || word[0] == '@')
        return arena_copy(parse->arena, word);
    return arena_printf(parse->arena, "%s/%s", base, word);
}

static bool
parse_ca_file(struct parse *parse)
{
    struct tls_settings *settings = settings_of(parse);

    settings->ca_file = parse_path(parse, "a file or folder of certificates, or @system-ca",
                                   globals_of(parse)->ca_base);
    return settings->ca_file != NULL;
}

static bool
parse_crl_file(struct parse *parse)
{
    struct tls_settings *settings = settings_of(parse);

    settings->crl_file = parse_path(parse, "a file of revoked certificates", globals_of(parse)->ca_base);
    return settings->crl_file != NULL;
}

static bool
parse_ca_verify_file(struct parse *parse)
{
    struct tls_bind_conf *conf = bind_of(parse);

    conf->ca_verify_file = parse_path(parse, "a file of certificates", globals_of(parse)->ca_base);
    return conf->ca_verify_file != NULL;
}

static bool
parse_sign_file(struct parse *parse)
{
    struct tls_bind_conf *conf = bind_of(parse);

    conf->sign_file = parse_path(parse, "a file with an authority and its key", globals_of(parse)->ca_base);
    return conf->sign_file != NULL;
}

static bool
parse_sign_password(struct parse *parse)
{
    return keep_word(parse, "a password", &bind_of(parse)->sign_password);
}

static bool
parse_generate(struct parse *parse)
{
    return bind_of(parse)->generates = true;
}

static bool
parse_ignored(struct parse *parse)
{
    struct tls_bind_conf *conf = bind_of(parse);

    return tls_error_set_parse(parse, strcmp(parse->keyword, "ca-ignore-err") == 0
                                          ? &conf->ca_ignored
                                          : &conf->ignored);
}

static bool
parse_no_ca_names(struct parse *parse)
{
    return bind_of(parse)->no_ca_names = true;
}

static bool
parse_crt(struct parse *parse)
{
    struct tls_bind_conf *conf = bind_of(parse);
    bool is_list = strcmp(parse->keyword, "crt-list") == 0;
    const char *path = parse_path(parse,
                                  is_list ? "a file that lists certificates"
                                          : "a file with certificate and key, or a folder with some",
                                  is_list ? NULL : globals_of(parse)->crt_base);
    struct tls_file *file;

    if (path == NULL)
        return false;
    file = ARENA_NEW(parse->arena, struct tls_file);
    file->path = path;
    file->pos = parse_pos(parse);
    file->is_list = is_list;
    file->is_default = strcmp(parse->keyword, "default-crt") == 0;
    file->is_watched = words_accept(parse->words, "watch");
    if (conf->last_file == NULL)
        conf->files = file;
    else
        conf->last_file->next = file;
    conf->last_file = file;
    return true;
}

/* --- protocols ------------------------------------------------------------------------------------------ */

bool
tls_parse_alpn(struct parse *parse, struct str *to)
{
    const char *word = parse_word(parse, "protocols, such as h2,http/1.1");
    struct error err = ERROR_INIT;
    size_t len;
    char *wire;

    if (word == NULL)
        return false;
    wire = alpn_to_wire(str_from(word), &len, &err);
    if (wire == NULL)
        return parse_alert(parse, "%s", err.text);
    *to = str_of(arena_copy_str(parse->arena, str_of(wire, len)), len);
    alloc_free(wire);
    return true;
}

static bool
parse_alpn(struct parse *parse)
{
    return tls_parse_alpn(parse, &settings_of(parse)->alpn);
}

static bool
parse_no_alpn(struct parse *parse)
{
    settings_of(parse)->alpn = STR("");
    return true;
}

static bool
parse_npn(struct parse *parse)
{
    return parse_alert(parse, "'npn' is gone from TLS and from OpenSSL; use 'alpn', which all clients know");
}

/* --- versions ------------------------------------------------------------------------------------------- */

static bool
parse_version(struct parse *parse, int *to)
{
    int at;

    if (!parse_choice(parse, "a version of TLS", tls_version_names, &at))
        return false;
    *to = tls_version_number(at);
    return true;
}

static bool
parse_min_version(struct parse *parse)
{
    return parse_version(parse, &settings_of(parse)->min_version);
}

static bool
parse_max_version(struct parse *parse)
{
    return parse_version(parse, &settings_of(parse)->max_version);
}

static const struct {
    const char *word;
    int version;
    uint64_t without;
} version_words[] = {
    { "sslv3", SSL3_VERSION, SSL_OP_NO_SSLv3 },
    { "tlsv10", TLS1_VERSION, SSL_OP_NO_TLSv1 },
    { "tlsv11", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1 },
    { "tlsv12", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2 },
    { "tlsv13", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3 },
};

/* "no-tlsv11" or "force-tlsv12". False: it is neither. */
static bool
apply_version_word(struct tls_settings *settings, const char *word)
{
    const char *name = strchr(word, '-');

    for (size_t i = 0; name != NULL && i < COUNT(version_words); i++) {
        if (strcmp(version_words[i].word, name + 1) != 0)
            continue;
        if (word[0] == 'n')
            settings->without |= version_words[i].without;
        else
            settings->min_version = settings->max_version = version_words[i].version;
        return true;
    }
    return false;
}

static bool
parse_version_word(struct parse *parse)
{
    return apply_version_word(settings_of(parse), parse->keyword);
}

/* --- flags ---------------------------------------------------------------------------------------------- */

static bool
parse_ssl(struct parse *parse)
{
    return bind_of(parse)->is_ssl = true;
}

static bool
parse_early_data(struct parse *parse)
{
    return bind_of(parse)->allow_early_data = true;
}

static bool
parse_strict_sni(struct parse *parse)
{
    bind_of(parse)->strict_sni = strcmp(parse->keyword, "strict-sni") == 0;
    return true;
}

static bool
parse_tickets(struct parse *parse)
{
    settings_of(parse)->no_tickets = strcmp(parse->keyword, "no-tls-tickets") == 0;
    return true;
}

static bool
parse_prefer_client(struct parse *parse)
{
    return settings_of(parse)->prefer_client_ciphers = true;
}

static bool
parse_verify(struct parse *parse)
{
    static const char *const names[] = { "none", "optional", "required", NULL };

    return parse_choice(parse, "how to verify", names, &settings_of(parse)->verify);
}

static bool
parse_ticket_keys(struct parse *parse)
{
    return keep_word(parse, "a file with keys", &bind_of(parse)->ticket_keys);
}

static bool
parse_extras(struct parse *parse)
{
    static const char *const names[] = { "none", "all",    "bundle", "key",
                                         "ocsp", "issuer", "sctl",   NULL };
    static const unsigned bits[] = { 0, EXTRA_ALL, EXTRA_BUNDLE, EXTRA_KEY, EXTRA_OCSP, EXTRA_ISSUER, EXTRA_SCTL };
    struct tls_globals *globals = globals_of(parse);
    int at;

    globals->extras = 0;
    do {
        if (!parse_choice(parse, "a kind of file", names, &at))
            return false;
        globals->extras |= bits[at];
    } while (!words_at_end(parse->words));
    return true;
}

/* ssl-default-bind-options, ssl-default-server-options */
static bool
parse_options(struct parse *parse)
{
    struct tls_settings *settings = settings_of(parse);
    const char *word;

    while ((word = words_next(parse->words)) != NULL) {
        bool fine = true;

        if (strcmp(word, "ssl-min-ver") == 0)
            fine = parse_version(parse, &settings->min_version);
        else if (strcmp(word, "ssl-max-ver") == 0)
            fine = parse_version(parse, &settings->max_version);
        else if (strcmp(word, "no-tls-tickets") == 0)
            settings->no_tickets = true;
        else if (strcmp(word, "tls-tickets") == 0)
            settings->no_tickets = false;
        else if (strcmp(word, "prefer-client-ciphers") == 0)
            settings->prefer_client_ciphers = true;
        else if (!apply_version_word(settings, word))
            return parse_alert(parse, "unknown option '%s'; known are ssl-min-ver, ssl-max-ver, no-tls-tickets, "
                                      "prefer-client-ciphers, no-tlsv10 and its kin, force-tlsv12 and its kin",
                               word);
        if (!fine)
            return false;
    }
    return true;
}

/* --- the table -------------------------------------------------------------------------------------------- */

#define VERSION_WORDS(word_, text_)                                                                \
    { "no-" word_, IN_BIND | IN_SERVER, .parse = parse_version_word, .help = "Not " text_ "." },   \
        { "force-" word_, IN_BIND | IN_SERVER, .parse = parse_version_word, .help = text_ " only." }
#define DEFAULT(word_, args_, parse_, help_)                                                       \
    { "ssl-default-bind-" word_, IN_GLOBAL, .args = args_, .parse = parse_,                        \
      .help = "For bind lines that do not say it: " help_ },                                       \
    {                                                                                              \
        "ssl-default-server-" word_, IN_GLOBAL, .args = args_, .parse = parse_,                    \
            .help = "For server lines that do not say it: " help_                                  \
    }

static const struct keyword keywords[] = {
    { "allow-0rtt", IN_BIND, .parse = parse_early_data,
      .help = "Clients that resume a session of TLS 1.3 may send a request before the handshake is over. "
              "Whoever recorded it can send it again: see wait-for-handshake and ssl_fc_has_early." },
    { "alpn", IN_BIND | IN_SERVER, .args = "<protocol>[,...]", .parse = parse_alpn,
      .help = "Protocols to offer by ALPN, the preferred one first." },
    { "ca-base", IN_GLOBAL, .args = "<folder>", .parse = parse_base,
      .help = "Where ca-file and crl-file look for relative names." },
    { "ca-file", IN_BIND | IN_SERVER, .args = "<file>", .parse = parse_ca_file,
      .help = "Authorities that certificates of the other side are verified against; @system-ca: the system's." },
    { "ca-ignore-err", IN_BIND, .args = "<all|number>[,...]", .parse = parse_ignored,
      .help = "Errors of authorities that client certificates may have all the same." },
    { "ca-sign-file", IN_BIND, .args = "<file>", .parse = parse_sign_file,
      .help = "The authority, with its key, that signs what generate-certificates makes." },
    { "ca-sign-pass", IN_BIND, .args = "<password>", .parse = parse_sign_password,
      .help = "The password of the key in ca-sign-file." },
    { "generate-certificates", IN_BIND, .parse = parse_generate,
      .help = "Clients that ask for a name without certificate see one that is made for it, with the key of the "
              "default certificate." },
    { "tune.ssl.ssl-ctx-cache-size", IN_GLOBAL, .args = "<number>", .slot = &tls_globals_slot,
      SET_INT(struct tls_globals, forged_most, 0, INT32_MAX),
      .help = "Certificates of generate-certificates that are kept for each bind line, 1000 unless it is said." },
    { "ca-verify-file", IN_BIND, .args = "<file>", .parse = parse_ca_verify_file,
      .help = "Further authorities to verify against, which clients are not told." },
    { "crt-ignore-err", IN_BIND, .args = "<all|number>[,...]", .parse = parse_ignored,
      .help = "Errors that client certificates may have all the same; see ssl_c_err." },
    { "no-ca-names", IN_BIND, .parse = parse_no_ca_names,
      .help = "Do not tell clients which authorities are known." },
    { "ciphers", IN_BIND | IN_SERVER, .args = "<suites>", .parse = parse_ciphers,
      .help = "Cipher suites of TLS 1.2 and before, as OpenSSL writes them." },
    { "ciphersuites", IN_BIND | IN_SERVER, .args = "<suites>", .parse = parse_ciphersuites,
      .help = "Cipher suites of TLS 1.3." },
    { "client-sigalgs", IN_BIND | IN_SERVER, .args = "<algorithms>", .parse = parse_client_sigalgs,
      .help = "Signature algorithms for client certificates." },
    { "crl-file", IN_BIND | IN_SERVER, .args = "<file>", .parse = parse_crl_file,
      .help = "Revoked certificates." },
    { "crt", IN_BIND, .args = "<file>|<folder> [watch]", .parse = parse_crt,
      .help = "A certificate with its chain and key (PEM), or a folder of such files. watch: files that "
              "are replaced are taken up within seconds; new ones need a reload." },
    { "crt-base", IN_GLOBAL, .args = "<folder>", .parse = parse_base,
      .help = "Where crt looks for relative names." },
    { "crt-list", IN_BIND, .args = "<file> [watch]", .parse = parse_crt,
      .help = "A file with one certificate a line: its path, options of that certificate in "
              "brackets, and the names that it is for instead of its own." },
    { "curves", IN_BIND | IN_SERVER, .args = "<groups>", .parse = parse_curves,
      .help = "Groups for the exchange of keys, the preferred one first." },
    { "ecdhe", IN_BIND, .args = "<group>", .parse = parse_curves,
      .help = "The group for the exchange of keys; see curves." },
    { "default-crt", IN_BIND, .args = "<file> [watch]", .parse = parse_crt,
      .help = "As crt, and shown to clients that ask for no name or an unknown one; several: one for "
              "each kind of key." },
    { "no-alpn", IN_BIND, .parse = parse_no_alpn, .help = "Offer no protocol by ALPN." },
    { "no-strict-sni", IN_BIND, .parse = parse_strict_sni, .help = "Takes strict-sni back." },
    { "no-tls-tickets", IN_BIND | IN_SERVER, .parse = parse_tickets, .help = "No session tickets." },
    { "npn", IN_BIND | IN_SERVER, .args = "<protocols>", .parse = parse_npn,
      .help = "Refused: the predecessor of alpn is gone." },
    { "prefer-client-ciphers", IN_BIND, .parse = parse_prefer_client,
      .help = "The client's order of cipher suites counts." },
    { "sigalgs", IN_BIND | IN_SERVER, .args = "<algorithms>", .parse = parse_sigalgs,
      .help = "Signature algorithms for our certificates." },
    { "ssl", IN_BIND, .parse = parse_ssl, .help = "Speak TLS." },
    DEFAULT("ciphers", "<suites>", parse_ciphers, "cipher suites of TLS 1.2 and before."),
    DEFAULT("ciphersuites", "<suites>", parse_ciphersuites, "cipher suites of TLS 1.3."),
    DEFAULT("client-sigalgs", "<algorithms>", parse_client_sigalgs,
            "signature algorithms of client certificates."),
    DEFAULT("curves", "<groups>", parse_curves, "groups for the exchange of keys."),
    DEFAULT("options", "[<option>]...", parse_options, "versions, tickets, whose order counts."),
    DEFAULT("sigalgs", "<algorithms>", parse_sigalgs, "signature algorithms."),
    { "ssl-load-extra-files", IN_GLOBAL, .args = "[all|none|bundle|key|ocsp|issuer|sctl]...",
      .parse = parse_extras,
      .help = "Which files beside a certificate are read with it: <file>.key, .ocsp, .issuer, .sctl, and "
              "<file>.rsa and <file>.ecdsa for a file that is not there. All, unless it is said." },
    { "ssl-max-ver", IN_BIND | IN_SERVER, .args = "<version>", .parse = parse_max_version,
      .help = "The newest version of TLS to speak." },
    { "ssl-min-ver", IN_BIND | IN_SERVER, .args = "<version>", .parse = parse_min_version,
      .help = "The oldest version of TLS to speak; TLSv1.2 unless it is said." },
    { "strict-sni", IN_BIND, .parse = parse_strict_sni,
      .help = "Refuse clients that ask for a name without certificate." },
    { "tls-ticket-keys", IN_BIND, .args = "<file>", .parse = parse_ticket_keys,
      .help = "Keys that seal session tickets, shared with other load balancers: three lines or more of "
              "48 or 80 bytes in base64; the last but one seals." },
    { "tls-tickets", IN_BIND | IN_SERVER, .parse = parse_tickets, .help = "Session tickets, as by default." },
    { "tune.ssl.cachesize", IN_GLOBAL, .args = "<count>", .slot = &tls_globals_slot,
      SET_INT(struct tls_globals, cache_size, 0, INT32_MAX),
      .help = "Sessions of TLS 1.2 kept for clients without tickets, for each bind line." },
    { "tune.ssl.lifetime", IN_GLOBAL, .args = "<time>", .slot = &tls_globals_slot,
      SET_TIME_S(struct tls_globals, lifetime_ms),
      .help = "How long a session can be resumed." },
    { "verify", IN_BIND | IN_SERVER, .args = "<none|optional|required>", .parse = parse_verify,
      .help = "Clients: ask for a certificate. Servers: none, or required, which is the default." },
    VERSION_WORDS("sslv3", "SSL 3"),
    VERSION_WORDS("tlsv10", "TLS 1.0"),
    VERSION_WORDS("tlsv11", "TLS 1.1"),
    VERSION_WORDS("tlsv12", "TLS 1.2"),
    VERSION_WORDS("tlsv13", "TLS 1.3"),
};
REGISTER(keyword, keywords);

/* --- stages of a configuration ------------------------------------------------------------------------------ */

static void
inherit_text(const char **to, const char *from)
{
    if (*to == NULL)
        *to = from;
}

void
tls_settings_inherit(struct tls_settings *to, const struct tls_settings *from)
{
    inherit_text(&to->ciphers, from->ciphers);
    inherit_text(&to->ciphersuites, from->ciphersuites);
    inherit_text(&to->curves, from->curves);
    inherit_text(&to->sigalgs, from->sigalgs);
    inherit_text(&to->client_sigalgs, from->client_sigalgs);
    if (to->min_version == 0)
        to->min_version = from->min_version;
    if (to->max_version == 0)
        to->max_version = from->max_version;
    if (to->verify < 0)
        to->verify = from->verify;
    to->without |= from->without;
    to->no_tickets = to->no_tickets || from->no_tickets;
    to->prefer_client_ciphers = to->prefer_client_ciphers || from->prefer_client_ciphers;
}

/* A snapshot that amends another one has the same bind lines: their certificates, which may have been
 * changed at run time, stay. NULL: there is none, or no more. */
static struct tls_bind_conf *
first_amended(const struct parse *parse)
{
    const struct snapshot *base = parse->snapshot->base;

    return base == NULL ? NULL : tls_globals_of(base)->binds;
}

static bool
is_same_line(const struct tls_bind_conf *a, const struct tls_bind_conf *b)
{
    return b != NULL && b->context != NULL && a->pos.line == b->pos.line &&
           strcmp(a->pos.file, b->pos.file) == 0;
}

static bool
on_check(struct parse *parse)
{
    struct tls_globals *globals = globals_of(parse);
    struct tls_bind_conf *amended = first_amended(parse);
    bool fine = true;

    for (struct tls_bind_conf *conf = globals->binds; conf != NULL; conf = conf->next) {
        struct tls_bind_conf *same = amended;

        amended = amended == NULL ? NULL : amended->next;
        tls_settings_inherit(&conf->settings, &globals->bind_defaults);
        if (!conf->is_ssl) {
            if (conf->files != NULL)
                parse_warn_at(parse, conf->pos, "'crt' has no effect without 'ssl'");
            continue;
        }
        conf->context = is_same_line(conf, same) ? tls_context_hold(same->context)
                                                 : tls_context_of_bind(parse, conf);
        fine = conf->context != NULL && fine;
    }
    return fine;
}

static bool
on_release(struct parse *parse)
{
    for (struct tls_bind_conf *conf = globals_of(parse)->binds; conf != NULL; conf = conf->next) {
        tls_context_drop(conf->context);
        conf->context = NULL;
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_TLS, on_check, "tls: contexts" },
    { CONFIG_RELEASE, ORDER_TLS, on_release, "tls: contexts" },
};
REGISTER(config_hook, hooks);
