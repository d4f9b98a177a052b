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

#include "weir/loop/lock.h"
#include "private.h"

#define KEYS         3
#define KEY_PERIOD_S (8 * 3600)

struct ticket_key {
    unsigned char name[16], aes[32], hmac[32];
    time_t made; /* monotonic; 0: none yet */
};

static EVP_CIPHER *aes; /* fetched once: OpenSSL 3 would look for it each time */
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
    struct ticket_key fresh;

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
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->hmac, sizeof(key->hmac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* As SSL_CTX_set_tlsext_ticket_key_evp_cb() wants it: 1 go on, 2 go on and renew, 0 no such key,
 * -1 failed. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
          EVP_MAC_CTX *mac, int is_sealing)
{
    struct ticket_key key;
    int at;

    (void)ssl;
    lock_take(&keys_lock);
    at = !rotate() ? -1 : is_sealing ? 0 : find_key(name);
    if (at >= 0)
        key = keys[at];
    lock_give(&keys_lock);
    if (at < 0)
        return is_sealing ? -1 : 0;
    if (!is_sealing)
        return EVP_DecryptInit_ex(cipher, aes, NULL, key.aes, iv) == 1 && set_hmac(mac, &key)
                   ? (at == 0 ? 1 : 2)
                   : -1;
    memcpy(name, key.name, sizeof(key.name));
    return RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) == 1 &&
                   EVP_EncryptInit_ex(cipher, aes, NULL, key.aes, iv) == 1 && set_hmac(mac, &key)
               ? 1
               : -1;
}

void
tls_tickets_use(SSL_CTX *ctx)
{
    if (aes == NULL)
        aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}
