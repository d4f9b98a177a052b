/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of checks: connect, send, expect, variables. Immutable; in the snapshot's arena. */
#pragma once

#include "weir/expr/log_format.h"
#include "weir/expr/variable.h"
#include "weir/mux/mux.h"
#include "private.h"

enum step_kind { STEP_CONNECT, STEP_SEND, STEP_EXPECT, STEP_SET, STEP_UNSET, STEP_COMMENT };

struct step_connect {
    bool is_default; /* as the server line says: TLS, PROXY header */
    bool send_proxy, via_socks4, is_ssl;
    bool linger;
    const char *server_name; /* sni; NULL: not given */
    struct str alpn;         /* as on the wire; len 0: not given */
    const struct mux *mux;   /* proto; NULL: not given */
    int64_t port;               /* 0: not given */
    const struct sample *where; /* the port as an expression; NULL: not given */
    struct addr addr;           /* ADDR_NONE: not given */
};

struct http_field {
    struct http_field *next;
    const char *name;
    const struct log_format *value;
};

struct http_request {
    const char *method, *version; /* NULL: not given */
    const struct log_format *uri, *body, *host;
    struct http_field *fields;
    const char *raw_fields; /* whole lines hidden behind the version of option httpchk; NULL: none */
};

struct step_send {
    struct str bytes;                /* ptr NULL: see format */
    const struct log_format *format; /* NULL: see request */
    bool is_hex;                     /* the format gives hexadecimal digits */
    const struct http_request *request;
    bool has_state; /* http-check send-state */
    /* Steps of protocols that depend on what came before: writes to `out`. NULL: none. */
    void (*write)(struct check *check, const struct check_step *step, struct text *out);
    const char *user;
};

enum expect_kind {
    EXPECT_STRING,
    EXPECT_RSTRING,
    EXPECT_STRING_LF,
    EXPECT_BINARY,
    EXPECT_RBINARY,
    EXPECT_BINARY_LF,
    EXPECT_STATUS,
    EXPECT_RSTATUS,
    EXPECT_FIELD,      /* hdr: each value of lists */
    EXPECT_FULL_FIELD, /* fhdr */
    EXPECT_JUDGE,      /* .judge */
};

enum match_kind { MATCH_FOUND, MATCH_EQUAL, MATCH_BEG, MATCH_END, MATCH_SUB, MATCH_REGEX };
struct field_match {
    enum match_kind kind;
    const struct log_format *text;
    struct regex *regex;
};

enum judged { JUDGED_GOOD, JUDGED_BAD, JUDGED_LATER };

struct step_expect {
    enum expect_kind kind;
    bool is_negated;
    const char *text;  /* as written */
    struct str wanted; /* bytes to find */
    struct regex *regex;
    const struct log_format *format;
    struct field_match name, value;
    int64_t min_received; /* -1: not given */
    int ok_status, error_status, timeout_status; /* enum check_status; CHECK_UNKNOWN: as usual */
    const struct log_format *on_success, *on_error;
    const struct sample *code;
    /* A protocol's own: on JUDGED_BAD `info` and *status say why; JUDGED_GOOD may fill info too. */
    unsigned shown_step; /* of it: as HAProxy counts */
    int empty_status;    /* of it: when nothing came at all */
    enum judged (*judge)(struct check *check, bool at_end, struct text *info, int *status);
};

struct step_set {
    struct variable_name name;
    unsigned conditions;
    const struct sample *sample; /* or */
    const struct log_format *format;
};

struct check_step {
    struct check_step *next; /* as written; NULL: last */
    enum step_kind kind;
    unsigned number; /* from 1; 0: nobody wrote it */
    const char *comment;
    union {
        struct step_connect connect;
        struct step_send send;
        struct step_expect expect;
        struct step_set set;
    };
};

/* --- steps_conf.c ------------------------------------------------------------------------- */

/* A new last step of the backend that is read; what another section wrote is forgotten first. */
struct check_step *step_add(struct parse *parse, struct check_method *method, enum step_kind kind);
/* --- connect_conf.c */
bool step_parse_connect(struct parse *parse, struct check_step *step);
/* Do the protocols of its connections go with it? False: reported. CONFIG_CHECK. */
bool method_connects_fit(struct parse *parse, const struct check_method *method,
                         struct source_pos pos, const char *name);
