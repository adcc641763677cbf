/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guest-latency FILE OUTPUT PAUSE_US: runs in the guest (static, no GLib) until it is killed.
 * Writes 4 KiB to a random place of FILE, on disk before the call returns, pauses, and again;
 * appends to OUTPUT for each write how long it took, in µs. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_DIRECT */
#endif

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES 4096

static int64_t
now_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int
write_for_ever (int fd, int output_fd, long pause_us)
{
  const off_t n_blocks = lseek (fd, 0, SEEK_END) / BLOCK_BYTES;
  void *block;

  if (n_blocks < 1 || posix_memalign (&block, BLOCK_BYTES, BLOCK_BYTES) != 0)
    return 1;
  memset (block, 0x5a, BLOCK_BYTES);
  for (;;)
    {
      const off_t place = (((off_t) rand () << 16) ^ rand ()) % n_blocks;
      const int64_t start = now_us ();

      if (pwrite (fd, block, BLOCK_BYTES, place * BLOCK_BYTES) != BLOCK_BYTES)
        return 1;
      if (dprintf (output_fd, "%lld\n", (long long) (now_us () - start)) < 0)
        return 1;
      usleep (pause_us);
    }
}

int
main (int argc, char **argv)
{
  int fd, output_fd;

  if (argc != 4)
    return 2;
  fd = open (argv[1], O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
  output_fd = open (argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0 || output_fd < 0)
    return 1;
  return write_for_ever (fd, output_fd, strtol (argv[3], NULL, 10));
}
