/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syslog messages of others on their way through: what they say of themselves is read (RFC 3164, RFC 5424) and
 * written again in the form that each target wants.
 */
#pragma once

#include "weir/base/text.h"
#include "weir/telemetry/log.h"

/* What becomes of the name of the host, for targets whose form has one. */
enum log_relay_host {
    RELAY_HOST_FILL,    /* the sender's address where the message names none */
    RELAY_HOST_REPLACE, /* always the sender's address */
    RELAY_HOST_KEEP,    /* as it is */
    RELAY_HOST_APPEND,  /* the sender's address behind it */
};

enum log_incoming_form {
    INCOMING_RAW,      /* nothing was understood */
    INCOMING_PRIORITY, /* a priority alone */
    INCOMING_RFC3164,
    INCOMING_RFC5424,
};

/* A message, read. All parts point into it; empty: not there. */
struct log_incoming {
    enum log_incoming_form form;
    bool has_priority;
    unsigned priority;
    struct str time; /* as written: "Nov  3 01:02:03" or a date of RFC 3339 */
    struct str host, tag, pid, message_id, sd;
    struct str message;
    const char *source; /* text of the sender's address; NULL: it has none */
    enum log_relay_host host_rule;
};

/* Fills all but source and host_rule. Pure. */
void log_incoming_parse(struct str message, struct log_incoming *out);
/* Sends it to those targets whose levels take it. Control. */
void log_relay(const struct log_targets *targets, const struct log_incoming *incoming);
