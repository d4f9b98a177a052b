/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of weir itself: built in, or from errorfile, errorloc and their kin.
 */
#pragma once

#include "weir/http/reply.h"
#include "weir/proxy/proxy.h"

/* The page for a status: the backend's own, then the frontend's, then the built-in one. `be` may be
 * NULL. NULL: none for that status. Traffic; reads the snapshot only. */
const struct reply *error_page_find(const struct proxy_conf *fe, const struct proxy_conf *be,
                                    int status);
/* The page of one proxy for a status, by error_files_index(). Builder. */
void error_page_set(struct proxy_conf *conf, int index, const struct reply *page);
