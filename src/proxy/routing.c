/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which backend: use_backend rules in order, then default_backend, then the proxy itself.
 *
 * Callers: the stream, after the frontend's rules. Thread: owner; reads the snapshot only.
 */
#include "weir/expr/explain.h"

#include "private.h"

static const struct proxy_conf *
find_dynamic(const struct switch_rule *rule, struct eval *eval)
{
    struct str name = log_format_to_str(rule->dynamic, eval);

    const struct proxy_conf *found =
        name.ptr == NULL ? NULL : proxy_conf_find(eval->snapshot, name, SIDE_BACK);

    return found != NULL && found->mode == MODE_LOG ? NULL : (struct proxy_conf *)found;
}

/* A disabled or unpublished backend, or one of another kind, is passed over: the next rule is looked at. */
static bool
is_usable(const struct proxy_conf *frontend, const struct proxy_conf *backend)
{
    return backend != NULL && !backend->disabled &&
           !(backend->live != NULL &&
             __atomic_load_n(&backend->live->is_unpublished, __ATOMIC_RELAXED)) &&
           (backend->mode == frontend->mode || frontend->mode == MODE_TCP);
}

/* --- for those who ask why -------------------------------------------------------------- */

static void
explain_begin(const struct proxy_conf *frontend, struct eval *eval)
{
    if (frontend->switch_count > 0 || frontend->default_backend != NULL)
        explain_set(eval->explain, "use_backend", frontend->name);
}

static void
explain_default(const struct proxy_conf *frontend, struct eval *eval)
{
    struct explain *explain = eval->explain;

    if (!is_usable(frontend, frontend->default_backend))
        return;
    explain_rule(explain, frontend->default_backend_pos,
                 arena_printf(&explain->arena, "default_backend %s",
                              frontend->default_backend_name));
    explain_outcome(explain, OUTCOME_YES, NULL);
}

/* --- choice ------------------------------------------------------------------------------ */

static bool
is_met(const struct switch_rule *rule, struct eval *eval)
{
    bool is_yes;

    if (__builtin_expect(eval->explain != NULL, 0))
        explain_rule(eval->explain, rule->pos, rule->text);
    is_yes = condition_test(rule->condition, eval) == TRUTH_YES;
    if (__builtin_expect(eval->explain != NULL, 0))
        explain_outcome(eval->explain, is_yes ? OUTCOME_YES : OUTCOME_NO, NULL);
    return is_yes;
}

static const struct proxy_conf *
route(const struct proxy_conf *frontend, struct eval *eval, const struct switch_rule **decided)
{
    if (__builtin_expect(eval->explain != NULL, 0))
        explain_begin(frontend, eval);
    for (unsigned i = 0; i < frontend->switch_count; i++) {
        const struct switch_rule *rule = &frontend->switches[i];
        const struct proxy_conf *backend;

        if (!is_met(rule, eval))
            continue;
        backend = rule->dynamic != NULL ? find_dynamic(rule, eval) : rule->backend;
        if (!is_usable(frontend, backend))
            continue;
        *decided = rule;
        return backend;
    }
    *decided = NULL;
    if (__builtin_expect(eval->explain != NULL, 0))
        explain_default(frontend, eval);
    if (is_usable(frontend, frontend->default_backend))
        return frontend->default_backend;
    return proxy_conf_is_back(frontend) ? frontend : NULL;
}

const struct proxy_conf *
proxy_route(const struct proxy_conf *frontend, struct eval *eval,
            const struct switch_rule **decided)
{
    struct sample_memo memo;
    const struct proxy_conf *backend;

    memo.number = 0;
    eval->memo = eval->explain == NULL ? &memo : NULL;
    backend = route(frontend, eval, decided);
    eval->memo = NULL;
    return backend;
}
