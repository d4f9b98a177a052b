/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of proxies and servers: which are written, and the next free one.
 *
 * For:     proxies and servers without "id", which get the next number that nobody has.
 * Owns:    the sorted numbers, until id_set_fini().
 * Callers: proxy and server, when the text has been read.
 * Thread:  builder.
 */
#include "weir/proxy/id_set.h"

#include <stdlib.h>

#include "weir/base/alloc.h"

static int
compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

void
id_set_add(struct id_set *set, int64_t id)
{
    if (set->count == set->cap) {
        set->cap = set->cap == 0 ? 16 : set->cap * 2;
        set->ids = alloc_resize(set->ids, set->cap * sizeof(*set->ids));
    }
    set->ids[set->count++] = id;
}

void
id_set_sort(struct id_set *set)
{
    if (set->count > 0)
        qsort(set->ids, set->count, sizeof(*set->ids), compare);
}

static bool
has(const struct id_set *set, int64_t id)
{
    return set->count > 0 && bsearch(&id, set->ids, set->count, sizeof(*set->ids), compare) != NULL;
}

int64_t
id_set_next(const struct id_set *set, int64_t *next)
{
    while (has(set, *next))
        ++*next;
    return (*next)++;
}

void
id_set_fini(struct id_set *set)
{
    alloc_free(set->ids);
    *set = (struct id_set){ 0 };
}
