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

void
sni_table_init(struct sni_table *table)
{
    hashmap_init(&table->names);
    table->first = NULL;
}

void
sni_table_fini(struct sni_table *table)
{
    struct str name;
    void *choice;

    for (size_t at = 0; hashmap_next(&table->names, &at, &name, &choice);) {
        for (unsigned i = 0; i < ((struct sni_choice *)choice)->count; i++)
            tls_cert_drop(((struct sni_choice *)choice)->certs[i]);
        alloc_free(choice);
    }
    hashmap_fini(&table->names);
    for (unsigned i = 0; table->first != NULL && i < table->first->count; i++)
        tls_cert_drop(table->first->certs[i]);
    alloc_free(table->first);
}

static void
add_to(struct sni_choice *choice, struct tls_cert *cert)
{
    for (unsigned i = 0; i < choice->count; i++) {
        if (tls_cert_key_type(choice->certs[i]) == tls_cert_key_type(cert))
            return;
    }
    if (choice->count == SNI_CERTS_MAX)
        return;
    tls_cert_hold(cert);
    choice->certs[choice->count++] = cert;
}

static void
add_name(struct sni_table *table, struct str name, struct tls_cert *cert)
{
    struct sni_choice *choice = hashmap_find(&table->names, name);

    if (choice == NULL) {
        choice = alloc_zero(sizeof(*choice));
        hashmap_set(&table->names, name, choice);
    }
    add_to(choice, cert);
}

void
sni_table_add(struct sni_table *table, struct tls_cert *cert)
{
    if (table->first == NULL) {
        table->first = alloc_zero(sizeof(*table->first));
        add_to(table->first, cert);
    }
    for (unsigned i = 0; i < cert->name_count; i++)
        add_name(table, str_from(cert->names[i]), cert);
}

void
sni_table_add_name(struct sni_table *table, struct str name, struct tls_cert *cert)
{
    char lower[NAME_MAX_LEN + 1];

    if (name.len == 0 || name.len > NAME_MAX_LEN)
        return;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = (char)tolower((unsigned char)name.ptr[i]);
    add_name(table, str_of(lower, name.len), cert);
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
    return choice != NULL ? choice : find_wildcard(table, lower, name.len);
}
