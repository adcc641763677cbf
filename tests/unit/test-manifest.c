/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/vb-error.h"
#include "storage/layout/vb-manifest.h"

#include <string.h>

#define ID "2f0c7c0e-8a0b-4a5e-9d3c-1f2e3d4c5b6a"
#define VPS "5b1d3a52-0c6f-4f2c-8a77-3e9b1c2d4e5f"

static VbManifest *
sample (void)
{
  g_autoptr (VbBackupInfo) info = vb_backup_info_new (ID, VPS);
  info->name = g_strdup ("“quoted” \\ \n name");
  info->vps_name = g_strdup ("web1");
  info->created_at = g_date_time_new_utc (2024, 2, 29, 23, 59, 58.5);
  info->completed_at = g_date_time_new_utc (2024, 3, 1, 0, 0, 1);
  info->consistency = VB_CONSISTENCY_FILESYSTEM;
  info->incremental = TRUE;
  info->sequence = 7;
  info->size_bytes = 5 << 20;
  for (guint i = 0; i < 2; i++)
    {
      VbBackupDisk *disk = vb_backup_info_add_disk (info, i ? "vdb" : "vda");
      disk->virtual_size_bytes = G_GUINT64_CONSTANT (1) << 40;
      disk->size_bytes = 7;
      if (i == 0)
        continue; /* as in a backup of an older version */
      disk->origin = vb_disk_origin_new (VPS, "/images/b.qcow2");
      disk->origin->is_tracked = TRUE;
      disk->origin->layers = vb_layers_new ();
      VbLayer *layer = vb_layers_add (disk->origin->layers, "/images/template.qcow2");
      *layer = (VbLayer){ layer->path, 12345, 67890, G_GINT64_CONSTANT (1700000000123456789), 5 };
    }

  VbManifest *manifest = vb_manifest_new (info);
  manifest->base = g_strdup (VPS);
  manifest->has_nvram = TRUE;
  manifest->nvram_sum = g_strdup ("00ff");
  g_ptr_array_add (manifest->formats, g_strdup ("qcow2"));
  g_ptr_array_add (manifest->formats, g_strdup ("raw"));
  vb_manifest_add_skipped (manifest, "sda", "cdrom");
  return manifest;
}

static void
test_round_trip (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbManifest) manifest = sample ();
  g_autofree char *text = vb_manifest_to_text (manifest);
  g_autoptr (VbManifest) read = vb_manifest_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  g_autofree char *again = vb_manifest_to_text (read);
  g_assert_cmpstr (text, ==, again);
  g_assert_cmpstr (read->info->name, ==, manifest->info->name);
  g_assert_true (g_date_time_equal (read->info->created_at, manifest->info->created_at));
  g_assert_cmpint (read->info->consistency, ==, VB_CONSISTENCY_FILESYSTEM);
  g_assert_cmpuint (read->info->disks->len, ==, 2);
  g_assert_cmpuint (read->info->sequence, ==, 7);
  g_assert_null (((VbBackupDisk *) g_ptr_array_index (read->info->disks, 0))->origin);
  const VbDiskOrigin *origin = ((VbBackupDisk *) g_ptr_array_index (read->info->disks, 1))->origin;
  g_assert_cmpstr (origin->id, ==, VPS);
  g_assert_cmpstr (origin->path, ==, "/images/b.qcow2");
  g_assert_true (origin->is_tracked);
  g_assert_true (vb_layers_are_same (
      origin->layers,
      ((VbBackupDisk *) g_ptr_array_index (manifest->info->disks, 1))->origin->layers));
  g_assert_cmpstr (read->nvram_sum, ==, "00ff");
  g_assert_cmpstr (g_ptr_array_index (read->formats, 1), ==, "raw");
  g_assert_cmpstr (((VbSkippedDisk *) g_ptr_array_index (read->skipped, 0))->reason, ==, "cdrom");
}

