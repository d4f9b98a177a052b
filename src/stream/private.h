/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of room stream share.
 */
#pragma once

#include "weir/base/crash.h"
#include "weir/base/pool.h"
#include "weir/config/snapshot.h"
#include "weir/expr/explain.h"
#include "weir/http/reply.h"
#include "weir/loop/grace.h"
#include "weir/loop/loop.h"
#include "weir/loop/profile.h"
#include "weir/expr/log_format.h"
#include "weir/expr/sample.h"
#include "weir/stream/filter.h"
#include "weir/stream/session.h"
#include "weir/stream/stream.h"

/* --- steps.c: where a stream stands -------------------------------------- */

/* In the order of the usual way; those below the line are reached by stream_go() only. */
enum step_id {
    STEP_CONTENT,          /* tcp-request content of the frontend */
    STEP_BODY,             /* option http-buffer-request of the frontend */
    STEP_REQUEST,          /* http-request of the frontend */
    STEP_ROUTE,            /* use_backend */
    STEP_BACKEND_CONTENT,  /* tcp-request content of the backend */
    STEP_BACKEND_BODY,     /* option http-buffer-request of the backend */
    STEP_BACKEND_REQUEST,  /* http-request of the backend */
    STEP_PREPARE,          /* what the request must say to servers */
    STEP_PICK,             /* a server, and a slot of it */
    STEP_CONNECT,          /* an idle connection, or a new one */
    STEP_RESPONSE,         /* send the request; the head of the answer */
    STEP_RESPONSE_CONTENT, /* tcp-response content */
    STEP_RESPONSE_RULES,   /* http-response, http-after-response */
    STEP_FORWARD,          /* bytes both ways until both ends are done */
    STEP_LAST,             /* the last bytes to the client */
    STEP_QUEUE,            /* ----- wait for a slot */
    STEP_PAUSE,            /* before another try on the same server */
    STEP_TARPIT,
    STEP_SERVE, /* instead of PREPARE to RESPONSE: an applet answers */
    STEPS,
};

enum step_result {
    STEP_NEXT, /* done: go on with the following one */
    STEP_GO,   /* stream_go() said where to go on */
    STEP_WAIT, /* an event will run it again */
    STEP_END,  /* the stream has ended, well or not: log and free it */
};
typedef enum step_result step_fn(struct stream *s);

/* Whom a step waits for. */
enum step_wait {
    WAITS_FOR_SERVER =
        1 << 0, /* no server has seen the request: a client that leaves ends it (abortonclose) */
    WAITS_FOR_DATA = 1 << 1,  /* the client may have to send more */
    WAITS_FOR_BYTES = 1 << 2, /* the same in TCP mode only */
};

struct step {
    const char *name;     /* show sess */
    enum end_phase phase; /* second letter of the termination state, if it ends here */
    step_fn *run;
    step_fn *expired; /* its deadline (deadline_in) has passed */
    unsigned waits;   /* set of enum step_wait */
};
extern const struct step steps[STEPS];

/* Runs it from where it stands. It may be gone afterwards. */
void stream_run(struct stream *s);
/* The same, after something else was decided first. */
void stream_go_on(struct stream *s, enum step_result result);
/* Sets the next step; returns STEP_GO. */
static inline enum step_result
stream_go(struct stream *s, enum step_id step)
{
    s->step = (uint8_t)step;
    return STEP_GO;
}

step_fn step_content, step_body, step_request, step_route, step_backend_content, step_backend_body;
step_fn step_backend_request, step_prepare;
step_fn step_pick, step_connect, step_response, step_response_content, step_response_rules,
    step_forward, step_last;
step_fn step_queue, step_pause, step_tarpit, step_serve;
step_fn content_expired, body_expired, queue_expired, connect_expired, pause_expired,
    tarpit_expired, response_content_expired;

/* --- stream.c ------------------------------------------------------------ */

/* A stream for an endpoint of the client's mux, which becomes its front. NULL: out of memory; the
 * endpoint is untouched. */
struct stream *stream_new(struct session *session, struct endpoint *front,
                          const struct proxy_conf *frontend, struct snapshot *snapshot);
