/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of room telemetry share: log lines as written, the ring of a
 * thread, the sinks that bytes leave through.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "weir/base/error.h"
#include "weir/base/list.h"
#include "weir/base/text.h"
#include "weir/config/snapshot.h"
#include "weir/os/addr.h"
#include "weir/telemetry/log.h"
#include "weir/telemetry/log_backend.h"
#include "weir/telemetry/log_relay.h"
#include "weir/telemetry/ring.h"

#define LOG_LEN_DEFAULT 1024
#define LOG_LEN_MIN     80
#define LOG_LEN_MAX     65535

/* --- log_header.c: what stands before a message --------------------------------- */

enum log_header_kind {
    HEADER_DEFAULT, /* local, or rfc3164 once log-send-hostname is there */
    HEADER_RFC3164,
    HEADER_RFC5424,
    HEADER_PRIORITY,
    HEADER_SHORT,
    HEADER_TIMED,
    HEADER_ISO,
    HEADER_RAW,
    HEADER_LOCAL,
    HEADER_JSON,
};
/* The words for them, by number from HEADER_RFC3164 on; NULL at the end. */
extern const char *const log_header_names[];

struct log_header {
    enum log_header_kind kind;
    unsigned facility; /* 0..23 */
    enum log_level level;
    int64_t wall_us;
    const char *host; /* NULL: none was asked for */
    const char *tag;
    int pid;
    struct str sd; /* structured data of RFC 5424; empty: none */
};

/* Adds it to `out`, with everything up to the first byte of the message. Pure. */
void log_header_format(struct text *out, const struct log_header *header);

/* --- log_output.c: a socket or descriptor that lines leave through ---------------- */

#define LOG_BATCH_MAX 64 /* lines for one system call */

struct log_output {
    int fd;
    bool owns_fd;
    bool is_socket;
    bool is_datagram;           /* a line is a message; otherwise lines are bytes of a stream */
    bool must_poll;             /* a blocking descriptor that may stop us: ask before each line */
    bool is_ready;              /* a descriptor was looked at */
    struct sockaddr_storage to; /* datagrams */
    socklen_t to_len;
    int64_t reconnect_ms; /* unix datagrams: not before */
};

/* What became of some lines, from the first one on. */
struct log_progress {
    unsigned done;  /* lines sent or lost */
    unsigned lost;  /* of these */
    size_t partly;  /* streams: bytes of the next line that are out already */
    bool must_wait; /* the reader is slow: try again later */
};

bool log_output_open(struct log_output *output, const struct addr *addr, struct error *err);
void log_output_close(struct log_output *output);
/* Without waiting. count <= LOG_BATCH_MAX; lines[0] may lack its beginning, which is out already.
 */
struct log_progress log_output_send(struct log_output *output, struct iovec *lines, unsigned count);

/* --- log_sink.c: where lines go ------------------------------------------------- */

struct log_sink;

/* All: control thread. */

/* The live one of this address, or a new one. Holds. NULL: err. */
struct log_sink *log_sink_adopt(const struct addr *addr, struct error *err);
void log_sink_drop(struct log_sink *sink);
/* One line: write it to the text (behind what is there), then end. */
struct text *log_sink_begin(struct log_sink *sink);
void log_sink_end(struct log_sink *sink);
/* Sends what all sinks hold, as far as they take it without waiting. True: something is left. */
bool log_sink_flush_all(void);
/* Lines that were lost because a sink did not take them. */
uint64_t log_sink_dropped(void);

/* --- ring.c, ring_conf.c ---------------------------------------------------------- */

/* The live one of this name, or a new one. Holds. */
struct ring *ring_adopt(const struct ring_conf *conf);
void ring_resize(struct ring *ring, uint64_t size_bytes);
/* The ring of "log tcp@...", which sends there. Builder. */
struct ring_conf *ring_conf_implicit(struct parse *parse, const char *word, const struct addr *addr,
                                     bool counts_octets);

/* --- log_conf.c: the lines of a configuration ------------------------------------ */

struct sample_range {
    uint32_t low, high; /* from 1 */
};

