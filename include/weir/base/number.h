/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as people write them. All functions are pure; any thread. They
 * return false (and say why in err, which may be NULL) unless the whole text
 * is a number in range.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/error.h"
#include "weir/base/str.h"

bool number_parse_int(struct str s, int64_t min, int64_t max, int64_t *out, struct error *err);
/* k, m, g: powers of 1024, either case. */
bool number_parse_size(struct str s, uint64_t *out_bytes, struct error *err);
/* us ms s m h d; a bare number is in `default_unit` ("ms", "s"). Rounds up to whole ms, so
 * what is not zero never becomes zero. Says so when the value overflows 2^31-1 ms. */
bool number_parse_time(struct str s, const char *default_unit, int64_t *out_ms, struct error *err);
/* Decimal digits of n at `to` (20 bytes are enough); returns their count; no NUL. */
size_t number_format(char *to, uint64_t n);
size_t number_format_int(char *to, int64_t n);
size_t number_format_hex(char *to, uint64_t n);
/* Reads decimal digits only, no sign; false on overflow or other bytes. For HTTP lengths. */
bool number_read_digits(struct str s, uint64_t *out);
