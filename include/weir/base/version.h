/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version of HAProxy's language, commands and statistics that weir speaks: what
 * conditions such as version_atleast() and tools that read "HAProxy" see. weir's own version is
 * WEIR_VERSION, which the build takes from the file VERSION.
 */
#pragma once

#define WEIR_COMPAT_VERSION "3.5.0"
#define WEIR_COMPAT_BRANCH  "3.5"
