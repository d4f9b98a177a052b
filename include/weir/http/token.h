/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known methods, statuses and field names as small numbers. Field names are
 * kept in lower case everywhere inside weir. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/str.h"

enum http_method {
    METHOD_OTHER,
    METHOD_OPTIONS,
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_TRACE,
    METHOD_CONNECT,
    METHOD_PATCH,
    METHODS,
};

/* Names that the traffic path looks for. The list may grow; FIELD_OTHER is everything else. At most
 * 63, so that a set of them fits in 64 bits. */
enum field_name {
    FIELD_OTHER,
    FIELD_HOST,
    FIELD_CONNECTION,
    FIELD_PROXY_CONNECTION,
    FIELD_KEEP_ALIVE,
    FIELD_TRANSFER_ENCODING,
    FIELD_CONTENT_LENGTH,
    FIELD_TE,
    FIELD_TRAILER,
    FIELD_UPGRADE,
    FIELD_EXPECT,
    FIELD_COOKIE,
    FIELD_SET_COOKIE,
    FIELD_X_FORWARDED_FOR,
    FIELD_X_ORIGINAL_TO,
    FIELD_FORWARDED,
    FIELD_USER_AGENT,
    FIELD_REFERER,
    FIELD_AUTHORIZATION,
    FIELD_ACCEPT,
    FIELD_ACCEPT_ENCODING,
    FIELD_ACCEPT_LANGUAGE,
    FIELD_CONTENT_TYPE,
    FIELD_CONTENT_ENCODING,
    FIELD_LOCATION,
    FIELD_DATE,
    FIELD_SERVER,
    FIELD_VIA,
    FIELD_CACHE_CONTROL,
    FIELD_VARY,
    FIELD_ETAG,
    FIELD_LAST_MODIFIED,
    FIELD_RANGE,
    FIELD_SEC_WEBSOCKET_KEY,
    FIELD_SEC_WEBSOCKET_ACCEPT,
    FIELD_ORIGIN,
    FIELD_IF_MODIFIED_SINCE,
    FIELD_IF_NONE_MATCH,
    FIELD_AGE,
    FIELD_WWW_AUTHENTICATE,
    FIELD_PROXY_AUTHENTICATE,
    FIELD_PROXY_AUTHORIZATION,
    FIELD_X_FORWARDED_PROTO,
    FIELD_SEC_WEBSOCKET_VERSION,
    FIELD_HTTP2_SETTINGS,
    FIELD_NAMES,
};

/* One name in a set of them. */
#define FIELD_BIT(name) (UINT64_C(1) << (name))

/* Methods are case-sensitive. */
enum http_method method_find(struct str text);
struct str method_text(enum http_method method); /* len 0 for METHOD_OTHER */
/* RFC 9110 9.2.2 */
int method_is_idempotent(enum http_method method);
/* `lower` is in lower case. FIELD_OTHER when unknown. */
static inline enum field_name field_name_find(const char *lower, size_t len);
struct str field_name_text(enum field_name name);
/* "Not Found"; for an unknown status the word of its class: "Client Error". Never NULL. */
const char *status_reason(int status);

/* --- how names are found: token.c explains -------------------------------- */

#define FIELD_NAME_ROOM  24 /* the longest known name fits */
#define FIELD_NAME_SLOTS 128

struct known_field_name {
    char text[FIELD_NAME_ROOM];
    uint64_t len; /* wide, so that an entry has 32 bytes */
};
extern const struct known_field_name known_field_names[FIELD_NAMES];
extern uint8_t field_name_slots[FIELD_NAME_SLOTS]; /* enum field_name; constant after start */

static inline unsigned
field_name_slot(const char *name, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)name;

    return (45 * (unsigned)len + 56u * bytes[0] + 23u * bytes[len - 1] + 35u * bytes[len >> 1]) %
           FIELD_NAME_SLOTS;
}

/* Both have `len` bytes, at most FIELD_NAME_ROOM. Words that overlap cover every length. */
static inline bool
field_name_is(const char *a, const char *b, size_t len)
{
    uint64_t a_first, a_last, b_first, b_last;

    if (len < 8) {
        uint32_t a_half, b_half, a_end, b_end;

        if (len < 4)
            return memcmp(a, b, len) == 0;
        memcpy(&a_half, a, 4);
        memcpy(&b_half, b, 4);
        memcpy(&a_end, a + len - 4, 4);
        memcpy(&b_end, b + len - 4, 4);
        return ((a_half ^ b_half) | (a_end ^ b_end)) == 0;
    }
    memcpy(&a_first, a, 8);
    memcpy(&b_first, b, 8);
    memcpy(&a_last, a + len - 8, 8);
    memcpy(&b_last, b + len - 8, 8);
    if (((a_first ^ b_first) | (a_last ^ b_last)) != 0)
        return false;
    return len <= 16 || memcmp(a + 8, b + 8, 8) == 0;
}

static inline enum field_name
field_name_find(const char *lower, size_t len)
{
    const struct known_field_name *known;
    unsigned found;

    if (len == 0)
        return FIELD_OTHER;
    found = field_name_slots[field_name_slot(lower, len)];
    known = &known_field_names[found];
    return known->len == len && field_name_is(lower, known->text, len) ? (enum field_name)found
                                                                       : FIELD_OTHER;
}
