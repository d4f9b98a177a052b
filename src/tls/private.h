/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of room tls share.
 */
#pragma once

#include <openssl/ocsp.h>
#include <openssl/ssl.h>

#include "weir/base/arena.h"
#include "weir/base/hashmap.h"
#include "weir/base/list.h"
#include "weir/base/text.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/net/connection.h"
#include "weir/tls/cert.h"
#include "weir/tls/tls.h"

/* --- library.c ------------------------------------------------------------- */

/* The newest error of OpenSSL in words, "no shared cipher"; its queue is empty afterwards. */
const char *tls_error_text(void);
/* "TLSv1.2" to TLS1_2_VERSION; 0: unknown. */
int tls_version_find(const char *name);
extern const char *const tls_version_names[]; /* NULL-terminated; SSLv3 first */
/* The same by place in the list. */
int tls_version_number(int at);

/* --- cert_settings.c -------------------------------------------------------- */

/* Of one certificate; NULL, 0: as the bind line says. */
struct cert_settings {
    char *ciphers, *ciphersuites, *curves, *sigalgs, *client_sigalgs;
    int min_version, max_version;
    bool allow_early_data;
};

bool cert_settings_has(struct str name);
/* Makes *settings if it is NULL. False: err. */
bool cert_settings_set(struct cert_settings **settings, struct str name, struct str value,
                       struct error *err);
struct cert_settings *cert_settings_copy(const struct cert_settings *from); /* NULL is fine */
void cert_settings_free(struct cert_settings *settings);
/* For SSL_CTX_set_client_hello_cb(); arg is the context. */
int cert_settings_on_hello(SSL *ssl, int *alert, void *arg);

/* --- cert_list.c ------------------------------------------------------------ */

/* Are OCSP answers fetched? */
enum ocsp_update { OCSP_UPDATE_DEFAULT, OCSP_UPDATE_ON, OCSP_UPDATE_OFF };

/* A certificate as a bind line has it, from `crt` or from a line of a crt-list. Owns all. */
struct cert_use {
    struct cert_use *next;
    struct tls_cert *cert; /* holds */
    char *list;            /* the crt-list; NULL: none */
    unsigned line;         /* in it */
    char *options;         /* what stands in its brackets, "alpn h2 "; NULL: nothing */
    char *alpn;            /* as on the wire; NULL: as the bind line says */
    size_t alpn_len;
    char **filters; /* names in lower case instead of the certificate's; "!name": not that one */
    unsigned filter_count;
    bool has_names;  /* a filter that is no "!name" */
    bool is_default; /* default-crt */
    bool is_watched;
    bool is_jwt;      /* converters of JSON Web Tokens may use the certificate */
    bool is_declared; /* of a crt-store section */
    bool is_outdated; /* cert_store.c's */
    uint8_t freshness; /* enum ocsp_update */
    int verify;      /* enum tls_verify; -1: as the bind line says */
    char *ca_file, *crl_file;
    struct cert_settings *settings; /* owns; NULL: none */
    struct cert_files *files;       /* owns: where the parts are; NULL: beside the certificate */
    X509_STORE *store;              /* owns: of those files; NULL: none */
    STACK_OF(X509_NAME) *ca_names; /* owns: what clients are told */
};

struct cert_use *cert_use_new(struct tls_cert *cert);
void cert_use_free(struct cert_use *use);
void cert_use_free_all(struct cert_use *uses);
/* Reads "<path> [options] filters..." of a list. `path` is given back apart, for alloc_free(), NULL
 * on an empty line; relative files of authorities are looked for in ca_base (may be NULL); the use has no certificate yet. NULL: err, or an empty line. */
struct cert_use *cert_use_parse(struct str line, const char *ca_base, char **path,
                                struct error *err);
/* What another one says about protocols and clients, to one that says nothing yet. */
void cert_use_copy_options(struct cert_use *to, const struct cert_use *from);
/* As `show ssl crt-list` prints it, without line end. */
void cert_use_print(const struct cert_use *use, struct text *out, bool with_line);
/* Protocols parted by commas to RFC 7301's form; NULL: err. Freed by alloc_free(). */
char *alpn_to_wire(struct str names, size_t *len, struct error *err);

