/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An example of a filter: "filter replace <word> <other>" replaces a word in the bodies of requests
 * and responses. To build it in:
 *
 *     make EXTRA=examples/replace_filter.c
 *
 * The contract is in include/weir/stream/filter.h. What to see here: a word may be cut anywhere by
 * the network, so bytes that may begin one stay in `in` until more has come; the length changes, so
 * the head says that it is not known; and one call gives out a buffer at most, then says FILTER_MORE.
 */
#include <string.h>

#include "weir/http/message.h"
#include "weir/stream/filter.h"

#define WORD_MAX 256

struct replacement {
    struct str word, other;
};

static enum filter_result
on_head(struct filter *f, enum direction dir, struct message *msg)
{
    bool has_body = msg->body != BODY_NONE && (msg->flags & MESSAGE_NO_BODY_EXPECTED) == 0;

    if (!has_body || message_find_field(msg, FIELD_CONTENT_ENCODING, 0) >= 0)
        return FILTER_GO;
    message_remove_fields_id(msg, FIELD_CONTENT_LENGTH);
    msg->body = BODY_CHUNKED;
    filter_want_data(f, dir);
    return FILTER_GO;
}

/* How many bytes in front of the first place where the word begins, or may begin. */
static size_t
plain_bytes(const struct chain *in, struct str word)
{
    const struct slice *slice = in->first;
    const char *at = memchr(slice->ptr, word.ptr[0], slice->len);

    return at == NULL ? slice->len : (size_t)(at - slice->ptr);
}

/* FILTER_GO: one step is done. FILTER_WAIT: more bytes are needed. */
static enum filter_result
step(const struct replacement *conf, struct chain *in, struct chain *out, bool is_last)
{
    size_t plain = plain_bytes(in, conf->word), len;
    char bytes[WORD_MAX];

    if (plain > 0)
        return chain_move_some(out, in, plain) ? FILTER_GO : FILTER_FAILED;
    len = chain_peek(in, 0, bytes, conf->word.len);
    if (memcmp(bytes, conf->word.ptr, len) != 0 || (len < conf->word.len && is_last))
        return chain_move_some(out, in, 1) ? FILTER_GO : FILTER_FAILED;
    if (len < conf->word.len)
        return FILTER_WAIT;
    chain_consume(in, len);
    return chain_add_copy(out, conf->other.ptr, conf->other.len) ? FILTER_GO : FILTER_FAILED;
}

static enum filter_result
on_data(struct filter *f, enum direction dir, struct chain *in, struct chain *out, bool is_last)
{
    const struct replacement *conf = f->conf->data;
    enum filter_result result = FILTER_GO;

    (void)dir;
    while (result == FILTER_GO && !chain_is_empty(in)) {
        if (out->bytes >= buffer_default_size())
            return FILTER_MORE;
        result = step(conf, in, out, is_last);
    }
    return result;
}

static const struct filter_ops ops = { .head = on_head, .data = on_data };

static bool
parse_replace(struct parse *parse, struct filter_conf *conf)
{
    struct replacement *replacement = ARENA_NEW(parse->arena, struct replacement);
    const char *word = parse_word(parse, "a word"), *other;

    if (word == NULL)
        return false;
    if (strlen(word) == 0 || strlen(word) > WORD_MAX)
        return parse_alert(parse, "a word of 1 to %d bytes is expected", WORD_MAX);
    other = parse_word(parse, "what stands in its place");
    if (other == NULL)
        return false;
    replacement->word = str_from(arena_copy(parse->arena, word));
    replacement->other = str_from(arena_copy(parse->arena, other));
    conf->ops = &ops;
    conf->data = replacement;
    return true;
}

static const struct filter_kind kinds[] = {
    { "replace", .is_http_only = true, .args = "<word> <other>", .parse = parse_replace,
      .help = "Replace a word in bodies (an example)." },
};
REGISTER(filter_kind, kinds);
