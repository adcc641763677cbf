/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-manifest.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "json/vb-strict-json.h"
#include "vb-sums.h"

#define FORMAT "vps-backup"
#define VERSION 1
#define SUMS "xxh3-128"
#define MAX_TARGET_BYTES 32
#define MAX_DISKS 256
#define MAX_LAYERS 64

static void
skipped_free (gpointer data)
{
  VbSkippedDisk *skipped = data;
  g_free (skipped->target);
  g_free (skipped->reason);
  g_free (skipped);
}

VbManifest *
vb_manifest_new (const VbBackupInfo *info)
{
  VbManifest *self = g_new0 (VbManifest, 1);
  self->info = vb_backup_info_copy (info);
  self->host = g_strdup (g_get_host_name ());
  self->formats = g_ptr_array_new_with_free_func (g_free);
  self->skipped = g_ptr_array_new_with_free_func (skipped_free);
  return self;
}

void
vb_manifest_free (VbManifest *self)
{
  vb_backup_info_free (self->info);
  g_free (self->host);
  g_free (self->base);
  g_free (self->nvram_sum);
  g_ptr_array_unref (self->formats);
  g_ptr_array_unref (self->skipped);
  g_free (self);
}

void
vb_manifest_add_skipped (VbManifest *self, const char *target, const char *reason)
{
  VbSkippedDisk *skipped = g_new0 (VbSkippedDisk, 1);
  skipped->target = g_strdup (target);
  skipped->reason = g_strdup (reason);
  g_ptr_array_add (self->skipped, skipped);
}

char *
vb_manifest_image_name (const char *target)
{
  return g_strdup_printf ("%s.raw", target);
}

char *
vb_manifest_sums_name (const char *target)
{
  return g_strdup_printf ("%s.sums", target);
}

gboolean
vb_manifest_is_target (const char *target)
{
  gsize length = target ? strlen (target) : 0;

  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (target[i]) && (i == 0 || strchr ("-_:", target[i]) == NULL))
      return FALSE;
  return length > 0 && length <= MAX_TARGET_BYTES;
}

/* --- reading --- */

static gboolean
bad (const char *member, GError **error)
{
  g_set_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH,
               "\"%s\" is missing or not as it should be", member);
  return FALSE;
}

/* What has no better name is damage here: a backup whose manifest cannot be read must not be
 * used. */
static void
propagate_damage (GError **error, GError *failure)
{
  if (g_error_matches (failure, VB_ERROR, VB_ERROR_INTERNAL))
    failure->code = VB_ERROR_CHECKSUM_MISMATCH;
  g_propagate_error (error, failure);
}

static gboolean
take_string (JsonObject *object, const char *member, char **value, GError **error)
{
  const char *text = vb_strict_json_get_string (object, member);
  if (text == NULL)
    return bad (member, error);
  g_free (*value);
  *value = g_strdup (text);
  return TRUE;
}

static gboolean
take_uuid (JsonObject *object, const char *member, char **value, GError **error)
{
  const char *text = vb_strict_json_get_string (object, member);
  if (text == NULL || !g_uuid_string_is_valid (text))
    return bad (member, error);
  return take_string (object, member, value, error);
}

static gboolean
take_time (JsonObject *object, const char *member, GDateTime **value, GError **error)
{
  if (vb_strict_json_is_null (object, member))
    return TRUE;

  const char *text = vb_strict_json_get_string (object, member);
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autoptr (GDateTime) time = text ? g_date_time_new_from_iso8601 (text, utc) : NULL;
  if (time == NULL)
    return bad (member, error);
  *value = g_date_time_to_utc (time);
  return TRUE;
}

static gboolean
take_base (VbManifest *self, JsonObject *object, GError **error)
{
  return vb_strict_json_is_null (object, "base") || take_uuid (object, "base", &self->base, error);
}

static gboolean
get_time_ns (JsonObject *object, const char *member, gint64 *value)
{
  guint64 found;
  if (!vb_strict_json_get_bytes (object, member, &found))
    return FALSE;
  *value = (gint64) found;
  return TRUE;
}

static gboolean
take_layer (GPtrArray *layers, JsonObject *object, GError **error)
{
  const char *path = vb_strict_json_get_string (object, "path");
  VbLayer *layer = path ? vb_layers_add (layers, path) : NULL;

  return (layer != NULL && vb_strict_json_get_bytes (object, "inode", &layer->inode)
          && vb_strict_json_get_bytes (object, "size_bytes", &layer->size_bytes)
          && get_time_ns (object, "modified_ns", &layer->modified_ns)
          && get_time_ns (object, "changed_ns", &layer->changed_ns))
         || bad ("layers", error);
}

