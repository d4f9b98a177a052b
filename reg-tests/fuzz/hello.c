/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the beginning of a TLS connection. What is accepted stays inside the bytes or the
 * arena, and every shorter beginning of it asks for more.
 */
#include <stdint.h>
#include <stdlib.h>

#include "weir/tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Reads each byte, so that the sanitizer looks at it. */
static unsigned
touch(struct str s)
{
    unsigned sum = 0;

    for (size_t i = 0; s.ptr != NULL && i < s.len; i++)
        sum += (uint8_t)s.ptr[i];
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct str all = str_of((const char *)bytes, len);
    struct arena arena;
    struct hello hello;
    static volatile unsigned sum;

    arena_init(&arena);
    if (hello_parse(all, &arena, &hello) == HELLO_WHOLE) {
        sum += touch(hello.server_name) + touch(hello.ciphers) + touch(hello.alpn) +
               touch(hello.groups) + touch(hello.signatures) + touch(hello.key_shares) +
               touch(hello_first_alpn(&hello));
        for (size_t cut = 0; cut < len; cut += 7) {
            if (hello_parse(str_slice(all, 0, cut), &arena, &hello) == HELLO_NOT)
                abort();
        }
    }
    arena_fini(&arena);
    return 0;
}
