/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * A fuzz target is one file with this function. Built with clang it becomes a libFuzzer program;
 * with any other compiler it runs what it is given once (standalone.c), so that the corpus is a
 * regression test everywhere. */
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);
