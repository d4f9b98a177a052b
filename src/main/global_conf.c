/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The global section: keywords about the process. Keywords that belong to a feature stand in the
 * feature's room.
 *
 * Thread: builder.
 */
#include "weir/main/global_conf.h"

#include <string.h>
#include <unistd.h>

#include "weir/config/environment.h"
#include "weir/config/keyword.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/main/options.h"
#include "weir/os/process.h"
#include "weir/proxy/proxy.h"
#include "weir/server/server_addr.h"
#include "weir/telemetry/process.h"
#include "private.h"
#include "weir/proxy/proxy.h"

#define BUFSIZE_MIN     1024
#define BUFSIZE_MAX     (256u << 20)
#define BUFSIZE_DEFAULT 16384

static void
init(void *slot)
{
    struct global_conf *global = slot;

    global->bufsize = BUFSIZE_DEFAULT;
    global->fd_hard_limit = 1048576;
}

static struct slot global_slot = {
    .name = "process",
    .owner = SLOT_GLOBAL,
    .size = sizeof(struct global_conf),
    .init = init,
};
REGISTER_SLOT(global_slot);

static const struct options *options;

const struct global_conf *
global_conf_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &global_slot);
}

struct global_conf *
global_conf_writable(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &global_slot);
}

void
global_conf_set_options(const struct options *what)
{
    options = what;
    if (options->ignore_unresolved)
        server_addr_ignore_unresolved();
}

const struct options *
global_conf_options(void)
{
    return options;
}

static struct global_conf *
writable(struct parse *parse)
{
    return global_conf_writable(parse->snapshot);
}

/* --- the section -------------------------------------------------------------------- */

static bool
open_global(struct parse *parse)
{
    parse->object = parse->snapshot->globals;
    return parse_end(parse);
}

static void *
slots_of_global(void *object)
{
    return object;
}

/* --- keywords with a syntax of their own ----------------------------------------------- */

/* Whom the process has become already; in a chroot there is no list of users. NULL: it begins. */
static const struct global_conf *
running_conf(void)
{
    const struct snapshot *snapshot = snapshot_current();

    return snapshot == NULL ? NULL : global_conf_of(snapshot);
}

