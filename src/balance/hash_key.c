/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request is hashed by: address, path, parameter, field, cookie, or any expression.
 *
 * Thread: traffic.
 */
#include "weir/base/hash.h"
#include "weir/expr/sample.h"
#include "weir/http/message.h"
#include "weir/net/client_addr.h"

#include "hash.h"
#include "private.h"

/* --- functions -------------------------------------------------------------------------------- */

static uint32_t
hash_number(struct str s)
{
    uint32_t n = 0;

    for (size_t i = 0; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
        n = n * 10 + (uint32_t)(s.ptr[i] - '0');
    return n;
}

static uint32_t
mix(const struct hash_conf *conf, uint32_t hash)
{
    return conf->has_avalanche || (conf->is_consistent && !conf->has_function) ? hash_avalanche(hash)
                                                                               : hash;
}

static uint32_t
hash_bytes(const struct hash_conf *conf, struct str s)
{
    switch ((enum hash_function)conf->function) {
    case HASH_DJB2:
        return mix(conf, hash_djb2(s));
    case HASH_WT6:
        return mix(conf, hash_wt6(s));
    case HASH_CRC32:
        return mix(conf, hash_crc32(s));
    case HASH_NONE:
        return mix(conf, hash_number(s));
    case HASH_SDBM:
        break;
    }
    return mix(conf, hash_sdbm(s));
}

/* --- source ----------------------------------------------------------------------------------- */

/* Addresses are numbers already: no function is asked. */
static bool
hash_source(const struct hash_conf *conf, const struct eval *eval, uint32_t *out)
{
    const struct addr *addr = eval->client == NULL ? NULL : client_src(eval);
    const unsigned char *bytes;
    size_t len;
    uint32_t hash = 0;

    if (addr == NULL || (addr->family != ADDR_IPV4 && addr->family != ADDR_IPV6))
        return false;
    bytes = addr->family == ADDR_IPV4 ? (const unsigned char *)&addr->ip4
                                      : (const unsigned char *)&addr->ip6;
    len = addr->family == ADDR_IPV4 ? sizeof(addr->ip4) : sizeof(addr->ip6);
    for (size_t i = 0; i < len; i += 4)
        hash ^= (uint32_t)bytes[i] << 24 | (uint32_t)bytes[i + 1] << 16 |
                (uint32_t)bytes[i + 2] << 8 | bytes[i + 3];
    *out = mix(conf, hash);
    return true;
}

/* --- uri -------------------------------------------------------------------------------------- */

static struct str
cut_uri(const struct hash_key *key, struct str uri)
{
    int64_t slashes = 0;
    size_t len = 0;

    for (; len < uri.len; len++) {
        if (key->len != 0 && len >= (size_t)key->len)
            break;
        if (uri.ptr[len] == '/' && key->depth != 0 && ++slashes > key->depth)
            break;
        if (uri.ptr[len] == '?' && !key->is_whole)
            break;
    }
    return str_of(uri.ptr, len);
}

static bool
hash_uri(const struct hash_key *key, const struct hash_conf *conf, const struct eval *eval,
         uint32_t *out)
{
    const struct message *msg = eval->request;

    if (msg == NULL)
        return false;
    *out = hash_bytes(conf, cut_uri(key, key->is_path_only ? msg->path : msg->target));
    return true;
}

/* --- url_param -------------------------------------------------------------------------------- */

static struct str
find_param(struct str text, struct str name)
{
    while (text.ptr != NULL) {
        struct str value = str_split(&text, '&');
        struct str word = str_split(&value, '=');

        if (value.ptr != NULL && str_eq(word, name))
            return value;
    }
    return STR_NONE;
}

static bool
hash_param(const struct hash_key *key, const struct hash_conf *conf, struct eval *eval,
           uint32_t *out)
{
    struct str name = str_from(key->name), found;
    struct value value = { .cursor = VALUE_SINGLE };

    if (eval->request == NULL)
        return false;
    found = find_param(message_query(eval->request), name);
    if (found.ptr == NULL && key->checks_post && eval->request->method == METHOD_POST &&
        sample_run_as(key->sample, eval, VALUE_STR, &value) == FETCH_OK)
        found = value.str;
    if (found.len == 0)
        return false;
    *out = hash_bytes(conf, found);
    return true;
}

/* --- hdr, rdp-cookie, hash -------------------------------------------------------------------- */

/* Of "www.example.org:80", "example": what stands before the last dot, up to the one before it.
 * (HAProxy 2.6 gives different answers for the same short names; this is what its manual says.) */
static struct str
domain_of(struct str host)
{
    size_t end = host.len, begin;

    while (end > 0 && host.ptr[end - 1] != '.')
        end--;
    if (end <= 1)
        return host;
    end--;
    for (begin = end; begin > 0 && host.ptr[begin - 1] != '.'; begin--)
        ;
    return str_of(host.ptr + begin, end - begin);
}

static bool
hash_sample(const struct hash_key *key, const struct hash_conf *conf, struct eval *eval,
            uint32_t *out)
{
    enum value_type type = key->kind == HASH_EXPR && conf->function != HASH_NONE ? VALUE_BIN
                                                                                 : VALUE_STR;
    struct value value = { .cursor = VALUE_SINGLE };
    struct str found;

    if (sample_run_as(key->sample, eval, type, &value) != FETCH_OK)
        return false;
    found = value.str;
    if (found.len == 0)
        return false;
    *out = hash_bytes(conf, key->is_domain_only ? domain_of(found) : found);
    return true;
}

bool
hash_of_request(const struct hash_key *key, const struct hash_conf *conf, struct eval *eval,
                uint32_t *out)
{
    switch (key->kind) {
    case HASH_SOURCE:
        return hash_source(conf, eval, out);
    case HASH_URI:
        return hash_uri(key, conf, eval, out);
    case HASH_PARAM:
        return hash_param(key, conf, eval, out);
    case HASH_HEADER:
    case HASH_RDP:
    case HASH_EXPR:
        break;
    }
    return hash_sample(key, conf, eval, out);
}
