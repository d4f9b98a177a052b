/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords of bind lines, but for those of TLS and QUIC.
 *
 * For:     bind.c, through the table of keywords.
 * Callers: keyword_run() with place IN_BIND.
 * Thread:  builder.
 */
#include "weir/net/bind.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/number.h"
#include "weir/config/keyword.h"
#include "weir/net/namespace.h"
#include "weir/os/process.h"

#define THREADS_MAX 64 /* bits of bind_conf.threads */

static void *
bind_slots(void *object)
{
    return ((struct bind_conf *)object)->slots;
}

static bool
parse_user(struct parse *parse)
{
    struct bind_conf *bind = parse->object;
    const char *name = parse_word(parse, "the name of a user");
    struct error err = ERROR_INIT;
    uid_t uid;

    if (name == NULL)
        return false;
    if (!process_find_user(name, &uid, &err))
        return parse_alert(parse, "'user': %s", err.text);
    bind->uid = uid;
    return true;
}

static bool
parse_group(struct parse *parse)
{
    struct bind_conf *bind = parse->object;
    const char *name = parse_word(parse, "the name of a group");
    struct error err = ERROR_INIT;
    gid_t gid;

    if (name == NULL)
        return false;
    if (!process_find_group(name, &gid, &err))
        return parse_alert(parse, "'group': %s", err.text);
    bind->gid = gid;
    return true;
}

static bool
parse_mode(struct parse *parse)
{
    struct bind_conf *bind = parse->object;
    const char *word = parse_word(parse, "the mode of a file, such as 660");
    char *end;

    if (word == NULL)
        return false;
    bind->mode = strtol(word, &end, 8);
    if (end == word || *end != '\0' || bind->mode < 0 || bind->mode > 07777)
        return parse_alert(
            parse, "'mode' expects the mode of a file in octal digits, such as 660, not '%s'",
            word);
    return true;
}

static bool
parse_namespace(struct parse *parse)
{
    struct bind_conf *bind = parse->object;
    const char *name = parse_word(parse, "the name of a network namespace");
    struct error err = ERROR_INIT;

    if (name == NULL)
        return false;
    bind->namespace = arena_copy(parse->arena, name);
    bind->namespace_fd = namespace_find(name, &err);
    return bind->namespace_fd != -1 || parse_alert(parse, "'namespace': %s", err.text);
}

static bool
parse_netscaler(struct parse *parse)
{
    struct bind_conf *bind = parse->object;

    if (!parse_int(parse, "a magic number", 0, UINT32_MAX, &bind->cip_magic))
        return false;
    bind->accept_cip = true;
    return true;
}

static bool
parse_expose_fd(struct parse *parse)
{
    struct bind_conf *bind = parse->object;
    static const char *const names[] = { "listeners", NULL };
    int at;

    if (!parse_choice(parse, "'listeners'", names, &at))
        return false;
    bind->expose_fd = true;
    return true;
}

static bool
parse_shards(struct parse *parse)
{
    struct bind_conf *bind = parse->object;
    const char *word = parse_word(parse, "a number, 'by-thread' or 'by-group'");
    int64_t count = 0;

    if (word == NULL)
        return false;
    if (strcmp(word, "by-thread") != 0 && strcmp(word, "by-group") != 0 &&
        !number_parse_int(str_from(word), 1, 1000, &count, NULL))
        return parse_alert(
            parse, "'shards' expects a number from 1 to 1000, 'by-thread' or 'by-group', not '%s'",
            word);
    bind->shards = (int)count;
    return true;
}

/* --- thread sets ------------------------------------------------------------------------- */

static uint64_t
bits(int64_t low, int64_t high)
{
    uint64_t set = 0;

    for (int64_t i = low; i <= high && i <= THREADS_MAX; i++)
        set |= (uint64_t)1 << (i - 1);
    return set;
}

/* "all", "odd", "even", "N", "N-M", "N-", "-M"; 0: none of them. */
static uint64_t
parse_thread_set(struct str word)
{
    struct str high_word = word;
    struct str low_word = str_split(&high_word, '-');
    int64_t low = 1, high = THREADS_MAX;

    if (str_eq(word, STR("all")))
        return bits(1, THREADS_MAX);
    if (str_eq(word, STR("odd")))
        return bits(1, THREADS_MAX) & 0x5555555555555555ull;
    if (str_eq(word, STR("even")))
        return bits(1, THREADS_MAX) & 0xaaaaaaaaaaaaaaaaull;
    if (low_word.len > 0 && !number_parse_int(low_word, 1, THREADS_MAX, &low, NULL))
        return 0;
    if (high_word.ptr == NULL)
        return low_word.len > 0 ? bits(low, low) : 0;
    if (high_word.len > 0 && !number_parse_int(high_word, low, THREADS_MAX, &high, NULL))
        return 0;
    return low_word.len + high_word.len > 0 ? bits(low, high) : 0;
}

static bool
parse_thread(struct parse *parse)
{
    struct bind_conf *bind = parse->object;
    const char *word = parse_word(parse, "threads, such as 1-4, odd or all");
    struct str rest = str_from(word);

    if (word == NULL)
        return false;
    bind->threads = 0;
    while (rest.ptr != NULL) {
        struct str part = str_split(&rest, ',');
        struct str set = part;
        struct str group = str_split(&set, '/');
        uint64_t threads;

        if (set.ptr == NULL)
            set = group;
        else if (!str_eq(group, STR("1")))
            return parse_alert(parse, "'thread': there is one group of threads, not '%.*s'",
                               STR_ARG(group));
        threads = parse_thread_set(set);
        if (threads == 0)
            return parse_alert(parse,
                               "'thread' expects threads, such as 1-4, odd or all, not '%.*s'",
                               STR_ARG(part));
        bind->threads |= threads;
    }
    return true;
}

