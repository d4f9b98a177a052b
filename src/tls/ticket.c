/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that seal session tickets, shared by all bind lines and threads, changed with time.
 *
 * For:     contexts.
 * Owns:    the keys of the process; they outlive a configuration.
 * Thread:  any; under a lock, once in a handshake.
 *
 * keys[0] seals; the ones behind it only open what they sealed before (RFC 5077 5.5). A ticket lives
 * shorter than the time that a key stays in the list.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <time.h>

#include "weir/base/alloc.h"
#include "weir/base/encode.h"
#include "weir/loop/grace.h"
#include "weir/loop/lock.h"
#include "weir/os/file.h"
#include "private.h"

#define KEYS         3
#define KEY_PERIOD_S (8 * 3600)

struct ticket_key {
    unsigned char name[16], aes[32], hmac[32];
    time_t made;   /* monotonic; 0: none yet */
    bool is_short; /* 16 bytes of aes and hmac each */
};

/* Of a bind line; immutable, another one takes its place. */
struct ticket_file {
    unsigned count; /* the last but one seals */
    struct ticket_key keys[];
};

/* Fetched once: OpenSSL 3 would look for them each time. */
static EVP_CIPHER *aes, *aes_short;
static struct lock keys_lock = LOCK_INIT(LOCK_NET);
static struct ticket_key keys[KEYS];

static time_t
now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec + 1;
}

/* Under the lock. False: no random bytes. */
static bool
rotate(void)
{
    struct ticket_key fresh = { .is_short = false };

    if (keys[0].made != 0 && now_s() - keys[0].made < KEY_PERIOD_S)
        return true;
    if (RAND_bytes(fresh.name, sizeof(fresh.name)) != 1 ||
        RAND_bytes(fresh.aes, sizeof(fresh.aes)) != 1 ||
        RAND_bytes(fresh.hmac, sizeof(fresh.hmac)) != 1)
        return keys[0].made != 0;
    fresh.made = now_s();
    memmove(keys + 1, keys, sizeof(keys) - sizeof(*keys));
    keys[0] = fresh;
    return true;
}

/* The key of that name, newest first; -1: unknown. */
static int
find_key(const unsigned char *name)
{
    for (int i = 0; i < KEYS; i++) {
        if (keys[i].made != 0 && memcmp(keys[i].name, name, sizeof(keys[i].name)) == 0)
            return i;
    }
    return -1;
}

static bool
set_hmac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    static char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->hmac,
                                          key->is_short ? sizeof(key->hmac) / 2 : sizeof(key->hmac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* A copy of the key that seals, or of the one with that name. 0: the newest; -1: there is none. */
static int
shared_key(struct ticket_key *key, const unsigned char *name)
{
    int at;

    lock_take(&keys_lock);
    at = !rotate() ? -1 : name == NULL ? 0 : find_key(name);
    if (at >= 0)
        *key = keys[at];
    lock_give(&keys_lock);
    return at;
}

/* The same with the keys of a file. */
static int
key_of_file(const struct ticket_file *file, struct ticket_key *key, const unsigned char *name)
{
    for (unsigned i = 0; i < file->count; i++) {
        bool seals = i == file->count - 2;

        if (name == NULL ? !seals : memcmp(file->keys[i].name, name, sizeof(key->name)) != 0)
            continue;
        *key = file->keys[i];
        return seals ? 0 : 1;
    }
    return -1;
}

/* As SSL_CTX_set_tlsext_ticket_key_evp_cb() wants it: 1 go on, 2 go on and renew, 0 no such key,
 * -1 failed. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
          EVP_MAC_CTX *mac, int is_sealing)
{
    const struct ticket_file *file = grace_read(tls_context_of(ssl)->tickets);
    const unsigned char *wanted = is_sealing ? NULL : name;
    struct ticket_key key;
    int at = file != NULL ? key_of_file(file, &key, wanted) : shared_key(&key, wanted);
    const EVP_CIPHER *how;

    if (at < 0)
        return is_sealing ? -1 : 0;
    how = key.is_short ? aes_short : aes;
    if (!is_sealing)
        return EVP_DecryptInit_ex(cipher, how, NULL, key.aes, iv) == 1 && set_hmac(mac, &key)
                   ? (at == 0 && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2) /* 2: and gets a new one */
                   : -1;
    memcpy(name, key.name, sizeof(key.name));
    return RAND_bytes(iv, EVP_CIPHER_get_iv_length(how)) == 1 &&
                   EVP_EncryptInit_ex(cipher, how, NULL, key.aes, iv) == 1 && set_hmac(mac, &key)
               ? 1
               : -1;
}

