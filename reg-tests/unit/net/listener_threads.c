/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listeners with two traffic threads: adopt, publish, accept, limits, stop; nothing that was
 * connected is lost. Run it under -fsanitize=thread too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/net/connection.h"
#include "weir/net/handover.h"
#include "weir/net/listener.h"
#include "weir/os/socket.h"

enum { THREADS = 2 };

/* --- the server: says its thread's number, closes when the client does ------------------------ */

static uint32_t accepted[THREADS + 1]; /* atomic; per thread */
static uint32_t ended;                 /* atomic */
static uint32_t may_accept_now = 1;    /* atomic */
static bool has_options;

static void
on_readable(struct connection *conn)
{
    struct listener *ln = conn->owner_data;
    char bytes[64];
    size_t got;

    if (connection_read(conn, bytes, sizeof(bytes), &got) <= IO_WAIT)
        return;
    connection_close(conn);
    listener_connection_ended(ln);
    __atomic_add_fetch(&ended, 1, __ATOMIC_RELEASE);
}

static const struct connection_owner server = { .on_readable = on_readable };

static int
get_int(int fd, int level, int option)
{
    int value = -1;
    socklen_t len = sizeof(value);

    return getsockopt(fd, level, option, &value, &len) == 0 ? value : -1;
}

static void
on_accept(struct listener *ln, struct connection *conn)
{
    char name = (char)('0' + this_thread->index);
    struct iovec iov = { &name, 1 };
    size_t sent;

    __atomic_add_fetch(&accepted[this_thread->index], 1, __ATOMIC_RELAXED);
    if (addr_is_ip(&ln->addr) && this_thread->index == 1)
        has_options = get_int(conn->fd, IPPROTO_TCP, TCP_NODELAY) == 1 &&
                      get_int(conn->fd, SOL_SOCKET, SO_KEEPALIVE) == ln->conf->keepalive &&
                      (!ln->conf->keepalive || get_int(conn->fd, IPPROTO_TCP, TCP_KEEPIDLE) == 77);
    connection_set_owner(conn, &server, ln);
    connection_start(conn);
    connection_write(conn, &iov, 1, false, &sent);
}

static bool
may_accept(struct listener *ln)
{
    (void)ln;
    return __atomic_load_n(&may_accept_now, __ATOMIC_RELAXED) != 0;
}

static const struct listener_owner owner = { may_accept, on_accept };

/* --- the control thread's loop runs until a condition is true --------------------------------- */

static bool (*awaited)(void *arg);
static void *awaited_arg;
static struct timer look;

static void
on_look(struct timer *timer)
{
    if (awaited(awaited_arg))
        loop_stop(loop_here());
    else
        timer_set(loop_here(), timer, loop_now_ms(loop_here()) + 1);
}

static void
await(bool (*condition)(void *arg), void *arg)
{
    awaited = condition;
    awaited_arg = arg;
    timer_init(&look, on_look);
    timer_set(loop_here(), &look, 0);
    loop_run(loop_here());
}

static bool
none_is_open(void *arg)
{
    struct listener *ln = arg;

    return counter_sum(&ln->counters, offsetof(struct listener_row, current)) == 0;
}

static bool
is_refused(void *arg)
{
    const struct addr *addr = arg;
    struct sockaddr_storage storage;
    socklen_t len = addr_to_sockaddr(addr, &storage);
    int fd = socket(addr_domain(addr), SOCK_STREAM, 0);
    bool refused = connect(fd, (struct sockaddr *)&storage, len) == -1;

    close(fd);
    return refused;
}

/* --- clients (blocking) ------------------------------------------------------------------------
 */

static int
dial(const struct addr *addr)
{
    struct sockaddr_storage storage;
    socklen_t len = addr_to_sockaddr(addr, &storage);
    int fd = socket(addr_domain(addr), SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&storage, len), 0);
    return fd;
}

