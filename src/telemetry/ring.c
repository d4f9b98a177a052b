/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live rings: the newest lines, in a fixed piece of memory.
 *
 * For:     log lines to "ring@name"; "show events"; room net, which sends them away.
 * Owns:    the lines; a ring, as long as a snapshot has it or somebody reads it.
 * Thread:  control.
 *
 * A line stands behind its length (4 bytes), both may go round the end. Places only grow: `head` is where the next line
 * goes, `tail` where the oldest begins. A reader that was overtaken goes on at the tail.
 */
#include "weir/telemetry/ring.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "private.h"

struct ring {
    struct list link; /* in the table */
    unsigned refs;
    char *name;       /* owns */
    uint8_t *bytes;   /* owns */
    uint64_t size, head, tail;
    uint64_t head_number, tail_number; /* lines since the beginning, in front of these */
    uint64_t dropped;
    struct list watchers;
};

static struct list rings = LIST_INIT(rings);

/* --- bytes ---------------------------------------------------------------------------- */

static void
copy_in(struct ring *ring, uint64_t at, const void *from, size_t len)
{
    uint64_t place = at % ring->size;
    size_t first = ring->size - place < len ? ring->size - place : len;

    memcpy(ring->bytes + place, from, first);
    memcpy(ring->bytes, (const char *)from + first, len - first);
}

static void
copy_out(const struct ring *ring, uint64_t at, void *to, size_t len)
{
    uint64_t place = at % ring->size;
    size_t first = ring->size - place < len ? ring->size - place : len;

    memcpy(to, ring->bytes + place, first);
    memcpy((char *)to + first, ring->bytes, len - first);
}

static uint32_t
len_at(const struct ring *ring, uint64_t at)
{
    uint32_t len;

    copy_out(ring, at, &len, sizeof(len));
    return len;
}

void
ring_write(struct ring *ring, struct str line)
{
    uint32_t len = (uint32_t)line.len;
    uint64_t need = sizeof(len) + line.len;

    if (need > ring->size) {
        ring->dropped++;
        return;
    }
    while (ring->head + need - ring->tail > ring->size) {
        ring->tail += sizeof(len) + len_at(ring, ring->tail);
        ring->tail_number++;
    }
    copy_in(ring, ring->head, &len, sizeof(len));
    copy_in(ring, ring->head + sizeof(len), line.ptr, line.len);
    ring->head += need;
    ring->head_number++;
    LIST_FOR_EACH (watcher, &ring->watchers, struct ring_watcher, link)
        watcher->on_line(watcher);
}

void
ring_seek_begin(const struct ring *ring, struct ring_cursor *cursor)
{
    *cursor = (struct ring_cursor){ .at = ring->tail, .number = ring->tail_number };
}

void
ring_seek_end(const struct ring *ring, struct ring_cursor *cursor)
{
    *cursor = (struct ring_cursor){ .at = ring->head, .number = ring->head_number };
}

bool
ring_read(const struct ring *ring, struct ring_cursor *cursor, struct text *out)
{
    uint32_t len;

    if (cursor->at < ring->tail) {
        cursor->lost += ring->tail_number - cursor->number;
        cursor->at = ring->tail;
        cursor->number = ring->tail_number;
    }
    if (cursor->at == ring->head)
        return false;
    len = len_at(ring, cursor->at);
    copy_out(ring, cursor->at + sizeof(len), text_reserve(out, len), len);
    text_keep(out, len);
    cursor->at += sizeof(len) + len;
    cursor->number++;
    return true;
}

void
ring_watch(struct ring *ring, struct ring_watcher *watcher)
{
    list_add_last(&ring->watchers, &watcher->link);
}

void
ring_unwatch(struct ring_watcher *watcher)
{
    list_remove(&watcher->link);
}

void
ring_count_dropped(struct ring *ring, uint64_t lines)
{
    ring->dropped += lines;
}

uint64_t
ring_dropped(const struct ring *ring)
{
    return ring->dropped;
}

/* --- life ------------------------------------------------------------------------------ */

void
ring_hold(struct ring *ring)
{
    ring->refs++;
}

void
ring_drop(struct ring *ring)
{
    if (ring == NULL || --ring->refs > 0)
        return;
    list_remove(&ring->link);
    alloc_free(ring->bytes);
    alloc_free(ring->name);
    alloc_free(ring);
}

static struct ring *
find(const char *name)
{
    LIST_FOR_EACH (ring, &rings, struct ring, link) {
        if (strcmp(ring->name, name) == 0)
            return ring;
    }
    return NULL;
}

static struct ring *
make(const char *name, uint64_t size)
{
    struct ring *ring = alloc_zero(sizeof(*ring));

    ring->name = alloc_copy(name);
    ring->size = size;
    ring->bytes = alloc_zero(size);
    list_init(&ring->link);
    list_init(&ring->watchers);
    return ring;
}

struct ring *
ring_new(uint64_t size_bytes)
{
    struct ring *ring = make("", size_bytes);

    ring->refs = 1;
    return ring;
}

struct ring *
ring_adopt(const struct ring_conf *conf)
{
    struct ring *ring = find(conf->name);

    if (ring == NULL) {
        ring = make(conf->name, conf->size_bytes);
        list_add_last(&rings, &ring->link);
    }
    ring->refs++;
    return ring;
}

/* Another size: as many of the newest lines as fit. */
void
ring_resize(struct ring *ring, uint64_t size)
{
    struct ring old = *ring;
    struct ring_cursor cursor;
    struct text line = TEXT_INIT;

    if (ring->size == size)
        return;
    ring->size = size;
    ring->bytes = alloc_zero(size);
    /* Places go on where they were, so that readers find what they have not read. */
    ring->head = ring->tail = old.tail;
    ring->head_number = old.tail_number;
    ring_seek_begin(&old, &cursor);
    list_init(&ring->watchers); /* nothing is new */
    while (ring_read(&old, &cursor, &line)) {
        ring_write(ring, text_str(&line));
        text_clear(&line);
    }
    ring->watchers = old.watchers;
    alloc_free(old.bytes);
    text_fini(&line);
}
