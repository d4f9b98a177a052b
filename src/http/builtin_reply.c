/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages that weir has without any file: users compare them with HAProxy's, byte for byte.
 *
 * For:     errors, until the configuration names a file for them.
 * Callers: stream, rules.
 * Thread:  constant; any.
 *
 * Oddities (the dot of 501, "Unauthorized" for 407) are HAProxy's.
 */
#include "weir/base/registry.h"
#include "weir/http/reply.h"

#define FIELD(name_, id_, value_)                                                                  \
    {                                                                                              \
        .name = (name_), .name_len = sizeof(name_) - 1, .id = (id_), .value = (value_),            \
        .value_len = sizeof(value_) - 1                                                            \
    }

/* Those that end the connection say so: the last one. */
static const struct field fields[] = {
    FIELD("cache-control", FIELD_CACHE_CONTROL, "no-cache"),
    FIELD("content-type", FIELD_CONTENT_TYPE, "text/html"),
    FIELD("connection", FIELD_CONNECTION, "close"),
};

#define TEXT(lit)                                                                                  \
    {                                                                                              \
        (lit), sizeof(lit) - 1                                                                     \
    }
#define PAGE_OF(status_, reason_, text_, count_)                                                   \
    {                                                                                              \
        .status = (status_), .version_minor = 1, .reason = TEXT(reason_), .fields = fields,        \
        .field_count = (count_),                                                                   \
        .body = TEXT("<html><body><h1>" #status_ " " reason_ "</h1>\n" text_ "\n</body></html>\n") \
    }
#define PAGE(status_, reason_, text_)         PAGE_OF(status_, reason_, text_, 2)
#define CLOSING_PAGE(status_, reason_, text_) PAGE_OF(status_, reason_, text_, 3)

static const struct reply pages[] = {
    PAGE(200, "OK", "Service ready."),
    CLOSING_PAGE(400, "Bad request", "Your browser sent an invalid request."),
    PAGE(401, "Unauthorized", "You need a valid user and password to access this content."),
    PAGE(403, "Forbidden", "Request forbidden by administrative rules."),
    PAGE(404, "Not Found", "The resource could not be found."),
    PAGE(405, "Method Not Allowed",
         "A request was made of a resource using a request method not supported by that resource"),
    PAGE(407, "Unauthorized", "You need a valid user and password to access this content."),
    CLOSING_PAGE(408, "Request Time-out", "Your browser didn't send a complete request in time."),
    PAGE(410, "Gone", "The resource is no longer available and will not be available again."),
    PAGE(413, "Payload Too Large", "The request entity exceeds the maximum allowed."),
    CLOSING_PAGE(414, "URI Too Long", "The requested URI is too long."),
    PAGE(421, "Misdirected Request", "Request sent to a non-authoritative server."),
    PAGE(422, "Unprocessable Content", "The server cannot process the contained instructions."),
    PAGE(425, "Too Early", "Your browser sent early data."),
    PAGE(429, "Too Many Requests", "You have sent too many requests in a given amount of time."),
    CLOSING_PAGE(431, "Request Header Fields Too Large",
                 "The header fields of the request are too large."),
    PAGE(500, "Internal Server Error", "An internal server error occurred."),
    PAGE(501, "Not Implemented",
         ".The server does not support the functionality required to fulfill the request."),
    PAGE(502, "Bad Gateway", "The server returned an invalid or incomplete response."),
    PAGE(503, "Service Unavailable", "No server is available to handle this request."),
    PAGE(504, "Gateway Time-out", "The server didn't respond in time."),
    CLOSING_PAGE(505, "HTTP Version Not Supported", "This version of HTTP is not supported."),
};

const struct reply *
reply_builtin(int status)
{
    for (size_t i = 0; i < COUNT(pages); i++) {
        if (pages[i].status == status)
            return &pages[i];
    }
    return NULL;
}
