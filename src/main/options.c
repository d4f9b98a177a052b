/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: HAProxy's flags, read as HAProxy reads them.
 *
 * For:     main. Thread: boot.
 *
 * Each flag is a row of one table: how many arguments it takes and what it does. Flags that mean
 * nothing on Linux or in weir's design say so in their help and are accepted, because service files
 * carry them.
 */
#include "weir/main/options.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/number.h"
#include "weir/base/registry.h"
#include "weir/base/version.h"
#include "weir/config/conditional.h"
#include "weir/main/explain_question.h"
#include "weir/main/version.h"

enum effect {
    SET_BOOL,     /* bool at offset */
    SET_TEXT_ARG, /* next argument */
    SET_NUMBER,   /* next argument, int64_t */
    IGNORE_FLAG,
    IGNORE_ARG,
    CALL,
};

struct flag {
    const char *name;
    enum effect effect;
    size_t offset;
    /* Uses up *argc, *argv as it needs. False: done or wrong. */
    bool (*call)(struct options *options, int *argc, char ***argv);
    const char *args;
    const char *help;
};

static bool
done(struct options *options, int status)
{
    options->exit_status = status;
    return false;
}

static bool
add_source(struct options *options, const char *path)
{
    struct config_sources *sources = &options->sources;

    sources->paths = alloc_resize(sources->paths, (sources->count + 1) * sizeof(*sources->paths));
    sources->paths[sources->count++] = path;
    return true;
}

static bool
missing(struct options *options, const char *flag)
{
    fprintf(stderr, "%s: '%s' needs an argument; try -h\n", options->name, flag);
    return done(options, 1);
}

static const char *
take(int *argc, char ***argv)
{
    if (*argc < 2)
        return NULL;
    (*argc)--;
    return *++(*argv);
}

static bool
flag_file(struct options *options, int *argc, char ***argv)
{
    const char *path = take(argc, argv);

    return path == NULL ? missing(options, "-f") : add_source(options, path);
}

static bool
flag_rest(struct options *options, int *argc, char ***argv)
{
    const char *path;

    while ((path = take(argc, argv)) != NULL)
        add_source(options, path);
    return true;
}

static bool
flag_daemon(struct options *options, int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    options->mode = RUN_DAEMON;
    return true;
}

static bool
flag_foreground(struct options *options, int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    options->mode = RUN_FOREGROUND;
    return true;
}

static bool
flag_verbose(struct options *options, int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    options->verbose = true;
    options->quiet = false;
    return true;
}

static bool
flag_master(struct options *options, int *argc, char ***argv)
{
    (void)argc;
    options->is_master = true;
    options->notify = strcmp(**argv, "-Ws") == 0;
    return true;
}

static bool
flag_version(struct options *options, int *argc, char ***argv)
{
    const char *flag = **argv;

    (void)argc;
    if (strcmp(flag, "-vq") == 0)
        puts(version_text(options->name));
    else if (strcmp(flag, "-vqb") == 0)
        puts(WEIR_COMPAT_BRANCH);
    else if (strcmp(flag, "-vqs") == 0)
        puts(strcmp(options->name, "haproxy") == 0 ? WEIR_COMPAT_VERSION : WEIR_VERSION);
    else
        version_print(options->name, strcmp(flag, "-vv") == 0 ? VERSION_FULL : VERSION_SHORT);
    return done(options, 0);
}

static bool
add_old_pids(struct options *options, const char *list)
{
    struct str rest = str_from(list);

    while (rest.ptr != NULL) {
        struct str word = str_split(&rest, ' ');
        int64_t pid;

        if (word.len == 0)
            continue;
        if (!number_parse_int(word, 1, INT32_MAX, &pid, NULL))
            return false;
        options->old_pids = alloc_resize(options->old_pids,
                                         (options->old_pid_count + 1) * sizeof(*options->old_pids));
        options->old_pids[options->old_pid_count++] = (pid_t)pid;
    }
    return true;
}

/* -sf and -st take all process ids that follow, also several in one argument: "$(pidof haproxy)".
 */
