/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the runtime socket that scripts give: state of servers, statistics.
 *
 * For:     class_proxy.c, class_table.c, class_core.c.
 * Owns:    a question on its way to the control thread and back.
 * Thread:  asked on the thread of the script; control answers. Who asks for an answer waits, so it must be in
 *          an action, a task or a service; orders without an answer may be given anywhere.
 */
#include "weir/base/alloc.h"
#include "weir/base/text.h"
#include "weir/cli/command_run.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "private.h"

struct question {
    struct mail mail;
    struct thread *home;
    struct script_run *waiter; /* NULL: nobody waits (any more) */
    bool wants_answer;
    uint8_t stage; /* enum stage; atomic */
    char *line;         /* owns; NULL: a certificate */
    struct script_cert *cert; /* owns; NULL: a line */
    struct text answer; /* owns */
};

/* Who comes second, the answer or the garbage collector, frees it. */
enum stage { STAGE_ASKED, STAGE_DONE, STAGE_ALONE };

static const char class[] = "weir.question";

static void
question_free(struct question *question)
{
    alloc_free(question->line);
    script_cert_free(question->cert);
    text_fini(&question->answer);
    alloc_free(question);
}

/* Back home. */
static void
on_answer(struct mail *mail)
{
    struct question *question = LIST_ITEM(mail, struct question, mail);

    struct script_run *waiter = question->waiter;

    if (__atomic_exchange_n(&question->stage, STAGE_DONE, __ATOMIC_ACQ_REL) == STAGE_ALONE)
        question_free(question);
    else
        script_wake(waiter);
}

static void
on_question(struct mail *mail)
{
    struct question *question = LIST_ITEM(mail, struct question, mail);

    if (question->cert != NULL)
        script_cert_set(question->cert, &question->answer);
    else
        command_run_line(question->line, STR_NONE, LEVEL_ADMIN, &question->answer);
    if (question->wants_answer)
        mailbox_send(question->home, &question->mail, on_answer);
    else
        question_free(question);
}

/* The script's hold on a question is collected: any thread, with the state entered. An answer that is on its way
 * frees it at home. */
static int
collect(lua_State *lua)
{
    struct question **held = lua_touserdata(lua, 1);
    struct question *question = *held;

    *held = NULL;
    if (question != NULL &&
        __atomic_exchange_n(&question->stage, STAGE_ALONE, __ATOMIC_ACQ_REL) == STAGE_DONE)
        question_free(question);
    return 0;
}

static struct question *
question_new(const char *line, bool wants_answer)
{
    struct question *question = alloc_zero(sizeof(*question));

    question->line = line == NULL ? NULL : alloc_copy(line);
    question->wants_answer = wants_answer;
    question->home = this_thread;
    return question;
}

void
script_order(const char *line)
{
    struct text answer = TEXT_INIT;

    if (this_thread == NULL || thread_is_control()) {
        command_run_line(line, STR_NONE, LEVEL_ADMIN, &answer);
        text_fini(&answer);
        return;
    }
    mailbox_send(thread_at(0), &question_new(line, false)->mail, on_question);
}

/* `what`: the place of the question on the stack, and how the answer is read. */
static int
go_on(lua_State *lua, int status, lua_KContext what)
{
    int at = (int)(what & 0xffff);
    struct question **held = lua_touserdata(lua, at), *question = *held;

    (void)status;
    if (__atomic_load_n(&question->stage, __ATOMIC_ACQUIRE) != STAGE_DONE) /* woken by something else */
        return script_wait(lua, &question->waiter, INT64_MAX, what, go_on);
    script_push_str(lua, text_str(&question->answer));
    *held = NULL;
    question_free(question);
    return script_answer_read(lua, (enum script_answer)(what >> 16));
}

/* The script waits for it. */
static int
send_question(lua_State *lua, struct question *question, enum script_answer how)
{
    struct question **held = lua_newuserdatauv(lua, sizeof(struct question *), 0);

    *held = question;
    luaL_setmetatable(lua, class);
    mailbox_send(thread_at(0), &question->mail, on_question);
    return script_wait(lua, &question->waiter, INT64_MAX,
                       (lua_KContext)lua_gettop(lua) | (lua_KContext)how << 16, go_on);
}

int
script_ask(lua_State *lua, const char *line, enum script_answer how)
{
    struct text answer = TEXT_INIT;

    if (this_thread == NULL || thread_is_control()) {
        command_run_line(line, STR_NONE, LEVEL_ADMIN, &answer);
        script_push_str(lua, text_str(&answer));
        text_fini(&answer);
        return script_answer_read(lua, how);
    }
    if (!lua_isyieldable(lua))
        return luaL_error(lua, "this waits for an answer, which is not possible here");
    return send_question(lua, question_new(line, true), how);
}

int
script_ask_cert(lua_State *lua, struct script_cert *cert)
{
    struct text answer = TEXT_INIT;
    struct question *question;

    if (this_thread == NULL || thread_is_control()) {
        script_cert_set(cert, &answer);
        script_cert_free(cert);
        script_push_str(lua, text_str(&answer));
        text_fini(&answer);
        return script_answer_read(lua, ANSWER_CERT);
    }
    if (!lua_isyieldable(lua)) {
        script_cert_free(cert);
        return luaL_error(lua, "this waits for an answer, which is not possible here");
    }
    question = question_new(NULL, true);
    question->cert = cert;
    return send_question(lua, question, ANSWER_CERT);
}

void
script_add_ask(lua_State *lua)
{
    luaL_newmetatable(lua, class);
    lua_pushcfunction(lua, collect);
    lua_setfield(lua, -2, "__gc");
    lua_pop(lua, 1);
}
