/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a decision: which rules ran, what they looked at, what came of it. eval->explain
 * points to one while somebody asks (weir --explain, "explain live"); it is NULL otherwise, and
 * nothing but that test is paid.
 *
 * Used by one thread at a time: that of the stream while it runs, then whoever prints it. Texts of
 * the configuration are borrowed from the stream's snapshot; values are copied.
 */
#pragma once

#include "weir/base/arena.h"
#include "weir/config/diag.h"
#include "weir/expr/value.h"

struct sample;

enum explain_kind {
    EXPLAIN_SET,    /* a list of rules begins. text: "http-request"; owner: its proxy */
    EXPLAIN_RULE,   /* text: the rule; owner: the verdict that ended the list, or NULL */
    EXPLAIN_TEST,   /* of the rule's condition. text: as written; owner: the acl's name or NULL */
    EXPLAIN_SAMPLE, /* an expression outside of conditions. text: as written */
    EXPLAIN_NOTE,   /* text: a sentence */
};
enum explain_outcome {
    OUTCOME_NONE,
    OUTCOME_YES,
    OUTCOME_NO,
    OUTCOME_LATER, /* more data would be needed */
};

struct explain_item {
    struct explain_item *next;
    uint8_t kind;    /* enum explain_kind */
    uint8_t outcome; /* enum explain_outcome */
    bool is_assumed; /* the value cannot be known offline: somebody may give another */
    struct source_pos pos;
    const char *text;
    const char *owner;   /* see enum explain_kind */
    const char *sample;  /* tests: the expression whose value it is */
    const char *value;   /* printed; NULL: there was none */
    const char *pattern; /* tests: the one that matched; NULL: none, or not known */
};

/* "--set ssl_fc=1": what a fetch gives instead of its own. */
struct explain_given {
    const struct explain_given *next;
    struct str name;  /* as written: "hdr(x-user)" */
    struct str value; /* cast to the fetch's type */
};

/* What became of it. */
struct explain_result {
    const char *frontend, *backend, *server; /* NULL: none */
    const char *service; /* that answers in the place of a server: "<lua.hello>"; NULL: none */
    struct source_pos frontend_pos, backend_pos, server_pos;
    struct explain_item *decided; /* the rule that ended it; NULL: none did */
    int status;                   /* of weir's own answer; 0: none */
};

struct explain {
    struct arena arena;
    struct explain_item *first, **end;
    struct explain_item *rule, *test; /* in hand; NULL: none */
    const struct explain_given *given;
    struct explain_result result;
    bool is_offline; /* no server is asked: it ends where one was chosen */
    /* The stream, or the session offline, has ended and will not touch it any more. */
    void (*on_end)(struct explain *explain);
    void *owner_data;
};

void explain_init(struct explain *explain);
void explain_fini(struct explain *explain);

/* --- what the rooms tell --------------------------------------------------------------------- */

void explain_set(struct explain *explain, const char *name, const char *proxy);
/* A rule is looked at; explain_outcome() says what came of it. */
void explain_rule(struct explain *explain, struct source_pos pos, const char *text);
/* `verdict`: what it ended the list with, or NULL. */
void explain_outcome(struct explain *explain, enum explain_outcome outcome, const char *verdict);
/* Samples that run now belong to this test. */
void explain_test(struct explain *explain, struct source_pos pos, const char *text,
                  const char *acl);
void explain_test_outcome(struct explain *explain, enum explain_outcome outcome,
                          const char *pattern);
/* `value` NULL: there was none. */
void explain_sample(struct explain *explain, const struct sample *sample,
                    const struct value *value);
void explain_note(struct explain *explain, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Does somebody give the sample's fetch a value? Then it is in `out`, of the fetch's type. */
bool explain_find_given(const struct explain *explain, const struct sample *sample,
                        struct value *out, struct arena *arena);
