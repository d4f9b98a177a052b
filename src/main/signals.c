/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of the worker.
 *
 *     SIGHUP, SIGUSR2   apply the configuration again
 *     SIGUSR1           soft stop
 *     SIGTERM, SIGINT   stop now
 *     SIGQUIT           tell about memory pools on stderr
 *
 * Callers: boot.
 * Thread:  control.
 */
#include "weir/main/signals.h"

#include <ev.h>
#include <signal.h>
#include <unistd.h>

#include "weir/base/pool.h"
#include "weir/base/registry.h"
#include "weir/base/text.h"
#include "weir/loop/loop.h"
#include "weir/main/reload.h"
#include "weir/main/shutdown.h"
#include "weir/os/signal.h"
#include "weir/telemetry/log.h"
#include "weir/telemetry/notice.h"

static struct signals_settings settings;
static ev_io signal_io;
static ev_io master_io;

static void
tell_pools(void)
{
    struct text report = TEXT_INIT;

    pool_report(&report);
    notice_print_framed(text_str(&report));
    text_fini(&report);
}

static void
soft_stop(void)
{
    notice_print(NOTICE_WARNING, "Stopping: no new connections; waiting for the open ones.");
    log_event(log_global_targets(), LOG_LEVEL_WARNING, NULL, "stopping", STR_NONE,
              "Stopping: no new connections; waiting for the open ones.");
    shutdown_soft(settings.hard_stop_after_ms, settings.grace_ms,
                  settings.close_spread_ms);
}

static void
act_on(int number)
{
    switch (number) {
    case SIGHUP:
    case SIGUSR2:
        reload_request();
        break;
    case SIGUSR1:
        soft_stop();
        break;
    case SIGTERM:
    case SIGINT:
        shutdown_now();
        break;
    case SIGQUIT:
        tell_pools();
        break;
    default:
        break;
    }
}

static void
on_signal(struct ev_loop *ev, ev_io *io, int events)
{
    int number;

    (void)ev;
    (void)events;
    while ((number = signal_read(io->fd)) > 0)
        act_on(number);
}

/* The master never writes: readable means that it is gone. */
static void
on_master(struct ev_loop *ev, ev_io *io, int events)
{
    char byte;

    (void)events;
    if (read(io->fd, &byte, 1) != 0)
        return;
    ev_io_stop(ev, io);
    notice_print(NOTICE_ALERT, "The master is gone; stopping.");
    shutdown_now();
}

bool
signals_start(const struct signals_settings *what, struct error *err)
{
    static const int watched[] = { SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGQUIT };
    struct ev_loop *ev = loop_here()->ev;
    int fd = signal_open(watched, COUNT(watched), err);

    if (fd == -1)
        return false;
    settings = *what;
    ev_io_init(&signal_io, on_signal, fd, EV_READ);
    ev_io_start(ev, &signal_io);
    if (settings.master_fd != -1) {
        ev_io_init(&master_io, on_master, settings.master_fd, EV_READ);
        ev_io_start(ev, &master_io);
    }
    return true;
}

void
signals_set_times(int64_t hard_stop_after_ms, int64_t grace_ms, int64_t close_spread_ms)
{
    settings.hard_stop_after_ms = hard_stop_after_ms;
    settings.grace_ms = grace_ms;
    settings.close_spread_ms = close_spread_ms;
}

void
signals_stop(void)
{
    struct ev_loop *ev = loop_here()->ev;

    if (!ev_is_active(&signal_io))
        return;
    ev_io_stop(ev, &signal_io);
    close(signal_io.fd);
    ev_io_stop(ev, &master_io);
}
