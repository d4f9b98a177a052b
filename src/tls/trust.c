/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What contexts verify against, when it was changed at run time.
 *
 * For:     the runtime socket, handshakes.
 * Owns:    the list of contexts that have files of authorities; files that none of them has.
 * Thread:  builder adds contexts, the last one who drops them takes them off; control commits;
 *          handshakes see what is published.
 *
 * An SSL_CTX is left as it was made. Once a file of its was replaced, its context has a trust, which each
 * SSL is given at its beginning: handshakes that run go on with what they have begun with.
 * Sessions that were begun before are not resumed (session_name, serial): nobody would be verified.
 */
#include <openssl/rand.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/loop/grace.h"
#include "weir/loop/lock.h"
#include "private.h"

static struct lock verifiers_lock = LOCK_INIT(LOCK_NET);
static struct tls_context *verifiers; /* the newest first */
static struct auth_file *aside[AUTH_KINDS]; /* control's: holds; of ca-file and crl-file */
static uint64_t last_serial;

void
tls_trust_watch(struct tls_context *context)
{
    if (context->auth[AUTH_CA] == NULL && context->auth[AUTH_VERIFY] == NULL &&
        context->auth[AUTH_CRL] == NULL)
        return;
    lock_take(&verifiers_lock);
    context->next_verifier = verifiers;
    verifiers = context;
    lock_give(&verifiers_lock);
}

void
tls_trust_unwatch(struct tls_context *context)
{
    lock_take(&verifiers_lock);
    for (struct tls_context **link = &verifiers; *link != NULL; link = &(*link)->next_verifier) {
        if (*link == context) {
            *link = context->next_verifier;
            break;
        }
    }
    lock_give(&verifiers_lock);
}

static void
trust_free(void *object)
{
    struct tls_trust *trust = object;

    X509_STORE_free(trust->store);
    sk_X509_NAME_pop_free(trust->names, X509_NAME_free);
    alloc_free(trust);
}

void
tls_trust_fini(struct tls_context *context)
{
    if (context->trust != NULL)
        trust_free(context->trust);
    for (int i = 0; i < AUTH_PLACES; i++)
        auth_file_drop(context->auth[i]);
}

/* --- handshakes -------------------------------------------------------------------------------------- */

bool
tls_trust_apply(SSL *ssl, const struct tls_context *context)
{
    const struct tls_trust *trust = grace_read(context->trust);

    if (trust == NULL)
        return true;
    if (SSL_set1_verify_cert_store(ssl, trust->store) != 1)
        return false;
    if (SSL_is_server(ssl) && SSL_set_session_id_context(ssl, trust->session_name,
                                                         sizeof(trust->session_name)) != 1)
        return false;
    if (trust->names != NULL)
        SSL_set_client_CA_list(ssl, SSL_dup_CA_list(trust->names));
    return true;
}

uint64_t
tls_trust_serial(const struct tls_context *context)
{
    const struct tls_trust *trust = grace_read(context->trust);

    return trust == NULL ? 0 : trust->serial;
}

bool
tls_trust_is_current(SSL *ssl, const struct tls_context *context, uint64_t *serial)
{
    const struct tls_trust *trust = grace_read(context->trust);
    X509_STORE *store = NULL;

    *serial = trust == NULL ? 0 : trust->serial;
    if (trust == NULL)
        return true;
    return SSL_get0_verify_cert_store(ssl, &store) == 1 && store == trust->store;
}

/* --- files ------------------------------------------------------------------------------------------- */

/* Is a place of a context for files of that kind? */
static bool
is_of_kind(int place, enum auth_kind kind)
{
    return (place == AUTH_CRL) == (kind == KIND_CRL);
}

static struct auth_file **
find_aside(const char *path, enum auth_kind kind)
{
    struct auth_file **link = &aside[kind];

    while (*link != NULL && strcmp((*link)->path, path) != 0)
        link = &(*link)->next;
    return link;
}

static struct auth_file *
file_in(const struct tls_context *context, const char *path, enum auth_kind kind)
{
    for (int i = 0; i < AUTH_PLACES; i++) {
        if (context->auth[i] != NULL && is_of_kind(i, kind) &&
            strcmp(context->auth[i]->path, path) == 0)
            return context->auth[i];
    }
    return NULL;
}

static struct auth_file *
find_used(const char *path, enum auth_kind kind)
{
    struct auth_file *file = NULL;

    lock_take(&verifiers_lock);
    for (const struct tls_context *context = verifiers; file == NULL && context != NULL;
         context = context->next_verifier)
        file = file_in(context, path, kind);
    if (file != NULL)
        auth_file_hold(file);
    lock_give(&verifiers_lock);
    return file;
}

struct auth_file *
auth_store_find(const char *path, enum auth_kind kind, bool *is_used)
{
    struct auth_file *file = find_used(path, kind);

    *is_used = file != NULL;
    if (file != NULL)
        return file;
    file = *find_aside(path, kind);
    if (file != NULL)
        auth_file_hold(file);
    return file;
}

void
auth_store_keep(struct auth_file *file, enum auth_kind kind)
{
    auth_file_hold(file);
    file->next = aside[kind];
    aside[kind] = file;
}

void
auth_store_forget(const char *path, enum auth_kind kind)
{
    struct auth_file **link = find_aside(path, kind), *file = *link;

    if (file == NULL)
        return;
    *link = file->next;
    file->next = NULL;
    auth_file_drop(file);
}

