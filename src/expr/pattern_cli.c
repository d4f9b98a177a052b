/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands about lists of patterns: show, get, add, set, del, clear, prepare, commit.
 *
 * For:     people and tools at the runtime socket.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control.
 */
#include <stdlib.h>
#include <string.h>

#include "weir/base/number.h"
#include "weir/cli/command.h"
#include "weir/loop/grace.h"
#include "pattern_file.h"
#include "private.h"

typedef enum command_result list_fn(struct command_call *call, struct pattern_file *file,
                                    uint32_t version);

/* What a command was asked for; runs while the list is held. */
struct request {
    struct command_call *call;
    list_fn *run;
    enum pattern_columns columns;
    uint32_t version;
    const char *name;
    bool is_found;
};

static bool
is_map(const struct command_call *call)
{
    return strstr(call->command->name, " map") != NULL;
}

static const char *
kind_of(const struct command_call *call)
{
    return is_map(call) ? "map" : "ACL";
}

static enum command_result
say_unknown(struct command_call *call)
{
    return command_say(call, 3, "Unknown %s identifier. Please use #<id> or <file>.",
                       kind_of(call));
}

/* --- which list ---------------------------------------------------------------------------- */

static enum pattern_columns
columns_of(const struct pattern_use *use)
{
    return use->line != NULL ? PATTERN_KEYS : use->file->columns;
}

/* "#3", "path", "file@path", "opt@path" */
static bool
is_named(const struct pattern_use *use, const char *name)
{
    const struct pattern_file *file = use->file;
    int64_t id;

    if (name[0] == '#')
        return number_parse_int(str_from(name + 1), 0, UINT32_MAX, &id, NULL) && id == use->id;
    if (use->line != NULL)
        return false;
    if (file->path != NULL && (strncmp(name, "opt@", 4) == 0 || strncmp(name, "file@", 5) == 0))
        name = strchr(name, '@') + 1;
    return strcmp(file->name, name) == 0;
}

static bool
run_if_named(struct pattern_use *use, void *arg)
{
    struct request *request = arg;

    if (columns_of(use) != request->columns || !is_named(use, request->name))
        return true;
    request->is_found = true;
    request->run(request->call, pattern_use_open(use), request->version);
    return false;
}

/* The words "[@<version>] <list>", then `run`. `missing`: what is said when there is no list. */
static enum command_result
with_list(struct command_call *call, list_fn *run, const char *missing)
{
    struct request request = { .call = call, .run = run, .version = PATTERN_CURRENT };
    int64_t version;

    request.columns = is_map(call) ? PATTERN_MAP : PATTERN_KEYS;
    request.name = command_next(call);
    if (request.name != NULL && request.name[0] == '@') {
        if (!number_parse_int(str_from(request.name + 1), 0, UINT32_MAX - 1, &version, NULL))
            return command_say(call, 3, "'%s' is not a version: a number behind '@'.",
                               request.name);
        request.version = (uint32_t)version;
        request.name = command_next(call);
    }
    if (request.name == NULL)
        return missing != NULL ? command_say(call, 3, "%s", missing) : say_unknown(call);
    pattern_use_each(run_if_named, &request);
    return request.is_found ? COMMAND_DONE : say_unknown(call);
}

/* "#0x55..." names an entry. */
static bool
read_id(const char *word, uintptr_t *id)
{
    char *end;

    if (word[0] != '#' || word[1] != '0' || word[2] != 'x')
        return false;
    *id = (uintptr_t)strtoull(word + 1, &end, 16);
    return *end == '\0';
}

/* --- show ------------------------------------------------------------------------------------ */

/* Nobody has asked for it yet: there is no list to lock. */
static void
show_line(struct text *out, const struct pattern_use *use)
{
    const struct pattern_line *line = use->line;
    const struct pattern_file *file = use->file;

    text_printf(out, "%u () acl '%.*s' file '%s' line %d. curr_ver=%u next_ver=%u entry_cnt=%u\n",
                use->id, STR_ARG(line->name), line->pos.file, line->pos.line,
                file == NULL ? 0 : file->version, file == NULL ? 0 : file->next_version,
                file == NULL ? line->count : file->count);
}

