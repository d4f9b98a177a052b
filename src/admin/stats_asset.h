/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Style and script of the statistics page.
 */
#pragma once

extern const char stats_css[];
extern const char stats_js[];
