/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room proxy share. */
#pragma once

#include "weir/base/hashmap.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/proxy/proxy.h"

/* The room's part of a snapshot. */
struct proxy_room {
    struct list proxies;       /* struct proxy_conf, in order of the text */
    struct hashmap by_side[2]; /* name to proxy_conf: frontends, backends; a listen is in both */
    struct hashmap defaults;   /* named defaults sections */
    struct proxy_conf *unnamed_defaults; /* the last one; NULL: none yet */
};

struct proxy_room *proxy_room_of(const struct snapshot *snapshot);

/* --- defaults.c --------------------------------------------------------------- */

/* A conf with nothing but built-in defaults. */
struct proxy_conf *defaults_new_conf(struct parse *parse);
/* A conf that begins as a copy of `from`. */
struct proxy_conf *defaults_inherit(struct parse *parse, const struct proxy_conf *from);
/* The defaults that a new section inherits: "from <name>" in the words, else the last unnamed
 * one. False: reported. *out NULL: none. */
bool defaults_choose(struct parse *parse, struct proxy_conf **out);
/* May a section of these sides inherit the rules of `from` (NULL: nothing to inherit)? */
bool defaults_lend_rules(struct parse *parse, struct proxy_conf *from, unsigned sides);

/* --- proxy_check.c -------------------------------------------------------------- */

/* Names, contradictions, missing timeouts; computes what the muxes need. */
bool proxy_check_conf(struct parse *parse, struct proxy_conf *conf);
/* Gives a number to each proxy that has none; HAProxy counts in the same way. */
bool proxy_number_all(struct parse *parse);
