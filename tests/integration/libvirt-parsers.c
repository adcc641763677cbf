/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the libvirt backend reads and writes, without a libvirt: XML, and the bitmaps in an
 * image. */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "libvirt/xml/vb-backup-xml.h"
#include "libvirt/xml/vb-domain-xml.h"
#include "core/base/vb-error.h"
#include "libvirt/checkpoint/vb-qcow2-bitmap.h"

#define DISK(target, more)                                                                         \
  "<disk type='file' device='disk'><driver type='qcow2'/><source file='/images/a'/><target "       \
  "dev='" target "'/>" more "</disk>"

static VbDomainXml *
parse (const char *devices, const char *more)
{
  g_autofree char *text
      = g_strdup_printf ("<domain>%s<devices>%s</devices></domain>", more, devices);
  g_autoptr (GError) error = NULL;
  VbDomainXml *xml = vb_domain_xml_parse (text, &error);

  g_assert_no_error (error);
  return xml;
}

static void
test_skipped (void)
{
  static const struct
  {
    const char *xml;
    const char *reason;
  } cases[] = {
    { DISK ("vda", ""), NULL },
    { DISK ("vda", "<readonly/>"), "readonly" },
    { DISK ("vda", "<shareable/>"), "shareable" },
    { "<disk type='network' device='cdrom'><source/><target dev='vda'/></disk>", "cdrom" },
    { "<disk type='file' device='floppy'><target dev='vda'/></disk>", "floppy" },
    { "<disk type='file' device='disk'><target dev='vda'/></disk>", "empty" },
    { "<disk type='file'><source file='/a'/><target dev='vda'/></disk>", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VbDomainXml) xml = parse (cases[i].xml, "");
      VbDomainDisk *disk = vb_domain_xml_find_disk (xml, "vda");

      g_assert_cmpuint (xml->disks->len, ==, 1);
      g_assert_cmpstr (disk->skipped, ==, cases[i].reason);
      g_assert_cmpint (xml->unsupported != NULL, ==, cases[i].reason != NULL);
      g_assert_cmpint (disk->path == NULL, ==, cases[i].reason != NULL);
    }
}

static void
test_disk (void)
{
  g_autoptr (VbDomainXml) xml
      = parse (DISK ("vda", "<backingStore type='file'><source "
                            "file='/b'/><backingStore type='block'>"
                            "<source "
                            "dev='/c'/><backingStore/></backingStore></"
                            "backingStore>") "<disk type='block' "
                                             "device='disk'><driver "
                                             "type='raw'/><source dev='/dev/x'/>"
                                             "<target dev='sda'/></disk>",
               "");
  VbDomainDisk *first = vb_domain_xml_find_disk (xml, "vda");
  VbDomainDisk *second = vb_domain_xml_find_disk (xml, "sda");

  g_assert_null (xml->unsupported);
  g_assert_cmpstr (first->format, ==, "qcow2");
  g_assert_false (first->is_block);
  g_assert_cmpuint (first->lower->len, ==, 2);
  g_assert_cmpstr (((VbImageLayer *) g_ptr_array_index (first->lower, 1))->path, ==, "/c");
  g_assert_true (first->is_ended);
  g_assert_cmpstr (second->path, ==, "/dev/x");
  g_assert_true (second->is_block);
  g_assert_null (vb_domain_xml_find_disk (xml, "vdz"));
}

static void
test_unsupported (void)
{
  static const char *const cases[][2] = {
    { "<disk type='network' device='disk'><source/><target dev='vdb'/></disk>", "vdb" },
    { "<disk type='file' device='lun'><source file='/a'/><target dev='sdc'/></disk>", "sdc" },
    { DISK ("vdd", "<encryption format='luks'/>"), "vdd" },
    { DISK ("vde", "<transient/>"), "vde" },
    { "<disk type='file'><source file='/a'><slices/></source><target dev='vdf'/></disk>", "vdf" },
    { DISK ("vda", "") "<tpm model='tpm-crb'/>", "TPM" },
    { DISK ("vda", "") "<hostdev mode='subsystem' type='scsi'/>", "passed through" },
    { "", "no writable disk" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VbDomainXml) xml = parse (cases[i][0], "");

      g_assert_nonnull (xml->unsupported);
      g_assert_nonnull (strstr (xml->unsupported, cases[i][1]));
      g_assert_null (strchr (xml->unsupported, '/'));
    }
}

