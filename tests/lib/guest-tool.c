/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the small test guest runs beside busybox (static, no GLib):
 *
 *   guest-tool counter PERIOD_MS FILE…     appends the next number, a line of ten digits, to each FILE in turn, each on disk
 *                                          before the next is touched; goes on after the last number of the first FILE
 *   guest-tool ring SLOTS OFFSET STATUS FILE…
 *                                          writes record n = 0, 1, 2… to slot n % SLOTS of each FILE or device in turn, each on
 *                                          disk before the next is touched, as fast as it goes; slot 0 is at byte OFFSET;
 *                                          STATUS holds the last n that is on all of them
 *   guest-tool powerbutton EVENTS COMMAND  runs COMMAND when the power button is pressed; EVENTS: its input device. Goes to the
 *                                          background as soon as no press can be missed
 *   guest-tool latency COUNT FILE          COUNT synchronous writes of 4 KiB to random places of FILE; prints µs, one a line
 *
 * A ring record is 4096 bytes, little endian: magic, n, slots, index of the file, then words that follow from n and the index,
 * and last the FNV-1a of all that comes before. tests/lib/guest.py knows the same layout. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_DIRECT */
#endif

#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RECORD_BYTES 4096
#define RECORD_WORDS (RECORD_BYTES / 8)
#define RING_MAGIC 0x31474e4952425056ull /* "VPBRING1" */
#define MAX_FILES 8

static int
failed (const char *what)
{
  fprintf (stderr, "guest-tool: %s: %s\n", what, strerror (errno));
  return 1;
}

static void
die (const char *what)
{
  exit (failed (what));
}

static int
open_or_die (const char *path, int flags)
{
  int fd = open (path, flags | O_CLOEXEC, 0644);

  if (fd < 0)
    die (path);
  return fd;
}

static int
open_files (int n_paths, char **paths, int flags, int *fds)
{
  if (n_paths < 1 || n_paths > MAX_FILES)
    {
      errno = EINVAL;
      die ("number of files");
    }
  for (int i = 0; i < n_paths; i++)
    fds[i] = open_or_die (paths[i], flags);
  return n_paths;
}

static unsigned long
last_number (int fd)
{
  char line[12] = { 0 };
  off_t end = lseek (fd, 0, SEEK_END);

  if (end < 11 || pread (fd, line, 11, end - end % 11 - 11) != 11)
    return 0;
  return strtoul (line, NULL, 10);
}

static int
run_counter (int argc, char **argv)
{
  int fds[MAX_FILES];
  long period_ms = strtol (argv[0], NULL, 10);
  struct timespec pause = { period_ms / 1000, period_ms % 1000 * 1000000 };
  int n_fds = open_files (argc - 1, argv + 1, O_RDWR | O_CREAT | O_APPEND, fds);

  for (unsigned long n = last_number (fds[0]) + 1;; n++)
    {
      char line[32];
      int length = snprintf (line, sizeof line, "%010lu\n", n);

      for (int i = 0; i < n_fds; i++)
        {
          if (write (fds[i], line, length) != length || fsync (fds[i]) != 0)
            return failed (argv[i + 1]);
        }
      printf ("counter %lu\n", n);
      fflush (stdout);
      nanosleep (&pause, NULL);
    }
}

static void
fill_record (uint64_t *words, uint64_t n, uint64_t n_slots, uint64_t index)
{
  uint64_t hash = 0xcbf29ce484222325ull;

  words[0] = RING_MAGIC;
  words[1] = n;
  words[2] = n_slots;
  words[3] = index;
  for (int i = 4; i < RECORD_WORDS - 1; i++)
    words[i] = (n + 1) * 0x9e3779b97f4a7c15ull + index * 0x100000001b3ull + (uint64_t) i;
  for (int i = 0; i < RECORD_WORDS - 1; i++)
    hash = (hash ^ words[i]) * 0x100000001b3ull;
  words[RECORD_WORDS - 1] = hash;
}

static void
write_status (int fd, uint64_t n)
{
  char text[32];
  int length = snprintf (text, sizeof text, "%020llu\n", (unsigned long long) n);

  if (pwrite (fd, text, length, 0) != length)
    die ("status");
}

static int
run_ring (int argc, char **argv)
{
  int fds[MAX_FILES];
  uint64_t n_slots = strtoull (argv[0], NULL, 10);
  off_t offset = strtoll (argv[1], NULL, 10);
  int status_fd = open_or_die (argv[2], O_RDWR | O_CREAT);
  int n_fds = open_files (argc - 3, argv + 3, O_RDWR | O_DIRECT | O_DSYNC, fds);
  uint64_t *record;

  if (n_slots == 0 || posix_memalign ((void **) &record, RECORD_BYTES, RECORD_BYTES) != 0)
    die ("ring");
  for (uint64_t n = 0;; n++)
    {
      for (int i = 0; i < n_fds; i++)
        {
          fill_record (record, n, n_slots, i);
          if (pwrite (fds[i], record, RECORD_BYTES, offset + (off_t) (n % n_slots) * RECORD_BYTES)
              != RECORD_BYTES)
            return failed (argv[i + 3]);
        }
      write_status (status_fd, n);
    }
}

static int
run_powerbutton (int argc, char **argv)
{
  int fd = open_or_die (argv[0], O_RDONLY);
  struct input_event event;

  if (fork () != 0)
    return 0;
  while (read (fd, &event, sizeof event) == sizeof event)
    {
      if (event.type == EV_KEY && event.code == KEY_POWER && event.value == 1)
        return system (argv[1]);
    }
  return failed (argv[0]);
}

static int64_t
now_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int
run_latency (int argc, char **argv)
{
  long count = strtol (argv[0], NULL, 10);
  int fd = open_or_die (argv[1], O_RDWR | O_DIRECT | O_DSYNC);
  off_t n_blocks = lseek (fd, 0, SEEK_END) / RECORD_BYTES;
  void *block;

  if (n_blocks < 1 || posix_memalign (&block, RECORD_BYTES, RECORD_BYTES) != 0)
    die (argv[1]);
  memset (block, 0x5a, RECORD_BYTES);
  for (long i = 0; i < count; i++)
    {
      off_t place = (((off_t) rand () << 16) ^ rand ()) % n_blocks;
      int64_t start = now_us ();

      if (pwrite (fd, block, RECORD_BYTES, place * RECORD_BYTES) != RECORD_BYTES)
        die (argv[1]);
      printf ("%lld\n", (long long) (now_us () - start));
    }
  return 0;
}

static const struct
{
  const char *name;
  int min_arguments;
  int (*run) (int argc, char **argv);
} commands[] = {
  { "counter", 2, run_counter },
  { "ring", 4, run_ring },
  { "powerbutton", 2, run_powerbutton },
  { "latency", 2, run_latency },
};

int
main (int argc, char **argv)
{
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
    {
      if (argc - 2 >= commands[i].min_arguments && strcmp (argv[1], commands[i].name) == 0)
        return commands[i].run (argc - 2, argv + 2);
    }
  fprintf (stderr, "guest-tool: unknown command or too few arguments\n");
  return 2;
}
