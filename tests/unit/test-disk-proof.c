/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/proof/vb-disk-proof.h"

#define MIB VB_SUMS_CHUNK_BYTES

static VbSums *
sums_of (guint64 chunks, guint64 first_data, guint64 n_data)
{
  g_autofree guint8 *data = g_malloc (MIB);
  VbSums *sums = vb_sums_new (chunks * MIB, NULL);

  memset (data, 1, MIB);
  for (guint64 i = 0; i < n_data; i++)
    vb_sums_update (sums, first_data + i, data);
  return sums;
}

static guint
count_data (VbSums *sums, const GArray *chosen)
{
  guint n = 0;

  for (guint i = 0; i < chosen->len; i++)
    {
      g_assert_true (
          i == 0 || g_array_index (chosen, guint64, i - 1) < g_array_index (chosen, guint64, i));
      n += !vb_sums_matches_zero (sums, g_array_index (chosen, guint64, i));
    }
  return n;
}

/* Most samples are taken where data is, however little there is. */
static void
test_where_data_is (void)
{
  g_autoptr (VbSums) sums = sums_of (1000, 500, 20);
  g_autoptr (VbRanges) changed = vb_ranges_new ();

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (GArray) chosen = vb_disk_proof_choose (sums, changed, 1000 * MIB);
      g_assert_cmpuint (chosen->len, ==, VB_DISK_PROOF_SAMPLES);
      g_assert_cmpuint (count_data (sums, chosen), ==, VB_DISK_PROOF_SAMPLES / 4 * 3);
    }
}

/* What has changed, even in part, proves nothing; nor does what the disk has no more. */
static void
test_only_unchanged (void)
{
  g_autoptr (VbSums) sums = sums_of (10, 0, 10);
  g_autoptr (VbRanges) changed = vb_ranges_new ();

  vb_ranges_add (changed, 0, 3 * MIB);
  vb_ranges_add (changed, 5 * MIB - 512, 5 * MIB);
  vb_ranges_add (changed, 6 * MIB, 6 * MIB + 512);
  g_autoptr (GArray) chosen = vb_disk_proof_choose (sums, changed, 9 * MIB);
  static const guint64 wanted[] = { 3, 5, 7, 8 };
  g_assert_cmpmem (chosen->data, chosen->len * sizeof (guint64), wanted, sizeof wanted);
}

static void
test_each_is_reached (void)
{
  g_autoptr (VbSums) sums = sums_of (64, 0, 64);
  g_autoptr (VbRanges) changed = vb_ranges_new ();
  guint64 seen = 0;

  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (GArray) chosen = vb_disk_proof_choose (sums, changed, 64 * MIB);
      for (guint k = 0; k < chosen->len; k++)
        seen |= G_GUINT64_CONSTANT (1) << g_array_index (chosen, guint64, k);
    }
  g_assert_cmpuint (seen, ==, G_MAXUINT64);
}

static void
test_nothing_to_prove (void)
{
  g_autoptr (VbSums) sums = sums_of (2, 0, 2);
  g_autoptr (VbRanges) changed = vb_ranges_new ();

  vb_ranges_add (changed, 0, 2 * MIB);
  g_autoptr (GArray) chosen = vb_disk_proof_choose (sums, changed, 2 * MIB);
  g_assert_cmpuint (chosen->len, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/disk-proof/where-data-is", test_where_data_is);
  g_test_add_func ("/disk-proof/only-unchanged", test_only_unchanged);
  g_test_add_func ("/disk-proof/each-is-reached", test_each_is_reached);
  g_test_add_func ("/disk-proof/nothing-to-prove", test_nothing_to_prove);
  return g_test_run ();
}
