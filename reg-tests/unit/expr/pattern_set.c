/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled sets of patterns find what walking over the patterns finds.
 *
 *     obj/unit/expr/pattern_set --bench <method> <file>     nanoseconds per look-up
 */
#include "expr/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "weir/os/addr.h"

#define PATTERNS 300
#define VALUES   3000

static unsigned
pick(unsigned limit)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % limit);
}

/* Few letters, so that much is found. */
static void
make_text(char *out, enum match_method method)
{
    static const char letters[] = "abAb/./?:";
    unsigned len = 1 + pick(6);

    if (method == MATCH_IP) {
        sprintf(out, "10.%u.%u.%u", pick(3), pick(3), pick(3));
        return;
    }
    if (method == MATCH_INT) {
        sprintf(out, "%u", pick(500));
        return;
    }
    if (method == MATCH_REG) {
        static const char *const forms[] = { "^%u/", "%u$", "^(a|b)%u", "x%u", "%u|y%u", "^%u" };

        sprintf(out, forms[pick(6)], pick(200), pick(200)); /* NOLINT */
        return;
    }
    for (unsigned i = 0; i < len; i++)
        out[i] = letters[pick(9)];
    out[len] = '\0';
}

static void
make_value_text(char *out, enum match_method method)
{
    if (method == MATCH_REG) {
        static const char *const forms[] = { "%u/z", "a%u", "x%u", "y%ub%u", "%u" };

        sprintf(out, forms[pick(5)], pick(300), pick(300)); /* NOLINT */
        return;
    }
    out[0] = '\0';
    for (unsigned i = 0, n = method == MATCH_STR || method == MATCH_IP || method == MATCH_INT
                                 ? 1
                                 : 1 + pick(5);
         i < n; i++)
        make_text(out + strlen(out), method);
}

static struct value
value_of(const char *text, enum match_method method)
{
    struct value value = { .type = VALUE_STR, .str = str_from(text) };
    struct arena arena;

    arena_init(&arena);
    if (method == MATCH_IP)
        assert_true(value_set_addr_text(&value, str_from(text)));
    if (method == MATCH_INT)
        value_set_int(&value, atoi(text));
    arena_fini(&arena);
    return value;
}

static const struct pattern *
walk(struct pattern *patterns, enum match_method method, bool no_case, const struct value *value)
{
    const struct pattern *best = NULL;

    for (unsigned i = 0; i < PATTERNS; i++) {
        const struct pattern *p = &patterns[i];

        if (p->entry->is_dead || !pattern_match(p, method, no_case, value))
            continue;
        if (best == NULL || (method == MATCH_IP && p->net.bits > best->net.bits) ||
            (method == MATCH_BEG && p->str.len > best->str.len))
            best = p;
    }
    return best;
}

static struct pattern_entry entries[PATTERNS];
static struct pattern patterns[PATTERNS];

/* In one set, or in a chain of two. */
static struct pattern_set *
fill(enum match_method method, bool no_case, unsigned older_count, struct arena *arena)
{
    struct pattern_set *set = pattern_set_make(method, no_case), *older = NULL;
    char text[64];

    for (unsigned i = 0; i < PATTERNS; i++) {
        if (i == older_count && i > 0) {
            pattern_set_compile(set);
            older = set;
            set = pattern_set_make(method, no_case);
        }
        make_text(text, method);
        if (method == MATCH_IP && pick(2) == 0)
            sprintf(text + strlen(text), "/%u", 8 + pick(25));
        entries[i] = (struct pattern_entry){ .key = str_from(arena_copy(arena, text)) };
        assert_true(pattern_parse(&patterns[i], method, no_case, COMPARE_EQ, entries[i].key, arena,
                                  NULL));
        patterns[i].entry = &entries[i];
        assert_true(pattern_set_add(set, entries[i].key, COMPARE_EQ, &entries[i], NULL));
    }
    pattern_set_compile(set);
    pattern_set_chain(set, older);
    return set;
}

