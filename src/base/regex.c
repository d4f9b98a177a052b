/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCRE2 behind a few functions.
 *
 * For:     ACLs, maps, rewriting rules and converters with regular expressions.
 * Owns:    compiled patterns; per thread the room where matches are computed
 *          (match data, JIT stack), made at the first match and freed at the
 *          thread's end.
 * Callers: compile: builders. Match: traffic threads.
 * Thread:  matching is safe from any: the pattern is only read.
 *
 * A pattern that runs into PCRE2's limits (backtracking, stack) does not match;
 * this is also what the user sees with other programs built on PCRE2.
 */
#include "weir/base/regex.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/base/encode.h"

#define JIT_STACK_MIN (32 * 1024)
#define JIT_STACK_MAX (512 * 1024)

struct regex {
    pcre2_code *code; /* owns */
    bool has_jit;
    struct str prefix; /* owns: what a subject must begin with; len 0: not known */
};

/* What one thread needs to match; NULL members: out of memory when made. */
struct workroom {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

static _Thread_local struct workroom *this_workroom;
static pthread_key_t workroom_key;
static pthread_once_t workroom_once = PTHREAD_ONCE_INIT;

static void
workroom_free(void *ptr)
{
    struct workroom *room = ptr;

    pcre2_match_data_free(room->data);
    pcre2_match_context_free(room->context);
    pcre2_jit_stack_free(room->stack);
    free(room);
    this_workroom = NULL;
}

static void
workroom_key_init(void)
{
    MUST(pthread_key_create(&workroom_key, workroom_free) == 0);
}

/* NULL when out of memory. */
static struct workroom *
workroom_new(void)
{
    struct workroom *room = calloc(1, sizeof(*room));

    if (room == NULL)
        return NULL;
    pthread_once(&workroom_once, workroom_key_init);
    room->data = pcre2_match_data_create(REGEX_GROUPS_MAX, NULL);
    room->context = pcre2_match_context_create(NULL);
    room->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    if (room->data == NULL || room->context == NULL) {
        workroom_free(room);
        return NULL;
    }
    /* Without a stack of its own, JIT code uses 32 kB of the machine stack. */
    if (room->stack != NULL)
        pcre2_jit_stack_assign(room->context, NULL, room->stack);
    pthread_setspecific(workroom_key, room);
    this_workroom = room;
    return room;
}

/* --- what it begins with ------------------------------------------------------------- */

/* The character at `at`, if it stands for itself; returns how many bytes of the pattern it takes, 0:
 * it does not. */
static size_t
read_literal(struct str pattern, size_t at, char *c)
{
    unsigned char here = (unsigned char)pattern.ptr[at];

    *c = (char)here;
    if (here == '\\' && at + 1 < pattern.len) {
        *c = pattern.ptr[at + 1];
        return ispunct((unsigned char)*c) ? 2 : 0;
    }
    return here < 0x80 && strchr("\\^$.[]|()?*+{}", here) == NULL ? 1 : 0;
}

/* Behind the "[" at `at`: where the class ends. */
static size_t
skip_class(struct str pattern, size_t at)
{
    at += at + 1 < pattern.len && pattern.ptr[at + 1] == '^' ? 2 : 1;
    for (at++; at < pattern.len && pattern.ptr[at] != ']'; at++)
        at += pattern.ptr[at] == '\\';
    return at;
}

/* Has it alternatives outside of parentheses, or anything that makes that hard to tell? */
static bool
is_branched(struct str pattern)
{
    int depth = 0;

    for (size_t at = 0; at < pattern.len; at++) {
        char here = pattern.ptr[at], next = at + 1 < pattern.len ? pattern.ptr[at + 1] : '\0';

        if (here == '\\' && (next == 'Q' || next == 'E'))
            return true;
        if (here == '(' && (next == '?' || next == '*') &&
            (at + 2 >= pattern.len || strchr(":=!<", pattern.ptr[at + 2]) == NULL))
            return true;
        if (here == '|' && depth == 0)
            return true;
        depth += here == '(' ? 1 : here == ')' ? -1 : 0;
        if (here == '\\')
            at++;
        else if (here == '[')
            at = skip_class(pattern, at);
    }
    return false;
}

/* "^/api/v[0-9]" begins with "/api/v": a comparison that is made before the machine starts. */
static void
find_prefix(struct regex *regex, struct str pattern, enum regex_case letters)
{
    char *prefix;
    size_t at = 1, len = 0, took;

    if (letters != REGEX_CASE || pattern.len < 2 || pattern.ptr[0] != '^' ||
        is_branched(pattern))
        return;
    prefix = alloc_zero(pattern.len);
    while (at < pattern.len && (took = read_literal(pattern, at, &prefix[len])) > 0) {
        at += took;
        len++;
    }
    /* The last one may be repeated no times. */
    if (len > 0 && at < pattern.len && strchr("?*{", pattern.ptr[at]) != NULL)
        len--;
    regex->prefix = str_of(prefix, len);
}

struct regex *
regex_compile(struct str pattern, enum regex_case letters, struct error *err)
{
    uint32_t options = letters == REGEX_NOCASE ? PCRE2_CASELESS : 0;
    struct regex *regex;
    pcre2_code *code;
    PCRE2_SIZE offset;
    int number;

    code = pcre2_compile((PCRE2_SPTR)(pattern.ptr == NULL ? "" : pattern.ptr), pattern.len, options,
                         &number, &offset, NULL);
    if (code == NULL) {
        char why[128] = "";

        pcre2_get_error_message(number, (PCRE2_UCHAR *)why, sizeof(why));
        error_set(err, "regex '%.*s' is invalid at offset %zu: %s", STR_ARG(pattern),
                  (size_t)offset, why);
        return NULL;
    }
    regex = alloc_zero(sizeof(*regex));
    regex->code = code;
    /* Not all machines have a JIT, nor all patterns; the interpreter does the same. */
    find_prefix(regex, pattern, letters);
    regex->has_jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
    return regex;
}

void
regex_free(struct regex *regex)
{
    if (regex == NULL)
        return;
    alloc_free((char *)regex->prefix.ptr);
    pcre2_code_free(regex->code);
    alloc_free(regex);
}

/* PCRE2's result: negative when there is no match, 0 when it has more groups than we. */
static int
run(const struct regex *regex, struct str subject, size_t from, struct workroom *room)
{
    PCRE2_SPTR ptr = (PCRE2_SPTR)(subject.ptr == NULL ? "" : subject.ptr);

    if (regex->has_jit)
        return pcre2_jit_match(regex->code, ptr, subject.len, from, 0, room->data, room->context);
    return pcre2_match(regex->code, ptr, subject.len, from, 0, room->data, room->context);
}

static struct workroom *
workroom(void)
{
    return this_workroom != NULL ? this_workroom : workroom_new();
}

bool
regex_match(const struct regex *regex, struct str subject)
{
    struct workroom *room;

    if (subject.len < regex->prefix.len)
        return false;
    if (regex->prefix.len > 0 &&
        memcmp(subject.ptr, regex->prefix.ptr, regex->prefix.len) != 0)
        return false;
    room = workroom();
    return room != NULL && run(regex, subject, 0, room) >= 0;
}

int
regex_capture(const struct regex *regex, struct str subject, size_t from, struct str *groups)
{
    struct workroom *room = workroom();
    const PCRE2_SIZE *ends;
    int count;

    if (room == NULL || from > subject.len)
        return 0;
    count = run(regex, subject, from, room);
    if (count < 0)
        return 0;
    if (count == 0)
        count = REGEX_GROUPS_MAX;
    ends = pcre2_get_ovector_pointer(room->data);
    for (int i = 0; i < count; i++) {
        size_t start = ends[2 * i], end = ends[2 * i + 1];

        /* \K can put the start behind the end. */
        groups[i] =
            start == PCRE2_UNSET || start > end ? STR_NONE : str_slice(subject, start, end - start);
    }
    return count;
}

/* Reads one escape (behind its backslash) at the front of `*format`. Returns what it stands
 * for; a byte is kept in `*byte`. */
static struct str
take_escape(struct str *format, const struct str *groups, int count, char *byte)
{
    size_t one, taken = 1;
    struct str result = str_of(byte, 1);

    *byte = format->ptr[0];
    if (*byte >= '0' && *byte <= '9') {
        int group = *byte - '0';

        result = group < count ? groups[group] : STR_NONE;
    } else if (*byte == 'x' && hex_decode(byte, &one, str_slice(*format, 1, 2)) && one == 1) {
        taken = 3;
    }
    *format = str_slice(*format, taken, format->len);
    return result;
}

long
regex_expand(char *to, size_t size, struct str format, const struct str *groups, int count)
{
    size_t len = 0;

    while (format.len > 0) {
        struct str part = str_of(format.ptr, 1);
        char byte;

        format = str_slice(format, 1, format.len);
        if (part.ptr[0] == '\\' && format.len > 0)
            part = take_escape(&format, groups, count, &byte);
        if (part.len > size - len)
            return -1;
        if (part.len > 0 && to != NULL)
            memcpy(to + len, part.ptr, part.len);
        len += part.len;
    }
    return (long)len;
}
