/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir ctl: says a command to the runtime socket of a running process.
 *
 * For:     people at a terminal, scripts.
 * Owns:    nothing.
 * Callers: main.
 * Thread:  boot.
 */
#include "weir/main/ctl_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/json.h"
#include "ctl.h"

#define SEVERITY_ERROR 3

struct ctl_options {
    const char *socket, *file;
    bool json, all, raw;
    struct text line; /* owns */
};

static const char usage[] =
    "usage: weir ctl [-f <file> | -s <socket>] [--json | --raw] [--all] <command>...\n"
    "       weir top [-f <file> | -s <socket>] [-d <time>] [-n <rounds>]\n"
    "  -f <file>    the configuration of the process: its 'stats socket' is used\n"
    "  -s <socket>  the socket itself: /run/weir.sock, 127.0.0.1:9999, abns@name\n"
    "  --json       answers as JSON\n"
    "  --raw        answers as the process gives them; so it is unless they go to a terminal\n"
    "  --all        all columns of 'show stat'\n"
    "A command that ends in << reads its payload from the standard input.\n"
    "'weir ctl help' lists the commands.\n";

bool
ctl_is_meant(int argc, char **argv)
{
    return argc > 1 && (strcmp(argv[1], "ctl") == 0 || strcmp(argv[1], "top") == 0);
}

static int
complain(const char *why)
{
    fprintf(stderr, "weir ctl: %s\n", why);
    return 1;
}

/* False: the word is the beginning of the command. */
static bool
read_option(struct ctl_options *options, int *argc, char ***argv)
{
    const char *word = **argv;
    const char **to = NULL;

    if (strcmp(word, "--json") == 0)
        options->json = true;
    else if (strcmp(word, "--raw") == 0)
        options->raw = true;
    else if (strcmp(word, "--all") == 0)
        options->all = true;
    else if (strcmp(word, "-s") == 0)
        to = &options->socket;
    else if (strcmp(word, "-f") == 0)
        to = &options->file;
    else
        return false;
    (*argc)--;
    (*argv)++;
    if (to != NULL && *argc > 0) {
        *to = **argv;
        (*argc)--;
        (*argv)++;
    }
    return true;
}

static void
add_payload(struct text *line)
{
    char bytes[4096];
    size_t got;

    text_add_char(line, '\n');
    while ((got = fread(bytes, 1, sizeof(bytes), stdin)) > 0)
        text_add(line, str_of(bytes, got));
    if (line->ptr[line->len - 1] != '\n')
        text_add_char(line, '\n');
}

/* These have JSON of their own, with types. */
static bool
knows_json(struct str line)
{
    return str_starts(line, STR("show stat")) || str_starts(line, STR("show info"));
}

static void
read_command(struct ctl_options *options, int argc, char **argv)
{
    struct text *line = &options->line;

    for (int i = 0; i < argc; i++) {
        if (i > 0)
            text_add_char(line, ' ');
        text_puts(line, argv[i]);
    }
    if (options->json && knows_json(text_str(line)))
        text_puts(line, " json");
    if (str_ends(text_str(line), STR("<<")))
        add_payload(line);
}

/* What is neither a table nor JSON already: one string. */
static void
print_string(struct str answer, struct text *out)
{
    struct json json;

    json_init(&json, out);
    json_open_object(&json);
    json_add_key(&json, "answer");
    json_add_str(&json, str_of(answer.ptr, answer.len - (answer.len > 0)));
    json_close_object(&json);
    text_add_char(out, '\n');
}

static enum ctl_look
look(void)
{
    const char *plain = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && (plain == NULL || *plain == '\0') ? CTL_COLOURED : CTL_PLAIN;
}

static void
print_answer(const struct ctl_options *options, struct str answer)
{
    struct text out = TEXT_INIT;
    struct ctl_table table = { 0 };
    bool wants_table = options->json || options->all || (!options->raw && isatty(STDOUT_FILENO));
    bool is_table = wants_table && ctl_table_read(&table, answer);

    if (is_table && options->json)
        ctl_table_print_json(&table, &out);
    else if (is_table)
        ctl_table_print(&table, &out, look(), options->all);
    else if (options->json && !knows_json(text_str(&options->line)))
        print_string(answer, &out);
    else
        text_add(&out, answer);
    fwrite(out.ptr, 1, out.len, stdout);
    fflush(stdout);
    ctl_table_fini(&table);
    text_fini(&out);
}

/* The empty line at the end is of the frame, not of the answer. */
static struct str
without_frame(struct str answer)
{
    while (answer.len > 0 && answer.ptr[answer.len - 1] == '\n')
        answer.len--;
    return answer.len == 0 ? answer : str_of(answer.ptr, answer.len + 1);
}

/* Commands that are unknown, or not allowed, are answered without a mark. */
static bool
is_refusal(struct str answer, int worst)
{
    return worst <= SEVERITY_ERROR || str_starts(answer, STR("Unknown command")) ||
           str_starts(answer, STR("Permission denied"));
}

static int
ask_and_print(const struct ctl_options *options, const struct ctl_client *client)
{
    struct text answer = TEXT_INIT;
    struct error err = ERROR_INIT;
    int worst, status = 0;

    if (!ctl_client_ask(client, text_str(&options->line), &answer, &worst, &err)) {
        status = complain(err.text);
    } else if (is_refusal(text_str(&answer), worst)) {
        fwrite(answer.ptr, 1, without_frame(text_str(&answer)).len, stderr);
        status = 1;
    } else {
        print_answer(options, without_frame(text_str(&answer)));
    }
    text_fini(&answer);
    return status;
}

int
ctl_run(int argc, char **argv)
{
    struct ctl_options options = { .line = TEXT_INIT };
    struct error err = ERROR_INIT;
    struct ctl_client client;
    int status;

    if (strcmp(argv[1], "top") == 0)
        return top_run(argc - 2, argv + 2);
    argc -= 2;
    argv += 2;
    while (argc > 0 && read_option(&options, &argc, &argv))
        continue;
    if (argc == 0 || **argv == '-') {
        fputs(usage, argc > 0 && strcmp(*argv, "--help") == 0 ? stdout : stderr);
        return argc > 0 && strcmp(*argv, "--help") == 0 ? 0 : 1;
    }
    read_command(&options, argc, argv);
    status = ctl_client_init(&client, options.socket, options.file, &err)
                 ? ask_and_print(&options, &client)
                 : complain(err.text);
    text_fini(&options.line);
    return status;
}
