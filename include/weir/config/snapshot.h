/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot: everything the text says, compiled, immutable once published, in one
 * arena. Threads read the current one; what lives across turns of the loop holds it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/arena.h"
#include "weir/base/registry.h"
#include "weir/config/outline.h"
#include "weir/config/parse.h"
#include "weir/config/slot.h"
#include "weir/config/transcript.h"

struct snapshot {
    unsigned magic;
    uint64_t generation; /* 1, 2, ... in order of publishing */
    struct arena arena;
    void *globals;       /* slots of SLOT_GLOBAL */
    struct snapshot_holds *holds; /* a count per thread */
    struct hashmap *environment;  /* owns: see environment.h */
    struct transcript *transcript; /* holds; what it was read from */
    struct outline outline;
    struct files_read *files; /* owns */
    const struct amendment *amendments; /* said at run time; in the arena */
    unsigned amendment_count;
    const struct snapshot *base; /* while it is built: the one that it amends; NULL: none */
};

/* A configuration that stands in memory. */
struct config_text {
    const char *name; /* in messages, in the place of a file's */
    const char *content;
};

/* What a configuration is read from, in order: files and folders, then texts. */
struct config_sources {
    const char **paths; /* files, folders (their *.cfg, sorted), "-" for standard input */
    unsigned count;
    const struct config_text *texts;
    unsigned text_count;
    struct transcript *transcript; /* read this and none of the others; NULL: read them */
    const struct amendment *amendments; /* what was said at run time beside it */
    unsigned amendment_count;
    const struct snapshot *base; /* the one that is amended; held by the caller; NULL: none */
};

/* A piece of configuration that was said at run time, for the section that it belongs to. It is gone
 * when the files are read again. */
enum amendment_kind {
    AMEND_LINE,    /* a line at the end of the section */
    AMEND_SECTION, /* a section that begins behind everything else; `line` is its first one, others may follow */
    AMEND_OMIT,    /* the section is passed over */
};
struct amendment {
    enum amendment_kind kind;
    unsigned places;   /* set of IN_ bits: kinds of sections that are meant */
    const char *name;  /* of the section */
    const char *item;  /* what it is about, for whoever wrote it: a server's name; may be NULL */
    const char *origin; /* in messages in the place of a file: "add server" */
    const char *line;
    bool is_removal; /* it takes away what the files say */
    bool (*apply)(struct parse *parse); /* in the place of a keyword; NULL: the line is a keyword and its words */
};

/* Stages of building, in this order; within a stage by `order`, then by name. Rooms use their place
 * in LAYERS as order: ORDER_EXPR and so on. */
enum config_stage {
    CONFIG_START,   /* the snapshot is empty: fill defaults */
    CONFIG_RESOLVE, /* the text is read: names become pointers, rules are compiled */
    CONFIG_CHECK,   /* everything is resolved: warnings, contradictions */
    CONFIG_ADOPT,   /* control thread: find or make live objects, open what is new; may fail */
    CONFIG_PUBLISH, /* control thread: the snapshot is the current one; tell the live objects; cannot fail */
    CONFIG_RELEASE, /* the snapshot goes (or never came to be): let go of what ADOPT took */
};
enum config_order {
    ORDER_CONFIG = 40, ORDER_TELEMETRY = 60, ORDER_EXPR = 70, ORDER_RULES = 80, ORDER_NET = 90, ORDER_TLS = 100,
    ORDER_HTTP = 110, ORDER_MUX = 120, ORDER_PROXY = 130, ORDER_SERVER = 140, ORDER_STICK = 150, ORDER_BALANCE = 160,
    ORDER_CHECK = 170, ORDER_DNS = 180, ORDER_STREAM = 190, ORDER_FILTERS = 200, ORDER_LUA = 210, ORDER_ADMIN = 230,
    ORDER_MAIN = 240,
};
struct config_hook {
    enum config_stage stage;
    int order;
    /* In ADOPT, PUBLISH and RELEASE parse->diag may be NULL; parse->snapshot is always there. PUBLISH and
     * RELEASE ignore the result. */
    bool (*run)(struct parse *parse);
    const char *name;
};
REGISTRY(config_hook, struct config_hook);

/* Parses, resolves and checks. NULL: refused, diag says why. Builder or main thread. */
struct snapshot *snapshot_build(const struct config_sources *sources, struct diag *diag);
/* Runs ADOPT; on failure nothing has changed and the snapshot is still the caller's. Control. */
bool snapshot_adopt(struct snapshot *snapshot, struct diag *diag);
/* Makes it the current one, runs PUBLISH, and retires the previous one: it is freed when the last
 * holder drops it. Control. */
void snapshot_publish(struct snapshot *snapshot);
/* One that was never published. */
void snapshot_free(struct snapshot *snapshot);
/* How many retired snapshots are still held. Control. */
unsigned snapshot_retired_count(void);

/* The current one; good until the function returns to the loop. Any thread. */
struct snapshot *snapshot_current(void);
/* For what lives across turns of the loop. Count of this thread: no atomics. Drop on the same thread. */
void snapshot_hold(struct snapshot *snapshot);
void snapshot_drop(struct snapshot *snapshot);

/* A slot of the globals. */
static inline void *
snapshot_slot(const struct snapshot *snapshot, const struct slot *slot)
{
    return slot_of(snapshot->globals, slot);
}
