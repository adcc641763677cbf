/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "core/model/vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbDeviceWriter:
 *
 * One block device that is to be overwritten with the image of one disk of a backup. One thread.
 */
typedef struct _VbDeviceWriter VbDeviceWriter;

/**
 * vb_device_writer_open:
 * @target: name of the disk
 * @path: absolute path of the device
 * @backup: descriptor of the backup's folder
 *
 * Opens both and writes nothing.
 *
 * Returns: (transfer full) (nullable): %NULL with %VB_ERROR_UNSUPPORTED_DISK when it is no block
 *   device, %VB_ERROR_INSUFFICIENT_SPACE when it is too small, %VB_ERROR_CHECKSUM_MISMATCH when the
 *   backup lacks the disk, or any error while the device is in use by the host
 */
VbDeviceWriter *
vb_device_writer_open (const char *target, const char *path, int backup, GError **error);
void vb_device_writer_free (VbDeviceWriter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDeviceWriter, vb_device_writer_free)

/** vb_device_writer_check_size: Returns: %FALSE with %VB_ERROR_INSUFFICIENT_SPACE when a device is
 * too small for a disk */
gboolean vb_device_writer_check_size (const char *target,
                                      guint64 size_bytes,
                                      guint64 needed_bytes,
                                      GError **error);

/** vb_device_writer_get_number: Returns: which device of the kernel's has been opened */
dev_t vb_device_writer_get_number (VbDeviceWriter *self);

/** vb_device_writer_get_todo: @bytes: (out): data to be written, as vb_device_writer_run() will
 * count it */
gboolean vb_device_writer_get_todo (VbDeviceWriter *self, guint64 *bytes, GError **error);

/**
 * vb_device_writer_run:
 * @transfer: what is written is added; its bandwidth limit is kept. It cannot be cancelled
 *
 * Makes the device equal to the image, what it is longer by to zeros, and syncs it; every chunk is
 * checked against its sum before it is written.
 */
gboolean vb_device_writer_run (VbDeviceWriter *self, VbTransfer *transfer, GError **error);

G_END_DECLS
