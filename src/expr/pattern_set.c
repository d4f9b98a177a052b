/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many patterns of one method, compiled so that a look-up does not walk over all of them.
 *
 * For:     conditions and maps.
 * Owns:    its regexes; everything else lies in the arena.
 * Thread:  builder adds and compiles; then it never changes, and any thread looks up.
 *
 * How a set is compiled:
 *     few patterns      walked, longest first where the longest counts
 *     exact bytes       a hash table
 *     prefixes          the same table: a look-up for each length that occurs, longest first
 *     suffixes          the same, all lengths; the first added counts
 *     networks          the same, for each number of bits that occurs
 *     dir, dom          the same, for each part of the text, if no pattern has several parts
 *     numbers, ranges   a binary search, if they do not overlap
 *     all others        walked
 *
 * A new kind of table needs a find function and a line in pattern_set_compile(). What changes at
 * run time gets a new set, which takes the place of the old one (pattern_file.c).
 */
#include <stdlib.h>
#include <string.h>

#include "weir/base/hash.h"
#include "pattern.h"

#define HASH_FROM 8   /* patterns from which a table pays */
#define LOWER_MAX 256 /* longest pattern that a table without case takes */

typedef const struct pattern *find_fn(const struct pattern_set *set, const struct value *value);

/* All patterns of one length (texts) or number of bits (networks). */
struct group {
    uint32_t len;
    bool is_4;
};

struct pattern_set {
    enum match_method method;
    bool no_case;
    find_fn *find;
    struct pattern **items; /* grows by doubling */
    unsigned count, cap;
    uint64_t *slots; /* open addressing: a pattern and, in the upper bits, a tag; NULL: no table */
    uint32_t mask;
    const unsigned *removals; /* how many there have been in the list; NULL: not known */
    unsigned removals_before; /* when the set was made */
    struct group *groups; /* longest first */
    unsigned group_count;
    size_t longest; /* text */
    struct arena *arena;
    struct arena own; /* of pattern_set_make() */
    struct pattern_set *older; /* is looked up too; NULL: none */
};

/* Entries that were removed stay in the set until it is made anew. */
static inline bool
is_living(const struct pattern_set *set, const struct pattern *pattern)
{
    if (set->removals != NULL &&
        __atomic_load_n(set->removals, __ATOMIC_RELAXED) == set->removals_before)
        return true;
    return pattern->entry == NULL || !__atomic_load_n(&pattern->entry->is_dead, __ATOMIC_RELAXED);
}

/* --- looking up ---------------------------------------------------------------------------- */

static const struct pattern *
find_always(const struct pattern_set *set, const struct value *value)
{
    static const struct pattern found;

    return pattern_match(&found, set->method, false, value) ? &found : NULL;
}

static const struct pattern *
find_walking(const struct pattern_set *set, const struct value *value)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (pattern_match(set->items[i], set->method, set->no_case, value) &&
            is_living(set, set->items[i]))
            return set->items[i];
    }
    return NULL;
}

/* One text, the usual case of a condition. */
static const struct pattern *
find_one_text(const struct pattern_set *set, const struct value *value)
{
    const struct pattern *pattern = set->items[0];
    size_t len = pattern->str.len;

    if (!is_living(set, pattern) || value->str.len < len || (set->method != MATCH_BEG && value->str.len != len))
        return NULL;
    return len == 0 || memcmp(value->str.ptr, pattern->str.ptr, len) == 0 ? pattern : NULL;
}

/* The texts of a table without case are in lower case: so must be what is looked up. */
static struct str
lowered(const struct pattern_set *set, struct str s, char *room)
{
    if (!set->no_case)
        return s;
    for (size_t i = 0; i < s.len; i++)
        room[i] = (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] + 32 : s.ptr[i]);
    return str_of(room, s.len);
}

static uint64_t
hash_of(struct str s)
{
    return hash_xxh3(s, 0);
}

