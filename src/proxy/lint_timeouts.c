/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lint: timeouts that are missing, or can hardly be meant.
 *
 * Thread: boot.
 */
#include <stddef.h>

#include "weir/config/lint.h"
#include "private.h"

#define SECOND 1000
#define HOUR   (3600 * SECOND)

struct limit {
    const char *name;
    unsigned side; /* of the proxies for which it counts */
    size_t offset; /* in struct proxy_timeouts */
    int64_t min_ms, max_ms;
    const char *why_low, *why_high;
};

#define AT(member) offsetof(struct proxy_timeouts, member)

static const struct limit limits[] = {
    { "timeout connect", SIDE_BACK, AT(connect_ms), 50, 60 * SECOND,
      "a connection to a busy server takes longer than that",
      "a client waits that long before another server is tried" },
    { "timeout client", SIDE_FRONT, AT(client_ms), 100, 24 * HOUR, "clients on slow lines are cut off",
      "clients that vanished hold their memory that long; 'timeout tunnel' is for long sessions" },
    { "timeout server", SIDE_BACK, AT(server_ms), 100, 24 * HOUR, "servers need longer to answer",
      "servers that hang hold their clients that long; 'timeout tunnel' is for long sessions" },
    { "timeout queue", SIDE_BACK, AT(queue_ms), 50, 600 * SECOND, "a queue needs time to be of use",
      "nobody waits that long for a page" },
    { "timeout http-request", SIDE_FRONT, AT(http_request_ms), 500, 300 * SECOND,
      "clients on slow lines need longer to send a request",
      "slow clients on purpose (slowloris) hold their connections that long" },
    { "timeout http-keep-alive", SIDE_FRONT, AT(http_keep_alive_ms), 10, HOUR,
      "clients never find their connection again", "idle clients hold their connections that long" },
};

/* `told`: what was told last; defaults give one value to many proxies. */
static void
check_limit(struct lint *lint, const struct proxy_conf *conf, const struct limit *limit,
            int64_t *told)
{
    int64_t ms = *(const int64_t *)((const char *)&conf->timeouts + limit->offset);
    bool is_low = ms > 0 && ms < limit->min_ms;

    if ((conf->sides & limit->side) == 0 || (!is_low && ms <= limit->max_ms) || ms == *told)
        return;
    *told = ms;
    lint_say(lint, conf->pos, is_low ? "a bare number is in milliseconds; write the unit" : "make it shorter",
             "'%s' of '%s' is %lld ms: %s", limit->name, conf->name, (long long)ms,
             is_low ? limit->why_low : limit->why_high);
}

/* Without it the whole time between two bytes is all that ends a slow request. */
static void
check_request(struct lint *lint, const struct proxy_conf *conf)
{
    if (proxy_conf_is_front(conf) && conf->mode == MODE_HTTP && conf->timeouts.http_request_ms == 0)
        lint_say(lint, conf->pos, "write: timeout http-request 10s",
                 "'%s' has no 'timeout http-request': clients may send a request byte by byte and "
                 "hold a connection for ever",
                 conf->name);
}

static void
check_timeouts(struct lint *lint, const struct snapshot *snapshot)
{
    int64_t told[COUNT(limits)] = { 0 };

    LIST_FOR_EACH (conf, proxy_list(snapshot), struct proxy_conf, link) {
        for (size_t i = 0; i < COUNT(limits); i++)
            check_limit(lint, conf, &limits[i], &told[i]);
        check_request(lint, conf);
    }
}

static const struct lint_check checks[] = {
    { "timeouts", check_timeouts, "Timeouts that are missing or absurd." },
};
REGISTER(lint_check, checks);