/* The thread that serves it. */
static unsigned
hear(int fd)
{
    char name = 0;

    assert_int_equal(read(fd, &name, 1), 1);
    return (unsigned)(name - '0');
}

/* --- confs
 * ---------------------------------------------------------------------------------------- */

static struct bind_conf
conf_for(const char *word)
{
    struct bind_conf conf = { .namespace_fd = -1, .mode = -1, .uid = -1, .gid = -1 };
    struct addr_spec spec;

    assert_true(addr_parse(word, 0, &spec, NULL));
    conf.addr = spec.addr;
    conf.addr_text = word;
    return conf;
}

static struct listener *
listen_on(struct bind_conf *conf)
{
    struct error err = ERROR_INIT;
    struct listener *ln = listener_adopt(conf, &owner, false, &err);

    if (ln == NULL)
        fail_msg("%s", err.text);
    return ln;
}

static void
close_all(struct listener *ln, int *clients, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(clients[i]);
    await(none_is_open, ln);
}

/* --- tests
 * ------------------------------------------------------------------------------------------ */

static void
each_thread_accepts_its_own(void **state)
{
    enum { CLIENTS = 64 };
    struct bind_conf conf = conf_for("127.0.0.1:0"), again = conf;
    struct listener *ln;
    struct addr addr;
    unsigned of[THREADS + 1] = { 0 };
    int clients[CLIENTS];

    (void)state;
    conf.keepalive = true;
    conf.keepalive_idle_s = 77;
    ln = listen_on(&conf);
    addr = ln->addr;
    assert_int_equal(ln->socket_count, THREADS);
    assert_int_not_equal(ln->addr.port, 0);
    /* Found again by identity. */
    assert_ptr_equal(listen_on(&again), ln);
    assert_int_equal(ln->refs, 2);
    listener_drop(ln);

    /* It waits in the queue until the listener is published. */
    clients[0] = dial(&ln->addr);
    listener_publish(ln, &conf, NULL);
    for (unsigned i = 1; i < CLIENTS; i++)
        clients[i] = dial(&ln->addr);
    for (unsigned i = 0; i < CLIENTS; i++)
        of[hear(clients[i])]++;
    assert_int_equal(of[1] + of[2], CLIENTS);
    assert_true(of[1] > 0 && of[2] > 0);
    assert_true(has_options); /* inherited from the listening socket */
    assert_int_equal(counter_sum(&ln->counters, offsetof(struct listener_row, accepted)), CLIENTS);
    assert_int_equal(listener_shown_state(ln), LISTENER_READY);
    close_all(ln, clients, CLIENTS);
    assert_int_equal(__atomic_load_n(&ln->current, __ATOMIC_RELAXED), 0);
    listener_drop(ln);
    await(is_refused, &addr);
}

static void
one_socket_is_handed_round(void **state)
{
    enum { CLIENTS = 20 };
    struct bind_conf conf = conf_for("127.0.0.1:0");
    unsigned of[THREADS + 1] = { 0 };
    struct listener *ln;
    int clients[CLIENTS];

    (void)state;
    conf.shards = 1;
    ln = listen_on(&conf);
    assert_int_equal(ln->socket_count, 1);
    listener_publish(ln, &conf, NULL);
    for (unsigned i = 0; i < CLIENTS; i++)
        clients[i] = dial(&ln->addr);
    for (unsigned i = 0; i < CLIENTS; i++)
        of[hear(clients[i])]++;
    /* The less loaded thread gets the next one. */
    assert_int_equal(of[1], CLIENTS / 2);
    assert_int_equal(of[2], CLIENTS / 2);
    close_all(ln, clients, CLIENTS);
    listener_drop(ln);
}

static void
thread_option_is_obeyed(void **state)
{
    struct bind_conf conf = conf_for("127.0.0.1:0");
    struct listener *ln;
    int clients[8];

    (void)state;
    conf.threads = 2; /* thread 2 */
    ln = listen_on(&conf);
    listener_publish(ln, &conf, NULL);
    for (unsigned i = 0; i < 8; i++) {
        clients[i] = dial(&ln->addr);
        assert_int_equal(hear(clients[i]), 2);
    }
    close_all(ln, clients, 8);
    listener_drop(ln);
}

