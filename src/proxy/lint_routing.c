/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lint: rules that another one above them makes useless, backends that nothing leads to.
 *
 * Thread: boot.
 */
#include <stdio.h>

#include "weir/config/lint.h"
#include "private.h"

/* --- use_backend -------------------------------------------------------------------------- */

static bool
is_plain(const struct switch_rule *rule)
{
    return rule->dynamic == NULL;
}

static void
compare_switches(struct lint *lint, const struct switch_rule *rule, const struct switch_rule *above)
{
    const char *shared;
    char where[512];

    snprintf(where, sizeof(where), "put it above line %d, or leave it out", above->pos.line);
    if (condition_implies(rule->condition, above->condition)) {
        lint_say(lint, rule->pos, where, "'%s' never decides: '%s' at %s:%d comes first",
                 rule->text, above->text, above->pos.file, above->pos.line);
        return;
    }
    shared = condition_shared_value(rule->condition, above->condition);
    if (shared != NULL && rule->backend != above->backend)
        lint_say(lint, rule->pos, where, "'%s' does not get '%s': '%s' at %s:%d comes first",
                 rule->text, shared, above->text, above->pos.file, above->pos.line);
}

static void
find_shadowed(struct lint *lint, const struct proxy_conf *conf)
{
    for (unsigned i = 1; i < conf->switch_count; i++) {
        for (unsigned above = 0; above < i; above++) {
            if (is_plain(&conf->switches[i]) && is_plain(&conf->switches[above]))
                compare_switches(lint, &conf->switches[i], &conf->switches[above]);
        }
    }
}

static void
find_useless_default(struct lint *lint, const struct proxy_conf *conf)
{
    for (unsigned i = 0; i < conf->switch_count; i++) {
        const struct switch_rule *rule = &conf->switches[i];

        if (rule->condition == NULL && is_plain(rule) && conf->default_backend != NULL) {
            lint_say(lint, conf->default_backend_pos, "leave one of the two out",
                     "'default_backend %s' never decides: '%s' at %s:%d has no condition",
                     conf->default_backend_name, rule->text, rule->pos.file, rule->pos.line);
            return;
        }
    }
}

/* --- rules -------------------------------------------------------------------------------- */

/* One that ends the list, with no rule between that might change what conditions look at. */
static void
find_dead(struct lint *lint, const struct ruleset *set)
{
    for (unsigned i = 1; i < set->count; i++) {
        const struct rule *rule = &set->rules[i];

        for (unsigned above = i; above > 0; above--) {
            const struct rule *earlier = &set->rules[above - 1];

            if (!earlier->action->kind->is_final || earlier->is_called || earlier->skip > 0)
                break;
            if (earlier->condition == NULL || rule->condition == NULL ||
                !condition_implies(rule->condition, earlier->condition))
                continue;
            lint_say(lint, rule->action->pos, "leave it out, or put it first",
                     "'%s' never runs: '%s' at %s:%d ends the rules before it", rule->action->text,
                     earlier->action->text, earlier->action->pos.file, earlier->action->pos.line);
            break;
        }
    }
}

static void
find_dead_rules(struct lint *lint, const struct proxy_conf *conf)
{
    const struct ruleset *sets[] = { &conf->tcp_connection, &conf->tcp_session,
                                     &conf->tcp_request,    &conf->tcp_response,
                                     &conf->http_request,   &conf->http_response,
                                     &conf->http_after_response, &conf->redirects };

    for (size_t i = 0; i < COUNT(sets); i++)
        find_dead(lint, sets[i]);
}

static void
check_rules(struct lint *lint, const struct snapshot *snapshot)
{
    LIST_FOR_EACH (conf, proxy_list(snapshot), struct proxy_conf, link) {
        find_shadowed(lint, conf);
        find_useless_default(lint, conf);
        find_dead_rules(lint, conf);
    }
}

/* --- backends ----------------------------------------------------------------------------- */

/* Names that are computed may lead anywhere. */
static bool
leads_to(const struct proxy_conf *from, const struct proxy_conf *backend)
{
    if (from->default_backend == backend || from == backend)
        return true;
    for (unsigned i = 0; i < from->switch_count; i++) {
        if (from->switches[i].dynamic != NULL || from->switches[i].backend == backend)
            return true;
    }
    return false;
}

static bool
is_reached(const struct snapshot *snapshot, const struct proxy_conf *backend)
{
    LIST_FOR_EACH (conf, proxy_list(snapshot), struct proxy_conf, link) {
        if (proxy_conf_is_front(conf) && leads_to(conf, backend))
            return true;
    }
    return false;
}

/* Those without servers are there for their stick tables. */
static void
check_backends(struct lint *lint, const struct snapshot *snapshot)
{
    LIST_FOR_EACH (conf, proxy_list(snapshot), struct proxy_conf, link) {
        if (!proxy_conf_is_front(conf) && !list_is_empty(&conf->servers) &&
            !is_reached(snapshot, conf))
            lint_say(lint, conf->pos, "name it in use_backend or default_backend, or leave it out",
                     "nothing leads to backend '%s'", conf->name);
    }
}

static const struct lint_check checks[] = {
    { "dead-rule", check_rules,
      "Rules that never decide, and hosts or paths that another rule takes first." },
    { "unused-backend", check_backends, "Backends that no frontend uses." },
};
REGISTER(lint_check, checks);
