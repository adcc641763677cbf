/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-copier.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-run-abandonable.h"
#include "storage/base/vb-worker-pool.h"

#define CHUNK VB_SUMS_CHUNK_BYTES
#define JOBS 16
#define WRITERS 2
#define WRITERS_OVER_BASE 8 /* each first waits for a chunk of it */
#define POLL_MS 50

/* QEMU allocates a buffer for each request: larger ones come fresh from the kernel each time, and
 * filling those page by page costs it more than the copy. Measured: 256 and 512 KiB are best, 1 MiB
 * takes half as long again. */
#define REQUEST_BYTES ((gsize) 256 * 1024)
#define STEP_CHUNKS 64

/* What is copied is made durable each so often, so that a copy that is interrupted can go on from
 * there; and if that takes long, less often, so that it never costs more than a twentieth. */
#define MARK_INTERVAL_US (2 * G_USEC_PER_SEC)
#define MARK_SHARE 20

/* With a bandwidth limit fewer requests are under way, so that it is overshot by little. */
#define JOBS_WHEN_LIMITED 2

typedef struct
{
  gsize offset; /* within the chunk */
  gsize length;
  gboolean zero;
} Piece;

/* The copy has a reference, and each read that libnbd has not ended: it may write to the buffer and
 * call back until its connection is closed, which may be long after the copy. */
typedef struct
{
  struct Copy *copy; /* (nullable): NULL when the copy has ended */
  guint64 index;     /* of the chunk */
  gsize length;
  GArray *pieces; /* (element-type Piece) ascending */
  gboolean busy;
  guint8 *buffer;
  guint8
      *base; /* (nullable): the chunk as it was, then as it will be; made when it is first needed */
  guint pending; /* reads under way */
  GError *error;
} Job;

typedef struct Copy
{
  VbNbdSource *source;
  const VbCopyPlan *plan;
  VbSparseFile *image;
  VbSums *sums;
  VbCopyStep step;
  gpointer step_data;
  VbTransfer *transfer;
  GCancellable *stop;

  VbWorkerPool *writers;
  GPtrArray *jobs; /* (element-type Job) */
  GPtrArray *idle; /* (element-type Job) */
  guint busy;
  gint64 next_mark_us;
  gsize next_data; /* first range of the plan that is not all handed out */
  gsize next_zeros;
  guint64 next_chunk;

  gint chunks_written; /* atomic */
  GMutex mutex;        /* protects written */
  guint64 written;
} Copy;

static Job *
job_new (Copy *copy, GError **error)
{
  guint8 *buffer = vb_sparse_file_alloc (CHUNK, error);
  if (buffer == NULL)
    return NULL;
  Job *job = g_atomic_rc_box_new0 (Job);
  job->copy = copy;
  job->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  job->buffer = buffer;
  return job;
}

static void
job_finalize (gpointer data)
{
  Job *job = data;
  g_array_unref (job->pieces);
  g_clear_error (&job->error);
  free (job->buffer);
  free (job->base);
}

static void
job_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, job_finalize);
}

/* The copy's own reference; no callback of the job does anything from here on. */
static void
job_leave (gpointer data)
{
  Job *job = data;
  job->copy = NULL;
  job_unref (job);
}

/* --- writing: in the writers' threads --- */

static Piece *
piece_at (const Job *job, guint i)
{
  return &g_array_index (job->pieces, Piece, i);
}

static gsize
count_bytes (const Job *job, gboolean with_zeros)
{
  gsize bytes = 0;
  for (guint i = 0; i < job->pieces->len; i++)
    bytes += !with_zeros && piece_at (job, i)->zero ? 0 : piece_at (job, i)->length;
  return bytes;
}

/* Fills what no piece covers with what was there before: zeros, or the base. Returns: (nullable):
 * the whole new chunk */
static const guint8 *
complete_chunk (Job *job, GError **error)
{
  const Copy *copy = job->copy;
  gboolean over_base = copy->plan->base >= 0 && count_bytes (job, TRUE) < job->length;
  gsize at = 0;

  if (over_base && job->base == NULL)
    job->base = vb_sparse_file_alloc (CHUNK, error);
  if (over_base && job->base == NULL)
    return NULL;
  /* From the base and not from its clone: it may be in the page cache. */
  if (over_base && !vb_sums_read_chunk (copy->sums, job->index, copy->plan->base, job->base, error))
    return NULL;
  guint8 *whole = over_base ? job->base : job->buffer;
  for (guint i = 0; i < job->pieces->len; i++)
    {
      const Piece *piece = piece_at (job, i);
      if (!over_base)
        memset (whole + at, 0, piece->offset - at);
      at = piece->offset + piece->length;
      if (piece->zero)
        memset (whole + piece->offset, 0, piece->length);
      else if (over_base)
        memcpy (whole + piece->offset, job->buffer + piece->offset, piece->length);
    }
  if (!over_base)
    memset (whole + at, 0, job->length - at);
  return whole;
}