static void
maxconn_holds_the_others_back(void **state)
{
    struct bind_conf conf = conf_for("127.0.0.1:0");
    struct listener *ln;
    int clients[4];
    char byte;

    (void)state;
    conf.maxconn = 2;
    ln = listen_on(&conf);
    listener_publish(ln, &conf, NULL);
    for (unsigned i = 0; i < 4; i++)
        clients[i] = dial(&ln->addr);
    /* Two of them are served; each that leaves lets another one in. */
    for (unsigned served = 0; served < 4; served++) {
        unsigned i;

        for (i = 0; i < 4; i = (i + 1) % 4) {
            if (clients[i] != -1 && recv(clients[i], &byte, 1, MSG_DONTWAIT) == 1)
                break;
        }
        assert_true(counter_sum(&ln->counters, offsetof(struct listener_row, current)) <= 2);
        close(clients[i]);
        clients[i] = -1;
    }
    await(none_is_open, ln);
    listener_drop(ln);
}

static bool
is_full(void *arg)
{
    return listener_shown_state(arg) == LISTENER_FULL;
}

static void
resume_here(void *arg)
{
    (void)arg;
    listener_resume_all();
}

static void
owner_may_hold_back(void **state)
{
    struct bind_conf conf = conf_for("127.0.0.1:0");
    struct listener *ln = listen_on(&conf);
    int client;

    (void)state;
    __atomic_store_n(&may_accept_now, 0, __ATOMIC_RELAXED);
    listener_publish(ln, &conf, NULL);
    client = dial(&ln->addr);
    await(is_full, ln);
    __atomic_store_n(&may_accept_now, 1, __ATOMIC_RELAXED);
    mailbox_call_all(resume_here, NULL, NULL);
    hear(client);
    close_all(ln, &client, 1);
    listener_drop(ln);
}

static void
stopping_drains_what_waits(void **state)
{
    enum { CLIENTS = 30 };
    struct bind_conf conf = conf_for("127.0.0.1:0");
    struct listener *ln = listen_on(&conf);
    struct addr addr;
    int clients[CLIENTS];

    (void)state;
    addr = ln->addr;
    /* Nobody may be accepted, so all of them wait in the queue when it stops. */
    __atomic_store_n(&may_accept_now, 0, __ATOMIC_RELAXED);
    listener_publish(ln, &conf, NULL);
    for (unsigned i = 0; i < CLIENTS; i++)
        clients[i] = dial(&addr);
    listener_stop(ln);
    for (unsigned i = 0; i < CLIENTS; i++)
        hear(clients[i]);
    await(is_refused, &addr);
    __atomic_store_n(&may_accept_now, 1, __ATOMIC_RELAXED);
    close_all(ln, clients, CLIENTS);
    listener_drop(ln);
}

static void
pausing_gives_the_address_up(void **state)
{
    struct bind_conf conf = conf_for("127.0.0.1:0");
    struct listener *ln = listen_on(&conf);
    int client;

    (void)state;
    listener_publish(ln, &conf, NULL);
    client = dial(&ln->addr);
    hear(client);
    listener_pause(ln);
    await(is_refused, &ln->addr);
    assert_int_equal(listener_shown_state(ln), LISTENER_PAUSED);
    listener_resume(ln);
    close(client);
    for (;;) { /* until a thread listens again */
        struct sockaddr_storage storage;
        socklen_t len = addr_to_sockaddr(&ln->addr, &storage);

        client = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(client, (struct sockaddr *)&storage, len) == 0)
            break;
        close(client);
    }
    hear(client);
    close_all(ln, &client, 1);
    listener_drop(ln);
}

