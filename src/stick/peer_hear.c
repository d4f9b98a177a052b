/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer tells about tables.
 *
 * For:     peer_session.c.
 * Owns:    nothing.
 * Thread:  control.
 *
 * What it tells takes the place of what we have: nothing is added up. A table that we do not share, or
 * whose keys are others, is passed over.
 */
#include <string.h>

#include "peers.h"

static struct peer_table *
find_by_name(const struct peer *peer, struct str name)
{
    LIST_FOR_EACH (shared, &peer->tables, struct peer_table, link) {
        if (str_eq(str_from(shared->conf->shared_name), name))
            return shared;
    }
    return NULL;
}

static bool
hear_definition(struct peer_session *session, struct str body)
{
    struct peer_definition definition;
    struct peer_table *shared;

    if (!peer_definition_read(body, &definition))
        return false;
    LIST_FOR_EACH (other, &session->peer->tables, struct peer_table, link) {
        if (other->is_defined && other->definition.id == definition.id)
            other->is_defined = false;
    }
    shared = session->heard_table = find_by_name(session->peer, definition.name);
    if (shared == NULL)
        return true;
    definition.name = STR_NONE;
    shared->definition = definition;
    shared->is_defined = true;
    shared->fits = peer_definition_fits(&definition, &shared->table->layout);
    return true;
}

static bool
hear_switch(struct peer_session *session, struct str body)
{
    uint64_t id;

    if (!peer_switch_read(body, &id))
        return false;
    session->heard_table = NULL;
    LIST_FOR_EACH (shared, &session->peer->tables, struct peer_table, link) {
        if (shared->is_defined && shared->definition.id == id)
            session->heard_table = shared;
    }
    return true;
}

static bool
hear_ack(struct peer_session *session, struct str body)
{
    uint32_t number;
    uint64_t id;

    if (!peer_ack_read(body, &id, &number))
        return false;
    LIST_FOR_EACH (shared, &session->peer->tables, struct peer_table, link) {
        if (shared->id == id)
            peer_table_on_ack(shared, number);
    }
    return true;
}

/* Columns of `from` that another table may have: who serves a key, and its tags. */
static void
write_on(const struct stick_table_conf *conf, struct peer_update *update)
{
    static const enum stick_data kept[] = { DATA_SERVER_ID, DATA_SERVER_KEY, DATA_GPT0, DATA_GPT };
    const struct stick_table_conf *to = conf->write_to;
    static struct stick_image image; /* one control thread */

    image.has = 0;
    for (unsigned i = 0; i < COUNT(kept); i++) {
        const struct stick_column *from_column = &conf->layout.columns[kept[i]];
        const struct stick_column *to_column = &to->layout.columns[kept[i]];

        if ((update->image.has & 1u << kept[i]) == 0 || !to_column->is_stored)
            continue;
        for (unsigned n = 0; n < to_column->count; n++)
            stick_image_set_number(&image, to_column, kept[i], n,
                                   n < from_column->count
                                       ? stick_image_number(&update->image, from_column, kept[i], n)
                                       : 0);
        image.has |= 1u << kept[i];
    }
    if (image.has != 0)
        (void)stick_table_learn(to->live, &update->key, &image, update->expires_in_ms);
}

static bool
hear_update(struct peer_session *session, uint8_t type, struct str body)
{
    struct peer_table *shared = session->heard_table;
    struct peer_update *update = &session->update;

    if (shared == NULL || !shared->is_defined || !shared->fits)
        return true;
    if (!peer_update_read(&shared->definition, &shared->table->layout, type, body,
                          &session->heard_names, (uint32_t)stick_now_ms(), update))
        return false;
    shared->got = update->has_number ? update->number : shared->got + 1;
    shared->must_confirm = true;
    if (!shared->conf->recv_only)
        update->image.has &= ~(1u << DATA_CONN_CUR);
    if (update->key.len == 0)
        return true;
    (void)stick_table_learn(shared->table, &update->key, &update->image, update->expires_in_ms);
    if (shared->conf->write_to != NULL && shared->conf->write_to->live != NULL)
        write_on(shared->conf, update);
    return true;
}

bool
peer_hear(struct peer_session *session, const struct peer_frame *frame)
{
    switch (frame->type) {
    case PEER_UPDATE:
    case PEER_UPDATE_NEXT:
    case PEER_UPDATE_TIMED:
    case PEER_UPDATE_TIMED_NEXT:
        return hear_update(session, frame->type, frame->body);
    case PEER_DEFINE:
        return hear_definition(session, frame->body);
    case PEER_SWITCH:
        return hear_switch(session, frame->body);
    case PEER_ACK:
        return hear_ack(session, frame->body);
    default: /* of a later version */
        return true;
    }
}
