/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sample expressions: compiled to a fetch and a flat array of converters, then run.
 *
 * For:     conditions, formats, actions, and every keyword that takes an expression.
 * Thread:  builder compiles; traffic runs.
 *
 *     word ── sample_parse ──> fetch, args, steps ── sample_run ──> fetch->run, then for each step
 *                                                                 value_cast, conv->run
 */
#include "weir/expr/sample.h"

#include <string.h>

#include "weir/expr/explain.h"
#include "private.h"

/* --- compiling --------------------------------------------------------------------------- */

static struct str
read_name(const char *text)
{
    return str_of(text, strcspn(text, SAMPLE_NAME_END));
}

static bool
parse_fetch(struct parse *parse, const char **text, unsigned place, struct sample *sample)
{
    const char *at = *text;
    struct str name = read_name(at);
    const struct fetch *fetch = fetch_find_here(parse, name);
    struct error err = ERROR_INIT;
    struct arg *args;
    unsigned count;

    if (fetch == NULL)
        return expr_alert(parse, at, "unknown fetch '%.*s'%s", STR_ARG(name),
                          fetch_suggest(parse, name));
    *text += name.len;
    if (!expr_args_parse(parse, text, fetch->args, fetch->name, &args, &count))
        return false;
    if (fetch->check != NULL && !fetch->check(parse, args, count, &err))
        return expr_alert(parse, at + name.len, "'%s': %s", fetch->name, err.text);
    if (place != 0 && (fetch->places & place) == 0)
        return expr_alert(parse, at, "'%s' cannot be used in %s: it needs %s", fetch->name,
                          place_name(place), fetch_needs(fetch));
    sample->fetch = fetch;
    sample->args = args;
    sample->out = fetch->out;
    return true;
}

static void
add_step(struct parse *parse, struct sample *sample, struct sample_step step)
{
    struct sample_step *steps =
        ARENA_ARRAY(parse->arena, struct sample_step, sample->step_count + 1);

    if (sample->step_count > 0)
        memcpy(steps, sample->steps, sample->step_count * sizeof(step));
    steps[sample->step_count++] = step;
    sample->steps = steps;
}

static bool
parse_converter(struct parse *parse, const char **text, struct sample *sample)
{
    const char *at = *text;
    struct str name = read_name(at);
    const struct converter *conv = converter_find_here(parse, name);
    struct error err = ERROR_INIT;
    struct arg *args;
    unsigned count;

    if (name.len == 0 && *at == ',') /* ",,": HAProxy lets it pass */
        return true;
    if (conv == NULL)
        return expr_alert(parse, at, "unknown converter '%.*s'%s", STR_ARG(name),
                          converter_suggest(parse, name));
    if (!value_can_cast(sample->out, conv->in))
        return expr_alert(parse, at, "converter '%s' works on %s, which %s cannot become",
                          conv->name, value_type_name(conv->in), value_type_name(sample->out));
    *text += name.len;
    if (!expr_args_parse(parse, text, conv->args, conv->name, &args, &count))
        return false;
    if (conv->check != NULL && !conv->check(parse, args, count, &err))
        return err.text[0] != '\0' && /* else it was reported: a mistake in a file */
               expr_alert(parse, at + name.len, "'%s': %s", conv->name, err.text);
    add_step(parse, sample, (struct sample_step){ conv, args });
    if (conv->out != VALUE_SAME)
        sample->out = conv->out;
    return true;
}

/* A converter, and those behind commas. */
static bool
parse_converters(struct parse *parse, const char **text, struct sample *sample)
{
    while (parse_converter(parse, text, sample)) {
        if (**text != ',')
            return true;
        ++*text;
    }
    return false;
}

static bool
is_stable(const struct sample *sample)
{
    if (!sample->fetch->is_stable)
        return false;
    for (unsigned i = 0; i < sample->step_count; i++) {
        if (!sample->steps[i].conv->is_stable)
            return false;
    }
    return true;
}