/* --- sni.c ------------------------------------------------------------------ */

#define SNI_CERTS_MAX 3 /* RSA, ECDSA, EdDSA */

struct sni_choice {
    char *name;                            /* owns; NULL: of the default */
    char *alpn;                            /* owns: instead of the line's, as on the wire; NULL */
    size_t alpn_len;
    struct cert_settings *settings;        /* owns; NULL */
    int verify;                            /* of clients; -1: as the bind line says */
    X509_STORE *store;                     /* holds; NULL: none */
    STACK_OF(X509_NAME) *ca_names;         /* owns */
    unsigned count;                        /* 0: a name that wildcards do not stand for */
    struct tls_cert *certs[SNI_CERTS_MAX]; /* holds */
};

/* Immutable; published by its context. */
struct sni_table {
    struct hashmap names;     /* "www.example.com", "*.example.com" to struct sni_choice */
    struct sni_choice *first; /* the default; NULL: empty */
    bool has_settings;        /* of some certificate */
    bool takes_early_data;    /* some certificate does */
    bool is_in_context;       /* the SSL_CTX shows the default by itself */
};

/* The first use is the default. Holds the certificates. */
struct sni_table *sni_table_make(const struct cert_use *uses);
void sni_table_free(void *table);
/* Any thread. NULL: nobody has that name. */
const struct sni_choice *sni_table_find(const struct sni_table *table, struct str name);

/* --- tls_conf.c ---------------------------------------------------------------- */

struct tls_file {
    struct tls_file *next;
    const char *path;
    struct source_pos pos;
    bool is_list;    /* crt-list */
    bool is_default; /* default-crt */
    bool is_watched; /* changes of the files are taken up */
};

/* --- crt_store_conf.c ----------------------------------------------------------- */

/* A line of a crt-store section. In the snapshot's arena. */
struct crt_load {
    struct crt_load *next;
    const char *name;        /* "@store/alias", or the path */
    const char *written;     /* the file as the line says it */
    const char *alias;       /* NULL: none */
    struct cert_files files; /* lent by the arena */
    struct source_pos pos;
    bool is_jwt, is_watched;
    uint8_t freshness;     /* enum ocsp_update */
    struct tls_cert *cert; /* holds; made by CHECK, let go by RELEASE */
};

/* By any of its names; NULL: none. */
struct crt_load *crt_load_find(const struct snapshot *snapshot, const char *name);

enum tls_verify { VERIFY_NONE, VERIFY_OPTIONAL, VERIFY_REQUIRED };

/* What may be said of either side. In the snapshot's arena. */
struct tls_settings {
    const char *ciphers, *ciphersuites, *curves, *sigalgs, *client_sigalgs; /* NULL: OpenSSL's */
    const char *ca_file, *crl_file;
    struct str alpn; /* as on the wire: length and name, each; len 0: none; ptr NULL: not said */
    int min_version, max_version; /* as OpenSSL numbers them; 0: not said */
    int verify;                   /* enum tls_verify; -1: not said */
    uint64_t without;             /* SSL_OP_NO_TLSv1_1 and the like */
    bool no_tickets, prefer_client_ciphers;
};

#define TLS_ERRORS_MAX 128 /* numbers of X509_V_ERR_* are below */

struct tls_error_set {
    uint64_t bits[TLS_ERRORS_MAX / 64];
};

/* Of a bind line. */
struct tls_bind_conf {
    struct tls_bind_conf *next; /* all of the snapshot */
    const void *frontend; /* whose line it is: its proxy_conf */
    const char *frontend_name;
    struct source_pos pos;
    struct tls_settings settings;
    struct tls_file *files, *last_file; /* crt */
    const char *ticket_keys;            /* tls-ticket-keys; NULL: those of all lines */
    const char *ca_verify_file;         /* authorities that clients are not told of */
    struct tls_error_set ignored, ca_ignored;
    bool is_ssl, strict_sni, no_ca_names, allow_early_data;
    bool generates; /* generate-certificates */
    const char *sign_file, *sign_password; /* NULL: not said */
    struct tls_context *context; /* holds; made by CHECK, let go by RELEASE */
};

