/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/xml/vb-domain-xml.h"
#include "libvirt/domain/vb-libvirt-domain.h"

G_BEGIN_DECLS

/* A checkpoint is a record of libvirt's plus a dirty bitmap of the same name in each qcow2 disk.
 * All bitmaps record all the time and do not depend on each other, so each may go without harm to
 * the others. libvirt changes bitmaps of running VPSs only; those of a VPS that is off we change
 * ourselves and tell libvirt.
 *
 * All block and belong into worker threads; errors are of #VB_ERROR. */

/** vb_libvirt_checkpoint_name: Returns: (transfer full): name of the checkpoint and of the bitmaps
 * of @backup */
char *vb_libvirt_checkpoint_name (const char *backup);

/** vb_libvirt_checkpoint_backup: Returns: (transfer full) (nullable): id of the backup that a
 * checkpoint called @name is of, if it is ours */
char *vb_libvirt_checkpoint_backup (const char *name);

/** vb_libvirt_checkpoint_is_ours: whether the name is one that vb_libvirt_checkpoint_name()
 * gives */
gboolean vb_libvirt_checkpoint_is_ours (const char *name);

/**
 * vb_libvirt_checkpoint_stored:
 *
 * Returns: (transfer full) (element-type utf8 utf8): set of the disks of @xml in whose images a
 * bitmap of that name is, whole or not; one that was made since the VPS was started is not there
 * yet
 */
GHashTable *vb_libvirt_checkpoint_stored (VbDomainXml *xml, const char *name);

/**
 * vb_libvirt_checkpoint_targets:
 * @xml: XML of @domain, which is on
 * @name: name of a checkpoint
 *
 * One that only the disks know is made known to libvirt again, if its bitmaps are whole.
 *
 * Returns: (transfer full) (element-type utf8 utf8) (nullable): the disks of @xml that can be read
 * incrementally from it; %NULL when there is none, which is no error
 */
GHashTable *vb_libvirt_checkpoint_targets (virDomainPtr domain, VbDomainXml *xml, const char *name);

/** vb_libvirt_checkpoint_adopt: as vb_libvirt_checkpoint_define(), of a VPS that is on; fails when
 * a bitmap is not there or not whole. @targets is a set */
gboolean vb_libvirt_checkpoint_adopt (virDomainPtr domain,
                                      VbDomainXml *xml,
                                      const char *name,
                                      GHashTable *targets,
                                      GError **error);

/**
 * vb_libvirt_checkpoint_define:
 * @targets: (element-type utf8 utf8): set of the disks whose images have the bitmap
 *
 * Tells libvirt of a checkpoint whose bitmaps exist.
 */
gboolean vb_libvirt_checkpoint_define (virDomainPtr domain,
                                       VbDomainXml *xml,
                                       const char *name,
                                       GHashTable *targets,
                                       GError **error);

/**
 * vb_libvirt_checkpoint_delete:
 *
 * Deletes bitmaps and record, whether the VPS is on or off and whether or not libvirt knows the
 * checkpoint. Success when there is none.
 */
gboolean vb_libvirt_checkpoint_delete (virDomainPtr domain, const char *name, GError **error);

/** vb_libvirt_checkpoint_keep: deletes all of ours that libvirt knows but those of @backups (ids,
 * ends in %NULL) */
gboolean
vb_libvirt_checkpoint_keep (virDomainPtr domain, const char *const *backups, GError **error);

/** vb_libvirt_checkpoint_forget_records: see #VbHypervisorInterface.adopt_checkpoints; what the
 * disks hold is known again as soon as it is asked for */
gboolean vb_libvirt_checkpoint_forget_records (virDomainPtr domain, GError **error);

/** vb_libvirt_checkpoint_forget: deletes all of ours, those that only the disks know, too */
gboolean vb_libvirt_checkpoint_forget (virDomainPtr domain, GError **error);

/** vb_libvirt_checkpoint_release: see #VbHypervisorInterface.release_marks */
gboolean vb_libvirt_checkpoint_release (virDomainPtr domain, GError **error);

/**
 * vb_libvirt_checkpoint_is_wanted:
 * @xml: of @domain, as vb_libvirt_read_disks() gives it
 * @reason: (out) (transfer none) (optional): why not, for the log
 *
 * Returns: whether a checkpoint may be made. A bitmap in an image keeps its internal snapshots from
 * being reverted, and the administrator may have said no
 */
gboolean
vb_libvirt_checkpoint_is_wanted (virDomainPtr domain, VbDomainXml *xml, const char **reason);

/** vb_libvirt_checkpoint_reset: see #VbHypervisorInterface.reset_checkpoints; @name is the new
 * checkpoint's */
gboolean vb_libvirt_checkpoint_reset (virDomainPtr domain,
                                      const char *name,
                                      GHashTable *restored,
                                      GError **error);

G_END_DECLS
