/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "storage/layout/vb-sums.h"

#include <fcntl.h>
#include <string.h>

#define SIZE (3 * VB_SUMS_CHUNK_BYTES + 1234)

typedef struct
{
  char *path;
  int folder;
  guint8 *data;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->path = g_dir_make_tmp ("vps-backup-test-XXXXXX", NULL);
  fixture->folder = open (fixture->path, O_RDONLY | O_DIRECTORY);
  g_assert_cmpint (fixture->folder, >=, 0);
  fixture->data = g_malloc0 (VB_SUMS_CHUNK_BYTES);
  for (gsize i = 0; i < VB_SUMS_CHUNK_BYTES; i++)
    fixture->data[i] = (guint8) (i * 7);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  close (fixture->folder);
  g_assert_true (vb_files_remove_tree (AT_FDCWD, fixture->path, NULL));
  g_free (fixture->path);
  g_free (fixture->data);
}

static void
test_round_trip (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbSums) sums = vb_sums_new (SIZE, &error);
  g_autofree guint8 *zeros = g_malloc0 (VB_SUMS_CHUNK_BYTES);

  g_assert_cmpuint (vb_sums_get_count (sums), ==, 4);
  g_assert_cmpuint (vb_sums_get_length (sums, 3), ==, 1234);
  vb_sums_update (sums, 1, fixture->data);
  vb_sums_update (sums, 3, fixture->data);
  g_assert_true (vb_sums_save (sums, fixture->folder, "vda.sums", &error));

  g_autoptr (VbSums) loaded = vb_sums_load (fixture->folder, "vda.sums", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (vb_sums_get_size (loaded), ==, SIZE);
  for (guint64 i = 0; i < 4; i++)
    {
      gboolean is_data = i == 1 || i == 3;
      g_assert_cmpint (vb_sums_matches_zero (loaded, i), ==, !is_data);
      g_assert_cmpint (vb_sums_matches (loaded, i, zeros), ==, !is_data);
      g_assert_cmpint (vb_sums_matches (loaded, i, fixture->data), ==, is_data);
    }
  vb_sums_update_zero (loaded, 3);
  g_assert_true (vb_sums_matches (loaded, 3, zeros));
}

/* What README promises: anybody can check a chunk with the xxhsum of the distribution. */
static void
test_known_value (Fixture *fixture, gconstpointer unused)
{
  static const guint8 empty_mebibyte[] = { 0xb6, 0xef, 0x17, 0xa3, 0x44, 0x84, 0x92, 0xb6,
                                           0x91, 0x87, 0x80, 0xb9, 0x05, 0x50, 0xbf, 0x34 };
  g_autoptr (VbSums) sums = vb_sums_new (VB_SUMS_CHUNK_BYTES, NULL);
  gsize length;

  g_assert_true (vb_sums_save (sums, fixture->folder, "vda.sums", NULL));
  g_autofree char *text = vb_files_read (fixture->folder, "vda.sums", 4096, &length, NULL);
  g_assert_cmpuint (length, ==, 48 + 16);
  g_assert_cmpmem (text, 8, "VBSUMS\r\n", 8);
  g_assert_cmpmem (text + 48, 16, empty_mebibyte, sizeof empty_mebibyte);
}

/* Any flipped bit and any wrong length is noticed. */
static void
test_damage (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (VbSums) sums = vb_sums_new (SIZE, NULL);
  gsize length;

  g_assert_true (vb_sums_save (sums, fixture->folder, "good", NULL));
  g_autofree char *good = vb_files_read (fixture->folder, "good", 4096, &length, NULL);
  for (gsize i = 0; i < length * 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *bad = g_memdup2 (good, length);
      gsize bad_length = length;
      if (i < length)
        bad[i] ^= (char) (1 << (i % 8));
      else
        bad_length = i - length;
      g_assert_true (vb_files_write (fixture->folder, "bad", bad, bad_length, NULL));
      g_assert_null (vb_sums_load (fixture->folder, "bad", &error));
      g_assert_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH);
      g_assert_true (vb_files_remove (fixture->folder, "bad", NULL));
    }
}

static void
test_sizes (Fixture *fixture, gconstpointer unused)
{
  static const guint64 sizes[]
      = { 0, 1, VB_SUMS_CHUNK_BYTES - 1, VB_SUMS_CHUNK_BYTES, VB_SUMS_CHUNK_BYTES + 1 };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (VbSums) sums = vb_sums_new (sizes[i], NULL);
      g_assert_true (vb_sums_save (sums, fixture->folder, "vda.sums", NULL));
      g_autoptr (VbSums) loaded = vb_sums_load (fixture->folder, "vda.sums", NULL);
      g_assert_cmpuint (vb_sums_get_size (loaded), ==, sizes[i]);
      g_assert_true (vb_files_remove (fixture->folder, "vda.sums", NULL));
    }

  g_autoptr (GError) error = NULL;
  g_assert_null (vb_sums_new (G_MAXUINT64, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/sums/round-trip", Fixture, NULL, set_up, test_round_trip, tear_down);
  g_test_add ("/sums/known-value", Fixture, NULL, set_up, test_known_value, tear_down);
  g_test_add ("/sums/damage", Fixture, NULL, set_up, test_damage, tear_down);
  g_test_add ("/sums/sizes", Fixture, NULL, set_up, test_sizes, tear_down);
  return g_test_run ();
}
