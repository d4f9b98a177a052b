/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords of the steps of checks: option tcp-check, tcp-check, and what http-check shares with it.
 *
 * Thread: builder.
 */
#include <string.h>

#include "weir/base/encode.h"
#include "weir/expr/regex_conf.h"
#include "weir/expr/sample.h"
#include "external.h"
#include "steps.h"

static struct slot method_slot = SLOT("check method", SLOT_PROXY, struct check_method);
REGISTER_SLOT(method_slot);

const struct check_method *
check_method_of(const struct proxy_conf *backend)
{
    return slot_of_const(backend->slots, &method_slot);
}

const struct check_method *
check_method_of_server(const struct server_conf *srv)
{
    const struct check_method *own = check_conf_of(srv)->method;

    return own != NULL ? own : check_method_of(srv->backend);
}

struct check_method *
check_method_in(void *slots)
{
    return slot_of(slots, &method_slot);
}

struct check_method *
check_method_of_parse(struct parse *parse)
{
    return keyword_slot(parse, &method_slot);
}

/* Who only expects something else keeps the request that another section wrote. */
static struct check_step *
find_request(const struct check_method *method, enum step_kind kind)
{
    struct check_step *step = kind == STEP_EXPECT ? method->first : NULL;

    while (step != NULL && (step->kind != STEP_SEND || step->send.request == NULL))
        step = step->next;
    return step;
}

struct check_step *
step_add(struct parse *parse, struct check_method *method, enum step_kind kind)
{
    struct check_step *step = ARENA_NEW(parse->arena, struct check_step);

    if (method->steps_of != parse->object) {
        method->steps_of = parse->object;
        method->inherited = find_request(method, kind);
        method->first = method->last = NULL;
    }
    step->kind = kind;
    step->number = method->last == NULL ? 1 : method->last->number + 1;
    if (method->last == NULL)
        method->first = step;
    else
        method->last->next = step;
    method->last = step;
    return step;
}

bool
step_parse_comment(struct parse *parse, struct check_step *step)
{
    step->comment = parse_word(parse, "a comment");
    return step->comment != NULL;
}

/* --- variables ----------------------------------------------------------------------------- */

static bool
parse_name(struct parse *parse, struct step_set *set, const char *word)
{
    const char *open = strchr(word, '(');
    size_t len = strlen(word);
    struct error err = ERROR_INIT;
    struct str inside;

    if (open == NULL || word[len - 1] != ')')
        return parse_alert(parse, "the name of a variable is missing, as in set-var(check.name)");
    inside = str_of(arena_copy_str(parse->arena, str_of(open + 1, len - (size_t)(open - word) - 2)),
                    len - (size_t)(open - word) - 2);
    if (!variable_name_parse(str_split(&inside, ','), &set->name, &err))
        return parse_alert(parse, "%s", err.text);
    if (set->name.scope != SCOPE_CHECK && set->name.scope != SCOPE_SESS &&
        set->name.scope != SCOPE_PROC)
        return parse_alert(parse, "checks have variables of scopes check, sess and proc only");
    while (inside.ptr != NULL) {
        struct str condition = str_split(&inside, ',');
        unsigned bit = variable_condition_find(condition);

        if (bit == 0)
            return parse_alert(parse, "unknown condition '%.*s'", STR_ARG(condition));
        set->conditions |= bit;
    }
    return true;
}

static bool
parse_set(struct parse *parse, struct check_method *method, const char *word)
{
    bool is_format = strncmp(word, "set-var-fmt", 11) == 0, unsets = word[0] == 'u';
    struct check_step *step = step_add(parse, method, unsets ? STEP_UNSET : STEP_SET);
    const char *text;

    if (!parse_name(parse, &step->set, word))
        return false;
    if (unsets)
        return parse_end(parse);
    if (is_format) {
        text = parse_word(parse, "a format");
        step->set.format =
            text == NULL ? NULL : log_format_parse(parse, text, PLACE_CHECK, 0);
        return step->set.format != NULL && parse_end(parse);
    }
    step->set.sample = sample_parse(parse, PLACE_CHECK);
    return step->set.sample != NULL && parse_end(parse);
}

