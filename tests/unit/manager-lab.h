/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "doubles.h"

#define VPS "0a0a0a0a-1111-4222-8333-444444444444"
#define OTHER "0b0b0b0b-1111-4222-8333-444444444444"
#define MIB ((guint64) 1 << 20)

/**
 * ManagerLab:
 *
 * A manager on doubles with the two VPSs above, as fixture of a test. What must hold at every event
 * is asserted here.
 */
typedef struct
{
  VbFakeHypervisor *hypervisor;
  VbFakePool *pool;
  VbFakeJournal *journal;
  VbManager *manager;
  guint max_concurrent;
  guint stall_timeout_s;
  guint check_interval_s;
  const char *state_folder;   /* (nullable): for power locks */
  GDateTime *(*clock) (void); /* what the manager takes for the time, or NULL */
  GPtrArray *states;          /* "state/status" at each vps-changed of VPS */
  GPtrArray *notifications;   /* type words */
  double percent;             /* of VPS: last announced */
  double first_percent;       /* of VPS: announced first since the start, -1: none yet */
  char *operation;            /* whose percent it is */
  guint64 seq;
} ManagerLab;

/** manager_lab_prepare: doubles, and no manager yet */
void manager_lab_prepare (ManagerLab *f, gconstpointer data);
/** manager_lab_set_up: prepared and started */
void manager_lab_set_up (ManagerLab *f, gconstpointer data);
void manager_lab_tear_down (ManagerLab *f, gconstpointer data);
/** manager_lab_start: a new manager on the same doubles, as after a restart */
void manager_lab_start (ManagerLab *f);
/** manager_lab_begin_start: the first half of it; manager_lab_end_start() waits for the @result */
void manager_lab_begin_start (ManagerLab *f, GAsyncResult **result);
void manager_lab_end_start (ManagerLab *f, GAsyncResult **result);
void manager_lab_stop (ManagerLab *f);

/** manager_lab_get_vps: Returns: (transfer none) (nullable): VPS */
VbVps *manager_lab_get_vps (ManagerLab *f);
guint manager_lab_get_slots_used (ManagerLab *f);

/**
 * manager_lab_create:
 * @expected_code: of the refusal, -1: it is to be admitted
 *
 * Returns: (nullable): the operation's id
 */
char *
manager_lab_create (ManagerLab *f, const char *vps, const char *request_key, int expected_code);
/** manager_lab_make_backup: Returns: the id of one that has become available */
char *manager_lab_make_backup (ManagerLab *f);
/** manager_lab_make_record: as a service that died has left it in the journal */
VbOperationRecord *manager_lab_make_record (VbOperationKind kind, VbOperationState state);

/** manager_lab_wait_idle: until VPS has no operation, or is no more */
void manager_lab_wait_idle (ManagerLab *f);
/** manager_lab_has_stalled: for vb_fake_wait_until(), of a ManagerLab */
gboolean manager_lab_has_stalled (gpointer lab);
void manager_lab_assert_notified (ManagerLab *f, guint n, const char *last_type);

/* A request's answer: run the main context until it is there. */
void manager_lab_keep_result (GObject *source, GAsyncResult *result, gpointer kept);
void manager_lab_wait_result (GAsyncResult **kept);
