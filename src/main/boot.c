/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of starting, written as a list.
 *
 * For:     main.
 * Owns:    what lives from start to end: options, the link to the master, the daemon's pipe.
 * Thread:  boot; becomes the control thread.
 *
 * The configuration is read before anything else happens, so that a mistake costs nothing. A daemon
 * forks before threads and loops exist; its parent waits until it serves, and exits with its
 * status.
 */
#include "weir/main/boot.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/buffer.h"
#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/cli/command.h"
#include "weir/config/files_read.h"
#include "weir/config/keyword.h"
#include "weir/config/slot.h"
#include "weir/expr/sample.h"
#include "weir/loop/grace.h"
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"
#include "weir/main/global_conf.h"
#include "weir/main/master.h"
#include "weir/main/reload.h"
#include "weir/main/shutdown.h"
#include "weir/main/signals.h"
#include "weir/main/version.h"
#include "weir/net/handover.h"
#include "weir/os/cpu.h"
#include "weir/os/limits.h"
#include "weir/os/notify.h"
#include "weir/os/process.h"
#include "weir/os/signal.h"
#include "weir/proxy/proxy.h"
#include "weir/rules/action.h"
#include "weir/server/server_addr.h"
#include "weir/telemetry/log.h"
#include "weir/telemetry/notice.h"
#include "weir/telemetry/process.h"
#include "weir/dns/resolver.h"

#define MAXCONN_DEFAULT  100000 /* when descriptors would allow even more */
#define FILES_OF_PROCESS 128    /* beside connections: logs, loops, runtime socket, files */

struct boot {
    const struct options *options;
    struct snapshot *snapshot;
    const struct global_conf *global;
    int64_t began_us;
    int daemon_pipe; /* a byte written here lets the parent go; -1: none */
    struct signals_settings signals;
};

void
boot_tables(void)
{
    slot_layout_init();
    keyword_table_init();
    command_table_init();
    sample_table_init();
    action_table_init();
    start_run_hooks(START_BOOT);
}

/* --- reading the configuration ------------------------------------------------------------ */

static void
say_diag(const struct diag *diag, const struct options *options)
{
    struct text report = TEXT_INIT;

    diag_print(diag, &report, options->diagnostics ? DIAG_HINT : DIAG_NOTICE);
    if (report.len > 0)
        notice_print_framed(text_str(&report));
    text_fini(&report);
}

static bool
is_refused_for_warnings(struct snapshot *snapshot, const struct diag *diag,
                        const struct options *options)
{
    bool is_strict = options->zero_warning || global_conf_of(snapshot)->zero_warning;

    if (!is_strict || diag_count(diag, DIAG_WARNING) == 0)
        return false;
    notice_print(NOTICE_ALERT, "Some warnings were found and 'zero-warning' is set. Aborting.");
    return true;
}

static struct snapshot *
read_snapshot(const struct options *options)
{
    struct diag *diag = diag_new();
    struct snapshot *snapshot;

    global_conf_set_options(options);
    if (options->ignore_unresolved)
        server_addr_ignore_unresolved();
    if (options->only_ipv4)
        resolver_use_only_ipv4();
    snapshot = snapshot_build(&options->sources, diag);
    say_diag(diag, options);
    if (snapshot == NULL) {
        for (unsigned i = 0; i < options->sources.count; i++)
            notice_print(NOTICE_ALERT, "config : Error(s) found in configuration file : %s",
                         options->sources.paths[i]);
        notice_print(NOTICE_ALERT, "config : Fatal errors found in configuration.");
    } else if (is_refused_for_warnings(snapshot, diag, options)) {
        snapshot_free(snapshot);
        snapshot = NULL;
    }
    diag_free(diag);
    return snapshot;
}

int
boot_check(const struct options *options)
{
    struct snapshot *snapshot = read_snapshot(options);

    if (snapshot == NULL)
        return 1;
    if (options->verbose)
        printf("Configuration file is valid\n");
    snapshot_free(snapshot);
    return 0;
}

static bool
read_configuration(struct boot *boot)
{
    boot->snapshot = read_snapshot(boot->options);
    if (boot->snapshot == NULL)
        return false;
    boot->global = global_conf_of(boot->snapshot);
    return true;
}

static bool
judge_options(struct boot *boot)
{
    const struct options *options = boot->options;

    if (options->master_socket != NULL && !options->is_master) {
        notice_print(NOTICE_ALERT, "'-S' (the master's runtime socket) needs '-W' or '-Ws'.");
        return false;
    }
    return true;
}

/* --- the process ------------------------------------------------------------------------------ */

