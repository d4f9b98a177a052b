/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir: a load balancer for TCP and HTTP.
 *
 * Options, then one of: list keywords, check only, master with a worker, run. See boot.c for the
 * order of starting.
 */
#include <stdio.h>
#include <unistd.h>

#include "weir/base/crash.h"
#include "weir/base/sanitize.h"
#include "weir/main/boot.h"
#include "weir/main/check_only.h"
#include "weir/main/ctl_run.h"
#include "weir/main/explain_run.h"
#include "weir/main/features.h"
#include "weir/main/keyword_list.h"
#include "weir/main/libraries.h"
#include "weir/main/master.h"
#include "weir/main/version.h"
#include "weir/telemetry/notice.h"
#include "weir/telemetry/process.h"

static int
run_worker(const struct master_link *link, void *data)
{
    struct options *options = data;

    options->master_fd = link->fd;
    if (link->cli_fd != -1)
        options_add_master_socket(options, link->cli_fd);
    return boot_run(options);
}

static int
run(struct options *options)
{
    struct master_settings settings = { .notify = options->notify,
                                        .pid_file = options->pid_file,
                                        .socket = options->master_socket };

    if (!options->is_master)
        return boot_run(options);
    options->mode = RUN_FOREGROUND;
    return master_run(&settings, run_worker, options);
}

static void
print_lists(const struct options *options)
{
    if (options->list_keywords != NULL)
        keyword_list_print(options->list_keywords);
    if (options->list_libraries)
        libraries_print();
}

int
main(int argc, char **argv)
{
    static struct options options = { .name = "weir" };

    features_follow(&options);
    if (ctl_is_meant(argc, argv)) {
        boot_tables();
        return ctl_run(argc, argv);
    }
    if (!options_parse(&options, argc, argv))
        return options.exit_status;
    if (options.folder != NULL && chdir(options.folder) == -1) {
        fprintf(stderr, "%s: cannot change to folder '%s'\n", options.name, options.folder);
        return 1;
    }
    this_process.name = options.name;
    this_process.version = version_text(options.name);
    notice_set_quiet(options.quiet, options.verbose || options.debug);
    if (!WITH_ASAN) /* which tells more itself */
        crash_watch_signals();
    boot_tables();
    print_lists(&options);
    if (options.question != NULL || options.expect_file != NULL)
        return explain_run(&options);
    return options.check_only || options.lint ? check_only_run(&options) : run(&options);
}
