/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Modules that a host must not use. What differs is given by the build; whoever calls them is found
 * out. */
#include <stdio.h>
#include <stdlib.h>

#include "vps-backup-module.h"

static void
fail (void)
{
  fprintf (stderr, "CALLED\n");
  abort ();
}

#ifdef FAKE_SYMBOL
G_MODULE_EXPORT const VpsBackupModule FAKE_SYMBOL = {
  .magic = FAKE_MAGIC,
  .abi_version = FAKE_ABI,
  .struct_size = FAKE_SIZE,
  .name = "fake",
  .version = "0",
  .create = (void *) fail,
  .start_async = (void *) fail,
  .start_finish = (void *) fail,
  .stop_async = (void *) fail,
  .stop_finish = (void *) fail,
};
#else
G_MODULE_EXPORT int something_else = 1;
G_MODULE_EXPORT void *unused = (void *) fail;
#endif
