/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Tokens with keys that other rooms own: certificates.
 */
#pragma once

#include <openssl/evp.h>

#include "weir/expr/arg.h"
#include "weir/expr/value.h"

/* What verifying gives beside 1 (good) and 0 (bad). */
enum jwt_result {
    JWT_UNKNOWN_ALG = -1,
    JWT_UNMANAGED_ALG = -2,
    JWT_BAD_TOKEN = -3,
    JWT_NO_MEMORY = -4,
    JWT_UNKNOWN_KEY = -5,
    JWT_INTERNAL = -6,
    JWT_NOT_ALLOWED = -7, /* the certificate is not marked for it */
};

/* For converter.check: an algorithm by name, or the variable that holds one. False: err. */
bool jwt_check_alg(struct arg *alg, struct error *err);
/* Is the token signed with this key? `alg` went through jwt_check_alg(). Algorithms with secrets are
 * unmanaged here. Traffic. */
int jwt_verify_key(struct eval *eval, const struct arg *alg, EVP_PKEY *key, struct str token);
/* Replaces the token by the text inside it. False: it cannot be decrypted with this private key.
 * Traffic. */
bool jwt_decrypt_key(struct eval *eval, EVP_PKEY *key, struct value *token);
