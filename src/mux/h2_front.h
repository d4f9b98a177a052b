/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 after bytes that another mux has read.
 */
#pragma once

#include "intake.h"

struct mux_conn;

/* Front: these bytes came before. Takes them. They are used at once; owners hear of them at the end
 * of the turn. */
void h2_mux_begin_with(struct mux_conn *mc, struct intake *bytes);