static bool
is_same_name(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

static bool
parse_user(struct parse *parse)
{
    const char *name = parse_word(parse, "a user's name");
    struct error err = ERROR_INIT;
    uid_t uid;

    if (name == NULL)
        return false;
    if (running_conf() != NULL && is_same_name(running_conf()->user, name))
        uid = (uid_t)running_conf()->uid;
    else if (!process_find_user(name, &uid, &err))
        return parse_alert(parse, "%s", err.text);
    writable(parse)->uid = uid;
    writable(parse)->user = name;
    writable(parse)->has_user = true;
    return parse_end(parse);
}

static bool
parse_group(struct parse *parse)
{
    const char *name = parse_word(parse, "a group's name");
    struct error err = ERROR_INIT;
    gid_t gid;

    if (name == NULL)
        return false;
    if (running_conf() != NULL && is_same_name(running_conf()->group, name))
        gid = (gid_t)running_conf()->gid;
    else if (!process_find_group(name, &gid, &err))
        return parse_alert(parse, "%s", err.text);
    writable(parse)->gid = gid;
    writable(parse)->group = name;
    return parse_end(parse);
}

static bool
parse_chroot(struct parse *parse)
{
    const char *path = parse_word(parse, "a folder");

    if (path == NULL)
        return false;
    if (strcmp(path, "auto") == 0)
        return parse_not_yet(parse, "chroot auto");
    writable(parse)->chroot = path;
    return parse_end(parse);
}

static bool
parse_id(struct parse *parse)
{
    struct global_conf *global = writable(parse);
    bool is_user = strcmp(parse->keyword, "uid") == 0;

    if (is_user)
        global->has_user = true;
    return parse_int(parse, is_user ? "the number of a user" : "the number of a group", 0,
                     UINT32_MAX, is_user ? &global->uid : &global->gid) &&
           parse_end(parse);
}

/* "set-dumpable [on|off|libs]": libraries are part of the core file anyway. */
static bool
parse_dumpable(struct parse *parse)
{
    static const char *const names[] = { "on", "off", "libs", NULL };
    int how = 0;

    if (!words_at_end(parse->words) && !parse_choice(parse, "on, off or libs", names, &how))
        return false;
    writable(parse)->dumpable = how != 1 && !parse->negated;
    return parse_end(parse);
}

static bool
parse_local_peer(struct parse *parse)
{
    const char *name = parse_word(parse, "a name");

    if (name == NULL)
        return false;
    if (options != NULL && options->peer_name != NULL)
        return parse_warn(parse, "'localpeer' is ignored: -L is given") && parse_end(parse);
    writable(parse)->local_peer = name;
    environment_set(parse->snapshot, "HAPROXY_LOCALPEER", name);
    return parse_end(parse);
}

static bool
parse_master_worker(struct parse *parse)
{
    if (words_accept(parse->words, "no-exit-on-failure"))
        return parse_end(parse);
    diag_add(parse->diag, DIAG_NOTICE, parse_pos(parse), NULL, 0,
             "'master-worker' is asked for on the command line now: -W or -Ws");
    writable(parse)->is_master = true;
    return parse_end(parse);
}

static bool
parse_bufsize(struct parse *parse)
{
    struct global_conf *global = writable(parse);

    if (!parse_size(parse, "a size in bytes", &global->bufsize))
        return false;
    if (global->bufsize < BUFSIZE_MIN || global->bufsize >= BUFSIZE_MAX)
        return parse_alert(parse, "'tune.bufsize' expects a size from %d bytes to 256 MB",
                           BUFSIZE_MIN);
    return parse_end(parse);
}

static bool
parse_setcap(struct parse *parse)
{
    const char *list = parse_word(parse, "capabilities, such as cap_net_bind_service");
    struct str rest = str_from(list);

    while (list != NULL && rest.ptr != NULL) {
        struct str name = str_split(&rest, ',');
        int bit = process_find_capability(name);

        if (bit < 0)
            return parse_alert(parse,
                               "unknown capability '%.*s'; known: cap_net_admin, cap_net_raw, "
                               "cap_net_bind_service, cap_sys_admin",
                               STR_ARG(name));
        writable(parse)->capabilities |= 1ull << bit;
    }
    return list != NULL && parse_end(parse);
}

static bool
parse_stop_time(struct parse *parse)
{
    struct global_conf *global = writable(parse);
    int64_t *to =
        strcmp(parse->keyword, "grace") == 0 ? &global->grace_ms : &global->hard_stop_after_ms;

    return parse_time(parse, "a time", "ms", to) && parse_end(parse);
}

static bool
parse_spread(struct parse *parse)
{
    struct global_conf *global = writable(parse);

    if (words_accept(parse->words, "infinite")) {
        global->close_spread_ms = -1;
        return parse_end(parse);
    }
    return parse_time(parse, "a time, or 'infinite'", "ms", &global->close_spread_ms) &&
           parse_end(parse);
}

static bool
parse_description(struct parse *parse)
{
    writable(parse)->description = words_rest(parse);
    return true;
}

/* --- after the text is read --------------------------------------------------------------- */

/* -N: frontends without a limit of their own. */
static void
limit_proxies(struct snapshot *snapshot, int64_t maxconn)
{
    LIST_FOR_EACH (conf, proxy_list(snapshot), struct proxy_conf, link) {
        if (conf->maxconn == 0)
            conf->maxconn = maxconn;
    }
}

static bool
apply_options(struct parse *parse)
{
    struct global_conf *global = writable(parse);

    if (options == NULL)
        return true;
    if (options->maxconn > 0)
        global->maxconn = options->maxconn;
    if (options->proxy_maxconn > 0)
        limit_proxies(parse->snapshot, options->proxy_maxconn);
    if (options->peer_name != NULL)
        global->local_peer = options->peer_name;
    if (options->pid_file != NULL)
        global->pid_file = options->pid_file;
    return true;
}

/* Loops are made with the first configuration. */
static bool
choose_poller(struct parse *parse)
{
    const struct global_conf *global = writable(parse);

    if (thread_count() == 0 && global->no_epoll)
        loop_set_poller(global->no_poll ? LOOP_SELECT : LOOP_POLL);
    return true;
}

/* At the start, before rights are given up. */
static bool
judge_rights(struct parse *parse)
{
    const struct global_conf *global = writable(parse);
    struct source_pos nowhere = { NULL, 0 };

    if (snapshot_current() != NULL)
        return true;
    if (geteuid() == 0 && !global->has_user)
        parse_warn_at(parse, nowhere,
                      "weir runs as root; 'user' in the global section gives that up ('uid 0' "
                      "silences this)");
    if (geteuid() == 0 && global->chroot == NULL)
        parse_warn_at(parse, nowhere,
                      "weir sees the whole file system; 'chroot' in the global section changes "
                      "that ('chroot /' silences this)");
    if (global->strict_limits && this_process.maxconn < global->maxconn)
        return parse_alert_at(parse, nowhere,
                              "'maxconn %lld' needs more descriptors than the system allows, and "
                              "'strict-limits' is set",
                              (long long)global->maxconn);
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_PROXY, apply_options, "main: command line over global" },
    { CONFIG_CHECK, ORDER_MAIN, choose_poller, "main: poller" },
    { CONFIG_ADOPT, ORDER_CONFIG, judge_rights, "main: rights and limits" },
};
REGISTER(config_hook, hooks);

static const struct section sections[] = {
    { "global", IN_GLOBAL, open_global, NULL, "Settings of the process." },
};
REGISTER(section, sections);

static const struct place_slots place_slots_of_global[] = { { IN_GLOBAL, slots_of_global } };
REGISTER(place_slots, place_slots_of_global);

