/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbCertificate:
 *
 * A TLS certificate with its key that is read again when its files have changed, so that a renewal
 * needs no restart. Main context only.
 */
#define VB_TYPE_CERTIFICATE (vb_certificate_get_type ())
G_DECLARE_FINAL_TYPE (VbCertificate, vb_certificate, VB, CERTIFICATE, GObject)

/**
 * vb_certificate_new:
 * @file: PEM file of the certificate chain
 * @key_file: (nullable): PEM file of the key; %NULL: it is in @file
 * @error: (out) (optional): #VB_ERROR; cannot be read, or the key is not that of the certificate
 *
 * Returns: (transfer full) (nullable): a new certificate
 */
VbCertificate *vb_certificate_new (const char *file, const char *key_file, GError **error);

/**
 * vb_certificate_get:
 *
 * Looks whether the files have changed, once a second at most; a disk that hangs is not waited for.
 * When what is there now cannot be used (half written, or only one of the two is new), the one
 * before stays.
 *
 * Returns: (transfer none): the certificate for a new connection
 */
GTlsCertificate *vb_certificate_get (VbCertificate *self);

G_END_DECLS
