/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions of rules: registered by the rooms that know how to do them.
 *
 *     static const struct action_kind kinds[] = {
 *         { "set-header", HOOKS_HTTP, .args = "<name> <fmt>", .parse = parse_set_header, .help = "..." },
 *     };
 *     REGISTER(action_kind, kinds);
 */
#pragma once

#include "weir/base/registry.h"
#include "weir/base/str.h"
#include "weir/config/parse.h"
#include "weir/expr/eval.h"

/* The places where rules run, in order. */
enum hook {
    HOOK_TCP_CONNECTION,    /* tcp-request connection */
    HOOK_TCP_SESSION,       /* tcp-request session */
    HOOK_TCP_REQUEST,       /* tcp-request content */
    HOOK_HTTP_REQUEST,
    HOOK_TCP_RESPONSE,      /* tcp-response content */
    HOOK_HTTP_RESPONSE,
    HOOK_HTTP_AFTER_RESPONSE,
    HOOKS,
};
#define ON(hook) (1u << (hook))
#define HOOKS_HTTP (ON(HOOK_HTTP_REQUEST) | ON(HOOK_HTTP_RESPONSE) | ON(HOOK_HTTP_AFTER_RESPONSE))
#define HOOKS_ALL ((1u << HOOKS) - 1)

enum verdict {
    VERDICT_CONTINUE, /* next rule */
    VERDICT_STOP,     /* allow, accept: leave this rule set */
    VERDICT_STOP_ALL, /* return and the like on the request side that end all rule sets of this hook (frontend and backend) */
    VERDICT_REPLY,    /* eval->reply is the answer; no server */
    VERDICT_REJECT,   /* close the connection */
    VERDICT_DROP,     /* the same without a word (silent-drop) */
    VERDICT_WAIT,     /* not yet: run this very rule again when the stream wakes (eval->resume is kept) */
    VERDICT_FAILED,   /* internal error: 500 */
    VERDICT_LATE,     /* what it waited for did not come: 408 to a request, 504 to a response */
    VERDICT_CLOSE,    /* the server's connection ends; what it has sent is delivered */
    VERDICT_SWITCH,   /* tcp-request content: what comes is HTTP */
    VERDICT_SERVICE, /* an applet answers in the place of a server: stream/applet.h */
};

struct action;
typedef enum verdict action_fn(const struct action *action, struct eval *eval);

struct action_kind {
    const char *name;
    unsigned hooks;     /* set of ON(hook) */
    bool is_final;      /* rules after it without condition can never run */
    bool is_prefix;     /* the name goes on: "set-var(", "sc-inc-gpc0(" */
    const char *args;   /* synopsis */
    /* Reads the words up to "if"/"unless" or the end; fills action. */
    bool (*parse)(struct parse *parse, struct action *action);
    const char *help;
};
REGISTRY(action_kind, struct action_kind);

struct action { /* in the snapshot's arena; immutable */
    const struct action_kind *kind;
    action_fn *run;
    void *data;            /* the kind's own, in the arena */
    intptr_t number;       /* for small settings */
    enum hook hook;
    unsigned place;        /* where it runs: enum eval_place bit(s), for expressions in its words */
    struct source_pos pos;
    const char *text;      /* the rule as written, for explain and logs */
};

/* True when the next word is "if", "unless" or there is none: an action's words have ended. */
bool action_at_end(const struct parse *parse);
/* What stands in parentheses right behind the action's name, of kinds with is_prefix: "set-var(txn.a)"
 * gives "txn.a". False: there are none, or they are not closed. */
bool action_parenthesis(const struct parse *parse, const struct action *action, struct str *inside);
/* Boot: sorts, refuses duplicates. */
void action_table_init(void);
