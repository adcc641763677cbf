/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Points where a test lets the service die as a crash would, or lets it wait while the test kills
 * something else. They exist only in builds with -Dfault_points=true; in any other build the macros
 * are the call itself, or nothing.
 *
 * VB_FAULT_AROUND (call, format, …): the value of @call, with a point right before it
 * (“name.before”) and right after (“name.after”) VB_FAULT_POINT (format, …): one point */
#ifdef VB_FAULT_POINTS

/**
 * vb_fault_reach:
 * @when: (nullable): what is appended to the name
 * @format: the name of the point
 *
 * Obeys the environment. VB_FAULT=name[#n]:kill|hold[,…] says what to do at the n-th time that a
 * point is reached, the first if not said; VB_FAULT=@file reads it from a file at each point.
 * VB_FAULT_LOG=file gets the name of each point. VB_FAULT_HOLD=file: a thread is held as long as
 * that exists. errno stays as it is. Any thread.
 */
void vb_fault_reach (const char *when, const char *format, ...) G_GNUC_PRINTF (2, 3);

#define VB_FAULT_POINT(...) vb_fault_reach (NULL, __VA_ARGS__)
#define VB_FAULT_AROUND(call, ...)                                                                 \
  (__extension__({                                                                                 \
    vb_fault_reach ("before", __VA_ARGS__);                                                        \
    __auto_type value_ = (call);                                                                   \
    vb_fault_reach ("after", __VA_ARGS__);                                                         \
    value_;                                                                                        \
  }))

#else

#define VB_FAULT_POINT(...) ((void) 0)
#define VB_FAULT_AROUND(call, ...) (call)

#endif

G_END_DECLS
