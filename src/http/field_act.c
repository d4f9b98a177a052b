/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions on header fields: set-header, add-header, del-header, replace-header, replace-value; and
 * on the start line: set-method, set-path, set-pathq, set-query, set-uri, set-status.
 *
 * Thread: builder reads; traffic runs.
 */
#include <string.h>

#include "weir/base/number.h"
#include "weir/base/regex.h"
#include "weir/expr/regex_conf.h"
#include "weir/expr/log_format.h"
#include "weir/http/message.h"
#include "weir/http/start_line.h"
#include "weir/http/validate.h"
#include "weir/rules/action.h"

enum field_op { OP_SET, OP_ADD, OP_REPLACE_HEADER, OP_REPLACE_VALUE };
enum name_match { NAME_IS, NAME_BEGINS, NAME_ENDS, NAME_CONTAINS, NAME_REGEX };

struct field_action {
    enum field_op op;
    struct str name; /* lower case */
    enum field_name id;
    enum name_match match;
    struct regex *regex;
    const struct log_format *format;
};

static struct message *
message_of(const struct action *action, struct eval *eval)
{
    return action->hook == HOOK_HTTP_REQUEST ? eval->request : eval->response;
}

/* --- set, add ---------------------------------------------------------------------------- */

static enum verdict
run_set(const struct action *action, struct eval *eval)
{
    const struct field_action *f = action->data;
    struct message *msg = message_of(action, eval);
    struct str value;

    if (msg == NULL)
        return VERDICT_CONTINUE;
    value = log_format_to_str(f->format, eval);
    if (value.ptr == NULL)
        return VERDICT_FAILED;
    if (f->op == OP_SET)
        message_remove_fields(msg, f->name);
    return message_add_field(msg, f->id, f->name, value) ? VERDICT_CONTINUE : VERDICT_FAILED;
}

/* --- delete -------------------------------------------------------------------------------- */

static bool
name_fits(const struct field_action *f, struct str name)
{
    switch (f->match) {
    case NAME_IS:
        return str_eq(name, f->name);
    case NAME_BEGINS:
        return str_starts(name, f->name);
    case NAME_ENDS:
        return str_ends(name, f->name);
    case NAME_CONTAINS:
        return str_find(name, f->name, 0) >= 0;
    case NAME_REGEX:
        return regex_match(f->regex, name);
    }
    return false;
}

static enum verdict
run_delete(const struct action *action, struct eval *eval)
{
    const struct field_action *f = action->data;
    struct message *msg = message_of(action, eval);

    if (msg == NULL)
        return VERDICT_CONTINUE;
    if (f->match == NAME_IS) {
        message_remove_fields(msg, f->name);
        return VERDICT_CONTINUE;
    }
    for (uint32_t i = 0; i < msg->count; i++) {
        if (msg->fields[i].name_len > 0 && name_fits(f, field_name_str(&msg->fields[i])))
            message_remove_field(msg, i);
    }
    return VERDICT_CONTINUE;
}

/* --- replace -------------------------------------------------------------------------------- */

/* One piece of text through the regex; *out stays as it is where it does not match. */
static bool
replace_text(const struct field_action *f, struct eval *eval, struct str text, struct str *out)
{
    struct str groups[REGEX_GROUPS_MAX], format;
    int count = regex_capture(f->regex, text, 0, groups);
    size_t len;
    char *copy;

    *out = text;
    if (count <= 0)
        return true;
    format = log_format_to_str(f->format, eval);
    if (format.ptr == NULL)
        return false;
    len = (size_t)regex_expand(NULL, SIZE_MAX, format, groups, count);
    copy = arena_take(eval->arena, len + 1);
    if (copy == NULL)
        return false;
    regex_expand(copy, len, format, groups, count);
    *out = str_of(copy, len);
    return true;
}

/* b behind a. */
static bool
append(struct eval *eval, struct str *a, struct str b)
{
    char *both = arena_take(eval->arena, a->len + b.len + 1);

    if (both == NULL)
        return false;
    if (a->len > 0)
        memcpy(both, a->ptr, a->len);
    if (b.len > 0)
        memcpy(both + a->len, b.ptr, b.len);
    *a = str_of(both, a->len + b.len);
    return true;
}

/* Each part between commas on its own; those that do not match stay as they are, with their blanks.
 */
static bool
replace_parts(const struct field_action *f, struct eval *eval, struct str rest, struct str *out)
{
    struct str joined = STR("");
    bool is_first = true;

    while (rest.ptr != NULL) {
        struct str part = str_split(&rest, ','), trimmed = str_trim(part), now;

        if (!replace_text(f, eval, trimmed, &now) ||
            (!is_first && !append(eval, &joined, STR(","))) ||
            !append(eval, &joined, now.ptr == trimmed.ptr ? part : now))
            return false;
        is_first = false;
    }
    *out = joined;
    return true;
}

