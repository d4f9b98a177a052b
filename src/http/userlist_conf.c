/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads userlist sections; lint looks for plain passwords and lists that nobody uses.
 *
 * Owns:    a slot of the snapshot: the sections.
 * Thread:  builder.
 */
#include <crypt.h>
#include <string.h>

#include "weir/config/keyword.h"
#include "weir/config/lint.h"
#include "userlist.h"

struct userlists {
    struct userlist *first;
};
static struct slot userlists_slot = SLOT("userlist", SLOT_GLOBAL, struct userlists);
REGISTER_SLOT(userlists_slot);

struct userlist *
userlist_first(const struct snapshot *snapshot)
{
    return ((struct userlists *)snapshot_slot(snapshot, &userlists_slot))->first;
}

struct userlist *
userlist_find(const struct snapshot *snapshot, struct str name)
{
    struct userlist *list = userlist_first(snapshot);

    while (list != NULL && !str_eq(str_from(list->name), name))
        list = list->next;
    if (list != NULL)
        list->is_used = true;
    return list;
}

static bool
open_list(struct parse *parse)
{
    struct userlists *lists = snapshot_slot(parse->snapshot, &userlists_slot);
    const char *name = parse_word(parse, "the name of a userlist");
    struct userlist *list;

    if (name == NULL || !parse_end(parse))
        return false;
    for (list = lists->first; list != NULL; list = list->next) {
        if (strcmp(list->name, name) == 0)
            return parse_alert(parse, "userlist '%s' stands at %s:%d already", name,
                               list->pos.file, list->pos.line);
    }
    list = ARENA_NEW(parse->arena, struct userlist);
    list->name = name;
    list->pos = parse_pos(parse);
    list->next = lists->first;
    lists->first = list;
    parse->object = list;
    return true;
}

/* --- groups and users -------------------------------------------------------------------------- */

static struct userlist_user *
find_user(const struct userlist *list, struct str name)
{
    struct userlist_user *user = list->users;

    while (user != NULL && !str_eq(str_from(user->name), name))
        user = user->next;
    return user;
}

static struct userlist_group *
find_group(const struct userlist *list, struct str name)
{
    struct userlist_group *group = list->groups;

    while (group != NULL && !str_eq(str_from(group->name), name))
        group = group->next;
    return group;
}

static bool
parse_group(struct parse *parse)
{
    struct userlist *list = parse->object;
    const char *name = parse_word(parse, "the name of a group");
    struct userlist_group *group;

    if (name == NULL)
        return false;
    if (find_group(list, str_from(name)) != NULL)
        return parse_alert(parse, "group '%s' stands in userlist '%s' already", name, list->name);
    group = ARENA_NEW(parse->arena, struct userlist_group);
    group->name = name;
    group->pos = parse_pos(parse);
    group->next = list->groups;
    list->groups = group;
    if (words_accept(parse->words, "users") &&
        (group->users = parse_word(parse, "names of users, parted by commas")) == NULL)
        return false;
    return parse_end(parse);
}

static void
add_group(struct parse *parse, struct userlist_user *user, const char *name)
{
    const char **groups = ARENA_ARRAY(parse->arena, const char *, user->group_count + 2);

    for (unsigned i = 0; i < user->group_count; i++) {
        if (strcmp(user->groups[i], name) == 0)
            return;
        groups[i] = user->groups[i];
    }
    groups[user->group_count++] = name;
    user->groups = groups;
}

static bool
parse_user_groups(struct parse *parse, struct userlist_user *user)
{
    const char *word = parse_word(parse, "names of groups, parted by commas");
    struct str rest = str_from(word);

    if (word == NULL)
        return false;
    while (rest.ptr != NULL && rest.len > 0)
        add_group(parse, user, arena_copy_str(parse->arena, str_split(&rest, ',')));
    return true;
}

/* A hash that this system's crypt(3) cannot read would refuse everybody, in silence. */
static bool
is_readable_hash(const char *hash)
{
    struct crypt_data data;

    /* Old DES ones have 13 characters; any word could be the salt of one. */
    if (hash[0] != '$' && hash[0] != '_' && strlen(hash) != 13)
        return false;
    memset(&data, 0, sizeof(data));
    return crypt_r("", hash, &data) != NULL && data.output[0] != '*';
}

static bool
parse_password(struct parse *parse, struct userlist_user *user, bool is_plain)
{
    user->password = parse_word(parse, "a password");
    user->is_plain = is_plain;
    if (user->password == NULL)
        return false;
    return is_plain || is_readable_hash(user->password) ||
           parse_alert(parse, "crypt(3) of this system does not know this hash; 'openssl passwd -5' "
                              "makes one, 'insecure-password' takes a plain one");
}

