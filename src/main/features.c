/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Features of the whole program, and options that the command line may switch off.
 *
 * For:     conditions of the configuration, -cc and -vv. A feature that one room brings is
 * registered by that room; one that several rows speak about is on when all of them say so. Owns:
 * nothing. Callers: main, version.c; config evaluates. Thread:  boot, builder (read only).
 */
#include "weir/main/features.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/config/conditional.h"
#include "weir/main/options.h"
#include "private.h"

static const struct options *options;

void
features_follow(const struct options *what)
{
    options = what;
}

/* Names that people ask for; what nobody registers is shown as missing. */
static const char *const asked_for[] = {
    "51DEGREES",     "ACCEPT4",     "BACKTRACE",   "CLOSEFROM",    "CPU_AFFINITY", "CRYPT_H",
    "DEVICEATLAS",   "DL",          "ENGINE",      "EPOLL",        "EVPORTS",      "GETADDRINFO",
    "KQUEUE",        "KTLS",        "LIBATOMIC",   "LIBCRYPT",     "LINUX_CAP",    "LINUX_SPLICE",
    "LINUX_TPROXY",  "LUA",         "MATH",        "NETFILTER",    "NS",           "OPENSSL",
    "OPENSSL_AWSLC", "OT",          "PCRE",        "PCRE2",        "PCRE2_JIT",    "POLL",
    "PRCTL",         "PROCCTL",     "PROMEX",      "QUIC",         "RT",           "SHM_OPEN",
    "SLZ",           "SSL",         "STATIC_PCRE", "STATIC_PCRE2", "SYSTEMD",      "TFO",
    "THREAD",        "THREAD_DUMP", "TPROXY",      "WURFL",        "ZLIB",
};

void
features_print(void)
{
    struct name_list names = { 0 };

    FOR_EACH_REGISTERED (feature, feature, list) {
        if (!feature->is_option)
            name_list_add(&names, alloc_copy(feature->name));
    }
    for (size_t i = 0; i < COUNT(asked_for); i++)
        name_list_add(&names, alloc_copy(asked_for[i]));
    name_list_sort(&names);
    printf("Feature list :");
    for (size_t i = 0; i < names.count; i++) {
        if (i == 0 || strcmp(names.items[i], names.items[i - 1]) != 0)
            printf(" %c%s", conditional_has_feature(names.items[i]) ? '+' : '-', names.items[i]);
    }
    printf("\n");
    name_list_fini(&names);
}

/* --- options ------------------------------------------------------------------------- */

static bool
has_epoll(void)
{
    return !options->no_epoll;
}

static bool
has_poll(void)
{
    return !options->no_poll;
}

static bool
has_splice(void)
{
    return !options->no_splice;
}

static bool
has_reuseport(void)
{
    return !options->no_reuseport;
}

static bool
has_no_verify(void)
{
    return options->no_verify;
}

static const struct feature features[] = {
    { "BACKTRACE", false, NULL },
    { "CPU_AFFINITY", false, NULL },
    { "DL", false, NULL },
    { "LIBCRYPT", false, NULL },
    { "LINUX_CAP", false, NULL },
    { "PRCTL", false, NULL },
    { "THREAD_DUMP", false, NULL },
    { "EPOLL", true, has_epoll },
    { "POLL", true, has_poll },
    { "SPLICE", true, has_splice },
    { "FAST-FORWARD", true, has_splice },
    { "REUSEPORT", true, has_reuseport },
    { "GETADDRINFO", true, NULL },
    { "SERVER-SSL-VERIFY-NONE", true, has_no_verify },
};
REGISTER(feature, features);
