/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks of servers: when to check, rise and fall, and what others may ask about them.
 *
 * Thread: control.
 */
#pragma once

#include "weir/server/server.h"

enum check_status { /* names and meanings as in HAProxy's check_status column */
    CHECK_UNKNOWN, CHECK_INI, CHECK_START, CHECK_SOCKERR, CHECK_L4OK, CHECK_L4TOUT, CHECK_L4CON, CHECK_L6OK, CHECK_L6TOUT, CHECK_L6RSP,
    CHECK_L7TOUT, CHECK_L7RSP, CHECK_L7OK, CHECK_L7OKC, CHECK_L7STS, CHECK_PROCERR, CHECK_PROCTOUT, CHECK_PROCOK, CHECK_HANA,
};

/* What statistics show of a server's check. */
struct check;
struct eval;
struct check_view {
    bool is_enabled;
    bool is_followed; /* it is that of the server that is tracked */
    bool in_progress;
    enum check_status status;
    int code;              /* HTTP status, exit code ...; see check_status_has_code() */
    int64_t duration_ms;   /* of the last one; -1: none yet */
    int rise, fall, health; /* health: 0..rise+fall-1 */
    const char *description; /* "Layer4 check passed" */
    char last_text[128];
};
/* False: the server has no check. Control. */
bool check_view(const struct server *srv, struct check_view *out);
/* Whose check tells the state of a server: its own, or that of the last one it follows. */
const struct server_conf *track_target(const struct server_conf *srv);
/* "backend/server" as it is written after 'track'; NULL: follows nobody. */
const char *track_target_name(const struct server_conf *srv);
/* The same of its agent. */
bool agent_view(const struct server *srv, struct check_view *out);
/* Its agent says that it is down. Control. */
bool agent_holds_down(const struct server *srv);
/* A check of a server, or of its agent, has ended. Control. */
struct check_reader {
    void (*read)(const struct server *srv, bool is_agent);
};
REGISTRY(check_reader, struct check_reader);
const char *check_status_name(enum check_status status);        /* "L4OK" */
const char *check_status_description(enum check_status status); /* "Layer4 check passed" */
/* Is there a code to show (perhaps 0)? */
bool check_status_has_code(enum check_status status);
/* What traffic saw of a server with "observe". Any thread; costs a look at the configuration. */
void observe_connect(struct server *srv, bool is_good);
void observe_response(struct server *srv, bool is_good);
/* disable health, enable health. False: the server has no check. Control. */
bool check_pause(struct server *srv);
bool check_resume(struct server *srv);
/* set server health; the next checks go on from there. Control. */
void check_force(struct server *srv, enum server_state state);
/* The same for another reason, which the log tells. */
void check_restore(struct server *srv, enum server_state state, const char *reason);
/* What the backend's unique-id-format makes for the check that runs: the same in all its steps. No
 * bytes: there is no format. Control. */
struct str check_unique_id(struct check *check, struct eval *eval);
