/* SPDX-License-Identifier: Apache-2.0 */
/* What the system allows this process to have. Boot. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/error.h"

/* How many descriptors may be open now, and how many limits_raise_files() could give. */
uint64_t limits_files(void);
uint64_t limits_files_max(void);
/* At least `count` descriptors may be open afterwards. */
bool limits_raise_files(uint64_t count, struct error *err);
/* Memory that the process may own; beyond it, allocation fails. */
bool limits_set_memory(uint64_t bytes, struct error *err);
/* Core files of any size, if the hard limit allows them. */
void limits_raise_core(void);
