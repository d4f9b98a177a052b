/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of room admin share.
 */
#pragma once

#include "weir/admin/runtime_session.h"
#include "weir/admin/stats.h"
#include "weir/cli/command.h"
#include "weir/cli/command_line.h"
#include "weir/loop/counter.h"
#include "weir/loop/timer.h"

/* --- stat_counters.c: counter rows become columns ---------------------------------- */

/* A column that is the sum of one counter. */
struct counter_column {
    enum stat_column column;
    size_t offset; /* of the uint64_t in the row of a thread */
};

void stat_fill_counters(struct stat_row *row, const struct counter_rows *rows,
                        const struct counter_column *columns, size_t count);
/* Columns that are there for tools, and count nothing yet. */
void stat_fill_zeros(struct stat_row *row, enum stat_column first, enum stat_column last);
/* The columns of protocols, of a proxy's rows. */
void stat_fill_modules(struct stat_row *row, const struct counter_rows *rows);
/* Streams, or connections, of that protocol since the start. */
uint64_t stat_mux_sum(const struct counter_rows *rows, enum mux_protocol protocol, bool of_streams);
/* Events per second, of all threads: `offset` of a struct rate. */
uint64_t stat_rate(const struct counter_rows *rows, size_t offset);
/* sum / count, 0 when nothing was counted. */
uint64_t stat_average(const struct counter_rows *rows, size_t sum_offset, size_t count_offset);
/* An empty row with the columns that all kinds have. */
void stat_begin_row(struct stat_row *row, enum stat_kind kind, const struct proxy_conf *conf,
                    const char *name, int64_t id);
/* Whole seconds since a time of the loop. */
uint64_t stat_seconds_since(int64_t then_ms);
/* Of a server: wall seconds of the newest session of any thread; 0: none. */
int64_t stat_last_session_s(const struct counter_rows *server_rows);
/* Seconds since then; -1: never. */
int64_t stat_seconds_ago(int64_t wall_s);

/* --- stats_resolvers.c: "show stat domain resolvers" -------------------------------- */

enum command_result stats_show_resolvers(struct command_call *call);

/* --- runtime_input.c: bytes become lines and payloads ---------------------------------- */

#define RUNTIME_LINE_MAX 16384 /* bytes of a line without its payload */

enum input_result {
    INPUT_LINE,     /* `line`, and `payload` if there is one, are complete */
    INPUT_MORE,     /* no whole line */
    INPUT_PAYLOAD,  /* one more line of a payload was read: it goes on */
    INPUT_TOO_LONG, /* nobody types such lines */
};

struct runtime_input {
    struct text bytes; /* received */
    size_t at;         /* the first one that was not used yet */
    char *line;        /* owns: the last line, without its end and mark; NULL: none */
    struct payload_mark mark;
    bool in_payload;
    struct text payload;
    size_t payload_max;
};

void runtime_input_init(struct runtime_input *input, size_t payload_max);
void runtime_input_fini(struct runtime_input *input);
void runtime_input_add(struct runtime_input *input, struct str bytes);
/* The next line; the one before is gone. */
enum input_result runtime_input_next(struct runtime_input *input);
bool runtime_input_has_line(const struct runtime_input *input);
/* Lines in the order of their coming, with line ends; ptr NULL: the line has none. */
struct str runtime_input_payload(const struct runtime_input *input);

/* --- runtime_session.c ------------------------------------------------------------------ */

enum runtime_flag { /* words that only those may use who ask for them */
                    RUNTIME_EXPERT = 1 << 0,
                    RUNTIME_EXPERIMENTAL = 1 << 1,
};

enum runtime_mode {
    RUNTIME_ONCE,        /* n: the connection closes after the answer */
    RUNTIME_INTERACTIVE, /* i: no prompt, waits for more */
    RUNTIME_PROMPT,      /* p: "> " */
};

#define RUNTIME_SESSION_MAGIC 0x52554e53u

struct runtime_session {
    unsigned magic;
    struct list link;
    struct connection *conn;      /* owns */
    struct runtime_access access; /* as granted by the socket; level and the like may go down */
    enum runtime_mode mode;
    bool has_uptime; /* in the prompt */
    unsigned flags;  /* set of enum runtime_flag */
    uint32_t anon_key; /* 0: names are shown */

    /* Input */
    struct runtime_input input;
    bool is_in_closed;  /* the peer sends no more */
    bool is_in_stopped; /* too much is waiting: we do not read */
    char *rest;         /* of the line at hand: commands that have not run; NULL: none */
    bool in_line;       /* a line is being run */

    /* The command that runs */
    struct command_call call;
    const char *words[COMMAND_WORDS_MAX + 1];
    bool is_running;

    /* Output */
    struct text out;
    size_t sent;

    bool is_advancing;
    bool must_quit;
    struct timer silence; /* the peer says nothing */
    struct timer go_on;   /* advance() at the next turn */
};

/* --- runtime_answer.c: commands and the frame of their answers -------------------------- */

/* Cuts the next command off the line and starts it, if there is one that may run. */
void runtime_answer_start(struct runtime_session *session);
/* Runs the started command. False: it waits, and goes on later. */
bool runtime_answer_go_on(struct runtime_session *session);
/* The prompt, if one was asked for. */
void runtime_answer_prompt(struct runtime_session *session);
/* The command that runs, if any, ends without an answer. */
void runtime_answer_cancel(struct runtime_session *session);

/* --- runtime_conf.c: the sockets of a configuration -------------------------------------- */

/* Slot of the globals: "stats socket" and its kin. */
struct runtime_conf {
    struct list binds; /* struct bind_conf */
    int64_t timeout_ms;
    int64_t maxconn;
    uint64_t payload_max; /* bytes */
};

struct snapshot;
struct runtime_conf *runtime_conf_of(const struct snapshot *snapshot);
