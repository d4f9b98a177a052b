/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a check has received, as expressions and judges want it: head, body, bytes.
 *
 * Owns:    the parsed head of the response, until the next request or the end of the check.
 * Callers: check_steps.c, http_check.c. Thread: control.
 */
#include <string.h>

#include "weir/expr/eval.h"
#include "weir/http/message.h"
#include "weir/mux/endpoint.h"
#include "weir/mux/h1_parser.h"
#include "steps.h"

#define FIELDS_MAX 101

/* --- head ------------------------------------------------------------------------------------- */

void
check_response_forget(struct check *check)
{
    message_give(check->response);
    check->response = NULL;
    check->head_len = 0;
    check->is_junk = false;
}

/* Interim responses are passed over. */
static bool
parse_head(struct check *check, char *bytes, size_t len, size_t *head_len)
{
    struct h1_limits limits = { .max_fields = FIELDS_MAX, .accept_unsafe = true };
    struct h1_asked asked = { .method = check->asked_method };
    struct h1_error err;
    enum parse_result result;

    check->response = message_take();
    if (check->response == NULL)
        return false;
    result = h1_parse_answer(bytes, len, &limits, asked, check->response, head_len, &err);
    if (result == PARSE_DONE)
        return true;
    check->is_junk = result == PARSE_BAD;
    message_give(check->response);
    check->response = NULL;
    return false;
}

struct message *
check_response(struct check *check)
{
    struct str received = text_str(&check->received);
    size_t from = 0, head_len = 0;
    char *copy;

    if (check->response != NULL || check->is_junk ||
        str_find(received, STR("\r\n\r\n"), 0) < 0)
        return check->response;
    copy = arena_copy_str(&check->arena, received); /* the parser changes letters */
    while (parse_head(check, copy + from, received.len - from, &head_len)) {
        from += head_len;
        if (check->response->status >= 200 || check->response->status == 101) {
            check->head_len = from;
            if (check->mux != NULL && check->mux->mux == &h2_mux)
                check->response->version_major = 2, check->response->version_minor = 0;
            return check->response;
        }
        message_give(check->response);
        check->response = NULL;
    }
    return NULL;
}

/* --- body ------------------------------------------------------------------------------------- */

/* Decodes chunks as far as they are here. True: the last one is. */
static bool
join_chunks(struct arena *arena, struct str in, struct str *out)
{
    char *to = arena_take(arena, in.len + 1);
    size_t len = 0;
    bool is_whole = false;

    while (to != NULL && in.len > 0) {
        struct str line = str_split(&in, '\n');
        unsigned long size = 0;

        if (in.ptr == NULL)
            break; /* half a line */
        for (size_t i = 0; i < line.len && i < 8; i++) {
            char c = line.ptr[i], low = (char)(c | 0x20);

            if (c >= '0' && c <= '9')
                size = size * 16 + (unsigned)(c - '0');
            else if (low >= 'a' && low <= 'f')
                size = size * 16 + (unsigned)(low - 'a') + 10;
            else
                break;
        }
        is_whole = size == 0;
        if (is_whole)
            break;
        if (size > in.len)
            size = in.len;
        memcpy(to + len, in.ptr, size);
        len += size;
        in = str_slice(in, size, SIZE_MAX);
        str_split(&in, '\n');
        if (in.ptr == NULL)
            break;
    }
    *out = str_of(to, to == NULL ? 0 : len);
    return is_whole;
}

bool
check_body(struct check *check, struct str *body)
{
    const struct message *msg = check_response(check);
    struct str rest = text_str(&check->received);

    *body = STR("");
    if (msg == NULL)
        return false;
    rest = str_slice(rest, check->head_len, SIZE_MAX);
    *body = rest;
    if ((msg->flags & MESSAGE_NO_BODY_EXPECTED) != 0 || msg->body == BODY_NONE)
        return true;
    if (check->mux != NULL)
        return check->has_all; /* without framing */
    if (msg->body == BODY_LENGTH)
        return rest.len >= msg->body_length;
    if (msg->body == BODY_CHUNKED)
        return join_chunks(&check->arena, rest, body);
    return false;
}

/* --- expressions --------------------------------------------------------------------------------- */

void
check_show_received(struct check *check, bool is_http, struct eval *eval)
{
    static struct endpoint view;
    struct str bytes = text_str(&check->received);

    chain_clear(&view.in);
    view.flags = EP_IN_ENDED;
    if (is_http) {
        eval->response = check_response(check);
        (void)check_body(check, &bytes);
    }
    if (bytes.len > 0 && !chain_add_static(&view.in, bytes.ptr, bytes.len))
        return;
    eval->back = &view;
}
