/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of persistence cookies: names of servers, written or computed from their addresses,
 * and dates.
 *
 * Owns:    the keys of dynamic cookies that were set at run time (backend_live frees them).
 * Thread:  traffic reads; control changes, by RCU.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/cli/command.h"
#include "weir/loop/grace.h"

#include "cookie.h"
#include "private.h"

#define KEY_MAX 256

/* --- dynamic cookies --------------------------------------------------------------------------- */

static const struct cookie_live *
live_of(const struct proxy *backend)
{
    return __atomic_load_n(&backend->back->dynamic_cookie, __ATOMIC_CONSUME);
}

static const char *
key_of(const struct cookie_conf *conf, const struct cookie_live *live)
{
    if (live != NULL && (live->is_disabled || live->is_enabled)) {
        if (live->is_disabled)
            return NULL;
    } else if ((conf->options & COOKIE_DYNAMIC) == 0) {
        return NULL;
    }
    return live != NULL && live->key[0] != '\0' ? live->key : conf->key;
}

/* Sixteen hexadecimal digits of the hash of key, address and port, as HAProxy's. */
static struct str
computed(const struct server *srv, const char *key, char room[COOKIE_KEY_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    char bytes[KEY_MAX + 16 + 4];
    struct addr addr;
    size_t len = strlen(key);
    uint64_t hash;

    server_addr(srv, &addr);
    if (len > KEY_MAX)
        len = KEY_MAX;
    memcpy(bytes, key, len);
    if (addr.family == ADDR_IPV4) {
        memcpy(bytes + len, &addr.ip4, sizeof(addr.ip4));
        len += sizeof(addr.ip4);
    } else if (addr.family == ADDR_IPV6) {
        memcpy(bytes + len, &addr.ip6, sizeof(addr.ip6));
        len += sizeof(addr.ip6);
    } else {
        return STR_NONE;
    }
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes[len++] = (char)((uint32_t)addr.port >> shift);
    hash = hash_xxh64(str_of(bytes, len), 0);
    for (int i = 0; i < COOKIE_KEY_LEN; i++)
        room[i] = digits[hash >> (60 - 4 * i) & 15];
    room[COOKIE_KEY_LEN] = '\0';
    return str_of(room, COOKIE_KEY_LEN);
}

struct str
cookie_of_server(const struct cookie_conf *conf, const struct server *srv,
                 char room[COOKIE_KEY_LEN + 1])
{
    const struct server_conf *written = grace_read(srv->conf);
    const char *key;

    if (written != NULL && written->cookie != NULL)
        return str_from(written->cookie);
    key = key_of(conf, live_of(srv->backend));
    return key == NULL ? STR_NONE : computed(srv, key, room);
}

/* --- commands ----------------------------------------------------------------------------------- */

static struct proxy *
backend_of(struct command_call *call)
{
    const char *word = command_next(call);
    struct proxy *proxy = word == NULL ? NULL : proxy_find(str_from(word), SIDE_BACK);

    if (proxy == NULL || proxy->conf == NULL || proxy->back == NULL) {
        command_say(call, 3, word == NULL ? "A backend name is expected." : "No such backend.");
        return NULL;
    }
    return proxy;
}

static void
publish(struct proxy *proxy, bool is_enabled, bool is_disabled, const char *key)
{
    struct cookie_live *before = proxy->back->dynamic_cookie, *live;

    if (key == NULL)
        key = before == NULL ? "" : before->key;
    live = alloc_zero(sizeof(*live) + strlen(key) + 1);
    live->is_enabled = is_enabled;
    live->is_disabled = is_disabled;
    memcpy(live->key, key, strlen(key) + 1);
    grace_publish(proxy->back->dynamic_cookie, live);
    if (before != NULL)
        grace_free_later(before, alloc_free);
}

static enum command_result
run_enable(struct command_call *call)
{
    struct proxy *proxy = backend_of(call);

    if (proxy != NULL)
        publish(proxy, true, false, NULL);
    return COMMAND_DONE;
}

static enum command_result
run_disable(struct command_call *call)
{
    struct proxy *proxy = backend_of(call);

    if (proxy != NULL)
        publish(proxy, false, true, NULL);
    return COMMAND_DONE;
}

static enum command_result
run_set_key(struct command_call *call)
{
    struct proxy *proxy = backend_of(call);
    const struct cookie_live *live;
    const char *key;

    if (proxy == NULL)
        return COMMAND_DONE;
    key = command_next(call);
    if (key == NULL || key[0] == '\0')
        return command_say(call, 3, "String value expected.");
    live = proxy->back->dynamic_cookie;
    publish(proxy, live != NULL && live->is_enabled, live != NULL && live->is_disabled, key);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "enable dynamic-cookie backend", "<backend>", LEVEL_ADMIN, run_enable,
      "make cookies of the servers' addresses" },
    { "disable dynamic-cookie backend", "<backend>", LEVEL_ADMIN, run_disable,
      "make no more cookies of the servers' addresses" },
    { "set dynamic-cookie-key backend", "<backend> <key>", LEVEL_ADMIN, run_set_key,
      "change the secret of dynamic cookies" },
};
REGISTER(command, commands);

/* --- dates ---------------------------------------------------------------------------------------- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
cookie_date_write(uint32_t seconds, char out[COOKIE_DATE_LEN])
{
    uint32_t date = (seconds + 3) >> 2;

    for (int i = 0; i < COOKIE_DATE_LEN; i++)
        out[i] = alphabet[date >> (6 * (COOKIE_DATE_LEN - 1 - i)) & 63];
}

uint32_t
cookie_date_read(struct str text)
{
    uint32_t date = 0;

    if (text.len < COOKIE_DATE_LEN)
        return 0;
    for (int i = 0; i < COOKIE_DATE_LEN; i++) {
        const char *digit = text.ptr[i] == '\0' ? NULL : strchr(alphabet, text.ptr[i]);

        if (digit == NULL)
            return 0;
        date = date << 6 | (uint32_t)(digit - alphabet);
    }
    return date << 2;
}