static gboolean
take_layers (VbDiskOrigin *origin, JsonObject *object, GError **error)
{
  JsonArray *list = vb_strict_json_get_array (object, "layers");

  if (vb_strict_json_is_null (object, "layers"))
    return TRUE;
  if (list == NULL || json_array_get_length (list) > MAX_LAYERS)
    return bad ("layers", error);
  origin->layers = vb_layers_new ();
  for (guint i = 0; i < json_array_get_length (list); i++)
    if (!take_layer (origin->layers, json_array_get_object_element (list, i), error))
      return FALSE;
  return TRUE;
}

/* Not there in backups of older versions. */
static gboolean
take_origin (VbBackupDisk *disk, JsonObject *object, GError **error)
{
  g_autoptr (VbDiskOrigin) origin = NULL;

  if (!json_object_has_member (object, "id"))
    return TRUE;
  origin = vb_disk_origin_new (NULL, NULL);
  if (!take_uuid (object, "id", &origin->id, error)
      || (!vb_strict_json_is_null (object, "path")
          && !take_string (object, "path", &origin->path, error)))
    return FALSE;
  if (!vb_strict_json_get_boolean (object, "tracked", &origin->is_tracked))
    return bad ("tracked", error);
  if (!take_layers (origin, object, error))
    return FALSE;
  disk->origin = g_steal_pointer (&origin);
  return TRUE;
}

static gboolean
take_disk (VbManifest *self, JsonObject *object, GError **error)
{
  const char *target = vb_strict_json_get_string (object, "target");
  const char *format = vb_strict_json_get_string (object, "format");
  guint64 virtual_size, size;

  if (!vb_manifest_is_target (target))
    return bad ("target", error);
  for (guint i = 0; i < self->info->disks->len; i++)
    if (g_str_equal (((VbBackupDisk *) g_ptr_array_index (self->info->disks, i))->target, target))
      return bad ("target", error);
  if (format == NULL || (!g_str_equal (format, "raw") && !g_str_equal (format, "qcow2")))
    return bad ("format", error);
  if (!vb_strict_json_get_bytes (object, "virtual_size_bytes", &virtual_size))
    return bad ("virtual_size_bytes", error);
  if (!vb_strict_json_get_bytes (object, "size_bytes", &size))
    return bad ("size_bytes", error);

  VbBackupDisk *disk = vb_backup_info_add_disk (self->info, target);
  disk->virtual_size_bytes = virtual_size;
  disk->size_bytes = size;
  g_ptr_array_add (self->formats, g_strdup (format));
  return take_origin (disk, object, error);
}

static gboolean
take_lists (VbManifest *self, JsonObject *object, GError **error)
{
  JsonArray *disks = vb_strict_json_get_array (object, "disks");
  JsonArray *skipped = vb_strict_json_get_array (object, "skipped");
  guint n_disks = disks ? json_array_get_length (disks) : 0;

  /* A backup without disks would restore nothing, and say that it did. */
  if (n_disks == 0 || n_disks > MAX_DISKS)
    return bad ("disks", error);
  if (skipped == NULL || json_array_get_length (skipped) > MAX_DISKS)
    return bad ("skipped", error);
  for (guint i = 0; i < n_disks; i++)
    if (!take_disk (self, json_array_get_object_element (disks, i), error))
      return FALSE;
  for (guint i = 0; i < json_array_get_length (skipped); i++)
    {
      JsonObject *entry = json_array_get_object_element (skipped, i);
      const char *target = vb_strict_json_get_string (entry, "target");
      const char *reason = vb_strict_json_get_string (entry, "reason");
      if (target == NULL || reason == NULL)
        return bad ("skipped", error);
      vb_manifest_add_skipped (self, target, reason);
    }
  return TRUE;
}

static gboolean
check_version (JsonObject *object, GError **error)
{
  guint64 version, chunk;

  if (g_strcmp0 (vb_strict_json_get_string (object, "format"), FORMAT) != 0)
    return bad ("format", error);
  if (!vb_strict_json_get_bytes (object, "version", &version))
    return bad ("version", error);
  if (version != VERSION)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   "Version %" G_GUINT64_FORMAT " is not known here; a newer vps-backup is needed",
                   version);
      return FALSE;
    }
  if (g_strcmp0 (vb_strict_json_get_string (object, "sums"), SUMS) != 0)
    return bad ("sums", error);
  if (!vb_strict_json_get_bytes (object, "chunk_bytes", &chunk) || chunk != VB_SUMS_CHUNK_BYTES)
    return bad ("chunk_bytes", error);
  return TRUE;
}

