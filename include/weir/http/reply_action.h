/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rule wants answered (deny, tarpit, return, redirect, auth): left in eval->reply with
 * VERDICT_REPLY. All bytes live as long as the stream (eval->arena) or the snapshot.
 */
#pragma once

#include <stdbool.h>

#include "weir/http/message.h"
#include "weir/http/reply.h"

enum reply_kind {
    REPLY_ACTION_PAGE,    /* the error page for `status` (error_page_find) */
    REPLY_ACTION_FILE,    /* `file` as it stands */
    REPLY_ACTION_MESSAGE, /* status, content_type, body as they stand here */
};

struct reply_field {
    struct str name; /* any case */
    struct str value;
};

struct reply_action {
    enum reply_kind kind;
    int status;
    bool is_denial; /* deny, tarpit, auth: counted as denied; else as answered by weir */
    bool is_tarpit; /* hold the client for timeout tarpit first; then kind and status as they are */
    bool must_close;         /* close the client's connection afterwards */
    const struct reply *file; /* in the snapshot; status 0: close without a word */
    struct str content_type; /* len 0: none */
    struct str body;
    const char *service;        /* who answers, for logs: "<STATS>"; NULL: just a rule */
    struct reply_field *fields; /* added in this order, also to a page */
    unsigned field_count;
};

static inline bool
reply_action_is_denial(const struct reply_action *reply)
{
    return reply != NULL && reply->is_denial;
}