/* The parent of a daemon: ends when the child serves (status 0) or has ended (its status). */
static void
wait_for_child(pid_t child, int pipe_end)
{
    char byte;
    int status;

    if (read(pipe_end, &byte, 1) == 1)
        _exit(0);
    if (waitpid(child, &status, 0) == child && WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    _exit(1);
}

static bool
become_daemon(struct boot *boot)
{
    int ends[2];
    pid_t child;

    if (boot->options->mode == RUN_FOREGROUND || boot->options->debug ||
        (boot->options->mode != RUN_DAEMON && !boot->global->daemon))
        return true;
    if (pipe(ends) == -1 || (child = fork()) == -1) {
        notice_print(NOTICE_ALERT, "cannot go to the background: %s", strerror(errno));
        return false;
    }
    if (child > 0) {
        close(ends[1]);
        wait_for_child(child, ends[0]);
    }
    close(ends[0]);
    setsid();
    boot->daemon_pipe = ends[1];
    return true;
}

static bool
limit_memory(struct boot *boot)
{
    struct error err = ERROR_INIT;

    if (boot->options->memory_mb == 0)
        return true;
    this_process.memory_limit_bytes = (uint64_t)boot->options->memory_mb << 20;
    if (limits_set_memory(this_process.memory_limit_bytes, &err))
        return true;
    notice_print(NOTICE_ALERT, "%s", err.text);
    return false;
}

/* Each connection may need two descriptors: its own and the server's. */
static bool
raise_files(struct boot *boot)
{
    uint64_t max = limits_files_max(), limit = (uint64_t)boot->global->fd_hard_limit;
    int64_t maxconn = boot->global->maxconn;
    uint64_t wanted;
    struct error err = ERROR_INIT;

    if (limit > 0 && max > limit)
        max = limit;
    if (maxconn == 0) {
        maxconn = (int64_t)(max > FILES_OF_PROCESS * 2 ? (max - FILES_OF_PROCESS) / 2 : 64);
        if (maxconn > MAXCONN_DEFAULT)
            maxconn = MAXCONN_DEFAULT;
    }
    wanted = boot->global->ulimit_n > 0 ? (uint64_t)boot->global->ulimit_n
                                        : (uint64_t)maxconn * 2 + FILES_OF_PROCESS;
    if (wanted > limits_files() && !limits_raise_files(wanted, &err)) {
        int64_t fits = (int64_t)(limits_files_max() - FILES_OF_PROCESS) / 2;

        limits_raise_files(limits_files_max(), NULL);
        notice_print(NOTICE_WARNING,
                     "%s: %lld connections need %llu descriptors; maxconn is %lld then.", err.text,
                     (long long)maxconn, (unsigned long long)wanted, (long long)fits);
        maxconn = fits;
    }
    this_process.file_limit = limits_files();
    this_process.maxconn = this_process.hard_maxconn = maxconn;
    return true;
}

static bool
fill_process(struct boot *boot)
{
    static char host[256];

    gethostname(host, sizeof(host) - 1);
    this_process.has_predecessor = boot->options->old_pid_count > 0;
    this_process.name = boot->options->name;
    this_process.version = version_text(boot->options->name);
    this_process.release_date = WEIR_RELEASE_DATE;
    this_process.start_wall_us = clock_wall_us();
    this_process.start_ms = clock_monotonic_ms();
    this_process.connection_rate_limit = boot->global->max_connection_rate;
    this_process.session_rate_limit = boot->global->max_session_rate;
    this_process.node = boot->global->node != NULL ? alloc_copy(boot->global->node) : host;
    if (boot->global->description != NULL)
        this_process.description = alloc_copy(boot->global->description);
    return true;
}

static bool
make_threads(struct boot *boot)
{
    unsigned count = (unsigned)boot->global->nbthread;

    if (count == 0)
        count = cpu_count_usable() > 64 ? 64 : cpu_count_usable();
    if (boot->options->no_epoll)
        loop_set_poller(boot->options->no_poll ? LOOP_SELECT : LOOP_POLL);
    buffer_set_size(boot->global->bufsize);
    signal_block_all();
    signal_ignore_pipe();
    thread_table_init(this_process.is_offline ? 1 : count);
    return true;
}

/* -x: sockets of the process that runs now. */
static bool
take_sockets(struct boot *boot)
{
    const char *path = boot->options->take_sockets;
    struct error err = ERROR_INIT;

    if (path == NULL || strcmp(path, "/dev/null") == 0 || handover_take(path, &err))
        return true;
    notice_print(NOTICE_ALERT, "%s", err.text);
    return false;
}

static bool
adopt(struct boot *boot)
{
    struct diag *diag = diag_new();
    bool fine = snapshot_adopt(boot->snapshot, diag);

    handover_finish();
    say_diag(diag, boot->options);
    diag_free(diag);
    if (!fine)
        notice_print(NOTICE_ALERT, "Some configuration options could not be put to work; exiting.");
    return fine;
}

static bool
write_pid(struct boot *boot)
{
    struct error err = ERROR_INIT;

    if (boot->global->pid_file == NULL || boot->options->is_master ||
        process_write_pid(boot->global->pid_file, getpid(), &err))
        return true;
    notice_print(NOTICE_ALERT, "%s", err.text);
    return false;
}

static bool
drop_rights(struct boot *boot)
{
    const struct global_conf *global = boot->global;
    struct process_rights rights = { .uid = (uid_t)global->uid,
                                     .gid = (gid_t)global->gid,
                                     .capabilities = global->capabilities };
    struct error err = ERROR_INIT;

    if (global->chroot != NULL && !process_chroot(global->chroot, &err)) {
        notice_print(NOTICE_ALERT, "%s", err.text);
        return false;
    }
    if (global->chroot != NULL)
        files_read_remember(boot->snapshot->files);
    else
        files_read_forget(boot->snapshot->files);
    if (!process_drop_rights(&rights, &err) ||
        (!global->may_gain_rights && !process_set_no_new_rights(&err)) ||
        (global->dumpable && !process_set_dumpable(&err))) {
        notice_print(NOTICE_ALERT, "%s", err.text);
        return false;
    }
    return true;
}

static bool
publish(struct boot *boot)
{
    snapshot_publish(boot->snapshot);
    boot->snapshot = NULL; /* now the published one */
    return true;
}

static bool
start_threads(struct boot *boot)
{
    (void)boot;
    start_run_hooks(START_AFTER_CONFIG);
    thread_start_all();
    return true;
}

/* --- serving ------------------------------------------------------------------------------------
 */

static void
say_what_is_served(void)
{
    LIST_FOR_EACH (conf, proxy_list(snapshot_current()), struct proxy_conf, link) {
        LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link)
            notice_print(NOTICE_NOTICE, "%s '%s' listens on %s (%s).",
                         proxy_conf_is_back(conf) ? "listen" : "frontend", conf->name,
                         bind->addr_text, conf->mode == MODE_HTTP ? "http" : "tcp");
    }
}