/* A slot has the pattern's address and 16 bits of the hash, so that others are seldom looked at. */
#define ADDRESS_BITS 48
#define ADDRESS_MASK ((1ull << ADDRESS_BITS) - 1)

static inline uint64_t
slot_make(const struct pattern *pattern, uint64_t hash)
{
    return (uint64_t)(uintptr_t)pattern | (hash & ~ADDRESS_MASK);
}

static inline const struct pattern *
slot_pattern(uint64_t slot)
{
    return (const struct pattern *)(uintptr_t)(slot & ADDRESS_MASK);
}

static inline bool
slot_fits(uint64_t slot, uint64_t hash)
{
    return (slot ^ hash) >> ADDRESS_BITS == 0;
}

static const struct pattern *
find_in_table(const struct pattern_set *set, struct str s)
{
    uint64_t hash = hash_of(s), slot;

    for (uint32_t at = (uint32_t)hash; (slot = set->slots[at & set->mask]) != 0; at++) {
        const struct pattern *pattern = slot_pattern(slot);

        if (!slot_fits(slot, hash))
            continue;
        __builtin_prefetch((const char *)pattern + 64); /* its bytes stand behind it */
        if (str_eq(pattern->str, s) && is_living(set, pattern))
            return pattern;
    }
    return NULL;
}

static const struct pattern *
find_exact(const struct pattern_set *set, const struct value *value)
{
    char room[LOWER_MAX];

    if (value->str.len > set->longest)
        return NULL;
    return find_in_table(set, lowered(set, value->str, room));
}

static const struct pattern *
find_prefix(const struct pattern_set *set, const struct value *value)
{
    size_t len = value->str.len < set->longest ? value->str.len : set->longest;
    char room[LOWER_MAX];
    struct str s = lowered(set, str_of(value->str.ptr, len), room);

    for (unsigned i = 0; i < set->group_count; i++) {
        const struct pattern *pattern;

        if (set->groups[i].len > len)
            continue;
        pattern = find_in_table(set, str_of(s.ptr, set->groups[i].len));
        if (pattern != NULL)
            return pattern;
    }
    return NULL;
}

static const struct pattern *
find_suffix(const struct pattern_set *set, const struct value *value)
{
    size_t len = value->str.len < set->longest ? value->str.len : set->longest;
    const struct pattern *best = NULL;
    char room[LOWER_MAX];
    struct str s =
        lowered(set, str_of(value->str.ptr + (value->str.len - len), len), room);

    for (unsigned i = 0; i < set->group_count; i++) {
        uint32_t part = set->groups[i].len;
        const struct pattern *pattern;

        if (part > len)
            continue;
        pattern = find_in_table(set, str_of(s.ptr + (len - part), part));
        if (pattern != NULL && (best == NULL || pattern->order < best->order))
            best = pattern;
    }
    return best;
}

/* The bits count in both ends of it. */
static uint64_t
network_hash(const struct network *net)
{
    return hash_xxh3(str_of((const char *)net->bytes, net->is_4 ? 4 : 16), net->bits);
}

static void
mask_network(struct network *net, unsigned bits)
{
    unsigned size = net->is_4 ? 4 : 16, at = bits / 8;

    if (bits % 8 != 0)
        net->bytes[at++] &= (uint8_t)(0xff << (8 - bits % 8));
    memset(net->bytes + at, 0, size - at);
    net->bits = (uint8_t)bits;
}

static bool
network_eq(const struct network *a, const struct network *b)
{
    return a->is_4 == b->is_4 && a->bits == b->bits &&
           memcmp(a->bytes, b->bytes, a->is_4 ? 4 : 16) == 0;
}

/* Longest first, so the address can be shortened as it goes. */
static const struct pattern *
find_network_of(const struct pattern_set *set, struct network addr)
{
    for (unsigned i = 0; i < set->group_count; i++) {
        uint64_t hash, slot;

        if (set->groups[i].is_4 != addr.is_4)
            continue;
        mask_network(&addr, set->groups[i].len);
        hash = network_hash(&addr);
        for (uint32_t at = (uint32_t)hash; (slot = set->slots[at & set->mask]) != 0; at++) {
            const struct pattern *pattern = slot_pattern(slot);

            if (slot_fits(slot, hash) && network_eq(&pattern->net, &addr) &&
                is_living(set, pattern))
                return pattern;
        }
    }
    return NULL;
}

