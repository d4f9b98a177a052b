/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master of master-worker mode.
 *
 * For:     service managers that want one process that stays: systemd through -Ws, containers.
 * Owns:    the worker process, the socket pair to it, and the runtime socket (master_cli.c).
 * Callers: boot.
 * Thread:  one thread only; it never opens a configuration or a listening socket.
 *
 * A reload needs no second worker in weir: SIGUSR2 and SIGHUP are passed on, and the worker
 * applies the new configuration in place.
 */
#include "weir/main/master.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <poll.h>

#include "weir/base/registry.h"
#include "weir/os/notify.h"
#include "weir/os/process.h"
#include "weir/os/signal.h"
#include "weir/telemetry/notice.h"
#include "master_cli.h"

struct master {
    const struct master_settings *settings;
    struct master_facts facts;
    struct master_cli cli;
    bool is_ready; /* the worker has served */
    int link;
    int signals;
    int stop_signal; /* the signal that asked us to stop; 0: none */
};

static void
pass_on(struct master *master, int number)
{
    switch (number) {
    case SIGHUP:
    case SIGUSR2:
        if (master->settings->notify)
            notify_send("RELOADING=1");
        kill(master->facts.worker, SIGHUP);
        break;
    case SIGTERM:
    case SIGINT:
        master->stop_signal = number;
        if (master->settings->notify)
            notify_send("STOPPING=1");
        kill(master->facts.worker, number);
        break;
    case SIGUSR1:
        if (master->settings->notify)
            notify_send("STOPPING=1");
        kill(master->facts.worker, SIGUSR1);
        break;
    case SIGQUIT:
    case SIGTTIN:
    case SIGTTOU:
        kill(master->facts.worker, number);
        break;
    default:
        break;
    }
}

/* 'R': it serves, or has applied a configuration; 'F': it has refused one. */
static void
hear(struct master *master, char what)
{
    bool is_applied = what == 'R';

    if (master->settings->notify)
        notify_send(is_applied ? "READY=1\nSTATUS=Ready.\n"
                               : "READY=1\nSTATUS=Configuration refused; the old one goes on.\n");
    if (master->is_ready) {
        master->facts.reloads++;
        master->facts.failed = is_applied ? 0 : master->facts.failed + 1;
        master_cli_reloaded(&master->cli, is_applied);
    }
    master->is_ready = true;
}

static void
read_link(struct master *master)
{
    char said[16];
    ssize_t got = read(master->link, said, sizeof(said));

    for (ssize_t i = 0; i < got; i++)
        hear(master, said[i]);
    if (got == 0 || (got == -1 && errno != EAGAIN && errno != EINTR)) {
        close(master->link);
        master->link = -1;
    }
}

static void
reload(void *data)
{
    pass_on(data, SIGUSR2);
}

static int
exit_status(const struct master *master, int status)
{
    if (master->stop_signal != 0)
        return 128 + master->stop_signal;
    if (WIFEXITED(status)) {
        if (WEXITSTATUS(status) != 0)
            notice_print(NOTICE_ALERT, "Current worker (%d) exited with code %d (Exit)",
                         (int)master->facts.worker, WEXITSTATUS(status));
        return WEXITSTATUS(status);
    }
    notice_print(NOTICE_ALERT, "Current worker (%d) exited with code %d (%s)",
                 (int)master->facts.worker, 128 + WTERMSIG(status), strsignal(WTERMSIG(status)));
    return 128 + WTERMSIG(status);
}

static int
watch(struct master *master)
{
    for (;;) {
        struct pollfd fds[2 + MASTER_CLI_FDS] = {
            { .fd = master->signals, .events = POLLIN },
            { .fd = master->link, .events = POLLIN },
        };
        int number, status;

        master_cli_watch(&master->cli, fds + 2);
        if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) == -1) {
            if (errno != EINTR)
                return 1;
            continue;
        }
        while ((number = signal_read(master->signals)) > 0)
            pass_on(master, number);
        if (fds[1].revents != 0)
            read_link(master);
        master_cli_serve(&master->cli, fds + 2);
        if (waitpid(master->facts.worker, &status, WNOHANG) == master->facts.worker)
            return exit_status(master, status);
    }
}

static bool
write_pid(const struct master_settings *settings)
{
    struct error err = ERROR_INIT;

    if (settings->pid_file == NULL || process_write_pid(settings->pid_file, getpid(), &err))
        return true;
    notice_print(NOTICE_ALERT, "%s", err.text);
    return false;
}

static bool
open_cli(struct master *master)
{
    struct error err = ERROR_INIT;

    master->cli = (struct master_cli){
        .listener = -1, .facts = &master->facts, .reload = reload, .data = master
    };
    if (master->settings->socket == NULL ||
        master_cli_open(&master->cli, master->settings->socket, &err))
        return true;
    notice_print(NOTICE_ALERT, "-S %s: %s", master->settings->socket, err.text);
    return false;
}

/* The master's side, once the worker runs. */
static int
run_master(struct master *master)
{
    static const int watched[] = { SIGCHLD, SIGHUP,  SIGUSR1, SIGUSR2, SIGTERM,
                                   SIGINT,  SIGQUIT, SIGTTIN, SIGTTOU };
    struct error err = ERROR_INIT;
    int status;

    master->facts.since = time(NULL);
    master->signals = signal_open(watched, COUNT(watched), &err);
    if (master->signals == -1) {
        notice_print(NOTICE_ALERT, "%s", err.text);
        kill(master->facts.worker, SIGKILL);
        return 1;
    }
    if (!process_keep_kill_only(&err) || !process_set_no_new_rights(&err))
        notice_print(NOTICE_WARNING, "the master keeps more rights than it needs: %s", err.text);
    status = watch(master);
    master_cli_close(&master->cli, true);
    return status;
}

int
master_run(const struct master_settings *settings, worker_fn *worker, void *data)
{
    static struct master master;
    int pair[2], cli_pair[2] = { -1, -1 };

    master.settings = settings;
    if (!write_pid(settings) || !open_cli(&master))
        return 1;
    signal_block_all();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == -1 ||
        (settings->socket != NULL &&
         socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, cli_pair) == -1)) {
        notice_print(NOTICE_ALERT, "cannot make the socket pair between master and worker: %s",
                     strerror(errno));
        return 1;
    }
    master.facts.worker = fork();
    if (master.facts.worker == -1) {
        notice_print(NOTICE_ALERT, "cannot start the worker: %s", strerror(errno));
        return 1;
    }
    if (master.facts.worker == 0) {
        struct master_link link = { .fd = pair[1], .cli_fd = cli_pair[1] };

        close(pair[0]);
        if (cli_pair[0] != -1)
            close(cli_pair[0]);
        master_cli_close(&master.cli, false);
        return worker(&link, data);
    }
    close(pair[1]);
    if (cli_pair[1] != -1)
        close(cli_pair[1]);
    master.link = pair[0];
    master.cli.worker_fd = cli_pair[0];
    return run_master(&master);
}

void
master_link_ready(const struct master_link *link)
{
    if (link->fd != -1)
        (void)!write(link->fd, "R", 1);
}

void
master_link_refused(const struct master_link *link)
{
    if (link->fd != -1)
        (void)!write(link->fd, "F", 1);
}
