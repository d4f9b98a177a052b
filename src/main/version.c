/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's name and version as people and tools read them.
 *
 * Thread: boot.
 */
#include "weir/main/version.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <ev.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "weir/base/version.h"
#include "weir/loop/thread.h"
#include "weir/main/features.h"
#include "weir/mux/mux.h"
#include "weir/os/cpu.h"

const char *
version_program_name(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');

    return strcmp(slash == NULL ? argv0 : slash + 1, "haproxy") == 0 ? "haproxy" : "weir";
}

const char *
version_text(const char *program_name)
{
    if (strcmp(program_name, "haproxy") == 0)
        return WEIR_COMPAT_VERSION "-weir" WEIR_VERSION;
    return WEIR_VERSION;
}

static void
print_muxes(void)
{
    printf("\nAvailable multiplexer protocols :\n");
    FOR_EACH_REGISTERED (mux_ref, ref, list)
        printf("%11s : mode=%s\n", ref->mux->name, ref->mux->is_http ? "HTTP" : "TCP");
}

static void
print_libraries_used(void)
{
    char pcre[64] = "";

    pcre2_config(PCRE2_CONFIG_VERSION, pcre);
    printf("Built with multi-threading support (MAX_TGROUPS=1, MAX_THREADS=%d, default=%u).\n",
           THREAD_MAX - 1, cpu_count_usable());
    printf("Built with SSL library version : " OPENSSL_VERSION_TEXT "\n");
    printf("Running on SSL library version : %s\n", OpenSSL_version(OPENSSL_VERSION));
    printf("Running on PCRE2 version : %s\n", pcre);
    printf("Running on libev version : %d.%d\n", ev_version_major(), ev_version_minor());
    printf("Built with gcc compiler version " __VERSION__ "\n");
}

static void
print_details(void)
{
    struct utsname system;

    if (uname(&system) == 0)
        printf("Running on: %s %s %s %s\n", system.sysname, system.release, system.version,
               system.machine);
    printf("Compatible with: HAProxy " WEIR_COMPAT_VERSION "\n\n");
    features_print();
    printf("\nDefault settings :\n  bufsize = 16384, maxrewrite = 1024, maxpollevents = 200\n\n");
    print_libraries_used();
    printf("\nAvailable polling systems :\n      epoll : test result OK\n"
           "       poll : test result OK\n     select : test result OK\n");
    print_muxes();
}

void
version_print(const char *program_name, enum version_details details)
{
    if (strcmp(program_name, "haproxy") == 0)
        printf("HAProxy version %s %s - weir " WEIR_VERSION "\n", version_text(program_name),
               WEIR_RELEASE_DATE);
    else
        printf("weir version " WEIR_VERSION " " WEIR_RELEASE_DATE
               " (speaks HAProxy " WEIR_COMPAT_VERSION ")\n");
    printf("Status: development version of a load balancer that reads haproxy.cfg.\n");
    if (details == VERSION_FULL)
        print_details();
    fflush(stdout);
}
