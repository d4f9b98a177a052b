/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypted JSON Web Tokens in their compact form (RFC 7516): header.key.iv.text.tag.
 *
 * For:     jwt_decrypt_*.
 * Thread:  traffic, inside an expression.
 *
 * Nothing is given out before the whole text was authenticated.
 */
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>

#include "weir/base/encode.h"
#include "weir/base/json_scan.h"
#include "jose.h"

#define TAG_GCM     16
#define IV_GCM      12
#define IV_CBC      16
#define PARTS       5

/* --- names ---------------------------------------------------------------------------------- */

static const char *const alg_names[JWE_ALGS] = {
    [JWE_DIR] = "dir",
    [JWE_A128KW] = "A128KW",
    [JWE_A192KW] = "A192KW",
    [JWE_A256KW] = "A256KW",
    [JWE_A128GCMKW] = "A128GCMKW",
    [JWE_A192GCMKW] = "A192GCMKW",
    [JWE_A256GCMKW] = "A256GCMKW",
    [JWE_RSA1_5] = "RSA1_5",
    [JWE_RSA_OAEP] = "RSA-OAEP",
    [JWE_RSA_OAEP_256] = "RSA-OAEP-256",
    [JWE_ECDH_ES] = "ECDH-ES",
    [JWE_ECDH_ES_A128KW] = "ECDH-ES+A128KW",
    [JWE_ECDH_ES_A192KW] = "ECDH-ES+A192KW",
    [JWE_ECDH_ES_A256KW] = "ECDH-ES+A256KW",
};

static const struct {
    const char *name;
    const EVP_CIPHER *(*cipher)(void);
    const EVP_MD *(*md)(void); /* NULL: the cipher authenticates */
    size_t key_len;            /* with that of the hash */
} encs[JWE_ENCS] = {
    [JWE_A128GCM] = { "A128GCM", EVP_aes_128_gcm, NULL, 16 },
    [JWE_A192GCM] = { "A192GCM", EVP_aes_192_gcm, NULL, 24 },
    [JWE_A256GCM] = { "A256GCM", EVP_aes_256_gcm, NULL, 32 },
    [JWE_A128CBC_HS256] = { "A128CBC-HS256", EVP_aes_128_cbc, EVP_sha256, 32 },
    [JWE_A192CBC_HS384] = { "A192CBC-HS384", EVP_aes_192_cbc, EVP_sha384, 48 },
    [JWE_A256CBC_HS512] = { "A256CBC-HS512", EVP_aes_256_cbc, EVP_sha512, 64 },
};

int
jwe_alg_find(struct str name)
{
    for (int i = 0; i < JWE_ALGS; i++) {
        if (str_eq(name, str_from(alg_names[i])))
            return i;
    }
    return -1;
}

int
jwe_enc_find(struct str name)
{
    for (int i = 0; i < JWE_ENCS; i++) {
        if (str_eq(name, str_from(encs[i].name)))
            return i;
    }
    return -1;
}

size_t
jwe_enc_key_len(enum jwe_enc enc)
{
    return encs[enc].key_len;
}

const char *
jwe_enc_name(enum jwe_enc enc)
{
    return encs[enc].name;
}

/* --- taking apart ------------------------------------------------------------------------------- */

static bool
decode_part(struct arena *arena, struct str part, struct str *out)
{
    char *to = arena_take(arena, BASE64_DECODED_MAX(part.len) + 1);
    size_t len;

    if (to == NULL || !base64_decode_url(to, &len, part))
        return false;
    *out = str_of(to, len);
    return true;
}

/* Compressed texts, and headers that must be understood and are not, are refused. */
static bool
read_header(struct arena *arena, struct jwe *jwe)
{
    struct str alg, enc, raw;
    int alg_at, enc_at;

    if (json_find(jwe->header, STR("$.zip"), &raw) != JSON_NOTHING ||
        json_find(jwe->header, STR("$.crit"), &raw) != JSON_NOTHING ||
        !jose_member(arena, jwe->header, "$.alg", &alg) ||
        !jose_member(arena, jwe->header, "$.enc", &enc))
        return false;
    alg_at = jwe_alg_find(alg);
    enc_at = jwe_enc_find(enc);
    if (alg_at < 0 || enc_at < 0)
        return false;
    jwe->alg = (enum jwe_alg)alg_at;
    jwe->enc = (enum jwe_enc)enc_at;
    return true;
}

static bool
take_apart(struct arena *arena, struct str token, struct jwe *jwe)
{
    struct str *parts[PARTS] = { &jwe->header, &jwe->key, &jwe->iv, &jwe->text, &jwe->tag };
    struct str rest = token;

    for (unsigned i = 0; i < PARTS; i++) {
        struct str part;

        if (rest.ptr == NULL)
            return false;
        part = str_split(&rest, '.');
        if (i == 0)
            jwe->aad = part;
        if (!decode_part(arena, part, parts[i]))
            return false;
    }
    return rest.ptr == NULL && read_header(arena, jwe);
}

