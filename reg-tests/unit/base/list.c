/* SPDX-License-Identifier: Apache-2.0 */
/* Links inside objects. */
#include "weir/base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int value;
    struct list link;
};

static int
sum_in_order(const struct list *head)
{
    int sum = 0;

    LIST_FOR_EACH (item, (struct list *)head, struct item, link)
        sum = sum * 10 + item->value;
    return sum;
}

static void
test_order(void **state)
{
    struct list head = LIST_INIT(head);
    struct item items[3] = { { .value = 1 }, { .value = 2 }, { .value = 3 } };

    (void)state;
    assert_true(list_is_empty(&head));
    list_add_last(&head, &items[1].link);
    list_add_last(&head, &items[2].link);
    list_add_first(&head, &items[0].link);
    assert_false(list_is_empty(&head));
    assert_int_equal(sum_in_order(&head), 123);
    assert_ptr_equal(LIST_FIRST(&head, struct item, link), &items[0]);
    list_remove(&items[1].link);
    assert_false(list_is_linked(&items[1].link));
    list_remove(&items[1].link); /* harmless */
    assert_int_equal(sum_in_order(&head), 13);
}

static void
test_removing_while_walking(void **state)
{
    struct list head = LIST_INIT(head);
    struct item items[5];

    (void)state;
    for (int i = 0; i < 5; i++) {
        items[i].value = i;
        list_add_last(&head, &items[i].link);
    }
    LIST_FOR_EACH_SAFE (item, &head, struct item, link) {
        if (item->value % 2 == 0)
            list_remove(&item->link);
    }
    assert_int_equal(sum_in_order(&head), 13);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_removing_while_walking),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