/* Of a server line. */
struct tls_server_conf {
    struct tls_settings settings;
    const char *crt, *verify_host;
    const struct sample *server_name; /* sni; NULL: none */
    const char *check_server_name;    /* check-sni */
    struct str check_alpn;            /* check-alpn; len 0: not said */
    bool is_ssl, no_reuse;
    bool allow_early_data;
    bool check_ssl, no_check_ssl;
    bool check_by_steps;    /* a step of the backend's checks says ssl */
    bool no_check_sni_auto;
    bool no_sni_auto;
    uint64_t fingerprint;        /* of all that a kept connection was made with */
    struct tls_context *context; /* holds; made by CHECK, let go by RELEASE */
};

/* The global section's. */
/* A line `ssl-f-use` of a frontend. In the snapshot's arena. */
struct tls_front_use {
    struct tls_front_use *next;
    const void *frontend; /* its proxy_conf */
    const char *list;     /* "@" and its name */
    const char *text;     /* as a line of a crt-list */
    struct source_pos pos;
};

struct tls_globals {
    struct tls_front_use *front_uses, *last_front_use;
    struct crt_load *loads;
    struct hashmap load_names; /* to struct crt_load */
    struct tls_bind_conf *binds;
    struct tls_settings bind_defaults, server_defaults;
    const char *crt_base, *ca_base, *key_base;
    int64_t cache_size, lifetime_ms;
    bool servers_unverified; /* ssl-server-verify none */
    unsigned extras;         /* enum tls_extra: ssl-load-extra-files */
    bool extras_del_ext;     /* ssl-load-extra-del-ext */
    const char *dh_file;     /* NULL: not said */
    int64_t dh_bits;         /* 0: not said, and so in max_record */
    int64_t max_record;
    int64_t security_level; /* -1: OpenSSL's */
    int64_t capture_size;   /* bytes; 0: hellos are not kept */
    bool has_keylog;
    bool ocsp_is_on, ocsp_is_off; /* ocsp-update.mode, ocsp-update.disable */
    int64_t ocsp_min_s, ocsp_max_s;
    int64_t forged_most; /* tune.ssl.ssl-ctx-cache-size */
    const char *ocsp_proxy; /* NULL: none */
};

const struct tls_globals *tls_globals_of(const struct snapshot *snapshot);
const struct tls_bind_conf *tls_bind_conf_of(const struct bind_conf *bind);
extern struct slot tls_server_slot, tls_globals_slot;
/* What the line does not say. */
void tls_settings_inherit(struct tls_settings *to, const struct tls_settings *from);

/* --- context.c ------------------------------------------------------------------- */

/* Where a context has files of authorities. */
enum auth_place { AUTH_CA, AUTH_VERIFY, AUTH_CRL, AUTH_PLACES };

struct tls_context {
    SSL_CTX *ctx; /* lives as long as it does */
    unsigned users; /* atomic: snapshots */
    char *alpn;   /* owns: as on the wire; NULL: none */
    size_t alpn_len;
    struct tls_context *next;    /* of bind lines, all that live */
    struct tls_forge *forge;     /* owns; NULL: no certificates are made; never changes */
    struct ticket_file *tickets; /* owns; published by control; NULL: the keys that all share */
    char **lists;                /* owns: paths of the crt-lists; never changes */
    unsigned list_count;
    struct cert_use *uses;       /* owns; control, under the store's lock */
    struct sni_table *names;     /* owns; of bind lines; published by control */
    bool strict_sni;
    bool takes_early_data; /* unless the certificate says something else */
    struct tls_error_set ignored, ca_ignored; /* of client certificates, and of their authorities */
    struct tls_kept_session *kept; /* of server lines: owns; one for each
                                     thread, made with the first; atomic */
    /* trust.c's */
    struct auth_file *auth[AUTH_PLACES]; /* holds; NULL: none */
    bool trusts_system;                  /* @system-ca */
    bool tells_names;                    /* clients are told of those of AUTH_CA */
    struct tls_trust *trust;             /* owns; published by control; NULL: as the SSL_CTX is */
    struct tls_trust *next_trust;        /* while control commits */
    struct tls_context *next_verifier;
};