/* The same text means the same, wherever it stands. */
static uint32_t
memo_of(struct parse *parse, const struct sample *sample)
{
    struct hashmap *memos = &expr_room_of(parse->snapshot)->memos;
    struct str text = str_from(sample->text);
    uintptr_t number;

    if (!is_stable(sample))
        return 0;
    number = (uintptr_t)hashmap_find(memos, text);
    if (number == 0) {
        number = memos->count + 1;
        hashmap_set(memos, text, (void *)number);
    }
    return (uint32_t)number;
}

struct sample *
sample_parse_text(struct parse *parse, const char *text, const char **end, unsigned place)
{
    struct sample *sample = ARENA_NEW(parse->arena, struct sample);
    const char *begin = text;

    if (!parse_fetch(parse, &text, place, sample))
        return NULL;
    if (*text == ',') {
        text++;
        if (!parse_converters(parse, &text, sample))
            return NULL;
    }
    sample->text = arena_copy_str(parse->arena, str_of(begin, (size_t)(text - begin)));
    sample->pos = parse_pos(parse);
    sample->memo = memo_of(parse, sample);
    *end = text;
    return sample;
}

static bool
refuse_rest(struct parse *parse, const char *end)
{
    return *end == '\0' ||
           expr_alert(parse, end, "unexpected '%s' behind the expression", end);
}

/* Does a word of its own name a converter? */
static bool
is_converter(struct parse *parse, const char *word)
{
    return word != NULL && converter_find_here(parse, read_name(word)) != NULL;
}

struct sample *
sample_parse(struct parse *parse, unsigned place)
{
    const char *word = parse_word(parse, "a sample expression"), *end;
    struct sample *sample;

    if (word == NULL)
        return NULL;
    sample = sample_parse_text(parse, word, &end, place);
    if (sample == NULL || !refuse_rest(parse, end))
        return NULL;
    while (is_converter(parse, words_peek(parse->words))) {
        end = words_next(parse->words);
        sample->text = arena_printf(parse->arena, "%s,%s", sample->text, end);
        if (!parse_converters(parse, &end, sample) || !refuse_rest(parse, end))
            return NULL;
    }
    return sample;
}

/* --- running -------------------------------------------------------------------------------- */

static inline enum fetched
run_fetch(const struct sample *sample, struct eval *eval, struct value *out)
{
    if (__builtin_expect(eval->explain != NULL, 0) &&
        explain_find_given(eval->explain, sample, out, eval->arena))
        return FETCH_OK;
    return sample->fetch->run(eval, sample->fetch, sample->args, out);
}

static enum fetched
run(const struct sample *sample, struct eval *eval, struct value *out)
{
    const struct fetch *fetch = sample->fetch;
    enum fetched result;
    uint8_t kept;

    out->flags = 0;
    if ((eval->place & ~fetch->places) != 0)
        return FETCH_NONE;
    result = run_fetch(sample, eval, out);
    if (result != FETCH_OK)
        return result == FETCH_LATER && eval->final ? FETCH_NONE : result;
    kept = out->flags & (VALUE_MORE | VALUE_MAY_CHANGE);
    for (unsigned i = 0; i < sample->step_count; i++) {
        const struct sample_step *step = &sample->steps[i];

        if (!value_cast(out, step->conv->in, eval->arena) ||
            !step->conv->run(eval, step->conv, step->args, out)) {
            out->flags = kept;
            return FETCH_NONE;
        }
    }
    out->flags |= kept;
    return FETCH_OK;
}

enum fetched
sample_run(const struct sample *sample, struct eval *eval, struct value *out)
{
    enum fetched result = run(sample, eval, out);

    if (__builtin_expect(eval->explain != NULL, 0))
        explain_sample(eval->explain, sample, result == FETCH_OK ? out : NULL);
    return result;
}

enum fetched
sample_run_as(const struct sample *sample, struct eval *eval, enum value_type type,
              struct value *out)
{
    enum fetched result;

    out->cursor = VALUE_SINGLE;
    result = sample_run(sample, eval, out);
    if (result != FETCH_OK)
        return result;
    return value_cast(out, type, eval->arena) ? FETCH_OK : FETCH_NONE;
}
