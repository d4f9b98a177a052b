/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificates are shown by which bind line, and how they are replaced under traffic.
 *
 * For:     the runtime socket.
 * Owns:    the list of living contexts of bind lines; certificates that none of them shows.
 * Thread:  builder adds contexts; control does the rest. Traffic sees published tables only.
 *
 * A change is made on the uses of a context; then a new table of names is made of them and published;
 * the old one goes when no handshake can be reading it. Names of other contexts stay as they are.
 */
#include "weir/tls/cert_store.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/loop/grace.h"
#include "weir/loop/lock.h"
#include "weir/tls/ocsp.h"
#include "private.h"

static struct lock contexts_lock = LOCK_INIT(LOCK_NET);
static struct tls_context *contexts; /* the newest first */
static struct cert_use *aside;       /* control's */
static uint64_t generation;          /* counts changes; atomic */

static void
note_change(void)
{
    __atomic_add_fetch(&generation, 1, __ATOMIC_RELAXED);
}

void
cert_store_add(struct tls_context *context)
{
    note_change();
    lock_take(&contexts_lock);
    context->next = contexts;
    contexts = context;
    lock_give(&contexts_lock);
}

void
cert_store_remove(struct tls_context *context)
{
    note_change();
    lock_take(&contexts_lock);
    for (struct tls_context **link = &contexts; *link != NULL; link = &(*link)->next) {
        if (*link == context) {
            *link = context->next;
            break;
        }
    }
    lock_give(&contexts_lock);
}

/* Under the lock. */
static void
publish_names(struct tls_context *context)
{
    struct sni_table *before = context->names;

    grace_publish(context->names, sni_table_make(context->uses));
    grace_free_later(before, sni_table_free);
}

/* --- certificates ----------------------------------------------------------------------------------- */

static struct cert_use *
find_use(struct cert_use *uses, const char *path)
{
    while (uses != NULL && strcmp(uses->cert->path, path) != 0)
        uses = uses->next;
    return uses;
}

/* NULL: no bind line has it. */
static struct cert_use *
find_shown(const char *path)
{
    struct cert_use *use = NULL;

    lock_take(&contexts_lock);
    for (struct tls_context *context = contexts; use == NULL && context != NULL;
         context = context->next)
        use = find_use(context->uses, path);
    lock_give(&contexts_lock);
    return use;
}

struct tls_cert *
cert_store_find(const char *path)
{
    struct cert_use *use = find_shown(path);

    if (use == NULL)
        use = find_use(aside, path);
    return use == NULL ? NULL : use->cert;
}

bool
cert_store_is_used(const char *path)
{
    return find_shown(path) != NULL;
}

static void
change_cert(struct cert_use *use, struct tls_cert *cert)
{
    tls_cert_hold(cert);
    tls_cert_drop(use->cert);
    use->cert = cert;
}

unsigned
cert_store_replace(struct tls_cert *cert)
{
    struct cert_use *kept = find_use(aside, cert->path);
    unsigned count = 0;

    note_change();
    if (kept != NULL)
        change_cert(kept, cert);
    lock_take(&contexts_lock);
    for (struct tls_context *context = contexts; context != NULL; context = context->next) {
        bool is_changed = false;

        for (struct cert_use *use = context->uses; use != NULL; use = use->next) {
            if (strcmp(use->cert->path, cert->path) != 0)
                continue;
            change_cert(use, cert);
            is_changed = true;
        }
        if (is_changed) {
            publish_names(context);
            count++;
        }
    }
    lock_give(&contexts_lock);
    jwt_certs_refresh();
    return count;
}

void
cert_store_keep(struct tls_cert *cert)
{
    struct cert_use *use;

    note_change();
    if (find_use(aside, cert->path) != NULL)
        return;
    use = cert_use_new(cert);
    use->next = aside;
    aside = use;
}

void
cert_store_forget(const char *path)
{
    note_change();
    for (struct cert_use **link = &aside; *link != NULL; link = &(*link)->next) {
        struct cert_use *use = *link;

        if (strcmp(use->cert->path, path) == 0) {
            *link = use->next;
            cert_use_free(use);
            return;
        }
    }
}

/* Those that the configuration does not declare any more go; a bind line may still show them. */
void
cert_store_declare(const struct crt_load *loads)
{
    note_change();
    for (struct cert_use *use = aside; use != NULL; use = use->next)
        use->is_outdated = use->is_declared;
    for (const struct crt_load *load = loads; load != NULL; load = load->next) {
        struct cert_use *use = find_use(aside, load->cert->path);

        cert_store_keep(load->cert);
        if (use == NULL)
            use = aside;
        else
            change_cert(use, load->cert);
        use->is_declared = true;
        use->is_watched = load->is_watched;
        use->freshness = load->freshness;
        use->is_outdated = false;
    }
    for (struct cert_use **link = &aside; *link != NULL;) {
        struct cert_use *use = *link;

        if (!use->is_outdated) {
            link = &use->next;
            continue;
        }
        *link = use->next;
        cert_use_free(use);
    }
}

