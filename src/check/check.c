/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When servers are checked, and what the results do to them.
 *
 * For:     servers with "check". Owns: a struct check for each, from publishing to removal.
 * Callers: server tells of added and removed servers (server_observer); timers do the rest.
 * Thread:  control.
 *
 * health counts from 0 to rise + fall - 1; from `rise` on the server is up:
 *
 *     0 ... rise-1      down, so many checks have passed since
 *     rise              up, and the next failure takes it down (so it begins)
 *     rise+fall-1       up, `fall` failures in a row take it down
 */
#include "weir/check/check.h"

#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/entropy.h"
#include "weir/loop/loop.h"
#include "weir/telemetry/notice.h"
#include "weir/tls/tls.h"
#include "private.h"

static unsigned check_count;
static int64_t running;                           /* checks that run now */
static struct list waiting = { &waiting, &waiting }; /* struct check: there are too many */

static const struct check_conf *
conf_of(const struct check *check)
{
    return check->server->conf == NULL ? NULL : check_conf_of(check->server->conf);
}

/* --- times --------------------------------------------------------------------------------- */

static int64_t
interval_ms(const struct check *check, const struct check_conf *conf)
{
    bool is_up = check->health >= conf->rise;
    bool is_changing = check->health != 0 && check->health != conf->rise + conf->fall - 1;

    if (is_changing && conf->fastinter_ms > 0)
        return conf->fastinter_ms;
    if (!is_up && !is_changing && conf->downinter_ms > 0)
        return conf->downinter_ms;
    return conf->inter_ms;
}

/* spread-checks: a bit more or less. */
static int64_t
spread(int64_t delay_ms)
{
    int64_t most = delay_ms * check_global_now()->spread_percent / 100;

    return most <= 0 ? delay_ms : delay_ms - most + (int64_t)entropy_below((uint64_t)(2 * most + 1));
}

void
check_schedule(struct check *check, int64_t delay_ms)
{
    timer_set(loop_here(), &check->timer, loop_now_ms(loop_here()) + delay_ms);
}

/* The first checks are spread: a millisecond for each server, at most the interval. */
static int64_t
first_delay_ms(const struct check_conf *conf)
{
    int64_t within = check_count < conf->inter_ms ? check_count : conf->inter_ms;

    if (check_global_now()->max_spread_ms > 0 && within > check_global_now()->max_spread_ms)
        within = check_global_now()->max_spread_ms;
    return within <= 1 ? 0 : (int64_t)entropy_below((uint64_t)within);
}

bool
check_is_due(const struct check *check)
{
    return check->is_wanted && !check->is_paused && !(check->server->admin & ADMIN_MAINT);
}

static bool
may_begin(void)
{
    int64_t most = check_global_now()->max_running;

    return most == 0 || running < most;
}

static void
on_timer(struct timer *timer)
{
    struct check *check = LIST_ITEM(timer, struct check, timer);

    if (check->is_running) {
        check_timed_out(check);
        return;
    }
    if (!check_is_due(check))
        return;
    if (may_begin())
        check_run_begin(check);
    else if (!list_is_linked(&check->waiting))
        list_add_last(&waiting, &check->waiting);
}

/* --- tune.max-checks-per-thread ---------------------------------------------------------------- */

void
check_count_running(struct check *check, bool is_running)
{
    list_remove(&check->waiting);
    if (is_running == check->is_running)
        return;
    check->is_running = is_running;
    if (is_running) {
        running++;
        return;
    }
    running--;
    if (!list_is_empty(&waiting) && may_begin()) {
        struct check *next = LIST_FIRST(&waiting, struct check, waiting);

        list_remove(&next->waiting);
        check_schedule(next, 0);
    }
}

/* --- results --------------------------------------------------------------------------------- */

static void
add_reason(struct text *text, const struct check *check)
{
    text_printf(text, "%s", check_status_description(check->status));
    if (check_status_has_code(check->status))
        text_printf(text, ", code: %d", check->code);
    if (check->text[0] != '\0')
        text_printf(text, ", info: \"%s\"", check->text);
    text_printf(text, ", check duration: %lldms", (long long)check->duration_ms);
}

