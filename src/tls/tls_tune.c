/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of the global section that all contexts of bind lines share: Diffie-Hellman groups, the
 * size of records, the level of security.
 *
 * Callers: context.c. Thread: builder.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "weir/base/alloc.h"
#include "weir/config/parse.h"
#include "weir/os/file.h"
#include "private.h"

#define RECORD_MIN 512 /* OpenSSL takes no smaller ones */
#define RECORD_MAX 16384

/* --- Diffie-Hellman ------------------------------------------------------------------------------- */

/* Parameters of a PEM file; NULL: err. */
static EVP_PKEY *
read_group(const char *path, struct error *err)
{
    size_t len;
    char *content = file_read(path, &len, err);
    EVP_PKEY *group;
    BIO *bio;

    if (content == NULL)
        return NULL;
    bio = BIO_new_mem_buf(content, (int)len);
    group = PEM_read_bio_Parameters(bio, NULL);
    BIO_free(bio);
    alloc_free(content);
    if (group == NULL)
        error_set(err, "'%s' has no DH parameters (PEM is expected): %s", path, tls_error_text());
    return group;
}

/* RFC 7919. NULL: err. */
static EVP_PKEY *
make_group(int64_t bits, struct error *err)
{
    char name[24];
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
                            OSSL_PARAM_construct_end() };
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    EVP_PKEY *group = NULL;

    snprintf(name, sizeof(name), "ffdhe%lld", (long long)bits);
    if (maker == NULL || EVP_PKEY_fromdata_init(maker) != 1 ||
        EVP_PKEY_fromdata(maker, &group, EVP_PKEY_KEY_PARAMETERS, params) != 1)
        error_set(err, "no group of %lld bits: %s", (long long)bits, tls_error_text());
    EVP_PKEY_CTX_free(maker);
    return group;
}

static bool
set_group(const struct tls_globals *globals, SSL_CTX *ctx, struct error *err)
{
    EVP_PKEY *group;

    if (globals->dh_file == NULL && globals->dh_bits == 0)
        return SSL_CTX_set_dh_auto(ctx, 1) == 1;
    group = globals->dh_file != NULL ? read_group(globals->dh_file, err)
                                     : make_group(globals->dh_bits, err);
    if (group == NULL)
        return false;
    if (SSL_CTX_set0_tmp_dh_pkey(ctx, group) == 1)
        return true;
    EVP_PKEY_free(group);
    return error_set(err, "the DH parameters cannot be used: %s", tls_error_text());
}

bool
tls_tune_apply(struct parse *parse, struct source_pos pos, SSL_CTX *ctx)
{
    const struct tls_globals *globals = tls_globals_of(parse->snapshot);
    struct error err = ERROR_INIT;

    if (globals->security_level >= 0)
        SSL_CTX_set_security_level(ctx, (int)globals->security_level);
    if (globals->max_record != 0)
        SSL_CTX_set_max_send_fragment(ctx, (long)globals->max_record);
    hello_capture_use(ctx, globals->capture_size);
    keylog_use(ctx, globals->has_keylog);
    return set_group(globals, ctx, &err) || parse_alert_at(parse, pos, "%s", err.text);
}

/* --- keywords ------------------------------------------------------------------------------------- */

static struct tls_globals *
globals_of(struct parse *parse)
{
    return snapshot_slot(parse->snapshot, &tls_globals_slot);
}

static bool
parse_dh_bits(struct parse *parse)
{
    static const char *const names[] = { "2048", "3072", "4096", "6144", "8192", NULL };
    static const int bits[] = { 2048, 3072, 4096, 6144, 8192 };
    int at;

    if (!parse_choice(parse, "the bits of a group of RFC 7919", names, &at))
        return false;
    globals_of(parse)->dh_bits = bits[at];
    return true;
}

static bool
parse_dh_file(struct parse *parse)
{
    const char *word = parse_word(parse, "a file with DH parameters");

    if (word == NULL)
        return false;
    globals_of(parse)->dh_file = arena_copy(parse->arena, word);
    return true;
}

static bool
parse_del_ext(struct parse *parse)
{
    globals_of(parse)->extras_del_ext = true;
    return true;
}

