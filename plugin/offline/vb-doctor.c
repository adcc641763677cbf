/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-doctor.h"

void
vb_doctor_examine (VbDoctor *self)
{
  vb_doctor_check_pool (self);
  vb_doctor_check_hook (self);
  vb_doctor_check_host (self);
}
