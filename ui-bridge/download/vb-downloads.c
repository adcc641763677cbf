/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-downloads.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"
#include "core/base/vb-worker.h"
#include "vb-download.h"

#define RUNNING_MAX 16
#define RUNNING_PER_SUBJECT_MAX 4
#define THREADS 4
#define OPEN_DEADLINE_S 60

struct _VbDownloads
{
  GObject parent_instance;

  VbManager *manager;
  VbDownloadTickets *tickets;
  VbWorker *worker;
  GPtrArray *running; /* Request */
  VbDownloadsIsRevoked is_revoked;
  gpointer revocations;
};

/* One GET from when it was let in. */
typedef struct
{
  VbDownloads *downloads;
  SoupServerMessage *message; /* (nullable): once it has finished */
  VbPeer *peer;
  VbIdentity *identity;
  char *ticket;
  char *name;
  char *range;
  char *if_range;
} Request;

G_DEFINE_FINAL_TYPE (VbDownloads, vb_downloads, G_TYPE_OBJECT)

static void
request_free (Request *request)
{
  g_ptr_array_remove_fast (request->downloads->running, request);
  g_clear_object (&request->peer);
  vb_identity_unref (request->identity);
  g_free (request->ticket);
  g_free (request->name);
  g_free (request->range);
  g_free (request->if_range);
  g_object_unref (request->downloads);
  g_free (request);
}

/* --- offering --- */

static char *
make_name (VbManager *manager, const char *vps, const char *backup, const char *disk)
{
  VbVps *found = vb_manager_get_vps (manager, vps);
  const char *name = found != NULL ? vb_vps_get_name (found) : vps;

  return g_strdup_printf ("%s-%.8s-%s.qcow2", name, backup, disk);
}

char *
vb_downloads_offer (VbDownloads *self,
                    VbIdentity *identity,
                    const char *vps,
                    const char *backup,
                    const char *disk,
                    GDateTime **expires_at,
                    char **name,
                    GError **error)
{
  g_autofree char *shown = make_name (self->manager, vps, backup, disk);
  g_autofree char *text = vb_download_tickets_add (
      self->tickets, vb_download_ticket_new (identity, vps, backup, disk, shown),
      g_get_monotonic_time (), error);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();

  if (text == NULL)
    return NULL;
  *expires_at = g_date_time_add_seconds (now, VB_DOWNLOAD_TICKET_UNUSED_S);
  *name = g_steal_pointer (&shown);
  return g_strconcat (VB_DOWNLOADS_PATH, text, NULL);
}

/* --- serving --- */

static void
on_ended (gpointer user_data)
{
  request_free (user_data);
}

static void
refuse (SoupServerMessage *message, guint status)
{
  soup_server_message_set_status (message, status, NULL);
  soup_message_headers_set_content_length (soup_server_message_get_response_headers (message), 0);
  soup_server_message_unpause (message);
}

static guint
status_of (const GError *error)
{
  switch (vb_error_code_of (error))
    {
    case VB_ERROR_NOT_FOUND:
      return SOUP_STATUS_NOT_FOUND;
    case VB_ERROR_POOL_UNAVAILABLE:
      return SOUP_STATUS_SERVICE_UNAVAILABLE;
    default:
      return SOUP_STATUS_INTERNAL_SERVER_ERROR;
    }
}

static void
on_finished_early (SoupServerMessage *message, gpointer user_data)
{
  ((Request *) user_data)->message = NULL;
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (VbDiskFile) file = vb_manager_open_disk_finish (VB_MANAGER (source), result, &error);
  SoupServerMessage *message = request->message;

  if (message != NULL)
    g_signal_handlers_disconnect_by_data (message, request);
  if (message != NULL && file != NULL)
    {
      vb_download_tickets_use (request->downloads->tickets, request->ticket,
                               g_get_monotonic_time ());
      vb_download_start (message, request->peer, file, request->range, request->if_range,
                         request->name, request->downloads->worker, on_ended, request);
      return;
    }
  if (message != NULL)
    {
      vb_log_warning (NULL, NULL, NULL, "Failed to open a disk of a backup for %s: %s",
                      vb_identity_get_subject (request->identity), error->message);
      refuse (message, status_of (error));
    }
  request_free (request);
}

