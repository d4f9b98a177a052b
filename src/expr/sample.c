/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sample expressions: compiled to a fetch and a flat array of converters, then run.
 *
 * Owns:    the two sorted tables of names.
 * Thread:  boot fills the tables; builder compiles; traffic runs.
 */
#include "weir/expr/sample.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/base/hashmap.h"
#include "private.h"

static struct hashmap fetches;
static struct hashmap converters;

void
sample_table_init(void)
{
    if (fetches.count > 0)
        return;
    FOR_EACH_REGISTERED (fetch, fetch, list)
        MUST(hashmap_set(&fetches, str_from(fetch->name), (void *)fetch) == NULL);
    FOR_EACH_REGISTERED (converter, conv, list)
        MUST(hashmap_set(&converters, str_from(conv->name), (void *)conv) == NULL);
}

const struct fetch *
fetch_find(struct str name)
{
    return hashmap_find(&fetches, name);
}

const struct converter *
converter_find(struct str name)
{
    return hashmap_find(&converters, name);
}

/* --- compiling --------------------------------------------------------------------------- */

static struct str
read_name(const char *text)
{
    return str_of(text, strcspn(text, "(), \t]"));
}

/* The nearest name in a table. */
static const char *
suggest(struct parse *parse, const struct hashmap *map, struct str name)
{
    const char **names = alloc_array(map->count + 1, sizeof(*names));
    const char *word = arena_copy_str(parse->arena, name), *text;
    struct str key;
    void *value;
    size_t at = 0, count = 0;

    while (hashmap_next(map, &at, &key, &value))
        names[count++] = key.ptr;
    names[count] = NULL;
    text = parse_suggest(parse, word, names);
    alloc_free(names);
    return text;
}

static const char *
place_name(unsigned place)
{
    static const struct {
        unsigned places;
        const char *name;
    } names[] = {
        { PLACE_FE_CONNECTION | PLACE_FE_SESSION, "a tcp-request connection or session rule" },
        { PLACE_FE_CONTENT | PLACE_BE_CONTENT, "a tcp-request content rule" },
        { PLACE_REQUEST_RULES, "an http-request rule" },
        { PLACE_SWITCH, "a use_backend rule" },
        { PLACE_BE_SERVER, "server selection" },
        { PLACE_BE_CONNECT, "the connection to a server" },
        { PLACE_BE_RES_CONTENT | PLACE_FE_RES_CONTENT, "a tcp-response rule" },
        { PLACE_BE_RESPONSE | PLACE_FE_RESPONSE, "an http-response rule" },
        { PLACE_FE_LOG, "a log line" },
        { PLACE_CHECK, "a health check" },
        { PLACE_CLI, "a runtime command" },
        { PLACE_CONFIG, "the configuration itself" },
    };

    for (size_t i = 0; i < COUNT(names); i++) {
        if (names[i].places & place)
            return names[i].name;
    }
    return "this place";
}

/* HAProxy lets a misplaced fetch pass with a warning, because it just finds nothing there; so do
 * we. */
static void
check_place(struct parse *parse, const struct fetch *fetch, unsigned place)
{
    if (place == 0 || (fetch->places & place) != 0)
        return;
    parse_warn(parse, "'%s' finds nothing in %s: it is not known there", fetch->name,
               place_name(place));
}

static bool
parse_fetch(struct parse *parse, const char **text, unsigned place, struct sample *sample)
{
    struct str name = read_name(*text);
    struct error err = ERROR_INIT;
    struct arg *args;
    unsigned count;

    sample->fetch = fetch_find(name);
    if (sample->fetch == NULL)
        return parse_alert(parse, "unknown fetch '%.*s'%s", STR_ARG(name),
                           suggest(parse, &fetches, name));
    *text += name.len;
    if (!expr_args_parse(parse, text, sample->fetch->args, sample->fetch->name, &args, &count))
        return false;
    if (sample->fetch->check != NULL && !sample->fetch->check(parse, args, count, &err))
        return parse_alert(parse, "'%s': %s", sample->fetch->name, err.text);
    check_place(parse, sample->fetch, place);
    sample->args = args;
    sample->out = sample->fetch->out;
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
    struct str name = read_name(*text);
    const struct converter *conv = converter_find(name);
    struct error err = ERROR_INIT;
    struct arg *args;
    unsigned count;

    if (conv == NULL)
        return parse_alert(parse, "unknown converter '%.*s'%s", STR_ARG(name),
                           suggest(parse, &converters, name));
    if (!value_can_cast(sample->out, conv->in))
        return parse_alert(parse, "converter '%s' works on %s, which %s cannot become", conv->name,
                           value_type_name(conv->in), value_type_name(sample->out));
    *text += name.len;
    if (!expr_args_parse(parse, text, conv->args, conv->name, &args, &count))
        return false;
    if (conv->check != NULL && !conv->check(parse, args, count, &err))
        return parse_alert(parse, "'%s': %s", conv->name, err.text);
    add_step(parse, sample, (struct sample_step){ conv, args });
    if (conv->out != VALUE_SAME)
        sample->out = conv->out;
    return true;
}

struct sample *
sample_parse_text(struct parse *parse, const char *text, const char **end, unsigned place)
{
    struct sample *sample = ARENA_NEW(parse->arena, struct sample);
    const char *begin = text;

    if (!parse_fetch(parse, &text, place, sample))
        return NULL;
    while (*text == ',') {
        text++;
        if (!parse_converter(parse, &text, sample))
            return NULL;
    }
    sample->text = arena_copy_str(parse->arena, str_of(begin, (size_t)(text - begin)));
    sample->pos = parse_pos(parse);
    *end = text;
    return sample;
}

struct sample *
sample_parse(struct parse *parse, unsigned place)
{
    const char *word = parse_word(parse, "a sample expression");
    const char *end;
    struct sample *sample;

    if (word == NULL)
        return NULL;
    sample = sample_parse_text(parse, word, &end, place);
    if (sample == NULL)
        return NULL;
    if (*end != '\0') {
        parse_alert(parse, "unexpected '%s' at the end of the expression '%s'", end, word);
        return NULL;
    }
    return sample;
}

/* --- running -------------------------------------------------------------------------------- */

enum fetched
sample_run(const struct sample *sample, struct eval *eval, struct value *out)
{
    enum fetched result;
    uint8_t flags;

    out->flags = 0;
    result = sample->fetch->run(eval, sample->fetch, sample->args, out);
    if (result != FETCH_OK)
        return result == FETCH_LATER && eval->final ? FETCH_NONE : result;
    flags = out->flags;
    for (unsigned i = 0; i < sample->step_count; i++) {
        const struct sample_step *step = &sample->steps[i];

        if (!value_cast(out, step->conv->in, eval->arena) ||
            !step->conv->run(eval, step->conv, step->args, out)) {
            out->flags = flags & VALUE_MORE;
            return FETCH_NONE;
        }
    }
    out->flags |= flags & VALUE_MORE;
    return FETCH_OK;
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
