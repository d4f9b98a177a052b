/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client's hello offered, kept for fingerprints (JA3 and its kin): suites, extensions, groups.
 *
 * For:     ssl_fc_cipherlist_* and the like, with tune.ssl.capture-buffer-size.
 * Owns:    one buffer for each connection, until it is closed.
 * Callers: OpenSSL, once a hello is here; expressions.
 * Thread:  owner of the connection.
 *
 * OpenSSL tells of the extensions it knows only, so the message is read anew.
 */
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/encode.h"
#include "weir/base/hash.h"
#include "weir/expr/sample.h"
#include "weir/tls/hello.h"
#include "private.h"

/* The lists that a hello offers. */
enum offer { LIST_CIPHERS, LIST_EXTENSIONS, LIST_GROUPS, LIST_FORMATS, LIST_SIGNATURES,
            LIST_VERSIONS, LISTS };

struct hello_capture {
    uint16_t version;
    uint64_t ciphers_hash; /* of all, also if they were too many */
    uint16_t at[LISTS + 1]; /* where each begins */
    char bytes[];
};

/* --- keeping ------------------------------------------------------------------------------------ */

/* Suites are cut where the room ends; other lists are left out. */
static void
keep_list(struct hello_capture *capture, enum offer list, struct str items, size_t room)
{
    size_t at = capture->at[list];

    if (items.len > room - at)
        items.len = list == LIST_CIPHERS ? (room - at) & ~(size_t)1 : 0;
    if (items.len > 0)
        memcpy(capture->bytes + at, items.ptr, items.len);
    capture->at[list + 1] = (uint16_t)(at + items.len);
}

/* The types alone. `block` is behind them in the same buffer: they are shorter. */
static struct str
extension_types(struct str block, char *to, size_t room)
{
    size_t at = 0, len = 0;

    while (at + 4 <= block.len && len + 2 <= room) {
        const uint8_t *head = (const uint8_t *)block.ptr + at;

        memcpy(to + len, head, 2);
        len += 2;
        at += 4 + (size_t)(head[2] << 8 | head[3]);
    }
    return str_of(to, len);
}

static void
on_message(int is_write, int version, int type, const void *bytes, size_t len, SSL *ssl, void *arg)
{
    size_t room = (size_t)(uintptr_t)arg;
    struct tls_notes *notes;
    struct hello hello;
    char types[1024];

    (void)version;
    if (is_write || type != SSL3_RT_HANDSHAKE || len == 0 ||
        ((const uint8_t *)bytes)[0] != SSL3_MT_CLIENT_HELLO)
        return;
    notes = tls_notes_of(ssl);
    if (notes->hello != NULL || !hello_parse_message(str_of(bytes, len), &hello))
        return;
    notes->hello = alloc_zero(sizeof(*notes->hello) + room);
    notes->hello->version = hello.version;
    notes->hello->ciphers_hash = hash_xxh64(hello.ciphers, 0);
    keep_list(notes->hello, LIST_CIPHERS, hello.ciphers, room);
    keep_list(notes->hello, LIST_EXTENSIONS,
              extension_types(hello.extensions, types, sizeof(types)), room);
    keep_list(notes->hello, LIST_GROUPS, hello.groups, room);
    keep_list(notes->hello, LIST_FORMATS, hello.point_formats, room);
    keep_list(notes->hello, LIST_SIGNATURES, hello.signatures, room);
    keep_list(notes->hello, LIST_VERSIONS, hello.versions, room);
}

void
hello_capture_use(SSL_CTX *ctx, int64_t room)
{
    if (room == 0)
        return;
    SSL_CTX_set_msg_callback(ctx, on_message);
    SSL_CTX_set_msg_callback_arg(ctx, (void *)(uintptr_t)room);
}

/* --- fetches --------------------------------------------------------------------------------------- */

static const struct hello_capture *
find(const struct eval *eval)
{
    SSL *ssl = tls_of(eval->client);

    return ssl == NULL ? NULL : tls_notes_of(ssl)->hello;
}

/* RFC 8701: values that clients invent, so that nobody relies on the known ones. */
static bool
is_grease(const char *item)
{
    return item[0] == item[1] && (item[0] & 0x0f) == 0x0a;
}