bool
step_parse_common(struct parse *parse, struct check_method *method, const char *word)
{
    if (strcmp(word, "connect") == 0)
        return step_parse_connect(parse, step_add(parse, method, STEP_CONNECT));
    if (strcmp(word, "comment") == 0)
        return step_parse_comment(parse, step_add(parse, method, STEP_COMMENT)) && parse_end(parse);
    if (strncmp(word, "set-var(", 8) == 0 || strncmp(word, "set-var-fmt(", 12) == 0 ||
        strncmp(word, "unset-var(", 10) == 0)
        return parse_set(parse, method, word);
    return parse_alert(parse, "unknown step '%s'", word);
}

/* --- send ------------------------------------------------------------------------------------ */

static bool
read_hex(struct parse *parse, const char *text, struct str *out)
{
    size_t len = strlen(text);
    char *bytes = ARENA_ARRAY(parse->arena, char, len / 2 + 1);

    if (len % 2 != 0 || !hex_decode(bytes, &len, str_from(text)))
        return parse_alert(parse, "'%s' is not an even number of hexadecimal digits", text);
    *out = str_of(bytes, len);
    return true;
}

static bool
parse_send(struct parse *parse, struct check_method *method, const char *word)
{
    struct check_step *step = step_add(parse, method, STEP_SEND);
    const char *text = parse_word(parse, "what is to be sent");

    if (text == NULL)
        return false;
    step->send.is_hex = strncmp(word, "send-binary", 11) == 0;
    if (strstr(word, "-lf") != NULL) {
        step->send.format = log_format_parse(parse, text, PLACE_CHECK, 0);
        if (step->send.format == NULL)
            return false;
    } else if (!step->send.is_hex)
        step->send.bytes = str_from(text);
    else if (!read_hex(parse, text, &step->send.bytes))
        return false;
    if (words_accept(parse->words, "comment") && !step_parse_comment(parse, step))
        return false;
    return parse_end(parse);
}

/* --- expect ---------------------------------------------------------------------------------- */

static bool
parse_status(struct parse *parse, const char *const *names, int *to)
{
    int index;

    if (!parse_choice(parse, "the name of a check's status", names, &index))
        return false;
    for (*to = CHECK_UNKNOWN; strcmp(check_status_name((enum check_status)*to), names[index]) != 0;)
        ++*to;
    return true;
}

static bool
parse_format(struct parse *parse, const struct log_format **to)
{
    const char *text = parse_word(parse, "a format");

    *to = text == NULL ? NULL : log_format_parse(parse, text, PLACE_CHECK, 0);
    return *to != NULL;
}

bool
step_parse_expect_words(struct parse *parse, struct check_step *step)
{
    static const char *const good[] = { "L7OK", "L7OKC", "L6OK", "L4OK", NULL };
    static const char *const bad[] = { "L7OKC", "L7RSP", "L7STS", "L6RSP", "L4CON", NULL };
    static const char *const late[] = { "L7TOUT", "L6TOUT", "L4TOUT", NULL };
    struct step_expect *expect = &step->expect;
    bool is_read = true;

    expect->min_received = -1;
    while (is_read) {
        if (words_accept(parse->words, "min-recv"))
            is_read = parse_int(parse, "a number of bytes", -1, INT_MAX, &expect->min_received);
        else if (words_accept(parse->words, "comment"))
            is_read = step_parse_comment(parse, step);
        else if (words_accept(parse->words, "ok-status"))
            is_read = parse_status(parse, good, &expect->ok_status);
        else if (words_accept(parse->words, "error-status"))
            is_read = parse_status(parse, bad, &expect->error_status);
        else if (words_accept(parse->words, "tout-status"))
            is_read = parse_status(parse, late, &expect->timeout_status);
        else if (words_accept(parse->words, "on-success"))
            is_read = parse_format(parse, &expect->on_success);
        else if (words_accept(parse->words, "on-error"))
            is_read = parse_format(parse, &expect->on_error);
        else if (words_accept(parse->words, "status-code")) {
            expect->code = sample_parse(parse, PLACE_CHECK);
            is_read = expect->code != NULL;
        } else
            break;
    }
    if (is_read && words_accept(parse->words, "!"))
        expect->is_negated = true;
    return is_read;
}

