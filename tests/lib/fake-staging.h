/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-staging.h"

/**
 * vb_fake_staging_new:
 * @pool: the double on which its calls are scripted
 * @in_place: whether it overwrites devices
 * @begun: whether it had begun with one before a crash
 *
 * What a stage leaves: only whether it is swapped.
 *
 * Returns: (transfer full)
 */
VbStaging *vb_fake_staging_new (GObject *pool, gboolean in_place, gboolean begun);
