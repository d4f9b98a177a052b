/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names become numbers, so that an answer can be sent to strangers.
 *
 * For:     commands that show names of proxies and servers, when their session asks for it.
 * Thread:  any.
 */
#include "weir/cli/anon.h"

#include <stdio.h>

#include "weir/base/hash.h"

const char *
anon_name(uint32_t key, const char *name, char room[ANON_NAME_MAX])
{
    if (key == 0 || name == NULL)
        return name;
    snprintf(room, ANON_NAME_MAX, "%06x", hash_xxh32(str_from(name), key) & 0xffffff);
    return room;
}
