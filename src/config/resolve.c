/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hooks of a snapshot's stages, in order: defaults before the text, names become pointers after
 * it, live objects are found and told.
 *
 * Callers: snapshot.c. Thread: builder; control for ADOPT, PUBLISH and RELEASE.
 */
#include <stdlib.h>
#include <string.h>

#include "weir/base/crash.h"
#include "private.h"

#define HOOKS_MAX 512

static int
compare_hooks(const void *a, const void *b)
{
    const struct config_hook *left = *(const struct config_hook *const *)a;
    const struct config_hook *right = *(const struct config_hook *const *)b;

    if (left->order != right->order)
        return left->order < right->order ? -1 : 1;
    return strcmp(left->name, right->name);
}

static size_t
collect_hooks(enum config_stage stage, const struct config_hook **hooks)
{
    size_t count = 0;

    FOR_EACH_REGISTERED (config_hook, hook, list) {
        MUST(count < HOOKS_MAX);
        if (hook->stage == stage)
            hooks[count++] = hook;
    }
    qsort(hooks, count, sizeof(*hooks), compare_hooks);
    return count;
}

bool
hooks_run(struct snapshot *snapshot, enum config_stage stage, struct diag *diag)
{
    const struct config_hook *hooks[HOOKS_MAX];
    size_t count = collect_hooks(stage, hooks);
    bool fine = true;

    for (size_t i = 0; i < count; i++) {
        struct parse parse = { .snapshot = snapshot, .arena = &snapshot->arena, .diag = diag };

        if (hooks[i]->run(&parse))
            continue;
        fine = false;
        if (stage == CONFIG_ADOPT)
            break;
    }
    return fine;
}