static bool
show_list(struct pattern_use *use, void *arg)
{
    struct request *request = arg;
    struct pattern_file *file = use->file;

    if (columns_of(use) != request->columns)
        return true;
    if (file != NULL)
        lock_take(&file->lock);
    if (use->line != NULL)
        show_line(request->call->out, use);
    else
        text_printf(request->call->out,
                    "%u (%s) pattern loaded from file '%s' %s. curr_ver=%u next_ver=%u "
                    "entry_cnt=%u\n",
                    use->id, file->name, file->name, file->where, file->version,
                    file->next_version, file->count);
    if (file != NULL)
        lock_give(&file->lock);
    return true;
}

static enum command_result
show_entries(struct command_call *call, struct pattern_file *file, uint32_t version)
{
    lock_take(&file->lock);
    if (version == PATTERN_CURRENT)
        version = file->version;
    for (const struct pattern_entry *entry = file->first; entry != NULL; entry = entry->next) {
        if (entry->version != version)
            continue;
        text_printf(call->out, "%p %.*s", (const void *)entry, STR_ARG(entry->key));
        if (file->columns == PATTERN_MAP)
            text_printf(call->out, " %.*s", STR_ARG(entry->value->text));
        text_add_char(call->out, '\n');
    }
    lock_give(&file->lock);
    return COMMAND_DONE;
}

static enum command_result
run_show(struct command_call *call)
{
    struct request request = { .call = call,
                               .columns = is_map(call) ? PATTERN_MAP : PATTERN_KEYS };

    if (call->at < call->count)
        return with_list(call, show_entries, NULL);
    text_puts(call->out, "# id (file) description\n");
    pattern_use_each(show_list, &request);
    return COMMAND_DONE;
}

/* --- get ----------------------------------------------------------------------------------------- */

static bool
is_tree(enum match_method method, bool no_case)
{
    return method == MATCH_IP || ((method == MATCH_STR || method == MATCH_BEG) && !no_case);
}

static void
show_match(struct text *out, const struct pattern_file *file, const struct compiled *c,
           const struct pattern *pattern)
{
    bool is_map = file->columns == PATTERN_MAP;

    text_printf(out, "type=%s, case=%s", match_method_name(c->method),
                c->no_case ? "insensitive" : "sensitive");
    if (pattern == NULL) {
        text_printf(out, ", %s=no\n", is_map ? "found" : "match");
        return;
    }
    text_printf(out, ", %s=yes, idx=%s, %s=\"%.*s\"", is_map ? "found" : "match",
                is_tree(c->method, c->no_case) ? "tree" : "list", is_map ? "key" : "pattern",
                STR_ARG(pattern->entry->key));
    if (is_map)
        text_printf(out, ", value=\"%.*s\", type=\"%s\"", STR_ARG(pattern->entry->value->text),
                    (file->needs & 1u << VALUE_INT) != 0    ? "sint"
                    : (file->needs & 1u << VALUE_ADDR) != 0 ? "addr"
                                                            : "str");
    text_add_char(out, '\n');
}

static enum command_result
get_entry(struct command_call *call, struct pattern_file *file, uint32_t version)
{
    const char *key = command_next(call);
    struct arena arena;

    (void)version;
    if (key == NULL)
        return command_say(call, 3, "Missing %s identifier and/or key.", kind_of(call));
    arena_init(&arena);
    lock_take(&file->lock);
    for (const struct compiled *c = file->compiled; c != NULL; c = c->next) {
        struct value value = { .type = VALUE_STR, .str = str_from(key) };
        const struct pattern *pattern = NULL;

        if (value_cast(&value, match_method_type(c->method, VALUE_STR), &arena))
            pattern = pattern_set_find(c->list.set, &value);
        show_match(call->out, file, c, pattern);
    }
    lock_give(&file->lock);
    arena_give(&arena);
    return COMMAND_DONE;
}