static const struct pattern *
find_network(const struct pattern_set *set, const struct value *value)
{
    struct network addr, other;
    const struct pattern *pattern;

    network_of_value(&addr, value);
    pattern = find_network_of(set, addr);
    if (pattern != NULL)
        return pattern;
    if (!addr.is_4)
        return network_find_ip4(&addr, &other) ? find_network_of(set, other) : NULL;
    memset(&other, 0, sizeof(other));
    other.bytes[10] = other.bytes[11] = 0xff;
    memcpy(other.bytes + 12, addr.bytes, 4);
    return find_network_of(set, other);
}

static const struct pattern *
find_range(const struct pattern_set *set, const struct value *value)
{
    int64_t n = set->method == MATCH_LEN ? (int64_t)value->str.len : value->num;
    unsigned low = 0, high = set->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const struct pattern *pattern = set->items[middle];

        if (n < pattern->range.low)
            high = middle;
        else if (n > pattern->range.high)
            low = middle + 1;
        else
            return is_living(set, pattern) ? pattern : NULL;
    }
    return NULL;
}

/* Each part of the text; the first added counts. */
static const struct pattern *
find_part(const struct pattern_set *set, const struct value *value)
{
    const char *delimiters = match_method_delimiters(set->method);
    const struct pattern *best = NULL;
    char room[LOWER_MAX];
    size_t from = 0, len = value->str.len;

    for (size_t at = 0; at <= len; at++) {
        const struct pattern *pattern;

        if (at < len && (value->str.ptr[at] == '\0' || strchr(delimiters, value->str.ptr[at]) == NULL))
            continue;
        if (at > from && at - from <= set->longest) {
            struct str part = lowered(set, str_of(value->str.ptr + from, at - from), room);

            pattern = find_in_table(set, part);
            if (pattern != NULL && (best == NULL || pattern->order < best->order))
                best = pattern;
        }
        from = at + 1;
    }
    return best;
}

static uint32_t
length_of(const struct pattern_set *set, const struct pattern *pattern)
{
    return set->method == MATCH_IP ? pattern->net.bits : (uint32_t)pattern->str.len;
}

/* What is older was added before, and counts unless it is shorter where the longest counts. */
static __attribute__((noinline)) const struct pattern *
find_in_chain(const struct pattern_set *set, const struct value *value)
{
    bool is_longest = set->method == MATCH_IP || set->method == MATCH_BEG;
    const struct pattern *best = NULL;

    for (; set != NULL; set = set->older) {
        const struct pattern *pattern = set->find(set, value);

        if (pattern != NULL &&
            (best == NULL || !is_longest || length_of(set, pattern) >= length_of(set, best)))
            best = pattern;
    }
    return best;
}

const struct pattern *
pattern_set_find(const struct pattern_set *set, const struct value *value)
{
    if (__builtin_expect(set->older != NULL, 0))
        return find_in_chain(set, value);
    return set->find(set, value);
}

/* --- adding ---------------------------------------------------------------------------------- */

struct pattern_set *
pattern_set_new(struct arena *arena, enum match_method method, bool no_case)
{
    struct pattern_set *set = ARENA_NEW(arena, struct pattern_set);

    set->method = method;
    set->no_case = no_case;
    set->arena = arena;
    set->find = match_method_has_patterns(method) ? find_walking : find_always;
    return set;
}

void
pattern_set_fini(struct pattern_set *set)
{
    if (set == NULL || set->method != MATCH_REG)
        return;
    for (unsigned i = 0; i < set->count; i++)
        regex_free(set->items[i]->regex);
    set->count = 0;
}