static void
addresses_in_use_are_reported(void **state)
{
    struct bind_conf conf = conf_for("127.0.0.1:0");
    struct addr addr = conf.addr;
    struct error err = ERROR_INIT;
    int taken = socket_open(AF_INET, SOCK_STREAM, NULL); /* without SO_REUSEPORT */

    (void)state;
    assert_true(socket_bind(taken, &addr, NULL) && listen(taken, 1) == 0);
    assert_true(socket_local_addr(taken, &conf.addr));
    assert_null(listener_adopt(&conf, &owner, false, &err));
    assert_non_null(strstr(err.text, "cannot bind socket (Address already in use) [127.0.0.1:"));
    close(taken);
}

/* --- unix ----------------------------------------------------------------------------------------
 */

static bool
is_gone(void *arg)
{
    struct stat file;

    return stat(arg, &file) == -1 && errno == ENOENT;
}

static void
unix_file_appears_when_published(void **state)
{
    char path[64], temp[96];
    struct bind_conf conf, second;
    struct listener *ln, *other;
    struct stat file;
    int client;

    (void)state;
    snprintf(path, sizeof(path), "/tmp/weir-listener-%d.sock", (int)getpid());
    snprintf(temp, sizeof(temp), "unix@%s", path);
    conf = conf_for(temp);
    conf.mode = 0640;
    ln = listen_on(&conf);
    assert_int_equal(stat(path, &file), -1);
    listener_publish(ln, &conf, NULL);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0640);
    client = dial(&conf.addr);
    hear(client);

    /* Another one takes the path over; when the first goes, the file stays. */
    second = conf;
    second.shards = 7; /* another identity */
    other = listen_on(&second);
    listener_publish(other, &second, NULL);
    close_all(ln, &client, 1);
    listener_stop(ln);
    client = dial(&conf.addr);
    hear(client);
    close_all(other, &client, 1);
    listener_drop(ln);
    listener_drop(other);
    await(is_gone, path);
}

static void
unpublished_listeners_leave_nothing(void **state)
{
    char path[64], temp[96];
    struct bind_conf conf;
    struct listener *ln;
    struct stat file;

    (void)state;
    snprintf(path, sizeof(path), "unix@/tmp/weir-never-%d.sock", (int)getpid());
    conf = conf_for(path);
    ln = listen_on(&conf);
    assert_int_equal(stat(ln->temp_path, &file), 0);
    snprintf(temp, sizeof(temp), "%s", ln->temp_path);
    listener_drop(ln);
    assert_true(is_gone(temp) && is_gone(path + 5));
}

static void
abstract_and_inherited(void **state)
{
    char name[64];
    struct bind_conf conf;
    struct listener *ln;
    int client, fd;

    (void)state;
    snprintf(name, sizeof(name), "abns@weir-listener-%d", (int)getpid());
    conf = conf_for(name);
    ln = listen_on(&conf);
    listener_publish(ln, &conf, NULL);
    client = dial(&conf.addr);
    hear(client);
    close_all(ln, &client, 1);
    listener_drop(ln);
    await(is_refused, &conf.addr);

    fd = socket(AF_INET, SOCK_STREAM, 0);
    conf = conf_for("127.0.0.1:0");
    assert_true(socket_bind(fd, &conf.addr, NULL) && listen(fd, 10) == 0);
    conf.addr = (struct addr){ .family = ADDR_FD, .fd = fd };
    ln = listen_on(&conf);
    listener_publish(ln, &conf, NULL);
    assert_true(socket_local_addr(fd, &conf.addr));
    client = dial(&conf.addr);
    hear(client);
    close_all(ln, &client, 1);
    listener_drop(ln);
    close(fd);
    conf.addr = (struct addr){ .family = ADDR_FD, .fd = 9999 };
    assert_null(listener_adopt(&conf, &owner, false, NULL));
}

/* --- out of descriptors
 * ------------------------------------------------------------------------------ */

