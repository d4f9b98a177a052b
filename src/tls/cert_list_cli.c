/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of certificates at run time: show, add, del.
 *
 * For:     people, and the deploy hooks of ACME clients.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control.
 *
 * The words are HAProxy's: tools look for them. The file itself is never written.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/number.h"
#include "weir/cli/command.h"
#include "weir/tls/cert_store.h"
#include "private.h"

static void
show_lists(struct text *out)
{
    size_t count;
    const char **lists = cert_store_lists(&count);

    for (size_t i = 0; i < count; i++)
        text_printf(out, "%s\n", lists[i]);
    alloc_free(lists);
}

static enum command_result
run_show(struct command_call *call)
{
    bool with_line = command_accept(call, "-n");
    const char *list = command_next(call);
    const struct cert_use *use;

    if (list == NULL) {
        show_lists(call->out);
        return COMMAND_DONE;
    }
    use = cert_store_list(list);
    if (!cert_store_has_list(list))
        return command_say(call, 3, "didn't find the specified filename");
    text_printf(call->out, "# %s\n", list);
    for (; use != NULL; use = use->next) {
        if (use->list == NULL || strcmp(use->list, list) != 0)
            continue;
        cert_use_print(use, call->out, with_line);
        text_add_char(call->out, '\n');
    }
    return COMMAND_DONE;
}

static enum command_result
add_use(struct command_call *call, const char *list, struct cert_use *use, const char *path)
{
    struct tls_cert *cert = cert_store_find(path);

    if (!cert_store_has_list(list) || cert == NULL || cert->x509 == NULL) {
        if (!cert_store_has_list(list))
            command_say(call, 3, "Can't edit the crt-list: crt-list '%s' does not exist!", list);
        else
            command_say(call, 3, "Can't edit the crt-list: certificate '%s' %s!", path,
                        cert == NULL ? "does not exist" : "is empty");
        cert_use_free(use);
        return COMMAND_DONE;
    }
    tls_cert_hold(cert);
    use->cert = cert;
    text_printf(call->out, "Inserting certificate '%s' in crt-list '%s'.\nSuccess!\n", path, list);
    cert_store_list_add(list, use);
    return COMMAND_DONE;
}

static enum command_result
run_add(struct command_call *call)
{
    const char *list = command_next(call), *word = command_next(call);
    struct error err = ERROR_INIT;
    struct str line = call->payload;
    struct cert_use *use;
    char *path;

    if (list == NULL || (word == NULL && line.ptr == NULL))
        return command_say(call, 3, "'add ssl crtlist' expects a filename and a certificate name");
    if (line.ptr == NULL)
        line = str_from(word);
    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    if (str_find_char(line, '\n') >= 0)
        return command_say(call, 3, "Can't edit the crt-list: more than 1 line!");
    use = cert_use_parse(line, NULL, &path, &err);
    if (use == NULL)
        return command_say(call, 3, "Can't edit the crt-list: %s",
                           err.text[0] == '\0' ? "empty line!" : err.text);
    add_use(call, list, use, path);
    alloc_free(path);
    return COMMAND_DONE;
}

/* "<path>:<line>" to both; without a line it is 0. */
static unsigned
cut_line(char *path)
{
    char *colon = strrchr(path, ':');
    int64_t line;

    if (colon == NULL || !number_parse_int(str_from(colon + 1), 1, UINT32_MAX, &line, NULL))
        return 0;
    *colon = '\0';
    return (unsigned)line;
}

static enum command_result
delete_use(struct command_call *call, const char *list, const char *path, unsigned line)
{
    if (!cert_store_has_list(list))
        return command_say(call, 3, "Can't delete the entry: crt-list '%s' does not exist!", list);
    if (cert_store_find(path) == NULL)
        return command_say(call, 3, "Can't delete the entry: certificate '%s' does not exist!",
                           path);
    if (!cert_store_list_remove(list, path, line))
        return command_say(
            call, 3,
            "Can't delete the entry: certificate '%s' can't be found in crt-list '%s'!", path, list);
    return command_say(call, 5, "Entry '%s' deleted in crtlist '%s'!", path, list);
}

static enum command_result
run_del(struct command_call *call)
{
    const char *list = command_next(call), *word = command_next(call);
    unsigned line;
    char *path;

    if (word == NULL)
        return command_say(call, 3, "'del ssl crtlist' expects a filename and a certificate name");
    path = alloc_copy(word);
    line = cut_line(path);
    delete_use(call, list, path, line);
    alloc_free(path);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show ssl crt-list", "[-n] [<list>]", LEVEL_OPERATOR, run_show,
      "list the crt-lists, or tell the lines of one; -n: with their numbers" },
    { "add ssl crt-list", "<list> <certfile>|<payload>", LEVEL_ADMIN, run_add,
      "add a certificate to a crt-list, or a whole line as payload" },
    { "del ssl crt-list", "<list> <certfile>[:<line>]", LEVEL_ADMIN, run_del,
      "remove a certificate from a crt-list" },
};
REGISTER(command, commands);
