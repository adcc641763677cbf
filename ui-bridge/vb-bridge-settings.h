/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "http/vb-panel-files.h"

G_BEGIN_DECLS

/**
 * VbBridgeSettings:
 * @socket: absolute path of the unix socket, or %NULL or "" for none
 * @socket_group: (nullable): group that may connect to it and whose members are administrators
 * @listen: (nullable): "host:port" for TCP; %NULL or "" for none
 * @tls_certificate: (nullable): PEM file of the certificate chain
 * @tls_key: (nullable): PEM file of its key; %NULL or "": it is in @tls_certificate
 * @token_keys: (nullable): folder of token keys; without a key there is no TCP
 * @allowed_origins: (nullable) (array zero-terminated=1): origins of web pages that may connect
 * besides our own
 * @trusted_proxies: (nullable) (array zero-terminated=1): addresses of proxies whose
 * `X-Forwarded-For` says who is behind them
 * @max_connections: most connections at a time
 * @max_per_address: of these, from one address that is not this machine
 * @state_folder: (nullable): where the key for push services is kept; without there is no push
 * @push_contact: (nullable): where push services can reach the operator; some take nothing without
 * @push_allow_loopback: for tests only: push services on this machine, too
 * @files_enabled: whether backups can be downloaded
 * @webhook_url: (nullable): where notifications are posted
 * @webhook_secret_file: (nullable): file with what signs them
 * @mail_program: (nullable): absolute path of a program with sendmail's interface
 * @mail_from: (nullable): address of the sender of mail
 * @mail_to: (nullable) (array zero-terminated=1): addresses that failures are mailed to; none: no
 * mail
 * @panel: what the page at /panel/ is called and offers
 *
 * What the operator decides about the bridge; group [bridge] of the config file. Read at
 * vb_bridge_new(), which copies what it needs.
 */
typedef struct
{
  const char *socket;
  const char *socket_group;
  const char *listen;
  const char *tls_certificate;
  const char *tls_key;
  const char *token_keys;
  const char *const *allowed_origins;
  const char *const *trusted_proxies;
  guint max_connections;
  guint max_per_address;
  const char *state_folder;
  const char *push_contact;
  gboolean push_allow_loopback;
  gboolean files_enabled;
  const char *webhook_url;
  const char *webhook_secret_file;
  const char *mail_program;
  const char *mail_from;
  const char *const *mail_to;
  VbPanelSettings panel;
} VbBridgeSettings;

G_END_DECLS
