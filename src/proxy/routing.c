/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which backend: use_backend rules in order, then default_backend, then the proxy itself.
 *
 * Callers: the stream, after the frontend's rules. Thread: owner; reads the snapshot only.
 */
#include "private.h"

static const struct proxy_conf *
find_dynamic(const struct switch_rule *rule, struct eval *eval)
{
    struct str name = log_format_to_str(rule->dynamic, eval);

    return name.ptr == NULL ? NULL : proxy_conf_find(eval->snapshot, name, SIDE_BACK);
}

/* A disabled backend, or one of another kind, is passed over: the next rule is looked at. */
static bool
is_usable(const struct proxy_conf *frontend, const struct proxy_conf *backend)
{
    return backend != NULL && !backend->disabled &&
           (backend->mode == frontend->mode || frontend->mode == MODE_TCP);
}

const struct proxy_conf *
proxy_route(const struct proxy_conf *frontend, struct eval *eval,
            const struct switch_rule **decided)
{
    for (unsigned i = 0; i < frontend->switch_count; i++) {
        const struct switch_rule *rule = &frontend->switches[i];
        const struct proxy_conf *backend;

        if (condition_test(rule->condition, eval) != TRUTH_YES)
            continue;
        backend = rule->dynamic != NULL ? find_dynamic(rule, eval) : rule->backend;
        if (!is_usable(frontend, backend))
            continue;
        *decided = rule;
        return backend;
    }
    *decided = NULL;
    if (is_usable(frontend, frontend->default_backend))
        return frontend->default_backend;
    return proxy_conf_is_back(frontend) ? frontend : NULL;
}
