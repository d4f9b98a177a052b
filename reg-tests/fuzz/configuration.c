/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a configuration: read twice, it is refused or accepted both times, with the same
 * messages, and nothing is left behind. Whatever is refused says why.
 */
#include <netdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/config/keyword.h"
#include "weir/config/slot.h"
#include "weir/config/snapshot.h"
#include "weir/expr/sample.h"
#include "weir/rules/action.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

/* Names are not looked up here: no network, no waiting. */
int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **result)
{
    (void)name;
    (void)service;
    (void)hints;
    *result = NULL;
    return EAI_NONAME;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    slot_layout_init();
    keyword_table_init();
    sample_table_init();
    action_table_init();
    return 0;
}

/* The report; *is_accepted tells the rest. */
static char *
read_config(const struct config_sources *sources, int *is_accepted)
{
    struct diag *diag = diag_new();
    struct text report = TEXT_INIT;
    struct snapshot *snapshot = snapshot_build(sources, diag);
    char *copy;

    *is_accepted = snapshot != NULL;
    CHECK((diag_count(diag, DIAG_ALERT) > 0) == (snapshot == NULL));
    CHECK((diag_count(diag, DIAG_ALERT) > 0) || diag_bad_file(diag, 0) == NULL);
    snapshot_free(snapshot);
    diag_print(diag, &report, DIAG_HINT);
    copy = alloc_copy_str(text_str(&report));
    text_fini(&report);
    diag_free(diag);
    return copy;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *content = alloc_copy_str(str_of((const char *)bytes, len));
    struct config_text text = { "fuzz.cfg", content };
    struct config_sources sources = { .texts = &text, .text_count = 1 };
    int is_accepted, is_accepted_again;
    char *first = read_config(&sources, &is_accepted);
    char *second = read_config(&sources, &is_accepted_again);

    CHECK(is_accepted == is_accepted_again);
    CHECK(strcmp(first, second) == 0);
    alloc_free(first);
    alloc_free(second);
    alloc_free(content);
    return 0;
}