/* --- the content ---------------------------------------------------------------------------------- */

static const unsigned char *
bytes_of(struct str s)
{
    return (const unsigned char *)s.ptr;
}

static bool
run_gcm(const struct jwe *jwe, EVP_CIPHER_CTX *ctx, const unsigned char *key, unsigned char *to,
        size_t *len)
{
    int part, last;

    if (jwe->iv.len != IV_GCM || jwe->tag.len != TAG_GCM ||
        EVP_DecryptInit_ex(ctx, encs[jwe->enc].cipher(), NULL, key, bytes_of(jwe->iv)) != 1 ||
        EVP_DecryptUpdate(ctx, NULL, &part, bytes_of(jwe->aad), (int)jwe->aad.len) != 1 ||
        EVP_DecryptUpdate(ctx, to, &part, bytes_of(jwe->text), (int)jwe->text.len) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_GCM, (void *)(uintptr_t)jwe->tag.ptr) !=
            1 ||
        EVP_DecryptFinal_ex(ctx, to + part, &last) != 1)
        return false;
    *len = (size_t)part + (size_t)last;
    return true;
}

/* RFC 7518 part 5.2.2: over header, iv, text and the length of the header in bits. */
static bool
has_good_tag(struct arena *arena, const struct jwe *jwe, const unsigned char *key, size_t half)
{
    size_t len = jwe->aad.len + jwe->iv.len + jwe->text.len + 8;
    unsigned char code[EVP_MAX_MD_SIZE], *all = arena_take(arena, len), *at = all;
    uint64_t bits = (uint64_t)jwe->aad.len * 8;
    unsigned code_len;

    if (all == NULL || jwe->tag.len != half)
        return false;
    memcpy(at, jwe->aad.ptr, jwe->aad.len);
    memcpy(at += jwe->aad.len, jwe->iv.ptr, jwe->iv.len);
    memcpy(at += jwe->iv.len, jwe->text.ptr, jwe->text.len);
    at += jwe->text.len;
    for (unsigned i = 0; i < 8; i++)
        at[i] = (unsigned char)(bits >> (56 - 8 * i));
    return HMAC(encs[jwe->enc].md(), key, (int)half, all, len, code, &code_len) != NULL &&
           CRYPTO_memcmp(code, jwe->tag.ptr, half) == 0;
}

static bool
run_cbc(struct arena *arena, const struct jwe *jwe, EVP_CIPHER_CTX *ctx, const unsigned char *key,
        unsigned char *to, size_t *len)
{
    size_t half = encs[jwe->enc].key_len / 2;
    int part, last;

    if (jwe->iv.len != IV_CBC || !has_good_tag(arena, jwe, key, half) ||
        EVP_DecryptInit_ex(ctx, encs[jwe->enc].cipher(), NULL, key + half, bytes_of(jwe->iv)) !=
            1 ||
        EVP_DecryptUpdate(ctx, to, &part, bytes_of(jwe->text), (int)jwe->text.len) != 1 ||
        EVP_DecryptFinal_ex(ctx, to + part, &last) != 1)
        return false;
    *len = (size_t)part + (size_t)last;
    return true;
}

static bool
open_content(struct arena *arena, const struct jwe *jwe, const unsigned char *key, struct str *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    char *to = arena_take(arena, jwe->text.len + EVP_MAX_BLOCK_LENGTH + 1);
    bool fine = false;
    size_t len = 0;

    if (ctx != NULL && to != NULL)
        fine = encs[jwe->enc].md == NULL
                   ? run_gcm(jwe, ctx, key, (unsigned char *)to, &len)
                   : run_cbc(arena, jwe, ctx, key, (unsigned char *)to, &len);
    EVP_CIPHER_CTX_free(ctx);
    if (fine)
        *out = str_of(to, len);
    return fine;
}

bool
jwe_decrypt(struct arena *arena, struct str token, const struct jose_key *key,
            const struct jwe_allowed *allowed, struct str *out)
{
    unsigned char content_key[JWE_KEY_MAX];
    struct jwe jwe;
    bool fine;

    fine = token.len <= INT32_MAX && take_apart(arena, token, &jwe) &&
           (allowed->algs >> jwe.alg & 1) != 0 && (allowed->encs >> jwe.enc & 1) != 0 &&
           jwe_find_key(arena, &jwe, key, content_key) &&
           open_content(arena, &jwe, content_key, out);
    OPENSSL_cleanse(content_key, sizeof(content_key));
    return fine;
}