/* A certificate that was shown is not looked at twice for one refused file. */
static bool
is_outdated(const struct cert_use *use)
{
    uint64_t stamp;

    if (!use->is_watched)
        return false;
    stamp = tls_cert_stamp(use->cert);
    return stamp != use->cert->stamp && stamp != use->cert->refused_stamp;
}

char **
cert_store_outdated(size_t *count)
{
    char **paths = NULL;

    *count = 0;
    lock_take(&contexts_lock);
    for (const struct tls_context *context = contexts; context != NULL; context = context->next) {
        for (const struct cert_use *use = context->uses; use != NULL; use = use->next) {
            if (!is_outdated(use))
                continue;
            paths = alloc_resize(paths, (*count + 1) * sizeof(*paths));
            paths[(*count)++] = alloc_copy(use->cert->path);
        }
    }
    lock_give(&contexts_lock);
    for (const struct cert_use *use = aside; use != NULL; use = use->next) {
        if (!is_outdated(use))
            continue;
        paths = alloc_resize(paths, (*count + 1) * sizeof(*paths));
        paths[(*count)++] = alloc_copy(use->cert->path);
    }
    return paths;
}

/* --- OCSP --------------------------------------------------------------------------------------------- */

/* A later word of "off" anywhere keeps the certificate out only where nothing says "on". */
static bool
is_kept_fresh(const struct cert_use *use)
{
    if (use->cert->x509 == NULL || use->freshness == OCSP_UPDATE_OFF)
        return false;
    return use->freshness == OCSP_UPDATE_ON || tls_globals_of(snapshot_current())->ocsp_is_on;
}

static int
compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct wanted {
    char **paths;
    size_t count, cap;
};

static void
add_wanted(struct wanted *wanted, const struct cert_use *uses)
{
    for (const struct cert_use *use = uses; use != NULL; use = use->next) {
        if (!is_kept_fresh(use))
            continue;
        if (wanted->count == wanted->cap) {
            wanted->cap = wanted->cap == 0 ? 16 : wanted->cap * 2;
            wanted->paths = alloc_resize(wanted->paths, wanted->cap * sizeof(*wanted->paths));
        }
        wanted->paths[wanted->count++] = alloc_copy(use->cert->path);
    }
}

char **
ocsp_wanted(size_t *count)
{
    struct wanted wanted = { .paths = NULL };

    lock_take(&contexts_lock);
    for (const struct tls_context *context = contexts; context != NULL; context = context->next)
        add_wanted(&wanted, context->uses);
    lock_give(&contexts_lock);
    add_wanted(&wanted, aside);
    if (wanted.count > 0)
        qsort(wanted.paths, wanted.count, sizeof(*wanted.paths), compare_paths);
    *count = 0;
    for (size_t i = 0; i < wanted.count; i++) {
        if (*count > 0 && strcmp(wanted.paths[i], wanted.paths[*count - 1]) == 0)
            alloc_free(wanted.paths[i]);
        else
            wanted.paths[(*count)++] = wanted.paths[i];
    }
    return wanted.paths;
}

uint64_t
cert_store_generation(void)
{
    return __atomic_load_n(&generation, __ATOMIC_RELAXED) + snapshot_current()->generation;
}

/* --- names, sorted ---------------------------------------------------------------------------------- */

struct names {
    const char **items;
    size_t count, cap;
};

static void
add_name(struct names *names, const char *name)
{
    if (names->count == names->cap) {
        names->cap = names->cap == 0 ? 16 : names->cap * 2;
        names->items = alloc_resize(names->items, names->cap * sizeof(*names->items));
    }
    names->items[names->count++] = name;
}

static int
compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char **
sort_names(struct names *names, size_t *count)
{
    *count = 0;
    if (names->count > 0)
        qsort(names->items, names->count, sizeof(*names->items), compare);
    for (size_t i = 0; i < names->count; i++) {
        if (i == 0 || strcmp(names->items[i], names->items[*count - 1]) != 0)
            names->items[(*count)++] = names->items[i];
    }
    return names->items;
}

