/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the server name of a client to certificates: exact names, wildcards, the default.
 *
 * For:     contexts.
 * Owns:    the names; holds the certificates.
 * Thread:  builder and control fill it; any thread looks up.
 *
 * A name leads to at most one certificate of each kind of key: clients that know ECDSA get that one,
 * the others RSA's. The first certificate of a name and kind counts.
 */
#include <ctype.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/os/addr.h"
#include "private.h"

#define NAME_MAX_LEN 255 /* RFC 1035 2.3.4 */

static void
free_choice(struct sni_choice *choice)
{
    for (unsigned i = 0; i < choice->count; i++)
        tls_cert_drop(choice->certs[i]);
    alloc_free(choice->name);
    alloc_free(choice->alpn);
    cert_settings_free(choice->settings);
    X509_STORE_free(choice->store);
    sk_X509_NAME_pop_free(choice->ca_names, X509_NAME_free);
    alloc_free(choice);
}

void
sni_table_free(void *object)
{
    struct sni_table *table = object;
    struct str name;
    void *choice;

    for (size_t at = 0; hashmap_next(&table->names, &at, &name, &choice);)
        free_choice(choice);
    hashmap_fini(&table->names);
    if (table->first != NULL)
        free_choice(table->first);
    alloc_free(table);
}

/* Those of the first certificate count. */
static void
take_options(struct sni_choice *choice, const struct cert_use *use)
{
    if (use->alpn != NULL) {
        choice->alpn = alloc_copy_str(str_of(use->alpn, use->alpn_len));
        choice->alpn_len = use->alpn_len;
    }
    choice->settings = cert_settings_copy(use->settings);
    choice->verify = use->verify;
    if (use->store != NULL && X509_STORE_up_ref(use->store) == 1)
        choice->store = use->store;
    if (use->ca_names != NULL)
        choice->ca_names = SSL_dup_CA_list(use->ca_names);
}

static void
add_to(struct sni_choice *choice, const struct cert_use *use)
{
    for (unsigned i = 0; i < choice->count; i++) {
        if (tls_cert_key_type(choice->certs[i]) == tls_cert_key_type(use->cert))
            return;
    }
    if (choice->count == SNI_CERTS_MAX)
        return;
    tls_cert_hold(use->cert);
    choice->certs[choice->count++] = use->cert;
    if (choice->count == 1)
        take_options(choice, use);
}

/* One that nobody has yet is made, and leads nowhere. */
static struct sni_choice *
choice_of(struct sni_table *table, const char *name)
{
    struct sni_choice *choice = hashmap_find(&table->names, str_from(name));

    if (choice == NULL) {
        choice = alloc_zero(sizeof(*choice));
        choice->name = alloc_copy(name);
        hashmap_set(&table->names, str_from(choice->name), choice);
    }
    return choice;
}

/* A "!name" keeps the name from the wildcards, no more. */
static void
add_use(struct sni_table *table, const struct cert_use *use)
{
    table->has_settings = table->has_settings || use->settings != NULL;
    table->takes_early_data =
        table->takes_early_data || (use->settings != NULL && use->settings->allow_early_data);
    if (table->first == NULL) {
        table->first = alloc_zero(sizeof(*table->first));
        add_to(table->first, use);
    }
    if (use->has_names) {
        for (unsigned i = 0; i < use->filter_count; i++) {
            if (use->filters[i][0] == '!')
                (void)choice_of(table, use->filters[i] + 1);
            else
                add_to(choice_of(table, use->filters[i]), use);
        }
        return;
    }
    for (unsigned i = 0; i < use->cert->name_count; i++)
        add_to(choice_of(table, use->cert->names[i]), use);
    for (unsigned i = 0; i < use->filter_count; i++)
        (void)choice_of(table, use->filters[i] + 1);
}

static bool
is_bundled(const struct cert_use *first, const struct cert_use *use)
{
    const char *end = strrchr(first->cert->path, '.');

    return end != NULL && (strcmp(end, ".rsa") == 0 || strcmp(end, ".ecdsa") == 0) &&
           strncmp(use->cert->path, first->cert->path, (size_t)(end - first->cert->path) + 1) == 0;
}

/* All of a bundle are the default, and all that say so. */
static void
complete_default(struct sni_table *table, const struct cert_use *uses)
{
    for (const struct cert_use *use = uses == NULL ? NULL : uses->next; use != NULL; use = use->next) {
        if (use->is_default || is_bundled(uses, use))
            add_to(table->first, use);
    }
}

struct sni_table *
sni_table_make(const struct cert_use *uses)
{
    struct sni_table *table = alloc_zero(sizeof(*table));

    hashmap_init(&table->names);
    for (const struct cert_use *use = uses; use != NULL; use = use->next)
        add_use(table, use);
    complete_default(table, uses);
    return table;
}

/* "*" in the place of the first label. */
static const struct sni_choice *
find_wildcard(const struct sni_table *table, char *name, size_t len)
{
    char *dot = memchr(name, '.', len);

    if (dot == NULL || dot == name)
        return NULL;
    dot[-1] = '*';
    return hashmap_find(&table->names, str_of(dot - 1, len - (size_t)(dot - 1 - name)));
}

const struct sni_choice *
sni_table_find(const struct sni_table *table, struct str name)
{
    char lower[NAME_MAX_LEN + 1];
    const struct sni_choice *choice;

    if (name.ptr == NULL || name.len == 0 || name.len > NAME_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = (char)tolower((unsigned char)name.ptr[i]);
    if (name.len > 1 && lower[name.len - 1] == '.')
        name.len--;
    choice = hashmap_find(&table->names, str_of(lower, name.len));
    if (choice == NULL)
        choice = find_wildcard(table, lower, name.len);
    return choice == NULL || choice->count == 0 ? NULL : choice;
}