static gboolean
write_pieces (Job *job, GError **error)
{
  Copy *copy = job->copy;
  guint64 written = 0;

  for (guint i = 0; i < job->pieces->len; i++)
    {
      const Piece *piece = piece_at (job, i);
      guint64 offset = job->index * CHUNK + piece->offset;
      gssize n = 0;
      if (piece->zero && !vb_sparse_file_punch (copy->image, offset, piece->length, error))
        return FALSE;
      if (!piece->zero)
        n = vb_sparse_file_write (copy->image, job->buffer + piece->offset, piece->length, offset,
                                  copy->plan->base >= 0, error);
      if (n < 0)
        return FALSE;
      written += (guint64) n;
    }

  g_mutex_lock (&copy->mutex);
  copy->written += written;
  g_mutex_unlock (&copy->mutex);
  return TRUE;
}

static void
write_chunk (gpointer data, gpointer user_data)
{
  Job *job = data;
  Copy *copy = job->copy;

  const guint8 *whole = job->error ? NULL : complete_chunk (job, &job->error);
  if (whole == NULL)
    return;
  vb_sums_update (copy->sums, job->index, whole);
  if (!write_pieces (job, &job->error))
    return;

  gint n = g_atomic_int_add (&copy->chunks_written, 1) + 1;
  if (n % STEP_CHUNKS == 1 && copy->step)
    copy->step (copy->step_data, &job->error);
}

/* --- reading: in the calling thread --- */

static void
on_read (gpointer data, int error_number)
{
  Job *job = data;

  if (job->copy == NULL)
    return;
  if (error_number && job->error == NULL)
    vb_error_set_errno (&job->error, error_number, "Failed to read the disk");
  if (--job->pending == 0)
    vb_worker_pool_push (job->copy->writers, job);
}

static gboolean
next_chunk_of (const VbRanges *ranges, gsize cursor, guint64 from, guint64 *chunk)
{
  const VbRange *range = ranges ? vb_ranges_get (ranges, cursor) : NULL;
  if (range == NULL)
    return FALSE;
  *chunk = MIN (*chunk, MAX (range->start / CHUNK, from));
  return TRUE;
}

static void
add_pieces (Job *job, const VbRanges *ranges, gsize *cursor, gboolean zero)
{
  const VbRange *range;
  guint64 start = job->index * CHUNK, end = start + job->length;

  while (ranges && (range = vb_ranges_get (ranges, *cursor)) != NULL && range->start < end)
    {
      guint64 from = MAX (range->start, start), to = MIN (range->end, end);
      Piece piece = { (gsize) (from - start), (gsize) (to - from), zero };
      g_array_append_val (job->pieces, piece);
      if (range->end > end)
        break;
      (*cursor)++;
    }
}

