/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of agents that speak SPOP 2.0: a hello with "healthcheck", and the agent's hello.
 *
 * For:     option spop-check. The judge runs on control; the rest is the builder's.
 *
 * A frame: length (4 bytes, big endian), type, flags (4), stream and frame (variable-length
 * integers), then names with typed values: a length and bytes; a byte whose low half is the type.
 */
#include <string.h>

#include "external.h"
#include "steps.h"

#define HELLO            1
#define AGENT_HELLO      101
#define AGENT_DISCONNECT 102
#define FLAG_FIN         1
#define FRAME_MAX        16380
#define FRAME_MIN        256

enum spop_type {
    TYPE_NULL,
    TYPE_BOOL,
    TYPE_INT32,
    TYPE_UINT32,
    TYPE_INT64,
    TYPE_UINT64,
    TYPE_IPV4,
    TYPE_IPV6,
    TYPE_STR,
    TYPE_BIN
};

/* --- reading ---------------------------------------------------------------------------------- */

/* Takes one off the front. False: it is cut off. */
static bool
read_varint(struct str *in, uint64_t *out)
{
    unsigned shift = 4;
    unsigned char c;

    if (in->len == 0)
        return false;
    c = (unsigned char)*in->ptr;
    *in = str_slice(*in, 1, SIZE_MAX);
    *out = c;
    if (c < 240)
        return true;
    do {
        if (in->len == 0 || shift > 60)
            return false;
        c = (unsigned char)*in->ptr;
        *in = str_slice(*in, 1, SIZE_MAX);
        *out += (uint64_t)c << shift;
        shift += 7;
    } while (c >= 128);
    return true;
}

static bool
read_text(struct str *in, struct str *out)
{
    uint64_t len;

    if (!read_varint(in, &len) || len > in->len)
        return false;
    *out = str_of(in->ptr, (size_t)len);
    *in = str_slice(*in, (size_t)len, SIZE_MAX);
    return true;
}

struct spop_value {
    struct str text;
    uint64_t number;
};

static bool
read_value(struct str *in, struct spop_value *out)
{
    unsigned char type;

    if (in->len == 0)
        return false;
    type = (unsigned char)*in->ptr & 0x0f;
    *in = str_slice(*in, 1, SIZE_MAX);
    *out = (struct spop_value){ STR(""), 0 };
    if (type >= TYPE_INT32 && type <= TYPE_UINT64)
        return read_varint(in, &out->number);
    if (type == TYPE_STR || type == TYPE_BIN)
        return read_text(in, &out->text);
    if (type == TYPE_IPV4 || type == TYPE_IPV6) {
        size_t len = type == TYPE_IPV4 ? 4 : 16;

        if (in->len < len)
            return false;
        *in = str_slice(*in, len, SIZE_MAX);
        return true;
    }
    return type <= TYPE_BOOL;
}

/* What matters of the items of a frame. */
struct spop_items {
    struct str version, message;
    uint64_t max_frame_size;
    bool has_version, has_size;
};

static bool
read_items(struct str in, struct spop_items *items)
{
    struct spop_value value;
    struct str name;

    while (in.len > 0) {
        if (!read_text(&in, &name) || !read_value(&in, &value))
            return false;
        if (str_eq(name, STR("version"))) {
            items->version = str_trim(value.text);
            items->has_version = true;
        } else if (str_eq(name, STR("max-frame-size"))) {
            items->max_frame_size = value.number;
            items->has_size = true;
        } else if (str_eq(name, STR("message")))
            items->message = value.text;
    }
    return true;
}

/* --- judging ------------------------------------------------------------------------------------ */

static const char *
fault_of(const struct spop_items *items)
{
    if (!items->has_version)
        return "version value not found";
    if (!items->has_size)
        return "max-frame-size value not found";
    if (!str_starts(items->version, STR("2.")) && !str_starts(items->version, STR("1.")))
        return "unsupported version";
    if (items->max_frame_size < FRAME_MIN || items->max_frame_size > FRAME_MAX)
        return "max-frame-size too big or too small";
    return NULL;
}

static enum judged
judge_frame(struct str frame, struct text *info, int *status)
{
    unsigned char type = (unsigned char)frame.ptr[0];
    struct str rest = str_slice(frame, 5, SIZE_MAX);
    struct spop_items items = { .version = STR("") };
    uint64_t stream, id;
    const char *fault;

    if ((type != AGENT_HELLO && type != AGENT_DISCONNECT) || !read_varint(&rest, &stream) ||
        !read_varint(&rest, &id) || stream != 0 || id != 0 || !read_items(rest, &items)) {
        text_puts(info, "invalid frame received");
        return JUDGED_BAD;
    }
    if (type == AGENT_DISCONNECT) {
        text_printf(info, "%.*s", STR_ARG(str_slice(items.message, 0, 100)));
        return JUDGED_BAD;
    }
    fault = fault_of(&items);
    if (fault != NULL) {
        text_puts(info, fault);
        return JUDGED_BAD;
    }
    *status = CHECK_L7OK;
    return JUDGED_GOOD;
}

static enum judged
judge_spop(struct check *check, bool at_end, struct text *info, int *status)
{
    struct str got = text_str(&check->received);
    const unsigned char *b = (const unsigned char *)got.ptr;
    uint32_t len;

    if (got.len >= 4) {
        len = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        if (len < 7 || len > FRAME_MAX) {
            text_puts(info, "invalid frame received");
            return JUDGED_BAD;
        }
        if (got.len >= len + 4)
            return judge_frame(str_of(got.ptr + 4, len), info, status);
    }
    if (!at_end)
        return JUDGED_LATER;
    text_puts(info, "invalid frame received");
    return JUDGED_BAD;
}

/* --- asking --------------------------------------------------------------------------------------- */

static void
add_text(struct text *out, const char *text)
{
    text_add_char(out, (char)strlen(text)); /* below 240 */
    text_puts(out, text);
}

static void
add_string(struct text *out, const char *name, const char *value)
{
    add_text(out, name);
    text_add_char(out, TYPE_STR);
    add_text(out, value);
}

static void
add_size(struct text *out)
{
    uint64_t rest = (FRAME_MAX - 240) >> 4;

    add_text(out, "max-frame-size");
    text_add_char(out, TYPE_UINT32);
    text_add_char(out, (char)(FRAME_MAX | 240));
    for (; rest >= 128; rest = (rest - 128) >> 7)
        text_add_char(out, (char)(rest | 128));
    text_add_char(out, (char)rest);
}

static bool
parse_spop(struct parse *parse)
{
    struct check_method *method = method_begin(parse);
    struct text frame = TEXT_INIT;

    if (parse->negated)
        return parse_end(parse);
    text_add(&frame, str_of((char[]){ 0, 0, 0, 0, HELLO, 0, 0, 0, FLAG_FIN, 0, 0 }, 11));
    add_string(&frame, "supported-versions", "2.0");
    add_size(&frame);
    add_string(&frame, "capabilities", "");
    add_text(&frame, "healthcheck");
    text_add_char(&frame, TYPE_BOOL | 0x10); /* true */
    frame.ptr[2] = (char)((frame.len - 4) >> 8);
    frame.ptr[3] = (char)(frame.len - 4);
    method_add_send(parse, method, text_str(&frame));
    text_fini(&frame);
    method_add_judge(parse, method, judge_spop, 2);
    return parse_end(parse);
}

static const struct keyword keywords[] = {
    { "option spop-check", IN_BACK, .flags = KEYWORD_NO, .parse = parse_spop,
      .help = "Check agents by the hello of SPOP." },
};
REGISTER(keyword, keywords);
