/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of the global section that a reload puts to work: limits of the process, its name, how
 * it stops. The others want a restart (KEYWORD_RESTART).
 *
 * For:     reload; what was set at run time ("set maxconn global" ...) holds until the text says
 *          something else.
 * Owns:    node and description of the process, from the second configuration on.
 * Thread:  control.
 */
#include <string.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/config/snapshot.h"
#include "weir/main/global_conf.h"
#include "weir/main/signals.h"
#include "weir/telemetry/log.h"
#include "weir/telemetry/process.h"
#include "private.h"

/* What the configuration before said. */
static struct {
    bool is_there;
    int64_t maxconn, connection_rate, session_rate;
    char *node, *description; /* own */
} written;

static void
set(int64_t *to, int64_t value)
{
    __atomic_store_n(to, value, __ATOMIC_RELAXED);
}

/* No more than the descriptors allow that the process has. */
static void
apply_maxconn(int64_t maxconn)
{
    int64_t fits = (int64_t)(this_process.file_limit > 128 ? this_process.file_limit - 128 : 2) / 2;

    if (maxconn > fits)
        log_process(LOG_LEVEL_WARNING,
                    "maxconn %lld needs more descriptors than this process has; it is %lld until "
                    "a restart.",
                    (long long)maxconn, (long long)fits);
    if (maxconn > fits || maxconn == 0)
        maxconn = fits;
    this_process.hard_maxconn = maxconn;
    set(&this_process.maxconn, maxconn);
}

static bool
is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
keep(char **to, const char *text)
{
    alloc_free(*to);
    *to = text == NULL ? NULL : alloc_copy(text);
}

static void
apply_names(const struct global_conf *global)
{
    static char host[256];

    if (!is_same_text(written.node, global->node)) {
        keep(&written.node, global->node);
        gethostname(host, sizeof(host) - 1);
        this_process.node = written.node != NULL ? written.node : host;
    }
    if (!is_same_text(written.description, global->description)) {
        keep(&written.description, global->description);
        this_process.description = written.description;
    }
}

static void
apply_limits(const struct global_conf *global)
{
    if (global->maxconn != written.maxconn)
        apply_maxconn(global->maxconn);
    if (global->max_connection_rate != written.connection_rate)
        set(&this_process.connection_rate_limit, global->max_connection_rate);
    if (global->max_session_rate != written.session_rate)
        set(&this_process.session_rate_limit, global->max_session_rate);
}

static bool
on_publish(struct parse *parse)
{
    const struct global_conf *global = global_conf_of(parse->snapshot);

    if (written.is_there) {
        apply_limits(global);
        apply_names(global);
        signals_set_times(global->hard_stop_after_ms, global->grace_ms, global->close_spread_ms);
    } else {
        keep(&written.node, global->node);
        keep(&written.description, global->description);
    }
    written.is_there = true;
    written.maxconn = global->maxconn;
    written.connection_rate = global->max_connection_rate;
    written.session_rate = global->max_session_rate;
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_PUBLISH, ORDER_MAIN, on_publish, "main: limits and names of the process" },
};
REGISTER(config_hook, hooks);