static void
test_rest_of_the_domain (void)
{
  g_autoptr (VbDomainXml) xml = parse (
      DISK ("vda", "") "<channel type='unix'><target name='org.qemu.guest_agent.0' "
                       "state='connected'/></channel>",
      "<os><nvram template='/t'>/var/n.fd</nvram></os>"
      "<seclabel type='dynamic' model='apparmor'><label>libvirt-x</label></seclabel>"
      "<seclabel type='dynamic' model='dac'><label>+64055:+107</label></seclabel>"
      "<metadata><b:backup xmlns:b='urn:vps-backup:1'><b:slots total='6'/></b:backup></metadata>");
  g_autoptr (VbDomainXml) named = parse (
      "<channel type='unix'><target name='org.qemu.guest_agent.0' state='disconnected'/></channel>",
      "<os><nvram><source file='/var/m.fd'/></nvram></os>"
      "<seclabel model='dac'><label>root:root</label></seclabel>"
      "<metadata><backup xmlns='urn:other'><slots total='6'/></backup></metadata>");
  g_autoptr (VbDomainXml) bare
      = parse ("", "<seclabel model='dac'><label>no-such-user-1</label></seclabel>");

  g_assert_true (xml->agent_connected);
  g_assert_cmpstr (xml->nvram_path, ==, "/var/n.fd");
  g_assert_cmpint (xml->qemu_uid, ==, 64055);
  g_assert_cmpint (xml->qemu_gid, ==, 107);
  g_assert_cmpint (xml->slots_total, ==, 6);
  g_assert_false (named->agent_connected);
  g_assert_cmpstr (named->nvram_path, ==, "/var/m.fd");
  g_assert_cmpint (named->qemu_uid, ==, 0);
  g_assert_cmpint (named->qemu_gid, ==, 0);
  g_assert_cmpint (named->slots_total, ==, -1);
  g_assert_cmpint (bare->qemu_uid, ==, -1);
  g_assert_cmpint (bare->qemu_gid, ==, -1);
  g_assert_null (bare->nvram_path);
}

static void
test_nonsense (void)
{
  static const char *const cases[] = { "",
                                       "<",
                                       "<domain>",
                                       "<other/>",
                                       "<domain><devices></domain>",
                                       "<!DOCTYPE d SYSTEM 'file:///etc/passwd'><d/>" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (vb_domain_xml_parse (cases[i], &error));
      g_assert_error (error, VB_ERROR, VB_ERROR_INTERNAL);
    }
}

static GHashTable *
set_of (const char *target, const char *value)
{
  GHashTable *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  g_hash_table_replace (set, g_strdup (target), g_strdup (value));
  return set;
}

static void
test_backup_xml (void)
{
  g_autoptr (VbDomainXml) xml = parse (DISK ("vda", "") DISK ("vdb", "<readonly/>"), "");
  g_autoptr (GHashTable) scratch = set_of ("vda", "/i/it's <&\"");
  g_autoptr (GHashTable) base = set_of ("vda", "x");
  g_autofree char *full = vb_backup_xml (xml, "/s", scratch, NULL, NULL);
  g_autofree char *incremental = vb_backup_xml (xml, "/s", scratch, "vps-backup.1", base);

  g_assert_cmpstr (full, ==,
                   "<domainbackup mode='pull'><server transport='unix' socket='/s'/><disks>"
                   "<disk name='vda' backup='yes' type='file' exportname='vda' backupmode='full'>"
                   "<driver type='qcow2'/><scratch file='/i/it&apos;s &lt;&amp;&quot;'/></disk>"
                   "<disk name='vdb' backup='no'/></disks></domainbackup>");
  g_assert_nonnull (strstr (incremental, "<incremental>vps-backup.1</incremental>"));
  g_assert_nonnull (
      strstr (incremental,
              "backupmode='incremental' incremental='vps-backup.1' exportbitmap='backup-vda'"));
}

static void
test_checkpoint_xml (void)
{
  g_autoptr (VbDomainXml) xml = parse (DISK ("vda", "") DISK ("vdb", ""), "");
  g_autoptr (GHashTable) targets = set_of ("vdb", "c");
  g_autofree char *text = vb_checkpoint_xml (xml, "c", targets, "p", 12);
  g_autoptr (GHashTable) read = vb_checkpoint_xml_targets (text);
  g_autoptr (GHashTable) none = vb_checkpoint_xml_targets ("<nonsense");
  g_autoptr (GHashTable) sizes = vb_checkpoint_xml_sizes (
      "<domaincheckpoint><disks><disk name='vda' checkpoint='bitmap' bitmap='c' size='65536'/>"
      "<disk name='vdb' checkpoint='no'/><disk name='vdc' "
      "checkpoint='bitmap'/></disks></domaincheckpoint>");

  g_assert_nonnull (
      strstr (text, "<parent><name>p</name></parent><creationTime>12</creationTime>"));
  g_assert_nonnull (strstr (text, "<disk name='vda' checkpoint='no'/>"));
  g_assert_cmpuint (g_hash_table_size (read), ==, 1);
  g_assert_cmpstr (g_hash_table_lookup (read, "vdb"), ==, "c");
  g_assert_cmpuint (g_hash_table_size (none), ==, 0);
  g_assert_cmpuint (g_hash_table_size (sizes), ==, 1);
  g_assert_cmpuint (*(guint64 *) g_hash_table_lookup (sizes, "vda"), ==, 65536);
}

