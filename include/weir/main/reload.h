/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apply the configuration in place: build a new snapshot beside the running one, publish it, or say why not.
 * One change is under way at a time; others wait in line. Control.
 */
#pragma once

#include "weir/base/text.h"
#include "weir/config/snapshot.h"

enum reload_kind {
    RELOAD_APPLY,    /* read the files, put them to work */
    RELOAD_TRY,      /* read the files, tell what would change */
    RELOAD_ROLLBACK, /* put an older text to work */
    RELOAD_AMEND,    /* put the running text with one more amendment to work */
};

/* What becomes of a change; shared by the one who asked and the one who does it. */
struct reload_ticket {
    unsigned refs;
    enum reload_kind kind;
    bool is_done;
    bool is_fine;         /* applied, or would be */
    struct text messages; /* mistakes and warnings, framed */
    struct text reason;   /* the first mistake, without file and line */
    struct text changes;  /* in words */
    uint64_t generation;
    int64_t build_us, apply_us;
};

/* What is read again; borrowed for ever. The snapshot that runs is the first of the history. Boot. */
void reload_set_sources(const struct config_sources *sources);
/* Begins, for signals; a request that comes while one runs is done once after it. */
void reload_request(void);
/* The caller holds the ticket and drops it. */
struct reload_ticket *reload_start(enum reload_kind kind);
/* To the configuration that stands `steps` before the running one in the history; NULL: there is none. */
struct reload_ticket *reload_start_rollback(unsigned steps);
/* `amendment` is copied when the change begins, and with it what it points to; `removes`: it undoes an amendment
 * about the same item, if there is one, in the place of being added. */
struct reload_ticket *reload_start_amend(const struct amendment *amendment, bool removes);
void reload_ticket_drop(struct reload_ticket *ticket);
/* Runs after each change that was asked for by reload_request() and applied, or refused (the master is told). Boot. */
void reload_on_done(void (*fn)(bool is_applied));
