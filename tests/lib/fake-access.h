/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-access-journal.h"

G_BEGIN_DECLS

/** vb_fake_access_iface_init: makes any double a journal of revocations and requests that forgets
 * with the process */
void vb_fake_access_iface_init (VbAccessJournalInterface *iface);

G_END_DECLS