static bool
flag_old_pids(struct options *options, int *argc, char ***argv)
{
    const char *flag = **argv;

    options->old_pid_signal = strcmp(flag, "-sf") == 0 ? SIGUSR1 : SIGTERM;
    while (*argc > 1 && (*argv)[1][0] != '-') {
        const char *list = take(argc, argv);

        if (!add_old_pids(options, list)) {
            fprintf(stderr, "%s: '%s' expects process ids, not '%s'\n", options->name, flag, list);
            return done(options, 1);
        }
    }
    return true;
}

static bool
flag_list(struct options *options, int *argc, char ***argv)
{
    (void)argc;
    options->list_keywords = **argv + strlen("-dK");
    return true;
}

static bool
flag_not_yet(struct options *options, int *argc, char ***argv)
{
    (void)argc;
    fprintf(stderr, "%s: '%s' is not implemented yet\n", options->name, **argv);
    return done(options, 1);
}

static bool
flag_explain(struct options *options, int *argc, char ***argv)
{
    const char *flag = **argv, *word = take(argc, argv);
    struct error err = ERROR_INIT;

    if (word == NULL)
        return missing(options, flag);
    if (explain_question_add(flag + strlen("--"), word, &err)) {
        options->question = explain_question_here();
        return true;
    }
    fprintf(stderr, "%s: '%s': %s\n", options->name, flag, err.text);
    return done(options, 1);
}

static bool flag_help(struct options *options, int *argc, char ***argv);

#define AT(member) .offset = offsetof(struct options, member)