static const struct keyword keywords[] = {
    { "daemon", IN_GLOBAL, .flags = KEYWORD_RESTART, .slot = &global_slot, SET_FLAG(struct global_conf, daemon),
      .help = "Go to the background once ready." },
    { "quiet", IN_GLOBAL, .slot = &global_slot, SET_FLAG(struct global_conf, quiet),
      .help = "Print nothing but alerts at start." },
    { "zero-warning", IN_GLOBAL, .slot = &global_slot, SET_FLAG(struct global_conf, zero_warning),
      .help = "Warnings of the configuration refuse it." },
    { "insecure-setuid-wanted", IN_GLOBAL, .flags = KEYWORD_NO | KEYWORD_RESTART, .slot = &global_slot,
      SET_FLAG(struct global_conf, may_gain_rights),
      .help = "Programs that weir runs (external checks) may gain rights by their setuid bits." },
    { "set-dumpable", IN_GLOBAL, .flags = KEYWORD_NO | KEYWORD_RESTART, .args = "[on|off|libs]",
      .parse = parse_dumpable, .help = "Allow core files after a change of user." },
    { "strict-limits", IN_GLOBAL, .flags = KEYWORD_NO | KEYWORD_RESTART, .slot = &global_slot,
      SET_FLAG(struct global_conf, strict_limits),
      .help = "Do not start with fewer connections than maxconn says; by default, fewer are a "
              "warning." },
    { "noepoll", IN_GLOBAL, .flags = KEYWORD_RESTART, .slot = &global_slot, SET_FLAG(struct global_conf, no_epoll),
      .help = "Use poll instead of epoll." },
    { "nopoll", IN_GLOBAL, .flags = KEYWORD_RESTART, .slot = &global_slot, SET_FLAG(struct global_conf, no_poll),
      .help = "Do not use poll; with noepoll, use select." },
    { "maxconn", IN_GLOBAL, .args = "<count>", .slot = &global_slot,
      SET_INT(struct global_conf, maxconn, 0, INT32_MAX),
      .help = "Most client connections of the process." },
    { "maxconnrate", IN_GLOBAL, .args = "<count>", .slot = &global_slot,
      SET_INT(struct global_conf, max_connection_rate, 0, INT32_MAX),
      .help = "Most new connections per second of the process." },
    { "maxsessrate", IN_GLOBAL, .args = "<count>", .slot = &global_slot,
      SET_INT(struct global_conf, max_session_rate, 0, INT32_MAX),
      .help = "Most new sessions per second of the process." },
    { "ulimit-n", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<count>", .slot = &global_slot,
      SET_INT(struct global_conf, ulimit_n, 1, INT32_MAX),
      .help = "Descriptors that the process may open; computed by default." },
    { "fd-hard-limit", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<count>", .slot = &global_slot,
      SET_INT(struct global_conf, fd_hard_limit, 0, INT32_MAX),
      .help = "Most descriptors to be asked for when maxconn is computed." },
    { "hard-stop-after", IN_GLOBAL, .args = "<time>", .parse = parse_stop_time,
      .help = "A soft stop becomes a hard one after this time." },
    { "grace", IN_GLOBAL, .args = "<time>", .parse = parse_stop_time,
      .help = "A soft stop goes on accepting for this time." },
    { "close-spread-time", IN_GLOBAL, .args = "<time>|infinite", .parse = parse_spread,
      .help = "A soft stop closes the clients' connections one after the other during this time; "
              "infinite: they end by their timeouts." },
    { "user", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<name>", .parse = parse_user,
      .help = "Become this user once the sockets are open." },
    { "group", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<name>", .parse = parse_group,
      .help = "Become this group once the sockets are open." },
    { "uid", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<number>", .parse = parse_id, .help = "As user, by number." },
    { "gid", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<number>", .parse = parse_id, .help = "As group, by number." },
    { "chroot", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<folder>", .parse = parse_chroot,
      .help = "Make this folder the root once everything is open." },
    { "pidfile", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<file>", .slot = &global_slot,
      SET_TEXT(struct global_conf, pid_file), .help = "Write the process id there." },
    { "node", IN_GLOBAL, .args = "<name>", .slot = &global_slot, SET_TEXT(struct global_conf, node),
      .help = "Name of this node in statistics; the host name by default." },
    { "description", IN_GLOBAL, .args = "<text>", .parse = parse_description,
      .help = "A text about this node for statistics." },
    { "localpeer", IN_GLOBAL, .args = "<name>", .parse = parse_local_peer,
      .help = "Name of this node among peers; -L wins." },
    { "master-worker", IN_GLOBAL, .args = "[no-exit-on-failure]", .parse = parse_master_worker,
      .help = "A note: use -W or -Ws." },
    { "setcap", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<name>[,<name>...]", .parse = parse_setcap,
      .help = "Capabilities to keep when the user changes." },
    { "tune.bufsize", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<size>", .parse = parse_bufsize,
      .help = "Bytes of a buffer, and the limit of a message's head; needs a restart to change." },
    { "tune.maxrewrite", IN_GLOBAL, .args = "<size>", .slot = &global_slot,
      SET_INT(struct global_conf, maxrewrite, 0, INT32_MAX),
      .help = "Accepted: rules may add what they want; no room is set aside." },
};
REGISTER(keyword, keywords);
