/* SPDX-License-Identifier: Apache-2.0 */
/* What "feature(NAME)" and "enabled(NAME)" may ask of the whole program. Boot. */
#pragma once

struct options;

/* Which options enabled() is about; borrowed for ever, and read when it is asked. */
void features_follow(const struct options *options);
/* The "Feature list" of -vv: "+NAME" for what is there, "-NAME" for what HAProxy may have and weir
 * has not. */
void features_print(void);
