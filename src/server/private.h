/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room server share. */
#pragma once

#include "weir/base/hashmap.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/proxy/id_set.h"
#include "weir/server/idle_pool.h"
#include "weir/server/server.h"

/* --- server_conf.c ------------------------------------------------------------- */

/* The default-server of a proxy, as it stands; made when missing. Builder. */
struct server_conf *server_defaults_of(struct parse *parse, struct proxy_conf *conf);
/* A server line behind its keyword; it begins with the options of `origin` (NULL: built-in ones). Builder. */
bool server_conf_read(struct parse *parse, const struct server_conf *origin, bool is_dynamic);

/* --- dynamic_conf.c ---------------------------------------------------------------- */

/* Servers that the snapshot built upon has as well keep its numbers, unless they are written. */
/* Lines that the snapshot built upon has as well, by name; they say the same. */
void server_conf_find_same(const struct parse *parse, const struct proxy_conf *conf,
                           struct hashmap *same);
void server_conf_keep_ids(const struct parse *parse, struct proxy_conf *conf, struct id_set *written);

/* --- server_addr.c --------------------------------------------------------------- */

/* Fills conf->addr from conf->host_name by init-addr. False: reported. Builder. */
bool server_conf_resolve_addr(struct parse *parse, struct server_conf *conf);
/* The same address, good for as long as the process runs. Control. */
struct addr server_addr_own(const struct addr *addr);

/* --- weight.c ------------------------------------------------------------------------ */

/* Recomputes effective_weight; begins or goes on with the slow start. Control. */
void weight_update(struct server *srv);
/* The server has come up. */
void weight_begin_slow_start(struct server *srv);

/* --- server_state.c -------------------------------------------------------------------- */

/* Into the log of the backend; server_say(): and to standard error. */
void server_log(struct server *srv, enum log_level level, const char *text);
void server_say(struct server *srv, enum log_level level, const char *text);
/* Tells the observers. */
void server_tell(struct server *srv, unsigned what);
/* Everything that follows from a change: the set, who waits, who keeps connections, the observers.
 * How many left the waiting line of a server that takes them no more. */
unsigned server_after_change(struct server *srv, bool was_usable, unsigned what);
