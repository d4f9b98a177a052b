/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the key for the content of an encrypted token is found (RFC 7518 part 4).
 *
 * For:     jwe.c.
 * Thread:  traffic, inside an expression.
 */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "weir/base/json_scan.h"
#include "jose.h"

#define SECRET_MAX 66 /* bytes that an exchange of keys gives */

static const unsigned char *
bytes_of(struct str s)
{
    return (const unsigned char *)s.ptr;
}

/* --- with a secret ---------------------------------------------------------------------------- */

static bool
unwrap(const EVP_CIPHER *cipher, const unsigned char *secret, struct str wrapped, size_t len,
       unsigned char *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char room[JWE_KEY_MAX + 16];
    int got = 0;
    bool fine = false;

    if (ctx != NULL && wrapped.len == len + 8) {
        EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        fine = EVP_DecryptInit_ex(ctx, cipher, NULL, secret, NULL) == 1 &&
               EVP_DecryptUpdate(ctx, room, &got, bytes_of(wrapped), (int)wrapped.len) == 1 &&
               (size_t)got == len;
    }
    if (fine)
        memcpy(out, room, len);
    OPENSSL_cleanse(room, sizeof(room));
    EVP_CIPHER_CTX_free(ctx);
    return fine;
}

static bool
find_wrapped(const struct jwe *jwe, const unsigned char *secret, size_t secret_len, unsigned bits,
             unsigned char *out)
{
    const EVP_CIPHER *cipher = bits == 128   ? EVP_aes_128_wrap()
                               : bits == 192 ? EVP_aes_192_wrap()
                                             : EVP_aes_256_wrap();

    return secret_len == bits / 8 &&
           unwrap(cipher, secret, jwe->key, jwe_enc_key_len(jwe->enc), out);
}

