/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the runtime socket, registered by the rooms that know them. They
 * run on the control thread and may read everything; what traffic threads own is
 * changed through live objects, mailboxes or RCU.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/registry.h"
#include "weir/base/str.h"
#include "weir/base/text.h"

enum command_level { LEVEL_USER, LEVEL_OPERATOR, LEVEL_ADMIN };

/* One running command. */
struct command_call {
    const struct command *command;
    const char **words; /* all words, the command's own included; NULL-terminated */
    unsigned count;
    unsigned at;        /* first word after the command's name */
    struct str payload; /* after "<<"; ptr NULL: none */
    enum command_level level;
    struct text *out;   /* the answer; the frame adds the empty line */
    int severity_output; /* 0 none, 1 number, 2 string */
    uint32_t anon_key; /* of "set anon on": see anon.h; 0: names are shown */
    /* For answers in pieces: return COMMAND_MORE and keep the place here; freed with `end`. */
    void *state;
    void (*end)(struct command_call *call);
    struct runtime_session *session; /* opaque: the admin room's */
};

enum command_result {
    COMMAND_DONE,
    COMMAND_MORE,  /* run again once `out` has been sent */
    COMMAND_WAIT,  /* runs again when command_wake() is called */
};
typedef enum command_result command_fn(struct command_call *call);

struct command {
    const char *name;  /* "show stat"; words separated by one blank */
    const char *args;  /* "[<id>] ..." for help */
    enum command_level level;
    command_fn *run;
    const char *help;
    bool is_experimental; /* runs after "experimental-mode on" only */
    bool is_expert; /* runs after "expert-mode on" only; help does not list it */
};
REGISTRY(command, struct command);

/* Syslog-like severities for answers: 3 error, 4 warning, 5 notice, 6 info. With "set severity-output number" the text is
 * preceded by "[3]:". Adds the line end. Returns COMMAND_DONE. */
enum command_result command_say(struct command_call *call, int severity, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The next word, or NULL; moves on. */
const char *command_next(struct command_call *call);
bool command_accept(struct command_call *call, const char *word);
/* Boot: sorts, refuses duplicates. */
void command_table_init(void);
/* Commands that a configuration brings. False: there is one of that name already. Control. */
bool command_add(const struct command *command);
/* One that was added. Control. */
void command_remove(const struct command *command);
/* The command with the longest name that fits the words; NULL: unknown. */
const struct command *command_find(const char **words, unsigned count);
/* How many words its name has. */
unsigned command_name_words(const struct command *command);
/* All commands that may be run at `level`, in HAProxy's layout; the words, or beginnings of words, limit the
 * list to commands that begin with as many of them as any does. help, prompt and quit are always listed. */
void command_help(struct text *out, const char **words, unsigned count, enum command_level level);