static struct master_link master_link_here = { .fd = -1 };

static void
tell_master(bool is_applied)
{
    if (is_applied)
        master_link_ready(&master_link_here);
    else
        master_link_refused(&master_link_here);
}

static void
ask_old_ones(const struct options *options)
{
    for (unsigned i = 0; i < options->old_pid_count; i++)
        kill(options->old_pids[i], options->old_pid_signal);
}

static bool
say_ready(struct boot *boot)
{
    const struct options *options = boot->options;
    struct error err = ERROR_INIT;

    boot->signals = (struct signals_settings){
        .hard_stop_after_ms = boot->global->hard_stop_after_ms,
        .grace_ms = boot->global->grace_ms,
        .close_spread_ms = boot->global->close_spread_ms,
        .master_fd = options->master_fd,
    };
    if (!signals_start(&boot->signals, &err)) {
        notice_print(NOTICE_ALERT, "%s", err.text);
        return false;
    }
    reload_set_sources(&options->sources);
    master_link_here.fd = options->master_fd;
    reload_on_done(tell_master);
    ask_old_ones(options);
    this_process.boot_ms = (clock_monotonic_us() - boot->began_us) / 1000;
    if (options->verbose)
        say_what_is_served();
    if (options->verbose)
        notice_print(NOTICE_NOTICE, "Ready: %u traffic thread%s, %lld ms.", thread_traffic_count(),
                     thread_traffic_count() == 1 ? "" : "s", (long long)this_process.boot_ms);
    if (options->master_fd != -1)
        tell_master(true);
    else
        notify_send("READY=1");
    if (boot->daemon_pipe != -1) {
        (void)!write(boot->daemon_pipe, "R", 1);
        close(boot->daemon_pipe);
        process_close_terminal();
    }
    return true;
}

typedef bool boot_step_fn(struct boot *boot);

static boot_step_fn *const steps[] = {
    read_configuration,
    judge_options,
    become_daemon,
    limit_memory,
    raise_files,
    fill_process,
    make_threads,
    take_sockets,
    adopt,
    write_pid,
    drop_rights,
    publish,
    start_threads,
    say_ready,
};

/* What it takes to decide without serving. */
static boot_step_fn *const offline_steps[] = {
    read_configuration, fill_process, make_threads, adopt, publish, start_threads,
};

static bool
run_steps(const struct options *options, boot_step_fn *const *list, size_t count)
{
    /* Signals look at it for as long as the process runs. */
    static struct boot boot;

    boot = (struct boot){ .options = options,
                          .began_us = clock_monotonic_us(),
                          .daemon_pipe = -1 };
    for (size_t i = 0; i < count; i++) {
        if (!list[i](&boot))
            return false;
    }
    return true;
}

bool
boot_offline(const struct options *options)
{
    this_process.is_offline = true;
    return run_steps(options, offline_steps, COUNT(offline_steps));
}

void
boot_offline_end(void)
{
    thread_stop_all();
    start_run_hooks(STOP_PROCESS);
}

int
boot_run(const struct options *options)
{
    if (!run_steps(options, steps, COUNT(steps)))
        return 1;
    loop_run(loop_here());
    signals_stop();
    thread_stop_all();
    start_run_hooks(STOP_PROCESS);
    return 0;
}
