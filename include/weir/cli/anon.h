/* SPDX-License-Identifier: Apache-2.0 */
/* Names that may be shown to strangers: "set anon on". Any thread. */
#pragma once

#include <stdint.h>

#define ANON_NAME_MAX 8

/* The name itself with key 0, else six hexadecimal digits, the same for the same name and key, in `room`. */
const char *anon_name(uint32_t key, const char *name, char room[ANON_NAME_MAX]);