static void
keep(struct pattern_set *set, struct pattern *pattern)
{
    if (set->count == set->cap) {
        unsigned cap = set->cap == 0 ? 2 : set->cap * 2;
        struct pattern **items = ARENA_ARRAY(set->arena, struct pattern *, cap);

        if (set->count > 0)
            memcpy(items, set->items, set->count * sizeof(*items));
        set->items = items;
        set->cap = cap;
    }
    pattern->order = set->count;
    set->items[set->count++] = pattern;
}

bool
pattern_set_add(struct pattern_set *set, struct str text, enum compare compare,
                const struct pattern_entry *entry, struct error *err)
{
    bool is_near = set->method == MATCH_STR || set->method == MATCH_BEG ||
                   set->method == MATCH_END;
    struct pattern *pattern =
        arena_zero(set->arena, sizeof(*pattern) + (is_near && !set->no_case ? text.len : 0));

    /* A look-up then has bytes and pattern in one line of the cache. */
    if (is_near && !set->no_case && text.len > 0)
        text.ptr = memcpy(pattern + 1, text.ptr, text.len);
    if (!pattern_parse(pattern, set->method, set->no_case, compare, text, set->arena, err))
        return false;
    pattern->entry = entry;
    keep(set, pattern);
    return true;
}

bool
pattern_set_add_all(struct pattern_set *set, const struct pattern_set *from, struct error *err)
{
    for (unsigned i = 0; i < from->count; i++) {
        const struct pattern_entry *entry = from->items[i]->entry;

        if (!entry->is_dead && !pattern_set_add(set, entry->key, COMPARE_EQ, entry, err))
            return false;
    }
    return true;
}

struct pattern_set *
pattern_set_make(enum match_method method, bool no_case)
{
    struct arena arena;
    struct pattern_set *set;

    arena_init(&arena);
    set = pattern_set_new(&arena, method, no_case);
    set->own = arena;
    set->arena = &set->own;
    return set;
}

void
pattern_set_free(void *object)
{
    struct pattern_set *set = object;
    struct arena arena;

    if (set == NULL)
        return;
    pattern_set_fini(set);
    arena = set->own;
    arena_fini(&arena);
}

void
pattern_set_watch(struct pattern_set *set, const unsigned *removals)
{
    set->removals = removals;
    set->removals_before = *removals;
}

void
pattern_set_chain(struct pattern_set *set, struct pattern_set *older)
{
    set->older = older;
}

struct pattern_set *
pattern_set_older(const struct pattern_set *set)
{
    return set->older;
}

unsigned
pattern_set_count(const struct pattern_set *set)
{
    return set->count;
}

enum match_method
pattern_set_method(const struct pattern_set *set)
{
    return set->method;
}

/* --- compiling --------------------------------------------------------------------------------- */