static uint64_t
turns_of_all(void)
{
    return __atomic_load_n(&thread_at(1)->loop->turns, __ATOMIC_RELAXED) +
           __atomic_load_n(&thread_at(2)->loop->turns, __ATOMIC_RELAXED);
}

static void
without_descriptors_nothing_is_lost(void **state)
{
    struct bind_conf conf = conf_for("127.0.0.1:0");
    struct listener *ln = listen_on(&conf);
    struct rlimit before, none;
    uint64_t turns;
    int clients[4];

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        clients[i] = dial(&ln->addr);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    turns = turns_of_all();
    listener_publish(ln, &conf, NULL);
    await(is_full, ln);
    turns = turns_of_all() - turns;
    assert_true(turns < 20); /* it does not spin */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (unsigned i = 0; i < 4; i++)
        hear(clients[i]);
    close_all(ln, clients, 4);
    listener_drop(ln);
}

/* --- handover
 * ------------------------------------------------------------------------------------------ */

static void *
give(void *arg)
{
    int fd = accept(*(int *)arg, NULL, NULL);
    char command[16] = "";

    assert_true(read(fd, command, sizeof(command) - 1) > 0);
    assert_string_equal(command, "_getsocks\n");
    assert_true(handover_give(fd, NULL));
    close(fd);
    return NULL;
}

static void
sockets_go_to_another_process(void **state)
{
    struct bind_conf conf = conf_for("127.0.0.1:0"), wanted;
    struct listener *ln = listen_on(&conf);
    struct addr path = { .family = ADDR_UNIX };
    struct error err = ERROR_INIT;
    char name[64];
    pthread_t giver;
    int door, fd;

    (void)state;
    listener_publish(ln, &conf, NULL);
    snprintf(name, sizeof(name), "/tmp/weir-door-%d.sock", (int)getpid());
    path.path = name;
    door = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(socket_bind(door, &path, NULL) && listen(door, 1) == 0);
    pthread_create(&giver, NULL, give, &door);
    if (!handover_take(name, &err))
        fail_msg("%s", err.text);
    pthread_join(giver, NULL);
    wanted = conf;
    wanted.addr = ln->addr;
    wanted.addr.port ^= 1;
    assert_int_equal(handover_claim(&wanted), -1);
    wanted.addr = ln->addr;
    wanted.interface = "lo";
    assert_int_equal(handover_claim(&wanted), -1);
    wanted.interface = NULL;
    for (int i = 0; i < THREADS; i++) {
        fd = handover_claim(&wanted);
        assert_int_not_equal(fd, -1);
        close(fd);
    }
    assert_int_equal(handover_claim(&wanted), -1);
    handover_finish();
    close(door);
    unlink(name);
    listener_drop(ln);
    assert_false(handover_take(name, &err));
}

static int
begin(void **state)
{
    (void)state;
    thread_table_init(THREADS);
    thread_start_all();
    return 0;
}

static bool
grace_is_over(void *arg)
{
    return ++*(int *)arg > 1000; /* dead listeners are looked at every half second */
}

static int
end(void **state)
{
    int looks = 0;

    (void)state;
    await(grace_is_over, &looks);
    thread_stop_all();
    thread_table_fini();
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_thread_accepts_its_own),
        cmocka_unit_test(one_socket_is_handed_round),
        cmocka_unit_test(thread_option_is_obeyed),
        cmocka_unit_test(maxconn_holds_the_others_back),
        cmocka_unit_test(owner_may_hold_back),
        cmocka_unit_test(stopping_drains_what_waits),
        cmocka_unit_test(pausing_gives_the_address_up),
        cmocka_unit_test(addresses_in_use_are_reported),
        cmocka_unit_test(unix_file_appears_when_published),
        cmocka_unit_test(unpublished_listeners_leave_nothing),
        cmocka_unit_test(abstract_and_inherited),
        cmocka_unit_test(without_descriptors_nothing_is_lost),
        cmocka_unit_test(sockets_go_to_another_process),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