static enum command_result
run_get(struct command_call *call)
{
    return with_list(call, get_entry,
                     is_map(call) ? "Missing map identifier and/or key."
                                  : "Missing ACL identifier and/or key.");
}

/* --- add -------------------------------------------------------------------------------------------- */

static struct str
cut_word(struct str *line)
{
    struct str word;
    size_t len = 0;

    *line = str_trim(*line);
    while (len < line->len && line->ptr[len] != ' ' && line->ptr[len] != '\t')
        len++;
    word = str_of(line->ptr, len);
    *line = str_trim(str_of(line->ptr + len, line->len - len));
    return word;
}

/* The next entry of a payload. False: there is none. */
static bool
next_entry(const struct pattern_file *file, struct str *rest, struct str *key, struct str *value)
{
    while (rest->ptr != NULL) {
        struct str line = str_trim(str_split(rest, '\n'));

        if (line.len == 0)
            continue;
        *key = file->columns == PATTERN_MAP ? cut_word(&line) : line;
        *value = file->columns == PATTERN_MAP ? line : STR("");
        return true;
    }
    return false;
}

/* All lines are looked at before the first is added. */
static enum command_result
add_payload(struct command_call *call, struct pattern_file *file, uint32_t version)
{
    struct str rest = call->payload, key, value;
    struct error err = ERROR_INIT;

    while (next_entry(file, &rest, &key, &value)) {
        if (file->columns == PATTERN_MAP && value.len == 0)
            return command_say(call, 3, "Missing value for key '%.*s'.", STR_ARG(key));
        if (!pattern_change_check(file, key, value, &err))
            return command_say(call, 3, "%s", err.text);
    }
    rest = call->payload;
    while (next_entry(file, &rest, &key, &value)) {
        if (!pattern_change_add(file, version, key, value, &err))
            return command_say(call, 3, "%s", err.text);
    }
    return COMMAND_DONE;
}

static enum command_result
say_add_usage(struct command_call *call)
{
    return command_say(call, 3, "%s",
                       is_map(call) ? "'add map' expects three parameters (map identifier, key "
                                      "and value) or one parameter (map identifier) and a payload"
                                    : "'add acl' expects two parameters: ACL identifier and "
                                      "pattern.");
}

static enum command_result
add_entry(struct command_call *call, struct pattern_file *file, uint32_t version)
{
    const char *key, *value;
    struct error err = ERROR_INIT;

    if (call->payload.ptr != NULL)
        return add_payload(call, file, version);
    key = command_next(call);
    value = is_map(call) ? command_next(call) : "";
    if (key == NULL || value == NULL)
        return say_add_usage(call);
    if (!pattern_change_add(file, version, str_from(key), str_from(value), &err))
        return command_say(call, 3, "%s", err.text);
    return COMMAND_DONE;
}

static enum command_result
run_add(struct command_call *call)
{
    if (call->at == call->count)
        return say_add_usage(call);
    return with_list(call, add_entry, NULL);
}

/* --- set, del ---------------------------------------------------------------------------------------- */

static enum command_result
say_set_usage(struct command_call *call)
{
    return command_say(call, 3,
                       "'set map' expects three parameters: map identifier, key and value.");
}

static enum command_result
set_entry(struct command_call *call, struct pattern_file *file, uint32_t version)
{
    const char *key = command_next(call), *value = key == NULL ? NULL : command_next(call);
    struct error err = ERROR_INIT;
    uintptr_t id;

    (void)version;
    if (value == NULL)
        return say_set_usage(call);
    if (key[0] == '#') {
        if (!read_id(key, &id))
            return command_say(call, 3, "Malformed identifier. Please use #<id> or <file>.");
        if (!pattern_change_set_id(file, id, str_from(value), &err))
            return command_say(call, 3, "%s",
                               err.text[0] == '\0' ? "key or pattern not found." : err.text);
        return COMMAND_DONE;
    }
    if (!pattern_change_set(file, str_from(key), str_from(value), &err))
        return command_say(call, 3, "%s", err.text[0] == '\0' ? "entry not found." : err.text);
    return COMMAND_DONE;
}

