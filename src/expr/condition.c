/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions: ACLs combined with and, or, not.
 *
 * For:     every rule.
 * Owns:    nothing: all in the snapshot's arena.
 * Thread:  builder compiles; traffic tests.
 *
 * A condition is a sum of products: terms side by side are all needed, "or" and "||" begin an
 * alternative. A term is a named ACL, of whose tests one suffices, or a test in braces; "!" turns
 * it round. The terms lie in one array; each knows where the next alternative begins.
 */
#include "weir/expr/condition.h"

#include <string.h>

#include "weir/base/text.h"
#include "weir/loop/grace.h"
#include "acl.h"
#include "private.h"

#define TERMS_MAX 1024

/* --- reading ---------------------------------------------------------------------------------- */

struct builder {
    struct parse *parse;
    const struct acl_scope *scope;
    unsigned place;
    struct term terms[TERMS_MAX];
    unsigned count;
    unsigned begin; /* of the alternative in hand */
};

static bool
add_term(struct builder *b, const struct acl_test *tests, bool is_negated)
{
    if (tests == NULL)
        return false;
    if (b->count == TERMS_MAX)
        return parse_alert(b->parse, "a condition has at most %d terms", TERMS_MAX);
    b->terms[b->count++] = (struct term){ .tests = tests, .is_negated = is_negated };
    return true;
}

static bool
add_anonymous(struct builder *b, bool is_negated)
{
    struct acl_test *test = acl_test_parse(b->parse, b->place, "}");

    if (test != NULL && !words_accept(b->parse->words, "}"))
        return parse_alert_next(b->parse, "the brace of this condition is not closed; blanks are "
                                          "needed around '{' and '}'");
    return add_term(b, test, is_negated);
}

static void
end_alternative(struct builder *b)
{
    for (unsigned i = b->begin; i < b->count; i++)
        b->terms[i].next = (uint16_t)b->count;
    b->begin = b->count;
}

/* HAProxy lets a lonely "or" and a lonely "!" pass, so we do. */
static bool
add_or(struct builder *b, const char *word)
{
    if (b->begin == b->count || words_at_end(b->parse->words))
        parse_warn(b->parse, "'%s' should stand between two conditions; it is ignored", word);
    end_alternative(b);
    return true;
}

static bool
add_word(struct builder *b, const char *word)
{
    bool is_negated = false;

    if (strcmp(word, "or") == 0 || strcmp(word, "||") == 0)
        return add_or(b, word);
    while (word != NULL && *word == '!') {
        is_negated = !is_negated;
        word = word[1] == '\0' ? words_next(b->parse->words) : word + 1;
    }
    if (word == NULL)
        return parse_warn(b->parse, "a condition should follow '!'; it is ignored");
    if (strcmp(word, "{") == 0)
        return add_anonymous(b, is_negated);
    return add_term(b, acl_find(b->parse, b->scope, word, b->place), is_negated);
}

static const char *
text_from(struct parse *parse, unsigned from)
{
    struct text text = TEXT_INIT;
    const char *copy;

    for (unsigned i = from; i < parse->words->count; i++)
        text_printf(&text, "%s%s", i > from ? " " : "", parse->words->items[i].text);
    copy = arena_copy(parse->arena, text_cstr(&text));
    text_fini(&text);
    return copy;
}

static void
set_only(struct condition *condition)
{
    const struct acl_test *test = condition->terms[0].tests;

    condition->only = test;
    condition->is_only_negated = condition->terms[0].is_negated != condition->is_negated;
    if (test->sample->memo == 0 || test->list_count != 1 || test->sample->out != test->type ||
        (test->type != VALUE_STR && test->type != VALUE_INT))
        return;
    condition->memo = test->sample->memo;
    condition->list = test->lists[0];
}

static struct condition *
make(const struct builder *b, bool negate, unsigned from)
{
    struct condition *condition = ARENA_NEW(b->parse->arena, struct condition);
    struct expr_room *room = expr_room_of(b->parse->snapshot);

    condition->terms = ARENA_ARRAY(b->parse->arena, struct term, b->count + 1);
    memcpy(condition->terms, b->terms, b->count * sizeof(b->terms[0]));
    condition->count = b->count;
    condition->is_negated = negate;
    if (b->count == 1 && b->terms[0].tests->next == NULL)
        set_only(condition);
    condition->text = text_from(b->parse, from);
    condition->pos = parse_pos(b->parse);
    condition->following = room->conditions;
    room->conditions = condition;
    return condition;
}

