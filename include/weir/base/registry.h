/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration: the file that does the work leaves a const table in a linker
 * section; the room that needs it walks the section. See doc/style.md.
 *
 * A kind is declared once, in the header that owns it:
 *     REGISTRY(fetch, struct fetch);
 * A file adds to it at its bottom:
 *     static const struct fetch fetches[] = { {...}, {...} };
 *     REGISTER(fetch, fetches);
 * A walker:
 *     FOR_EACH_REGISTERED(fetch, item, file) { use(item); }
 * The order of files means nothing: sort by name at boot.
 */
#pragma once

#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define REGISTRY(kind, type)                                                                       \
    struct kind##_list {                                                                           \
        const type *items;                                                                         \
        size_t count;                                                                              \
        const char *file;                                                                          \
    };                                                                                             \
    typedef type kind##_registered;                                                                \
    extern const struct kind##_list *const __start_weir_##kind[] __attribute__((weak));            \
    extern const struct kind##_list *const __stop_weir_##kind[] __attribute__((weak))

#define REGISTER(kind, table)                                                                      \
    static const struct kind##_list table##_registered_list = { table, COUNT(table), __FILE__ };   \
    static const struct kind##_list *const table##_registered_ptr                                  \
        __attribute__((used, section("weir_" #kind))) = &table##_registered_list

/* `item` is a const pointer to the type of the kind; `list` the table it stands in. */
#define FOR_EACH_REGISTERED(kind, item, list)                                                      \
    for (const struct kind##_list *const *list##_at = __start_weir_##kind, *list = NULL;           \
         list##_at < __stop_weir_##kind && (list = *list##_at, 1); list##_at++)                    \
        for (const kind##_registered *item = list->items; item < list->items + list->count; item++)
