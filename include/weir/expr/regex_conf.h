/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions that stand in a configuration: they live as long as its snapshot.
 */
#pragma once

#include "weir/base/regex.h"
#include "weir/config/parse.h"

/* NULL: err says why. Freed with parse->snapshot. Builder. */
struct regex *regex_conf_compile(struct parse *parse, struct str pattern, enum regex_case letters,
                                 struct error *err);
