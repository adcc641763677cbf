/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-certificate.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "core/base/vb-log.h"

#define LOOK_AGAIN_US G_USEC_PER_SEC
#define N_FILES 2

typedef struct
{
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec changed;
} Stamp;

struct _VbCertificate
{
  GObject parent_instance;

  char *files[N_FILES]; /* chain, key */
  Stamp stamps[N_FILES];
  gint64 looked_at_us;
  GTlsCertificate *certificate;
};

G_DEFINE_FINAL_TYPE (VbCertificate, vb_certificate, G_TYPE_OBJECT)

static void
vb_certificate_finalize (GObject *object)
{
  VbCertificate *self = VB_CERTIFICATE (object);

  for (gsize i = 0; i < N_FILES; i++)
    g_free (self->files[i]);
  g_clear_object (&self->certificate);
  G_OBJECT_CLASS (vb_certificate_parent_class)->finalize (object);
}

static void
vb_certificate_class_init (VbCertificateClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_certificate_finalize;
}

static void
vb_certificate_init (VbCertificate *self)
{
}

/* Returns: whether they are other files than those that were read last */
static gboolean
take_stamps (VbCertificate *self)
{
  gboolean differ = FALSE;

  for (gsize i = 0; i < N_FILES; i++)
    {
      Stamp *old = &self->stamps[i];
      Stamp now = { 0 };
      struct stat info;

      if (stat (self->files[i], &info) == 0)
        now = (Stamp){ info.st_dev, info.st_ino, info.st_size, info.st_ctim };
      differ |= now.device != old->device || now.inode != old->inode || now.size != old->size
                || now.changed.tv_sec != old->changed.tv_sec
                || now.changed.tv_nsec != old->changed.tv_nsec;
      *old = now;
    }

  return differ;
}

/* GnuTLS would only notice at the first handshake, and each client would be told that something is
 * wrong with it. */
static gboolean
key_fits (GTlsCertificate *certificate)
{
  g_autoptr (GByteArray) certificate_der = NULL;
  g_autoptr (GByteArray) key_der = NULL;
  const guchar *data;
  X509 *x509;
  EVP_PKEY *key;
  gboolean fits;

  g_object_get (certificate, "certificate", &certificate_der, "private-key", &key_der, NULL);
  if (certificate_der == NULL || key_der == NULL)
    return FALSE;

  data = certificate_der->data;
  x509 = d2i_X509 (NULL, &data, certificate_der->len);
  data = key_der->data;
  key = d2i_AutoPrivateKey (NULL, &data, key_der->len);
  fits = x509 != NULL && key != NULL && X509_check_private_key (x509, key) == 1;
  X509_free (x509);
  EVP_PKEY_free (key);
  return fits;
}

static GTlsCertificate *
load (VbCertificate *self, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (GTlsCertificate) certificate
      = g_tls_certificate_new_from_files (self->files[0], self->files[1], &problem);

  if (certificate != NULL && key_fits (certificate))
    return g_steal_pointer (&certificate);

  g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, _ ("The TLS certificate %s cannot be used: %s"),
               self->files[0],
               problem != NULL ? problem->message : _ ("tls-key is not the key of it"));
  return NULL;
}

VbCertificate *
vb_certificate_new (const char *file, const char *key_file, GError **error)
{
  g_autoptr (VbCertificate) self = g_object_new (VB_TYPE_CERTIFICATE, NULL);

  self->files[0] = g_strdup (file);
  self->files[1] = g_strdup (key_file != NULL ? key_file : file);
  take_stamps (self);
  self->looked_at_us = g_get_monotonic_time ();
  self->certificate = load (self, error);
  return self->certificate != NULL ? g_steal_pointer (&self) : NULL;
}

GTlsCertificate *
vb_certificate_get (VbCertificate *self)
{
  const gint64 now_us = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  GTlsCertificate *certificate;

  if (now_us - self->looked_at_us < LOOK_AGAIN_US)
    return self->certificate;

  self->looked_at_us = now_us;
  if (!take_stamps (self))
    return self->certificate;

  certificate = load (self, &error);
  if (certificate == NULL)
    {
      vb_log_warning (NULL, NULL, NULL, "Going on with the TLS certificate from before: %s",
                      error->message);
      return self->certificate;
    }

  vb_log_info (NULL, NULL, NULL, "The TLS certificate %s was read again", self->files[0]);
  g_set_object (&self->certificate, certificate);
  g_object_unref (certificate);
  return self->certificate;
}