/* Takes what the endpoint has and runs. The stream may be gone afterwards. */
void stream_begin(struct stream *s);
/* Counts, logs, closes both ends, frees. */
void stream_end(struct stream *s);
/* Notes why it ends, unless that is known already; returns STEP_END. */
enum step_result stream_end_as(struct stream *s, enum end_cause cause, enum end_phase phase);
/* The same, with the phase of the step where it stands. */
enum step_result stream_end_here(struct stream *s, enum end_cause cause);
static inline struct loop *
stream_loop(const struct stream *s)
{
    return s->session->client->loop;
}
static inline const struct step *
stream_step(const struct stream *s)
{
    return &steps[s->step];
}
static inline bool
stream_is_http(const struct stream *s)
{
    return (s->flags & STREAM_HTTP) != 0;
}
/* The backend is known: settings and counts follow. */
void stream_set_backend(struct stream *s, const struct proxy_conf *backend);
/* Endpoint callbacks of both sides. */
extern const struct endpoint_owner stream_endpoint_owner;

/* Made when first asked for; ptr NULL: none is configured, or out of memory. */
struct str stream_unique_id(struct stream *s);

/* --- monitor.c: was the request for monitor-uri, and answered? ---------------- */

bool monitor_answer(struct stream *s, enum step_result *result);

/* --- capture.c: what the frontend wants kept of a message ------------------ */

void capture_fields(struct stream *s, const struct message *msg);
void capture_cookie(struct stream *s, const struct message *msg);

/* --- request and response rules: rules.c --------------------------------- */

/* What becomes of a request after a rule has said this. STEP_NEXT: go on. Everything else: return it from the step. */
enum step_result rules_conclude(struct stream *s, enum verdict verdict);
/* Runs a rule set; the same. */
enum step_result rules_run(struct stream *s, const struct ruleset *set,
                           const struct proxy_conf *proxy, enum eval_place place);
enum step_result rules_run_response(struct stream *s, const struct ruleset *set,
                                    const struct proxy_conf *proxy, enum eval_place place);
/* http-after-response of backend and frontend, on s->response. False: memory. */
bool rules_after_response(struct stream *s);

/* --- amount.c: numbers of actions ---------------------------------------- */

struct amount {
    struct sample *sample; /* NULL: `fixed` */
    int64_t fixed;
};
/* The next words: a duration, or an expression that gives milliseconds. */
bool amount_parse_time(struct parse *parse, const struct action *action, struct amount *amount);
/* A number from 0 to max, or an expression. */
bool amount_parse_count(struct parse *parse, const struct action *action, int64_t max,
                        struct amount *amount);
/* The same; the number may be hexadecimal (0x) or octal (0). */
bool amount_parse_bits(struct parse *parse, const struct action *action, int64_t max,
                       struct amount *amount);
/* False: the expression has no value here. */
bool amount_find(const struct amount *amount, struct eval *eval, int64_t *out);

/* --- upgrade.c: from TCP to HTTP ------------------------------------------- */

/* The stream ends (STEP_END, to be returned); the first request of its connection goes on at this
 * step, to this backend (NULL: to be chosen). */
enum step_result upgrade_begin(struct stream *s, enum step_id step,
                               const struct proxy_conf *backend);
/* For stream_end(): gives the connection an HTTP mux instead of its TCP mux. False: no memory. */
bool upgrade_connection(struct stream *s);
/* For a new stream: is it the first after an upgrade? */
void upgrade_continue(struct stream *s);
void upgrade_forget(struct session *session);

/* --- deadline.c ---------------------------------------------------------- */

/* The step's own deadline from now; 0 or less: none. */
void deadline_in(struct stream *s, int64_t ms);
static inline void
deadline_none(struct stream *s)
{
    s->step_expires_ms = TIMER_NEVER;
}
static inline int64_t
deadline_now_ms(const struct stream *s)
{
    return (stream_loop(s)->now_us + 999) /
           1000; /* rounded up, so that nothing is late before its time */
}
/* Before a stream waits: what moved, what is waited for, until when. */
void deadline_update(struct stream *s);
/* For its timer. */
timer_fn deadline_fired;
/* A private copy of the timeouts of a side, to be changed by rules. NULL: out of memory. */
struct proxy_timeouts *deadline_own_front(struct stream *s);
struct proxy_timeouts *deadline_own_back(struct stream *s);

/* --- server side: server_side.c, retry.c --------------------------------- */

/* mux_owner of server connections. */
extern const struct mux_owner server_side_owner;

/* --- bad_message.c: for "show errors"; owner ---------------------------------------------------- */

void bad_message_note_request(const struct session *session, struct str bytes, size_t at,
                              const char *text);
void bad_message_note_response(const struct stream *s, struct str bytes, size_t at,
                               const char *text);
/* An endpoint on an idle or a new connection in s->back. False: failed at once; *err says why. */
bool server_side_open(struct stream *s, enum connection_error *err);
struct tls_dial;
/* server_protocol.c: what is spoken with the server; may ask for another choice by ALPN than the
 * line's, and then keeps the connection for this stream. */
