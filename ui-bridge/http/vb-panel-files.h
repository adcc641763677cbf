/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * VbPanelSettings:
 * @brand: (nullable): what the page calls itself instead of "VPS Backup"
 * @accent: (nullable): colour of what can be pressed, "rrggbb", or two: for light and dark
 * @support_url: (nullable): where "Contact support" leads
 * @price: (nullable): of one step of slots a month, a decimal number
 * @currency: (nullable): of @price, ISO 4217
 * @slots_request: (nullable): address that takes orders for slots, with {vps} and {total} in it
 * @frame_ancestors: (nullable) (array zero-terminated=1): origins whose pages may frame the panel
 *
 * What the operator decides about the page at /panel/; group [panel] of the config file.
 */
typedef struct
{
  const char *brand;
  const char *accent;
  const char *support_url;
  const char *price;
  const char *currency;
  const char *slots_request;
  const char *const *frame_ancestors;
} VbPanelSettings;

typedef struct _VbPanelFiles VbPanelFiles;

/**
 * vb_panel_files_new:
 * @settings: (nullable): copied as far as needed; %NULL for a page without any of it
 *
 * Returns: (transfer full): what answers for the panel; free it with vb_panel_files_free()
 */
VbPanelFiles *vb_panel_files_new (const VbPanelSettings *settings);

void vb_panel_files_free (VbPanelFiles *self);

/**
 * vb_panel_files_handle:
 * @message: a request that nobody has answered yet
 * @path: its decoded path, "/panel" or below
 *
 * Answers with a file of the panel from the resources linked in: GET and HEAD only, with an ETag, a
 * strict Content-Security-Policy and permission for other origins to load it (the files hold
 * nothing of anybody). Files in a folder that is named by its content may be kept for good. A
 * client that takes brotli or gzip gets it. Needs no token. Main context only.
 */
void vb_panel_files_handle (VbPanelFiles *self, SoupServerMessage *message, const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbPanelFiles, vb_panel_files_free)

G_END_DECLS