static int
compare_lengths(const void *a, const void *b, void *set)
{
    const struct pattern *x = *(struct pattern *const *)a, *y = *(struct pattern *const *)b;
    uint32_t len_x = length_of(set, x), len_y = length_of(set, y);

    if (len_x != len_y)
        return len_x > len_y ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static int
compare_ranges(const void *a, const void *b, void *set)
{
    const struct pattern *x = *(struct pattern *const *)a, *y = *(struct pattern *const *)b;

    (void)set;
    if (x->range.low != y->range.low)
        return x->range.low < y->range.low ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static void
sort_items(struct pattern_set *set, int (*compare)(const void *, const void *, void *))
{
    qsort_r(set->items, set->count, sizeof(*set->items), compare, set);
}

static bool
is_disjoint(const struct pattern_set *set)
{
    for (unsigned i = 1; i < set->count; i++) {
        if (set->items[i]->range.low <= set->items[i - 1]->range.high)
            return false;
    }
    return true;
}

static int
compare_orders(const void *a, const void *b, void *set)
{
    (void)set;
    return (*(struct pattern *const *)a)->order < (*(struct pattern *const *)b)->order ? -1 : 1;
}

static void
compile_ranges(struct pattern_set *set)
{
    sort_items(set, compare_ranges);
    if (is_disjoint(set))
        set->find = find_range;
    else
        sort_items(set, compare_orders);
}

/* Which lengths occur; the items are sorted by them. */
static void
make_groups(struct pattern_set *set)
{
    set->groups = ARENA_ARRAY(set->arena, struct group, 2 * 129 + set->longest + 1);
    for (unsigned i = 0; i < set->count; i++) {
        struct group group = { length_of(set, set->items[i]),
                               set->method == MATCH_IP && set->items[i]->net.is_4 };
        unsigned at = 0;

        while (at < set->group_count && (set->groups[at].len != group.len ||
                                         set->groups[at].is_4 != group.is_4))
            at++;
        if (at == set->group_count)
            set->groups[set->group_count++] = group;
    }
}

/* From the first to the last: of equal ones the first added is found first. */
static void
make_table(struct pattern_set *set)
{
    uint32_t size = 16;

    while (size < set->count + set->count / 2)
        size *= 2;
    set->mask = size - 1;
    set->slots = ARENA_ARRAY(set->arena, uint64_t, size);
    for (unsigned i = 0; i < set->count; i++) {
        struct pattern *pattern = set->items[i];
        uint64_t hash =
            set->method == MATCH_IP ? network_hash(&pattern->net) : hash_of(pattern->str);
        uint32_t at = (uint32_t)hash & set->mask;

        while (set->slots[at] != 0)
            at = (at + 1) & set->mask;
        set->slots[at] = slot_make(pattern, hash);
    }
}

static void
compile_networks(struct pattern_set *set)
{
    sort_items(set, compare_lengths);
    if (set->count < HASH_FROM)
        return;
    make_groups(set);
    make_table(set);
    set->find = find_network;
}

static void
measure(struct pattern_set *set)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (set->items[i]->str.len > set->longest)
            set->longest = set->items[i]->str.len;
    }
}

static void
compile_texts(struct pattern_set *set)
{
    bool is_few = set->count < HASH_FROM;

    measure(set);
    if (set->no_case && set->longest > LOWER_MAX)
        is_few = true;
    if (set->method == MATCH_BEG)
        sort_items(set, compare_lengths);
    if (is_few && set->count == 1 && !set->no_case && set->method != MATCH_END)
        set->find = find_one_text;
    if (is_few)
        return;
    if (set->method == MATCH_BEG || set->method == MATCH_END)
        make_groups(set);
    make_table(set);
    set->find = set->method == MATCH_END   ? find_suffix
                : set->method == MATCH_BEG ? find_prefix
                                           : find_exact;
}

/* Patterns of several parts are looked for one by one, and with them all. */
static void
compile_parts(struct pattern_set *set)
{
    const char *delimiters = match_method_delimiters(set->method);

    measure(set);
    if (set->count < HASH_FROM || set->longest > LOWER_MAX)
        return;
    for (unsigned i = 0; i < set->count; i++) {
        struct str text = set->items[i]->str;

        for (const char *c = delimiters; *c != '\0'; c++) {
            if (str_find_char(text, *c) >= 0)
                return;
        }
        if (text.len == 0)
            return;
    }
    make_table(set);
    set->find = find_part;
}

void
pattern_set_compile(struct pattern_set *set)
{
    if (set->count == 0)
        return;
    switch (set->method) {
    case MATCH_INT:
    case MATCH_LEN:
        compile_ranges(set);
        break;
    case MATCH_IP:
        compile_networks(set);
        break;
    case MATCH_STR:
    case MATCH_BIN:
    case MATCH_BEG:
    case MATCH_END:
        compile_texts(set);
        break;
    case MATCH_DIR:
    case MATCH_DOM:
        compile_parts(set);
        break;
    case MATCH_FOUND:
    case MATCH_BOOL:
    case MATCH_SUB:
    case MATCH_REG:
    case MATCH_METHODS:
        break;
    }
}
