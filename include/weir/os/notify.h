/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to the service manager (sd_notify(3)). Boot and control thread. */
#pragma once

/* "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=..." and the like, lines parted by \n. Does
 * nothing when no service manager started us. */
void notify_send(const char *state);
