/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the program's own functions. Blocks: it reads the program's file, once. Control. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* "name" or "name+0x12", or the address when nothing is known of it. */
void symbol_format(const void *addr, char *out, size_t size);
