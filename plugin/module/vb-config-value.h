/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Parsers of the values of the config file. Each takes the whole value and fails with
 * %VB_ERROR_INVALID_ARGUMENT and the end of a sentence that begins with the key's name, such as
 * "must be an absolute path". Any thread. */

/** vb_config_parse_uint: a decimal number between @minimum and @maximum */
gboolean
vb_config_parse_uint (const char *text, guint minimum, guint maximum, guint *value, GError **error);

/** vb_config_parse_boolean: yes or no, or true or false */
gboolean vb_config_parse_boolean (const char *text, gboolean *value, GError **error);

/** vb_config_parse_size: bytes, or a whole number of K, M, G or T (powers of 1024) */
gboolean vb_config_parse_size (const char *text, guint64 *bytes, GError **error);

/** vb_config_parse_duration: a number of days, or with s, m, h or d; 0 is 0 */
gboolean vb_config_parse_duration (const char *text, guint64 *seconds, GError **error);

/** vb_config_check_reserve: a size as above, or a percentage from 0% to 90% */
gboolean vb_config_check_reserve (const char *text, GError **error);

/** vb_config_check_path: an absolute path */
gboolean vb_config_check_path (const char *text, GError **error);

/** vb_config_check_socket: an absolute path short enough for a unix socket */
gboolean vb_config_check_socket (const char *text, GError **error);

/** vb_config_check_endpoint: HOST:PORT, where HOST may be an IPv6 address in brackets */
gboolean vb_config_check_endpoint (const char *text, GError **error);

/** vb_config_check_url: an http or https URL */
gboolean vb_config_check_url (const char *text, GError **error);

/** vb_config_check_contact: a mailto or https URL, as VAPID wants it */
gboolean vb_config_check_contact (const char *text, GError **error);

/** vb_config_check_link: an address that a browser may be sent to */
gboolean vb_config_check_link (const char *text, GError **error);

/** vb_config_check_colours: "rrggbb", or two of them */
gboolean vb_config_check_colours (const char *text, GError **error);

/** vb_config_check_price: a decimal number */
gboolean vb_config_check_price (const char *text, GError **error);

/** vb_config_check_currency: a code of ISO 4217 */
gboolean vb_config_check_currency (const char *text, GError **error);

/** vb_config_parse_address: Returns: (transfer full) (nullable): an IP address in its usual
 * spelling */
char *vb_config_parse_address (const char *text, GError **error);

/** vb_config_parse_mailbox: Returns: (transfer full) (nullable): a plain address of mail: nothing
 * that a header, a list of addresses or a program's arguments could take for something else */
char *vb_config_parse_mailbox (const char *text, GError **error);

/** vb_config_check_mailbox: such an address */
gboolean vb_config_check_mailbox (const char *text, GError **error);

/**
 * vb_config_parse_origin:
 *
 * Returns: (transfer full) (nullable): the origin as browsers send it: scheme, host in lower case,
 * and the port unless it is the scheme's own
 */
char *vb_config_parse_origin (const char *text, GError **error);

G_END_DECLS