/* --- files ------------------------------------------------------------------------------------------ */

/* Name, key of AES, key of HMAC: 48 bytes or 80. */
static void
fill_key(struct ticket_key *key, const unsigned char *bytes, size_t len)
{
    size_t part = len == 48 ? 16 : 32;

    key->made = 1;
    key->is_short = len == 48;
    memcpy(key->name, bytes, sizeof(key->name));
    memcpy(key->aes, bytes + 16, part);
    memcpy(key->hmac, bytes + 16 + part, part);
}

static bool
read_key(struct ticket_key *key, struct str line)
{
    unsigned char bytes[3 * 80];
    int len;

    if (line.len == 0 || line.len > 4 * 80 / 3 + 4 || line.len % 4 != 0)
        return false;
    len = EVP_DecodeBlock(bytes, (const unsigned char *)line.ptr, (int)line.len);
    for (size_t at = line.len; at > 0 && line.ptr[at - 1] == '='; at--)
        len--;
    if (len != 48 && len != 80)
        return false;
    fill_key(key, bytes, (size_t)len);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return true;
}

static struct ticket_file *
read_keys(const char *path, struct str rest, struct error *err)
{
    struct ticket_file *file = alloc_zero(sizeof(*file));

    for (unsigned number = 1; rest.ptr != NULL; number++) {
        struct str line = str_split(&rest, '\n');

        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        line = str_trim(line);
        if (line.len == 0)
            continue;
        file = alloc_resize(file, sizeof(*file) + (file->count + 1) * sizeof(*file->keys));
        file->keys[file->count] = (struct ticket_key){ .made = 1 };
        if (!read_key(&file->keys[file->count++], line)) {
            error_set(err, "'%s', line %u: a key of tickets is 48 or 80 bytes in base64", path, number);
            ticket_file_free(file);
            return NULL;
        }
    }
    if (file->count >= 3)
        return file;
    error_set(err, "'%s' needs three keys of tickets or more: one for later, one that seals, old ones",
              path);
    ticket_file_free(file);
    return NULL;
}

struct ticket_file *
ticket_file_read(const char *path, struct error *err)
{
    size_t len;
    char *content = file_read(path, &len, err);
    struct ticket_file *file;

    if (content == NULL)
        return NULL;
    file = read_keys(path, str_of(content, len), err);
    OPENSSL_cleanse(content, len);
    alloc_free(content);
    return file;
}

void
ticket_file_free(struct ticket_file *file)
{
    if (file != NULL)
        OPENSSL_cleanse(file->keys, file->count * sizeof(*file->keys));
    alloc_free(file);
}

void
ticket_file_free_later(void *file)
{
    ticket_file_free(file);
}

bool
ticket_file_takes(const struct ticket_file *file, size_t len)
{
    return len == (file->keys[file->count - 1].is_short ? 48 : 80);
}

struct ticket_file *
ticket_file_push(const struct ticket_file *file, struct str key)
{
    size_t size = sizeof(*file) + file->count * sizeof(*file->keys);
    struct ticket_file *next = alloc_zero(size);

    next->count = file->count;
    memcpy(next->keys, file->keys + 1, (file->count - 1) * sizeof(*file->keys));
    fill_key(&next->keys[file->count - 1], (const unsigned char *)key.ptr, key.len);
    return next;
}

void
ticket_file_show(const struct ticket_file *file, size_t number, struct text *out)
{
    char bytes[80], line[112];

    for (unsigned i = 0; i < file->count; i++) {
        const struct ticket_key *key = &file->keys[i];
        size_t part = key->is_short ? 16 : 32;

        memcpy(bytes, key->name, 16);
        memcpy(bytes + 16, key->aes, part);
        memcpy(bytes + 16 + part, key->hmac, part);
        text_printf(out, "%zu.%u %.*s\n", number, i,
                    (int)base64_encode(line, str_of(bytes, 16 + 2 * part)), line);
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    OPENSSL_cleanse(line, sizeof(line));
}

void
tls_tickets_use(SSL_CTX *ctx)
{
    if (aes == NULL)
        aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    if (aes_short == NULL)
        aes_short = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}
