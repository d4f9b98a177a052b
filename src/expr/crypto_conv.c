/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters to digests, and ciphers, through OpenSSL's libcrypto.
 *
 * Thread: traffic, inside an expression. Each thread keeps the contexts that it works with.
 *
 * Keys and nonces are written in base64, or stand in variables; what goes in and out are raw bytes.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/encode.h"
#include "private.h"

#define SHORT_MAX 512 /* bytes of a key, a nonce, a tag */
#define TAG_LEN   16

/* --- what a thread works with ------------------------------------------------------------- */

struct contexts {
    EVP_MD_CTX *digest;
    EVP_CIPHER_CTX *cipher;
};

static _Thread_local struct contexts *this_contexts;
static pthread_key_t contexts_key;
static pthread_once_t contexts_once = PTHREAD_ONCE_INIT;

static void
contexts_free(void *ptr)
{
    struct contexts *contexts = ptr;

    EVP_MD_CTX_free(contexts->digest);
    EVP_CIPHER_CTX_free(contexts->cipher);
    free(contexts);
    this_contexts = NULL;
}

static void
make_key(void)
{
    (void)pthread_key_create(&contexts_key, contexts_free);
}

/* NULL: out of memory. */
static struct contexts *
contexts_here(void)
{
    struct contexts *contexts = this_contexts;

    if (contexts != NULL)
        return contexts;
    contexts = calloc(1, sizeof(*contexts));
    if (contexts == NULL)
        return NULL;
    contexts->digest = EVP_MD_CTX_new();
    contexts->cipher = EVP_CIPHER_CTX_new();
    if (contexts->digest == NULL || contexts->cipher == NULL) {
        contexts_free(contexts);
        return NULL;
    }
    pthread_once(&contexts_once, make_key);
    pthread_setspecific(contexts_key, contexts);
    this_contexts = contexts;
    return contexts;
}

/* --- digests ------------------------------------------------------------------------------ */

/* args[0].ptr or, for fixed ones, args[0].num: see the checks. */
static bool
give_digest(struct eval *eval, const EVP_MD *md, struct value *value)
{
    struct contexts *contexts = contexts_here();
    unsigned char *to = arena_take(eval->arena, EVP_MAX_MD_SIZE);
    unsigned len;

    if (contexts == NULL || to == NULL ||
        EVP_DigestInit_ex(contexts->digest, md, NULL) != 1 ||
        EVP_DigestUpdate(contexts->digest, value->str.ptr, value->str.len) != 1 ||
        EVP_DigestFinal_ex(contexts->digest, to, &len) != 1)
        return false;
    value_set_bin(value, str_of((char *)to, len));
    return true;
}

static bool
run_sha1(struct eval *eval, const struct converter *conv, const struct arg *args,
         struct value *value)
{
    (void)conv;
    (void)args;
    return give_digest(eval, EVP_sha1(), value);
}

static bool
run_sha2(struct eval *eval, const struct converter *conv, const struct arg *args,
         struct value *value)
{
    static const EVP_MD *(*const kinds[])(void) = { EVP_sha256, EVP_sha224, EVP_sha384,
                                                    EVP_sha512 };
    int64_t bits = arg_is_given(&args[0]) ? args[0].num : 256;

    (void)conv;
    return give_digest(eval, kinds[bits == 224 ? 1 : bits == 384 ? 2 : bits == 512 ? 3 : 0](),
                       value);
}

static bool
check_sha2(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    int64_t bits = args[0].num;

    (void)parse;
    return count == 0 || bits == 224 || bits == 256 || bits == 384 || bits == 512 ||
           error_set(err, "the number of bits is 224, 256, 384 or 512");
}

/* The name is known to OpenSSL when the configuration is read; it lives for ever. */
static bool
check_digest(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    const EVP_MD *md = EVP_get_digestbyname(args[0].str.ptr);

    (void)parse;
    (void)count;
    if (md == NULL)
        return error_set(err, "OpenSSL knows no digest '%s'", args[0].str.ptr);
    args[0].ptr = (void *)md;
    return true;
}

static bool
run_digest(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    (void)conv;
    return give_digest(eval, args[0].ptr, value);
}

/* --- keys ----------------------------------------------------------------------------------- */

/* The decoded bytes of an argument in base64, or of a variable that holds base64. */
static bool
find_secret(const struct arg *arg, struct eval *eval, char *to, size_t *len)
{
    struct str text;

    return arg_find_str(arg, eval, &text) && BASE64_DECODED_MAX(text.len) <= SHORT_MAX &&
           base64_decode(to, len, text);
}