/* A list, without invented values if args[0] says so. False: out of memory, or nothing was kept. */
static bool
find_list(struct eval *eval, enum offer list, const struct arg *args, struct str *out)
{
    const struct hello_capture *capture = find(eval);
    size_t len = 0;
    char *copy;

    if (capture == NULL)
        return false;
    *out = str_of(capture->bytes + capture->at[list], (size_t)(capture->at[list + 1] - capture->at[list]));
    if (list == LIST_FORMATS || !arg_is_given(&args[0]) || args[0].num == 0)
        return true;
    copy = arena_take(eval->arena, out->len + 1);
    if (copy == NULL)
        return false;
    for (size_t at = 0; at + 2 <= out->len; at += 2) {
        if (is_grease(out->ptr + at))
            continue;
        memcpy(copy + len, out->ptr + at, 2);
        len += 2;
    }
    *out = str_of(copy, len);
    return true;
}

static enum fetched
run_list(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct str items;

    return find_list(eval, (enum offer)fetch->private, args, &items) ? fetched_bin(out, items)
                                                                    : FETCH_NONE;
}

static enum fetched
run_hex(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct str items;
    char *text;

    (void)fetch;
    if (!find_list(eval, LIST_CIPHERS, args, &items) ||
        (text = arena_take(eval->arena, HEX_ENCODED_MAX(items.len) + 1)) == NULL)
        return FETCH_NONE;
    return fetched_bin(out, str_of(text, hex_encode_upper(text, items)));
}

#define CIPHER_NAME_MAX 64

static enum fetched
run_names(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    SSL *ssl = tls_of(eval->client);
    struct str items;
    char *text, *end;

    (void)fetch;
    if (!find_list(eval, LIST_CIPHERS, args, &items) ||
        (text = arena_take(eval->arena, items.len / 2 * CIPHER_NAME_MAX + 1)) == NULL)
        return FETCH_NONE;
    end = text;
    for (size_t at = 0; at + 2 <= items.len; at += 2) {
        const uint8_t *id = (const uint8_t *)items.ptr + at;
        const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, id);
        char unknown[16];

        (void)snprintf(unknown, sizeof(unknown), "UNKNOWN(%02x%02x)", id[0], id[1]);
        end += snprintf(end, CIPHER_NAME_MAX, "%s%s", end == text ? "" : ",",
                        cipher == NULL ? unknown : SSL_CIPHER_get_name(cipher));
    }
    return fetched_str(out, str_of(text, (size_t)(end - text)));
}

static enum fetched
run_hash(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct hello_capture *capture = find(eval);

    (void)fetch;
    (void)args;
    return capture == NULL ? FETCH_NONE : fetched_int(out, (int64_t)capture->ciphers_hash);
}

static enum fetched
run_version(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct hello_capture *capture = find(eval);

    (void)fetch;
    (void)args;
    return capture == NULL ? FETCH_NONE : fetched_int(out, capture->version);
}

#define PLACES (PLACE_L4 & ~PLACE_FE_CONNECTION)
#define LIST_OF(name_, list_, help_)                                                               \
    {                                                                                              \
        "ssl_fc_" name_, VALUE_BIN, PLACES, { { ARG_INT, true } }, run_list, list_,                \
            .help = help_ " 1: without GREASE."                                                    \
    }

static const struct fetch fetches[] = {
    LIST_OF("cipherlist_bin", LIST_CIPHERS, "Suites that the client offered, two bytes each."),
    LIST_OF("extlist_bin", LIST_EXTENSIONS, "Extensions of the client's hello, two bytes each."),
    LIST_OF("eclist_bin", LIST_GROUPS, "Groups that the client offered, two bytes each."),
    LIST_OF("sigalgs_bin", LIST_SIGNATURES, "Signatures that the client knows, two bytes each."),
    LIST_OF("supported_versions_bin", LIST_VERSIONS,
            "Versions of TLS that the client knows, two bytes each."),
    { "ssl_fc_ecformats_bin", VALUE_BIN, PLACES, { { 0 } }, run_list, LIST_FORMATS,
      .help = "Formats of points that the client knows, a byte each." },
    { "ssl_fc_cipherlist_hex", VALUE_BIN, PLACES, { { ARG_INT, true } }, run_hex, 0,
      .help = "Suites that the client offered, in hexadecimal digits. 1: without GREASE." },
    { "ssl_fc_cipherlist_str", VALUE_STR, PLACES, { { ARG_INT, true } }, run_names, 0,
      .help = "Suites that the client offered, by name. 1: without GREASE." },
    { "ssl_fc_cipherlist_xxh", VALUE_INT, PLACES, { { 0 } }, run_hash, 0,
      .help = "A hash (xxh64) of the suites that the client offered." },
    { "ssl_fc_protocol_hello_id", VALUE_INT, PLACES, { { 0 } }, run_version, 0,
      .help = "The version that the client's hello says: 771 in TLS 1.2 and 1.3." },
};
REGISTER(fetch, fetches);
