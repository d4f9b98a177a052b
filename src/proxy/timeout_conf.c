/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timeout keywords of proxies.
 *
 * Thread: builder.
 */
#include <ctype.h>
#include <string.h>

#include "weir/base/number.h"
#include "private.h"

#define SMALL_MS 100 /* less than this without a unit was probably meant in seconds */

static const struct {
    const char *name;
    size_t offset;
} timeouts[] = {
    { "client", offsetof(struct proxy_timeouts, client_ms) },
    { "server", offsetof(struct proxy_timeouts, server_ms) },
    { "connect", offsetof(struct proxy_timeouts, connect_ms) },
    { "queue", offsetof(struct proxy_timeouts, queue_ms) },
    { "check", offsetof(struct proxy_timeouts, check_ms) },
    { "tunnel", offsetof(struct proxy_timeouts, tunnel_ms) },
    { "tarpit", offsetof(struct proxy_timeouts, tarpit_ms) },
    { "client-fin", offsetof(struct proxy_timeouts, client_fin_ms) },
    { "server-fin", offsetof(struct proxy_timeouts, server_fin_ms) },
    { "http-request", offsetof(struct proxy_timeouts, http_request_ms) },
    { "http-keep-alive", offsetof(struct proxy_timeouts, http_keep_alive_ms) },
};

static int64_t *
timeout_at(struct proxy_conf *conf, const char *name)
{
    for (size_t i = 0; i < COUNT(timeouts); i++) {
        if (strcmp(timeouts[i].name, name) == 0)
            return (int64_t *)((char *)&conf->timeouts + timeouts[i].offset);
    }
    return NULL;
}

static bool
parse_timeout(struct parse *parse)
{
    int64_t *to = timeout_at(parse->object, parse->keyword + strlen("timeout "));
    const char *word = words_peek(parse->words);

    if (!parse_time(parse, "a time such as 30s", "ms", to))
        return false;
    if (*to > 0 && *to < SMALL_MS && isdigit((unsigned char)word[strlen(word) - 1]))
        parse_warn(parse,
                   "'%s %s' means %lld milliseconds; write a unit if that is meant, such as "
                   "%lldms",
                   parse->keyword, word, (long long)*to, (long long)*to);
    return parse_end(parse);
}

#define TIMEOUT(name_, place_, help_)                                                              \
    {                                                                                              \
        "timeout " name_, place_, .args = "<time>", .parse = parse_timeout, .help = help_          \
    }

static const struct keyword keywords[] = {
    TIMEOUT("client", IN_FRONT, "How long a client may be silent."),
    TIMEOUT("server", IN_BACK, "How long a server may be silent."),
    TIMEOUT("connect", IN_BACK, "How long a connection to a server may take."),
    TIMEOUT("queue", IN_BACK,
            "How long a request may wait for a server; timeout connect by default."),
    TIMEOUT("check", IN_BACK, "How long a health check may take once it is connected."),
    TIMEOUT("tunnel", IN_BACK, "How long a tunnel may be silent on both sides."),
    TIMEOUT("tarpit", IN_PROXY, "How long a tarpitted request is held."),
    TIMEOUT("client-fin", IN_FRONT, "How long a client that has finished sending may be silent."),
    TIMEOUT("server-fin", IN_BACK, "How long a server that has finished sending may be silent."),
    TIMEOUT("http-request", IN_PROXY, "How long the head of a request may take to arrive."),
    TIMEOUT("http-keep-alive", IN_PROXY, "How long a client may be idle between two requests."),
};
REGISTER(keyword, keywords);
