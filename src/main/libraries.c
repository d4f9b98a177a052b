/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object files of the process, for people who make a container of nothing else: -dL.
 *
 * Callers: main. Thread: boot.
 */
#include "weir/main/libraries.h"

#include <link.h>
#include <stdio.h>

static int
print_library(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    (void)data;
    if (*info->dlpi_name != '\0')
        printf("%s\n", info->dlpi_name);
    return 0;
}

void
libraries_print(void)
{
    dl_iterate_phdr(print_library, NULL);
    fflush(stdout);
}
