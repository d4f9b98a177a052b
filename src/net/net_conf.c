/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords of the global section that are about sockets.
 *
 * For:     bind.c (unix-bind), acceptor.c (tune.maxaccept), splice.c (pipes), socket buffers.
 * Callers: the table of keywords; readers through the functions of private.h.
 * Thread:  builder; control publishes what traffic threads read as plain numbers.
 */
#include "weir/net/net_conf.h"

#include <stdlib.h>
#include <string.h>

#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/net/splice.h"
#include "weir/os/process.h"
#include "private.h"

#define ACCEPT_MAX_DEFAULT 64

static void
init(void *slot)
{
    struct net_conf *conf = slot;

    conf->unix_bind = (struct unix_bind){ .mode = -1, .uid = -1, .gid = -1 };
    conf->max_accept = ACCEPT_MAX_DEFAULT;
    conf->max_pipes = -1;
}

static struct slot net_slot = {
    .name = "net",
    .owner = SLOT_GLOBAL,
    .size = sizeof(struct net_conf),
    .init = init,
};
REGISTER_SLOT(net_slot);

const struct net_conf *
net_conf_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &net_slot);
}

const struct unix_bind *
net_conf_unix_bind(const struct snapshot *snapshot)
{
    return &net_conf_of(snapshot)->unix_bind;
}

/* --- unix-bind --------------------------------------------------------------------------- */

static bool
parse_mode(struct parse *parse, struct unix_bind *defaults)
{
    const char *word = parse_word(parse, "the mode of a file, such as 660");
    char *end;

    if (word == NULL)
        return false;
    defaults->mode = strtol(word, &end, 8);
    if (end == word || *end != '\0' || defaults->mode < 0 || defaults->mode > 07777)
        return parse_alert(parse, "'unix-bind mode' expects octal digits, such as 660, not '%s'",
                           word);
    return true;
}

static bool
parse_user(struct parse *parse, struct unix_bind *defaults)
{
    const char *name = parse_word(parse, "the name of a user");
    struct error err = ERROR_INIT;
    uid_t uid;

    if (name == NULL)
        return false;
    if (!process_find_user(name, &uid, &err))
        return parse_alert(parse, "'unix-bind user': %s", err.text);
    defaults->uid = uid;
    return true;
}

static bool
parse_group(struct parse *parse, struct unix_bind *defaults)
{
    const char *name = parse_word(parse, "the name of a group");
    struct error err = ERROR_INIT;
    gid_t gid;

    if (name == NULL)
        return false;
    if (!process_find_group(name, &gid, &err))
        return parse_alert(parse, "'unix-bind group': %s", err.text);
    defaults->gid = gid;
    return true;
}

static bool
parse_prefix(struct parse *parse, struct unix_bind *defaults)
{
    const char *prefix = parse_word(parse, "the beginning of a path");

    if (prefix == NULL)
        return false;
    defaults->prefix = arena_copy(parse->arena, prefix);
    return true;
}

static bool
parse_unix_bind(struct parse *parse)
{
    static const char *const names[] = { "prefix", "mode", "user", "uid", "group", "gid", NULL };
    struct net_conf *conf = keyword_slot(parse, &net_slot);
    struct unix_bind *defaults = &conf->unix_bind;
    bool fine = true;
    int at;

    if (words_at_end(parse->words))
        return parse_alert_next(parse, "'unix-bind' expects prefix, mode, user, uid, group or gid");
    while (fine && !words_at_end(parse->words)) {
        if (!parse_choice(parse, "prefix, mode, user, uid, group or gid", names, &at))
            return false;
        if (at == 0)
            fine = parse_prefix(parse, defaults);
        else if (at == 1)
            fine = parse_mode(parse, defaults);
        else if (at == 2)
            fine = parse_user(parse, defaults);
        else if (at == 4)
            fine = parse_group(parse, defaults);
        else
            fine = parse_int(parse, "a number", 0, UINT32_MAX,
                             at == 3 ? &defaults->uid : &defaults->gid);
    }
    return fine;
}

static bool
parse_maxaccept(struct parse *parse)
{
    struct net_conf *conf = keyword_slot(parse, &net_slot);
    int64_t count;

    if (!parse_int(parse, "a number, or -1 for no limit", -1, INT32_MAX, &count))
        return false;
    conf->max_accept = count < 0 ? INT32_MAX : count == 0 ? ACCEPT_MAX_DEFAULT : count;
    return true;
}

static bool
publish(struct parse *parse)
{
    const struct net_conf *conf = net_conf_of(parse->snapshot);

    acceptor_set_max((unsigned)conf->max_accept);
    splice_configure(conf->no_splice ? 0 : conf->max_pipes, conf->pipe_size);
    return true;
}

#define BYTES(name_, member_, help_)                                                               \
    {                                                                                              \
        name_, IN_GLOBAL, .args = "<size>", .slot = &net_slot, SET_SIZE(struct net_conf, member_), \
                          .help = help_                                                            \
    }

static const struct keyword keywords[] = {
    { "unix-bind", IN_GLOBAL,
      .args = "[prefix <path>] [mode <mode>] [user <name>] [uid <n>] [group <name>] [gid <n>]",
      .parse = parse_unix_bind, .help = "Defaults of unix listening sockets." },
    { "tune.maxaccept", IN_GLOBAL, .args = "<count>", .parse = parse_maxaccept,
      .help = "Connections accepted in a row before other work is done." },
    { "maxpipes", IN_GLOBAL, .args = "<count>", .slot = &net_slot,
      SET_INT(struct net_conf, max_pipes, 0, INT32_MAX), .help = "Pipes that splicing may use." },
    { "nosplice", IN_GLOBAL, .slot = &net_slot, SET_FLAG(struct net_conf, no_splice),
      .help = "Never splice." },
    { "noreuseport", IN_GLOBAL, .slot = &net_slot, SET_FLAG(struct net_conf, no_reuseport),
      .help = "One socket for each listening address, which all threads share." },
    BYTES("tune.pipesize", pipe_size,
          "Size of the pipes that splicing uses; 0: as the system has it."),
    BYTES("tune.rcvbuf.client", rcvbuf_client, "Receive buffer of client sockets in the kernel."),
    BYTES("tune.rcvbuf.server", rcvbuf_server, "Receive buffer of server sockets in the kernel."),
    BYTES("tune.sndbuf.client", sndbuf_client, "Send buffer of client sockets in the kernel."),
    BYTES("tune.sndbuf.server", sndbuf_server, "Send buffer of server sockets in the kernel."),
};
REGISTER(keyword, keywords);

static const struct config_hook hooks[] = {
    { CONFIG_PUBLISH, ORDER_NET, publish, "net" },
};
REGISTER(config_hook, hooks);