struct condition *
condition_parse(struct parse *parse, const struct acl_scope *scope, unsigned place, bool negate)
{
    struct builder b;
    unsigned from = parse->words->at;
    const char *word;

    b.parse = parse;
    b.scope = scope;
    b.place = place;
    b.count = b.begin = 0;
    if (words_at_end(parse->words)) {
        parse_alert_next(parse, "a condition is missing here");
        return NULL;
    }
    while ((word = words_next(parse->words)) != NULL) {
        if (!add_word(&b, word))
            return NULL;
    }
    end_alternative(&b);
    return make(&b, negate, from);
}

bool
condition_parse_optional(struct parse *parse, const struct acl_scope *scope, unsigned place,
                         struct condition **out)
{
    const char *word = words_peek(parse->words);
    bool is_unless = word != NULL && strcmp(word, "unless") == 0;

    *out = NULL;
    if (word == NULL)
        return true;
    if (!is_unless && strcmp(word, "if") != 0)
        return parse_alert_next(parse, "'if' or 'unless' should stand here, not '%s'", word);
    words_next(parse->words);
    *out = condition_parse(parse, scope, place, is_unless);
    return *out != NULL;
}

const char *
condition_text(const struct condition *condition)
{
    return condition == NULL ? "" : condition->text;
}

/* --- testing ---------------------------------------------------------------------------------- */

static enum truth
test_term(const struct term *term, struct eval *eval)
{
    enum truth truth = acl_test_any(term->tests, eval);

    if (!term->is_negated || truth == TRUTH_LATER)
        return truth;
    return truth == TRUTH_YES ? TRUTH_NO : TRUTH_YES;
}

/* The terms from `at` up to the next alternative. One that is false settles it, even behind one
 * that is not known yet. */
static enum truth
test_product(const struct condition *condition, unsigned at, struct eval *eval)
{
    unsigned end = condition->terms[at].next;
    enum truth product = TRUTH_YES;

    for (; at < end; at++) {
        enum truth truth = test_term(&condition->terms[at], eval);

        if (truth == TRUTH_NO)
            return TRUTH_NO;
        if (truth == TRUTH_LATER)
            product = TRUTH_LATER;
    }
    return product;
}

static enum truth
test_sum(const struct condition *condition, struct eval *eval)
{
    enum truth sum = TRUTH_NO;

    for (unsigned at = 0; at < condition->count; at = condition->terms[at].next) {
        enum truth product = test_product(condition, at, eval);

        if (product == TRUTH_YES) {
            sum = TRUTH_YES;
            break;
        }
        if (product == TRUTH_LATER)
            sum = TRUTH_LATER;
    }
    if (sum == TRUTH_LATER)
        return TRUTH_LATER;
    return (sum == TRUTH_YES) != condition->is_negated ? TRUTH_YES : TRUTH_NO;
}

static __attribute__((noinline)) enum truth
test_whole(const struct condition *condition, struct eval *eval)
{
    enum truth truth;

    if (condition == NULL)
        return TRUTH_YES;
    if (condition->only == NULL)
        return test_sum(condition, eval);
    truth = acl_test_one(condition->only, eval);
    if (!condition->is_only_negated || truth == TRUTH_LATER)
        return truth;
    return truth == TRUTH_YES ? TRUTH_NO : TRUTH_YES;
}

/* Most conditions are one test, often of what the rule before has looked at, too. */
enum truth
condition_test(const struct condition *condition, struct eval *eval)
{
    const struct sample_memo *memo = eval->memo;
    bool is_found;

    if (memo == NULL || condition == NULL || condition->memo == 0 ||
        memo->number != condition->memo || memo->is_none)
        return test_whole(condition, eval);
    is_found = pattern_set_find(grace_read(condition->list->set), &memo->value) != NULL;
    return is_found != condition->is_only_negated ? TRUTH_YES : TRUTH_NO;
}