static gint
compare_pieces (gconstpointer a, gconstpointer b)
{
  const Piece *x = a, *y = b;
  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Takes the next chunk of the plan. Returns: FALSE when nothing is left */
static gboolean
plan_job (Copy *copy, Job *job)
{
  guint64 chunk = G_MAXUINT64;
  gboolean more = next_chunk_of (copy->plan->data, copy->next_data, copy->next_chunk, &chunk);
  more |= next_chunk_of (copy->plan->zeros, copy->next_zeros, copy->next_chunk, &chunk);
  if (!more || chunk >= vb_sums_get_count (copy->sums))
    return FALSE;

  job->index = chunk;
  job->length = vb_sums_get_length (copy->sums, chunk);
  g_array_set_size (job->pieces, 0);
  add_pieces (job, copy->plan->data, &copy->next_data, FALSE);
  add_pieces (job, copy->plan->zeros, &copy->next_zeros, TRUE);
  g_array_sort (job->pieces, compare_pieces);
  copy->next_chunk = chunk + 1;
  return TRUE;
}

static gboolean
start_job (Copy *copy, Job *job, GError **error)
{
  copy->busy++;
  job->busy = TRUE;
  job->pending = 1; /* ours, so that it does not end before all reads have been started */
  for (guint i = 0; i < job->pieces->len; i++)
    {
      const Piece *piece = piece_at (job, i);
      if (piece->zero)
        continue;
      for (gsize at = piece->offset, end = at + piece->length; at < end; at += REQUEST_BYTES)
        {
          job->pending++;
          if (!vb_nbd_source_read (copy->source, job->buffer + at, MIN (REQUEST_BYTES, end - at),
                                   job->index * CHUNK + at, on_read, g_atomic_rc_box_acquire (job),
                                   job_unref, error))
            return FALSE;
        }
    }
  on_read (job, 0);
  return TRUE;
}

static gboolean
finish_jobs (Copy *copy, GError **error)
{
  Job *job;

  while ((job = vb_worker_pool_pop (copy->writers)) != NULL)
    {
      if (job->error)
        {
          g_propagate_error (error, g_steal_pointer (&job->error));
          return FALSE;
        }
      vb_transfer_add (copy->transfer, count_bytes (job, FALSE));
      copy->busy--;
      job->busy = FALSE;
      g_ptr_array_add (copy->idle, job);
    }
  return TRUE;
}

/* Jobs are planned in ascending order, so all before the first one that is under way is written. */
static guint64
count_finished (Copy *copy)
{
  guint64 count = copy->next_chunk;

  for (guint i = 0; i < copy->jobs->len; i++)
    {
      const Job *job = g_ptr_array_index (copy->jobs, i);
      if (job->busy)
        count = MIN (count, job->index);
    }
  return count;
}

static gboolean
mark (Copy *copy, GError **error)
{
  gint64 start_us = g_get_monotonic_time ();

  if (copy->plan->mark == NULL || start_us < copy->next_mark_us)
    return TRUE;
  gboolean ok = copy->plan->mark (copy->plan->mark_data, count_finished (copy), error);
  gint64 now_us = g_get_monotonic_time ();
  copy->next_mark_us = now_us + MAX (MARK_INTERVAL_US, (now_us - start_us) * MARK_SHARE);
  return ok;
}

static gboolean
copy_all (Copy *copy, GError **error)
{
  guint most = vb_transfer_get_bandwidth_limit (copy->transfer) > 0 ? JOBS_WHEN_LIMITED : JOBS;
  gboolean more = TRUE;

  while (more || copy->busy > 0)
    {
      gint64 pause_us = vb_transfer_throttle_us (copy->transfer);
      while (more && pause_us <= 0 && copy->busy < most)
        {
          Job *job = g_ptr_array_index (copy->idle, copy->idle->len - 1);
          more = plan_job (copy, job);
          if (!more)
            break;
          g_ptr_array_set_size (copy->idle, (gint) copy->idle->len - 1);
          if (!start_job (copy, job, error))
            return FALSE;
        }

      gint64 wait_ms = more && pause_us > 0 ? MIN (pause_us / 1000 + 1, POLL_MS) : POLL_MS;
      if (!more && copy->busy == 0)
        break;
      if (!vb_run_abandonable_check (copy->stop, error)
          || !vb_nbd_source_poll (copy->source, vb_worker_pool_get_fd (copy->writers),
                                  (int) wait_ms, error)
          || !finish_jobs (copy, error) || !mark (copy, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_jobs (Copy *copy, GError **error)
{
  for (guint i = 0; i < JOBS; i++)
    {
      Job *job = job_new (copy, error);
      if (job == NULL)
        return FALSE;
      g_ptr_array_add (copy->jobs, job);
      g_ptr_array_add (copy->idle, job);
    }
  return TRUE;
}

gboolean
vb_copier_copy (VbNbdSource *source,
                const VbCopyPlan *plan,
                VbSparseFile *image,
                VbSums *sums,
                VbCopyStep step,
                gpointer step_data,
                VbTransfer *transfer,
                GCancellable *stop,
                guint64 *written,
                GError **error)
{
  Copy copy = { .source = source,
                .plan = plan,
                .image = image,
                .sums = sums,
                .step = step,
                .step_data = step_data,
                .transfer = transfer,
                .stop = stop };
  g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func (job_leave);

  copy.writers = vb_worker_pool_new (plan->base >= 0 ? WRITERS_OVER_BASE : WRITERS, write_chunk,
                                     NULL, error);
  if (copy.writers == NULL)
    return FALSE;
  g_mutex_init (&copy.mutex);
  copy.idle = g_ptr_array_new ();
  copy.jobs = jobs;
  copy.next_chunk = plan->first_chunk;
  copy.next_mark_us = g_get_monotonic_time () + MARK_INTERVAL_US;

  gboolean ok = add_jobs (&copy, error) && copy_all (&copy, error);
  if (!ok && g_cancellable_is_cancelled (stop))
    {
      copy.next_mark_us = 0;
      mark (&copy, NULL);
    }
  vb_worker_pool_free (copy.writers);
  g_ptr_array_unref (copy.idle);
  g_mutex_clear (&copy.mutex);
  if (written)
    *written = copy.written;
  return ok;
}