const char **
cert_store_paths(size_t *count)
{
    struct names names = { 0 };

    for (const struct cert_use *use = aside; use != NULL; use = use->next)
        add_name(&names, use->cert->path);
    lock_take(&contexts_lock);
    for (const struct tls_context *context = contexts; context != NULL; context = context->next) {
        for (const struct cert_use *use = context->uses; use != NULL; use = use->next)
            add_name(&names, use->cert->path);
    }
    lock_give(&contexts_lock);
    return sort_names(&names, count);
}

const char **
cert_store_lists(size_t *count)
{
    struct names names = { 0 };

    lock_take(&contexts_lock);
    for (const struct tls_context *context = contexts; context != NULL; context = context->next) {
        for (unsigned i = 0; i < context->list_count; i++)
            add_name(&names, context->lists[i]);
    }
    lock_give(&contexts_lock);
    return sort_names(&names, count);
}

/* --- lists ------------------------------------------------------------------------------------------ */

static struct cert_use *
find_of_list(struct cert_use *uses, const char *list)
{
    while (uses != NULL && (uses->list == NULL || strcmp(uses->list, list) != 0))
        uses = uses->next;
    return uses;
}

const struct cert_use *
cert_store_list(const char *list)
{
    const struct cert_use *use = NULL;

    lock_take(&contexts_lock);
    for (struct tls_context *context = contexts; use == NULL && context != NULL;
         context = context->next)
        use = find_of_list(context->uses, list);
    lock_give(&contexts_lock);
    return use;
}

static struct cert_use *
copy_use(const struct cert_use *use)
{
    struct cert_use *copy = cert_use_new(use->cert);

    copy->list = alloc_copy(use->list);
    cert_use_copy_options(copy, use);
    copy->has_names = use->has_names;
    copy->filter_count = use->filter_count;
    if (use->filter_count > 0)
        copy->filters = alloc_zero(use->filter_count * sizeof(*copy->filters));
    for (unsigned i = 0; i < use->filter_count; i++)
        copy->filters[i] = alloc_copy(use->filters[i]);
    return copy;
}

/* Behind the last one of the list; at the end if it is empty. */
static void
insert(struct tls_context *context, const struct cert_use *use)
{
    struct cert_use *copy = copy_use(use), **link = &context->uses, **after = NULL;

    copy->line = 1;
    for (; *link != NULL; link = &(*link)->next) {
        if ((*link)->list != NULL && strcmp((*link)->list, use->list) == 0) {
            copy->line = (*link)->line + 1;
            after = &(*link)->next;
        }
    }
    link = after != NULL ? after : link;
    copy->next = *link;
    *link = copy;
    publish_names(context);
}

static bool
reads_list(const struct tls_context *context, const char *list)
{
    for (unsigned i = 0; i < context->list_count; i++) {
        if (strcmp(context->lists[i], list) == 0)
            return true;
    }
    return false;
}

bool
cert_store_has_list(const char *list)
{
    bool has = false;

    lock_take(&contexts_lock);
    for (const struct tls_context *context = contexts; !has && context != NULL;
         context = context->next)
        has = reads_list(context, list);
    lock_give(&contexts_lock);
    return has;
}

void
cert_store_list_add(const char *list, struct cert_use *use)
{
    note_change();
    alloc_free(use->list);
    use->list = alloc_copy(list);
    lock_take(&contexts_lock);
    for (struct tls_context *context = contexts; context != NULL; context = context->next) {
        if (reads_list(context, list))
            insert(context, use);
    }
    lock_give(&contexts_lock);
    cert_store_forget(use->cert->path);
    cert_use_free(use);
}

static struct cert_use *
take_of_list(struct tls_context *context, const char *list, const char *path, unsigned line)
{
    for (struct cert_use **link = &context->uses; *link != NULL; link = &(*link)->next) {
        struct cert_use *use = *link;

        if (use->list != NULL && strcmp(use->list, list) == 0 &&
            strcmp(use->cert->path, path) == 0 && (line == 0 || use->line == line)) {
            *link = use->next;
            return use;
        }
    }
    return NULL;
}

bool
cert_store_list_remove(const char *list, const char *path, unsigned line)
{
    struct tls_cert *cert = NULL;

    lock_take(&contexts_lock);
    for (struct tls_context *context = contexts; context != NULL; context = context->next) {
        struct cert_use *use = take_of_list(context, list, path, line);

        if (use == NULL)
            continue;
        publish_names(context);
        if (cert == NULL) {
            cert = use->cert;
            tls_cert_hold(cert);
        }
        cert_use_free(use);
    }
    lock_give(&contexts_lock);
    if (cert != NULL && !cert_store_is_used(path))
        cert_store_keep(cert);
    tls_cert_drop(cert);
    return cert != NULL;
}
