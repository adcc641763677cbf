/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-image-reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "vb-manifest.h"
#include "storage/base/vb-ranges.h"
#include "storage/base/vb-run-abandonable.h"
#include "storage/base/vb-sparse-file.h"
#include "storage/base/vb-worker-pool.h"

#define CHUNK VB_SUMS_CHUNK_BYTES
#define THREADS 8
#define JOBS 16
#define WAIT_MS 50

typedef struct
{
  struct Reader *reader;
  guint64 offset;
  gsize length;
  guint64 data_bytes; /* of it, as the file system tells */
  guint8 *buffer;
  guint64 bad;
  GError *error;
} Job;

typedef struct Reader
{
  VbSparseFile *image;
  VbSums *sums;
  gsize unit;
  VbImageSink sink;
  gpointer sink_data;
  guint64 *bad_chunks;
  VbTransfer *transfer;
  GCancellable *stop;

  VbRanges *data;
  gsize next_range;
  guint64 next_offset;
  VbWorkerPool *workers;
  GPtrArray *idle; /* (element-type Job) */
} Reader;

static Job *
job_new (Reader *reader, GError **error)
{
  guint8 *buffer = vb_sparse_file_alloc (reader->unit, error);
  if (buffer == NULL)
    return NULL;
  Job *job = g_new0 (Job, 1);
  job->reader = reader;
  job->buffer = buffer;
  return job;
}

static void
job_free (gpointer data)
{
  Job *job = data;
  g_clear_error (&job->error);
  free (job->buffer);
  g_free (job);
}

static void
set_mismatch (GError **error, guint64 chunk)
{
  g_set_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH,
               "MiB %" G_GUINT64_FORMAT " of the backup is damaged", chunk);
}

/* In a worker. */
static void
read_unit (gpointer data, gpointer user_data)
{
  Job *job = data;
  Reader *reader = job->reader;

  if (!vb_sparse_file_read (reader->image, job->buffer, job->length, job->offset))
    {
      vb_error_set_errno (&job->error, errno, "Failed to read the backup");
      return;
    }
  for (gsize at = 0; at < job->length; at += CHUNK)
    if (!vb_sums_matches (reader->sums, (job->offset + at) / CHUNK, job->buffer + at))
      job->bad++;
  if (job->bad > 0 && reader->bad_chunks == NULL)
    set_mismatch (&job->error, job->offset / CHUNK);
  else if (reader->sink)
    reader->sink (reader->sink_data, job->buffer, job->length, job->offset, &job->error);
}

/* A hole needs no reading, but it must be one in the backup as well. */
static gboolean
check_holes (Reader *reader, guint64 from, guint64 to, GError **error)
{
  for (guint64 chunk = (from + CHUNK - 1) / CHUNK; chunk * CHUNK < to; chunk++)
    if (!vb_sums_matches_zero (reader->sums, chunk))
      {
        if (reader->bad_chunks == NULL)
          {
            set_mismatch (error, chunk);
            return FALSE;
          }
        (*reader->bad_chunks)++;
      }
  return TRUE;
}

static guint64
count_data (Reader *reader, guint64 start, guint64 end)
{
  const VbRange *range;
  guint64 bytes = 0;

  while ((range = vb_ranges_get (reader->data, reader->next_range)) != NULL && range->start < end)
    {
      bytes += MIN (range->end, end) - MAX (range->start, start);
      if (range->end > end)
        break;
      reader->next_range++;
    }
  return bytes;
}

/* Finds the next unit with data, and checks the holes before it. Returns: FALSE at the end or with
 * @error set */
static gboolean
plan_job (Reader *reader, Job *job, GError **error)
{
  guint64 size = vb_sums_get_size (reader->sums), start = size;
  const VbRange *range = vb_ranges_get (reader->data, reader->next_range);

  if (range)
    start = MAX (range->start / reader->unit * reader->unit, reader->next_offset);
  if (!check_holes (reader, reader->next_offset, start, error))
    return FALSE;
  reader->next_offset = start;
  if (start >= size)
    return FALSE;

  job->offset = start;
  job->length = (gsize) MIN (reader->unit, size - start);
  job->bad = 0;
  job->data_bytes = count_data (reader, start, start + job->length);
  reader->next_offset = start + job->length;
  return TRUE;
}

static gboolean
finish_jobs (Reader *reader, GError **error)
{
  Job *job;

  while ((job = vb_worker_pool_pop (reader->workers)) != NULL)
    {
      if (job->error)
        {
          g_propagate_error (error, g_steal_pointer (&job->error));
          return FALSE;
        }
      if (reader->bad_chunks)
        *reader->bad_chunks += job->bad;
      vb_transfer_add (reader->transfer, job->data_bytes);
      g_ptr_array_add (reader->idle, job);
    }
  return TRUE;
}