/* The words become a line of a crt-list: "<crt> [<options>]". */
static bool
parse_front_use(struct parse *parse)
{
    struct tls_globals *globals = globals_of(parse);
    struct tls_front_use *use = ARENA_NEW(parse->arena, struct tls_front_use);
    const char *word, *crt = NULL, *options = "";

    while ((word = words_next(parse->words)) != NULL) {
        if (strcmp(word, "crt") == 0 && (crt = parse_word(parse, "a file")) == NULL)
            return false;
        if (strcmp(word, "crt") != 0)
            options = arena_printf(parse->arena, "%s %s", options, word);
    }
    if (crt == NULL)
        return parse_alert(parse, "'ssl-f-use' needs 'crt' and the file of a certificate");
    use->frontend = parse->object;
    use->list = arena_printf(parse->arena, "@%s", parse->section_name);
    use->text = arena_printf(parse->arena, "%s [%s]", crt, options);
    use->pos = parse_pos(parse);
    if (globals->last_front_use == NULL)
        globals->front_uses = use;
    else
        globals->last_front_use->next = use;
    globals->last_front_use = use;
    return true;
}

static const struct keyword keywords[] = {
    { "tune.ssl.capture-buffer-size", IN_GLOBAL, .args = "<bytes>", .slot = &tls_globals_slot,
      SET_INT(struct tls_globals, capture_size, 0, 65535),
      .help = "Keep what clients' hellos offer, in so many bytes each, for ssl_fc_cipherlist_bin and its kin." },
    { "tune.ssl.capture-cipherlist-size", IN_GLOBAL, .flags = KEYWORD_HIDDEN, .args = "<bytes>",
      .slot = &tls_globals_slot, SET_INT(struct tls_globals, capture_size, 0, 65535),
      .help = "Older name of tune.ssl.capture-buffer-size." },
    { "tune.ssl.keylog", IN_GLOBAL, .args = "{ on | off }", .slot = &tls_globals_slot,
      SET_ON_OFF(struct tls_globals, has_keylog),
      .help = "Keep the secrets of TLS connections for ssl_fc_..._secret, so that a recording of them can be "
              "decrypted. Only for debugging." },
    { "ssl-f-use", IN_FRONTEND | IN_LISTEN, .args = "crt <file> [<option>...]",
      .parse = parse_front_use,
      .help = "A certificate for all bind lines of this frontend that speak TLS, with the options of a "
              "crt-list. They are the list @<frontend> for the commands of crt-lists." },
    { "ssl-dh-param-file", IN_GLOBAL, .args = "<file>", .parse = parse_dh_file,
      .help = "Diffie-Hellman parameters for TLS 1.2 and before, instead of groups that fit the key." },
    { "ssl-load-extra-del-ext", IN_GLOBAL, .parse = parse_del_ext,
      .help = "The files beside \"site.crt\" are \"site.key\" and the like, not \"site.crt.key\"." },
    { "ssl-security-level", IN_GLOBAL, .args = "<0-5>", .slot = &tls_globals_slot,
      SET_INT(struct tls_globals, security_level, 0, 5),
      .help = "OpenSSL's level for bind lines: which keys and algorithms are strong enough." },
    { "tune.ssl.default-dh-param", IN_GLOBAL, .args = "<2048|3072|4096|6144|8192>",
      .parse = parse_dh_bits,
      .help = "The size of the Diffie-Hellman group for TLS 1.2 and before." },
    { "tune.ssl.hard-maxrecord", IN_GLOBAL, .args = "<bytes>", .slot = &tls_globals_slot,
      SET_INT(struct tls_globals, max_record, RECORD_MIN, RECORD_MAX),
      .help = "The same as tune.ssl.maxrecord: weir's records never grow beyond that." },
    { "tune.ssl.maxrecord", IN_GLOBAL, .args = "<bytes>", .slot = &tls_globals_slot,
      SET_INT(struct tls_globals, max_record, RECORD_MIN, RECORD_MAX),
      .help = "The most plain bytes in one record to a client, for clients that show what they have "
              "early." },
};
REGISTER(keyword, keywords);
