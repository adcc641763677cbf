/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image that is computed: any part of it reads as it does in the whole. That it is a good image
 * is seen with QEMU's own tools, in vm/test_download.py. */
#include <string.h>

#include "storage/qcow2/vb-qcow2-view.h"

#define CLUSTER VB_QCOW2_VIEW_CLUSTER_BYTES
#define MIB (1024 * 1024)

/* The byte of the disk at @offset. */
static guint8
disk_byte (guint64 offset)
{
  return (guint8) (offset / 7 + offset / CLUSTER * 31 + 1);
}

static guint8 *
read_part (VbQcow2View *view, guint64 offset, gsize length)
{
  guint8 *part = g_malloc (length);

  for (gsize at = 0; at < length;)
    {
      guint64 data;
      gsize n = vb_qcow2_view_read (view, offset + at, part + at, length - at, &data);
      g_assert_cmpuint (n, >, 0);
      for (gsize i = 0; data != G_MAXUINT64 && i < n; i++)
        part[at + i] = disk_byte (data + i);
      at += n;
    }
  return part;
}

static guint64
be64 (const guint8 *at)
{
  guint64 value;

  memcpy (&value, at, sizeof value);
  return GUINT64_FROM_BE (value);
}

/* Follows the tables as a reader does: 0 where nothing is allocated. */
static guint8
guest_byte (const guint8 *image, guint64 offset)
{
  guint64 l1 = be64 (image + 40);
  guint64 l2 = be64 (image + l1 + offset / CLUSTER / 8192 * 8) & ~(G_GUINT64_CONSTANT (1) << 63);
  guint64 data = l2 == 0 ? 0 : be64 (image + l2 + offset / CLUSTER % 8192 * 8);

  data &= ~(G_GUINT64_CONSTANT (1) << 63);
  return data == 0 ? 0 : image[data + offset % CLUSTER];
}

static void
test_parts (void)
{
  g_autoptr (VbQcow2View) view = vb_qcow2_view_new (G_GUINT64_CONSTANT (1) << 34);
  g_autofree guint8 *whole = NULL;
  guint64 size;

  vb_qcow2_view_add (view, 10, 20);
  vb_qcow2_view_add (view, CLUSTER - 1, 3);
  vb_qcow2_view_add (view, 600 * (guint64) MIB, 2 * MIB);
  vb_qcow2_view_add (view, 602 * (guint64) MIB, CLUSTER);
  vb_qcow2_view_add (view, (G_GUINT64_CONSTANT (1) << 34) - 1, 1);
  size = vb_qcow2_view_freeze (view);
  whole = read_part (view, 0, size);
  for (int i = 0; i < 300; i++)
    {
      guint64 offset = (guint64) g_test_rand_int_range (0, (gint32) size);
      gsize length = (gsize) g_test_rand_int_range (1, 3 * CLUSTER);
      length = MIN (length, size - offset);
      g_autofree guint8 *part = read_part (view, offset, length);
      g_assert_cmpmem (part, length, whole + offset, length);
    }
  for (guint64 at = 0; at < G_GUINT64_CONSTANT (1) << 34; at += CLUSTER / 2 + 1)
    {
      guint64 cluster = at / CLUSTER;
      gboolean there = cluster <= 1 || (cluster >= 9600 && cluster <= 9632) || cluster == 262143;
      g_assert_cmpuint (guest_byte (whole, at), ==, there ? disk_byte (at) : 0);
    }
}

static void
test_empty (void)
{
  g_autoptr (VbQcow2View) view = vb_qcow2_view_new (0);
  guint64 size = vb_qcow2_view_freeze (view);
  g_autofree guint8 *whole = read_part (view, 0, size);

  g_assert_cmpmem (whole, 4, "QFI\xfb", 4);
  g_assert_cmpuint (size % CLUSTER, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/qcow2-view/parts", test_parts);
  g_test_add_func ("/qcow2-view/empty", test_empty);
  return g_test_run ();
}
