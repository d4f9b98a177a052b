/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions with a list of header fields in binary form, as req.hdrs_bin gives it: add-headers-bin,
 * set-headers-bin, del-headers-bin.
 *
 * Thread: builder reads; traffic runs.
 *
 * A list is name, value, name, value ..., each with its length in front (variable-length integers
 * of SPOE), and ends with two empty ones or with the bytes. Lists of names have no values.
 */
#include <string.h>

#include "weir/expr/sample.h"
#include "weir/http/message.h"
#include "weir/rules/action.h"

enum list_op { LIST_ADD, LIST_SET, LIST_DELETE };
enum name_match { NAME_IS, NAME_BEGINS, NAME_ENDS, NAME_CONTAINS };

struct list_action {
    enum list_op op;
    enum name_match match;
    const struct sample *sample;
    struct str prefix; /* only names that begin so; any case */
};

static struct message *
message_of(const struct action *action, struct eval *eval)
{
    return action->hook == HOOK_HTTP_REQUEST ? eval->request : eval->response;
}

/* --- reading the bytes -------------------------------------------------------- */

static bool
read_length(struct str *rest, uint64_t *out)
{
    uint64_t n = 0;
    unsigned shift = 4;
    unsigned char byte;

    if (rest->len == 0)
        return false;
    byte = (unsigned char)rest->ptr[0];
    *rest = str_of(rest->ptr + 1, rest->len - 1);
    n = byte;
    if (n < 240) {
        *out = n;
        return true;
    }
    do {
        if (rest->len == 0 || shift > 53)
            return false;
        byte = (unsigned char)rest->ptr[0];
        *rest = str_of(rest->ptr + 1, rest->len - 1);
        n += (uint64_t)byte << shift;
        shift += 7;
    } while (byte >= 128);
    *out = n;
    return true;
}

static bool
read_text(struct str *rest, struct str *out)
{
    uint64_t len;

    if (!read_length(rest, &len) || len > rest->len)
        return false;
    *out = str_of(rest->ptr, (size_t)len);
    *rest = str_of(rest->ptr + len, rest->len - (size_t)len);
    return true;
}

/* --- running -------------------------------------------------------------------- */

static bool
begins_with(struct str name, struct str prefix)
{
    return name.len >= prefix.len && str_eq_nocase(str_of(name.ptr, prefix.len), prefix);
}

/* Lower case, in the message's arena. */
static struct str
lower_name(struct message *msg, struct str name)
{
    struct str copy = message_copy(msg, name);

    for (size_t i = 0; copy.ptr != NULL && i < copy.len; i++) {
        char *c = (char *)copy.ptr + i;

        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    }
    return copy;
}

static enum verdict
run_list(const struct action *action, struct eval *eval)
{
    const struct list_action *list = action->data;
    struct message *msg = message_of(action, eval);
    struct str rest, all, name, value;
    struct value bytes;

    if (msg == NULL || sample_run_as(list->sample, eval, VALUE_BIN, &bytes) != FETCH_OK)
        return VERDICT_CONTINUE;
    all = rest = bytes.str;
    if (list->op == LIST_SET) { /* the old ones first: a name may come twice */
        while (read_text(&rest, &name) && name.len > 0 && read_text(&rest, &value)) {
            if (begins_with(name, list->prefix))
                message_remove_fields(msg, lower_name(msg, name));
        }
        rest = all;
    }
    while (rest.len > 0) {
        if (!read_text(&rest, &name) || (name.len > 0 && !read_text(&rest, &value)))
            return VERDICT_FAILED;
        if (name.len == 0)
            break;
        if (name.len > UINT16_MAX)
            return VERDICT_FAILED;
        if (begins_with(name, list->prefix) && !message_add_field_copy(msg, name, value))
            return VERDICT_FAILED;
    }
    return VERDICT_CONTINUE;
}

static bool
name_fits(enum name_match match, struct str name, struct str wanted)
{
    switch (match) {
    case NAME_IS:
        return str_eq(name, wanted);
    case NAME_BEGINS:
        return str_starts(name, wanted);
    case NAME_ENDS:
        return str_ends(name, wanted);
    case NAME_CONTAINS:
        return str_find(name, wanted, 0) >= 0;
    }
    return false;
}

static enum verdict
run_delete_list(const struct action *action, struct eval *eval)
{
    const struct list_action *list = action->data;
    struct message *msg = message_of(action, eval);
    struct str rest, name;
    struct value bytes;

    if (msg == NULL || sample_run_as(list->sample, eval, VALUE_BIN, &bytes) != FETCH_OK)
        return VERDICT_CONTINUE;
    for (rest = bytes.str; rest.len > 0;) {
        if (!read_text(&rest, &name))
            return VERDICT_FAILED;
        if (name.len == 0)
            break;
        name = lower_name(msg, name);
        if (name.ptr == NULL)
            return VERDICT_FAILED;
        for (uint32_t i = 0; i < msg->count; i++) {
            if (msg->fields[i].name_len > 0 &&
                name_fits(list->match, field_name_str(&msg->fields[i]), name))
                message_remove_field(msg, i);
        }
    }
    return VERDICT_CONTINUE;
}

/* --- parsing ------------------------------------------------------------------------ */

static bool
parse_list(struct parse *parse, struct action *action)
{
    struct list_action *list = ARENA_NEW(parse->arena, struct list_action);
    const char *prefix;

    action->data = list;
    action->run = run_list;
    list->op = action->kind->name[0] == 's' ? LIST_SET : LIST_ADD;
    list->prefix = STR("");
    list->sample = sample_parse(parse, action->place);
    if (list->sample == NULL)
        return false;
    if (!words_accept(parse->words, "prefix"))
        return true;
    prefix = parse_word(parse, "the beginning of names");
    if (prefix != NULL)
        list->prefix = str_from(prefix);
    return prefix != NULL;
}

static bool
parse_delete_list(struct parse *parse, struct action *action)
{
    static const char *const names[] = { "str", "beg", "end", "sub", NULL };
    struct list_action *list = ARENA_NEW(parse->arena, struct list_action);
    int match = NAME_IS;

    action->data = list;
    action->run = run_delete_list;
    list->op = LIST_DELETE;
    list->sample = sample_parse(parse, action->place);
    if (list->sample == NULL)
        return false;
    if (words_accept(parse->words, "-m") &&
        !parse_choice(parse, "str, beg, end or sub", names, &match))
        return false;
    list->match = (enum name_match)match;
    return true;
}

static const struct action_kind kinds[] = {
    { "add-headers-bin", HOOKS_HTTP, .args = "<expr> [prefix <text>]", .parse = parse_list,
      .help = "Add the header fields of a binary list." },
    { "set-headers-bin", HOOKS_HTTP, .args = "<expr> [prefix <text>]", .parse = parse_list,
      .help = "Put the header fields of a binary list in place of all of their names." },
    { "del-headers-bin", HOOKS_HTTP, .args = "<expr> [-m <method>]", .parse = parse_delete_list,
      .help = "Remove the header fields whose names a binary list holds." },
};
REGISTER(action_kind, kinds);
