/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in a list of patterns, for scripts.
 *
 * Thread:  any; under the list's lock.
 */
#include "weir/expr/pattern_change.h"
#include "pattern_file.h"

static struct str
value_of(const struct pattern_entry *entry)
{
    return entry->value == NULL ? STR("") : entry->value->text;
}

bool
pattern_change_get(struct pattern_file *file, uint32_t version, struct str key, struct text *value)
{
    const struct pattern_entry *entry;

    lock_take(&file->lock);
    entry = pattern_file_entry(file, version, key);
    if (entry != NULL)
        text_add(value, value_of(entry));
    lock_give(&file->lock);
    return entry != NULL;
}

void
pattern_change_dump(struct pattern_file *file, uint32_t version, struct text *to)
{
    lock_take(&file->lock);
    if (version == PATTERN_CURRENT)
        version = file->version;
    for (const struct pattern_entry *entry = file->first; entry != NULL; entry = entry->next) {
        if (entry->version != version)
            continue;
        text_add(to, entry->key);
        text_add_char(to, '\0');
        text_add(to, value_of(entry));
        text_add_char(to, '\0');
    }
    lock_give(&file->lock);
}
