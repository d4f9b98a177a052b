/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room rules share. */
#pragma once

#include "weir/base/crash.h"
#include "weir/config/keyword.h"
#include "weir/rules/action.h"
#include "weir/rules/ruleset.h"

/* The kind of action that the word names in this hook; NULL: none. */
const struct action_kind *action_find(const char *word, enum hook hook);
const char *action_suggest(struct parse *parse, const char *word, enum hook hook);
/* Is it a word of the language that weir lacks? */
bool action_is_known(const char *word);
