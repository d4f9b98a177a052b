/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of rules: which one has decided, which one must wait.
 *
 * For:     logs that say why a request was refused, or what it hung on.
 * Thread:  owner of the stream.
 */
#include "private.h"

enum which { RULE_LAST, RULE_WAITING };

/* NULL: none. */
static const struct source_pos *
find_pos(const struct eval *eval, intptr_t which)
{
    const struct stream *s = eval->stream;
    const struct rule *rule;

    if (s == NULL)
        return NULL;
    rule = which == RULE_LAST ? s->last_rule : s->waiting_rule;
    return rule == NULL ? NULL : &rule->action->pos;
}

static enum fetched
run_file(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct source_pos *pos = find_pos(eval, fetch->private);

    (void)args;
    return pos == NULL ? FETCH_NONE : fetched_str(out, str_from(pos->file));
}

static enum fetched
run_line(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct source_pos *pos = find_pos(eval, fetch->private);

    (void)args;
    return pos == NULL ? FETCH_NONE : fetched_int(out, pos->line);
}

static enum fetched
run_entity(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct source_pos *pos = find_pos(eval, fetch->private);

    (void)args;
    if (pos == NULL)
        return FETCH_NONE;
    return fetched_str(out, str_from(arena_printf(eval->arena, "%s:%d", pos->file, pos->line)));
}

#define NO_ARGS                                                                                    \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static const struct fetch fetches[] = {
    { "last_rule_file", VALUE_STR, PLACE_L4, NO_ARGS, run_file, RULE_LAST,
      .help = "File of the last rule that ended the evaluation of a rule set." },
    { "last_rule_line", VALUE_INT, PLACE_L4, NO_ARGS, run_line, RULE_LAST,
      .help = "Line of the last rule that ended the evaluation of a rule set." },
    { "last_entity", VALUE_STR, PLACE_L4, NO_ARGS, run_entity, RULE_LAST,
      .help = "What ended the evaluation of a rule set: file and line of a rule." },
    { "waiting_entity", VALUE_STR, PLACE_L4, NO_ARGS, run_entity, RULE_WAITING,
      .help = "What the stream waited for when it ended: file and line of a rule." },
};
REGISTER(fetch, fetches);
