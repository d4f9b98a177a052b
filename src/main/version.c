/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's name and version as people and tools read them.
 *
 * Thread: boot.
 */
#include "weir/main/version.h"

#include <ev.h>
#include <openssl/crypto.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/version.h"
#include "weir/config/conditional.h"
#include "weir/mux/mux.h"

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
print_features(void)
{
    printf("\nFeature list :");
    FOR_EACH_REGISTERED (feature, feature, list) {
        if (!feature->is_option)
            printf(" +%s", feature->name);
    }
    printf("\n\nAvailable multiplexer protocols :\n");
    FOR_EACH_REGISTERED (mux_ref, ref, list)
        printf("%10s : mode=%s\n", ref->mux->name, ref->mux->is_http ? "HTTP" : "TCP");
}

static void
print_details(void)
{
    char pcre[64] = "";

    pcre2_config(PCRE2_CONFIG_VERSION, pcre);
    printf("Compatible with : HAProxy " WEIR_COMPAT_VERSION "\n");
    printf("Built with : gcc " __VERSION__ "\n");
    printf("Built with multi-threading support (MAX_THREADS=1024).\n");
    printf("Running on OpenSSL version : %s\n", OpenSSL_version(OPENSSL_VERSION));
    printf("Running on PCRE2 version : %s\n", pcre);
    printf("Running on libev version : %d.%d\n", ev_version_major(), ev_version_minor());
    print_features();
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
}
