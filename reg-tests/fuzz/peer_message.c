/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a peer sends: framed, defined, and read as entries of a table that stores all there
 * is. Nothing is read beyond the bytes; what was read as an update can be told again and is the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stick/peer_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct stick_layout layouts[5];

/* Each type of key, with all columns. */
static void
lay_out(void)
{
    static const uint32_t key_sizes[] = { 4, 16, 4, 20, 8 };

    for (unsigned type = 0; type < 5; type++) {
        struct stick_layout *layout = &layouts[type];
        uint32_t offset = 0;

        layout->type = (enum stick_type)type;
        layout->key_size = key_sizes[type];
        for (unsigned i = 0; i < DATA_RATE_LIMIT; i++) {
            struct stick_column *column = &layout->columns[i];

            column->is_stored = true;
            column->count = stick_data_infos[i].is_array ? 3 : 1;
            column->period_ms = stick_data_infos[i].kind == KIND_RATE ? 1000 : 0;
            column->offset = offset;
            offset += stick_column_size(column, (enum stick_data)i);
        }
        layout->data_size = offset;
    }
}

/* What we tell of it is read as the same. */
static void
check_round_trip(const struct stick_layout *layout, const struct peer_update *update)
{
    static struct peer_names told, heard;
    static struct peer_update again, copy;
    struct peer_definition definition;
    struct text out = TEXT_INIT;
    struct peer_frame frame;
    size_t used;

    copy = *update;
    if (copy.image.has != (1u << DATA_RATE_LIMIT) - 1)
        return;
    memset(&told, 0, sizeof(told));
    memset(&heard, 0, sizeof(heard));
    peer_add_definition(&out, layout, 1, STR("t"), 1000);
    if (peer_frame_read(text_str(&out), &frame, &used) != FRAME_WHOLE ||
        !peer_definition_read(frame.body, &definition) || !peer_definition_fits(&definition, layout))
        abort();
    text_clear(&out);
    peer_add_update(&out, layout, &copy, &told, 5);
    if (peer_frame_read(text_str(&out), &frame, &used) != FRAME_WHOLE || used != out.len ||
        !peer_update_read(&definition, layout, frame.type, frame.body, &heard, 5, &again))
        abort();
    if (again.key.len != copy.key.len || memcmp(again.key.bytes, copy.key.bytes, copy.key.len) != 0 ||
        memcmp(again.image.bytes, copy.image.bytes, layout->data_size) != 0)
        abort();
    text_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct str rest = str_of((const char *)bytes, len);
    struct peer_definition definition = { 0 };
    static struct peer_names names;
    static struct peer_update update;
    const struct stick_layout *layout = NULL;
    struct peer_hello hello;
    struct peer_frame frame;
    uint32_t number;
    size_t used;
    uint64_t id;

    if (layouts[0].data_size == 0)
        lay_out();
    memset(&names, 0, sizeof(names));
    (void)peer_hello_read(rest, &hello, &used);
    while (peer_frame_read(rest, &frame, &used) == FRAME_WHOLE) {
        if (used > rest.len || used < 2)
            abort();
        rest = str_slice(rest, used, rest.len - used);
        if (frame.type == PEER_DEFINE) {
            layout = NULL;
            for (unsigned i = 0; peer_definition_read(frame.body, &definition) && i < 5; i++) {
                if (peer_definition_fits(&definition, &layouts[i]))
                    layout = &layouts[i];
            }
        }
        (void)peer_ack_read(frame.body, &id, &number);
        (void)peer_switch_read(frame.body, &id);
        if (layout != NULL && frame.type != PEER_DEFINE && frame.type >= PEER_UPDATE &&
            peer_update_read(&definition, layout, frame.type, frame.body, &names, 5, &update))
            check_round_trip(layout, &update);
    }
    return 0;
}