static enum command_result
run_set(struct command_call *call)
{
    return call->at == call->count ? say_set_usage(call) : with_list(call, set_entry, NULL);
}

static enum command_result
remove_entry(struct command_call *call, struct pattern_file *file, uint32_t version)
{
    const char *key = command_next(call);
    uintptr_t id;
    bool is_found;

    if (key == NULL)
        return command_say(call, 3, "This command expects two parameters: %s identifier and key.",
                           kind_of(call));
    if (key[0] == '#' && !read_id(key, &id))
        return command_say(call, 3, "Malformed identifier. Please use #<id> or <file>.");
    is_found = key[0] == '#' ? pattern_change_remove_id(file, id)
                             : pattern_change_remove(file, version, str_from(key));
    return is_found ? COMMAND_DONE : command_say(call, 3, "Key not found.");
}

static enum command_result
run_del(struct command_call *call)
{
    return with_list(call, remove_entry,
                     is_map(call) ? "This command expects two parameters: map identifier and key."
                                  : "This command expects two parameters: ACL identifier and key.");
}

/* --- clear, versions ------------------------------------------------------------------------------------ */

static enum command_result
clear_entries(struct command_call *call, struct pattern_file *file, uint32_t version)
{
    (void)call;
    pattern_change_clear(file, version);
    return COMMAND_DONE;
}

static enum command_result
run_clear(struct command_call *call)
{
    return with_list(call, clear_entries,
                     is_map(call) ? "Missing map identifier." : "Missing ACL identifier.");
}

static enum command_result
prepare_version(struct command_call *call, struct pattern_file *file, uint32_t version)
{
    (void)version;
    return command_say(call, 6, "New version created: %u", pattern_change_prepare(file));
}

static enum command_result
run_prepare(struct command_call *call)
{
    return with_list(call, prepare_version, NULL);
}

static enum command_result
commit_version(struct command_call *call, struct pattern_file *file, uint32_t version)
{
    struct error err = ERROR_INIT;

    if (!pattern_change_commit(file, version, &err))
        return command_say(call, 3, "%s", err.text);
    return COMMAND_DONE;
}

static enum command_result
run_commit(struct command_call *call)
{
    if (call->at == call->count || call->words[call->at][0] != '@')
        return command_say(call, 3, "Missing version number.");
    return with_list(call, commit_version, NULL);
}

static const struct command commands[] = {
    { "show acl", "[[@<ver>] <acl>]", LEVEL_USER, run_show,
      "report ACL lists, or the patterns of one" },
    { "show map", "[[@<ver>] <map>]", LEVEL_USER, run_show,
      "report maps, or the entries of one" },
    { "get acl", "<acl> <value>", LEVEL_USER, run_get, "look a value up in an ACL's list" },
    { "get map", "<map> <value>", LEVEL_USER, run_get, "look a value up in a map" },
    { "add acl", "[@<ver>] <acl> <pattern>", LEVEL_USER, run_add, "add a pattern" },
    { "add map", "[@<ver>] <map> <key> <val>", LEVEL_USER, run_add,
      "add an entry, or those of a payload" },
    { "set map", "<map> [<key>|#<ref>] <value>", LEVEL_USER, run_set,
      "change the value of an entry" },
    { "del acl", "<acl> [<key>|#<ref>]", LEVEL_USER, run_del, "remove a pattern" },
    { "del map", "<map> [<key>|#<ref>]", LEVEL_USER, run_del, "remove an entry" },
    { "clear acl", "[@<ver>] <acl>", LEVEL_USER, run_clear, "remove all patterns" },
    { "clear map", "[@<ver>] <map>", LEVEL_USER, run_clear, "remove all entries" },
    { "prepare acl", "<acl>", LEVEL_USER, run_prepare, "begin a new version of a list" },
    { "prepare map", "<map>", LEVEL_USER, run_prepare, "begin a new version of a map" },
    { "commit acl", "@<ver> <acl>", LEVEL_USER, run_commit, "make a version the current one" },
    { "commit map", "@<ver> <map>", LEVEL_USER, run_commit, "make a version the current one" },
};
REGISTER(command, commands);
