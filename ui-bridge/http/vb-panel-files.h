/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * vb_panel_files_handle:
 * @message: a request that nobody has answered yet
 * @path: its decoded path, "/panel" or below
 *
 * Answers with a file of the panel from the resources linked in: GET and HEAD only, with an ETag, a
 * strict Content-Security-Policy and permission for other origins to load it (the files hold
 * nothing of anybody). Needs no token. Main context only.
 */
void vb_panel_files_handle (SoupServerMessage *message, const char *path);

G_END_DECLS
