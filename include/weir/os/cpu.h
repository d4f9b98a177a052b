/* SPDX-License-Identifier: Apache-2.0 */
/* CPUs of the machine that this process may use. Boot. */
#pragma once

/* At least 1. */
unsigned cpu_count_usable(void);
