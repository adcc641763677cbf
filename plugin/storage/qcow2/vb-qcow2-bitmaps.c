/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-qcow2-bitmaps.h"

#include <fcntl.h>
#include <string.h>

#include "storage/base/vb-child.h"
#include "storage/base/vb-files.h"
#include "json/vb-strict-json.h"

static gboolean
remove_one (int fd, const char *image, const char *name, GError **error)
{
  const char *argv[] = { "qemu-img", "bitmap", "--remove", "--", image, name, NULL };
  g_autofree char *output = vb_child_run (argv, &fd, 1, error);
  return output != NULL;
}

static JsonObject *
get_object (JsonObject *object, const char *member)
{
  JsonNode *node = object ? json_object_get_member (object, member) : NULL;
  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

gboolean
vb_qcow2_remove_bitmaps (VbImageChain *chain, GError **error)
{
  g_autofree char *image = vb_image_chain_dup_qemu_name (chain, 0, 1, VB_CHILD_FIRST_IMAGE_FD);
  const char *argv[] = { "qemu-img", "info", "--output=json", "--", image, NULL };
  vb_autofd int fd = vb_image_chain_open_layer (chain, 0, O_RDWR, error);
  g_autofree char *output = fd >= 0 ? vb_child_run (argv, &fd, 1, error) : NULL;
  g_autoptr (JsonObject) info
      = output ? vb_strict_json_parse (output, strlen (output), error) : NULL;
  if (info == NULL)
    return FALSE;

  JsonObject *data = get_object (get_object (info, "format-specific"), "data");
  JsonArray *bitmaps = data ? vb_strict_json_get_array (data, "bitmaps") : NULL;
  for (guint i = 0; bitmaps && i < json_array_get_length (bitmaps); i++)
    {
      const char *name
          = vb_strict_json_get_string (json_array_get_object_element (bitmaps, i), "name");
      if (name && !remove_one (fd, image, name, error))
        return FALSE;
    }
  return TRUE;
}
