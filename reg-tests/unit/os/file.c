/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files and folders. */
#include "weir/os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/base/alloc.h"

/* A folder of our own; the tests run in it. */
static char folder[] = "/tmp/weir-file-XXXXXX";

static int
enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || chdir(folder) == -1;
}

static int
remove_folder(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return chdir("/") == -1 || system(command) != 0;
}

static void
test_writing_and_reading(void **state)
{
    struct stat st;
    size_t len;
    char *content;

    (void)state;
    assert_true(file_write("a.txt", STR("one\0two\n"), 0600, NULL));
    content = file_read("a.txt", &len, NULL);
    assert_int_equal(len, 8);
    assert_memory_equal(content, "one\0two\n", 9);
    alloc_free(content);
    assert_int_equal(stat("a.txt", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(file_write("a.txt", STR_NONE, 0644, NULL));
    content = file_read("a.txt", &len, NULL);
    assert_int_equal(len, 0);
    assert_string_equal(content, "");
    alloc_free(content);
    assert_true(file_exists("a.txt"));
    assert_false(file_is_folder("a.txt"));
    assert_int_equal(unlink("a.txt"), 0);
    assert_false(file_exists("a.txt"));
}

static void
test_large_files(void **state)
{
    const size_t size = 3000000;
    char *bytes = alloc_zero(size);
    char *again;
    size_t len;

    (void)state;
    memset(bytes, 'x', size);
    assert_true(file_write("large", str_of(bytes, size), 0600, NULL));
    again = file_read("large", &len, NULL);
    assert_int_equal(len, size);
    assert_memory_equal(bytes, again, size);
    alloc_free(bytes);
    alloc_free(again);
    unlink("large");
}

static void
test_errors(void **state)
{
    struct error err = ERROR_INIT;

    (void)state;
    assert_null(file_read("missing", NULL, &err));
    assert_string_equal(err.text, "cannot open 'missing': No such file or directory");
    assert_null(file_read(".", NULL, &err));
    assert_string_equal(err.text, "cannot read '.': Is a directory");
    assert_false(file_write("no/such/folder", STR("x"), 0600, &err));
    assert_string_equal(err.text, "cannot write 'no/such/folder': No such file or directory");
}

static void
test_what_is_no_regular_file_is_left_alone(void **state)
{
    struct stat st;
    char *content;

    (void)state;
    assert_true(file_write("/dev/null", STR("x"), 0600, NULL));
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    content = file_read("/dev/null", NULL, NULL);
    assert_string_equal(content, "");
    alloc_free(content);
    assert_true(file_write("real", STR("old"), 0600, NULL));
    assert_int_equal(symlink("real", "link"), 0);
    assert_true(file_write("link", STR("new"), 0600, NULL));
    assert_int_equal(lstat("link", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    content = file_read("real", NULL, NULL);
    assert_string_equal(content, "new");
    alloc_free(content);
    unlink("link");
    unlink("real");
}

static void
test_pipes_are_read_to_their_end(void **state)
{
    char path[32], *content;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "piped", 5), 5);
    close(ends[1]);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    content = file_read(path, NULL, NULL);
    assert_string_equal(content, "piped");
    alloc_free(content);
    close(ends[0]);
}

static void
test_listing(void **state)
{
    struct file_list list;
    struct error err = ERROR_INIT;

    (void)state;
    assert_int_equal(mkdir("dir", 0700), 0);
    assert_int_equal(mkdir("dir/sub", 0700), 0);
    assert_true(file_is_folder("dir"));
    assert_true(file_write("dir/b.cfg", STR("x"), 0600, NULL));
    assert_true(file_write("dir/a.cfg", STR("x"), 0600, NULL));
    assert_true(file_write("dir/.hidden", STR("x"), 0600, NULL));
    assert_true(file_list_read(&list, "dir", NULL));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.paths[0], "dir/a.cfg");
    assert_string_equal(list.paths[1], "dir/b.cfg");
    file_list_fini(&list);
    assert_true(file_list_read(&list, "dir/", NULL));
    assert_string_equal(list.paths[0], "dir/a.cfg");
    file_list_fini(&list);
    assert_false(file_list_read(&list, "missing", &err));
    assert_non_null(strstr(err.text, "cannot list folder 'missing'"));
    file_list_fini(&list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writing_and_reading),
        cmocka_unit_test(test_large_files),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_what_is_no_regular_file_is_left_alone),
        cmocka_unit_test(test_pipes_are_read_to_their_end),
        cmocka_unit_test(test_listing),
    };

    return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