/* What one thread keeps to resume with one server. */
struct tls_kept_session {
    SSL_SESSION *session; /* owns; NULL: none */
    uint64_t name_hash;   /* of the server name that it was made for */
    uint64_t trust;       /* what its server was verified against: tls_trust_serial() */
};

/* The context of an SSL. */
struct tls_context *tls_context_of(const SSL *ssl);
/* Makes what a bind line says. NULL: reported. Builder. */
struct tls_context *tls_context_of_bind(struct parse *parse, const struct tls_bind_conf *conf);
/* The same for a server line. */
struct tls_context *tls_context_of_server(struct parse *parse, struct source_pos pos,
                                          const struct tls_server_conf *conf);
/* For one more snapshot; the caller knows of one that holds it. Any thread. */
struct tls_context *tls_context_hold(struct tls_context *context);
void tls_context_drop(struct tls_context *context); /* NULL is fine */

/* --- cert_store.c ---------------------------------------------------------------- */

/* A context whose certificates may be changed at run time. Builder; control takes it off. */
void cert_store_add(struct tls_context *context);
void cert_store_remove(struct tls_context *context);
/* Those of crt-store sections are known from now on, whether a line shows them or not. Control. */
void cert_store_declare(const struct crt_load *loads);

/* --- cert_loader.c --------------------------------------------------------------- */

/* Reads all certificates of the line into the context's uses, and makes its names. False: reported.
 * Builder. */
bool cert_loader_run(struct parse *parse, struct tls_context *context,
                     const struct tls_bind_conf *conf);
/* Reads all certificates of crt-store sections. False: reported. Builder. */
bool cert_loader_run_loads(struct parse *parse);
/* enum tls_extra: which files beside a certificate are read. */
unsigned tls_extras_of(const struct snapshot *snapshot);

/* --- jwt_certs.c ----------------------------------------------------------------- */

/* Which certificates converters of JSON Web Tokens may use from now on: those of crt-store sections,
 * of crt-list lines, and those that were added at run time. Control. */
void jwt_certs_publish(const struct tls_globals *globals);
/* A certificate was replaced. Control. */
void jwt_certs_refresh(void);
/* May converters use it? Control. */
bool jwt_certs_has(const char *path);

/* --- cert.c --------------------------------------------------------------------------- */

/* A thread that has read certificates and reads no more, before it ends. */
void tls_cert_reader_end(void);

/* --- ocsp.c ------------------------------------------------------------------------ */

/* NULL: the issuer is not known. */
OCSP_CERTID *ocsp_id_of(const struct tls_cert *cert);
bool ocsp_is_about(OCSP_BASICRESP *basic, const struct tls_cert *cert);
/* Staples it to the certificate, wherever it is shown. False: err. */
bool ocsp_put(const struct tls_cert *cert, struct str der, struct error *err);

/* --- ocsp_cli.c -------------------------------------------------------------------- */

/* The line of `show ssl cert` that names the stapled answer. */
void ocsp_show_key(const struct tls_cert *cert, struct text *out);

/* --- cert_cli.c -------------------------------------------------------------------- */

/* Serial to issuer, a line each. */
void tls_show_x509(struct text *out, X509 *x509);

/* --- authority.c ------------------------------------------------------------------- */

/* Immutable once made, but for `next`. */
struct auth_file {
    struct auth_file *next; /* trust.c's */
    unsigned users;         /* atomic */
    char *path;             /* owns, and all below */
    STACK_OF(X509) *certs;
    STACK_OF(X509_CRL) *lists;
};

struct auth_file *auth_file_new(const char *path);
void auth_file_hold(struct auth_file *file);
void auth_file_drop(struct auth_file *file); /* NULL is fine */
/* What `from` holds, too. */
void auth_file_copy(struct auth_file *to, const struct auth_file *from);
/* False: broken, or there is nothing in it; OpenSSL's queue may say why. */
bool auth_file_add_pem(struct auth_file *file, struct str pem);
/* Of a file or folder; word: the keyword, for err. NULL: err. */
struct auth_file *auth_file_read(const char *path, const char *word, struct error *err);
/* False: OpenSSL says why. */
bool auth_file_add_to(const struct auth_file *file, X509_STORE *store);