static void
add_file(struct auth_file ***files, size_t *count, struct auth_file *file)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp((*files)[i]->path, file->path) == 0)
            return;
    }
    auth_file_hold(file);
    *files = alloc_resize(*files, (*count + 1) * sizeof(**files));
    (*files)[(*count)++] = file;
}

static int
compare_paths(const void *a, const void *b)
{
    return strcmp((*(struct auth_file *const *)a)->path, (*(struct auth_file *const *)b)->path);
}

struct auth_file **
auth_store_list(enum auth_kind kind, size_t *count)
{
    struct auth_file **files = NULL;

    *count = 0;
    lock_take(&verifiers_lock);
    for (const struct tls_context *context = verifiers; context != NULL;
         context = context->next_verifier) {
        for (int i = 0; i < AUTH_PLACES; i++) {
            if (context->auth[i] != NULL && is_of_kind(i, kind))
                add_file(&files, count, context->auth[i]);
        }
    }
    lock_give(&verifiers_lock);
    for (struct auth_file *file = aside[kind]; file != NULL; file = file->next)
        add_file(&files, count, file);
    if (*count > 1)
        qsort(files, *count, sizeof(*files), compare_paths);
    return files;
}

/* --- committing -------------------------------------------------------------------------------------- */

static int
compare_names(const X509_NAME *const *a, const X509_NAME *const *b)
{
    return X509_NAME_cmp(*a, *b);
}

/* What clients are told; each name once. */
static STACK_OF(X509_NAME) *
names_of(const struct auth_file *file)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new(compare_names);

    MUST(names != NULL);
    for (int i = 0; i < sk_X509_num(file->certs); i++) {
        X509_NAME *name = X509_get_subject_name(sk_X509_value(file->certs, i));

        if (sk_X509_NAME_find(names, name) >= 0)
            continue;
        name = X509_NAME_dup(name);
        MUST(name != NULL && sk_X509_NAME_push(names, name) > 0);
    }
    return names;
}

/* The files of a context with `file` in place of those with its path. NULL: OpenSSL says why not. */
static struct tls_trust *
trust_make(const struct tls_context *context, struct auth_file *file, enum auth_kind kind)
{
    struct tls_trust *trust = alloc_zero(sizeof(*trust));
    const struct auth_file *used[AUTH_PLACES];
    bool fine;

    for (int i = 0; i < AUTH_PLACES; i++) {
        used[i] = context->auth[i];
        if (used[i] != NULL && is_of_kind(i, kind) && strcmp(used[i]->path, file->path) == 0)
            used[i] = file;
    }
    trust->store = X509_STORE_new();
    MUST(trust->store != NULL);
    fine = (!context->trusts_system || X509_STORE_set_default_paths(trust->store) == 1) &&
           RAND_bytes(trust->session_name, sizeof(trust->session_name)) == 1;
    for (int i = 0; fine && i < AUTH_PLACES; i++)
        fine = used[i] == NULL || auth_file_add_to(used[i], trust->store);
    if (!fine) {
        trust_free(trust);
        return NULL;
    }
    if (used[AUTH_CRL] != NULL)
        X509_STORE_set_flags(trust->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    if (context->tells_names && used[AUTH_CA] != NULL)
        trust->names = names_of(used[AUTH_CA]);
    trust->serial = ++last_serial;
    return trust;
}

static void
publish(struct tls_context *context, struct auth_file *file, enum auth_kind kind)
{
    struct tls_trust *before = context->trust;

    for (int i = 0; i < AUTH_PLACES; i++) {
        if (context->auth[i] == NULL || !is_of_kind(i, kind) ||
            strcmp(context->auth[i]->path, file->path) != 0)
            continue;
        auth_file_hold(file);
        auth_file_drop(context->auth[i]);
        context->auth[i] = file;
    }
    grace_publish(context->trust, context->next_trust);
    context->next_trust = NULL;
    if (before != NULL)
        grace_free_later(before, trust_free);
}

/* Under the lock: makes all before it publishes one. */
static bool
replace_used(struct auth_file *file, enum auth_kind kind, unsigned *count)
{
    bool fine = true;

    for (struct tls_context *context = verifiers; fine && context != NULL;
         context = context->next_verifier) {
        if (file_in(context, file->path, kind) == NULL)
            continue;
        context->next_trust = trust_make(context, file, kind);
        fine = context->next_trust != NULL;
    }
    for (struct tls_context *context = verifiers; context != NULL; context = context->next_verifier) {
        if (context->next_trust == NULL)
            continue;
        if (fine) {
            publish(context, file, kind);
            (*count)++;
        } else {
            trust_free(context->next_trust);
            context->next_trust = NULL;
        }
    }
    return fine;
}

bool
auth_store_replace(struct auth_file *file, enum auth_kind kind, unsigned *count)
{
    bool fine;

    *count = 0;
    lock_take(&verifiers_lock);
    fine = replace_used(file, kind, count);
    lock_give(&verifiers_lock);
    if (!fine)
        return false;
    if (*find_aside(file->path, kind) != NULL || *count == 0) {
        auth_store_forget(file->path, kind);
        auth_store_keep(file, kind);
    }
    return true;
}

__attribute__((destructor)) static void
drop_aside(void)
{
    for (int kind = 0; kind < AUTH_KINDS; kind++) {
        while (aside[kind] != NULL)
            auth_store_forget(aside[kind]->path, (enum auth_kind)kind);
    }
}