const struct mux *server_protocol(struct stream *s, const struct server_conf *conf,
                                  struct tls_dial *tls);
/* Gives s->back back and adds up its bytes. */
void server_side_close(struct stream *s, enum endpoint_close how);
/* Its endpoint is another one from now on (endpoint_owner.on_moved). */
void server_side_moved(struct endpoint *from, struct endpoint *to);
/* Gives the slot back. */
void server_side_leave(struct stream *s);
/* May the request be sent again, to this or another server, without anybody noticing? */
bool request_can_be_replayed(const struct stream *s);

/* An attempt has failed. `why`: a bit of enum retry_on. Tries again, or ends with this cause and
 * status. */
enum step_result retry_or_fail(struct stream *s, unsigned why, enum end_cause cause, int status);
/* A kept connection turned out dead before a byte of an answer: sends the request over a fresh one,
 * unseen. STEP_END: not possible. */
enum step_result retry_unseen(struct stream *s);
/* An answer with a status that the user wants tried again. */
bool retry_is_possible(const struct stream *s, unsigned why);
enum step_result retry_status(struct stream *s, unsigned why);
/* Closes what the session keeps for itself. */
void server_side_drop_kept(struct session *session);

/* --- forward.c ----------------------------------------------------------- */

/* The usual event of a relay, bytes for the other end, in as few steps as possible. False: it is
 * something else, nothing was done. */
bool forward_bytes(struct stream *s, struct endpoint *ep);
/* Request body to the server, as far as it goes. False: out of memory. */
bool forward_request(struct stream *s);
/* --- splicing.c ---------------------------------------------------------- */

/* Does an option ask for it? */
bool splicing_is_possible(const struct stream *s);
/* Moves what can be moved past the muxes; begins to do so if it pays. `moved`: bytes that have just
 * gone the other way. */
void splicing_run(struct stream *s, enum direction direction, size_t moved);
/* Before one of the endpoints is given back. */
void splicing_end(struct stream *s);

/* --- rate_limit_act.c ---------------------------------------------------- */

/* s->limit is not NULL: header fields that tell it. False: out of memory. */
bool rate_limit_tell(struct stream *s);

/* --- step_serve.c -------------------------------------------------------- */

/* A rule has put an applet in s->back. */
enum step_result serve_begin(struct stream *s);
/* The applet goes. */
void serve_end(struct stream *s);

/* --- early_hint_act.c ---------------------------------------------------- */

/* s->hint is not NULL: it goes to the client. */
void early_hint_send(struct stream *s);

/* --- early_data_act.c ---------------------------------------------------- */

/* A request that is not safe, and came as early data, waits for the end of the handshake: WAIT; LATE and
 * REJECT if there will be none. */
enum verdict early_data_hold(struct stream *s);
/* RFC 8470 5.2: a server is told, so that it can say 425; a client may have said so itself. False: no room. */
bool early_data_tell(struct stream *s);
/* May the request be said to a server before the handshake with it is over? It is safe, and its client has said
 * it so or retry-on does; and it has not failed yet. */
bool early_data_may_go(const struct stream *s);

/* --- stream_reply.c ------------------------------------------------------ */

/* Answers with the error page of a status (HTTP), or just ends (TCP). Nothing must have been sent
 * yet. */
enum step_result reply_error(struct stream *s, int status, enum end_cause cause,
                             enum end_phase phase);
/* Answers as the rule said that set eval.reply. */
enum step_result reply_action(struct stream *s, enum end_phase phase);
/* Sends the client to `prefix` and its path instead of to the server, which it leaves. */
enum step_result reply_redir(struct stream *s, const char *prefix);
/* The client's request was refused or cut off before it could be read: s->front->error says how. */
enum step_result reply_bad_request(struct stream *s);

/* --- kill.c -------------------------------------------------------------- */

/* Ends all streams that are on this server, on all threads. Control. */
void kill_streams_of_server(struct server *srv, enum end_cause cause);

/* --- session.c ----------------------------------------------------------- */

extern const struct mux_owner session_mux_owner;
/* The exchange is over; the connection may serve another one. */
void session_stream_ended(struct session *session, struct stream *s);
/* No further request. An idle one ends now: it is gone afterwards. */
void session_stop(struct session *session);
/* The same, but streams that run end in peace. */
void session_frontend_gone(struct session *session);
/* It lives on under this configuration, whatever comes. */
void session_hold(struct session *session, const struct proxy_conf *frontend);
/* For log lines: the number of the bind line. */
int64_t session_listener_id(const struct session *session);
/* Runs a format that knows nothing but the connection. */
void session_start_format(struct session *session, const struct log_format *format,
                          struct format_out *out);