static gboolean
read_all (Reader *reader, GError **error)
{
  guint spare = vb_transfer_get_bandwidth_limit (reader->transfer) > 0 ? JOBS - 1 : 0;
  gboolean more = TRUE;

  while (more || vb_worker_pool_get_pending (reader->workers) > 0)
    {
      g_autoptr (GError) local = NULL;
      gint64 pause_us = vb_transfer_throttle_us (reader->transfer);
      while (more && pause_us <= 0 && reader->idle->len > spare)
        {
          Job *job = g_ptr_array_index (reader->idle, reader->idle->len - 1);
          more = plan_job (reader, job, &local);
          if (more)
            vb_worker_pool_push (reader->workers,
                                 g_ptr_array_steal_index (reader->idle, reader->idle->len - 1));
        }
      if (local)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }

      gint64 wait_ms = more && pause_us > 0 ? MIN (pause_us / 1000 + 1, WAIT_MS) : WAIT_MS;
      if (more || vb_worker_pool_get_pending (reader->workers) > 0)
        vb_worker_pool_wait (reader->workers, (int) wait_ms);
      if (!vb_run_abandonable_check (reader->stop, error) || !finish_jobs (reader, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_size (int fd, VbSums *sums, GError **error)
{
  struct stat info;

  if (fstat (fd, &info) == 0 && (guint64) info.st_size == vb_sums_get_size (sums))
    return TRUE;
  g_set_error_literal (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH,
                       "The image of the backup has the wrong size");
  return FALSE;
}

/* What is no file is damage; what cannot be looked at is told by the one that opens it. */
static gboolean
is_there (int backup, const char *name)
{
  struct stat info;

  if (fstatat (backup, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
    return errno != ENOENT;
  return S_ISREG (info.st_mode);
}

int
vb_image_reader_open (int backup, const char *target, VbSums **sums, GError **error)
{
  g_autofree char *image_name = vb_manifest_image_name (target);
  g_autofree char *sums_name = vb_manifest_sums_name (target);

  if (!is_there (backup, image_name) || !is_there (backup, sums_name))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH, "The backup lacks the image of %s",
                   target);
      return -1;
    }
  g_autoptr (VbSums) loaded = vb_sums_load (backup, sums_name, error);
  vb_autofd int image = loaded ? vb_files_open (backup, image_name, O_RDONLY, error) : -1;
  if (image < 0 || !check_size (image, loaded, error))
    return -1;
  *sums = g_steal_pointer (&loaded);
  return g_steal_fd (&image);
}

static gboolean
add_jobs (Reader *reader, GPtrArray *jobs, GError **error)
{
  for (guint i = 0; i < JOBS; i++)
    {
      Job *job = job_new (reader, error);
      if (job == NULL)
        return FALSE;
      g_ptr_array_add (jobs, job);
      g_ptr_array_add (reader->idle, job);
    }
  return TRUE;
}

gboolean
vb_image_reader_run (int fd,
                     VbSums *sums,
                     gsize unit_bytes,
                     VbImageSink sink,
                     gpointer sink_data,
                     guint64 *bad_chunks,
                     VbTransfer *transfer,
                     GCancellable *stop,
                     GError **error)
{
  if (!check_size (fd, sums, error))
    return FALSE;
  g_autoptr (VbRanges) data = vb_ranges_of_file (fd, vb_sums_get_size (sums), error);
  g_autoptr (VbSparseFile) image = vb_sparse_file_new_for_reading (fd);
  g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func (job_free);
  g_autoptr (GPtrArray) idle = g_ptr_array_new ();
  Reader reader = { .image = image,
                    .sums = sums,
                    .unit = unit_bytes,
                    .sink = sink,
                    .sink_data = sink_data,
                    .bad_chunks = bad_chunks,
                    .transfer = transfer,
                    .stop = stop,
                    .data = data,
                    .idle = idle };
  if (data == NULL)
    return FALSE;

  reader.workers = vb_worker_pool_new (THREADS, read_unit, NULL, error);
  if (reader.workers == NULL)
    return FALSE;
  gboolean ok = add_jobs (&reader, jobs, error) && read_all (&reader, error);
  vb_worker_pool_free (reader.workers);
  return ok;
}

gboolean
vb_image_reader_get_todo (int fd, VbSums *sums, guint64 *bytes, GError **error)
{
  g_autoptr (VbRanges) data = vb_ranges_of_file (fd, vb_sums_get_size (sums), error);
  if (data == NULL)
    return FALSE;
  *bytes = vb_ranges_get_total (data);
  return TRUE;
}
