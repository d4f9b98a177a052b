/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of scripts, without anything of Lua.
 *
 * For:     class_socket.c.
 * Owns:    the connection and its queued bytes.
 * Thread:  the one that made it (home); wire_free() any.
 */
#include "wire.h"

#include "weir/base/crash.h"
#include "weir/base/pool.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"

static struct pool wire_pool = POOL("wire", sizeof(struct wire));

static void
tell(struct wire *wire)
{
    if (wire->on_change != NULL)
        wire->on_change(wire);
}

/* Reads until it would have to wait, or the buffer is full. */
static void
read_more(struct wire *wire)
{
    size_t size = buffer_default_size(), got;

    while (!wire->in_ended && wire->in.bytes < size) {
        char *to = chain_reserve(&wire->in, size / 4);
        enum io io = to == NULL ? IO_FAILED : connection_read(wire->conn, to, size / 4, &got);

        if (io == IO_WAIT)
            return;
        if (io == IO_OK)
            chain_commit(&wire->in, got);
        else
            wire->in_ended = true;
        if (io == IO_FAILED)
            wire->is_broken = true;
    }
    if (!wire->in_ended || wire->in.bytes >= size)
        connection_stop_reading(wire->conn);
}

static void
write_more(struct wire *wire)
{
    enum io io;

    if (chain_is_empty(&wire->out) || !wire->is_established || wire->is_broken)
        return;
    io = connection_write_chain(wire->conn, &wire->out, false);
    if (io != IO_OK && io != IO_WAIT) {
        wire->is_broken = true;
        chain_clear(&wire->out);
    }
}

static void
on_readable(struct connection *conn)
{
    struct wire *wire = conn->owner_data;

    MUST_BE(wire, WIRE_MAGIC);
    if (!wire->is_established)
        return;
    read_more(wire);
    tell(wire);
}

static void
on_writable(struct connection *conn)
{
    struct wire *wire = conn->owner_data;

    MUST_BE(wire, WIRE_MAGIC);
    write_more(wire);
    tell(wire);
}

static void
on_established(struct connection *conn)
{
    struct wire *wire = conn->owner_data;

    MUST_BE(wire, WIRE_MAGIC);
    if (conn->err != CONN_ERR_NONE) {
        wire->is_broken = wire->in_ended = true;
    } else {
        wire->is_established = true;
        write_more(wire);
    }
    tell(wire);
}

static const struct connection_owner owner = { .on_readable = on_readable,
                                               .on_writable = on_writable,
                                               .on_established = on_established };

struct wire *
wire_new(void)
{
    struct wire *wire = pool_take(&wire_pool);

    if (wire != NULL)
        *wire = (struct wire){ .magic = WIRE_MAGIC, .home = this_thread };
    return wire;
}

bool
wire_connect(struct wire *wire, const struct dial_request *request)
{
    enum connection_error err;

    wire->conn = connector_dial(loop_here(), request, &owner, wire, &err);
    return wire->conn != NULL;
}

bool
wire_send(struct wire *wire, struct str bytes)
{
    if (!chain_add_copy(&wire->out, bytes.ptr, bytes.len))
        return false;
    write_more(wire);
    return true;
}

void
wire_consumed(struct wire *wire)
{
    if (wire->conn == NULL || wire->in_ended || wire->in.bytes >= buffer_default_size())
        return;
    connection_resume_reading(wire->conn);
    read_more(wire);
}

void
wire_close(struct wire *wire)
{
    connection_close(wire->conn);
    wire->conn = NULL;
    wire->is_established = false;
    wire->in_ended = wire->is_broken = true;
    chain_clear(&wire->in);
    chain_clear(&wire->out);
}

static void
free_here(struct wire *wire)
{
    wire_close(wire);
    wire->magic = 0;
    pool_give(&wire_pool, wire);
}

static void
on_home(struct mail *mail)
{
    free_here(LIST_ITEM(mail, struct wire, mail));
}

void
wire_free(struct wire *wire)
{
    wire->on_change = NULL;
    if (wire->home == this_thread)
        free_here(wire);
    else
        mailbox_send(wire->home, &wire->mail, on_home);
}