/* --- trust.c ------------------------------------------------------------------------- */

/* What a context verifies against since a file was replaced. Immutable; published by its context. */
struct tls_trust {
    X509_STORE *store;               /* holds */
    STACK_OF(X509_NAME) *names;      /* owns: what clients are told; NULL: as before */
    unsigned char session_name[32];  /* clients resume sessions with the same only */
    uint64_t serial;                 /* never 0 */
};

/* A context that is made is known to control, until it is taken off. */
void tls_trust_watch(struct tls_context *context);
void tls_trust_unwatch(struct tls_context *context);
/* With the SSL_CTX. */
void tls_trust_fini(struct tls_context *context);
/* At the hello, before a session is looked for; for servers before it begins. False: out of memory. */
bool tls_trust_apply(SSL *ssl, const struct tls_context *context);
/* Names what is verified against now; 0: what the SSL_CTX was made with. */
uint64_t tls_trust_serial(const struct tls_context *context);
/* Was this SSL verified against that? Its serial. */
bool tls_trust_is_current(SSL *ssl, const struct tls_context *context, uint64_t *serial);

enum auth_kind { KIND_CA, KIND_CRL, AUTH_KINDS };

/* Control, all of these. Held by the caller; NULL: unknown. */
struct auth_file *auth_store_find(const char *path, enum auth_kind kind, bool *is_used);
/* Each path once, sorted; each is held, the array is freed with alloc_free(). */
struct auth_file **auth_store_list(enum auth_kind kind, size_t *count);
/* One that no line uses; holds it. */
void auth_store_keep(struct auth_file *file, enum auth_kind kind);
void auth_store_forget(const char *path, enum auth_kind kind);
/* All lines that used one of that path use this one, or none does: false, and OpenSSL says why. Holds it. */
bool auth_store_replace(struct auth_file *file, enum auth_kind kind, unsigned *count);

/* --- client_auth.c --------------------------------------------------------------- */

/* What was wrong with a client's certificate, whether it was passed over or not; 0: nothing. */
struct tls_refusal {
    int error;
    int ca_error, ca_depth; /* of an authority, and how far up */
};

/* crt-ignore-err, ca-ignore-err. Builder. */
bool tls_error_set_parse(struct parse *parse, struct tls_error_set *set);
/* how: SSL_VERIFY_PEER and the like. */
void tls_client_auth_use(struct tls_context *context, int how);
/* What one certificate wants of its clients, instead of what the bind line wants. In a handshake,
 * once the server name is known. False: the client resumes a session that was begun with another
 * name, of which other things may have been wanted. */
bool tls_client_auth_ask(SSL *ssl, const struct sni_choice *choice);
/* enum tls_verify to OpenSSL's flags. */
int tls_verify_flags(int verify);

/* --- ticket.c -------------------------------------------------------------------- */

struct ticket_file;
/* The keys of a file. NULL: err. Builder. */
struct ticket_file *ticket_file_read(const char *path, struct error *err);
void ticket_file_free(struct ticket_file *file); /* NULL is fine */
void ticket_file_free_later(void *file); /* for grace_free_later() */
#define TICKET_KEY_MAX 120 /* bytes, with room to decode what is too long */
/* Is it the size of the file's keys? */
bool ticket_file_takes(const struct ticket_file *file, size_t len);
/* The same with one key more, which will be the next to seal, and without the oldest. */
struct ticket_file *ticket_file_push(const struct ticket_file *file, struct str key);
/* "<number>.<n> <base64>", a line for each. */
void ticket_file_show(const struct ticket_file *file, size_t number, struct text *out);
/* Tickets of this context are sealed with the keys of its file, or with keys that all share, which
 * change with time. */
void tls_tickets_use(SSL_CTX *ctx);

/* --- tls_tune.c ------------------------------------------------------------------ */

