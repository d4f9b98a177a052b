/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of servers by their keys.
 *
 * For:     peers, who are told names; show table.
 * Owns:    the names: those of configurations stay, as entries may go on to name them.
 * Thread:  control.
 *
 * An entry keeps a hash of the name (or of the address, with srvkey addr). What people see and peers
 * are told is the text.
 */
#include "server_name.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/base/hashmap.h"
#include "weir/server/server.h"
#include "private.h"

#define NAMES_MAX (1u << 20) /* peers cannot fill the memory */
#define NAME_MAX_LEN 1024

static struct hashmap names = HASHMAP_INIT; /* the bytes of a key: its name, owned behind the key */

struct server_name {
    uint64_t key; /* the map looks at these bytes */
    char text[];
};

static struct server_name *
find(uint64_t key)
{
    return hashmap_find(&names, str_of((const char *)&key, sizeof(key)));
}

const char *
server_name_find(uint64_t key)
{
    const struct server_name *name = find(key);

    return name == NULL ? NULL : name->text;
}

/* It is shown to people, and a zero would end it. */
static bool
is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 127)
            return false;
    }
    return true;
}

uint64_t
server_name_learn(struct str text)
{
    uint64_t key = hash_xxh3(text, 0);
    struct server_name *name;

    if (text.len == 0 || text.len > NAME_MAX_LEN || !is_printable(text))
        return 0;
    if (find(key) != NULL)
        return key;
    if (names.count >= NAMES_MAX)
        return 0;
    name = alloc_zero(sizeof(*name) + text.len + 1);
    name->key = key;
    memcpy(name->text, text.ptr, text.len);
    (void)hashmap_set(&names, str_of((const char *)&name->key, sizeof(name->key)), name);
    return key;
}

static void
learn_address(struct server *server)
{
    char text[ADDR_TEXT_MAX];
    struct addr addr;

    server_addr(server, &addr);
    server_name_learn(str_of(text, addr_format(&addr, text, sizeof(text))));
}

static bool
on_publish(struct parse *parse)
{
    LIST_FOR_EACH (proxy, proxy_list(parse->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (server, &proxy->servers, struct server_conf, link) {
            server_name_learn(str_from(server->name));
            if (server->live != NULL)
                learn_address(server->live);
        }
    }
    return true;
}

static void
on_change(struct server *server, unsigned what)
{
    if ((what & (SERVER_CHANGED_ADDR | SERVER_ADDED)) != 0)
        learn_address(server);
}

static const struct config_hook hooks[] = {
    { CONFIG_PUBLISH, ORDER_STICK, on_publish, "stick: names of servers" },
};
REGISTER(config_hook, hooks);

static const struct server_observer observers[] = { { on_change } };
REGISTER(server_observer, observers);
