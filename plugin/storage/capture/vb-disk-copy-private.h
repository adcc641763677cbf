/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by vb-disk-copy.c and vb-disk-resume.c only. */

#include "vb-disk-copy.h"

G_BEGIN_DECLS

struct _VbDiskCopy
{
  char *target;
  char *socket;
  char *export_name;
  char *changed_context;
  char *base_target; /* its name in the base */
  VbDiskOrigin *origin;

  VbNbdSource *source;
  VbRanges *data;  /* to be read */
  VbRanges *zeros; /* (nullable): what has become zeros since the base */
  VbSparseFile *image;
  VbSums *sums;
  int base_image; /* what @image is a clone of, if incremental; else -1 */
  int base_sums;  /* the file that they come from, if incremental; else -1 */
  gboolean incremental;
  guint64 size;

  guint64 first_chunk; /* all before it was copied earlier */
  guint64 done;        /* bytes of it that were read for that */
  int folder;          /* of the backup; borrowed while it runs */
};

/* vb-disk-resume.c */

/** vb_disk_copy_mark: a #VbCopyMark; @data: the #VbDiskCopy */
gboolean vb_disk_copy_mark (gpointer data, guint64 chunks, GError **error);

G_END_DECLS
