/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts: what other rooms may know about them.
 */
#pragma once

#include <stdint.h>

/* Scripts that ended with an error, and those that were cut because they ran too long (which are
 * errors, too), since start. Any thread. */
uint64_t script_error_count(void);
uint64_t script_cut_count(void);
