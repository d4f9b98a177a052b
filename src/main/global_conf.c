/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The global section: keywords about the process. Keywords that belong to a feature stand in the
 * feature's room.
 *
 * Thread: builder.
 */
#include "weir/main/global_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/buffer.h"
#include "weir/config/keyword.h"
#include "weir/main/options.h"
#include "weir/os/process.h"
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

void
global_conf_set_options(const struct options *what)
{
    options = what;
}

static struct global_conf *
writable(struct parse *parse)
{
    return snapshot_slot(parse->snapshot, &global_slot);
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

static bool
parse_nbthread(struct parse *parse)
{
    return parse_int(parse, "a number of threads", 1, 1024, &writable(parse)->nbthread) &&
           parse_end(parse);
}

static bool
parse_thread_groups(struct parse *parse)
{
    int64_t count;

    if (!parse_int(parse, "a number of thread groups", 1, 32, &count))
        return false;
    if (count > 1)
        parse_warn(parse, "weir needs no thread groups: each thread works alone; one is assumed");
    return parse_end(parse);
}

static bool
parse_user(struct parse *parse)
{
    const char *name = parse_word(parse, "a user's name");
    struct error err = ERROR_INIT;
    uid_t uid;

    if (name == NULL)
        return false;
    if (!process_find_user(name, &uid, &err))
        return parse_alert(parse, "%s", err.text);
    writable(parse)->uid = uid;
    writable(parse)->user = name;
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
    if (!process_find_group(name, &gid, &err))
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
parse_setenv(struct parse *parse)
{
    const char *name = parse_word(parse, "a variable's name");
    const char *value = name == NULL ? NULL : parse_word(parse, "its value");

    if (value == NULL)
        return false;
    if (strcmp(parse->keyword, "setenv") == 0 || getenv(name) == NULL)
        setenv(name, value, 1);
    return parse_end(parse);
}

static bool
parse_unsetenv(struct parse *parse)
{
    const char *name;

    while ((name = words_next(parse->words)) != NULL)
        unsetenv(name);
    return true;
}

extern char **environ;

static bool
is_named(struct parse *parse, const char *entry)
{
    for (unsigned i = 1; i < parse->words->count; i++) {
        const char *name = parse->words->items[i].text;
        size_t len = strlen(name);

        if (strncmp(entry, name, len) == 0 && entry[len] == '=')
            return true;
    }
    return false;
}

/* Keeps only the variables that are named. */
static bool
parse_resetenv(struct parse *parse)
{
    for (size_t i = 0; environ[i] != NULL;) {
        char name[256];

        snprintf(name, sizeof(name), "%.*s", (int)strcspn(environ[i], "="), environ[i]);
        if (is_named(parse, environ[i]) || unsetenv(name) != 0)
            i++;
    }
    return true;
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

/* Words that ask for what weir does anyway, or that have no meaning on Linux or without processes
 * of its own. */
static bool
parse_without_meaning(struct parse *parse)
{
    words_rest(parse);
    return true;
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
parse_description(struct parse *parse)
{
    writable(parse)->description = words_rest(parse);
    return true;
}

/* --- after the text is read --------------------------------------------------------------- */

/* -N: proxies that say nothing themselves. */
static void
limit_proxies(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (conf->maxconn == 0)
            conf->maxconn = options->proxy_maxconn;
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
    if (options->peer_name != NULL)
        global->local_peer = options->peer_name;
    if (options->pid_file != NULL)
        global->pid_file = options->pid_file;
    if (options->proxy_maxconn > 0)
        limit_proxies(parse);
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_CONFIG, apply_options, "main: command line over global" },
};
REGISTER(config_hook, hooks);

static const struct section sections[] = {
    { "global", IN_GLOBAL, open_global, NULL, "Settings of the process." },
};
REGISTER(section, sections);

static const struct place_slots place_slots_of_global[] = { { IN_GLOBAL, slots_of_global } };
REGISTER(place_slots, place_slots_of_global);

#define WITHOUT_MEANING(name_, args_, why_)                                                        \
    {                                                                                              \
        name_, IN_GLOBAL, .args = args_, .parse = parse_without_meaning, .help = why_              \
    }

static const struct keyword keywords[] = {
    { "daemon", IN_GLOBAL, .slot = &global_slot, SET_FLAG(struct global_conf, daemon),
      .help = "Go to the background once ready." },
    { "quiet", IN_GLOBAL, .slot = &global_slot, SET_FLAG(struct global_conf, quiet),
      .help = "Print nothing but alerts at start." },
    { "zero-warning", IN_GLOBAL, .slot = &global_slot, SET_FLAG(struct global_conf, zero_warning),
      .help = "Warnings of the configuration refuse it." },
    { "set-dumpable", IN_GLOBAL, .slot = &global_slot, SET_FLAG(struct global_conf, dumpable),
      .help = "Allow core files after a change of user." },
    { "nbthread", IN_GLOBAL, .args = "<count>", .parse = parse_nbthread,
      .help = "Traffic threads; one for each usable CPU by default." },
    { "thread-groups", IN_GLOBAL, .args = "<count>", .parse = parse_thread_groups,
      .help = "Accepted; weir's threads need no groups." },
    { "maxconn", IN_GLOBAL, .args = "<count>", .slot = &global_slot,
      SET_INT(struct global_conf, maxconn, 1, INT32_MAX),
      .help = "Most client connections of the process." },
    { "maxconnrate", IN_GLOBAL, .args = "<count>", .slot = &global_slot,
      SET_INT(struct global_conf, max_connection_rate, 0, INT32_MAX),
      .help = "Most new connections per second of the process." },
    { "maxsessrate", IN_GLOBAL, .args = "<count>", .slot = &global_slot,
      SET_INT(struct global_conf, max_session_rate, 0, INT32_MAX),
      .help = "Most new sessions per second of the process." },
    { "ulimit-n", IN_GLOBAL, .args = "<count>", .slot = &global_slot,
      SET_INT(struct global_conf, ulimit_n, 1, INT32_MAX),
      .help = "Descriptors that the process may open; computed by default." },
    { "fd-hard-limit", IN_GLOBAL, .args = "<count>", .slot = &global_slot,
      SET_INT(struct global_conf, fd_hard_limit, 0, INT32_MAX),
      .help = "Most descriptors to be asked for when maxconn is computed." },
    { "hard-stop-after", IN_GLOBAL, .args = "<time>", .parse = parse_stop_time,
      .help = "A soft stop becomes a hard one after this time." },
    { "grace", IN_GLOBAL, .args = "<time>", .parse = parse_stop_time,
      .help = "A soft stop goes on accepting for this time." },
    { "user", IN_GLOBAL, .args = "<name>", .parse = parse_user,
      .help = "Become this user once the sockets are open." },
    { "group", IN_GLOBAL, .args = "<name>", .parse = parse_group,
      .help = "Become this group once the sockets are open." },
    { "uid", IN_GLOBAL, .args = "<number>", .slot = &global_slot,
      SET_INT(struct global_conf, uid, 0, UINT32_MAX), .help = "As user, by number." },
    { "gid", IN_GLOBAL, .args = "<number>", .slot = &global_slot,
      SET_INT(struct global_conf, gid, 0, UINT32_MAX), .help = "As group, by number." },
    { "chroot", IN_GLOBAL, .args = "<folder>", .parse = parse_chroot,
      .help = "Make this folder the root once everything is open." },
    { "pidfile", IN_GLOBAL, .args = "<file>", .slot = &global_slot,
      SET_TEXT(struct global_conf, pid_file), .help = "Write the process id there." },
    { "node", IN_GLOBAL, .args = "<name>", .slot = &global_slot, SET_TEXT(struct global_conf, node),
      .help = "Name of this node in statistics; the host name by default." },
    { "description", IN_GLOBAL, .args = "<text>", .parse = parse_description,
      .help = "A text about this node for statistics." },
    { "localpeer", IN_GLOBAL, .args = "<name>", .slot = &global_slot,
      SET_TEXT(struct global_conf, local_peer), .help = "Name of this node among peers." },
    { "setenv", IN_GLOBAL, .args = "<name> <value>", .parse = parse_setenv,
      .help = "Set an environment variable." },
    { "presetenv", IN_GLOBAL, .args = "<name> <value>", .parse = parse_setenv,
      .help = "Set an environment variable unless it is set." },
    { "unsetenv", IN_GLOBAL, .args = "<name>...", .parse = parse_unsetenv,
      .help = "Remove environment variables." },
    { "resetenv", IN_GLOBAL, .args = "[<name>...]", .parse = parse_resetenv,
      .help = "Remove all environment variables but these." },
    { "master-worker", IN_GLOBAL, .args = "[no-exit-on-failure]", .parse = parse_master_worker,
      .help = "A note: use -W or -Ws." },
    { "setcap", IN_GLOBAL, .args = "<name>[,<name>...]", .parse = parse_setcap,
      .help = "Capabilities to keep when the user changes." },
    { "tune.bufsize", IN_GLOBAL, .args = "<size>", .parse = parse_bufsize,
      .help = "Bytes of a buffer, and the limit of a message's head; needs a restart to change." },
    { "tune.maxrewrite", IN_GLOBAL, .args = "<size>", .slot = &global_slot,
      SET_INT(struct global_conf, maxrewrite, 0, INT32_MAX),
      .help = "Accepted: rules may add what they want; no room is set aside." },
    WITHOUT_MEANING("insecure-fork-wanted", NULL, "Accepted: weir does not forbid itself to fork."),
    WITHOUT_MEANING("insecure-setuid-wanted", NULL,
                    "Accepted: external checks, which it is about, are not there yet."),
    WITHOUT_MEANING("noevports", NULL, "Accepted: there are no event ports on Linux."),
    WITHOUT_MEANING("nokqueue", NULL, "Accepted: there is no kqueue on Linux."),
    WITHOUT_MEANING("nogetaddrinfo", NULL,
                    "Accepted: names are always looked up through the system."),
    WITHOUT_MEANING("tune.maxpollevents", "<count>",
                    "Accepted: libev sizes its list of events by need."),
    WITHOUT_MEANING("tune.runqueue-depth", "<count>",
                    "Accepted: there is no run queue; events are served in order."),
    WITHOUT_MEANING("tune.sched.low-latency", "<on|off>",
                    "Accepted: there is no run queue; events are served in order."),
    WITHOUT_MEANING("tune.fd.edge-triggered", "<on|off>",
                    "Accepted: events are level-triggered and armed once."),
    WITHOUT_MEANING("tune.listener.multi-queue", "<on|off|fair>",
                    "Accepted: each thread has its own listening socket."),
    WITHOUT_MEANING("tune.listener.default-shards", "<how>",
                    "Accepted: each thread has its own listening socket."),
    WITHOUT_MEANING("tune.recv_enough", "<size>", "Accepted: a short read always ends reading."),
    WITHOUT_MEANING("expose-experimental-directives", NULL,
                    "Accepted: what is there is not hidden."),
    WITHOUT_MEANING("expose-deprecated-directives", NULL, "Accepted: what is there is not hidden."),
    { "numa-cpu-mapping", IN_GLOBAL, .flags = KEYWORD_NO, .parse = parse_without_meaning,
      .help = "Accepted: threads are not bound to CPUs." },
    WITHOUT_MEANING("prealloc-fd", NULL, "Accepted: the kernel grows its tables by need."),
    WITHOUT_MEANING("quick-exit", NULL, "Accepted: leaving takes no time."),
    WITHOUT_MEANING("debug.counters", "<on|off>", "Accepted: there are no such counters."),
};
REGISTER(keyword, keywords);
