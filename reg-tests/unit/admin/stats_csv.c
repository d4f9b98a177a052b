/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV of statistics: order of columns, width of rows, quotes. */
#include "weir/admin/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Tools read these by position. */
static const char first_columns[] =
    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,"
    "wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,"
    "lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,"
    "hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,"
    "cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,"
    "rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,"
    "check_fall,check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,"
    "conn_rate_max,conn_tot,intercepted,dcon,dses,wrew,connect,reuse,cache_lookups,cache_hits,"
    "srv_icur,src_ilim,qtime_max,ctime_max,rtime_max,ttime_max,eint,idle_conn_cur,safe_conn_cur,"
    "used_conn_cur,need_conn_est,uweight,agg_server_status,agg_server_check_status,"
    "agg_check_status,srid,sess_other,h1sess,h2sess,h3sess,req_other,h1req,h2req,h3req,proto,"
    "priv_idle_cur,reqbin,reqbout,resbin,resbout,cache_hint_hits,-,h2_headers_rcvd,";

static unsigned
count_commas(const char *line)
{
    unsigned count = 0;

    for (; *line != '\0'; line++)
        count += *line == ',';
    return count;
}

static void
test_header(void **state)
{
    struct text out = TEXT_INIT;

    (void)state;
    stat_csv_header(&out);
    assert_memory_equal(text_cstr(&out), first_columns, strlen(first_columns));
    assert_int_equal(count_commas(text_cstr(&out)), STAT_COLUMNS + 1);
    assert_string_equal(text_cstr(&out) + out.len - 2, ",\n");
    text_fini(&out);
}

static void
test_every_column_is_described(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STAT_COLUMNS; i++) {
        assert_non_null(stat_columns[i].name);
        assert_int_equal(strlen(stat_columns[i].tags), 4);
        assert_non_null(strchr("MSKCP", stat_columns[i].tags[0]));
        assert_non_null(strchr("AaCDGLMmNORT", stat_columns[i].tags[1]));
        assert_non_null(strchr("CSP", stat_columns[i].tags[2]));
        assert_non_null(stat_columns[i].help);
    }
}

static void
test_rows_are_as_wide_as_the_header(void **state)
{
    struct stat_row row = { .kind = STAT_SERVER };
    struct text out = TEXT_INIT;

    (void)state;
    stat_csv_row(&out, &row);
    assert_int_equal(count_commas(text_cstr(&out)), STAT_COLUMNS + 1);
    text_clear(&out);
    for (unsigned i = 0; i < STAT_COLUMNS; i++)
        row.values[i] = metric_u64(UINT64_MAX);
    stat_csv_row(&out, &row);
    assert_int_equal(count_commas(text_cstr(&out)), STAT_COLUMNS + 1);
    text_fini(&out);
}

static void
test_values(void **state)
{
    struct stat_row row = { .kind = STAT_SERVER };
    struct text out = TEXT_INIT;

    (void)state;
    row.values[STAT_PXNAME] = metric_text("be");
    row.values[STAT_SVNAME] = metric_text("s,1 \"x\"");
    row.values[STAT_QCUR] = metric_u32(7);
    row.values[STAT_QMAX] = metric_s32(-1);
    row.values[STAT_SCUR] = metric_text(NULL);
    stat_csv_row(&out, &row);
    assert_memory_equal(text_cstr(&out), "be,\"s,1 \"\"x\"\"\",7,-1,,,", 22);
    text_fini(&out);
}

static void
test_typed(void **state)
{
    struct stat_row row = { .kind = STAT_SERVER, .proxy_id = 4, .id = 1 };
    struct text out = TEXT_INIT;

    (void)state;
    row.values[STAT_STATUS] = metric_text("UP");
    row.values[STAT_LASTSESS] = metric_s32(-1);
    row.values[STAT_H2_HEADERS_RCVD] = metric_u64(5);
    stat_typed_row(&out, &row, false);
    assert_string_equal(text_cstr(&out), "S.4.1.17.status.1:SGPV:str:UP\n"
                                         "S.4.1.55.lastsess.1:MAPV:s32:-1\n"
                                         "S.4.1.119.h2_headers_rcvd.1:MCPV:u64:5\n");
    text_fini(&out);
}

static void
test_json(void **state)
{
    struct stat_row row = { .kind = STAT_FRONTEND, .proxy_id = 2 };
    struct text out = TEXT_INIT;
    struct json json;

    (void)state;
    row.values[STAT_SCUR] = metric_u32(3);
    json_init(&json, &out);
    stat_json_row(&json, &row);
    assert_string_equal(text_cstr(&out),
                        "[{\"objType\":\"Frontend\",\"proxyId\":2,\"id\":0,\"field\":{\"pos\":4,"
                        "\"name\":\"scur\"},\"processNum\":1,\"tags\":{\"origin\":\"Metric\","
                        "\"nature\":\"Gauge\",\"scope\":\"Process\"},\"value\":{\"type\":\"u32\","
                        "\"value\":3}}]");
    text_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_every_column_is_described),
        cmocka_unit_test(test_rows_are_as_wide_as_the_header),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_typed),
        cmocka_unit_test(test_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