/* Literal secrets are looked at when the configuration is read. */
static bool
check_secret(const struct arg *arg, const char *what, struct error *err)
{
    char bytes[SHORT_MAX];
    size_t len;

    if (arg->ptr != NULL) /* a variable */
        return true;
    if (BASE64_DECODED_MAX(arg->str.len) > sizeof(bytes) || !base64_decode(bytes, &len, arg->str))
        return error_set(err, "the %s is base64 (at most %d bytes), or a variable", what,
                         SHORT_MAX);
    return true;
}

static bool
run_hmac(struct eval *eval, const struct converter *conv, const struct arg *args,
         struct value *value)
{
    unsigned char *to = arena_take(eval->arena, EVP_MAX_MD_SIZE);
    char key[SHORT_MAX];
    size_t key_len;
    unsigned len;

    (void)conv;
    if (to == NULL || !find_secret(&args[1], eval, key, &key_len) ||
        HMAC(args[0].ptr, key, (int)key_len, (const unsigned char *)value->str.ptr, value->str.len,
             to, &len) == NULL)
        return false;
    value_set_bin(value, str_of((char *)to, len));
    return true;
}

static bool
check_hmac(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    return check_digest(parse, args, count, err) && check_secret(&args[1], "key", err);
}

/* --- comparison that takes as long whatever is equal ------------------------------------------- */

static bool
run_secure_memcmp(struct eval *eval, const struct converter *conv, const struct arg *args,
                  struct value *value)
{
    struct str other;

    (void)conv;
    if (!arg_find_str(&args[0], eval, &other))
        return false;
    value_set_bool(value, other.len == value->str.len &&
                              CRYPTO_memcmp(other.ptr, value->str.ptr, other.len) == 0);
    return true;
}

/* --- ciphers ----------------------------------------------------------------------------------- */

enum { AES_DECRYPT = 0, AES_ENCRYPT = 1, AES_GCM = 2 }; /* .private */

struct cipher_run {
    EVP_CIPHER_CTX *ctx;
    const EVP_CIPHER *cipher;
    bool encrypts, is_gcm;
    char key[SHORT_MAX], nonce[SHORT_MAX], tag[SHORT_MAX];
    size_t key_len, nonce_len, tag_len;
    struct str aad;
};

static const EVP_CIPHER *
cipher_of(int64_t bits, bool is_gcm)
{
    switch (bits) {
    case 128:
        return is_gcm ? EVP_aes_128_gcm() : EVP_aes_128_cbc();
    case 192:
        return is_gcm ? EVP_aes_192_gcm() : EVP_aes_192_cbc();
    default:
        return is_gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc();
    }
}

static bool
begin_cipher(struct cipher_run *run)
{
    int want_nonce = EVP_CIPHER_get_iv_length(run->cipher), len;

    if (run->key_len != (size_t)EVP_CIPHER_get_key_length(run->cipher) ||
        (!run->is_gcm && run->nonce_len != (size_t)want_nonce) ||
        EVP_CipherInit_ex(run->ctx, run->cipher, NULL, NULL, NULL, run->encrypts) != 1)
        return false;
    if (run->is_gcm && EVP_CIPHER_CTX_ctrl(run->ctx, EVP_CTRL_GCM_SET_IVLEN, (int)run->nonce_len,
                                           NULL) != 1)
        return false;
    if (EVP_CipherInit_ex(run->ctx, NULL, NULL, (unsigned char *)run->key,
                          (unsigned char *)run->nonce, run->encrypts) != 1)
        return false;
    return run->aad.len == 0 || !run->is_gcm ||
           EVP_CipherUpdate(run->ctx, NULL, &len, (const unsigned char *)run->aad.ptr,
                            (int)run->aad.len) == 1;
}

/* Bytes at `to`; -1: it fails, a wrong tag above all. */
static long
finish_cipher(struct cipher_run *run, struct str from, unsigned char *to)
{
    int len = 0, last = 0;

    if (EVP_CipherUpdate(run->ctx, to, &len, (const unsigned char *)from.ptr, (int)from.len) != 1)
        return -1;
    if (run->is_gcm && !run->encrypts &&
        EVP_CIPHER_CTX_ctrl(run->ctx, EVP_CTRL_GCM_SET_TAG, (int)run->tag_len, run->tag) != 1)
        return -1;
    if (EVP_CipherFinal_ex(run->ctx, to + len, &last) != 1)
        return -1;
    return len + last;
}

/* The tag goes to a variable, in base64. */
static bool
store_tag(struct cipher_run *run, struct eval *eval, const struct arg *arg)
{
    struct value value = { .type = VALUE_NONE };
    char tag[TAG_LEN], text[BASE64_ENCODED_MAX(TAG_LEN)];

    if (EVP_CIPHER_CTX_ctrl(run->ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, tag) != 1)
        return false;
    value_set_str(&value, str_of(text, base64_encode(text, str_of(tag, TAG_LEN))));
    return variable_store(eval, arg->ptr, &value);
}