static const struct flag flags[] = {
    { "-f", CALL, .call = flag_file, .args = "<file|folder>",
      .help = "read this file, or all *.cfg of this folder; repeatable" },
    { "--", CALL, .call = flag_rest, .args = "[<file>...]",
      .help = "the rest are configuration files" },
    { "-c", SET_BOOL, AT(check_only),
      .help = "check the configuration and exit; silent when valid, unless -V" },
    { "-cc", SET_TEXT_ARG, AT(condition), .args = "<condition>",
      .help = "evaluate a condition of .if and exit with 0 or 1" },
    { "--explain", CALL, .call = flag_explain, .args = "'[METHOD] <url>'",
      .help = "say what would become of a request, rule by rule, and exit" },
    { "--header", CALL, .call = flag_explain, .args = "'Name: value'",
      .help = "with --explain: the request has this field; repeatable" },
    { "--src", CALL, .call = flag_explain, .args = "<address>",
      .help = "with --explain: the client's address" },
    { "--frontend", CALL, .call = flag_explain, .args = "<name>",
      .help = "with --explain: it comes to this frontend; otherwise the one of the url's port" },
    { "--set", CALL, .call = flag_explain, .args = "<sample>=<value>",
      .help = "with --explain: what this sample gives, such as ssl_fc=1; repeatable" },
    { "--json", SET_BOOL, AT(json), .help = "with --explain: as JSON" },
    { "--lint", SET_BOOL, AT(lint),
      .help = "with -c: also tell what is legal and hardly meant; exit status 3 if there is any" },
    { "--expect", SET_TEXT_ARG, AT(expect_file), .args = "<file>",
      .help = "check that requests go where the lines of this file say, and exit with 0 or 1" },
    { "-V", CALL, .call = flag_verbose, .help = "verbose: say what is served where" },
    { "-q", SET_BOOL, AT(quiet), .help = "quiet: only alerts" },
    { "-d", SET_BOOL, AT(debug), .help = "debug: stay in the foreground, say what is going on" },
    { "-D", CALL, .call = flag_daemon, .help = "go to the background when ready" },
    { "-db", CALL, .call = flag_foreground, .help = "stay in the foreground" },
    { "-W", CALL, .call = flag_master, .help = "master-worker mode" },
    { "-Ws", CALL, .call = flag_master,
      .help = "master-worker mode that tells systemd when ready" },
    { "-S", SET_TEXT_ARG, AT(master_socket), .args = "<bind>",
      .help = "the master's runtime socket" },
    { "-n", SET_NUMBER, AT(maxconn), .args = "<count>",
      .help = "most connections of the process; wins over global maxconn" },
    { "-N", SET_NUMBER, AT(proxy_maxconn), .args = "<count>",
      .help = "default maxconn of proxies" },
    { "-m", SET_NUMBER, AT(memory_mb), .args = "<megabytes>", .help = "limit of memory" },
    { "-p", SET_TEXT_ARG, AT(pid_file), .args = "<file>", .help = "write the process id there" },
    { "-C", SET_TEXT_ARG, AT(folder), .args = "<folder>", .help = "change to this folder first" },
    { "-L", SET_TEXT_ARG, AT(peer_name), .args = "<name>", .help = "name of the local peer" },
    { "-x", SET_TEXT_ARG, AT(take_sockets), .args = "<socket>",
      .help = "take listening sockets from a running weir (HAProxy's are not understood yet)" },
    { "-sf", CALL, .call = flag_old_pids, .args = "[<pid>...]",
      .help = "when ready, ask these to finish" },
    { "-st", CALL, .call = flag_old_pids, .args = "[<pid>...]",
      .help = "when ready, ask these to stop at once" },
    { "-v", CALL, .call = flag_version, .help = "version" },
    { "-vv", CALL, .call = flag_version, .help = "version, libraries, features" },
    { "-vq", CALL, .call = flag_version, .help = "version number only" },
    { "-vqb", CALL, .call = flag_version, .help = "branch only" },
    { "-vqs", CALL, .call = flag_version, .help = "short version only" },
    { "-h", CALL, .call = flag_help, .help = "this text" },
    { "--help", CALL, .call = flag_help, .help = "this text" },
    { "-dD", SET_BOOL, AT(diagnostics), .help = "also print diagnostics of the configuration" },
    { "-dW", SET_BOOL, AT(zero_warning), .help = "warnings are errors" },
    { "-de", SET_BOOL, AT(no_epoll), .help = "use poll instead of epoll" },
    { "-dp", SET_BOOL, AT(no_poll), .help = "do not use poll" },
    { "-dS", SET_BOOL, AT(no_splice), .help = "no splicing" },
    { "-dR", SET_BOOL, AT(no_reuseport), .help = "no SO_REUSEPORT" },
    { "-dr", SET_BOOL, AT(ignore_unresolved),
      .help = "names that cannot be resolved do not stop the start" },
    { "-dG", IGNORE_FLAG, .help = "accepted: names are always resolved through getaddrinfo()" },
    { "-dI", IGNORE_FLAG, .help = "accepted: weir does not forbid itself to fork" },
    { "-dk", IGNORE_FLAG, .help = "accepted: there is no kqueue on Linux" },
    { "-dv", IGNORE_FLAG, .help = "accepted: there are no event ports on Linux" },
    { "-dF", SET_BOOL, AT(no_splice), .help = "no fast forwarding: as -dS" },
    { "-dZ", IGNORE_FLAG,
      .help = "accepted: buffers move between sides without copies of their own" },
    { "-dT", IGNORE_FLAG, .help = "accepted: kernel TLS is not used" },
    { "-dV", SET_BOOL, AT(no_verify), .help = "do not verify servers' certificates" },
    { "-4", SET_BOOL, AT(only_ipv4), .help = "IPv4 only in resolvers" },
    { "-dc", SET_BOOL, AT(list_cpus), .help = "say which CPUs are used" },
    { "-dL", SET_BOOL, AT(list_libraries), .help = "list the loaded libraries" },
};

/* Flags whose argument is glued to them. */
static const struct flag glued[] = {
    { "-dK", CALL, .call = flag_list, .args = "<class>[,...]",
      .help = "list what is registered: all acl cfg cli cnv flt smp svc, or weir" },
    { "-dM", IGNORE_FLAG, .args = "[<byte>[,]][<opt>,...]",
      .help = "accepted: for memory debugging build with make test-asan" },
    { "-dC", CALL, .call = flag_not_yet, .args = "[<key>][,line]",
      .help = "print the configuration as read (not implemented yet)" },
    { "-dt", CALL, .call = flag_not_yet, .args = "[<source>...]",
      .help = "traces on stderr (not implemented yet)" },
    { "-dA", CALL, .call = flag_not_yet, .args = "[<file>]",
      .help = "archive the binary (not implemented yet)" },
};

static void
print_flags(FILE *to, const struct flag *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char left[64];

        snprintf(left, sizeof(left), "%s %s", rows[i].name,
                 rows[i].args == NULL ? "" : rows[i].args);
        fprintf(to, "  %-24s %s\n", left, rows[i].help);
    }
}

