/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stands for libsoup 2: has the symbol by which libsoup 3 recognises it. */
#include <stddef.h>

void *soup_uri_new (const char *text);

void *
soup_uri_new (const char *text)
{
  return NULL;
}
