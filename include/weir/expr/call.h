/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches and converters that are called by name while weir runs: from scripts. And the other way
 * round: fetches and converters that a configuration brings, found while its expressions are read.
 */
#pragma once

#include "weir/base/error.h"
#include "weir/expr/sample.h"

/* Arguments that were typed once and may be used again. */
struct call_args {
    struct arena arena;
    struct arg *args;
    struct regex *regexes[ARGS_MAX]; /* owns */
    unsigned regex_count;
};

/* Types the texts as a fetch or converter wants them. What loads files or belongs to the
 * configuration (maps, acl names) is refused. `proxy` is where names are looked up first; it and the snapshot
 * must outlive the arguments. False: err; call_args_fini() is due all the same. Any thread. */
bool call_args_init(struct call_args *call, struct snapshot *snapshot,
                    const struct proxy_conf *proxy, const struct fetch *fetch,
                    const struct converter *conv, const struct str *texts, unsigned count,
                    struct error *err);
void call_args_fini(struct call_args *call);

/* The same while a configuration is read, of which they become a part: maps load their files. NULL: err. Builder. */
const struct arg *call_args_build(struct parse *parse, const struct converter *conv,
                                  const struct str *texts, unsigned count, struct error *err);

/* Rooms to the right whose configurations define fetches and converters of their own. */
struct sample_source {
    /* NULL: there is none of that name. The result lives as long as the snapshot. Builder. */
    const struct fetch *(*find_fetch)(struct parse *parse, struct str name);
    const struct converter *(*find_converter)(struct parse *parse, struct str name);
};
REGISTRY(sample_source, struct sample_source);
