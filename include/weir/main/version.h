/* SPDX-License-Identifier: Apache-2.0 */
/* What -v, -vv and their kin print. Boot. */
#pragma once

#define WEIR_RELEASE_DATE "2026/11/23"

/* "haproxy" or "weir": a link of that name makes tools see what they know. */
const char *version_program_name(const char *argv0);
/* "3.5.0-weir0.1.0" under the name haproxy, "0.1.0" else. */
const char *version_text(const char *program_name);
/* The lines of -v; with `details` those of -vv. */
enum version_details { VERSION_SHORT, VERSION_FULL };
void version_print(const char *program_name, enum version_details details);