static void
run (const char *const *argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process
      = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error);

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
  g_assert_no_error (error);
}

typedef struct
{
  char *folder;
  char *path;
} Image;

/* 1 GiB with a bitmap in which 3 MiB and 64 KiB, far apart, are dirty. */
static void
image_set_up (Image *image, gconstpointer data)
{
  image->folder = g_dir_make_tmp ("vb-qcow2-XXXXXX", NULL);
  image->path = g_build_filename (image->folder, "disk", NULL);
  run ((const char *[]){ "qemu-img", "create", "-f", "qcow2", image->path, "1G", NULL });
  run (
      (const char *[]){ "qemu-img", "bitmap", "--add", "-f", "qcow2", image->path, "other", NULL });
  run ((const char *[]){ "qemu-io", "-f", "qcow2", "-c", "write -z 5M 1M", image->path, NULL });
  run ((const char *[]){ "qemu-img", "bitmap", "--add", "-f", "qcow2", image->path, "ours", NULL });
  run ((const char *[]){ "qemu-io", "-f", "qcow2", "-c", "write -z 9M 3M", "-c", "write -z 900M 1k",
                         image->path, NULL });
}

static void
image_tear_down (Image *image, gconstpointer data)
{
  g_unlink (image->path);
  g_rmdir (image->folder);
  g_free (image->folder);
  g_free (image->path);
}

static void
test_bitmap_count (Image *image, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint64 bytes = 1;

  g_assert_true (vb_qcow2_bitmap_count (image->path, "ours", &bytes, &error));
  g_assert_cmpuint (bytes, ==, (3 << 20) + (64 << 10));
  g_assert_true (vb_qcow2_bitmap_count (image->path, "other", &bytes, &error));
  g_assert_cmpuint (bytes, ==, (4 << 20) + (64 << 10));
  g_assert_false (vb_qcow2_bitmap_count (image->path, "our", &bytes, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (vb_qcow2_bitmap_count (image->folder, "ours", &bytes, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_false (vb_qcow2_bitmap_count ("/nowhere/disk", "ours", &bytes, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERNAL);
}

/* Any byte may be anything, and the file may end anywhere: an answer within the disk's size, or
 * none, but no crash. */
static void
test_damaged_bitmaps (Image *image, gconstpointer data)
{
  g_autofree char *content = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (image->path, &content, &length, NULL));
  for (guint i = 0; i < 3000; i++)
    {
      g_autofree char *damaged = g_memdup2 (content, length);
      gsize cut = g_test_rand_int_range (0, 4) == 0
                      ? (gsize) g_test_rand_int_range (0, (gint32) length)
                      : length;
      guint64 bytes = 0;
      g_autoptr (GError) error = NULL;

      for (guint j = 0; j < 4; j++)
        {
          /* The header, and clusters' beginnings, where tables and directory are. */
          gsize cluster = (gsize) g_test_rand_int_range (0, (gint32) (length >> 16)) << 16;
          gsize at = (j % 2 == 0 ? 0 : cluster) + (gsize) g_test_rand_int_range (0, 256);

          damaged[MIN (at, length - 1)] = (char) g_test_rand_int ();
        }
      g_assert_true (g_file_set_contents_full (image->path, damaged, (gssize) cut,
                                               G_FILE_SET_CONTENTS_NONE, 0600, NULL));
      if (!vb_qcow2_bitmap_count (image->path, "ours", &bytes, &error))
        g_assert_nonnull (error);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/libvirt/domain-xml/skipped", test_skipped);
  g_test_add_func ("/libvirt/domain-xml/disk", test_disk);
  g_test_add_func ("/libvirt/domain-xml/unsupported", test_unsupported);
  g_test_add_func ("/libvirt/domain-xml/rest", test_rest_of_the_domain);
  g_test_add_func ("/libvirt/domain-xml/nonsense", test_nonsense);
  g_test_add_func ("/libvirt/backup-xml", test_backup_xml);
  g_test_add_func ("/libvirt/checkpoint-xml", test_checkpoint_xml);
  g_test_add ("/libvirt/qcow2-bitmap/count", Image, NULL, image_set_up, test_bitmap_count,
              image_tear_down);
  g_test_add ("/libvirt/qcow2-bitmap/damaged", Image, NULL, image_set_up, test_damaged_bitmaps,
              image_tear_down);
  return g_test_run ();
}
