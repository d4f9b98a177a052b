/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of HTTP as small numbers, and back.
 *
 * For:     the parsers turn names into numbers once, so that nobody compares text later.
 * Callers: everybody who looks at a message.
 * Thread:  pure; the table is filled before main() and never changes.
 *
 * Field names stand in a table without collisions, found by four multiplications: length, first,
 * middle and last byte tell the known names apart. A new name that collides stops every program at
 * its start: then other factors must be tried.
 */
#include "weir/http/token.h"

#include <string.h>

#include "weir/base/crash.h"

/* --- field names ---------------------------------------------------------- */

#define NAME(lit)                                                                                  \
    {                                                                                              \
        lit, sizeof(lit) - 1                                                                       \
    }
const struct known_field_name known_field_names[FIELD_NAMES] = {
    [FIELD_OTHER] = NAME(""),
    [FIELD_HOST] = NAME("host"),
    [FIELD_CONNECTION] = NAME("connection"),
    [FIELD_PROXY_CONNECTION] = NAME("proxy-connection"),
    [FIELD_KEEP_ALIVE] = NAME("keep-alive"),
    [FIELD_TRANSFER_ENCODING] = NAME("transfer-encoding"),
    [FIELD_CONTENT_LENGTH] = NAME("content-length"),
    [FIELD_TE] = NAME("te"),
    [FIELD_TRAILER] = NAME("trailer"),
    [FIELD_UPGRADE] = NAME("upgrade"),
    [FIELD_EXPECT] = NAME("expect"),
    [FIELD_COOKIE] = NAME("cookie"),
    [FIELD_SET_COOKIE] = NAME("set-cookie"),
    [FIELD_X_FORWARDED_FOR] = NAME("x-forwarded-for"),
    [FIELD_X_ORIGINAL_TO] = NAME("x-original-to"),
    [FIELD_FORWARDED] = NAME("forwarded"),
    [FIELD_USER_AGENT] = NAME("user-agent"),
    [FIELD_REFERER] = NAME("referer"),
    [FIELD_AUTHORIZATION] = NAME("authorization"),
    [FIELD_ACCEPT] = NAME("accept"),
    [FIELD_ACCEPT_ENCODING] = NAME("accept-encoding"),
    [FIELD_ACCEPT_LANGUAGE] = NAME("accept-language"),
    [FIELD_CONTENT_TYPE] = NAME("content-type"),
    [FIELD_CONTENT_ENCODING] = NAME("content-encoding"),
    [FIELD_LOCATION] = NAME("location"),
    [FIELD_DATE] = NAME("date"),
    [FIELD_SERVER] = NAME("server"),
    [FIELD_VIA] = NAME("via"),
    [FIELD_CACHE_CONTROL] = NAME("cache-control"),
    [FIELD_VARY] = NAME("vary"),
    [FIELD_ETAG] = NAME("etag"),
    [FIELD_LAST_MODIFIED] = NAME("last-modified"),
    [FIELD_RANGE] = NAME("range"),
    [FIELD_SEC_WEBSOCKET_KEY] = NAME("sec-websocket-key"),
    [FIELD_SEC_WEBSOCKET_ACCEPT] = NAME("sec-websocket-accept"),
    [FIELD_ORIGIN] = NAME("origin"),
    [FIELD_IF_MODIFIED_SINCE] = NAME("if-modified-since"),
    [FIELD_IF_NONE_MATCH] = NAME("if-none-match"),
    [FIELD_AGE] = NAME("age"),
    [FIELD_WWW_AUTHENTICATE] = NAME("www-authenticate"),
    [FIELD_PROXY_AUTHENTICATE] = NAME("proxy-authenticate"),
    [FIELD_PROXY_AUTHORIZATION] = NAME("proxy-authorization"),
    [FIELD_X_FORWARDED_PROTO] = NAME("x-forwarded-proto"),
    [FIELD_SEC_WEBSOCKET_VERSION] = NAME("sec-websocket-version"),
    [FIELD_HTTP2_SETTINGS] = NAME("http2-settings"),
};

_Static_assert(FIELD_NAMES <= 64, "a set of field names is a 64-bit word");

uint8_t field_name_slots[FIELD_NAME_SLOTS];

__attribute__((constructor)) static void
fill_slots(void)
{
    for (unsigned i = 1; i < FIELD_NAMES; i++) {
        unsigned at = field_name_slot(known_field_names[i].text, known_field_names[i].len);

        MUST(field_name_slots[at] == FIELD_OTHER);
        field_name_slots[at] = (uint8_t)i;
    }
}

struct str
field_name_text(enum field_name name)
{
    MUST(name < FIELD_NAMES);
    return str_of(known_field_names[name].text, known_field_names[name].len);
}

/* --- methods -------------------------------------------------------------- */