static bool
parse_user_words(struct parse *parse, struct userlist_user *user)
{
    while (!words_at_end(parse->words)) {
        bool fine;

        if (words_accept(parse->words, "password"))
            fine = parse_password(parse, user, false);
        else if (words_accept(parse->words, "insecure-password"))
            fine = parse_password(parse, user, true);
        else if (words_accept(parse->words, "groups"))
            fine = parse_user_groups(parse, user);
        else
            fine = parse_alert_next(parse, "'user' knows 'password', 'insecure-password' and 'groups'");
        if (!fine)
            return false;
    }
    return true;
}

static bool
parse_user(struct parse *parse)
{
    struct userlist *list = parse->object;
    const char *name = parse_word(parse, "the name of a user");
    struct userlist_user *user;

    if (name == NULL)
        return false;
    if (find_user(list, str_from(name)) != NULL)
        return parse_alert(parse, "user '%s' stands in userlist '%s' already", name, list->name);
    user = ARENA_NEW(parse->arena, struct userlist_user);
    user->name = name;
    user->pos = parse_pos(parse);
    user->next = list->users;
    list->users = user;
    return parse_user_words(parse, user);
}

/* --- once all is read: "group g users a,b" and "user a groups g" mean the same -------------------- */

static bool
resolve_group(struct parse *parse, struct userlist *list, struct userlist_group *group)
{
    struct str rest = str_from(group->users);
    bool fine = true;

    while (rest.ptr != NULL && rest.len > 0) {
        struct str name = str_split(&rest, ',');
        struct userlist_user *user = find_user(list, name);

        if (user == NULL)
            fine = parse_alert_at(parse, group->pos, "userlist '%s' has no user '%.*s'", list->name,
                                  STR_ARG(name));
        else
            add_group(parse, user, group->name);
    }
    return fine;
}

static bool
check_groups(struct parse *parse, const struct userlist *list, const struct userlist_user *user)
{
    bool fine = true;

    for (unsigned i = 0; i < user->group_count; i++) {
        if (find_group(list, str_from(user->groups[i])) == NULL)
            fine = parse_alert_at(parse, user->pos, "userlist '%s' has no group '%s'", list->name,
                                  user->groups[i]);
    }
    return fine;
}

static bool
on_resolve(struct parse *parse)
{
    bool fine = true;

    for (struct userlist *list = userlist_first(parse->snapshot); list != NULL; list = list->next) {
        for (struct userlist_group *group = list->groups; group != NULL; group = group->next)
            fine = (group->users == NULL || resolve_group(parse, list, group)) && fine;
        for (struct userlist_user *user = list->users; user != NULL; user = user->next)
            fine = check_groups(parse, list, user) && fine;
    }
    return fine;
}

/* --- lint ------------------------------------------------------------------------------------- */

static void
find_plain(struct lint *lint, const struct snapshot *snapshot)
{
    for (const struct userlist *list = userlist_first(snapshot); list != NULL; list = list->next) {
        for (const struct userlist_user *user = list->users; user != NULL; user = user->next) {
            if (user->is_plain)
                lint_say(lint, user->pos, "write: password, and what 'openssl passwd -5' makes of it",
                         "the password of '%s' stands here for everybody who may read the file",
                         user->name);
        }
    }
}

static void
find_unused(struct lint *lint, const struct snapshot *snapshot)
{
    for (const struct userlist *list = userlist_first(snapshot); list != NULL; list = list->next) {
        if (!list->is_used)
            lint_say(lint, list->pos, "use it in http_auth(), or leave it out",
                     "nobody uses userlist '%s'", list->name);
    }
}

static const struct lint_check checks[] = {
    { "plain-password", find_plain, "Passwords in plain text." },
    { "unused-userlist", find_unused, "Userlists that no rule uses." },
};
REGISTER(lint_check, checks);

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_HTTP, on_resolve, "http: groups of userlists" },
};
REGISTER(config_hook, hooks);

static const struct section sections[] = {
    { "userlist", IN_USERLIST, open_list, NULL, "Users with passwords, and groups of them.", NULL },
};
REGISTER(section, sections);

static const struct keyword keywords[] = {
    { "group", IN_USERLIST, .args = "<name> [users <user>,...]", .parse = parse_group,
      .help = "A group, and who belongs to it." },
    { "user", IN_USERLIST,
      .args = "<name> [password <hash>|insecure-password <password>] [groups <group>,...]",
      .parse = parse_user,
      .help = "A user; the password is a hash of crypt(3), or stands there as it is." },
};
REGISTER(keyword, keywords);
