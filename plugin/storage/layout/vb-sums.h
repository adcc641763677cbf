/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes that one checksum stands for. */
#define VB_SUMS_CHUNK_BYTES (1024 * 1024)

/**
 * VbSums:
 *
 * The checksums of one disk: XXH3-128 of each MiB, the last one of what is left. Holes count as
 * zeros, so that
 * every chunk can be checked whatever the file system made of it.
 *
 * The file (`vda.sums`), all integers little-endian:
 *
 * | offset | bytes | |
 * |---|---|---|
 * | 0 | 8 | magic "VBSUMS\r\n" |
 * | 8 | 4 | version, 1 |
 * | 12 | 4 | bytes of a chunk, 1048576 |
 * | 16 | 8 | size of the disk in bytes |
 * | 24 | 8 | number of checksums |
 * | 32 | 16 | XXH3-128 of bytes 0 to 31 and of all that follows byte 48 |
 * | 48 | 16 each | checksums in canonical (big-endian) form, as `xxhsum -H2` prints them |
 *
 * Versions: 1 is the first.
 *
 * Reading is thread-safe; so is vb_sums_update() of different chunks at the same time.
 */
typedef struct _VbSums VbSums;

/** vb_sums_new: Returns: (transfer full) (nullable): the checksums of a disk of zeros; %NULL if it
 * is absurdly large */
VbSums *vb_sums_new (guint64 size_bytes, GError **error);
VbSums *vb_sums_ref (VbSums *self);
void vb_sums_unref (VbSums *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbSums, vb_sums_unref)

/**
 * vb_sums_load:
 * @folder: descriptor of the folder
 *
 * Returns: (transfer full) (nullable): %NULL with %VB_ERROR_CHECKSUM_MISMATCH if the file is
 * damaged
 */
VbSums *vb_sums_load (int folder, const char *name, GError **error);

/** vb_sums_save: writes and syncs a new file */
gboolean vb_sums_save (VbSums *self, int folder, const char *name, GError **error);

/**
 * vb_sums_save_shared:
 * @base: descriptor of the file that @self was loaded from
 *
 * As vb_sums_save(), but what is unchanged shares the extents of @base, if the file system can: the
 * checksums of a large disk are more than a small change of it.
 */
gboolean vb_sums_save_shared (VbSums *self, int base, int folder, const char *name, GError **error);

/**
 * vb_sums_save_part:
 * @count: how many of the first chunks
 *
 * Puts a file with the first @count checksums alone in the place of an older one at one instant,
 * durable on return: where a copy has got to. It reads like that of a disk which ends there. Other
 * chunks may be updated meanwhile.
 */
gboolean
vb_sums_save_part (VbSums *self, guint64 count, int folder, const char *name, GError **error);

/** vb_sums_take_part: @part: checksums of the first chunks of the same disk, which replace those of
 * @self */
gboolean vb_sums_take_part (VbSums *self, VbSums *part, GError **error);

/** vb_sums_get_size: Returns: bytes of the disk */
guint64 vb_sums_get_size (VbSums *self);

/** vb_sums_get_count: Returns: number of chunks */
guint64 vb_sums_get_count (VbSums *self);

/** vb_sums_get_length: Returns: bytes of the chunk @index, less than others for the last one
 * only */
gsize vb_sums_get_length (VbSums *self, guint64 index);

/** vb_sums_update: @data: the whole chunk */
void vb_sums_update (VbSums *self, guint64 index, const void *data);

/** vb_sums_update_zero: the chunk is all zeros */
void vb_sums_update_zero (VbSums *self, guint64 index);

/** vb_sums_matches: @data: the whole chunk */
gboolean vb_sums_matches (VbSums *self, guint64 index, const void *data);

/**
 * vb_sums_read_chunk:
 * @fd: an image
 * @data: where the chunk goes
 *
 * Returns: %FALSE with %VB_ERROR_CHECKSUM_MISMATCH if the image does not hold what it should
 */
gboolean vb_sums_read_chunk (VbSums *self, guint64 index, int fd, void *data, GError **error);

/** vb_sums_matches_zero: whether the chunk is to be all zeros */
gboolean vb_sums_matches_zero (VbSums *self, guint64 index);

G_END_DECLS
