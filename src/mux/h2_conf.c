/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the global section says about HTTP/2.
 *
 * For:     the h2 mux, through mux_settings.
 * Callers: the table of keywords; mux_settings_fill().
 * Thread:  builder.
 */
#include "h2_conf.h"

#include <string.h>

#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"

#define TABLE_DEFAULT   4096
#define STREAMS_DEFAULT 100
#define WINDOW_DEFAULT  65535
#define FRAME_LEAST     16384
#define FRAME_MOST      16777215
#define NUMBER_MOST     2147483647
#define RXBUF_LEAST     16384

void
h2_conf_init(struct h2_conf *conf)
{
    *conf = (struct h2_conf){
        .front = { .streams = -1 },
        .back = { .streams = -1 },
        .table_size = TABLE_DEFAULT,
        .window = WINDOW_DEFAULT,
        .streams = STREAMS_DEFAULT,
    };
}

static void
init(void *slot)
{
    h2_conf_init(slot);
}

static struct slot h2_slot = {
    .name = "h2",
    .owner = SLOT_GLOBAL,
    .size = sizeof(struct h2_conf),
    .init = init,
};
REGISTER_SLOT(h2_slot);

const struct h2_conf *
h2_conf_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &h2_slot);
}

static bool
parse_rxbuf(struct parse *parse)
{
    struct h2_conf *conf = keyword_slot(parse, &h2_slot);
    struct h2_side *side = strstr(parse->keyword, ".fe.") != NULL ? &conf->front : &conf->back;

    return parse_size(parse, "a size", &side->rxbuf) &&
           (side->rxbuf >= RXBUF_LEAST && side->rxbuf <= NUMBER_MOST
                ? parse_end(parse)
                : parse_alert(parse, "a connection needs room for %d bytes at least, and %d at most",
                              RXBUF_LEAST, NUMBER_MOST));
}

static const struct keyword keywords[] = {
    { "tune.h2.header-table-size", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, table_size, 0, 65536),
      .help = "Size of the table of header fields that HTTP/2 peers may use." },
    { "tune.h2.initial-window-size", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, window, 0, NUMBER_MOST),
      .help = "Bytes of a body that an HTTP/2 peer may send before it is told to go on." },
    { "tune.h2.fe.initial-window-size", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, front.window, 0, NUMBER_MOST),
      .help = "The same for clients alone." },
    { "tune.h2.be.initial-window-size", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, back.window, 0, NUMBER_MOST),
      .help = "The same for servers alone." },
    { "tune.h2.max-concurrent-streams", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, streams, 0, NUMBER_MOST),
      .help = "Streams that one HTTP/2 connection may have at once." },
    { "tune.h2.fe.max-concurrent-streams", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, front.streams, 0, NUMBER_MOST),
      .help = "The same for clients alone." },
    { "tune.h2.be.max-concurrent-streams", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, back.streams, 0, NUMBER_MOST),
      .help = "The same for servers alone." },
    { "tune.h2.fe.max-total-streams", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, total_streams, 0, NUMBER_MOST),
      .help = "After that many requests a client's connection is ended gracefully; 0: never." },
    { "tune.h2.max-frame-size", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, frame_size, FRAME_LEAST, FRAME_MOST),
      .help = "Largest HTTP/2 frame that peers may send." },
    { "tune.h2.fe.glitches-threshold", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, front.glitches, 0, NUMBER_MOST),
      .help = "After that many faults a client's HTTP/2 connection is closed; 0: never." },
    { "tune.h2.be.glitches-threshold", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, back.glitches, 0, NUMBER_MOST),
      .help = "After that many faults a server's HTTP/2 connection is closed; 0: never." },
    { "tune.h2.fe.max-frames-at-once", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, front.frames_at_once, 0, NUMBER_MOST),
      .help = "After that many HTTP/2 frames of a client others have their turn; 0: all that has come." },
    { "tune.h2.be.max-frames-at-once", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, back.frames_at_once, 0, NUMBER_MOST),
      .help = "The same for servers." },
    { "tune.h2.fe.max-rst-at-once", IN_GLOBAL, .args = "<number>", .slot = &h2_slot,
      SET_INT(struct h2_conf, resets_at_once, 0, NUMBER_MOST),
      .help = "After that many streams that a client has taken back (RST_STREAM) others have their turn; 0: all "
              "that has come." },
    { "tune.h2.fe.rxbuf", IN_GLOBAL, .args = "<size>", .slot = &h2_slot,
      .parse = parse_rxbuf,
      .help = "Bytes of bodies that one HTTP/2 connection of a client may have waiting in weir." },
    { "tune.h2.be.rxbuf", IN_GLOBAL, .args = "<size>", .slot = &h2_slot,
      .parse = parse_rxbuf,
      .help = "The same for servers." },
    { "tune.glitches.kill.cpu-usage", IN_GLOBAL, .args = "<percent>", .slot = &h2_slot,
      SET_INT(struct h2_conf, kill_usage, 0, 100),
      .help = "Faulty HTTP/2 connections are closed only while their thread is at least that busy." },
    { "h2-workaround-bogus-websocket-clients", IN_GLOBAL, .slot = &h2_slot,
      SET_FLAG(struct h2_conf, no_websocket),
      .help = "Do not tell HTTP/2 clients that they may open WebSockets." },
    { "tune.h2.zero-copy-fwd-send", IN_GLOBAL, .args = "{ on | off }", .slot = &h2_slot,
      SET_ON_OFF(struct h2_conf, zero_copy),
      .help = "Accepted; bodies are never copied on their way." },
};
REGISTER(keyword, keywords);
