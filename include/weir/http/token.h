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
enum field_name field_name_find(const char *lower, size_t len);
struct str field_name_text(enum field_name name);
/* "Not Found"; for an unknown status the word of its class: "Client Error". Never NULL. */
const char *status_reason(int status);
