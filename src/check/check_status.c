/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of check results, as statistics and logs print them.
 *
 * Thread: any (const).
 */
#include "private.h"

static const struct {
    const char *name, *description;
} statuses[] = {
    [CHECK_UNKNOWN] = { "UNK", "Unknown" },
    [CHECK_INI] = { "INI", "Initializing" },
    [CHECK_START] = { "CHECKED", "No status change" },
    [CHECK_SOCKERR] = { "SOCKERR", "Socket error" },
    [CHECK_L4OK] = { "L4OK", "Layer4 check passed" },
    [CHECK_L4TOUT] = { "L4TOUT", "Layer4 timeout" },
    [CHECK_L4CON] = { "L4CON", "Layer4 connection problem" },
    [CHECK_L6OK] = { "L6OK", "Layer6 check passed" },
    [CHECK_L6TOUT] = { "L6TOUT", "Layer6 timeout" },
    [CHECK_L6RSP] = { "L6RSP", "Layer6 invalid response" },
    [CHECK_L7TOUT] = { "L7TOUT", "Layer7 timeout" },
    [CHECK_L7RSP] = { "L7RSP", "Layer7 invalid response" },
    [CHECK_L7OK] = { "L7OK", "Layer7 check passed" },
    [CHECK_L7OKC] = { "L7OKC", "Layer7 check conditionally passed" },
    [CHECK_L7STS] = { "L7STS", "Layer7 wrong status" },
    [CHECK_PROCERR] = { "PROCERR", "External check error" },
    [CHECK_PROCTOUT] = { "PROCTOUT", "External check timeout" },
    [CHECK_PROCOK] = { "PROCOK", "External check passed" },
    [CHECK_HANA] = { "HANA", "Health analyze" },
};

const char *
check_status_name(enum check_status status)
{
    return statuses[status].name;
}

const char *
check_status_description(enum check_status status)
{
    return statuses[status].description;
}

bool
check_status_has_code(enum check_status status)
{
    return status == CHECK_L7OK || status == CHECK_L7OKC || status == CHECK_L7STS ||
           status == CHECK_PROCERR || status == CHECK_PROCTOUT || status == CHECK_PROCOK;
}