/* --- the table ---------------------------------------------------------------------------- */

static const char *const levels[] = { "user", "operator", "admin", NULL };
static const char *const severity_outputs[] = { "none", "number", "string", NULL };

#define FLAG(name_, member_, help_)                                                                \
    {                                                                                              \
        name_, IN_BIND, SET_FLAG(struct bind_conf, member_), .help = help_                         \
    }
static bool
parse_nice(struct parse *parse)
{
    int64_t nice;

    if (!parse_int(parse, "a number from -1024 to 1024", -1024, 1024, &nice))
        return false;
    if (nice != 0)
        parse_warn(parse, "'nice' has no effect: connections are served in order");
    return true;
}

#define NUMBER(name_, args_, member_, low_, high_, help_)                                          \
    {                                                                                              \
        name_, IN_BIND, .args = args_, SET_INT(struct bind_conf, member_, low_, high_),            \
                        .help = help_                                                              \
    }
#define NAME(name_, args_, member_, help_)                                                         \
    {                                                                                              \
        name_, IN_BIND, .args = args_, SET_TEXT(struct bind_conf, member_), .help = help_          \
    }

static const struct keyword keywords[] = {
    FLAG("accept-proxy", accept_proxy, "Expect a PROXY protocol header and believe it."),
    { "accept-netscaler-cip", IN_BIND, .args = "<magic number>", .parse = parse_netscaler,
      .help = "Expect NetScaler's client IP header and believe it." },
    NUMBER("backlog", "<count>", backlog, 0, INT32_MAX,
           "Connections that may wait to be accepted."),
    NAME("cc", "<algorithm>", cc, "Use this TCP congestion control."),
    FLAG("defer-accept", defer_accept, "Accept a connection only once it has sent something."),
    { "expose-fd", IN_BIND, .args = "listeners", .parse = parse_expose_fd,
      .help = "Let a new process fetch the listening sockets here." },
    NUMBER("gid", "<number>", gid, 0, UINT32_MAX, "Group of the socket file, by number."),
    { "group", IN_BIND, .args = "<name>", .parse = parse_group,
      .help = "Group of the socket file." },
    NAME("guid-prefix", "<text>", guid_prefix, "Beginning of the unique ids of these listeners."),
    NUMBER("id", "<number>", id, 1, INT32_MAX, "Number of the socket in statistics."),
    NAME("interface", "<name>", interface, "Listen on this network interface only."),
    NAME("label", "<text>", label, "A free word to group sockets."),
    { "level", IN_BIND, .args = "<user|operator|admin>",
      SET_CHOICE(struct bind_conf, level, levels), .help = "What a runtime socket permits." },
    NUMBER("maxconn", "<count>", maxconn, 0, INT32_MAX, "Connections at once."),
    { "mode", IN_BIND, .args = "<mode>", .parse = parse_mode, .help = "Mode of the socket file." },
    NUMBER("mss", "<bytes>", mss, -65535, 65535, "Largest TCP segment."),
    NAME("name", "<name>", name, "Name of the socket in statistics and logs."),
    { "namespace", IN_BIND, .args = "<name>", .parse = parse_namespace,
      .help = "Listen in this network namespace." },
    { "nice", IN_BIND, .args = "<number>", .parse = parse_nice,
      .help = "Accepted with a warning: connections are served in order." },
    NAME("proto", "<name>", proto, "Speak this protocol, whatever else says."),
    { "severity-output", IN_BIND, .args = "<none|number|string>",
      SET_CHOICE(struct bind_conf, severity_output, severity_outputs),
      .help = "How a runtime socket shows the severity of its answers." },
    { "shards", IN_BIND, .args = "<count>|by-thread|by-group", .parse = parse_shards,
      .help = "How many sockets share the address." },
    NAME("tcp-md5sig", "<password>", tcp_md5sig, "Sign TCP segments (RFC 2385)."),
    NUMBER("tcp-ss", "<0|1|2>", tcp_ss, 0, 2,
           "Keep the SYN packet: 1 from IP on, 2 from Ethernet on."),
    { "tcp-ut", IN_BIND, .args = "<delay>", SET_TIME_MS(struct bind_conf, tcp_ut_ms),
      .help = "Give a connection up when sent bytes are not acknowledged for so long." },
    FLAG("tfo", tfo, "Take bytes that come with the first packet (TCP fast open)."),
    { "thread", IN_BIND, .args = "[<group>/]<set>[,...]", .parse = parse_thread,
      .help = "Threads that serve this address." },
    FLAG("transparent", transparent, "Listen on addresses that are not ours."),
    NUMBER("uid", "<number>", uid, 0, UINT32_MAX, "Owner of the socket file, by number."),
    { "user", IN_BIND, .args = "<name>", .parse = parse_user, .help = "Owner of the socket file." },
    FLAG("v4v6", v4v6, "Listen on IPv4 and IPv6 when the address is any."),
    FLAG("v6only", v6only, "Listen on IPv6 only when the address is any."),
};
REGISTER(keyword, keywords);

static const struct place_slots places[] = { { IN_BIND, bind_slots } };
REGISTER(place_slots, places);
