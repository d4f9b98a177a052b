/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All certificates that bind lines show, by path; replaced while clients come.
 */
#pragma once

#include "weir/base/error.h"
#include "weir/tls/cert.h"

/* All functions: control. */

/* The certificate of that path, shown or kept aside; NULL: unknown. Lent. */
struct tls_cert *cert_store_find(const char *path);
/* Is it shown by a bind line? */
bool cert_store_is_used(const char *path);
/* All bind lines show `cert` where they showed one of the same path; new handshakes see it. Returns
 * how many lines. Holds it. */
unsigned cert_store_replace(struct tls_cert *cert);
/* Keeps one that no bind line shows; later lists may. Holds it. */
void cert_store_keep(struct tls_cert *cert);
/* Forgets one that is kept aside. */
void cert_store_forget(const char *path);
/* The path of each, once, sorted; the array is freed with alloc_free(), the paths are lent. */
const char **cert_store_paths(size_t *count);

/* Paths of watched certificates whose files have changed since; each one and the array are freed
 * with alloc_free(). */
char **cert_store_outdated(size_t *count);

/* --- lists -------------------------------------------------------------------------- */

struct cert_use;
/* Its uses in the order of the file, as the newest bind line has them; they are linked by next among
 * others: those whose `list` is the same count. NULL: none. */
const struct cert_use *cert_store_list(const char *list);
/* Does a bind line read it? It may be empty. */
bool cert_store_has_list(const char *list);
/* The path of each list, once; as cert_store_paths(). */
const char **cert_store_lists(size_t *count);
/* Adds it to the end of the list for each bind line that reads it. Takes `use`. */
void cert_store_list_add(const char *list, struct cert_use *use);
/* Removes the first use of that certificate, or the one of that line (0: any). False: there is none. */
bool cert_store_list_remove(const char *list, const char *path, unsigned line);
