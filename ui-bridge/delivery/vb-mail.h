/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/manager/vb-manager.h"

G_BEGIN_DECLS

/**
 * VbMail:
 *
 * Tells the operator of what went wrong, through a program with sendmail's interface. What happens
 * while one message is on its way goes into the next, so there is one program at a time. What has
 * to arrive in spite of a restart is the webhook's. Main context only.
 */
#define VB_TYPE_MAIL (vb_mail_get_type ())
G_DECLARE_FINAL_TYPE (VbMail, vb_mail, VB, MAIL, GObject)

/**
 * vb_mail_new:
 * @program: absolute path of the program
 * @from: (nullable): address of the sender; the program knows one without
 * @to: (array zero-terminated=1): addresses; those of vb_config_parse_mailbox() only
 */
VbMail *
vb_mail_new (VbManager *manager, const char *program, const char *from, const char *const *to);

/** vb_mail_start: tells what will come; vb_mail_stop() ends that for good, without waiting */
void vb_mail_start (VbMail *self);
void vb_mail_stop (VbMail *self);

G_END_DECLS
