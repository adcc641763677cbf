/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbSettings:
 * @state_folder: (nullable): folder for locks; %NULL in tests that need no lock files
 * @slots_included: slots that every VPS has without buying any
 * @slots_step: extra slots are sold in steps of this many
 * @slots_maximum: most slots that a VPS can have in all
 * @max_concurrent: operations that run at the same time; others wait as queued
 * @bandwidth_limit_bytes_per_s: for each operation, 0 for none
 * @stall_timeout_s: an operation without progress for so long is stalled
 * @freeze_timeout_s: longest wait for the guest agent's file system freeze; 0 never freezes
 * @delta_limit_bytes: a restore that has to write back more than this is staged
 * @undo_window_s: the disks that a restore replaces are kept so long, 0 for not at all
 * @scratch_reserve_bytes: free space that a capture leaves on the VPS's own storage
 * @full_every: forces a capture that reads everything each so many backups of a VPS, 0 for never
 * @check_interval_s: each backup in the pool is verified so often, 0 for never
 * @check_bandwidth_bytes_per_s: for that, 0 for no limit
 *
 * What the operator decides; read from the config file by the module, owned by it, constant
 * afterwards.
 */
typedef struct
{
  const char *state_folder;
  guint slots_included;
  guint slots_step;
  guint slots_maximum;
  guint max_concurrent;
  guint64 bandwidth_limit_bytes_per_s;
  guint stall_timeout_s;
  guint freeze_timeout_s;
  guint64 delta_limit_bytes;
  guint64 undo_window_s;
  guint64 scratch_reserve_bytes;
  guint full_every;
  guint64 check_interval_s;
  guint64 check_bandwidth_bytes_per_s;
} VbSettings;

G_END_DECLS
