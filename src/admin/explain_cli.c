/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "explain live": what became of the next requests that meet a condition, rule by rule, while
 * traffic goes on.
 *
 * For:     a person who asks why this client sees a 403.
 * Owns:    the watch, until its command has ended and no stream refers to it.
 * Callers: the runtime socket; streams tell their traces.
 * Thread:  control; on_trace() on the thread of each stream.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "weir/admin/explain_print.h"
#include "weir/base/alloc.h"
#include "weir/config/snapshot.h"
#include "weir/http/message.h"
#include "weir/loop/grace.h"
#include "weir/net/connection.h"
#include "weir/stream/explaining.h"
#include "weir/stream/stream.h"
#include "private.h"

#define COUNT_DEFAULT 10
#define COUNT_MAX     10000

struct live {
    struct explain_watch watch;
    struct live_condition *condition;
    bool is_json;
    pthread_mutex_t lock; /* of what follows */
    struct text pending;  /* traces that have not been sent */
    uint32_t seen;
    uint32_t wanted;
};

static struct live *current; /* control: one at a time */

/* --- a stream has ended --------------------------------------------------------------------- */

static void
print_head(struct text *to, const struct eval *eval)
{
    char src[ADDR_TEXT_MAX];

    addr_format(connection_src(eval->client), src, sizeof(src));
    text_printf(to, "%.*s %.*s\n  from %s\n", STR_ARG(eval->request->method_text),
                STR_ARG(eval->stream->asked_target), src);
}

static void
print_json(struct text *to, const struct explain *explain, const struct eval *eval)
{
    char src[ADDR_TEXT_MAX];
    struct json json;

    addr_format(connection_src(eval->client), src, sizeof(src));
    json_init(&json, to);
    json_open_object(&json);
    json_add_key(&json, "method");
    json_add_str(&json, eval->request->method_text);
    json_add_key(&json, "target");
    json_add_str(&json, eval->stream->asked_target);
    json_add_key(&json, "src");
    json_add_text(&json, src);
    explain_print_json(&json, explain, STR_NONE);
    json_close_object(&json);
    text_add_char(to, '\n');
}

static void
on_trace(struct explain_watch *watch, const struct explain *explain, const struct eval *eval)
{
    struct live *live = (struct live *)watch;
    struct text page = TEXT_INIT;

    if (live->is_json) {
        print_json(&page, explain, eval);
    } else {
        print_head(&page, eval);
        explain_print_text(&page, explain, LOOK_PLAIN);
        explain_print_result(&page, explain, STR_NONE, LOOK_PLAIN);
        text_puts(&page, "----\n");
    }
    pthread_mutex_lock(&live->lock);
    text_add(&live->pending, text_str(&page));
    live->seen++;
    pthread_mutex_unlock(&live->lock);
    text_fini(&page);
}

/* --- the watch ------------------------------------------------------------------------------ */

/* Streams that began while it was there may still refer to it: then it waits once more. */
static void
free_when_quiet(void *object)
{
    struct live *live = object;

    if (__atomic_load_n(&live->watch.traced, __ATOMIC_ACQUIRE) > 0) {
        grace_free_later(live, free_when_quiet);
        return;
    }
    live_condition_free(live->condition);
    pthread_mutex_destroy(&live->lock);
    text_fini(&live->pending);
    alloc_free(live);
}

static void
end(struct command_call *call)
{
    struct live *live = call->state;

    if (live == NULL)
        return;
    explaining_watch(NULL);
    current = NULL;
    call->state = NULL;
    grace_free_later(live, free_when_quiet);
}

/* The words after the condition's end: a number. */
static uint32_t
take_count(struct command_call *call, unsigned *count)
{
    char *end_of_number;
    unsigned long n;

    if (*count < 2)
        return COUNT_DEFAULT;
    n = strtoul(call->words[call->at + *count - 1], &end_of_number, 10);
    if (*end_of_number != '\0' || n == 0)
        return COUNT_DEFAULT;
    --*count;
    return n > COUNT_MAX ? COUNT_MAX : (uint32_t)n;
}

static enum command_result
begin(struct command_call *call)
{
    bool is_json = command_accept(call, "json");
    unsigned count = call->count - call->at;
    uint32_t wanted = take_count(call, &count);
    struct live_condition *condition;
    struct list *proxies;
    struct live *live;

    if (count == 0)
        return command_say(call, 3, "A condition is expected, such as { path_beg /api }.");
    if (current != NULL)
        return command_say(call, 3, "Somebody watches already.");
    proxies = proxy_list(snapshot_current());
    condition = live_condition_new(call->words + call->at, count, PLACE_FE_REQUEST,
                                   LIST_FIRST(proxies, struct proxy_conf, link), call->out);
    if (condition == NULL)
        return COMMAND_DONE;
    live = alloc_zero(sizeof(*live));
    live->watch.condition = live_condition_get(condition);
    live->watch.left = live->wanted = wanted;
    live->watch.on_trace = on_trace;
    live->condition = condition;
    live->is_json = is_json;
    pthread_mutex_init(&live->lock, NULL);
    call->state = current = live;
    call->end = end;
    explaining_watch(&live->watch);
    return COMMAND_WAIT;
}

static enum command_result
run(struct command_call *call)
{
    struct live *live = call->state;
    bool is_done, has_text;

    if (live == NULL)
        return begin(call);
    pthread_mutex_lock(&live->lock);
    has_text = live->pending.len > 0;
    text_add(call->out, text_str(&live->pending));
    text_clear(&live->pending);
    is_done = live->seen >= live->wanted;
    pthread_mutex_unlock(&live->lock);
    if (is_done)
        return COMMAND_DONE;
    return has_text ? COMMAND_MORE : COMMAND_WAIT;
}

static const struct command commands[] = {
    { "explain live", "[json] <condition> [<count>]", LEVEL_OPERATOR, run,
      "show, rule by rule, what becomes of the next requests that meet a condition" },
};
REGISTER(command, commands);
