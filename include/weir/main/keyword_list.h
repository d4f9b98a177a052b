/* SPDX-License-Identifier: Apache-2.0 */
/* What is registered, listed for people, editors and the manual's check. Boot. */
#pragma once

/* -dK: "all", or a comma list of acl cfg cli cnv flt smp svc, in HAProxy's form; "weir": one line for
 * each registered thing, "kind<TAB>place<TAB>name<TAB>file<TAB>help". */
void keyword_list_print(const char *classes);
