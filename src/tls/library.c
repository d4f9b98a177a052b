/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's own affairs: errors as text, versions by name.
 *
 * Callers: the room. Thread: any.
 */
#include <openssl/err.h>
#include <string.h>

#include "private.h"

const char *
tls_error_text(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = ERR_reason_error_string(code);

    ERR_clear_error();
    return text == NULL ? "unknown error" : text;
}

static const struct {
    const char *name;
    int number;
} versions[] = {
    { "SSLv3", SSL3_VERSION },     { "TLSv1.0", TLS1_VERSION },   { "TLSv1.1", TLS1_1_VERSION },
    { "TLSv1.2", TLS1_2_VERSION }, { "TLSv1.3", TLS1_3_VERSION },
};

const char *const tls_version_names[] = { "SSLv3",   "TLSv1.0", "TLSv1.1",
                                          "TLSv1.2", "TLSv1.3", NULL };

int
tls_version_number(int at)
{
    return versions[at].number;
}

int
tls_version_find(const char *name)
{
    for (size_t i = 0; i < COUNT(versions); i++) {
        if (strcmp(versions[i].name, name) == 0)
            return versions[i].number;
    }
    return 0;
}