/* Each row: what is replaced in a good manifest, and what by; then it must be refused, or not. */
static const struct
{
  const char *from;
  const char *to;
  gboolean good;
} changes[] = {
  { "\"version\" : 1", "\"version\" : 1, \"new\" : [[{}]]", TRUE },
  { "\"version\" : 1", "\"version\" : 2", FALSE },
  { "\"version\" : 1", "\"version\" : \"1\"", FALSE },
  { "\"version\" : 1", "\"version\" : -1", FALSE },
  { "\"format\" : \"vps-backup\"", "\"format\" : \"other\"", FALSE },
  { "\"sums\" : \"xxh3-128\"", "\"sums\" : \"crc\"", FALSE },
  { "\"chunk_bytes\" : 1048576", "\"chunk_bytes\" : 1", FALSE },
  { "\"id\" : \"" ID "\"", "\"id\" : \"../../x\"", FALSE },
  { "\"id\" : \"" ID "\"", "\"id\" : null", FALSE },
  { "\"vda\"", "\"../vda\"", FALSE },
  { "\"vda\"", "\"\"", FALSE },
  { "\"vda\"", "\".vda\"", FALSE },
  { "\"vda\"", "\"vdb\"", FALSE }, /* twice */
  { "\"vda\"", "7", FALSE },
  { "\"raw\"", "\"vmdk\"", FALSE },
  { "\"size_bytes\" : 7", "\"size_bytes\" : -7", FALSE },
  { "\"sequence\" : 7", "\"sequence\" : \"7\"", FALSE },
  { "\"id\" : \"" VPS "\"", "\"id\" : \"x\"", FALSE },
  { "\"tracked\" : true", "\"tracked\" : 1", FALSE },
  { "\"path\" : \"/images/b.qcow2\"", "\"path\" : null", TRUE },
  { "\"path\" : \"/images/template.qcow2\"", "\"path\" : null", FALSE },
  { "\"inode\" : 12345", "\"inode\" : \"12345\"", FALSE },
  { "\"modified_ns\" : 1700000000123456789", "\"modified_ns\" : -1", FALSE },
  { "\"size_bytes\" : 7", "\"size_bytes\" : 7.5", FALSE },
  { "\"incremental\" : true", "\"incremental\" : 1", FALSE },
  { "\"protected\" : false", "\"protected\" : true", TRUE },
  { "\"protected\" : false", "\"protected\" : 1", FALSE },
  { "\"protected\" : false,", "", TRUE }, /* older than protection */
  { "\"scheduled\" : false", "\"scheduled\" : true", TRUE },
  { "\"scheduled\" : false", "\"scheduled\" : 1", FALSE },
  { "\"scheduled\" : false,", "", TRUE }, /* older than schedules */
  { "\"scheduled\" : false,", "\"scheduled\" : true, \"schedule\" : \"office\",", TRUE },
  { "\"scheduled\" : false,", "\"scheduled\" : true, \"schedule\" : 1,", FALSE },
  { "\"skipped\" : [", "\"skipped\" : [ 1, ", FALSE },
  { "\"disks\" : [", "\"disks\" : {}, \"x\" : [", FALSE },
  { "\"disks\" : [", "\"disks\" : [], \"x\" : [", FALSE },
  { "\"disks\" : [", "\"disks\" : [], \"disks\" : [", FALSE },
  { "\"disks\" : [", "\"disks\" : [], \"d\\u0069sks\" : [", FALSE },
  { "\"version\" : 1", "\"version\" : 1, \"version\" : 1", FALSE },
  { "2024-02-29T", "2023-02-29T", FALSE },
  { "\"consistency\" : \"filesystem\"", "\"consistency\" : \"better\"", TRUE },
  { "\"base\" : \"" VPS "\"", "\"base\" : null", TRUE },
  { "\"base\" : \"" VPS "\"", "\"base\" : 1", FALSE },
};

static void
test_changes (void)
{
  g_autoptr (VbManifest) manifest = sample ();
  g_autofree char *text = vb_manifest_to_text (manifest);

  for (gsize i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_autoptr (GError) error = NULL;
      const char *at = strstr (text, changes[i].from);
      g_assert_nonnull (at);
      g_autofree char *changed = g_strdup_printf ("%.*s%s%s", (int) (at - text), text,
                                                  changes[i].to, at + strlen (changes[i].from));
      g_autoptr (VbManifest) read = vb_manifest_parse (changed, strlen (changed), &error);
      g_test_message ("%s -> %s: %s", changes[i].from, changes[i].to,
                      error ? error->message : "good");
      g_assert_cmpint (read != NULL, ==, changes[i].good);
      g_assert_cmpint (error == NULL, ==, changes[i].good);
    }
}

/* Cut short, with bytes changed, nested without end: refused or read, never a crash. */
static void
test_garbage (void)
{
  g_autoptr (VbManifest) manifest = sample ();
  g_autofree char *text = vb_manifest_to_text (manifest);
  gsize length = strlen (text);

  for (gsize i = 0; i < length; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (VbManifest) cut = vb_manifest_parse (text, i, &error);
      g_assert_null (cut);
      g_assert_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH);

      g_autofree char *changed = g_memdup2 (text, length);
      changed[i] = (char) g_test_rand_int_range (0, 256);
      g_autoptr (VbManifest) read = vb_manifest_parse (changed, length, NULL);
    }

  g_autofree char *deep = g_strnfill (1000000, '[');
  g_assert_null (vb_manifest_parse (deep, 1000000, NULL));
  g_autofree char *quoted = g_strdup_printf ("{\"a\\\"%s\":1}", deep);
  g_assert_null (vb_manifest_parse (quoted, strlen (quoted), NULL));
  g_assert_null (vb_manifest_parse ("", 0, NULL));
  g_assert_null (vb_manifest_parse ("null", 4, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/manifest/round-trip", test_round_trip);
  g_test_add_func ("/manifest/changes", test_changes);
  g_test_add_func ("/manifest/garbage", test_garbage);
  return g_test_run ();
}