static gboolean
has_room (VbDownloads *self, VbIdentity *identity)
{
  guint own = 0;

  for (guint i = 0; i < self->running->len; i++)
    {
      const Request *request = g_ptr_array_index (self->running, i);
      if (strcmp (vb_identity_get_subject (request->identity), vb_identity_get_subject (identity))
          == 0)
        own++;
    }
  return own < RUNNING_PER_SUBJECT_MAX && self->running->len < RUNNING_MAX;
}

static void
serve (VbDownloads *self,
       const VbDownloadTicket *ticket,
       const char *text,
       SoupServerMessage *message,
       VbPeer *peer,
       const char *range)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  Request *request = g_new0 (Request, 1);

  request->downloads = g_object_ref (self);
  request->message = message;
  request->peer = g_object_ref (peer);
  request->identity = vb_identity_ref (ticket->identity);
  request->ticket = g_strdup (text);
  request->name = g_strdup (ticket->name);
  request->range = g_strdup (range);
  request->if_range = g_strdup (soup_message_headers_get_one (headers, "If-Range"));
  g_ptr_array_add (self->running, request);
  g_signal_connect (message, "finished", G_CALLBACK (on_finished_early), request);

  vb_peer_set_deadline (peer, OPEN_DEADLINE_S);
  soup_server_message_pause (message);
  vb_manager_open_disk_async (self->manager, ticket->vps, ticket->backup, ticket->disk, on_opened,
                              request);
}

guint
vb_downloads_handle (VbDownloads *self,
                     SoupServerMessage *message,
                     VbAcceptor *acceptor,
                     VbPeer *peer,
                     const char *range)
{
  const char *path = g_uri_get_path (soup_server_message_get_uri (message));
  const char *text = path + strlen (VB_DOWNLOADS_PATH);
  const VbDownloadTicket *ticket
      = vb_download_tickets_find (self->tickets, text, g_get_monotonic_time ());

  if (ticket != NULL && self->is_revoked != NULL
      && self->is_revoked (self->revocations, ticket->identity))
    {
      vb_download_tickets_remove (self->tickets, text);
      ticket = NULL;
    }
  if (ticket == NULL)
    return SOUP_STATUS_NOT_FOUND;
  if (!has_room (self, ticket->identity)
      || !vb_acceptor_hold (acceptor, peer, vb_identity_get_subject (ticket->identity)))
    return SOUP_STATUS_SERVICE_UNAVAILABLE;

  serve (self, ticket, text, message, peer, range);
  return SOUP_STATUS_NONE;
}

/* --- lifecycle --- */

static void
vb_downloads_finalize (GObject *object)
{
  VbDownloads *self = VB_DOWNLOADS (object);

  vb_download_tickets_free (self->tickets);
  vb_worker_free (self->worker);
  g_ptr_array_unref (self->running);
  g_object_unref (self->manager);
  G_OBJECT_CLASS (vb_downloads_parent_class)->finalize (object);
}

static void
vb_downloads_class_init (VbDownloadsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_downloads_finalize;
}

static void
vb_downloads_init (VbDownloads *self)
{
  self->tickets = vb_download_tickets_new ();
  self->worker = vb_worker_new (THREADS);
  self->running = g_ptr_array_new ();
}

VbDownloads *
vb_downloads_new (VbManager *manager)
{
  VbDownloads *self = g_object_new (VB_TYPE_DOWNLOADS, NULL);

  self->manager = g_object_ref (manager);
  return self;
}

void
vb_downloads_set_revocations (VbDownloads *self, VbDownloadsIsRevoked func, gpointer user_data)
{
  self->is_revoked = func;
  self->revocations = user_data;
}
