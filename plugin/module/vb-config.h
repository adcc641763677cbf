/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/base/vb-settings.h"

G_BEGIN_DECLS

/**
 * VbConfig:
 * @settings: what core decides by; its strings are owned by the config
 * @state_folder: journal, locks
 * @libvirt_uri: connection URI
 * @pool_path: folder of the backups
 * @pool_reserve: free space never used up: bytes, K/M/G/T or %
 * @undo_reserve: free space beside disks that a restore has replaced: bytes, K/M/G/T or %
 * @claim_timeout_s: other hosts may take over a VPS whose claim was not renewed for so long
 * @bridge_socket: (nullable): unix socket, %NULL for none
 * @socket_group: (nullable): group whose members are administrators
 * @listen: (nullable): HOST:PORT for TCP, %NULL for none
 * @tls_certificate: (nullable): PEM file
 * @tls_key: (nullable): PEM file
 * @token_keys: (nullable): folder of key files
 * @allowed_origins: (array zero-terminated=1): as browsers send them
 * @trusted_proxies: (array zero-terminated=1): addresses of proxies that tell whom they speak for
 * @max_connections: at the same time, in all
 * @max_per_address: of these, from one address that is not this machine
 * @panel_brand: (nullable): what the page at /panel/ is called
 * @panel_accent: (nullable): its colour, or two: for light and dark
 * @panel_support_url: (nullable): where its "Contact support" leads
 * @panel_price: (nullable): of one step of slots a month
 * @panel_currency: (nullable): of the price
 * @panel_slots_request: (nullable): address that takes orders for slots
 * @panel_frame_ancestors: (array zero-terminated=1): origins whose pages may frame it
 * @push_subject: (nullable): contact address for push services
 * @files_enabled: whether backups can be downloaded
 * @push_allow_loopback: for tests only: push services on this machine, too
 * @webhook_url: (nullable): where notifications are posted
 * @webhook_secret_file: (nullable): file with the secret that signs them
 * @mail_to: (array zero-terminated=1): addresses that failures are mailed to
 * @mail_from: (nullable): the sender's
 * @mail_program: what takes the mail
 *
 * The whole config file. Constant once loaded, so any thread may read it.
 */
typedef struct
{
  VbSettings settings;
  char *state_folder;
  char *libvirt_uri;
  char *pool_path;
  char *pool_reserve;
  char *undo_reserve;
  guint claim_timeout_s;
  char *bridge_socket;
  char *socket_group;
  char *listen;
  char *tls_certificate;
  char *tls_key;
  char *token_keys;
  char **allowed_origins;
  char **trusted_proxies;
  guint max_connections;
  guint max_per_address;
  char *panel_brand;
  char *panel_accent;
  char *panel_support_url;
  char *panel_price;
  char *panel_currency;
  char *panel_slots_request;
  char **panel_frame_ancestors;
  char *push_subject;
  gboolean push_allow_loopback;
  gboolean files_enabled;
  char *webhook_url;
  char *webhook_secret_file;
  char **mail_to;
  char *mail_from;
  char *mail_program;
} VbConfig;

/**
 * vb_config_load:
 * @file: path of the config file
 *
 * Reads and checks all of @file; what it does not say has the value of vps-backup.conf.example.
 *
 * Returns: (transfer full) (nullable): the config; errors are %VB_ERROR_INVALID_ARGUMENT and name
 * file, line and key
 */
VbConfig *vb_config_load (const char *file, GError **error);

/** vb_config_parse: as vb_config_load(), from @text; @name stands for the file in errors */
VbConfig *vb_config_parse (const char *name, const char *text, gsize length, GError **error);

/** vb_config_dup_runtime_folder: Returns: (transfer full): where sockets of captures live: beside
 * the bridge's, else in the state folder */
char *vb_config_dup_runtime_folder (const VbConfig *self);

void vb_config_free (VbConfig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbConfig, vb_config_free)

G_END_DECLS
