/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transcript: the text that a configuration was read from, line by line, with the place of each.
 * It can be shown, and read again when the files say something else by now.
 *
 * Counted; hold and drop on any thread. Immutable once the reading is over.
 */
#pragma once

#include <stdbool.h>

#include "weir/base/text.h"

/* Lines of one file that were read one after the other. */
struct transcript_part {
    char *name;     /* owns; of the file, as positions show it */
    int first_line; /* from 1 */
    struct text content;
};

struct transcript {
    unsigned refs;
    struct transcript_part *parts; /* owns */
    unsigned count;
    unsigned cap;
    int next_line; /* while it is written */
};

struct transcript *transcript_new(void);
/* `line` with its line feed, if it has one. */
void transcript_add(struct transcript *transcript, const char *name, int number, struct str line);
struct transcript *transcript_hold(struct transcript *transcript);
void transcript_drop(struct transcript *transcript);
bool transcript_eq(const struct transcript *a, const struct transcript *b);
