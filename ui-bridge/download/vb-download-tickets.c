/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-download-tickets.h"

#include <string.h>
#include <sys/random.h>

#include "core/base/vb-error.h"

#define RANDOM_BYTES 32
#define PER_SUBJECT_MAX 64
#define TICKETS_MAX 4096

struct _VbDownloadTickets
{
  GHashTable *tickets; /* text → VbDownloadTicket */
};

VbDownloadTicket *
vb_download_ticket_new (VbIdentity *identity,
                        const char *vps,
                        const char *backup,
                        const char *disk,
                        const char *name)
{
  VbDownloadTicket *self = g_new0 (VbDownloadTicket, 1);

  self->identity = vb_identity_ref (identity);
  self->vps = g_strdup (vps);
  self->backup = g_strdup (backup);
  self->disk = g_strdup (disk);
  self->name = g_strdup (name);
  return self;
}

void
vb_download_ticket_free (VbDownloadTicket *self)
{
  vb_identity_unref (self->identity);
  g_free (self->vps);
  g_free (self->backup);
  g_free (self->disk);
  g_free (self->name);
  g_free (self);
}

static void
ticket_free (gpointer ticket)
{
  vb_download_ticket_free (ticket);
}

VbDownloadTickets *
vb_download_tickets_new (void)
{
  VbDownloadTickets *self = g_new0 (VbDownloadTickets, 1);

  self->tickets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, ticket_free);
  return self;
}

void
vb_download_tickets_free (VbDownloadTickets *self)
{
  g_hash_table_unref (self->tickets);
  g_free (self);
}

static gboolean
is_expired (gpointer key, gpointer value, gpointer user_data)
{
  return ((VbDownloadTicket *) value)->expires_us <= *(gint64 *) user_data;
}

static gboolean
has_room (VbDownloadTickets *self, const char *subject)
{
  GHashTableIter iter;
  gpointer value;
  guint count = 0;

  g_hash_table_iter_init (&iter, self->tickets);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (strcmp (vb_identity_get_subject (((VbDownloadTicket *) value)->identity), subject) == 0)
      count++;
  return count < PER_SUBJECT_MAX && g_hash_table_size (self->tickets) < TICKETS_MAX;
}

static char *
make_text (GError **error)
{
  guint8 bytes[RANDOM_BYTES];
  GString *text = g_string_sized_new (RANDOM_BYTES * 2);

  if (getrandom (bytes, sizeof bytes, 0) != sizeof bytes)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "Failed to get random bytes for a ticket");
      g_string_free (text, TRUE);
      return NULL;
    }
  for (gsize i = 0; i < sizeof bytes; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
  return g_string_free (text, FALSE);
}

char *
vb_download_tickets_add (VbDownloadTickets *self,
                         VbDownloadTicket *ticket,
                         gint64 now_us,
                         GError **error)
{
  g_autoptr (VbDownloadTicket) owned = ticket;
  g_autofree char *text = NULL;

  g_hash_table_foreach_remove (self->tickets, is_expired, &now_us);
  if (!has_room (self, vb_identity_get_subject (ticket->identity)))
    {
      vb_error_set_public (error, VB_ERROR_RATE_LIMITED);
      return NULL;
    }
  text = make_text (error);
  if (text == NULL)
    return NULL;
  ticket->expires_us = now_us + VB_DOWNLOAD_TICKET_UNUSED_S * G_USEC_PER_SEC;
  g_hash_table_insert (self->tickets, g_strdup (text), g_steal_pointer (&owned));
  return g_steal_pointer (&text);
}

const VbDownloadTicket *
vb_download_tickets_find (VbDownloadTickets *self, const char *text, gint64 now_us)
{
  const VbDownloadTicket *ticket = g_hash_table_lookup (self->tickets, text);

  return ticket != NULL && ticket->expires_us > now_us ? ticket : NULL;
}

void
vb_download_tickets_use (VbDownloadTickets *self, const char *text, gint64 now_us)
{
  VbDownloadTicket *ticket = g_hash_table_lookup (self->tickets, text);

  if (ticket == NULL || ticket->used)
    return;
  ticket->used = TRUE;
  ticket->expires_us = now_us + VB_DOWNLOAD_TICKET_USED_S * G_USEC_PER_SEC;
}

void
vb_download_tickets_remove (VbDownloadTickets *self, const char *text)
{
  g_hash_table_remove (self->tickets, text);
}
