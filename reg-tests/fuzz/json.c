/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a path and JSON text: nothing outside of them is read, and what is found lies inside. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes, *end = memchr(bytes, '\n', len);
    struct str path = STR("$.a[1].b"), json = str_of(text, len), value;
    char *to;

    if (end != NULL && json_path_is_valid(str_of(text, (size_t)(end - text)))) {
        path = str_of(text, (size_t)(end - text));
        json = str_of(end + 1, len - path.len - 1);
    }
    if (json_find(json, path, &value) == JSON_NOTHING)
        return 0;
    if (value.len > 0 && (value.ptr < json.ptr || value.ptr + value.len > json.ptr + json.len))
        abort();
    to = malloc(value.len + 1);
    if (to != NULL && json_unescape(to, value) > (long)value.len)
        abort();
    free(to);
    return 0;
}