/* Ends all its streams and its connection. */
void stream_kill_session(struct session *session);
/* Handshakes and session rules are done: its mux begins. */
void session_begin(struct session *session, const struct proxy_conf *frontend);
/* Closes the connection, which has no mux yet, and frees the session. */
void session_close(struct session *session, bool with_reset);
void session_free(struct session *session);

/* --- session_mux.c -------------------------------------------------------- */

/* What the client's connection speaks, once its handshakes are over. */
const struct mux *session_choose_mux(const struct session *session,
                                     const struct proxy_conf *frontend);

/* --- session_start.c ----------------------------------------------------- */

/* From accept to mux: connection rules, handshakes, session rules. */
void session_start(struct session *session, const struct proxy_conf *frontend);
void session_start_free(struct session *session);

/* --- session_thread.c ---------------------------------------------------- */

/* What a thread knows about its sessions and streams. */
struct session_thread {
    struct list sessions;
    struct list streams;
    uint64_t session_count;
    struct snapshot *snapshot; /* the newest that this thread has met */
    struct snapshot
        *held[8]; /* holds: what idle sessions and connections of this thread refer to */
    unsigned held_count;
    uint32_t next_id;
    struct explain *explain; /* of the session that is about to begin: explaining.c */
    const struct stream *metered; /* that runs now and is measured; NULL: none. meter.c */
    int64_t metered_since_ns;
    bool is_stopping;
    int64_t stop_ends_ms;    /* soft stop: by then all sessions have been told */
    struct timer stop_timer; /* tells some more of them */
};
extern _Thread_local struct session_thread session_thread;

/* The frontend's settings as they are now, and the snapshot that they are in; moves the thread over
 * when a new one was published. NULL: the frontend is gone. */
const struct proxy_conf *session_conf(const struct session *session);

/* --- meter.c: what a stream costs, while profiling is on ------------------ */

bool meter_begin_now(struct stream *s);
/* True: end with meter_end(), which takes a stream that is freed by then. */
static inline bool
meter_begin(struct stream *s)
{
    return __builtin_expect(__atomic_load_n(&profile_is_on, __ATOMIC_RELAXED), 0) &&
           meter_begin_now(s);
}
void meter_end(struct stream *s);
/* It is about to be freed. */
static inline void
meter_forget(const struct stream *s)
{
    if (__builtin_expect(session_thread.metered == s, 0))
        session_thread.metered = NULL;
}

/* --- explaining.c: streams that are watched ------------------------------ */

/* Its request has come: does somebody want to see what becomes of it? */
void explaining_look(struct stream *s);
/* It ends: the record goes to who asked for it. */
void explaining_end(struct stream *s);
/* Does it only pretend? Then it waits for nobody and connects to nobody. */
static inline bool
is_offline(const struct stream *s)
{
    return __builtin_expect(s->eval.explain != NULL, 0) && s->eval.explain->is_offline;
}

/* --- counters: stream_counters.c ----------------------------------------- */

void stream_count_connection(struct session *session);
void stream_count_session(struct session *session);
void stream_count_request(struct stream *s);
/* What is odd about the client's connection, into what its session tracks. */
void stream_count_glitches(struct session *session);
void stream_count_backend(struct stream *s);
void stream_count_bad_request(struct stream *s);
void stream_count_denied_request(struct stream *s);
void stream_count_denied_response(struct stream *s);
void stream_count_intercepted(struct stream *s);
void stream_count_picked(struct stream *s);
void stream_count_attempt(struct stream *s, bool is_reused);
void stream_count_connect_error(struct stream *s);
void stream_observe_connect(struct stream *s, bool is_good);
void stream_count_response_error(struct stream *s);
void stream_count_retry(struct stream *s, bool is_redispatch);
void stream_count_status(struct stream *s);
void stream_count_end(struct stream *s);

/* --- stream_timer.c ------------------------------------------------------ */

enum stream_timer {
    TIMER_HANDSHAKE,  /* Th */
    TIMER_IDLE,       /* Ti */
    TIMER_REQUEST,    /* TR */
    TIMER_TO_REQUEST, /* Tq */
    TIMER_QUEUE,      /* Tw */
    TIMER_CONNECT,    /* Tc */
    TIMER_RESPONSE,   /* Tr */
    TIMER_DATA,       /* Td */
    TIMER_ACTIVE,     /* Ta */
    TIMER_TOTAL,      /* Tt */
    TIMER_USER,       /* Tu */
};
/* Milliseconds; -1: did not happen. */
int64_t stream_timer(const struct stream *s, enum stream_timer timer);

