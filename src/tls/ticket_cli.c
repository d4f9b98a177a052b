/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of tickets at run time: show tls-keys, set ssl tls-key.
 *
 * For:     several weirs that share keys (tls-ticket-keys), which are told a new one every few hours.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control.
 *
 * A file has a number: that of its first bind line among those with other files.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/encode.h"
#include "weir/base/number.h"
#include "weir/cli/command.h"
#include "weir/config/snapshot.h"
#include "weir/loop/grace.h"
#include "private.h"

/* The bind lines with keys of their own, one for each file, in the order of the configuration. Freed with
 * alloc_free(). */
static const struct tls_bind_conf **
lines_with_keys(size_t *count)
{
    const struct tls_bind_conf **lines = NULL, *conf = tls_globals_of(snapshot_current())->binds;
    size_t all = 0;

    *count = 0;
    for (; conf != NULL; conf = conf->next) { /* the last line is the first */
        if (conf->ticket_keys == NULL || conf->context == NULL)
            continue;
        lines = alloc_resize(lines, (all + 1) * sizeof(*lines));
        memmove(lines + 1, lines, all++ * sizeof(*lines));
        lines[0] = conf;
    }
    for (size_t i = 0; i < all; i++) {
        size_t at = 0;

        while (at < *count && strcmp(lines[at]->ticket_keys, lines[i]->ticket_keys) != 0)
            at++;
        if (at == *count)
            lines[(*count)++] = lines[i];
    }
    return lines;
}

/* "#<number>" or a path; -1: unknown. */
static long
find_line(const struct tls_bind_conf **lines, size_t count, const char *id)
{
    int64_t number;

    if (*id == '#')
        return number_parse_int(str_from(id + 1), 0, INT32_MAX, &number, NULL) &&
                       (size_t)number < count
                   ? (long)number
                   : -1;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(lines[i]->ticket_keys, id) == 0)
            return (long)i;
    }
    return -1;
}

static void
show_keys(struct text *out, const struct tls_bind_conf *line, size_t number)
{
    text_printf(out, "# %zu (%s)\n", number, line->ticket_keys);
    ticket_file_show(line->context->tickets, number, out);
}

static enum command_result
run_show(struct command_call *call)
{
    const char *id = command_next(call);
    bool shows_all = id != NULL && strcmp(id, "*") == 0;
    size_t count;
    const struct tls_bind_conf **lines = lines_with_keys(&count);
    long at = id == NULL || shows_all ? 0 : find_line(lines, count, id);

    if (at < 0)
        command_say(call, 3, "'show tls-keys' unable to locate referenced filename");
    else
        text_puts(call->out, id == NULL ? "# id (file)\n" : "# id secret\n");
    for (size_t i = 0; at >= 0 && i < count; i++) {
        if (id == NULL)
            text_printf(call->out, "%zu (%s)\n", i, lines[i]->ticket_keys);
        else if (shows_all || (size_t)at == i)
            show_keys(call->out, lines[i], i);
    }
    alloc_free(lines);
    return COMMAND_DONE;
}

/* All lines with that file. */
static void
publish(const char *path, struct str key)
{
    const struct tls_bind_conf *conf = tls_globals_of(snapshot_current())->binds;

    for (; conf != NULL; conf = conf->next) {
        struct ticket_file *before;

        if (conf->ticket_keys == NULL || conf->context == NULL ||
            strcmp(conf->ticket_keys, path) != 0)
            continue;
        before = conf->context->tickets;
        grace_publish(conf->context->tickets, ticket_file_push(before, key));
        grace_free_later(before, ticket_file_free_later);
    }
}

static enum command_result
run_set(struct command_call *call)
{
    const char *id = command_next(call), *word = command_next(call);
    const struct tls_bind_conf **lines;
    struct str key = word == NULL ? STR("") : str_from(word);
    char bytes[TICKET_KEY_MAX];
    size_t count, len = 0;
    long at;

    if (word == NULL)
        return command_say(call, 3, "'set ssl tls-key' expects a filename and the new TLS key in "
                                    "base64 encoding.");
    lines = lines_with_keys(&count);
    at = find_line(lines, count, id);
    if (at < 0)
        command_say(call, 3, "'set ssl tls-key' unable to locate referenced filename");
    else if (key.len > sizeof(bytes) / 3 * 4 || !base64_decode(bytes, &len, key))
        command_say(call, 3, "'set ssl tls-key' received invalid base64 encoded TLS key.");
    else if (!ticket_file_takes(lines[at]->context->tickets, len))
        command_say(call, 3, "'set ssl tls-key' received a key of wrong size.");
    else {
        publish(lines[at]->ticket_keys, str_of(bytes, len));
        command_say(call, 6, "TLS ticket key updated!");
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    alloc_free(lines);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show tls-keys", "[<id>|*]", LEVEL_ADMIN, run_show,
      "list the files with keys of tickets, or the keys of one (#<number> or its path) or of all" },
    { "set ssl tls-key", "<id> <key>", LEVEL_ADMIN, run_set,
      "the last key seals tickets from now on, this one is the next; the oldest goes" },
};
REGISTER(command, commands);
