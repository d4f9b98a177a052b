/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of "weir ctl" and "weir top" share. Boot: one thread, nothing serves. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "weir/base/error.h"
#include "weir/base/text.h"

/* --- ctl_client.c: the program that is talked to ------------------------------------------- */

struct ctl_client {
    struct sockaddr_storage to;
    socklen_t to_len;
    char name[128]; /* of the socket, for messages */
};

/* `socket`: an address word, or NULL: what `file` names in "stats socket"; both NULL: the file at
 * its usual places. */
bool ctl_client_init(struct ctl_client *client, const char *socket, const char *file,
                     struct error *err);
/* One connection: sends the line (and what follows it) and adds all that is answered, without the
 * marks of severity. `*worst`: the most severe mark, 7 if there is none. */
bool ctl_client_ask(const struct ctl_client *client, struct str line, struct text *answer,
                    int *worst, struct error *err);

/* --- ctl_table.c: answers for people -------------------------------------------------------- */

/* A table of an answer: "# a,b,c" or "# a b c" and rows. */
struct ctl_table {
    char **cells; /* owns; row by row, the header first */
    size_t columns, rows;
};

/* False: the answer is no table. */
bool ctl_table_read(struct ctl_table *table, struct str answer);
void ctl_table_fini(struct ctl_table *table);
/* Row 0 is the header. "" where the row ends early. */
const char *ctl_table_cell(const struct ctl_table *table, size_t row, size_t column);
/* -1: there is no such column. */
long ctl_table_find(const struct ctl_table *table, const char *name);
/* Aligned. Columns where no row says anything are left out; of "show stat" the usual ones only,
 * unless `all`. */
enum ctl_look { CTL_PLAIN, CTL_COLOURED };
void ctl_table_print(const struct ctl_table *table, struct text *out, enum ctl_look look, bool all);
/* An array of objects. */
void ctl_table_print_json(const struct ctl_table *table, struct text *out);
/* The escape sequence for a server's state; "" for none. */
const char *ctl_colour(const char *state);
#define CTL_COLOUR_END "\033[0m"
/* Adds the text without bytes that a terminal would obey. */
void ctl_add_clean(struct text *out, const char *cell);
