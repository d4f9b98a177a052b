/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter trace: tells on standard error what passes through a stream.
 *
 * For:     whoever writes a filter, or wants to see one work.
 * Thread:  owner of the stream; the parser on the builder.
 *
 * random-forwarding and max-fwd cut what comes into small pieces, so that other filters meet
 * boundaries everywhere.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/entropy.h"
#include "weir/http/message.h"
#include "weir/stream/filter.h"
#include "weir/stream/stream.h"

struct trace {
    const char *name;
    uint64_t max; /* bytes at a time; 0: no limit */
    bool is_random, has_dump, is_quiet;
};

static const char *
way(enum direction dir)
{
    return dir == TO_SERVER ? "request" : "response";
}

static void
say(const struct filter *f, const char *what, enum direction dir, const char *more)
{
    const struct trace *conf = f->conf->data;

    if (!conf->is_quiet)
        fprintf(stderr, "[%s] %s stream=%" PRIx32 " %s%s%s\n", conf->name, f->conf->proxy->name,
                f->stream->id, what, dir < DIRECTIONS ? way(dir) : "", more);
}

static bool
attach(struct filter *f)
{
    say(f, "attach", DIRECTIONS, "");
    filter_want_data(f, TO_SERVER);
    filter_want_data(f, TO_CLIENT);
    return true;
}

static void
detach(struct filter *f)
{
    say(f, "detach", DIRECTIONS, "");
}

static enum filter_result
on_head(struct filter *f, enum direction dir, struct message *msg)
{
    char text[600];

    if (dir == TO_SERVER)
        snprintf(text, sizeof(text), ": %.*s %.*s", (int)msg->method_text.len,
                 msg->method_text.ptr, msg->target.len > 500 ? 500 : (int)msg->target.len,
                 msg->target.ptr);
    else
        snprintf(text, sizeof(text), ": %u", msg->status);
    say(f, "head of ", dir, text);
    return FILTER_GO;
}

static void
dump(const struct chain *bytes)
{
    unsigned char line[16];
    size_t len;

    for (size_t at = 0; (len = chain_peek(bytes, at, (char *)line, sizeof(line))) > 0; at += len) {
        fprintf(stderr, "  %06zx ", at);
        for (size_t i = 0; i < sizeof(line); i++)
            fprintf(stderr, i < len ? " %02x" : "   ", i < len ? line[i] : 0);
        fputs("  ", stderr);
        for (size_t i = 0; i < len; i++)
            fputc(isprint(line[i]) ? line[i] : '.', stderr);
        fputc('\n', stderr);
    }
}

static size_t
piece(const struct trace *conf, size_t bytes)
{
    if (conf->max != 0 && bytes > conf->max)
        bytes = conf->max;
    return conf->is_random && bytes > 1 ? 1 + (size_t)(entropy_next() % bytes) : bytes;
}

static enum filter_result
on_data(struct filter *f, enum direction dir, struct chain *in, struct chain *out, bool is_last)
{
    const struct trace *conf = f->conf->data;
    struct chain some = { NULL, NULL, 0 };
    char text[64];
    bool fine = chain_move_some(&some, in, piece(conf, in->bytes));

    snprintf(text, sizeof(text), ": %zu bytes%s", some.bytes,
             is_last && chain_is_empty(in) ? ", end" : "");
    say(f, "data of ", dir, text);
    if (conf->has_dump && !conf->is_quiet)
        dump(&some);
    chain_move(out, &some);
    if (!fine)
        return FILTER_FAILED;
    return chain_is_empty(in) ? FILTER_GO : FILTER_MORE;
}

static const struct filter_ops ops = {
    .attach = attach, .detach = detach, .head = on_head, .data = on_data
};

static bool
parse_trace(struct parse *parse, struct filter_conf *conf)
{
    struct trace *trace = ARENA_NEW(parse->arena, struct trace);
    const char *word;

    trace->name = "TRACE";
    conf->ops = &ops;
    conf->data = trace;
    while (words_peek(parse->words) != NULL) {
        word = words_next(parse->words);
        if (strcmp(word, "name") == 0) {
            if ((word = parse_word(parse, "a name")) == NULL)
                return false;
            trace->name = arena_copy(parse->arena, word);
        } else if (strcmp(word, "random-forwarding") == 0) {
            trace->is_random = true;
        } else if (strcmp(word, "max-fwd") == 0) {
            if (!parse_size(parse, "a number of bytes", &trace->max))
                return false;
        } else if (strcmp(word, "hexdump") == 0) {
            trace->has_dump = true;
        } else if (strcmp(word, "quiet") == 0) {
            trace->is_quiet = true;
        } else {
            return parse_alert(parse,
                               "unknown word '%s'; known are name, random-forwarding, max-fwd, "
                               "hexdump, quiet",
                               word);
        }
    }
    return true;
}

static const struct filter_kind kinds[] = {
    { "trace", .args = "[name <name>] [random-forwarding] [max-fwd <bytes>] [hexdump] [quiet]",
      .parse = parse_trace, .help = "Tell on standard error what passes." },
};
REGISTER(filter_kind, kinds);
