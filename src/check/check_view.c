/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others see of a server's check, and what they may do to it.
 *
 * Callers: admin, check_cli.c. Thread: control.
 */
#include <stdio.h>

#include "weir/check/check.h"
#include "private.h"

bool
check_view(const struct server *srv, struct check_view *out)
{
    const struct server_conf *target = srv->conf == NULL ? NULL : track_target(srv->conf);
    const struct check *check = target == NULL || target->live == NULL ? NULL : target->live->check;
    const struct check_conf *conf = target == NULL ? NULL : check_conf_of(target);

    if (check == NULL || conf == NULL || !check->is_wanted)
        return false;
    *out = (struct check_view){
        .is_enabled = !check->is_paused,
        .is_followed = target != srv->conf,
        .in_progress = check->is_running,
        .status = check->status,
        .code = check->code,
        .duration_ms = check->duration_ms,
        .rise = (int)conf->rise,
        .fall = (int)conf->fall,
        .health = check->health,
        .description = check_status_description(check->status),
    };
    snprintf(out->last_text, sizeof(out->last_text), "%s", check->text);
    return true;
}

bool
check_pause(struct server *srv)
{
    struct check *check = srv->check;

    if (check == NULL || !check->is_wanted)
        return false;
    check->is_paused = true;
    check_run_abort(check);
    timer_stop(&check->timer);
    return true;
}

bool
check_resume(struct server *srv)
{
    struct check *check = srv->check;

    if (check == NULL || !check->is_wanted)
        return false;
    check->is_paused = false;
    if (!check->is_running && check_is_due(check))
        check_schedule(check, 0);
    return true;
}

void
check_restore(struct server *srv, enum server_state state, const char *reason)
{
    struct check *check = srv->check;
    const struct check_conf *conf = srv->conf == NULL ? NULL : check_conf_of(srv->conf);

    if (check != NULL && conf != NULL)
        check->health = state == SERVER_STOPPED ? 0 : (int)(conf->rise + conf->fall - 1);
    server_set_state(srv, state, reason);
}

void
check_force(struct server *srv, enum server_state state)
{
    check_restore(srv, state, "changed from CLI");
}