static bool
is_good(enum check_status status)
{
    return status == CHECK_L4OK || status == CHECK_L6OK || status == CHECK_L7OK ||
           status == CHECK_L7OKC || status == CHECK_PROCOK;
}

/* option log-health-checks: each change of the result or of the count. */
static void
say_result(const struct check *check, const struct check_conf *conf)
{
    const struct proxy_conf *backend = check->server->backend->conf;
    bool is_up = check->health >= conf->rise;
    struct text text = TEXT_INIT;

    if (backend == NULL || !backend->option.log_health_checks)
        return;
    text_printf(&text, "Health check for %sserver %s/%s %s, reason: ",
                check->server->conf->backup ? "backup " : "", check->server->backend->name,
                check->server->name, check->status == CHECK_L7OKC   ? "conditionally succeeded"
                : is_good(check->status) ? "succeeded"
                                         : "failed");
    add_reason(&text, check);
    text_printf(&text, ", status: %lld/%lld %s.",
                (long long)(is_up ? check->health - conf->rise + 1 : check->health),
                (long long)(is_up ? conf->fall : conf->rise), !is_up                                      ? "DOWN"
                : check->server->effective_weight == 0 ? "DRAIN"
                                                       : "UP");
    notice_print(NOTICE_WARNING, "%s", text_cstr(&text));
    log_event(backend->logs, LOG_LEVEL_NOTICE, backend->log_tag, "check", STR_NONE, "%s",
              text_cstr(&text));
    text_fini(&text);
}

static void
set_state(struct check *check, enum server_state state)
{
    const struct proxy_conf *backend = check->server->backend->conf;
    struct text reason = TEXT_INIT;

    text_puts(&reason, "reason: ");
    add_reason(&reason, check);
    /* With option log-health-checks the line before has said why. */
    server_set_state(check->server, state,
                     backend != NULL && backend->option.log_health_checks ? NULL
                                                                          : text_cstr(&reason));
    text_fini(&reason);
}

static void
count_good(struct check *check, const struct check_conf *conf)
{
    int full = (int)(conf->rise + conf->fall - 1);
    bool was_up = check->health >= conf->rise;

    if (check->health < full) {
        check->health = was_up ? full : check->health + 1;
        if (check->health == conf->rise && !was_up)
            check->health = full;
        say_result(check, conf);
    } else if (check->is_other)
        say_result(check, conf);
    if (check->health >= conf->rise && !agent_holds_down(check->server))
        set_state(check, check->status == CHECK_L7OKC ? SERVER_STOPPING : SERVER_RUNNING);
}

static void
count_bad(struct check *check, const struct check_conf *conf)
{
    bool was_up = check->health >= conf->rise;

    check->server->failed_checks += was_up;
    if (check->health > conf->rise) {
        check->health--;
        say_result(check, conf);
        return;
    }
    if (check->health != 0 || was_up || check->is_other) {
        check->health = 0;
        say_result(check, conf);
    }
    set_state(check, SERVER_STOPPED);
}

void
check_done(struct check *check, enum check_status status, int code, const char *info)
{
    const struct check_conf *conf = conf_of(check);

    check_run_abort(check);
    check->is_other = check->status != status;
    check->status = status;
    check->code = code;
    check->duration_ms = (loop_here()->now_us - check->began_us) / 1000;
    snprintf(check->text, sizeof(check->text), "%s", info == NULL ? "" : info);
    if (conf == NULL)
        return;
    if (is_good(status))
        count_good(check, conf);
    else
        count_bad(check, conf);
    FOR_EACH_REGISTERED (check_reader, reader, list)
        reader->read(check->server, false);
    check_schedule(check, spread(interval_ms(check, conf)));
}

static void
hurry(struct check *check, const struct check_conf *conf)
{
    int64_t fast_ms = conf->fastinter_ms > 0 ? conf->fastinter_ms : conf->inter_ms;

    if (!check->is_running && check_is_due(check))
        check_schedule(check, fast_ms);
}