static enum verdict
run_replace(const struct action *action, struct eval *eval)
{
    const struct field_action *f = action->data;
    struct message *msg = message_of(action, eval);
    int at = msg == NULL ? -1 : message_find_field_name(msg, f->name, 0);

    for (; at >= 0; at = message_find_field_name(msg, f->name, (uint32_t)at + 1)) {
        struct str before = field_value(&msg->fields[at]), after;
        bool fine = f->op == OP_REPLACE_VALUE ? replace_parts(f, eval, before, &after)
                                              : replace_text(f, eval, before, &after);

        if (!fine)
            return VERDICT_FAILED;
        if (after.ptr != before.ptr)
            message_replace_value(msg, (uint32_t)at, after);
    }
    return VERDICT_CONTINUE;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool
parse_field_name(struct parse *parse, struct field_action *f)
{
    const char *name = parse_word(parse, "the name of a header field");
    char *lower;

    if (name == NULL)
        return false;
    lower = arena_copy(parse->arena, name);
    for (char *c = lower; *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        if (*c <= ' ' || *c == ':' || *c == 127)
            return parse_alert(parse, "'%s' cannot be the name of a header field", name);
    }
    f->name = str_from(lower);
    f->id = field_name_find(lower, f->name.len);
    return true;
}

static bool
parse_format(struct parse *parse, const struct action *action, const struct log_format **out)
{
    const char *text = parse_word(parse, "a format");

    if (text == NULL)
        return false;
    *out = log_format_parse(parse, text, action->place, FORMAT_IS_HEADER);
    return *out != NULL;
}

static bool
parse_regex(struct parse *parse, struct field_action *f)
{
    const char *text = parse_word(parse, "a regular expression");
    struct error err = ERROR_INIT;

    if (text == NULL)
        return false;
    f->regex = regex_conf_compile(parse, str_from(text), REGEX_CASE, &err);
    return f->regex != NULL || parse_alert(parse, "regular expression '%s': %s", text, err.text);
}

static bool
parse_set_field(struct parse *parse, struct action *action)
{
    struct field_action *f = ARENA_NEW(parse->arena, struct field_action);

    action->data = f;
    action->run = run_set;
    f->op = strcmp(action->kind->name, "set-header") == 0 ? OP_SET : OP_ADD;
    return parse_field_name(parse, f) && parse_format(parse, action, &f->format);
}

static bool
parse_del_field(struct parse *parse, struct action *action)
{
    static const char *const names[] = { "str", "beg", "end", "sub", "reg", NULL };
    struct field_action *f = ARENA_NEW(parse->arena, struct field_action);
    const char *pattern = words_peek(parse->words);
    struct error err = ERROR_INIT;
    int match = 0;

    action->data = f;
    action->run = run_delete;
    if (pattern != NULL && parse->words->at + 1 < parse->words->count &&
        strcmp(parse->words->items[parse->words->at + 1].text, "-m") == 0) {
        parse->words->at += 2;
        if (!parse_choice(parse, "str, beg, end, sub or reg", names, &match))
            return false;
        f->match = (enum name_match)match;
        f->name = str_from(pattern);
        if (f->match != NAME_REGEX)
            return true;
        f->regex = regex_conf_compile(parse, f->name, REGEX_NOCASE, &err);
        return f->regex != NULL ||
               parse_alert(parse, "regular expression '%s': %s", pattern, err.text);
    }
    return parse_field_name(parse, f);
}

static bool
parse_replace_field(struct parse *parse, struct action *action)
{
    struct field_action *f = ARENA_NEW(parse->arena, struct field_action);

    action->data = f;
    action->run = run_replace;
    f->op = strcmp(action->kind->name, "replace-value") == 0 ? OP_REPLACE_VALUE : OP_REPLACE_HEADER;
    return parse_field_name(parse, f) && parse_regex(parse, f) &&
           parse_format(parse, action, &f->format);
}

/* --- the start line ------------------------------------------------------------------------------
 */

struct line_action {
    enum line_part part;
    const struct log_format *format;
    const struct regex *regex; /* replace-path and the like; NULL: set */
};

static enum verdict
run_line(const struct action *action, struct eval *eval)
{
    const struct line_action *line = action->data;
    struct message *msg = eval->request;
    struct str value;

    if (msg == NULL)
        return VERDICT_CONTINUE;
    if (line->regex != NULL) {
        struct field_action f = { .regex = (struct regex *)line->regex, .format = line->format };
        struct str before = line->part == LINE_PATH  ? message_path_only(msg)
                            : line->part == LINE_URI ? msg->target
                                                     : msg->path;

        if (!replace_text(&f, eval, before, &value))
            return VERDICT_FAILED;
        if (value.ptr == before.ptr)
            return VERDICT_CONTINUE;
    } else {
        value = log_format_to_str(line->format, eval);
    }
    if (value.ptr == NULL || (value.len == 0 && line->part != LINE_QUERY))
        return VERDICT_FAILED;
    return message_set_part(msg, line->part, value) ? VERDICT_CONTINUE : VERDICT_FAILED;
}

static enum line_part
part_of(const char *name)
{
    name = strchr(name, '-') + 1;
    return strcmp(name, "method") == 0  ? LINE_METHOD
           : strcmp(name, "path") == 0  ? LINE_PATH
           : strcmp(name, "pathq") == 0 ? LINE_PATHQ
           : strcmp(name, "query") == 0 ? LINE_QUERY
                                        : LINE_URI;
}

static bool
parse_start_line(struct parse *parse, struct action *action)
{
    struct line_action *line = ARENA_NEW(parse->arena, struct line_action);

    action->data = line;
    action->run = run_line;
    line->part = part_of(action->kind->name);
    if (strncmp(action->kind->name, "replace-", 8) == 0) {
        struct field_action f = { 0 };

        if (!parse_regex(parse, &f))
            return false;
        line->regex = f.regex;
    }
    return parse_format(parse, action, &line->format);
}

static enum verdict
run_status(const struct action *action, struct eval *eval)
{
    if (eval->response == NULL)
        return VERDICT_CONTINUE;
    eval->response->status = (uint16_t)action->number;
    eval->response->reason = action->data != NULL ? str_from(action->data)
                                                  : str_from(status_reason((int)action->number));
    return VERDICT_CONTINUE;
}

static bool
parse_status(struct parse *parse, struct action *action)
{
    int64_t status;

    if (!parse_int(parse, "a status", 100, 999, &status))
        return false;
    action->run = run_status;
    action->number = status;
    if (words_accept(parse->words, "reason"))
        return (action->data = (void *)parse_word(parse, "a reason")) != NULL;
    return true;
}

#define ON_RESPONSES (ON(HOOK_HTTP_RESPONSE) | ON(HOOK_HTTP_AFTER_RESPONSE))

static const struct action_kind kinds[] = {
    { "set-header", HOOKS_HTTP, .args = "<name> <format>", .parse = parse_set_field,
      .help = "Put this header field in place of all of its name." },
    { "add-header", HOOKS_HTTP, .args = "<name> <format>", .parse = parse_set_field,
      .help = "Add a header field." },
    { "del-header", HOOKS_HTTP, .args = "<name> [-m <method>]", .parse = parse_del_field,
      .help = "Remove all header fields of this name." },
    { "replace-header", HOOKS_HTTP, .args = "<name> <regex> <format>", .parse = parse_replace_field,
      .help = "Rewrite header fields that match." },
    { "replace-value", HOOKS_HTTP, .args = "<name> <regex> <format>", .parse = parse_replace_field,
      .help = "Rewrite the parts between commas that match." },
    { "set-method", ON(HOOK_HTTP_REQUEST), .args = "<format>", .parse = parse_start_line,
      .help = "Change the method." },
    { "set-path", ON(HOOK_HTTP_REQUEST), .args = "<format>", .parse = parse_start_line,
      .help = "Change the path; the query stays." },
    { "set-pathq", ON(HOOK_HTTP_REQUEST), .args = "<format>", .parse = parse_start_line,
      .help = "Change path and query." },
    { "set-query", ON(HOOK_HTTP_REQUEST), .args = "<format>", .parse = parse_start_line,
      .help = "Change the query." },
    { "set-uri", ON(HOOK_HTTP_REQUEST), .args = "<format>", .parse = parse_start_line,
      .help = "Change the whole target." },
    { "replace-path", ON(HOOK_HTTP_REQUEST), .args = "<regex> <format>", .parse = parse_start_line,
      .help = "Rewrite the path if it matches; the query stays." },
    { "replace-pathq", ON(HOOK_HTTP_REQUEST), .args = "<regex> <format>", .parse = parse_start_line,
      .help = "Rewrite path and query if they match." },
    { "replace-uri", ON(HOOK_HTTP_REQUEST), .args = "<regex> <format>", .parse = parse_start_line,
      .help = "Rewrite the whole target if it matches." },
    { "set-status", ON_RESPONSES, .args = "<status> [reason <text>]", .parse = parse_status,
      .help = "Change the status of the response." },
};
REGISTER(action_kind, kinds);