static bool
find_gcm(struct arena *arena, const struct jwe *jwe, struct str secret, unsigned bits,
         unsigned char *out)
{
    const EVP_CIPHER *cipher = bits == 128   ? EVP_aes_128_gcm()
                               : bits == 192 ? EVP_aes_192_gcm()
                                             : EVP_aes_256_gcm();
    EVP_CIPHER_CTX *ctx;
    struct str iv, tag;
    int part, last;
    bool fine;

    if (secret.len != bits / 8 || jwe->key.len != jwe_enc_key_len(jwe->enc) ||
        !jose_bytes(arena, jwe->header, "$.iv", &iv) || iv.len != 12 ||
        !jose_bytes(arena, jwe->header, "$.tag", &tag) || tag.len != 16)
        return false;
    ctx = EVP_CIPHER_CTX_new();
    fine = ctx != NULL &&
           EVP_DecryptInit_ex(ctx, cipher, NULL, bytes_of(secret), bytes_of(iv)) == 1 &&
           EVP_DecryptUpdate(ctx, out, &part, bytes_of(jwe->key), (int)jwe->key.len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, 16, (void *)(uintptr_t)tag.ptr) == 1 &&
           EVP_DecryptFinal_ex(ctx, out + part, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return fine;
}

/* --- with a private key -------------------------------------------------------------------------- */

static bool
set_oaep(EVP_PKEY_CTX *ctx, const EVP_MD *md)
{
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1;
}

static bool
set_padding(EVP_PKEY_CTX *ctx, enum jwe_alg alg)
{
    if (alg == JWE_RSA1_5)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    return set_oaep(ctx, alg == JWE_RSA_OAEP ? EVP_sha1() : EVP_sha256());
}

/* A key that cannot be read is another one than that of the text (RFC 7516 part 11.5): who sends
 * tokens must not learn which of the two went wrong. */
static bool
find_rsa(struct arena *arena, const struct jwe *jwe, EVP_PKEY *pkey, unsigned char *out)
{
    size_t want = jwe_enc_key_len(jwe->enc), len = (size_t)EVP_PKEY_get_size(pkey);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    unsigned char *room = arena_take(arena, len);
    bool fine = ctx != NULL && room != NULL && RAND_bytes(out, (int)want) == 1 &&
                EVP_PKEY_decrypt_init(ctx) == 1 && set_padding(ctx, jwe->alg);

    if (fine &&
        EVP_PKEY_decrypt(ctx, room, &len, bytes_of(jwe->key), jwe->key.len) == 1 && len == want)
        memcpy(out, room, want);
    if (room != NULL)
        OPENSSL_cleanse(room, len);
    EVP_PKEY_CTX_free(ctx);
    return fine;
}

/* The key that the sender made for this token. */
static EVP_PKEY *
find_sender_key(struct arena *arena, const struct jwe *jwe)
{
    struct jose_key key;
    struct str json;

    if (json_find(jwe->header, STR("$.epk"), &json) != JSON_OBJECT ||
        !jwk_parse(arena, json, &key))
        return NULL;
    return key.pkey;
}

static bool
exchange(EVP_PKEY *own, EVP_PKEY *theirs, unsigned char secret[SECRET_MAX], size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
    bool fine;

    *len = SECRET_MAX;
    fine = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
           EVP_PKEY_derive_set_peer(ctx, theirs) == 1 && EVP_PKEY_derive(ctx, secret, len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return fine;
}

static void
hash_number(EVP_MD_CTX *ctx, size_t n)
{
    unsigned char bytes[4] = { (unsigned char)(n >> 24), (unsigned char)(n >> 16),
                               (unsigned char)(n >> 8), (unsigned char)n };

    EVP_DigestUpdate(ctx, bytes, sizeof(bytes));
}

static void
hash_counted(EVP_MD_CTX *ctx, struct str s)
{
    hash_number(ctx, s.len);
    EVP_DigestUpdate(ctx, s.ptr, s.len);
}

/* Concat KDF with SHA-256, RFC 7518 part 4.6.2. */
static bool
derive(struct arena *arena, const struct jwe *jwe, const unsigned char *secret, size_t secret_len,
       struct str purpose, size_t len, unsigned char *out)
{
    struct str apu = STR(""), apv = STR("");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char digest[32];

    if (ctx == NULL)
        return false;
    (void)jose_bytes(arena, jwe->header, "$.apu", &apu);
    (void)jose_bytes(arena, jwe->header, "$.apv", &apv);
    for (size_t done = 0, round = 1; done < len; done += sizeof(digest), round++) {
        size_t part = len - done < sizeof(digest) ? len - done : sizeof(digest);

        EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
        hash_number(ctx, round);
        EVP_DigestUpdate(ctx, secret, secret_len);
        hash_counted(ctx, purpose);
        hash_counted(ctx, apu);
        hash_counted(ctx, apv);
        hash_number(ctx, len * 8);
        EVP_DigestFinal_ex(ctx, digest, NULL);
        memcpy(out + done, digest, part);
    }
    OPENSSL_cleanse(digest, sizeof(digest));
    EVP_MD_CTX_free(ctx);
    return true;
}

static bool
find_agreed(struct arena *arena, const struct jwe *jwe, const unsigned char *secret,
            size_t secret_len, unsigned char *out)
{
    unsigned bits = jwe->alg == JWE_ECDH_ES_A128KW   ? 128
                    : jwe->alg == JWE_ECDH_ES_A192KW ? 192
                                                     : 256;
    unsigned char wrapper[32];
    struct str name;

    if (jwe->alg == JWE_ECDH_ES)
        return jwe->key.len == 0 && derive(arena, jwe, secret, secret_len,
                                           str_from(jwe_enc_name(jwe->enc)),
                                           jwe_enc_key_len(jwe->enc), out);
    return jose_member(arena, jwe->header, "$.alg", &name) &&
           derive(arena, jwe, secret, secret_len, name, bits / 8, wrapper) &&
           find_wrapped(jwe, wrapper, bits / 8, bits, out);
}

static bool
find_ecdh(struct arena *arena, const struct jwe *jwe, EVP_PKEY *pkey, unsigned char *out)
{
    EVP_PKEY *theirs = find_sender_key(arena, jwe);
    unsigned char secret[SECRET_MAX];
    size_t len;
    bool fine = theirs != NULL && exchange(pkey, theirs, secret, &len) &&
                find_agreed(arena, jwe, secret, len, out);

    OPENSSL_cleanse(secret, sizeof(secret));
    EVP_PKEY_free(theirs);
    return fine;
}

/* --- by the algorithm -------------------------------------------------------------------------------- */

static bool
find_by_secret(struct arena *arena, const struct jwe *jwe, struct str secret, unsigned char *out)
{
    static const unsigned bits[] = { 128, 192, 256 };

    if (jwe->alg == JWE_DIR) {
        if (jwe->key.len != 0 || secret.len != jwe_enc_key_len(jwe->enc))
            return false;
        memcpy(out, secret.ptr, secret.len);
        return true;
    }
    if (jwe->alg <= JWE_A256KW)
        return find_wrapped(jwe, bytes_of(secret), secret.len, bits[jwe->alg - JWE_A128KW], out);
    return find_gcm(arena, jwe, secret, bits[jwe->alg - JWE_A128GCMKW], out);
}

bool
jwe_find_key(struct arena *arena, const struct jwe *jwe, const struct jose_key *key,
             unsigned char out[JWE_KEY_MAX])
{
    bool is_rsa = key->pkey != NULL && EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_RSA;

    if (jwe->alg <= JWE_A256GCMKW)
        return key->secret.ptr != NULL && find_by_secret(arena, jwe, key->secret, out);
    if (key->pkey == NULL || is_rsa != (jwe->alg <= JWE_RSA_OAEP_256))
        return false;
    return is_rsa ? find_rsa(arena, jwe, key->pkey, out) : find_ecdh(arena, jwe, key->pkey, out);
}