/* What the global section says for bind lines. False: reported. Builder. */
bool tls_tune_apply(struct parse *parse, struct source_pos pos, SSL_CTX *ctx);

/* --- forge.c ------------------------------------------------------------------------- */

struct tls_forge;
/* most: certificates that are kept. NULL: err. */
struct tls_forge *tls_forge_new(const char *path, const char *password, size_t most, struct error *err);
void tls_forge_free(struct tls_forge *forge); /* NULL is fine */
/* Shows one with that key for the name that the client asks for. False: it asks for none, or it cannot be
 * made; nothing has changed then. Any thread. */
bool tls_forge_show(struct tls_forge *forge, SSL *ssl, EVP_PKEY *key);

/* --- early_data.c ----------------------------------------------------------------- */

#define EARLY_DATA_MAX 15360

enum early_state { EARLY_OVER, EARLY_WANTED };

/* Zero: none. */
struct early_data {
    char *bytes; /* owns: from a client, what nobody has read yet; to a server, what was sent; NULL: nothing */
    uint32_t at, len;
    uint32_t room;    /* how much the server takes */
    struct str alpn;  /* owns ptr: the protocol that it is for */
    uint8_t state;    /* enum early_state */
    bool is_received; /* from a client: some came */
    bool is_open;     /* the connection is used, and the handshake is not over */
    bool is_sender;   /* to a server */
    bool is_awaited;  /* a write waits for the end of the handshake */
};

/* Connections of this context may take some. Builder. */
void early_data_use(SSL_CTX *ctx);
/* False: out of memory. */
bool early_data_begin(struct early_data *early, SSL *ssl, bool is_wanted);
bool early_data_allow(SSL *ssl, bool is_allowed);
/* To a server whose session the SSL resumes: may some be sent? */
bool early_data_begin_sending(struct early_data *early, const SSL *ssl);
/* Seals some, and keeps it until the server has taken it. False: broken. */
bool early_data_send(struct early_data *early, SSL *ssl, struct str bytes);
/* The handshake is over: what the server did not take is sealed again. False: broken. */
bool early_data_end_sending(struct early_data *early, SSL *ssl);
/* Goes on with the handshake; 1: it is over, otherwise as SSL_do_handshake() says. */
int early_data_handshake(struct early_data *early, SSL *ssl);
/* Copies what was kept; the number of bytes. */
size_t early_data_take(struct early_data *early, char *to, size_t len);
void early_data_free(struct early_data *early);

/* --- tls_transport.c ------------------------------------------------------------- */

/* OpenSSL's number of what broke; 0: nothing did. */
unsigned long tls_error_of(const struct connection *conn);
struct tls_refusal *tls_refusal_of(const SSL *ssl);
const struct early_data *tls_early_data_of(const SSL *ssl);
/* The path of the certificate that is shown; NULL: none. */
const char *tls_cert_path_of(const SSL *ssl);

extern const struct transport tls_transport;

/* What is kept of a connection for expressions. Each is owned, and NULL unless it is asked for. */
struct tls_notes {
    struct hello_capture *hello; /* hello_capture.c; freed by alloc_free() */
    struct key_log *keys;        /* keylog.c */
};
struct tls_notes *tls_notes_of(const SSL *ssl);

/* --- hello_capture.c, keylog.c ------------------------------------------------------ */

/* Connections of this context keep their client's hello, in at most so many bytes; 0: they do not. */
void hello_capture_use(SSL_CTX *ctx, int64_t room);
/* They keep their secrets. */
void keylog_use(SSL_CTX *ctx, bool is_on);
void keylog_free(struct key_log *keys); /* NULL is fine */

/* --- tls_server.c ----------------------------------------------------------------- */

/* The server name, the session to resume, the name to verify. False: out of memory. Owner. */
bool tls_server_set_up(SSL *ssl, const struct tls_dial *dial);
/* A handshake has failed: maybe because of the session that this thread kept. Owner. */
void tls_server_forget_session(const SSL *ssl);
/* OpenSSL's callback: a session that can be resumed. */
int tls_server_on_session(SSL *ssl, SSL_SESSION *session);
