/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-disk-proof.h"

#include "core/base/vb-error.h"
#include "storage/base/vb-run-abandonable.h"

#define CHUNK VB_SUMS_CHUNK_BYTES
#define DATA_SAMPLES (VB_DISK_PROOF_SAMPLES / 4 * 3)
#define POLL_MS 50

/* --- choosing --- */

/* Keeps each of the chunks that come by with the same probability, without knowing how many. */
typedef struct
{
  GArray *kept;
  guint limit;
  guint64 seen;
} Reservoir;

static void
reservoir_add (Reservoir *self, guint64 chunk)
{
  guint64 at;

  self->seen++;
  if (self->kept->len < self->limit)
    {
      g_array_append_val (self->kept, chunk);
      return;
    }
  at = (guint64) (g_random_double () * (double) self->seen);
  if (at < self->limit)
    g_array_index (self->kept, guint64, at) = chunk;
}

static gint
compare_chunks (gconstpointer a, gconstpointer b)
{
  guint64 left = *(const guint64 *) a, right = *(const guint64 *) b;
  return (left > right) - (left < right);
}

static void
take (GArray *chosen, const GArray *from, guint limit)
{
  for (guint i = 0; i < from->len && chosen->len < limit; i++)
    g_array_append_val (chosen, g_array_index (from, guint64, i));
}

GArray *
vb_disk_proof_choose (VbSums *sums, const VbRanges *changed, guint64 size_bytes)
{
  g_autoptr (GArray) data = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autoptr (GArray) zeros = g_array_new (FALSE, FALSE, sizeof (guint64));
  GArray *chosen = g_array_new (FALSE, FALSE, sizeof (guint64));
  Reservoir with_data = { data, VB_DISK_PROOF_SAMPLES, 0 };
  Reservoir without = { zeros, VB_DISK_PROOF_SAMPLES, 0 };
  gsize next = 0;

  for (guint64 i = 0; i < vb_sums_get_count (sums); i++)
    {
      guint64 end = i * CHUNK + vb_sums_get_length (sums, i);
      const VbRange *range = vb_ranges_get (changed, next);

      while (range && range->end <= i * CHUNK)
        range = vb_ranges_get (changed, ++next);
      if (end > size_bytes || (range && range->start < end))
        continue;
      reservoir_add (vb_sums_matches_zero (sums, i) ? &without : &with_data, i);
    }
  take (chosen, data, zeros->len > 0 ? DATA_SAMPLES : VB_DISK_PROOF_SAMPLES);
  take (chosen, zeros, VB_DISK_PROOF_SAMPLES);
  g_array_sort (chosen, compare_chunks);
  return chosen;
}

/* --- reading --- */

/* Shared by the reader and each read that is under way. */
typedef struct
{
  guint pending;
  int error_number;
  guint8 *buffer; /* one chunk after the other */
} Reading;

static void
reading_clear (gpointer data)
{
  Reading *reading = data;
  g_free (reading->buffer);
}

static void
reading_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, reading_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reading, reading_unref)

static void
on_read (gpointer user_data, int error_number)
{
  Reading *reading = user_data;
  reading->pending--;
  if (error_number != 0)
    reading->error_number = error_number;
}

static gboolean
read_chosen (VbNbdSource *source,
             VbSums *sums,
             const GArray *chosen,
             Reading *reading,
             GCancellable *stop,
             GError **error)
{
  for (guint i = 0; i < chosen->len; i++)
    {
      guint64 chunk = g_array_index (chosen, guint64, i);

      if (!vb_nbd_source_read (source, reading->buffer + (gsize) i * CHUNK,
                               vb_sums_get_length (sums, chunk), chunk * CHUNK, on_read,
                               g_atomic_rc_box_acquire (reading), reading_unref, error))
        return FALSE;
      reading->pending++;
    }
  while (reading->pending > 0)
    if (!vb_run_abandonable_check (stop, error) || !vb_nbd_source_poll (source, -1, POLL_MS, error))
      return FALSE;
  if (reading->error_number == 0)
    return TRUE;
  vb_error_set_errno (error, reading->error_number, "Failed to read samples of a disk");
  return FALSE;
}

static gboolean
compare_chosen (VbSums *sums, const GArray *chosen, const Reading *reading, GError **error)
{
  for (guint i = 0; i < chosen->len; i++)
    {
      guint64 chunk = g_array_index (chosen, guint64, i);

      if (vb_sums_matches (sums, chunk, reading->buffer + (gsize) i * CHUNK))
        continue;
      g_set_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH,
                   "MiB %" G_GUINT64_FORMAT
                   " of the disk has changed, but its record of changes does not say so",
                   chunk);
      return FALSE;
    }
  return TRUE;
}

gboolean
vb_disk_proof_run (VbNbdSource *source,
                   VbSums *sums,
                   const VbRanges *changed,
                   GCancellable *stop,
                   GError **error)
{
  g_autoptr (GArray) chosen = vb_disk_proof_choose (sums, changed, vb_nbd_source_get_size (source));
  g_autoptr (Reading) reading = g_atomic_rc_box_new0 (Reading);

  reading->buffer = g_malloc (MAX (1, chosen->len) * (gsize) CHUNK);
  return read_chosen (source, sums, chosen, reading, stop, error)
         && compare_chosen (sums, chosen, reading, error);
}
