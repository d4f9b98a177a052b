/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master of master-worker mode.
 *
 * For:     service managers that want one process that stays: systemd through -Ws, containers.
 * Owns:    the worker process and the socket pair to it.
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

struct master {
    const struct master_settings *settings;
    pid_t worker;
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
        kill(master->worker, SIGHUP);
        break;
    case SIGTERM:
    case SIGINT:
        master->stop_signal = number;
        if (master->settings->notify)
            notify_send("STOPPING=1");
        kill(master->worker, number);
        break;
    case SIGUSR1:
        if (master->settings->notify)
            notify_send("STOPPING=1");
        kill(master->worker, SIGUSR1);
        break;
    case SIGQUIT:
    case SIGTTIN:
    case SIGTTOU:
        kill(master->worker, number);
        break;
    default:
        break;
    }
}

/* The worker says 'R' when it serves, and again after each change of the configuration. */
static void
read_link(struct master *master)
{
    char said[16];
    ssize_t got = read(master->link, said, sizeof(said));

    if (got > 0) {
        if (master->settings->notify)
            notify_send("READY=1\nSTATUS=Ready.\n");
        return;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(master->link);
        master->link = -1;
    }
}

static int
exit_status(const struct master *master, int status)
{
    if (master->stop_signal != 0)
        return 128 + master->stop_signal;
    if (WIFEXITED(status)) {
        if (WEXITSTATUS(status) != 0)
            notice_print(NOTICE_ALERT, "Current worker (%d) exited with code %d (Exit)",
                         (int)master->worker, WEXITSTATUS(status));
        return WEXITSTATUS(status);
    }
    notice_print(NOTICE_ALERT, "Current worker (%d) exited with code %d (%s)", (int)master->worker,
                 128 + WTERMSIG(status), strsignal(WTERMSIG(status)));
    return 128 + WTERMSIG(status);
}

static int
watch(struct master *master)
{
    for (;;) {
        struct pollfd fds[2] = {
            { .fd = master->signals, .events = POLLIN },
            { .fd = master->link, .events = POLLIN },
        };
        int number, status;

        if (poll(fds, 2, -1) == -1 && errno != EINTR)
            return 1;
        while ((number = signal_read(master->signals)) > 0)
            pass_on(master, number);
        if (fds[1].revents != 0)
            read_link(master);
        if (waitpid(master->worker, &status, WNOHANG) == master->worker)
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

int
master_run(const struct master_settings *settings, worker_fn *worker, void *data)
{
    static const int watched[] = { SIGCHLD, SIGHUP,  SIGUSR1, SIGUSR2, SIGTERM,
                                   SIGINT,  SIGQUIT, SIGTTIN, SIGTTOU };
    struct master master = { .settings = settings };
    struct error err = ERROR_INIT;
    int pair[2];

    if (!write_pid(settings))
        return 1;
    signal_block_all();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == -1) {
        notice_print(NOTICE_ALERT, "cannot make the socket pair between master and worker: %s",
                     strerror(errno));
        return 1;
    }
    master.worker = fork();
    if (master.worker == -1) {
        notice_print(NOTICE_ALERT, "cannot start the worker: %s", strerror(errno));
        return 1;
    }
    if (master.worker == 0) {
        struct master_link link = { .fd = pair[1] };

        close(pair[0]);
        return worker(&link, data);
    }
    close(pair[1]);
    master.link = pair[0];
    master.signals = signal_open(watched, COUNT(watched), &err);
    if (master.signals == -1) {
        notice_print(NOTICE_ALERT, "%s", err.text);
        kill(master.worker, SIGKILL);
        return 1;
    }
    return watch(&master);
}

void
master_link_ready(const struct master_link *link)
{
    if (link->fd != -1)
        (void)!write(link->fd, "R", 1);
}
