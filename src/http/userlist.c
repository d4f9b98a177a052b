/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords: is this the user's?
 *
 * For:     auth_fetch.c.
 * Owns:    for each thread, answers of the last look-ups.
 * Thread:  traffic.
 *
 * Hashes of crypt(3) are made to be slow. A client that sends its password with each request would
 * stop the thread each time, so a thread remembers what it has found out: by a keyed hash of the
 * password, never the password itself. Wrong ones are remembered, too; they cannot push the right
 * ones out for long, as each user has few places.
 */
#include "userlist.h"

#include <crypt.h>
#include <string.h>

#include "weir/base/entropy.h"
#include "weir/base/hash.h"
#include "weir/config/snapshot.h"

#define PLACES 1024 /* power of two */

struct answer {
    uint64_t keys[2]; /* of user, password and configuration; 0, 0: none */
    bool is_right;
};

static _Thread_local struct {
    uint64_t seeds[2];
    bool is_seeded;
    struct answer answers[PLACES];
} memory;

static void
seed(void)
{
    entropy_fill(memory.seeds, sizeof(memory.seeds));
    memory.is_seeded = true;
}

static struct answer *
find_answer(const struct userlist_user *user, const struct snapshot *snapshot, struct str password,
            uint64_t keys[2])
{
    if (!memory.is_seeded)
        seed();
    for (int i = 0; i < 2; i++)
        keys[i] = hash_xxh64(password, memory.seeds[i] ^ (uintptr_t)user ^
                                           snapshot->generation * UINT64_C(0x9e3779b97f4a7c15));
    return &memory.answers[keys[0] & (PLACES - 1)];
}

static bool
is_hash_of(const char *hash, struct str password)
{
    struct crypt_data data;
    char text[256];
    const char *made;

    if (password.len >= sizeof(text) || memchr(password.ptr, '\0', password.len) != NULL)
        return false;
    memcpy(text, password.ptr, password.len);
    text[password.len] = '\0';
    memset(&data, 0, sizeof(data));
    made = crypt_r(text, hash, &data);
    explicit_bzero(text, sizeof(text));
    return made != NULL && strcmp(made, hash) == 0;
}

static bool
is_password(const struct userlist_user *user, const struct snapshot *snapshot, struct str password)
{
    struct answer *answer;
    uint64_t keys[2];

    if (user->password == NULL)
        return false;
    if (user->is_plain)
        return str_eq(str_from(user->password), password);
    answer = find_answer(user, snapshot, password, keys);
    if (answer->keys[0] == keys[0] && answer->keys[1] == keys[1])
        return answer->is_right;
    *answer = (struct answer){ { keys[0], keys[1] }, is_hash_of(user->password, password) };
    return answer->is_right;
}

const struct userlist_user *
userlist_check(const struct userlist *list, const struct snapshot *snapshot, struct str name,
               struct str password)
{
    for (const struct userlist_user *user = list->users; user != NULL; user = user->next) {
        if (str_eq(str_from(user->name), name))
            return is_password(user, snapshot, password) ? user : NULL;
    }
    return NULL;
}

const char *
userlist_group(const struct userlist_user *user, unsigned n)
{
    return n < user->group_count ? user->groups[n] : NULL;
}
