/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that come and go at run time: for the amendments of "add server" and "del server". Builder.
 */
#pragma once

#include <stdbool.h>

struct parse;

/* amendment.apply; the words are "server <name> <address> [from <origin>] [options]", the object is the backend. */
bool server_conf_add_dynamic(struct parse *parse);
/* amendment.apply; the words are "server <name>". */
bool server_conf_remove(struct parse *parse);
/* May this word of a server line stand in "add server"? Any. */
bool server_word_is_dynamic(const char *name);
