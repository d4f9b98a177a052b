/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that arrive on the runtime socket become lines and their payloads.
 *
 * For:     runtime_session.c.
 * Owns:    bytes that are not used yet, the line at hand and its payload.
 * Callers: runtime_session.c.
 * Thread:  control; nothing here knows a socket.
 *
 *     show info;show stat\r\n              one line, two commands
 *     add map m <<\nkey value\n\n          a payload, up to an empty line
 *     set ssl cert f <<END\n...\nEND\n     a payload, up to its mark
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "private.h"

void
runtime_input_init(struct runtime_input *input, size_t payload_max)
{
    *input = (struct runtime_input){ .payload_max = payload_max };
    text_init(&input->bytes);
    text_init(&input->payload);
}

void
runtime_input_fini(struct runtime_input *input)
{
    text_fini(&input->bytes);
    text_fini(&input->payload);
    alloc_free(input->line);
    input->line = NULL;
}

void
runtime_input_add(struct runtime_input *input, struct str bytes)
{
    text_add(&input->bytes, bytes);
}

static struct str
unused(const struct runtime_input *input)
{
    struct str all = text_str(&input->bytes);

    return str_slice(all, input->at, all.len);
}

bool
runtime_input_has_line(const struct runtime_input *input)
{
    return str_find_char(unused(input), '\n') >= 0;
}

struct str
runtime_input_payload(const struct runtime_input *input)
{
    return input->mark.is_there ? text_str(&input->payload) : STR_NONE;
}

/* Forgets what was used, so that a long session does not grow. */
static void
compact(struct runtime_input *input)
{
    struct str rest = unused(input);

    if (input->at == 0)
        return;
    if (rest.len > 0)
        memmove(input->bytes.ptr, rest.ptr, rest.len);
    input->bytes.len = rest.len;
    input->at = 0;
}

/* Without "\n" or "\r\n". False: the end of the line has not come. */
static bool
take_line(struct runtime_input *input, struct str *line)
{
    struct str rest = unused(input);
    long end = str_find_char(rest, '\n');

    if (end < 0)
        return false;
    *line = str_slice(rest, 0, (size_t)end);
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    input->at += (size_t)end + 1;
    return true;
}

static enum input_result
next_payload_line(struct runtime_input *input)
{
    struct str line;

    if (input->payload.len > input->payload_max)
        return INPUT_TOO_LONG;
    if (!take_line(input, &line))
        return unused(input).len > input->payload_max ? INPUT_TOO_LONG : INPUT_MORE;
    if (str_eq(line, str_from(input->mark.end))) {
        input->in_payload = false;
        return INPUT_LINE;
    }
    text_add(&input->payload, line);
    text_add_char(&input->payload, '\n');
    return INPUT_PAYLOAD;
}

enum input_result
runtime_input_next(struct runtime_input *input)
{
    struct str line;

    if (input->in_payload)
        return next_payload_line(input);
    compact(input);
    if (!take_line(input, &line))
        return unused(input).len > RUNTIME_LINE_MAX ? INPUT_TOO_LONG : INPUT_MORE;
    if (line.len > RUNTIME_LINE_MAX)
        return INPUT_TOO_LONG;
    alloc_free(input->line);
    input->line = alloc_copy_str(line);
    text_clear(&input->payload);
    command_line_take_mark(input->line, &input->mark);
    if (!input->mark.is_there)
        return INPUT_LINE;
    input->in_payload = true;
    return INPUT_PAYLOAD;
}
