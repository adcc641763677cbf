/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lock-owner STATE-FOLDER VPS WORD: holds the lock of a VPS as the service does, and with the
 * service's own code. Each line on stdin is another word for the lock, or "release"; each step done
 * is a line on stdout. When it is killed, or its stdin ends, the lock stays as that of a dead
 * owner. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/operations/vb-power-lock.h"

static void
fail (GError *error)
{
  fprintf (stderr, "lock-owner: %s\n", error->message);
  exit (1);
}

int
main (int argc, char *argv[])
{
  GError *error = NULL;
  char line[64];

  if (argc != 4)
    {
      fprintf (stderr, "usage: lock-owner STATE-FOLDER VPS WORD\n");
      return 2;
    }
  g_autofree char *operation = g_uuid_string_random ();
  VbPowerLock *lock = vb_power_lock_acquire (argv[1], argv[2], argv[3], operation, &error);
  if (lock == NULL)
    fail (error);
  setvbuf (stdout, NULL, _IOLBF, 0);
  puts (argv[3]);

  while (fgets (line, sizeof line, stdin) != NULL)
    {
      g_strchomp (line);
      if (g_str_equal (line, "release"))
        vb_power_lock_release (g_steal_pointer (&lock));
      else if (!vb_power_lock_change (lock, line, &error))
        fail (error);
      puts (line);
      if (lock == NULL)
        return 0;
    }
  _exit (0); /* without a release */
}