static void
print_usage(const struct options *options, FILE *to)
{
    fprintf(to, "Usage: %s -f <file|folder> [options]\n\n", options->name);
    print_flags(to, flags, COUNT(flags));
    print_flags(to, glued, COUNT(glued));
    fprintf(to,
            "\nSignals: HUP or USR2 applies the configuration again, USR1 stops softly, TERM stops "
            "now.\n"
            "More: man weir, and the manual in doc/.\n");
}

static bool
flag_help(struct options *options, int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    version_print(options->name, VERSION_SHORT);
    print_usage(options, stdout);
    return done(options, 0);
}

static const struct flag *
find_flag(const char *word)
{
    for (size_t i = 0; i < COUNT(flags); i++) {
        if (strcmp(flags[i].name, word) == 0)
            return &flags[i];
    }
    for (size_t i = 0; i < COUNT(glued); i++) {
        if (strncmp(glued[i].name, word, strlen(glued[i].name)) == 0)
            return &glued[i];
    }
    return NULL;
}

static bool
apply(struct options *options, const struct flag *flag, int *argc, char ***argv)
{
    void *to = (char *)options + flag->offset;
    const char *word;
    struct error err = ERROR_INIT;

    switch (flag->effect) {
    case SET_BOOL:
        *(bool *)to = true;
        return true;
    case IGNORE_FLAG:
        return true;
    case CALL:
        return flag->call(options, argc, argv);
    case SET_TEXT_ARG:
    case SET_NUMBER:
    case IGNORE_ARG:
        break;
    }
    word = take(argc, argv);
    if (word == NULL)
        return missing(options, flag->name);
    if (flag->effect == SET_TEXT_ARG)
        *(const char **)to = word;
    if (flag->effect == SET_NUMBER && !number_parse_int(str_from(word), 0, INT32_MAX, to, &err)) {
        fprintf(stderr, "%s: '%s' expects a number: %s\n", options->name, flag->name, err.text);
        return done(options, 1);
    }
    return true;
}

static bool
complain_unknown(struct options *options, const char *word)
{
    if (*word == '-')
        fprintf(stderr, "%s: unknown option '%s'\n\n", options->name, word);
    else
        fprintf(stderr, "%s: '%s' stands alone; a configuration is named with -f\n\n",
                options->name, word);
    print_usage(options, stderr);
    return done(options, 1);
}

static bool
run_condition(struct options *options)
{
    struct error err = ERROR_INIT;
    bool result;

    if (conditional_eval(options->condition, &result, &err))
        return done(options, result ? 0 : 1);
    fprintf(stderr, "%s: condition '%s': %s\n", options->name, options->condition, err.text);
    return done(options, 1);
}

/* What the configuration can say as well is said in its language, behind all files. */
static void
add_texts(struct options *options)
{
    static struct config_text texts[3];
    unsigned count = 0;

    if (options->no_splice)
        texts[count++] = (struct config_text){ "-dS", "global\n    nosplice\n" };
    if (options->no_reuseport)
        texts[count++] = (struct config_text){ "-dR", "global\n    noreuseport\n" };
    options->sources.texts = texts;
    options->sources.text_count = count;
}

void
options_add_master_socket(struct options *options, int fd)
{
    static char line[80];
    struct config_text *texts = (struct config_text *)(uintptr_t)options->sources.texts;

    snprintf(line, sizeof(line), "global\n    stats socket sockpair@%d level admin\n", fd);
    texts[options->sources.text_count++] = (struct config_text){ "-S", line };
}

static bool
finish(struct options *options)
{
    add_texts(options);
    if (options->condition != NULL)
        return run_condition(options);
    if (options->sources.count > 0)
        return true;
    version_print(options->name, VERSION_SHORT);
    fprintf(stderr, "%s: no configuration is named: -f <file|folder>\n\n", options->name);
    print_usage(options, stderr);
    return done(options, 1);
}

bool
options_parse(struct options *options, int argc, char **argv)
{
    memset(options, 0, sizeof(*options));
    options->name = version_program_name(argc > 0 ? argv[0] : "weir");
    options->master_fd = -1;
    for (argc--, argv++; argc > 0; argc--, argv++) {
        const struct flag *flag = find_flag(*argv);

        if (flag == NULL)
            return complain_unknown(options, *argv);
        if (!apply(options, flag, &argc, &argv))
            return false;
    }
    return finish(options);
}
