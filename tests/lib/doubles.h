/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/base/vb-error.h"
#include "core/manager/vb-manager.h"

G_BEGIN_DECLS

/*
 * Small doubles of what core stands on, all in memory, for tests of core and of the bridge. They
 * keep the contracts of the interfaces (called from several threads, signals on the main context)
 * and do as they are told:
 *
 *  - vb_fake_fail() makes the next call of a method fail;
 *  - vb_fake_hold() makes calls of a method wait until vb_fake_release(), as on a hung backend;
 *  - vb_fake_get_calls() says how often a method was called, vb_fake_wait_calls() waits for it.
 *
 * A method is named as in the interface, such as "begin_capture". These four may be called from any
 * thread. */

/** vb_fake_fail: @fake: any double; @method: name in its interface */
void vb_fake_fail (gpointer fake, const char *method, VbError code);
void vb_fake_hold (gpointer fake, const char *method);
void vb_fake_release (gpointer fake, const char *method);
guint vb_fake_get_calls (gpointer fake, const char *method);
/** vb_fake_wait_calls: runs the main context until @method was entered @n times in all; aborts the
 * test after 30 s */
void vb_fake_wait_calls (gpointer fake, const char *method, guint n);

/** vb_fake_wait_until: runs the main context until @condition is true; aborts the test after 30
 * s */
void vb_fake_wait_until (gboolean (*condition) (gpointer data), gpointer data, const char *what);

/* A hypervisor with VPSs that have one disk "vda" each. */
#define VB_TYPE_FAKE_HYPERVISOR (vb_fake_hypervisor_get_type ())
G_DECLARE_FINAL_TYPE (VbFakeHypervisor, vb_fake_hypervisor, VB, FAKE_HYPERVISOR, GObject)

/** vb_fake_hypervisor_new: not available until vb_hypervisor_start() */
VbFakeHypervisor *vb_fake_hypervisor_new (void);
/** vb_fake_hypervisor_set: adds the VPS, or changes what is said of it; @info: copied */
void vb_fake_hypervisor_set (VbFakeHypervisor *self, const VbVpsInfo *info);
/** vb_fake_hypervisor_add: vb_fake_hypervisor_set() of a running VPS without extra slots */
void vb_fake_hypervisor_add (VbFakeHypervisor *self, const char *uuid, const char *name);
void vb_fake_hypervisor_remove (VbFakeHypervisor *self, const char *uuid);
void vb_fake_hypervisor_set_available (VbFakeHypervisor *self, gboolean available);
/** vb_fake_hypervisor_set_disk_bytes: size, virtual and allocated, of every disk; 64 MiB at
 * first */
void vb_fake_hypervisor_set_disk_bytes (VbFakeHypervisor *self, guint64 bytes);

/** vb_fake_hypervisor_get_n_held: Returns: points in time of running VPSs that are held; any
 * thread */
guint vb_fake_hypervisor_get_n_held (VbFakeHypervisor *self);

/* Claims of hosts that share the pool; what the others hold is what the test says. */
#define VB_TYPE_FAKE_CLAIMS (vb_fake_claims_get_type ())
G_DECLARE_FINAL_TYPE (VbFakeClaims, vb_fake_claims, VB, FAKE_CLAIMS, GObject)

VbFakeClaims *vb_fake_claims_new (void);
void vb_fake_claims_set_elsewhere (VbFakeClaims *self, const char *vps, gboolean elsewhere);

/* A pool whose copies advance as the test allows. */
#define VB_TYPE_FAKE_POOL (vb_fake_pool_get_type ())
G_DECLARE_FINAL_TYPE (VbFakePool, vb_fake_pool, VB, FAKE_POOL, GObject)

VbFakePool *vb_fake_pool_new (void);
/** vb_fake_pool_add: a backup that is there already; @info: (transfer full) */
void vb_fake_pool_add (VbFakePool *self, VbBackupInfo *info);
/** vb_fake_pool_set_claims: the pool is shared from now on; before a manager uses it */
void vb_fake_pool_set_claims (VbFakePool *self, VbFakeClaims *claims);
/** vb_fake_pool_touch: another host has changed what there is, since it was listed last */
void vb_fake_pool_touch (VbFakePool *self);
/** vb_fake_pool_allow: captures and stages stop after @bytes and go on when more are allowed;
 * %G_MAXUINT64 at first */
void vb_fake_pool_allow (VbFakePool *self, guint64 bytes);
/** vb_fake_pool_set_bad_chunks: what verify finds */
void vb_fake_pool_set_bad_chunks (VbFakePool *self, guint64 bad_chunks);
/** vb_fake_pool_set_in_place: whether restores overwrite devices; a swap that fails then leaves one
 * half overwritten, and so does every restore that recovery finds */
void vb_fake_pool_set_in_place (VbFakePool *self, gboolean in_place);
/** vb_fake_pool_set_unfinished: what the pool has noted of @operation: it was overwriting devices
 * of
 * @vps with @backup */
void vb_fake_pool_set_unfinished (VbFakePool *self,
                                  const char *operation,
                                  const char *vps,
                                  const char *backup);
void vb_fake_pool_set_free_bytes (VbFakePool *self, guint64 free_bytes);
/** vb_fake_pool_set_unique_bytes: what the backups of a VPS share among them, -1 at first:
 * unknown */
void vb_fake_pool_set_unique_bytes (VbFakePool *self, gint64 unique_bytes);
/** vb_fake_pool_get_n_backups: Returns: complete ones; any thread */
guint vb_fake_pool_get_n_backups (VbFakePool *self);
/** vb_fake_pool_get_n_partial: Returns: captured ones, in part or whole, that were neither
 * committed nor discarded; any thread */
guint vb_fake_pool_get_n_partial (VbFakePool *self);
/** vb_fake_pool_get_n_read: Returns: bytes that captures have copied in all; any thread */
guint64 vb_fake_pool_get_n_read (VbFakePool *self);
/** vb_fake_pool_set_partial: a backup of which @bytes were copied before a crash; at %G_MAXUINT64
 * it is whole */
void vb_fake_pool_set_partial (VbFakePool *self, const char *backup, guint64 bytes);

/* A journal that forgets with the process. */
#define VB_TYPE_FAKE_JOURNAL (vb_fake_journal_get_type ())
G_DECLARE_FINAL_TYPE (VbFakeJournal, vb_fake_journal, VB, FAKE_JOURNAL, GObject)

VbFakeJournal *vb_fake_journal_new (void);
/** vb_fake_journal_add: an operation from before; @record: copied */
void vb_fake_journal_add (VbFakeJournal *self, const VbOperationRecord *record);
/** vb_fake_journal_set_schedule: what it knows of a VPS's schedule from before; @record: copied */
void vb_fake_journal_set_schedule (VbFakeJournal *self, const VbScheduleRecord *record);

G_END_DECLS