/* One log line. Immutable but for what ADOPT sets. */
struct log_target {
    struct list link; /* in log_conf.targets: all of the snapshot */
    struct source_pos pos;
    struct addr addr; /* ADDR_FD: a descriptor; all others: datagrams */
    const char *ring_name;         /* NULL: no ring */
    const struct ring_conf *ring;  /* resolved */
    const char *backend_name;      /* NULL: no backend */
    const struct log_backend_kind *backend_kind;
    void *backend;                 /* resolved */
    enum log_header_kind kind;
    bool kind_is_given;
    unsigned facility;
    enum log_level level_max; /* nothing less severe is sent */
    enum log_level level_min; /* what is more severe is sent as this */
    uint32_t len;
    bool len_is_given;
    const char *profile_name; /* NULL: none */
    const void *profile;      /* resolved */
    const struct sample_range *ranges;
    unsigned range_count; /* 0: every line */
    uint32_t sample_size;
    /* Live */
    struct log_sink *sink;     /* holds; NULL before ADOPT */
    uint32_t *sample_position; /* owns: 1..sample_size; control thread */
};

struct log_conf;

/* What the log lines of one object (global, a proxy) come to. */
struct log_targets {
    struct list link;            /* in log_conf.lists */
    const struct log_conf *conf; /* borrows: same snapshot */
    const void *owner;           /* whoever inherits these copies them before adding */
    struct log_target **lines;   /* as written there */
    unsigned line_count;
    bool with_global; /* "log global" */
    /* Computed once the text is read. */
    struct log_target **items; /* with those of global */
    unsigned count;
    int level; /* the least severe one that anybody takes; -1: nobody */
    size_t max_len;
    size_t json_len;
    bool has_profiles;
};

/* Slot of the globals. */
struct log_conf {
    struct log_targets *global; /* NULL: no log line in global */
    struct list lists;          /* struct log_targets */
    struct list targets;        /* struct log_target */
    const char *tag;            /* log-tag; NULL: the name of the program */
    const char *host;           /* log-send-hostname; NULL: not asked for */
};

const struct log_conf *log_conf_of(const struct snapshot *snapshot);

/* --- log_parse.c ----------------------------------------------------------------- */

/* The words of one log line, after the keyword. NULL: reported. */
struct log_target *log_target_parse(struct parse *parse);

/* --- log_ring.c: from a traffic thread to the control thread ---------------------- */

struct log_record {
    uint32_t size; /* of the whole record in the ring */
    uint8_t is_filler;
    uint8_t level;
    uint16_t sd_len;
    uint32_t message_len;
    int16_t only;
    uint8_t is_json;
    uint8_t pad;
    const char *event;
    const struct log_targets *targets;
    const char *tag; /* NULL: the global one */
    int64_t wall_us;
    char bytes[]; /* message, then structured data */
};

struct log_ring;

struct log_ring *log_ring_new(size_t size_bytes); /* a power of two */
void log_ring_free(struct log_ring *ring);
/* Writer. NULL: full (counted). */
struct log_record *log_ring_reserve(struct log_ring *ring, size_t bytes_len);
void log_ring_commit(struct log_ring *ring, const struct log_record *record);
/* Reader. What is committed now stands before the mark. */
uint64_t log_ring_mark(const struct log_ring *ring);
/* The oldest record before the mark; NULL: none. It is good until released. */
const struct log_record *log_ring_first(struct log_ring *ring, uint64_t mark);
void log_ring_release(struct log_ring *ring, const struct log_record *record);
/* Any. */
bool log_ring_is_empty(const struct log_ring *ring);
uint64_t log_ring_dropped(const struct log_ring *ring);

/* --- log_writer.c: the control thread's end --------------------------------------- */

struct log_line {
    const struct log_targets *targets;
    enum log_level level;
    const char *tag; /* NULL: the global one */
    int64_t wall_us;
    struct str message;
    struct str sd;     /* or the members of an event */
    const char *event; /* NULL: a line of traffic */
    bool is_json;      /* the message is an object */
    int only;
    const struct log_incoming *incoming; /* a message of others; NULL: ours */
};

/* log_relay.c: line->incoming as the target wants it. Control. */
void log_relay_format(struct text *out, const struct log_target *target, const struct log_line *line);
/* log_incoming.c: 1 to 12; 0: it does not begin with one. */
unsigned log_month_of(struct str s);
/* log_dispatch.c: to the sinks of all targets that want it. Control. */
void log_dispatch(const struct log_line *line, int pid);
/* Control thread, or any at boot when there is but one. */
void log_writer_write(const struct log_line *line);
/* A traffic thread. */
void log_writer_pass_on(const struct log_line *line);
/* Everything that the rings hold now goes to the sinks: so nobody refers to an old snapshot any
 * more. Control. True: there was something. */
bool log_writer_drain(void);
uint64_t log_writer_dropped(void);