static gboolean
take_schedule (JsonObject *object, VbBackupInfo *info)
{
  info->schedule = g_strdup (vb_strict_json_get_string (object, "schedule"));
  return info->schedule != NULL || !json_object_has_member (object, "schedule");
}

VbManifest *
vb_manifest_parse (const char *text, gsize length, GError **error)
{
  GError *failure = NULL;
  g_autoptr (JsonObject) object = vb_strict_json_parse (text, length, &failure);
  if (object == NULL)
    propagate_damage (error, failure);
  if (object == NULL || !check_version (object, error))
    return NULL;

  g_autoptr (VbBackupInfo) empty = vb_backup_info_new ("", "");
  g_autoptr (VbManifest) self = vb_manifest_new (empty);
  VbBackupInfo *info = self->info;
  if (!take_uuid (object, "id", &info->id, error) || !take_uuid (object, "vps", &info->vps, error)
      || !take_string (object, "vps_name", &info->vps_name, error)
      || !take_string (object, "name", &info->name, error)
      || !take_string (object, "host", &self->host, error)
      || !take_time (object, "created_at", &info->created_at, error)
      || !take_time (object, "completed_at", &info->completed_at, error))
    return NULL;

  const char *consistency = vb_strict_json_get_string (object, "consistency");
  info->consistency = vb_consistency_from_string (consistency ? consistency : "");
  if (!vb_strict_json_get_boolean (object, "incremental", &info->incremental))
    bad ("incremental", error);
  /* Not there in older ones. */
  else if (json_object_has_member (object, "sequence")
           && !vb_strict_json_get_bytes (object, "sequence", &info->sequence))
    bad ("sequence", error);
  else if (json_object_has_member (object, "protected")
           && !vb_strict_json_get_boolean (object, "protected", &info->is_protected))
    bad ("protected", error);
  else if (json_object_has_member (object, "scheduled")
           && !vb_strict_json_get_boolean (object, "scheduled", &info->is_scheduled))
    bad ("scheduled", error);
  else if (!take_schedule (object, info))
    bad ("schedule", error);
  else if (!vb_strict_json_get_bytes (object, "size_bytes", &info->size_bytes))
    bad ("size_bytes", error);
  else if (take_base (self, object, error) && take_lists (self, object, error))
    {
      self->has_nvram = vb_strict_json_get_string (object, "nvram") != NULL;
      self->nvram_sum = g_strdup (vb_strict_json_get_string (object, "nvram_sum"));
      return g_steal_pointer (&self);
    }
  return NULL;
}

VbManifest *
vb_manifest_load (int folder, const char *vps, const char *backup, GError **error)
{
  gsize length;
  GError *failure = NULL;

  g_autofree char *text
      = vb_files_read (folder, VB_MANIFEST_FILE, VB_MANIFEST_MAX_BYTES, &length, &failure);
  if (text == NULL)
    {
      propagate_damage (error, failure);
      return NULL;
    }
  g_autoptr (VbManifest) self = vb_manifest_parse (text, length, error);
  if (self == NULL)
    {
      g_prefix_error (error, "Failed to read %s: ", VB_MANIFEST_FILE);
      return NULL;
    }
  if (g_str_equal (self->info->vps, vps) && g_str_equal (self->info->id, backup))
    return g_steal_pointer (&self);
  g_set_error_literal (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH,
                       "Its manifest belongs to another backup");
  return NULL;
}

/* --- writing --- */

static void
add_string (JsonBuilder *builder, const char *member, const char *value)
{
  json_builder_set_member_name (builder, member);
  if (value)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

static void
add_bytes (JsonBuilder *builder, const char *member, guint64 value)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_int_value (builder, (gint64) value);
}

static void
add_time (JsonBuilder *builder, const char *member, GDateTime *time)
{
  g_autofree char *text = time ? g_date_time_format_iso8601 (time) : NULL;
  add_string (builder, member, text);
}

static void
add_layer (JsonBuilder *builder, const VbLayer *layer)
{
  json_builder_begin_object (builder);
  add_string (builder, "path", layer->path);
  add_bytes (builder, "inode", layer->inode);
  add_bytes (builder, "size_bytes", layer->size_bytes);
  add_bytes (builder, "modified_ns", (guint64) layer->modified_ns);
  add_bytes (builder, "changed_ns", (guint64) layer->changed_ns);
  json_builder_end_object (builder);
}

