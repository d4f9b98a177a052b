/* SPDX-License-Identifier: Apache-2.0 */
/* -dL: prints the object files that are loaded. Boot. */
#pragma once

void libraries_print(void);
