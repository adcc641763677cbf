/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-doctor.h"

#include "core/base/vb-bounded-call.h"
#include "core/base/vb-i18n.h"

/* A disk that is only slow answers sooner. */
#define LIMIT_S 20

/* What a thread works on that may outlive the examination. */
typedef struct
{
  VbDoctor doctor;
  VbDoctorCheck check;
  gpointer data;
  GDestroyNotify data_free;
} Part;

static void
part_free (gpointer data)
{
  Part *part = data;

  g_free ((char *) part->doctor.uri);
  g_free ((char *) part->doctor.pool);
  g_free ((char *) part->doctor.reserve);
  g_free ((char *) part->doctor.state_folder);
  g_free ((char *) part->doctor.runtime_folder);
  g_free ((char *) part->doctor.hooks_folder);
  g_free ((char *) part->doctor.locks_file);
  g_free ((char *) part->doctor.root);
  g_ptr_array_unref (part->doctor.findings);
  if (part->data_free != NULL)
    part->data_free (part->data);
  g_free (part);
}

static VbDoctor
copy_doctor (const VbDoctor *self)
{
  return (VbDoctor){
    .uri = g_strdup (self->uri),
    .pool = g_strdup (self->pool),
    .reserve = g_strdup (self->reserve),
    .state_folder = g_strdup (self->state_folder),
    .runtime_folder = g_strdup (self->runtime_folder),
    .hooks_folder = g_strdup (self->hooks_folder),
    .locks_file = g_strdup (self->locks_file),
    .pool_hangs = self->pool_hangs,
    .root = g_strdup (self->root),
    .findings = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_finding_free),
  };
}

static gpointer
run (gpointer data)
{
  Part *part = data;

  part->check (&part->doctor, part->data);
  return g_ptr_array_ref (part->doctor.findings);
}

gboolean
vb_doctor_limit (VbDoctor *self,
                 guint limit_s,
                 VbDoctorCheck check,
                 gpointer data,
                 GDestroyNotify data_free)
{
  g_autoptr (VbBoundedCall) call = vb_bounded_call_new (limit_s * 1000);
  gpointer found = NULL;
  Part *part = g_new0 (Part, 1);

  part->doctor = copy_doctor (self);
  part->check = check;
  part->data = data;
  part->data_free = data_free;
  if (!vb_bounded_call_run (call, run, part, part_free, &found, (GDestroyNotify) g_ptr_array_unref))
    return FALSE;
  g_autoptr (GPtrArray) findings = found;
  while (findings->len > 0)
    g_ptr_array_add (self->findings, g_ptr_array_steal_index (findings, 0));
  return TRUE;
}

static void
add_late (VbDoctor *self, const char *check, const char *what)
{
  VbFinding *finding
      = vb_findings_add (self->findings, check, VB_VERDICT_PROBLEM,
                         _ ("%s does not answer within %d s: its disk hangs."), what, LIMIT_S);

  vb_finding_set_remedy (finding, "findmnt -T %s; dmesg | tail", what);
}

static void
look_at_pool (VbDoctor *self, gpointer data)
{
  vb_doctor_check_pool (self);
}

static void
look_at_state (VbDoctor *self, gpointer data)
{
  vb_doctor_check_state (self);
}

static void
look_at_hook (VbDoctor *self, gpointer data)
{
  vb_doctor_check_hook (self);
}

void
vb_doctor_examine (VbDoctor *self)
{
  if (!vb_doctor_limit (self, LIMIT_S, look_at_pool, NULL, NULL))
    add_late (self, "pool", self->pool);
  if (!vb_doctor_limit (self, LIMIT_S, look_at_state, NULL, NULL))
    add_late (self, "state", self->state_folder);
  if (!vb_doctor_limit (self, LIMIT_S, look_at_hook, NULL, NULL))
    add_late (self, "hook", self->hooks_folder);
  vb_doctor_check_host (self);
}
