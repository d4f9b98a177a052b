/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set anon, show anon: names as numbers, for this session.
 *
 * For:     people who send answers to others.
 * Owns:    the key of all sessions.
 * Callers: the runtime socket.
 * Thread:  control.
 */
#include <string.h>

#include "weir/base/entropy.h"
#include "weir/base/number.h"
#include "weir/cli/anon.h"
#include "private.h"

static uint32_t global_key; /* 0: none */

static bool
parse_key(const char *word, uint32_t *key)
{
    int64_t value;

    if (word == NULL || !number_parse_int(str_from(word), 0, UINT32_MAX, &value, NULL))
        return false;
    *key = (uint32_t)value;
    return true;
}

static enum command_result
run_on(struct command_call *call)
{
    const char *word = command_next(call);
    uint32_t key = global_key;

    if (word != NULL && (!parse_key(word, &key) || key == 0))
        return command_say(call, 3, "'set anon on' expects a number from 1.");
    if (key == 0)
        key = (uint32_t)entropy_below(UINT32_MAX - 1) + 1;
    call->session->anon_key = key;
    return COMMAND_DONE;
}

static enum command_result
run_off(struct command_call *call)
{
    call->session->anon_key = 0;
    return COMMAND_DONE;
}

static enum command_result
run_global_key(struct command_call *call)
{
    if (!parse_key(command_next(call), &global_key))
        return command_say(call, 3, "'set anon global-key' expects a number; 0: none.");
    return COMMAND_DONE;
}

static enum command_result
run_show(struct command_call *call)
{
    if (call->anon_key == 0)
        return command_say(call, 6, "Anonymized mode disabled");
    text_printf(call->out, "Anonymized mode enabled\nKey : %u\n", call->anon_key);
    return COMMAND_DONE;
}

/* What a word becomes, so that it can be found in an answer. */
static enum command_result
run_hash(struct command_call *call)
{
    const char *word = command_next(call);
    char room[ANON_NAME_MAX];

    return command_say(call, 6, "%s", word == NULL ? "" : anon_name(call->anon_key, word, room));
}

static const struct command commands[] = {
    { "set anon on", "[<key>]", LEVEL_USER, run_on,
      "show numbers in the place of names of proxies and servers" },
    { "set anon off", NULL, LEVEL_USER, run_off, "show names again" },
    { "set anon global-key", "<key>", LEVEL_ADMIN, run_global_key,
      "the key of sessions that name none; 0: a random one" },
    { "show anon", NULL, LEVEL_USER, run_show, "whether names are shown as numbers" },
    { "debug dev hash", "[<text>]", LEVEL_USER, run_hash,
      "what a name is shown as after 'set anon on'" },
};
REGISTER(command, commands);
