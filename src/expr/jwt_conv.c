/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters of JSON Web Tokens (RFC 7519): jwt_header_query, jwt_payload_query, jwt_verify.
 *
 * Owns:    public keys, until the snapshot that names them goes.
 * Thread:  builder reads keys; traffic verifies, inside an expression.
 */
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/encode.h"
#include "weir/expr/jwt.h"
#include "weir/os/file.h"
#include "json_value.h"
#include "private.h"

enum family { FAMILY_HMAC, FAMILY_RSA, FAMILY_PSS, FAMILY_ECDSA };

struct algorithm {
    const char *name;
    enum family family;
    const EVP_MD *(*md)(void);
    int half; /* ECDSA: bytes of each of the two numbers of a signature */
};

static const struct algorithm algorithms[] = {
    { "HS256", FAMILY_HMAC, EVP_sha256, 0 },   { "HS384", FAMILY_HMAC, EVP_sha384, 0 },
    { "HS512", FAMILY_HMAC, EVP_sha512, 0 },   { "RS256", FAMILY_RSA, EVP_sha256, 0 },
    { "RS384", FAMILY_RSA, EVP_sha384, 0 },    { "RS512", FAMILY_RSA, EVP_sha512, 0 },
    { "PS256", FAMILY_PSS, EVP_sha256, 0 },    { "PS384", FAMILY_PSS, EVP_sha384, 0 },
    { "PS512", FAMILY_PSS, EVP_sha512, 0 },    { "ES256", FAMILY_ECDSA, EVP_sha256, 32 },
    { "ES384", FAMILY_ECDSA, EVP_sha384, 48 }, { "ES512", FAMILY_ECDSA, EVP_sha512, 66 },
};

static const struct algorithm *
find_algorithm(struct str name)
{
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        if (str_eq(name, str_from(algorithms[i].name)))
            return &algorithms[i];
    }
    return NULL;
}

/* --- the parts of a token ---------------------------------------------------------------------- */

struct token {
    struct str header, payload, signature; /* base64 */
    struct str is_signed;                  /* header and payload as they are signed */
};

static bool
split_token(struct str text, struct token *token)
{
    struct str rest = text;

    token->header = str_split(&rest, '.');
    if (rest.ptr == NULL)
        return false;
    token->payload = str_split(&rest, '.');
    token->is_signed = str_of(text.ptr, token->header.len + 1 + token->payload.len);
    token->signature = rest.ptr == NULL ? STR("") : rest;
    return str_find_char(token->signature, '.') < 0;
}

static bool
decode(struct eval *eval, struct str part, struct str *out)
{
    char *to = arena_take(eval->arena, BASE64_DECODED_MAX(part.len) + 1);
    size_t len;

    if (to == NULL || !base64_decode_url(to, &len, part))
        return false;
    *out = str_of(to, len);
    return true;
}

/* .private: 0 header, 1 payload */
static bool
run_query(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    struct token token = { .header = STR_NONE };
    struct str json, rest = value->str;

    if (conv->private == 0)
        token.header = str_split(&rest, '.'); /* of encrypted ones too */
    if (conv->private == 0 ? rest.ptr == NULL : !split_token(value->str, &token))
        return false;
    if (!decode(eval, conv->private == 0 ? token.header : token.payload, &json))
        return false;
    if (arg_is_given(&args[0]))
        return json_value_find(eval, json, args, value);
    value_set_str(value, json);
    return true;
}

/* --- keys --------------------------------------------------------------------------------------- */

static void
drop_key(void *key)
{
    EVP_PKEY_free(key);
}

static EVP_PKEY *
key_of_certificate(BIO *bio)
{
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY *key = x509 == NULL ? NULL : X509_get_pubkey(x509);

    X509_free(x509);
    return key;
}

/* A public key in PEM (also that of a certificate); NULL: err. */
static EVP_PKEY *
read_key(const char *path, struct error *err)
{
    size_t len;
    char *content = file_read(path, &len, err);
    BIO *bio = content == NULL ? NULL : BIO_new_mem_buf(content, (int)len);
    EVP_PKEY *key = NULL;

    if (bio != NULL)
        key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    if (bio != NULL && key == NULL) {
        BIO_free(bio);
        bio = BIO_new_mem_buf(content, (int)len);
        key = key_of_certificate(bio);
    }
    if (content != NULL && key == NULL)
        error_set(err, "'%s' holds no public key in PEM", path);
    BIO_free(bio);
    alloc_free(content);
    return key;
}

/* num: index of a literal algorithm, or -1 */
bool
jwt_check_alg(struct arg *arg, struct error *err)
{
    const struct algorithm *alg = arg->ptr == NULL ? find_algorithm(arg->str) : NULL;

    arg->num = alg == NULL ? -1 : alg - algorithms;
    return arg->ptr != NULL || alg != NULL ||
           error_set(err, "unknown algorithm '%s': HS, RS, PS or ES with 256, 384 or 512",
                     arg->str.ptr);
}

/* A literal key is a secret with HS..., a file otherwise; when the algorithm is in a variable, what
 * is a file decides. args[1].num: is it a key? */
static bool
check_verify(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    const struct algorithm *alg;
    EVP_PKEY *key;

    (void)count;
    if (!jwt_check_alg(&args[0], err))
        return false;
    alg = args[0].num < 0 ? NULL : &algorithms[args[0].num];
    args[1].num = 0;
    if (args[1].ptr != NULL || (alg != NULL && alg->family == FAMILY_HMAC) ||
        (alg == NULL && !file_exists(args[1].str.ptr)))
        return true;
    key = read_key(args[1].str.ptr, err);
    if (key == NULL)
        return false;
    expr_keep(parse, key, drop_key);
    args[1].ptr = key;
    args[1].num = 1;
    return true;
}

