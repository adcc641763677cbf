/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-certificate.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/vb-bounded-call.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "core/base/vb-log.h"

#define LOOK_AGAIN_US G_USEC_PER_SEC
/* A handshake waits for so long at most for a disk that hangs, and only the first one. */
#define LIMIT_MS 200
#define FIRST_LIMIT_MS 20000
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
  VbBoundedCall *call;
  gboolean is_late; /* that was logged */
  GTlsCertificate *certificate;
};

/* What a thread works on, and what it has found. */
typedef struct
{
  char *files[N_FILES];
  Stamp stamps[N_FILES];
  gboolean differ;
  GTlsCertificate *certificate; /* (nullable): when they differ and can be used */
  GError *error;
} Look;

G_DEFINE_FINAL_TYPE (VbCertificate, vb_certificate, G_TYPE_OBJECT)

static void
vb_certificate_finalize (GObject *object)
{
  VbCertificate *self = VB_CERTIFICATE (object);

  for (gsize i = 0; i < N_FILES; i++)
    g_free (self->files[i]);
  g_clear_pointer (&self->call, vb_bounded_call_free);
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

static void
look_free (gpointer data)
{
  Look *look = data;

  for (gsize i = 0; i < N_FILES; i++)
    g_free (look->files[i]);
  g_clear_object (&look->certificate);
  g_clear_error (&look->error);
  g_free (look);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Look, look_free)

static Look *
look_new (char *const *files, const Stamp *stamps)
{
  Look *look = g_new0 (Look, 1);

  for (gsize i = 0; i < N_FILES; i++)
    {
      look->files[i] = g_strdup (files[i]);
      look->stamps[i] = stamps[i];
    }
  return look;
}

static void
take_stamps (Look *look)
{
  for (gsize i = 0; i < N_FILES; i++)
    {
      Stamp *old = &look->stamps[i];
      Stamp now = { 0 };
      struct stat info;

      if (stat (look->files[i], &info) == 0 && S_ISREG (info.st_mode))
        now = (Stamp){ info.st_dev, info.st_ino, info.st_size, info.st_ctim };
      look->differ |= now.device != old->device || now.inode != old->inode || now.size != old->size
                      || now.changed.tv_sec != old->changed.tv_sec
                      || now.changed.tv_nsec != old->changed.tv_nsec;
      *old = now;
    }
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

/* A FIFO would not be waited for, but its thread would stay for good. */
static gboolean
are_regular (const Look *look, GError **error)
{
  for (gsize i = 0; i < N_FILES; i++)
    {
      struct stat info;
      if (stat (look->files[i], &info) == 0 && !S_ISREG (info.st_mode))
        {
          g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "%s is not a file", look->files[i]);
          return FALSE;
        }
    }
  return TRUE;
}

static void
load (Look *look)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (GTlsCertificate) certificate = NULL;

  if (are_regular (look, &problem))
    certificate = g_tls_certificate_new_from_files (look->files[0], look->files[1], &problem);

  if (certificate != NULL && key_fits (certificate))
    {
      look->certificate = g_steal_pointer (&certificate);
      return;
    }
  g_set_error (&look->error, VB_ERROR, VB_ERROR_INTERNAL,
               _ ("The TLS certificate %s cannot be used: %s"), look->files[0],
               problem != NULL ? problem->message : _ ("tls-key is not the key of it"));
}

static gpointer
look_in_thread (gpointer data)
{
  const Look *from = data;
  Look *look = look_new (from->files, from->stamps);

  take_stamps (look);
  if (look->differ)
    load (look);
  return look;
}

/* Returns: (transfer full) (nullable): %NULL while the files cannot be read */
static Look *
look (VbCertificate *self, VbBoundedCall *call)
{
  gpointer found = NULL;

  self->looked_at_us = g_get_monotonic_time ();
  if (!vb_bounded_call_run (call, look_in_thread, look_new (self->files, self->stamps), look_free,
                            &found, look_free))
    return NULL;
  memcpy (self->stamps, ((Look *) found)->stamps, sizeof self->stamps);
  return found;
}

VbCertificate *
vb_certificate_new (const char *file, const char *key_file, GError **error)
{
  g_autoptr (VbCertificate) self = g_object_new (VB_TYPE_CERTIFICATE, NULL);
  g_autoptr (VbBoundedCall) call = vb_bounded_call_new (FIRST_LIMIT_MS);

  self->files[0] = g_strdup (file);
  self->files[1] = g_strdup (key_file != NULL ? key_file : file);
  self->call = vb_bounded_call_new (LIMIT_MS);
  g_autoptr (Look) found = look (self, call);
  if (found != NULL && !found->differ)
    load (found); /* neither file is there: says so */
  if (found == NULL)
    g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                 _ ("The TLS certificate %s cannot be used: %s"), file, "its disk does not answer");
  else if (found->error != NULL)
    g_propagate_error (error, g_steal_pointer (&found->error));
  else
    self->certificate = g_steal_pointer (&found->certificate);
  return self->certificate != NULL ? g_steal_pointer (&self) : NULL;
}

static void
note_late (VbCertificate *self, gboolean is_late)
{
  if (is_late && !self->is_late)
    vb_log_warning (NULL, NULL, NULL,
                    "The TLS certificate %s cannot be read now; the one from before stands",
                    self->files[0]);
  self->is_late = is_late;
}

GTlsCertificate *
vb_certificate_get (VbCertificate *self)
{
  if (g_get_monotonic_time () - self->looked_at_us < LOOK_AGAIN_US)
    return self->certificate;

  g_autoptr (Look) found = look (self, self->call);
  note_late (self, found == NULL);
  if (found == NULL || !found->differ)
    return self->certificate;
  if (found->certificate == NULL)
    {
      vb_log_warning (NULL, NULL, NULL, "Keeping the previous TLS certificate: %s",
                      found->error->message);
      return self->certificate;
    }

  vb_log_info (NULL, NULL, NULL, "The TLS certificate %s was read again", self->files[0]);
  g_set_object (&self->certificate, found->certificate);
  return self->certificate;
}
