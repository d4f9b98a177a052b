/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compression, for whoever shows what it does. Any thread.
 */
#pragma once

#include <stdint.h>

struct compression_totals {
    uint64_t bytes_in, bytes_out; /* per second, before and after */
    uint64_t rate_max;            /* maxcomprate in bytes per second; 0: no limit */
    uint64_t memory, memory_max;  /* of encoders; maxzlibmem in bytes, 0: no limit */
};

void compression_totals(struct compression_totals *totals);
