/* SPDX-License-Identifier: Apache-2.0 */
/* The line that log_backend.c is about to send, for log_balance.c. Control. */
#pragma once

#include <stdint.h>

#include "weir/base/str.h"

struct str log_backend_line(void);
/* Spread over all bits. */
uint64_t log_backend_hash(struct str s);