/* Remembers the addresses of the server's connection before it goes, if a log format may ask for
 * them. */
void stream_keep_addrs(struct stream *s);
/* Of the server's connection: ours, or the server's. NULL: there was none. */
const struct addr *stream_source_addr(const struct stream *s);
const struct addr *stream_server_addr(const struct stream *s);

/* --- stream_facts.c: for log lines, aliases, samples --------------------- */

const char *stream_server_name(const struct stream *s); /* "<NOSRV>" */
/* Lines logged for a frontend: %lc. */
uint64_t log_line_count(const struct proxy_conf *frontend);
uint64_t stream_frontend_connections(const struct stream *s);
uint64_t stream_backend_connections(const struct stream *s);
uint64_t stream_server_connections(const struct stream *s);
/* Of this exchange so far. */
uint64_t stream_bytes_from_client(const struct stream *s);
uint64_t stream_bytes_to_client(const struct stream *s);
uint64_t stream_bytes_from_server(const struct stream *s);
/* Of the answer, whoever made it: the server, or weir itself. */
uint64_t stream_answer_bytes(const struct stream *s);
uint64_t stream_bytes_to_server(const struct stream *s);

/* --- log_alias.c, log_line.c --------------------------------------------- */

/* Why a line is written: %OG, and the steps of log profiles. */
enum log_origin {
    ORIGIN_CLOSE, /* txn_close: the usual line */
    ORIGIN_ACCEPT,
    ORIGIN_REQUEST,
    ORIGIN_CONNECT,
    ORIGIN_RESPONSE,
    ORIGIN_ERROR, /* of a session */
    ORIGIN_RULE,  /* + enum hook: do-log */
    ORIGINS = ORIGIN_RULE + HOOKS,
};
const char *log_origin_name(enum log_origin origin);
static inline enum log_origin
log_origin_of_session(const struct session *session)
{
    return session == NULL || session->log_origin == 0 ? ORIGIN_ERROR
                                                       : (enum log_origin)session->log_origin;
}

/* --- log_profile.c ------------------------------------------------------- */

struct log_profile;
struct log_profile_step {
    bool is_dropped;
    struct log_format *format, *sd; /* NULL: the proxy's */
};
/* NULL: nothing special. */
const struct log_profile_step *log_profile_step(const struct log_profile *profile,
                                                enum log_origin origin);
/* Builder: the profile of this name goes to *to once all is read. False: reported. */
bool log_profile_use(struct parse *parse, const char *name, void **to);
const char *log_profile_tag(const struct log_profile *profile);

/* Does it count in entries of tables? */
static inline bool
stream_is_tracked(const struct stream *s)
{
    return s->tracks != NULL || s->session->tracks != NULL;
}

/* --- payload_fetch.c: bytes that have come and were not passed on --------- */

/* All of them in one piece, up to a buffer full; lent, or copied to eval->arena. ptr NULL: there is
 * no such end, or no memory. */
struct str received_bytes(struct eval *eval, const struct endpoint *ep);
/* The end whose bytes a rule is about: the server's in rules for responses. */
const struct endpoint *received_from(const struct eval *eval);
/* Another look may see more. */
bool received_may_grow(const struct eval *eval, const struct endpoint *ep);

/* --- log_line.c ---------------------------------------------------------- */

#define LOG_LINE_MAX 16384 /* bytes; longer lines are cut */
/* "127.0.0.1:1234"; " [23/Nov/2026:10:00:00.123] ". */
void log_line_client(struct format_out *out, const struct session *session,
                     const struct addr *src);
void log_line_date(struct format_out *out, int64_t wall_us);
/* "GET /path HTTP/1.1"; "<BADREQ>". flags: enum format_flag. */
void log_line_request(struct format_out *out, const struct stream *s, unsigned flags);
/* Bytes of a request; in log lines also quotes are escaped. */
void log_line_part(struct format_out *out, struct str text, unsigned flags);
/* Writes the line of a stream as it is now, whether or not another one follows. */
void log_line_now(struct stream *s, enum log_origin origin, const struct log_profile *profile);
/* The stream has come to a point at which log-steps may ask for a line. */
void log_line_step(struct stream *s, enum log_origin origin);
/* Writes the line of a stream, if anybody wants it. */
void log_line_stream(struct stream *s);
/* A connection that ended before its first stream, or do-log before it: "ip:port [date] fe/bind:
 * text". `profile` NULL: those of the targets. */
void log_line_session(struct session *session, const struct proxy_conf *frontend,
                      const char *text, const struct log_profile *profile);
/* "Connect from ...": the form without option httplog or tcplog. */
void log_line_connect(struct stream *s);
