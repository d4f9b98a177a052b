/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as JSON (RFC 7517, RFC 7518 part 6, RFC 8037).
 *
 * For:     converters of JSON Web Tokens.
 * Owns:    nothing: the key is the caller's.
 * Thread:  any.
 */
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>

#include "weir/base/encode.h"
#include "weir/base/json_scan.h"
#include "jose.h"

bool
jose_member(struct arena *arena, struct str json, const char *path, struct str *out)
{
    struct str raw;
    char *to;
    long len;

    if (json_find(json, str_from(path), &raw) != JSON_STRING)
        return false;
    to = arena_take(arena, raw.len + 1);
    len = to == NULL ? -1 : json_unescape(to, raw);
    if (len < 0)
        return false;
    *out = str_of(to, (size_t)len);
    return true;
}

bool
jose_bytes(struct arena *arena, struct str json, const char *path, struct str *out)
{
    struct str text;
    char *to;
    size_t len;

    if (!jose_member(arena, json, path, &text))
        return false;
    to = arena_take(arena, BASE64_DECODED_MAX(text.len) + 1);
    if (to == NULL || !base64_decode_url(to, &len, text))
        return false;
    *out = str_of(to, len);
    return true;
}

static EVP_PKEY *
make_key(const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

/* --- RSA --------------------------------------------------------------------------------------- */

static const struct {
    const char *path, *param;
} rsa_numbers[] = {
    { "$.n", OSSL_PKEY_PARAM_RSA_N },          { "$.e", OSSL_PKEY_PARAM_RSA_E },
    { "$.d", OSSL_PKEY_PARAM_RSA_D },          { "$.p", OSSL_PKEY_PARAM_RSA_FACTOR1 },
    { "$.q", OSSL_PKEY_PARAM_RSA_FACTOR2 },    { "$.dp", OSSL_PKEY_PARAM_RSA_EXPONENT1 },
    { "$.dq", OSSL_PKEY_PARAM_RSA_EXPONENT2 }, { "$.qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
};
#define RSA_NEEDED 3 /* n, e, d; the others make it faster, if all are there */

static EVP_PKEY *
parse_rsa(struct arena *arena, struct str json)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *numbers[COUNT(rsa_numbers)] = { NULL };
    EVP_PKEY *key = NULL;
    size_t count = 0;

    for (; count < COUNT(rsa_numbers); count++) {
        struct str bytes;

        if (!jose_bytes(arena, json, rsa_numbers[count].path, &bytes))
            break;
        numbers[count] = BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, NULL);
    }
    if (count >= RSA_NEEDED && builder != NULL) {
        count = count == COUNT(rsa_numbers) ? count : RSA_NEEDED;
        for (size_t i = 0; i < count; i++)
            OSSL_PARAM_BLD_push_BN(builder, rsa_numbers[i].param, numbers[i]);
        key = make_key("RSA", builder);
    }
    for (size_t i = 0; i < COUNT(rsa_numbers); i++)
        BN_clear_free(numbers[i]);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/* --- EC, OKP ------------------------------------------------------------------------------------- */

static const struct curve {
    const char *jose, *openssl;
    size_t len;
} curves[] = {
    { "P-256", "P-256", 32 },
    { "P-384", "P-384", 48 },
    { "P-521", "P-521", 66 },
};

static const struct curve *
find_curve(struct str name)
{
    for (size_t i = 0; i < COUNT(curves); i++) {
        if (str_eq(name, str_from(curves[i].jose)))
            return &curves[i];
    }
    return NULL;
}

/* 4, x, y: an uncompressed point. */
static bool
read_point(struct arena *arena, struct str json, const struct curve *curve,
           unsigned char point[1 + 2 * 66])
{
    struct str x, y;

    if (!jose_bytes(arena, json, "$.x", &x) || !jose_bytes(arena, json, "$.y", &y) ||
        x.len != curve->len || y.len != curve->len)
        return false;
    point[0] = 4;
    memcpy(point + 1, x.ptr, x.len);
    memcpy(point + 1 + x.len, y.ptr, y.len);
    return true;
}

static EVP_PKEY *
parse_ec(struct arena *arena, struct str json)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    unsigned char point[1 + 2 * 66];
    const struct curve *curve;
    EVP_PKEY *key = NULL;
    BIGNUM *number = NULL;
    struct str name, d;

    if (builder != NULL && jose_member(arena, json, "$.crv", &name) &&
        (curve = find_curve(name)) != NULL && read_point(arena, json, curve, point)) {
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->openssl, 0);
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         1 + 2 * curve->len);
        if (jose_bytes(arena, json, "$.d", &d))
            number = BN_secure_new();
        if (number != NULL && BN_bin2bn((const unsigned char *)d.ptr, (int)d.len, number) != NULL)
            OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number);
        key = make_key("EC", builder);
    }
    BN_clear_free(number);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static EVP_PKEY *
parse_okp(struct arena *arena, struct str json)
{
    struct str name, bytes;
    const char *type;

    if (!jose_member(arena, json, "$.crv", &name))
        return NULL;
    type = str_eq(name, STR("X25519")) ? "X25519" : str_eq(name, STR("X448")) ? "X448" : NULL;
    if (type == NULL)
        return NULL;
    if (jose_bytes(arena, json, "$.d", &bytes))
        return EVP_PKEY_new_raw_private_key_ex(NULL, type, NULL,
                                               (const unsigned char *)bytes.ptr, bytes.len);
    if (jose_bytes(arena, json, "$.x", &bytes))
        return EVP_PKEY_new_raw_public_key_ex(NULL, type, NULL, (const unsigned char *)bytes.ptr,
                                              bytes.len);
    return NULL;
}

bool
jwk_parse(struct arena *arena, struct str json, struct jose_key *key)
{
    struct str type;

    key->secret = (struct str){ NULL, 0 };
    key->pkey = NULL;
    if (!jose_member(arena, json, "$.kty", &type))
        return false;
    if (str_eq(type, STR("oct")))
        return jose_bytes(arena, json, "$.k", &key->secret);
    if (str_eq(type, STR("RSA")))
        key->pkey = parse_rsa(arena, json);
    else if (str_eq(type, STR("EC")))
        key->pkey = parse_ec(arena, json);
    else if (str_eq(type, STR("OKP")))
        key->pkey = parse_okp(arena, json);
    return key->pkey != NULL;
}
