/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -c: is the configuration right?
 *
 * For:     people before a reload, and tools that look at the exit status: 0 right, 1 wrong, 2
 * right but there is nothing to listen on. Owns:    nothing. Callers: main; boot reads the
 * configuration through check_only_read(). Thread:  boot.
 *
 * A right configuration is passed in silence unless -V is given.
 */
#include "weir/main/check_only.h"

#include <stdio.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/config/lint.h"
#include "weir/main/global_conf.h"
#include "weir/net/bind.h"
#include "weir/proxy/proxy.h"
#include "weir/telemetry/notice.h"

static void
say(const struct diag *diag, const struct options *options)
{
    struct text report = TEXT_INIT;

    diag_print(diag, &report, options->diagnostics ? DIAG_HINT : DIAG_NOTICE);
    if (report.len > 0)
        notice_print_framed(text_str(&report));
    text_fini(&report);
}

static void
say_refused(const struct diag *diag)
{
    const char *file;

    for (unsigned i = 0; (file = diag_bad_file(diag, i)) != NULL; i++)
        notice_print(NOTICE_ALERT, "config : Error(s) found in configuration file : %s", file);
    notice_print(NOTICE_ALERT, "config : Fatal errors found in configuration.");
}

static bool
is_refused_for_warnings(const struct snapshot *snapshot, const struct diag *diag,
                        const struct options *options)
{
    bool is_strict = options->zero_warning || global_conf_of(snapshot)->zero_warning;

    if (!is_strict || diag_count(diag, DIAG_WARNING) == 0)
        return false;
    notice_print(NOTICE_ALERT, "Some warnings were found and 'zero-warning' is set. Aborting.");
    return true;
}

struct snapshot *
check_only_read(const struct options *options)
{
    struct diag *diag = diag_new();
    struct snapshot *snapshot;

    global_conf_set_options(options);
    snapshot = snapshot_build(&options->sources, diag);
    say(diag, options);
    if (snapshot == NULL) {
        say_refused(diag);
    } else if (is_refused_for_warnings(snapshot, diag, options)) {
        snapshot_free(snapshot);
        snapshot = NULL;
    }
    diag_free(diag);
    return snapshot;
}

/* Runtime sockets alone are enough to be of use: they count, too, once room admin tells them. */
static bool
has_listener(struct snapshot *snapshot)
{
    LIST_FOR_EACH (conf, proxy_list(snapshot), struct proxy_conf, link) {
        if (!list_is_empty(&conf->binds))
            return true;
    }
    return false;
}

static unsigned
print_lint(const struct snapshot *snapshot)
{
    struct text report = TEXT_INIT;
    unsigned count = lint_run(snapshot, &report);

    if (count > 0)
        printf("%s%u finding%s\n", text_cstr(&report), count, count == 1 ? "" : "s");
    text_fini(&report);
    return count;
}

int
check_only_run(const struct options *options)
{
    struct snapshot *snapshot = check_only_read(options);
    unsigned findings;
    bool serves;

    if (snapshot == NULL)
        return 1;
    serves = has_listener(snapshot);
    findings = options->lint ? print_lint(snapshot) : 0;
    snapshot_free(snapshot);
    if (findings > 0)
        return CHECK_ONLY_FINDINGS;
    if (!options->quiet && !serves)
        printf("Configuration file has no error but will not start (no listener) => exit(%d).\n",
               CHECK_ONLY_NO_LISTENER);
    if (!options->quiet && serves && options->verbose)
        printf("Configuration file is valid\n");
    return serves ? 0 : CHECK_ONLY_NO_LISTENER;
}
