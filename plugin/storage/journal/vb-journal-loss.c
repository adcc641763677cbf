/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-journal-loss.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vb-revocation-copy.h"

/* https://www.sqlite.org/fileformat2.html#walformat */
#define WAL_HEADER_BYTES 32
/* SQLite takes a file of one byte for an empty one. */
#define LEAST_BYTES 1
#define WAL_MAGIC 0x377f0682 /* the lowest bit is the byte order of its checksums */

static gboolean
is_there (const char *path)
{
  struct stat info;
  return stat (path, &info) == 0 && info.st_size > LEAST_BYTES;
}

/* SQLite takes a log whose header makes no sense for an empty one, without a word. */
static gboolean
is_log_damaged (const char *file)
{
  g_autofree char *path = g_strconcat (file, "-wal", NULL);
  guchar header[WAL_HEADER_BYTES];
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

  if (fd < 0)
    return FALSE;
  gssize length = read (fd, header, sizeof header);
  close (fd);
  guint32 magic = (guint32) header[0] << 24 | header[1] << 16 | header[2] << 8 | header[3];
  return length == (gssize) sizeof header && (magic & ~1u) != WAL_MAGIC;
}

static gboolean
has_entries (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  return dir != NULL && g_dir_read_name (dir) != NULL;
}

VbJournalLoss
vb_journal_loss_examine (const char *file)
{
  g_autofree char *folder = g_path_get_dirname (file);
  g_autofree char *locks = g_build_filename (folder, "locks", NULL);
  g_autofree char *copy = vb_revocation_copy_path (file);

  if (!is_there (file))
    return is_there (copy) || has_entries (locks) ? VB_JOURNAL_LOSS_ALL : VB_JOURNAL_LOSS_NONE;
  return is_log_damaged (file) ? VB_JOURNAL_LOSS_NEWEST : VB_JOURNAL_LOSS_NONE;
}
