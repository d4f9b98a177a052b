/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `crt ... watch`: files that a program replaced are taken up without a reload.
 *
 * For:     bind lines whose certificates certbot, lego and the like renew.
 * Owns:    the timer.
 * Thread:  control.
 *
 * A file that cannot be used is told once, and the certificate that was shown stays; the next change
 * of the file is another chance.
 */
#include <sys/stat.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/loop/loop.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"
#include "weir/loop/timer.h"
#include "weir/telemetry/notice.h"
#include "weir/tls/cert_store.h"
#include "private.h"

#define PERIOD_MS 2000

static struct timer timer;

/* Takes the file up, unless it is in use already. */
static void
refresh(const char *path)
{
    struct tls_cert *before = cert_store_find(path), *now;
    uint64_t stamp = before == NULL ? 0 : tls_cert_stamp(before);
    struct error err = ERROR_INIT;

    if (before == NULL || before->stamp == stamp || before->refused_stamp == stamp)
        return;
    now = tls_cert_reload(before, &err);
    if (now == NULL) {
        before->refused_stamp = stamp;
        notice_print(NOTICE_WARNING, "tls: %s; the certificate that was there before stays in use",
                     err.text);
        return;
    }
    cert_store_replace(now);
    tls_cert_drop(now);
    notice_print(NOTICE_NOTICE, "tls: '%s' has changed: new clients see the new certificate", path);
}

static void
on_timer(struct timer *fired)
{
    size_t count;
    char **paths = cert_store_outdated(&count);

    for (size_t i = 0; i < count; i++) {
        refresh(paths[i]);
        alloc_free(paths[i]);
    }
    alloc_free(paths);
    timer_set(this_thread->loop, fired, loop_now_ms(this_thread->loop) + PERIOD_MS);
}

static void
start_thread(void)
{
    if (!thread_is_control())
        return;
    timer_init(&timer, on_timer);
    timer_set(this_thread->loop, &timer, loop_now_ms(this_thread->loop) + PERIOD_MS);
}

static void
stop_thread(void)
{
    if (thread_is_control())
        timer_stop(&timer);
}

static const struct start_hook hooks[] = {
    { START_THREAD, start_thread },
    { STOP_THREAD, stop_thread },
};
REGISTER(start_hook, hooks);