/* What JSON cannot hold is not known: the next backup reads everything. */
static gboolean
can_tell_layers (const VbDiskOrigin *origin)
{
  for (guint i = 0; origin->layers && i < origin->layers->len; i++)
    {
      const VbLayer *layer = g_ptr_array_index (origin->layers, i);
      if (!g_utf8_validate (layer->path, -1, NULL) || layer->modified_ns < 0
          || layer->changed_ns < 0 || layer->inode > G_MAXINT64)
        return FALSE;
    }
  return origin->layers && origin->layers->len <= MAX_LAYERS;
}

static void
add_origin (JsonBuilder *builder, const VbDiskOrigin *origin)
{
  gboolean has_path = origin->path && g_utf8_validate (origin->path, -1, NULL);

  add_string (builder, "id", origin->id);
  add_string (builder, "path", has_path ? origin->path : NULL);
  json_builder_set_member_name (builder, "tracked");
  json_builder_add_boolean_value (builder, origin->is_tracked);
  json_builder_set_member_name (builder, "layers");
  if (!can_tell_layers (origin))
    {
      json_builder_add_null_value (builder);
      return;
    }
  json_builder_begin_array (builder);
  for (guint i = 0; i < origin->layers->len; i++)
    add_layer (builder, g_ptr_array_index (origin->layers, i));
  json_builder_end_array (builder);
}

static void
add_lists (JsonBuilder *builder, const VbManifest *self)
{
  json_builder_set_member_name (builder, "disks");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->info->disks->len; i++)
    {
      const VbBackupDisk *disk = g_ptr_array_index (self->info->disks, i);
      g_autofree char *image = vb_manifest_image_name (disk->target);
      g_autofree char *sums = vb_manifest_sums_name (disk->target);
      json_builder_begin_object (builder);
      add_string (builder, "target", disk->target);
      add_string (builder, "format", g_ptr_array_index (self->formats, i));
      add_bytes (builder, "virtual_size_bytes", disk->virtual_size_bytes);
      add_bytes (builder, "size_bytes", disk->size_bytes);
      add_string (builder, "image", image);
      add_string (builder, "sums", sums);
      if (disk->origin && disk->origin->id)
        add_origin (builder, disk->origin);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);

  json_builder_set_member_name (builder, "skipped");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->skipped->len; i++)
    {
      const VbSkippedDisk *skipped = g_ptr_array_index (self->skipped, i);
      json_builder_begin_object (builder);
      add_string (builder, "target", skipped->target);
      add_string (builder, "reason", skipped->reason);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

char *
vb_manifest_to_text (const VbManifest *self)
{
  const VbBackupInfo *info = self->info;
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_string (builder, "format", FORMAT);
  add_bytes (builder, "version", VERSION);
  add_string (builder, "id", info->id);
  add_string (builder, "vps", info->vps);
  add_string (builder, "vps_name", info->vps_name ? info->vps_name : "");
  add_string (builder, "name", info->name ? info->name : "");
  add_string (builder, "host", self->host);
  add_string (builder, "software", "vps-backup " VB_VERSION);
  add_bytes (builder, "sequence", info->sequence);
  add_time (builder, "created_at", info->created_at);
  add_time (builder, "completed_at", info->completed_at);
  add_string (builder, "consistency", vb_consistency_to_string (info->consistency));
  json_builder_set_member_name (builder, "incremental");
  json_builder_add_boolean_value (builder, info->incremental);
  json_builder_set_member_name (builder, "protected");
  json_builder_add_boolean_value (builder, info->is_protected);
  json_builder_set_member_name (builder, "scheduled");
  json_builder_add_boolean_value (builder, info->is_scheduled);
  if (info->schedule != NULL)
    add_string (builder, "schedule", info->schedule);
  add_string (builder, "base", self->base);
  add_bytes (builder, "size_bytes", info->size_bytes);
  add_string (builder, "sums", SUMS);
  add_bytes (builder, "chunk_bytes", VB_SUMS_CHUNK_BYTES);
  add_string (builder, "domain_xml", "domain.xml");
  add_string (builder, "nvram", self->has_nvram ? "nvram.fd" : NULL);
  add_string (builder, "nvram_sum", self->nvram_sum);
  add_lists (builder, self);
  json_builder_end_object (builder);

  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  json_generator_set_pretty (generator, TRUE);
  json_generator_set_root (generator, root);
  return json_generator_to_data (generator, NULL);
}
