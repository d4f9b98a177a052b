/* SPDX-License-Identifier: Apache-2.0 */
/* Agents: what a program beside a server says about it. */
#pragma once

#include "private.h"

/* What a server line says. Slot of server_conf. */
struct agent_conf {
    bool is_on;
    int64_t inter_ms;
    int64_t port;
    struct addr addr; /* ADDR_NONE: the server's */
    const char *send; /* NULL: nothing */
};
const struct agent_conf *agent_conf_of(const struct server_conf *srv);

/* The agent of a live server. Control. */
struct agent {
    struct server *server; /* is owned by it */
    struct timer timer;    /* when to ask again, or by when it must have answered */
    bool is_running, is_wanted, is_paused;
    bool is_down; /* it said so */
    enum check_status status;
    int64_t began_us, duration_ms;
    struct connection *conn; /* owns while it runs */
    struct text received;
    size_t sent;
    char text[128];
    /* Set at run time; they survive a reload. */
    struct addr addr; /* ADDR_NONE: as configured */
    uint16_t port;    /* 0: as configured */
    char *send;       /* owns; NULL: as configured */
};

/* agent_words.c: carries out what the agent said. Control. */
void agent_obey(struct agent *agent, struct str said);
/* agent.c: it is up or down now, as it says itself or somebody says for it. Control. */
void agent_set(struct agent *agent, bool is_up, const char *text);
/* agent.c: it answered, but not whether it is up. `text`: what was wrong; empty: nothing. */
void agent_says_nothing(struct agent *agent, const char *text);
/* agent.c: the port that it is asked at. */
uint16_t agent_port(const struct server_conf *srv, const struct agent *agent);
/* False: the server has none. */
bool agent_pause(struct server *srv);
bool agent_resume(struct server *srv);
