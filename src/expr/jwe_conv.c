/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters that decrypt JSON Web Tokens, and the global keywords that say by which algorithms.
 *
 * Owns:    keys in the configuration, until its snapshot goes.
 * Thread:  builder reads keys; traffic decrypts, inside an expression.
 */
#include "weir/base/encode.h"
#include "weir/expr/jwt.h"
#include "jose.h"
#include "private.h"

/* --- which algorithms ------------------------------------------------------------------------- */

/* Of the snapshot; zero: what is safe. */
static struct slot jwe_slot = SLOT("jwe", SLOT_GLOBAL, struct jwe_allowed);
REGISTER_SLOT(jwe_slot);

#define SAFE_ALGS (((1u << JWE_ALGS) - 1) & ~(1u << JWE_RSA1_5))
#define SAFE_ENCS ((1u << JWE_ENCS) - 1)

static struct jwe_allowed
allowed_by(const struct snapshot *snapshot)
{
    struct jwe_allowed allowed = *(struct jwe_allowed *)snapshot_slot(snapshot, &jwe_slot);

    if (allowed.algs == 0)
        allowed.algs = SAFE_ALGS;
    if (allowed.encs == 0)
        allowed.encs = SAFE_ENCS;
    return allowed;
}

/* "ALL:!RSA1_5", "dir:A256KW" */
static bool
parse_list(struct parse *parse, int (*find)(struct str name), unsigned all, unsigned *out)
{
    const char *word = parse_word(parse, "algorithms, with colons between");
    struct str rest = str_from(word == NULL ? "" : word);
    unsigned on = 0, off = 0;

    while (word != NULL && rest.ptr != NULL) {
        struct str name = str_split(&rest, ':');
        bool is_off = name.len > 0 && name.ptr[0] == '!';
        int at;

        if (str_eq(name, STR("ALL"))) {
            on = all;
            continue;
        }
        if (is_off)
            name = str_slice(name, 1, name.len);
        at = find(name);
        if (at < 0)
            return expr_alert(parse, name.ptr, "unknown algorithm '%.*s'", STR_ARG(name));
        *(is_off ? &off : &on) |= 1u << at;
    }
    *out = on & ~off;
    return word != NULL && (*out != 0 || parse_alert(parse, "this list allows nothing")) &&
           parse_end(parse);
}

static bool
parse_algs(struct parse *parse)
{
    struct jwe_allowed *allowed = snapshot_slot(parse->snapshot, &jwe_slot);

    return parse_list(parse, jwe_alg_find, (1u << JWE_ALGS) - 1, &allowed->algs);
}

static bool
parse_encs(struct parse *parse)
{
    struct jwe_allowed *allowed = snapshot_slot(parse->snapshot, &jwe_slot);

    return parse_list(parse, jwe_enc_find, (1u << JWE_ENCS) - 1, &allowed->encs);
}

static const struct keyword keywords[] = {
    { "jwt.decrypt_alg_list", IN_GLOBAL, .args = "<list>", .parse = parse_algs,
      .help = "Which algorithms for keys jwt_decrypt_* may use: names, ALL, !name, with colons "
              "between. All but RSA1_5 when nothing is said." },
    { "jwt.decrypt_enc_list", IN_GLOBAL, .args = "<list>", .parse = parse_encs,
      .help = "Which algorithms for contents jwt_decrypt_* may use: names, ALL, !name, with colons "
              "between." },
};
REGISTER(keyword, keywords);

/* --- converters ---------------------------------------------------------------------------------- */

static bool
decrypt(struct eval *eval, struct value *value, const struct jose_key *key)
{
    struct jwe_allowed allowed = allowed_by(eval->snapshot);
    struct str text;

    if (!jwe_decrypt(eval->arena, value->str, key, &allowed, &text))
        return false;
    value_set_bin(value, text);
    return true;
}

bool
jwt_decrypt_key(struct eval *eval, EVP_PKEY *key, struct value *token)
{
    struct jose_key jose = { .secret = STR_NONE, .pkey = key };

    return decrypt(eval, token, &jose);
}

/* In base64, or as it is: keys have few lengths, so only one of the two can be meant. */
static bool
run_secret(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    struct jose_key key = { .pkey = NULL };
    struct str secret;
    char *room;
    size_t len;

    (void)conv;
    if (!arg_find_str(&args[0], eval, &secret))
        return false;
    room = arena_take(eval->arena, BASE64_DECODED_MAX(secret.len) + 1);
    if (room == NULL)
        return false;
    key.secret = str_of(room, 0);
    if (base64_decode(room, &len, secret) || base64_decode_url(room, &len, secret))
        key.secret = str_of(room, len);
    if (decrypt(eval, value, &key))
        return true;
    key.secret = secret;
    return decrypt(eval, value, &key);
}

static void
drop_pkey(void *pkey)
{
    EVP_PKEY_free(pkey);
}

/* A key in the configuration is read once. args[0].num: ptr is a key. */
static bool
check_jwk(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    struct jose_key *key;

    (void)count;
    args[0].num = 0;
    if (args[0].ptr != NULL)
        return true;
    key = ARENA_NEW(parse->arena, struct jose_key);
    if (!jwk_parse(parse->arena, args[0].str, key))
        return error_set(err, "this is no JWK: a key in JSON of the kind oct, RSA, EC or OKP");
    if (key->pkey != NULL)
        expr_keep(parse, key->pkey, drop_pkey);
    args[0].ptr = key;
    args[0].num = 1;
    return true;
}

static bool
run_jwk(struct eval *eval, const struct converter *conv, const struct arg *args,
        struct value *value)
{
    struct jose_key key;
    struct str json;
    bool fine;

    (void)conv;
    if (args[0].num == 1)
        return decrypt(eval, value, args[0].ptr);
    if (!arg_find_str(&args[0], eval, &json) || !jwk_parse(eval->arena, json, &key))
        return false;
    fine = decrypt(eval, value, &key);
    EVP_PKEY_free(key.pkey);
    return fine;
}

static const struct converter converters[] = {
    { "jwt_decrypt_secret", VALUE_BIN, VALUE_BIN, { { ARG_STR_OR_VAR } }, run_secret, 0, NULL,
      "The text inside an encrypted JWT, by a secret (as it is, or in base64); nothing if it cannot "
      "be decrypted." },
    { "jwt_decrypt_jwk", VALUE_BIN, VALUE_BIN, { { ARG_STR_OR_VAR } }, run_jwk, 0, check_jwk,
      "The text inside an encrypted JWT, by a key in JSON; nothing if it cannot be decrypted." },
};
REGISTER(converter, converters);
