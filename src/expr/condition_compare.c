/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does one condition hold whenever another one does? By what is written, not by what it means: "no"
 * may be wrong, "yes" is not.
 *
 * For:     lint. Thread: builder, boot.
 */
#include <string.h>
#include <strings.h>

#include "acl.h"
#include "private.h"

/* --- tests ------------------------------------------------------------------------------------ */

static bool
is_same_value(const char *one, const char *other, bool no_case)
{
    return no_case ? strcasecmp(one, other) == 0 : strcmp(one, other) == 0;
}

static bool
has_value(const struct acl_test *test, const char *value)
{
    for (unsigned i = 0; i < test->value_count; i++) {
        if (is_same_value(test->values[i], value, test->no_case))
            return true;
    }
    return false;
}

/* The same thing is looked at in the same way. */
static bool
is_like(const struct acl_test *one, const struct acl_test *other)
{
    return one->method == other->method && strcmp(one->sample->text, other->sample->text) == 0 &&
           !one->has_files && !other->has_files;
}

/* Operators ("gt 5 lt 9") make single values meaningless. */
static bool
has_plain_values(const struct acl_test *test)
{
    return test->method != MATCH_INT && test->method != MATCH_LEN;
}

static bool
test_implies(const struct acl_test *narrow, const struct acl_test *wide)
{
    if (narrow == wide)
        return true;
    if (narrow->no_case && !wide->no_case && has_plain_values(wide))
        return false;
    if (!is_like(narrow, wide))
        return false;
    if (!has_plain_values(narrow))
        return strcmp(narrow->text, wide->text) == 0;
    for (unsigned i = 0; i < narrow->value_count; i++) {
        if (!has_value(wide, narrow->values[i]))
            return false;
    }
    return true;
}

/* --- terms, products, sums -------------------------------------------------------------------- */

static bool
is_covered(const struct acl_test *test, const struct acl_test *wide)
{
    for (; wide != NULL; wide = wide->next) {
        if (test_implies(test, wide))
            return true;
    }
    return false;
}

static bool
term_implies(const struct term *narrow, const struct term *wide)
{
    if (narrow->is_negated != wide->is_negated)
        return false;
    if (narrow->tests == wide->tests)
        return true;
    if (narrow->is_negated)
        return false;
    for (const struct acl_test *test = narrow->tests; test != NULL; test = test->next) {
        if (!is_covered(test, wide->tests))
            return false;
    }
    return true;
}

/* Each term of the wide product is implied by one of the narrow one. */
static bool
product_implies(const struct condition *narrow, unsigned at, const struct condition *wide,
                unsigned wide_at)
{
    for (unsigned w = wide_at; w < wide->terms[wide_at].next; w++) {
        unsigned n = at;

        while (n < narrow->terms[at].next && !term_implies(&narrow->terms[n], &wide->terms[w]))
            n++;
        if (n == narrow->terms[at].next)
            return false;
    }
    return true;
}

static bool
is_product_covered(const struct condition *narrow, unsigned at, const struct condition *wide)
{
    for (unsigned w = 0; w < wide->count; w = wide->terms[w].next) {
        if (product_implies(narrow, at, wide, w))
            return true;
    }
    return false;
}

bool
condition_implies(const struct condition *narrow, const struct condition *wide)
{
    if (wide == NULL)
        return true;
    if (narrow == NULL)
        return false;
    if (narrow->is_negated || wide->is_negated)
        return narrow->is_negated == wide->is_negated && strcmp(narrow->text, wide->text) == 0;
    for (unsigned n = 0; n < narrow->count; n = narrow->terms[n].next) {
        if (!is_product_covered(narrow, n, wide))
            return false;
    }
    return narrow->count > 0;
}

/* --- values in common ------------------------------------------------------------------------- */

static const struct term *
only_term(const struct condition *condition)
{
    if (condition == NULL || condition->is_negated || condition->count != 1 ||
        condition->terms[0].is_negated)
        return NULL;
    return &condition->terms[0];
}

static const char *
find_shared(const struct acl_test *one, const struct acl_test *other)
{
    if (!is_like(one, other) || !has_plain_values(one) || one->no_case > other->no_case)
        return NULL;
    for (unsigned i = 0; i < one->value_count; i++) {
        if (has_value(other, one->values[i]))
            return one->values[i];
    }
    return NULL;
}

const char *
condition_shared_value(const struct condition *one, const struct condition *other)
{
    const struct term *a = only_term(one), *b = only_term(other);

    if (a == NULL || b == NULL)
        return NULL;
    for (const struct acl_test *first = a->tests; first != NULL; first = first->next) {
        for (const struct acl_test *second = b->tests; second != NULL; second = second->next) {
            const char *value = find_shared(first, second);

            if (value != NULL)
                return value;
        }
    }
    return NULL;
}