bool
step_parse_pattern(struct parse *parse, struct step_expect *expect, enum expect_kind kind)
{
    struct error err = ERROR_INIT;

    expect->kind = kind;
    expect->text = parse_word(parse, "what is expected");
    if (expect->text == NULL)
        return false;
    expect->wanted = str_from(expect->text);
    if (kind == EXPECT_BINARY && !read_hex(parse, expect->text, &expect->wanted))
        return false;
    if (kind == EXPECT_STRING_LF || kind == EXPECT_BINARY_LF) {
        expect->format = log_format_parse(parse, expect->text, PLACE_CHECK, 0);
        if (expect->format == NULL)
            return false;
    }
    if (kind == EXPECT_RSTRING || kind == EXPECT_RBINARY) {
        expect->regex = regex_conf_compile(parse, expect->wanted, REGEX_CASE, &err);
        if (expect->regex == NULL)
            return parse_alert(parse, "regular expression '%s': %s", expect->text, err.text);
    }
    return parse_end(parse);
}

static bool
parse_expect(struct parse *parse, struct check_method *method)
{
    static const char *const kinds[] = { "string", "rstring",  "string-lf", "binary",
                                         "rbinary", "binary-lf", NULL };
    struct check_step *step = step_add(parse, method, STEP_EXPECT);
    int kind;

    if (!step_parse_expect_words(parse, step) ||
        !parse_choice(parse, "string, rstring, string-lf, binary, rbinary or binary-lf", kinds,
                      &kind))
        return false;
    return step_parse_pattern(parse, &step->expect, (enum expect_kind)(EXPECT_STRING + kind));
}

static bool
parse_tcp_step(struct parse *parse)
{
    struct check_method *method = keyword_slot(parse, &method_slot);
    const char *word = parse_word(parse, "a step: connect, send, expect ...");

    if (word == NULL || !healthcheck_takes(parse, "tcp-check"))
        return false;
    if (strcmp(word, "send") == 0 || strcmp(word, "send-lf") == 0 ||
        strcmp(word, "send-binary") == 0 || strcmp(word, "send-binary-lf") == 0)
        return parse_send(parse, method, word);
    if (strcmp(word, "expect") == 0)
        return parse_expect(parse, method);
    return step_parse_common(parse, method, word);
}

static bool
parse_tcp_check(struct parse *parse)
{
    struct check_method *method = keyword_slot(parse, &method_slot);

    method->is_http = false;
    method->is_steps = !parse->negated;
    method->prepared = NULL;
    external_forget(parse);
    return parse_end(parse);
}

/* --- as they run ----------------------------------------------------------------------------- */

static bool
on_check(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (proxy_conf_is_back(conf))
            method_finish(parse, slot_of(conf->slots, &method_slot));
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_CHECK, on_check, "check: steps" },
};
REGISTER(config_hook, hooks);

static const struct keyword keywords[] = {
    { "option tcp-check", IN_BACK, .flags = KEYWORD_NO, .slot = &method_slot,
      .parse = parse_tcp_check,
      .help = "Check servers by connecting, and by the steps of 'tcp-check' if there are any." },
    { "tcp-check", IN_BACK | IN_HEALTHCHECK, .slot = &method_slot,
      .args = "connect [<what>...] | send[-lf] <text> | send-binary[-lf] <hex> | expect [<what>...] "
              "[!] <kind> <pattern> | set-var(<name>) <expr> | set-var-fmt(<name>) <fmt> | "
              "unset-var(<name>) | comment <text>",
      .parse = parse_tcp_step, .help = "One step of a check over TCP." },
};
REGISTER(keyword, keywords);