static const struct str methods[METHODS] = {
    [METHOD_OTHER] = { "", 0 },          [METHOD_OPTIONS] = { "OPTIONS", 7 },
    [METHOD_GET] = { "GET", 3 },         [METHOD_HEAD] = { "HEAD", 4 },
    [METHOD_POST] = { "POST", 4 },       [METHOD_PUT] = { "PUT", 3 },
    [METHOD_DELETE] = { "DELETE", 6 },   [METHOD_TRACE] = { "TRACE", 5 },
    [METHOD_CONNECT] = { "CONNECT", 7 }, [METHOD_PATCH] = { "PATCH", 5 },
};

static enum http_method
method_if(struct str text, enum http_method method)
{
    return memcmp(text.ptr, methods[method].ptr, text.len) == 0 ? method : METHOD_OTHER;
}

enum http_method
method_find(struct str text)
{
    switch (text.len) {
    case 3:
        return method_if(text, text.ptr[0] == 'G' ? METHOD_GET : METHOD_PUT);
    case 4:
        return method_if(text, text.ptr[0] == 'P' ? METHOD_POST : METHOD_HEAD);
    case 5:
        return method_if(text, text.ptr[0] == 'P' ? METHOD_PATCH : METHOD_TRACE);
    case 6:
        return method_if(text, METHOD_DELETE);
    case 7:
        return method_if(text, text.ptr[0] == 'C' ? METHOD_CONNECT : METHOD_OPTIONS);
    default:
        return METHOD_OTHER;
    }
}

struct str
method_text(enum http_method method)
{
    MUST(method < METHODS);
    return methods[method];
}

int
method_is_idempotent(enum http_method method)
{
    return method == METHOD_GET || method == METHOD_HEAD || method == METHOD_PUT ||
           method == METHOD_DELETE || method == METHOD_OPTIONS || method == METHOD_TRACE;
}

/* --- statuses ------------------------------------------------------------- */

#define STATUS_FIRST 100
#define STATUS_LAST  599

/* Some of these words are older than today's RFCs: users and their tools know them. */
static const char *const reasons[STATUS_LAST - STATUS_FIRST + 1] = {
#define R(status, text) [(status)-STATUS_FIRST] = (text)
    R(100, "Continue"),
    R(101, "Switching Protocols"),
    R(102, "Processing"),
    R(103, "Early Hints"),
    R(200, "OK"),
    R(201, "Created"),
    R(202, "Accepted"),
    R(203, "Non-Authoritative Information"),
    R(204, "No Content"),
    R(205, "Reset Content"),
    R(206, "Partial Content"),
    R(207, "Multi-Status"),
    R(210, "Content Different"),
    R(226, "IM Used"),
    R(300, "Multiple Choices"),
    R(301, "Moved Permanently"),
    R(302, "Moved Temporarily"),
    R(303, "See Other"),
    R(304, "Not Modified"),
    R(305, "Use Proxy"),
    R(307, "Temporary Redirect"),
    R(308, "Permanent Redirect"),
    R(310, "Too many Redirects"),
    R(400, "Bad Request"),
    R(401, "Unauthorized"),
    R(402, "Payment Required"),
    R(403, "Forbidden"),
    R(404, "Not Found"),
    R(405, "Method Not Allowed"),
    R(406, "Not Acceptable"),
    R(407, "Proxy Authentication Required"),
    R(408, "Request Time-out"),
    R(409, "Conflict"),
    R(410, "Gone"),
    R(411, "Length Required"),
    R(412, "Precondition Failed"),
    R(413, "Request Entity Too Large"),
    R(414, "Request-URI Too Long"),
    R(415, "Unsupported Media Type"),
    R(416, "Requested range unsatisfiable"),
    R(417, "Expectation failed"),
    R(418, "I'm a teapot"),
    R(421, "Misdirected Request"),
    R(422, "Unprocessable Content"),
    R(423, "Locked"),
    R(424, "Method failure"),
    R(425, "Too Early"),
    R(426, "Upgrade Required"),
    R(428, "Precondition Required"),
    R(429, "Too Many Requests"),
    R(431, "Request Header Fields Too Large"),
    R(449, "Retry With"),
    R(450, "Blocked by Windows Parental Controls"),
    R(451, "Unavailable For Legal Reasons"),
    R(456, "Unrecoverable Error"),
    R(499, "client has closed connection"),
    R(500, "Internal Server Error"),
    R(501, "Not Implemented"),
    R(502, "Bad Gateway or Proxy Error"),
    R(503, "Service Unavailable"),
    R(504, "Gateway Time-out"),
    R(505, "HTTP Version not supported"),
    R(506, "Variant also negotiate"),
    R(507, "Insufficient storage"),
    R(508, "Loop detected"),
    R(509, "Bandwidth Limit Exceeded"),
    R(510, "Not extended"),
    R(511, "Network authentication required"),
    R(520, "Web server is returning an unknown error"),
#undef R
};

const char *
status_reason(int status)
{
    static const char *const classes[] = { "Informational", "Success", "Redirection",
                                           "Client Error", "Server Error" };
    const char *reason;

    if (status < STATUS_FIRST || status > STATUS_LAST)
        return "Other";
    reason = reasons[status - STATUS_FIRST];
    return reason != NULL ? reason : classes[status / 100 - 1];
}