/* --- verification --------------------------------------------------------------------------------- */

static int
verify_hmac(const struct algorithm *alg, const struct arg *arg, struct eval *eval,
            const struct token *token, struct str signature)
{
    unsigned char code[EVP_MAX_MD_SIZE];
    struct str secret;
    unsigned len;

    if (arg->num != 0 || !arg_find_str(arg, eval, &secret))
        return JWT_UNKNOWN_KEY;
    if (HMAC(alg->md(), secret.ptr, (int)secret.len, (const unsigned char *)token->is_signed.ptr,
             token->is_signed.len, code, &len) == NULL)
        return JWT_INTERNAL;
    return signature.len == len && CRYPTO_memcmp(code, signature.ptr, len) == 0;
}

/* The two numbers side by side become DER. Returns its length; <= 0: no signature. */
static int
ecdsa_to_der(const struct algorithm *alg, struct str raw, unsigned char **der)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r, *s;
    int len = 0;

    if (sig == NULL || raw.len != (size_t)alg->half * 2) {
        ECDSA_SIG_free(sig);
        return 0;
    }
    r = BN_bin2bn((const unsigned char *)raw.ptr, alg->half, NULL);
    s = BN_bin2bn((const unsigned char *)raw.ptr + alg->half, alg->half, NULL);
    if (r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1)
        len = i2d_ECDSA_SIG(sig, der);
    ECDSA_SIG_free(sig);
    return len;
}

static bool
set_padding(EVP_PKEY_CTX *pkey, const struct algorithm *alg)
{
    if (alg->family != FAMILY_PSS)
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool
fits(const struct algorithm *alg, const EVP_PKEY *key)
{
    return EVP_PKEY_get_base_id(key) == (alg->family == FAMILY_ECDSA ? EVP_PKEY_EC : EVP_PKEY_RSA);
}

static int
verify_with(const struct algorithm *alg, EVP_PKEY *key, const struct token *token,
            const unsigned char *signature, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey;
    int result = JWT_INTERNAL;

    if (ctx == NULL)
        return JWT_NO_MEMORY;
    if (EVP_DigestVerifyInit(ctx, &pkey, alg->md(), NULL, key) == 1 && set_padding(pkey, alg))
        result = EVP_DigestVerify(ctx, signature, len,
                                  (const unsigned char *)token->is_signed.ptr,
                                  token->is_signed.len) == 1;
    EVP_MD_CTX_free(ctx);
    return result;
}

static int
verify_key(const struct algorithm *alg, EVP_PKEY *key, const struct token *token,
           struct str signature)
{
    unsigned char *der = NULL;
    int len, result;

    if (key == NULL)
        return JWT_UNKNOWN_KEY;
    if (!fits(alg, key))
        return 0;
    if (alg->family != FAMILY_ECDSA)
        return verify_with(alg, key, token, (const unsigned char *)signature.ptr, signature.len);
    len = ecdsa_to_der(alg, signature, &der);
    if (len <= 0)
        return 0;
    result = verify_with(alg, key, token, der, (size_t)len);
    OPENSSL_free(der);
    return result;
}

static const struct algorithm *
algorithm_of(const struct arg *arg, struct eval *eval, int *result)
{
    const struct algorithm *alg;
    struct str name;

    if (arg->num >= 0)
        return &algorithms[arg->num];
    *result = JWT_UNKNOWN_ALG;
    if (!arg_find_str(arg, eval, &name))
        return NULL;
    alg = find_algorithm(name);
    if (alg == NULL && str_eq(name, STR("none")))
        *result = JWT_UNMANAGED_ALG;
    return alg;
}

/* `secret` NULL: there is only a key. */
static int
verify(struct eval *eval, const struct arg *alg_arg, const struct arg *secret, EVP_PKEY *key,
       struct str text)
{
    int result = 0;
    const struct algorithm *alg = algorithm_of(alg_arg, eval, &result);
    struct token token;
    struct str signature;

    if (alg == NULL)
        return result;
    if (alg->family == FAMILY_HMAC && secret == NULL)
        return JWT_UNMANAGED_ALG;
    if (!split_token(text, &token) || token.signature.len == 0 ||
        !decode(eval, token.signature, &signature))
        return JWT_BAD_TOKEN;
    return alg->family == FAMILY_HMAC ? verify_hmac(alg, secret, eval, &token, signature)
                                      : verify_key(alg, key, &token, signature);
}

int
jwt_verify_key(struct eval *eval, const struct arg *alg, EVP_PKEY *key, struct str token)
{
    return verify(eval, alg, NULL, key, token);
}

static bool
run_verify(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    (void)conv;
    value_set_int(value, verify(eval, &args[0], &args[1], args[1].num == 0 ? NULL : args[1].ptr,
                                value->str));
    return true;
}

static const struct converter converters[] = {
    { "jwt_header_query", VALUE_BIN, VALUE_ANY, { { ARG_STR, true }, { ARG_STR, true } }, run_query,
      0, json_value_check, "The header of a JWT, or the value at a path of it." },
    { "jwt_payload_query", VALUE_BIN, VALUE_ANY, { { ARG_STR, true }, { ARG_STR, true } },
      run_query, 1, json_value_check, "The payload of a JWT, or the value at a path of it." },
    { "jwt_verify", VALUE_BIN, VALUE_INT, { { ARG_STR_OR_VAR }, { ARG_STR_OR_VAR } }, run_verify,
      0, check_verify,
      "Is a JWT signed with this key (a secret, or a file with a public key)? 1: yes, 0: no, "
      "less: why it cannot be told." },
};
REGISTER(converter, converters);
