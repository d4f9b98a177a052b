/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream costs: how often it was run, its CPU time, and how long it waited for its turn.
 *
 * For:     logs and rules that look for the expensive requests: cpu_ns_tot and its kin.
 * Owns:    the clock of the stream that runs now (struct session_thread).
 * Callers: on_event and stream_go_on.
 * Thread:  owner.
 *
 * Times are taken only while profiling is on. Late is what lies between the poll that brought the
 * event and the run. Events nest (the other side of the same stream): the outermost run counts. When
 * another stream runs inside, the outer one's clock stops there for good.
 */
#include "weir/loop/thread.h"

#include "private.h"

static void
add_time(struct stream *s, int64_t now_ns)
{
    s->cpu_ns += (uint64_t)(now_ns - session_thread.metered_since_ns);
    session_thread.metered_since_ns = now_ns;
}

bool
meter_begin_now(struct stream *s)
{
    int64_t now_ns = profile_clock_ns(), late_ns = now_ns - stream_loop(s)->now_us * 1000;

    if (session_thread.metered == s)
        return false;
    if (late_ns > 0)
        s->late_ns += (uint64_t)late_ns;
    session_thread.metered = s;
    session_thread.metered_since_ns = now_ns;
    return true;
}

void
meter_end(struct stream *s)
{
    if (session_thread.metered != s)
        return;
    add_time(s, profile_clock_ns());
    session_thread.metered = NULL;
}

/* --- samples --------------------------------------------------------------------------------- */

enum { METER_CALLS, METER_CPU, METER_LATE };

static uint64_t
read_meter(struct stream *s, intptr_t which)
{
    if (which == METER_LATE)
        return s->late_ns;
    if (session_thread.metered == s)
        add_time(s, profile_clock_ns());
    return s->cpu_ns;
}

static enum fetched
run_calls(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    (void)args;
    return eval->stream == NULL ? FETCH_NONE : fetched_int(out, eval->stream->calls);
}

static enum fetched
run_total(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)args;
    if (eval->stream == NULL)
        return FETCH_NONE;
    return fetched_int(out, (int64_t)read_meter(eval->stream, fetch->private));
}

static enum fetched
run_average(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    struct stream *s = eval->stream;

    (void)args;
    if (s == NULL)
        return FETCH_NONE;
    return fetched_int(out, (int64_t)(read_meter(s, fetch->private) / (s->calls ? s->calls : 1)));
}

#define METER(name_, run_, which_, help_)                                                          \
    {                                                                                              \
        name_, VALUE_INT, PLACE_L4, { { 0 } }, run_, which_, .help = help_                         \
    }

static const struct fetch fetches[] = {
    METER("cpu_calls", run_calls, METER_CALLS, "How often weir ran this stream so far."),
    METER("cpu_ns_avg", run_average, METER_CPU,
          "Nanoseconds that a run of this stream took, on average; 0 without profiling.tasks on."),
    METER("cpu_ns_tot", run_total, METER_CPU,
          "Nanoseconds that all runs of this stream took; 0 without profiling.tasks on."),
    METER("lat_ns_avg", run_average, METER_LATE,
          "Nanoseconds that an event of this stream waited behind other work of its thread, on "
          "average; 0 without profiling.tasks on."),
    METER("lat_ns_tot", run_total, METER_LATE,
          "Nanoseconds that events of this stream waited behind other work of its thread; 0 without "
          "profiling.tasks on."),
};
REGISTER(fetch, fetches);
