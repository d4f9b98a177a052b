/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the converters of JSON Web Tokens share.
 *
 *     jwk.c       a key as JSON (RFC 7517)
 *     jwe.c       encrypted tokens (RFC 7516): the content
 *     jwe_key.c   how its key is found (RFC 7518 part 4)
 *     jwe_conv.c  the converters, and which algorithms they may use
 *     jwt_conv.c  signed tokens
 */
#pragma once

#include <openssl/evp.h>

#include "weir/expr/sample.h"

/* --- jwk.c ---------------------------------------------------------------------------------- */

/* What decrypts: a secret, or a private key. */
struct jose_key {
    struct str secret; /* ptr NULL: none */
    EVP_PKEY *pkey;    /* NULL: none */
};

/* Reads "oct" (into the arena), "RSA", "EC" and "OKP"; pkey is the caller's to free. False: it is
 * none of them, or not whole. Any thread. */
bool jwk_parse(struct arena *arena, struct str json, struct jose_key *key);

/* --- jwe.c ------------------------------------------------------------------------------------- */

/* Algorithms for keys ("alg"), and for the content ("enc"). */
enum jwe_alg {
    JWE_DIR,
    JWE_A128KW,
    JWE_A192KW,
    JWE_A256KW,
    JWE_A128GCMKW,
    JWE_A192GCMKW,
    JWE_A256GCMKW,
    JWE_RSA1_5,
    JWE_RSA_OAEP,
    JWE_RSA_OAEP_256,
    JWE_ECDH_ES,
    JWE_ECDH_ES_A128KW,
    JWE_ECDH_ES_A192KW,
    JWE_ECDH_ES_A256KW,
    JWE_ALGS,
};
enum jwe_enc {
    JWE_A128GCM,
    JWE_A192GCM,
    JWE_A256GCM,
    JWE_A128CBC_HS256,
    JWE_A192CBC_HS384,
    JWE_A256CBC_HS512,
    JWE_ENCS,
};
/* By name; -1: unknown. */
int jwe_alg_find(struct str name);
int jwe_enc_find(struct str name);

/* Bits of what may be used. */
struct jwe_allowed {
    unsigned algs, encs;
};

#define JWE_KEY_MAX 64 /* bytes of a key for content */

/* A token, taken apart and decoded. */
struct jwe {
    struct str aad;    /* the header as it was sent */
    struct str header; /* JSON */
    struct str key, iv, text, tag;
    enum jwe_alg alg;
    enum jwe_enc enc;
};

/* The text inside a compact token, in the arena. False: it cannot be read, must not be used, or was
 * tampered with. Traffic. */
bool jwe_decrypt(struct arena *arena, struct str token, const struct jose_key *key,
                 const struct jwe_allowed *allowed, struct str *out);
/* Bytes of the key for the content. */
size_t jwe_enc_key_len(enum jwe_enc enc);
const char *jwe_enc_name(enum jwe_enc enc);
/* A member of the header as text ("$.epk.x"), unescaped. False: it is not there, or no text. */
bool jose_member(struct arena *arena, struct str json, const char *path, struct str *out);
/* The same in base64url, decoded. */
bool jose_bytes(struct arena *arena, struct str json, const char *path, struct str *out);

/* --- jwe_key.c ------------------------------------------------------------------------------------ */

/* The key for the content, of jwe_enc_key_len() bytes. */
bool jwe_find_key(struct arena *arena, const struct jwe *jwe, const struct jose_key *key,
                  unsigned char out[JWE_KEY_MAX]);
