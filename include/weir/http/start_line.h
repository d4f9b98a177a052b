/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a request's start line.
 */
#pragma once

#include "weir/http/message.h"

enum line_part {
    LINE_METHOD,
    LINE_PATH,  /* the query stays */
    LINE_PATHQ, /* path and query */
    LINE_QUERY, /* without '?'; empty: there is none any more */
    LINE_URI,   /* the whole target */
};

/* Puts a copy of `value` there. False: out of memory, or it is no target of any form; nothing has changed. Owner. */
bool message_set_part(struct message *msg, enum line_part part, struct str value);
