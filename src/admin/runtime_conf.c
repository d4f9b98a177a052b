/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of the global section about the runtime socket.
 *
 * For:     "stats socket", "stats timeout", "stats maxconn".
 * Owns:    a slot of the globals.
 * Callers: the configuration room.
 * Thread:  builder.
 */
#include "weir/admin/runtime_conf.h"

#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/net/bind.h"
#include "private.h"

#define TIMEOUT_DEFAULT_MS  10000
#define MAXCONN_DEFAULT     10
#define PAYLOAD_MAX_DEFAULT (128 * 1024)

static void
init_conf(void *slot)
{
    struct runtime_conf *conf = slot;

    list_init(&conf->binds);
    conf->timeout_ms = TIMEOUT_DEFAULT_MS;
    conf->maxconn = MAXCONN_DEFAULT;
    conf->payload_max = PAYLOAD_MAX_DEFAULT;
}

static struct slot runtime_slot = { .name = "runtime socket",
                                    .owner = SLOT_GLOBAL,
                                    .size = sizeof(struct runtime_conf),
                                    .init = init_conf };
REGISTER_SLOT(runtime_slot);

struct runtime_conf *
runtime_conf_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &runtime_slot);
}

const struct bind_conf *
runtime_conf_best_bind(const struct snapshot *snapshot)
{
    const struct bind_conf *best = NULL;

    LIST_FOR_EACH (bind, &runtime_conf_of(snapshot)->binds, struct bind_conf, link) {
        if (best == NULL || bind->level > best->level)
            best = bind;
    }
    return best;
}

static bool
parse_socket(struct parse *parse)
{
    struct runtime_conf *conf = runtime_conf_of(parse->snapshot);
    int64_t number = 0;

    if (!bind_parse(parse, &conf->binds, conf))
        return false;
    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        if (bind->id == 0)
            bind->id = ++number;
    }
    return true;
}

static bool
parse_timeout(struct parse *parse)
{
    return parse_time(parse, "the longest silence of a runtime connection", "ms",
                      &runtime_conf_of(parse->snapshot)->timeout_ms) &&
           parse_end(parse);
}

static bool
parse_maxconn(struct parse *parse)
{
    return parse_int(parse, "a number of runtime connections", 1, INT32_MAX,
                     &runtime_conf_of(parse->snapshot)->maxconn) &&
           parse_end(parse);
}

static bool
parse_bind_process(struct parse *parse)
{
    while (words_next(parse->words) != NULL)
        continue;
    return parse_warn(parse, "'stats bind-process' has no effect: there is one process");
}

static bool
parse_payload_size(struct parse *parse)
{
    return parse_size(parse, "the largest payload of a command",
                      &runtime_conf_of(parse->snapshot)->payload_max) &&
           parse_end(parse);
}

static const struct keyword keywords[] = {
    { "stats socket", IN_GLOBAL, .parse = parse_socket, .args = "<address> [<bind option>]*",
      .help = "Listen for runtime commands." },
    { "stats timeout", IN_GLOBAL, .parse = parse_timeout, .args = "<time>",
      .help = "Close runtime connections that are silent for this time." },
    { "stats maxconn", IN_GLOBAL, .parse = parse_maxconn, .args = "<number>",
      .help = "How many runtime connections may be open at once." },
    { "stats bind-process", IN_GLOBAL, .parse = parse_bind_process, .args = "<set>",
      .help = "Has no effect: weir is one process." },
    { "tune.cli.max-payload-size", IN_GLOBAL, .parse = parse_payload_size, .args = "<size>",
      .help = "Largest payload of a runtime command." },
};
REGISTER(keyword, keywords);
