/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question to the configuration: what would become of this request? Boot.
 */
#pragma once

#include "weir/base/error.h"
#include "weir/base/text.h"
#include "weir/expr/explain.h"
#include "weir/os/addr.h"

#define QUESTION_FIELDS_MAX 64

struct explain_question {
    struct arena arena;           /* what it is made of, beside the words it was given */
    const char *text;             /* as asked */
    struct str method;            /* "GET" unless said */
    struct str scheme, host;      /* len 0: not said; host with its port */
    struct str target;            /* what the request line says */
    int port;                     /* of the url, or of its scheme; 0: not known */
    const char *fields[QUESTION_FIELDS_MAX]; /* "Name: value" */
    unsigned field_count;
    struct addr src;
    const char *frontend;         /* NULL: by port */
    struct explain_given *given;  /* own; also what the scheme implies */
};

/* One word of a question: "explain" and the url first, then "header", "src", "frontend", "set".
 * False: err. */
bool explain_question_set(struct explain_question *question, const char *what, const char *word,
                          struct error *err);
void explain_question_fini(struct explain_question *question);
/* For the command line, which asks one. */
bool explain_question_add(const char *what, const char *word, struct error *err);
struct explain_question *explain_question_here(void);
/* The request as it would come over the line. */
void explain_question_write(const struct explain_question *question, struct text *to);
