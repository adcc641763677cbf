/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-cli.h"

G_BEGIN_DECLS

/** VB_CLI_SCHEDULE_ARGUMENTS: what follows the command, for help */
#define VB_CLI_SCHEDULE_ARGUMENTS                                                                  \
  "VPS [list | set | preview | remove ID] [--id ID] [--at HH:MM] [--days DAYS] [--every HOURS] "   \
  "[--calendar EVENT] [--keep N] [--keep-daily N] [--keep-weekly N] [--keep-monthly N] "           \
  "[--jitter MINUTES] [--zone ZONE] | --off"

/** vb_cli_schedule_add_options: those of the command */
void vb_cli_schedule_add_options (GOptionContext *context, VbCli *self);

/** vb_cli_print_schedule: @id: (nullable); @state: with the members schedule and next_run_at;
 * printed on stdout in one line */
void vb_cli_print_schedule (const char *id, JsonObject *state);
/** vb_cli_print_schedules: @object: with schedules, or schedule when it is of an older service; one
 * line each */
void vb_cli_print_schedules (JsonObject *object);
/** vb_cli_print_preview: @preview: as schedule.preview answers */
void vb_cli_print_preview (JsonObject *preview);

G_END_DECLS