void
check_observed(struct server *srv, enum observe_action action, const char *text)
{
    struct check *check = srv->check;
    const struct check_conf *conf = check == NULL ? NULL : conf_of(check);

    if (conf == NULL || !check_is_due(check) || check->health < conf->rise)
        return;
    if (action != OBSERVE_FASTINTER) {
        check_run_abort(check);
        check->is_other = true;
        check->status = CHECK_HANA;
        check->code = 0;
        check->duration_ms = 0;
        snprintf(check->text, sizeof(check->text), "%s", text);
        if (action == OBSERVE_SUDDEN_DEATH && check->health > conf->rise)
            check->health = (int)conf->rise + 1; /* count_bad() takes the last but one */
        if (action == OBSERVE_MARK_DOWN)
            check->health = (int)conf->rise;
        count_bad(check, conf);
    }
    hurry(check, conf);
}

/* --- life ---------------------------------------------------------------------------------------
 */

/* Up until the next failure, unless init-state says something else. */
static int
first_health(const struct server_conf *srv, const struct check_conf *conf)
{
    switch (srv->init_state) {
    case INIT_FULLY_UP:
        return (int)(conf->rise + conf->fall - 1);
    case INIT_DOWN:
        return (int)conf->rise - 1;
    case INIT_FULLY_DOWN:
        return 0;
    default:
        return (int)conf->rise;
    }
}

static struct check *
check_new(struct server *srv, const struct check_conf *conf)
{
    struct check *check = alloc_zero(sizeof(*check));

    list_init(&check->waiting);
    check->server = srv;
    check->status = CHECK_INI;
    check->duration_ms = -1;
    check->health = first_health(srv->conf, conf);
    check->is_paused = srv->conf->is_dynamic;
    check->in_maint = (srv->admin & ADMIN_MAINT) != 0;
    timer_init(&check->timer, on_timer);
    arena_init(&check->arena);
    check_count++;
    return check;
}

static void
check_free(struct check *check)
{
    check_run_abort(check);
    mux_check_drop_kept(check);
    timer_stop(&check->timer);
    text_fini(&check->received);
    text_fini(&check->to_send);
    variable_set_clear(&check->variables);
    check->server->check = NULL;
    check_count--;
    alloc_free(check);
}

static void
stop(struct check *check)
{
    check->is_wanted = false;
    check_run_abort(check);
    mux_check_drop_kept(check);
    timer_stop(&check->timer);
}

/* The configuration of a server came or changed, or its administrative state. */
static void
refresh(struct server *srv, bool is_new)
{
    const struct check_conf *conf = check_conf_of(srv->conf);
    struct check *check = srv->check;

    if (!conf->is_on) {
        if (check != NULL)
            stop(check);
        return;
    }
    if (check == NULL)
        srv->check = check = check_new(srv, conf);
    check->is_wanted = true;
    if (check->is_running && is_new) { /* it may have other steps now */
        check_run_abort(check);
        timer_stop(&check->timer);
    }
    if (check->health > conf->rise + conf->fall - 1)
        check->health = (int)(conf->rise + conf->fall - 1);
    if (!check->is_running && !timer_is_running(&check->timer) &&
        !list_is_linked(&check->waiting) && check_is_due(check))
        check_schedule(check, first_delay_ms(conf));
}

/* Not checked meanwhile; afterwards up until the next failure. */
static void
follow_maintenance(struct check *check)
{
    bool is_maint = (check->server->admin & ADMIN_MAINT) != 0;

    if (is_maint == check->in_maint)
        return;
    check->in_maint = is_maint;
    check_run_abort(check);
    mux_check_drop_kept(check);
    timer_stop(&check->timer);
    if (!is_maint)
        check->health =
            first_health(check->server->conf, check_conf_of(check->server->conf));
}

static void
on_change(struct server *srv, unsigned what)
{
    struct check *check = srv->check;

    if (what & SERVER_REMOVED) {
        if (check != NULL)
            check_free(check);
        return;
    }
    if (srv->conf == NULL || (what != 0 && !(what & (SERVER_ADDED | SERVER_CHANGED_ADMIN))))
        return;
    if (check != NULL)
        follow_maintenance(check);
    refresh(srv, what == 0);
}

static const struct server_observer observers[] = { { on_change } };
REGISTER(server_observer, observers);