/* args: bits, nonce, key, then with GCM the tag, then further data that is only authenticated. */
static bool
fill_run(struct cipher_run *run, struct eval *eval, const struct arg *args)
{
    const struct arg *aad = &args[run->is_gcm ? 4 : 3];

    run->cipher = cipher_of(args[0].num, run->is_gcm);
    run->aad = STR("");
    return find_secret(&args[1], eval, run->nonce, &run->nonce_len) &&
           find_secret(&args[2], eval, run->key, &run->key_len) &&
           (!arg_is_given(aad) || arg_find_str(aad, eval, &run->aad)) &&
           (!run->is_gcm || run->encrypts ||
            find_secret(&args[3], eval, run->tag, &run->tag_len));
}

static bool
run_aes(struct eval *eval, const struct converter *conv, const struct arg *args,
        struct value *value)
{
    struct contexts *contexts = contexts_here();
    struct cipher_run run = { .encrypts = (conv->private & AES_ENCRYPT) != 0,
                              .is_gcm = (conv->private & AES_GCM) != 0 };
    unsigned char *to = arena_take(eval->arena, value->str.len + EVP_MAX_BLOCK_LENGTH);
    long len = -1;

    if (contexts == NULL || to == NULL || !fill_run(&run, eval, args))
        return false;
    run.ctx = contexts->cipher;
    if (begin_cipher(&run))
        len = finish_cipher(&run, value->str, to);
    if (len >= 0 && run.is_gcm && run.encrypts && !store_tag(&run, eval, &args[3]))
        len = -1;
    EVP_CIPHER_CTX_reset(run.ctx);
    OPENSSL_cleanse(run.key, sizeof(run.key));
    if (len < 0)
        return false;
    value_set_bin(value, str_of((char *)to, (size_t)len));
    return true;
}

static bool
check_aes(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    int64_t bits = args[0].num;

    (void)parse;
    (void)count;
    if (bits != 128 && bits != 192 && bits != 256)
        return error_set(err, "the number of bits is 128, 192 or 256");
    return check_secret(&args[1], "nonce", err) && check_secret(&args[2], "key", err);
}

#define CIPHER_ARGS                                                                                \
    { ARG_INT }, { ARG_STR_OR_VAR }, { ARG_STR_OR_VAR }

static const struct converter converters[] = {
    { "sha1", VALUE_BIN, VALUE_BIN, { { 0 } }, run_sha1, .help = "The SHA-1 digest." },
    { "sha2", VALUE_BIN, VALUE_BIN, { { ARG_INT, true } }, run_sha2, 0, check_sha2,
      "The SHA-2 digest of 224, 256, 384 or 512 bits; 256 unless said." },
    { "digest", VALUE_BIN, VALUE_BIN, { { ARG_STR } }, run_digest, 0, check_digest,
      "The digest of this name, as OpenSSL calls it." },
    { "hmac", VALUE_BIN, VALUE_BIN, { { ARG_STR }, { ARG_STR_OR_VAR } }, run_hmac, 0, check_hmac,
      "A code that proves who wrote the bytes: HMAC with this digest and a key in base64." },
    { "secure_memcmp", VALUE_BIN, VALUE_BOOL, { { ARG_VARIABLE } }, run_secure_memcmp,
      .help = "Is it equal to the variable? Takes as long whatever they have in common." },
    { "aes_gcm_enc", VALUE_BIN, VALUE_BIN,
      { CIPHER_ARGS, { ARG_VARIABLE }, { ARG_STR_OR_VAR, true } }, run_aes, AES_ENCRYPT | AES_GCM,
      check_aes, "Encrypt with AES-GCM; the tag goes to the variable, in base64." },
    { "aes_gcm_dec", VALUE_BIN, VALUE_BIN,
      { CIPHER_ARGS, { ARG_STR_OR_VAR }, { ARG_STR_OR_VAR, true } }, run_aes,
      AES_DECRYPT | AES_GCM, check_aes, "Decrypt AES-GCM; no value when the tag is wrong." },
    { "aes_cbc_enc", VALUE_BIN, VALUE_BIN, { CIPHER_ARGS, { ARG_STR_OR_VAR, true } }, run_aes,
      AES_ENCRYPT, check_aes, "Encrypt with AES-CBC." },
    { "aes_cbc_dec", VALUE_BIN, VALUE_BIN, { CIPHER_ARGS, { ARG_STR_OR_VAR, true } }, run_aes,
      AES_DECRYPT, check_aes, "Decrypt AES-CBC." },
};
REGISTER(converter, converters);
