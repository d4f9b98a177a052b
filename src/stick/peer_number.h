/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and bytes of the peers protocol. Each take_ function moves on; false: there is not enough.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/str.h"
#include "weir/base/text.h"

void peer_add_number(struct text *out, uint64_t number);
bool peer_take_byte(struct str *in, uint8_t *byte);
bool peer_take_number(struct str *in, uint64_t *number);
/* Four bytes, the high one first. */
bool peer_take_32(struct str *in, uint32_t *number);
void peer_add_32(struct text *out, uint32_t number);
bool peer_take_bytes(struct str *in, uint64_t len, struct str *bytes);
