/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to another thread. A message is embedded in an object of the sender
 * or allocated by it; it runs on the receiver's thread, in order of sending.
 * Lock-free; wakes the receiver (ev_async) only when its box was empty.
 */
#pragma once

struct thread;
struct mail;

typedef void mail_fn(struct mail *mail);
struct mail {
    struct mail *next;
    mail_fn *run; /* on the receiver's thread; may free the mail */
};

/* The mail must not be in a box already. Any thread. */
void mailbox_send(struct thread *to, struct mail *mail, mail_fn *run);
/* Runs `fn(arg)` on that thread; allocates. Any thread. */
void mailbox_call(struct thread *to, void (*fn)(void *arg), void *arg);
/* Runs `fn(arg)` on each traffic thread, then `done(arg)` (may be NULL) on the caller's thread once
 * all have run it. Never waits. Control. */
void mailbox_call_all(void (*fn)(void *arg), void (*done)(void *arg), void *arg);