/* --- steps_conf.c */
bool step_parse_comment(struct parse *parse, struct check_step *step);
/* "connect", "comment", "set-var(...)", "set-var-fmt(...)", "unset-var(...)". False: reported. */
bool step_parse_common(struct parse *parse, struct check_method *method, const char *word);
/* May this section have steps of that type ("httpchk", "tcp-check")? Others than healthcheck sections
 * always may. False: reported. section_conf.c */
bool healthcheck_takes(struct parse *parse, const char *type);
/* The words before the kind of expectation, "!" included. */
bool step_parse_expect_words(struct parse *parse, struct check_step *step);
/* string, rstring, string-lf and the binary ones. */
bool step_parse_pattern(struct parse *parse, struct step_expect *expect, enum expect_kind kind);
/* The steps as they run: with those that go without saying. CONFIG_CHECK. */
void method_finish(struct parse *parse, struct check_method *method);

/* --- protocol_steps.c: prepared steps --------------------------------------------------------- */

typedef enum judged judge_fn(struct check *check, bool at_end, struct text *info, int *status);

/* The checks of the backend (or section) that is read, without steps yet. */
struct check_method *method_begin(struct parse *parse);
void method_add_send(struct parse *parse, struct check_method *method, struct str bytes);
/* shown_step: the number of the step in HAProxy's own list, which reasons name. */
struct step_expect *method_add_judge(struct parse *parse, struct check_method *method,
                                     judge_fn *judge, unsigned shown_step);

/* --- check_steps.c: the machine ------------------------------------------------------------ */

/* What is configured now; NULL: nothing any more. */
const struct check_method *check_method_now(const struct check *check);
const struct check_step *check_step_now(const struct check *check);
/* Goes on from check->step. The check may be over afterwards. */
void check_steps_run(struct check *check);
/* Ends it: `what`, and which step it was. */
void check_fail(struct check *check, enum check_status status, const char *what);
void check_set_deadline(struct check *check, int64_t delay_ms);

/* What expressions see while the check runs. */
void check_eval(struct check *check, struct eval *eval);

/* --- check_expect.c -------------------------------------------------------------------------- */

/* Looks at what has come. JUDGED_BAD: status, code and info say why. */
struct verdict_of_step {
    int status, code;
    struct text info;
};
enum judged expect_judge(struct check *check, const struct check_step *step, bool at_end,
                         struct verdict_of_step *out);
/* " at step 2 of tcp-check (expect string 'x') comment: 'y'"; nothing for steps nobody wrote. */
void step_describe(struct text *to, const struct check_step *step, const char *comment);

/* --- check_connect.c ------------------------------------------------------------------------- */

enum ran { RAN_ON, RAN_WAITS, RAN_OVER };
enum ran check_connect(struct check *check, const struct check_step *step);
/* How long it may take to begin with. */
int64_t check_limit_ms(const struct check *check);
/* Whatever there is. */
void check_close_connection(struct check *check);

/* --- mux_check.c ----------------------------------------------------------------------------- */

/* This protocol from now on, over the connection that is established. False: out of memory. */
bool mux_check_start(struct check *check, const struct mux *mux);
/* Sends the request in check->to_send, as HTTP/1 has it. False: it is none, or the connection takes
 * none. */
bool mux_check_ask(struct check *check);
/* Closes the connection with all that hangs on it, or keeps it for the next check. */
void mux_check_close(struct check *check);
/* The connection of an earlier check, to that address, made with the same settings. False: none. */
bool mux_check_take_kept(struct check *check, const struct addr *to, uint64_t key);

/* Something has come. */
void check_steps_go_on(struct check *check);

/* --- check_response.c ---------------------------------------------------------------------------- */

/* The head of the response; NULL: not here yet, or none. */
struct message *check_response(struct check *check);
/* As much of the body as is here. True: that is all of it. */
bool check_body(struct check *check, struct str *body);
/* Lets expressions see what came, until they are shown something else. */
void check_show_received(struct check *check, bool is_http, struct eval *eval);
void check_response_forget(struct check *check);

/* --- http_check.c ---------------------------------------------------------------------------- */

void http_request_write(struct check *check, const struct step_send *send, struct text *out);
enum judged http_judge(struct check *check, const struct check_step *step, bool at_end,
                       struct verdict_of_step *out);
