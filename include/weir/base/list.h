/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doubly linked list whose links live inside the objects. A list head is a
 * struct list that points to itself when empty. Not thread-safe by itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

#define LIST_INIT(name)                                                                            \
    {                                                                                              \
        &(name), &(name)                                                                           \
    }
#define LIST_ITEM(link, type, member)  ((type *)((char *)(link)-offsetof(type, member)))
#define LIST_FIRST(head, type, member) LIST_ITEM((head)->next, type, member)
/* `item` is the loop variable, a pointer of type `type *`. */
#define LIST_FOR_EACH(item, head, type, member)                                                    \
    for (type *item = LIST_ITEM((head)->next, type, member); &item->member != (head);              \
         item = LIST_ITEM(item->member.next, type, member))
/* The same; `item` may be removed in the body. */
#define LIST_FOR_EACH_SAFE(item, head, type, member)                                               \
    for (type *item = LIST_ITEM((head)->next, type, member),                                       \
              *item##_next = LIST_ITEM(item->member.next, type, member);                           \
         &item->member != (head);                                                                  \
         item = item##_next, item##_next = LIST_ITEM(item->member.next, type, member))

static inline void
list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool
list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline void
list_insert_between(struct list *prev, struct list *item, struct list *next)
{
    item->prev = prev;
    item->next = next;
    prev->next = item;
    next->prev = item;
}

static inline void
list_add_first(struct list *head, struct list *item)
{
    list_insert_between(head, item, head->next);
}

static inline void
list_add_last(struct list *head, struct list *item)
{
    list_insert_between(head->prev, item, head);
}

/* Leaves the item pointing to itself, so that removing twice is harmless. */
static inline void
list_remove(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

/* An item that was list_init()ed says whether it is on a list. */
static inline bool
list_is_linked(const struct list *item)
{
    return item->next != item;
}
