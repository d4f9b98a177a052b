/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of servers at start. */
#pragma once

/* -dr: names that cannot be resolved do not stop the start. Boot. */
void server_addr_ignore_unresolved(void);