static void
compare(enum match_method method, bool no_case, unsigned older_count)
{
    struct arena arena;
    struct pattern_set *set, *older;
    char text[256];

    arena_init(&arena);
    set = fill(method, no_case, older_count, &arena);
    for (unsigned i = 0; i < VALUES; i++) {
        struct value value;
        const struct pattern *found, *wanted;

        if (i == VALUES / 2) {
            for (unsigned n = 0; n < PATTERNS; n += 3)
                entries[n].is_dead = true;
        }
        make_value_text(text, method);
        value = value_of(text, method);
        found = pattern_set_find(set, &value);
        wanted = walk(patterns, method, no_case, &value);
        if ((found == NULL) != (wanted == NULL) ||
            (found != NULL && !str_eq(found->entry->key, wanted->entry->key) &&
             !(method == MATCH_IP && found->net.bits == wanted->net.bits) &&
             !(method == MATCH_BEG && found->str.len == wanted->str.len)))
            fail_msg("%s '%s': found %s, not %s", match_method_name(method), text,
                     found == NULL ? "nothing" : found->entry->key.ptr,
                     wanted == NULL ? "nothing" : wanted->entry->key.ptr);
    }
    older = pattern_set_older(set);
    pattern_set_free(set);
    pattern_set_free(older);
    if (method == MATCH_REG) {
        for (unsigned i = 0; i < PATTERNS; i++)
            regex_free(patterns[i].regex);
    }
    arena_fini(&arena);
}

static void
test_sets_find_what_walking_finds(void **state)
{
    static const enum match_method methods[] = { MATCH_STR, MATCH_BEG, MATCH_END, MATCH_SUB,
                                                 MATCH_DIR, MATCH_DOM, MATCH_IP,  MATCH_INT,
                                                 MATCH_REG };

    (void)state;
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        for (unsigned n = 0; n < 3; n++) {
            compare(methods[i], false, n * 70);
            compare(methods[i], true, n * 70);
        }
    }
}

static void
test_all_of_a_set_go_into_another(void **state)
{
    struct pattern_entry some[2] = { { .key = STR("a") }, { .key = STR("b"), .is_dead = true } };
    struct pattern_set *from = pattern_set_make(MATCH_STR, false),
                       *to = pattern_set_make(MATCH_STR, false);

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        assert_true(pattern_set_add(from, some[i].key, COMPARE_EQ, &some[i], NULL));
    assert_true(pattern_set_add_all(to, from, NULL));
    assert_int_equal(pattern_set_count(to), 1);
    pattern_set_free(from);
    pattern_set_free(to);
}

/* --- how fast ------------------------------------------------------------------------------ */

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#define KEYS_MAX 1000000
#define ROUNDS   3
#define BLOCK    250 /* a part of KEYS_MAX */

static int
bench(enum match_method method, const char *path)
{
    static char *keys[KEYS_MAX];
    static struct value asked[KEYS_MAX];
    struct pattern_set *set = pattern_set_make(method, false);
    static struct pattern_entry entry;
    unsigned count = 0, found = 0;
    FILE *file = fopen(path, "r");
    char line[512];
    double start, best = 0;
    volatile int touched = 0;

    while (file != NULL && count < KEYS_MAX && fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, " \n")] = '\0';
        keys[count] = strdup(line);
        pattern_set_add(set, str_from(keys[count++]), COMPARE_EQ, &entry, NULL);
    }
    if (count == 0)
        return 1;
    fclose(file);
    pattern_set_compile(set);
    for (unsigned i = 0; i < KEYS_MAX; i++) {
        snprintf(line, sizeof(line), "%s", keys[pick(count)]);
        if (method == MATCH_IP)
            line[strcspn(line, "/")] = '\0';
        if (method == MATCH_REG || method == MATCH_SUB || method == MATCH_DIR ||
            method == MATCH_DOM)
            snprintf(line, sizeof(line), "/some/path%u/of/a/request.html", i);
        asked[i] = value_of(strdup(line), method);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        double spent = 0;

        found = 0;
        for (unsigned from = 0; from < KEYS_MAX; from += BLOCK) {
            for (unsigned i = from; i < from + BLOCK; i++) /* what is looked up is at hand */
                touched += value_has_bytes(&asked[i]) ? asked[i].str.ptr[0] : (char)asked[i].num;
            start = now();
            for (unsigned i = from; i < from + BLOCK; i++)
                found += pattern_set_find(set, &asked[i]) != NULL;
            spent += now() - start;
        }
        if (best == 0 || spent < best)
            best = spent;
    }
    printf("%s: %u patterns, %.0f ns per look-up (%u of %u found)\n", match_method_name(method),
           count, best * 1e9 / KEYS_MAX, found, KEYS_MAX);
    return 0;
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_find_what_walking_finds),
        cmocka_unit_test(test_all_of_a_set_go_into_another),
    };

    if (argc == 4 && strcmp(argv[1], "--bench") == 0)
        return bench((enum match_method)match_method_find(str_from(argv[2])), argv[3]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
