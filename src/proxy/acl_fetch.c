/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fetch acl: what named ACLs say, as a value.
 *
 * Thread: builder finds them; traffic tests.
 */
#include "weir/expr/condition.h"
#include "weir/expr/sample.h"

#include "private.h"

/* The names become the words of a condition, which is read as any other. */
static bool
check_acl(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    const struct proxy_conf *conf = parse->object;
    struct word items[ARGS_MAX];
    struct words words = *parse->words;
    struct parse inner = *parse;

    if (parse->section == NULL || (parse->section->place & IN_PROXY) == 0)
        return error_set(err, "named acls stand in frontends, backends and the like");
    words.items = items;
    words.at = words.count = 0;
    for (unsigned i = 0; i < count && i < ARGS_MAX && arg_is_given(&args[i]); i++)
        items[words.count++] = (struct word){ .text = args[i].str.ptr };
    inner.words = &words;
    args[0].ptr = condition_parse(&inner, conf->acls, 0, false);
    return args[0].ptr != NULL || error_set(err, "its acls cannot be used");
}

static enum fetched
run_acl(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    enum truth truth = condition_test(args[0].ptr, eval);

    (void)fetch;
    if (truth == TRUTH_LATER)
        return FETCH_LATER;
    return fetched_bool(out, truth == TRUTH_YES);
}

#define OPTIONAL                                                                                   \
    {                                                                                              \
        ARG_STR, true                                                                              \
    }

static const struct fetch fetches[] = {
    { "acl", VALUE_BOOL, PLACE_L4,
      { { ARG_STR }, OPTIONAL, OPTIONAL, OPTIONAL, OPTIONAL, OPTIONAL, OPTIONAL, OPTIONAL, OPTIONAL,
        OPTIONAL, OPTIONAL, OPTIONAL },
      run_acl, 0, check_acl, "Are all these named acls true? \"!name\": is it false?" },
};
REGISTER(fetch, fetches);
