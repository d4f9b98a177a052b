/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir --explain: what would become of a request, rule by rule.
 *
 * For:     a person with a routing problem; scripts with --json.
 * Thread:  boot.
 */
#include "weir/main/explain_run.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/admin/explain_print.h"
#include "weir/main/boot.h"
#include "weir/telemetry/notice.h"

static enum explain_look
look_here(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        return LOOK_PLAIN;
    return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL ? LOOK_COLOURED : LOOK_SIGNS;
}

void
explained_print(const struct explained *explained, const struct explain_question *question)
{
    struct text page = TEXT_INIT;
    char src[ADDR_TEXT_MAX];

    addr_format_host(&question->src, src, sizeof(src));
    text_printf(&page, "%s\n  from %s to %s at %s\n", question->text, src, explained->frontend,
                explained->address);
    for (unsigned i = 0; i < question->field_count; i++)
        text_printf(&page, "  %s\n", question->fields[i]);
    explain_print_text(&page, &explained->explain, look_here());
    explain_print_result(&page, &explained->explain, explained->location, look_here());
    fwrite(page.ptr, 1, page.len, stdout);
    text_fini(&page);
}

static void
print_json(const struct explained *explained, const struct explain_question *question)
{
    struct text page = TEXT_INIT;
    struct json json;

    json_init(&json, &page);
    json_open_object(&json);
    json_add_key(&json, "request");
    json_add_text(&json, question->text);
    json_add_key(&json, "frontend");
    json_add_text(&json, explained->frontend);
    explain_print_json(&json, &explained->explain, explained->location);
    json_close_object(&json);
    text_add_char(&page, '\n');
    fwrite(page.ptr, 1, page.len, stdout);
    text_fini(&page);
}

static int
answer(const struct options *options)
{
    const struct explain_question *question = options->question;
    struct explained explained;
    struct error err = ERROR_INIT;
    bool fine;

    if (question->text == NULL) {
        fprintf(stderr, "%s: what request? Ask with --explain 'GET http://host/path'\n",
                options->name);
        return 1;
    }
    fine = explain_ask(question, &explained, &err);
    if (!fine)
        fprintf(stderr, "%s: %s\n", options->name, err.text);
    else if (options->json)
        print_json(&explained, question);
    else
        explained_print(&explained, question);
    explained_fini(&explained);
    return fine ? 0 : 1;
}

int
explain_run(const struct options *options)
{
    int status;

    notice_set_quiet(true, false); /* warnings are for -c */
    if (!boot_offline(options)) {
        fprintf(stderr, "%.*s", STR_ARG(notice_startup_text()));
        return 1;
    }
    status = options->expect_file != NULL ? expect_run(options->expect_file, options->quiet)
                                          : answer(options);
    boot_offline_end();
    return status;
}
