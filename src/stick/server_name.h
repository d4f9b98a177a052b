/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of servers behind the keys that entries keep: of this configuration, and those that peers
 * told. Control.
 */
#pragma once

#include <stdint.h>

#include "weir/base/str.h"

/* NULL: never heard of. */
const char *server_name_find(uint64_t key);
/* Remembers it; its key. 0: there are too many, or it is none. */
uint64_t server_name_learn(struct str name);
