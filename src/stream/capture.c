/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of messages for logs: taken from them when they come.
 *
 * For:     capture_conf.c (keywords), capture_rule.c (action, fetches, converters), the steps.
 * Owns:    a slot of the proxy; in streams: memory of their arena.
 * Thread:  builder adds; the stream's owner keeps and finds.
 */
#include "capture.h"

#include <string.h>

#include "weir/http/message.h"

static struct slot capture_slot = SLOT("capture", SLOT_PROXY, struct capture_conf);
REGISTER_SLOT(capture_slot);

struct capture_conf *
capture_conf_of(const struct proxy_conf *conf)
{
    return slot_of(conf->slots, &capture_slot);
}

unsigned
capture_list_add(struct parse *parse, struct capture_list *list, struct capture capture)
{
    if (list->count == list->cap) {
        unsigned cap = list->cap == 0 ? 4 : list->cap * 2;
        struct capture *items = ARENA_ARRAY(parse->arena, struct capture, cap);

        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        list->cap = cap;
    }
    list->items[list->count] = capture;
    return list->count++;
}

/* --- in a stream ----------------------------------------------------------- */

static struct captures *
make_captures(struct stream *s, const struct capture_conf *conf)
{
    unsigned count = conf->lists[CAPTURE_REQUEST].count + conf->lists[CAPTURE_RESPONSE].count;
    struct captures *own;

    if (s->captures != NULL)
        return s->captures;
    own = arena_take(&s->arena, sizeof(*own) + count * sizeof(struct str));
    if (own == NULL)
        return NULL;
    memset(own, 0, sizeof(*own) + count * sizeof(struct str));
    own->values[CAPTURE_REQUEST] = (struct str *)(own + 1);
    own->values[CAPTURE_RESPONSE] =
        own->values[CAPTURE_REQUEST] + conf->lists[CAPTURE_REQUEST].count;
    s->captures = own;
    return own;
}

/* Never ptr NULL, unless memory is out. */
static struct str
keep(struct stream *s, struct str value, unsigned max)
{
    size_t len = value.len < max ? value.len : max;
    char *copy = arena_take(&s->arena, len + 1);

    if (copy == NULL)
        return STR_NONE;
    if (len > 0)
        memcpy(copy, value.ptr, len);
    return str_of(copy, len);
}

void
capture_put(struct stream *s, enum capture_side side, int64_t id, struct str value)
{
    const struct capture_conf *conf = capture_conf_of(s->eval.frontend);
    struct captures *own;

    if (id < 0 || id >= conf->lists[side].count)
        return;
    own = make_captures(s, conf);
    if (own != NULL)
        own->values[side][id] = keep(s, value, conf->lists[side].items[id].len);
}

struct str
capture_find(const struct stream *s, enum capture_side side, int64_t id)
{
    const struct capture_conf *conf = capture_conf_of(s->eval.frontend);

    if (s->captures == NULL || id < 0 || id >= conf->lists[side].count)
        return STR_NONE;
    return s->captures->values[side][id];
}

/* --- from messages ---------------------------------------------------------- */

/* The whole value of the last field of that name. */
static void
take_field(struct stream *s, enum capture_side side, unsigned id, const struct message *msg)
{
    struct str name = capture_conf_of(s->eval.frontend)->lists[side].items[id].name;
    int last = -1;

    if (name.len == 0)
        return;
    for (int at = message_find_field_name(msg, name, 0); at >= 0;
         at = message_find_field_name(msg, name, (uint32_t)at + 1))
        last = at;
    if (last >= 0)
        capture_put(s, side, id, field_value(&msg->fields[last]));
}

void
capture_fields(struct stream *s, const struct message *msg)
{
    enum capture_side side =
        (msg->flags & MESSAGE_IS_RESPONSE) != 0 ? CAPTURE_RESPONSE : CAPTURE_REQUEST;
    const struct capture_list *list = &capture_conf_of(s->eval.frontend)->lists[side];

    for (unsigned i = 0; i < list->count; i++)
        take_field(s, side, i, msg);
}

/* The first "name=value" of a field that begins as wanted; ptr NULL: none. */
static struct str
find_pair(struct str rest, struct str wanted)
{
    while (rest.ptr != NULL) {
        struct str pair = str_trim(str_split(&rest, ';'));

        if (str_starts(pair, wanted))
            return pair;
    }
    return STR_NONE;
}

void
capture_cookie(struct stream *s, const struct message *msg)
{
    const struct capture_conf *conf = capture_conf_of(s->eval.frontend);
    bool is_response = (msg->flags & MESSAGE_IS_RESPONSE) != 0;
    enum field_name id = is_response ? FIELD_SET_COOKIE : FIELD_COOKIE;
    struct captures *own;

    if (conf->cookie.len == 0)
        return;
    for (int at = message_find_field(msg, id, 0); at >= 0;
         at = message_find_field(msg, id, (uint32_t)at + 1)) {
        struct str rest = field_value(&msg->fields[at]), pair;

        pair = find_pair(is_response ? str_split(&rest, ';') : rest, conf->cookie);
        own = pair.ptr == NULL ? NULL : make_captures(s, conf);
        if (own == NULL)
            continue;
        own->cookies[is_response ? CAPTURE_RESPONSE : CAPTURE_REQUEST] =
            keep(s, pair, conf->cookie_len);
        return;
    }
}
