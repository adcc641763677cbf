/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-download.h"

#include "core/base/vb-log.h"
#include "vb-byte-range.h"

#define PIECE_BYTES (256 * 1024)
/* From one piece to the next. */
#define PIECE_DEADLINE_S 60

typedef struct
{
  gatomicrefcount references;
  SoupServerMessage *message; /* (nullable): once it has finished */
  VbPeer *peer;
  VbDiskFile *file;
  VbWorker *worker;
  guint64 offset;
  guint64 end;
  VbDownloadEnded ended;
  gpointer user_data;
} Download;

typedef struct
{
  VbDiskFile *file;
  guint64 offset;
  gsize length;
} Piece;

static void
download_unref (Download *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_clear_object (&self->peer);
  g_clear_object (&self->file);
  g_free (self);
}

static Download *
download_ref (Download *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

static void
piece_free (gpointer data)
{
  Piece *piece = data;

  g_object_unref (piece->file);
  g_free (piece);
}

static void
read_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Piece *piece = data;
  GError *error = NULL;
  guint8 *buffer = g_try_malloc (piece->length);

  if (buffer == NULL)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED, "out of memory");
  else if (vb_disk_file_read (piece->file, piece->offset, buffer, piece->length, &error))
    g_task_return_pointer (task, g_bytes_new_take (buffer, piece->length),
                           (GDestroyNotify) g_bytes_unref);
  else
    {
      g_free (buffer);
      g_task_return_error (task, error);
    }
}

/* Too late for a status: a client that gets less than it was told knows that it is not whole. */
static void
on_piece_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Download *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_task_propagate_pointer (G_TASK (result), &error);

  if (self->message != NULL && bytes != NULL)
    {
      self->offset += g_bytes_get_size (bytes);
      soup_message_body_append_bytes (soup_server_message_get_response_body (self->message), bytes);
      soup_server_message_unpause (self->message);
    }
  else if (self->message != NULL)
    {
      vb_log_warning (NULL, NULL, NULL, "Failed to send a disk of a backup to %s: %s",
                      vb_peer_get_name (self->peer), error->message);
      vb_peer_cut (self->peer);
    }
  download_unref (self);
}

static void
read_next (Download *self)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_piece_read, download_ref (self));
  Piece *piece = g_new0 (Piece, 1);

  piece->file = g_object_ref (self->file);
  piece->offset = self->offset;
  piece->length = MIN (PIECE_BYTES, self->end - self->offset);
  g_task_set_task_data (task, piece, piece_free);
  vb_peer_set_deadline (self->peer, PIECE_DEADLINE_S);
  vb_worker_run (self->worker, task, read_in_thread);
}

static void
on_wrote_chunk (SoupServerMessage *message, gpointer user_data)
{
  Download *self = user_data;

  if (self->offset < self->end)
    read_next (self);
}

static void
on_finished (SoupServerMessage *message, gpointer user_data)
{
  Download *self = user_data;

  g_signal_handlers_disconnect_by_data (message, self);
  self->message = NULL;
  self->ended (self->user_data);
  download_unref (self);
}

/* RFC 6266: a plain name for old clients, the whole one for the others. */
static char *
make_disposition (const char *name)
{
  g_autofree char *escaped = g_uri_escape_string (name, NULL, FALSE);
  g_autofree char *plain = g_str_to_ascii (name, "C");

  g_strdelimit (plain, "\"\\/\r\n", '_');
  return g_strdup_printf ("attachment; filename=\"%s\"; filename*=UTF-8''%s", plain, escaped);
}

static void
set_headers (SoupServerMessage *message, VbDiskFile *file, const char *name)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  g_autofree char *disposition = make_disposition (name);
  g_autofree char *tag = g_strdup_printf ("\"%s\"", vb_disk_file_get_tag (file));

  soup_message_headers_replace (headers, "Content-Type", "application/octet-stream");
  soup_message_headers_replace (headers, "Content-Disposition", disposition);
  soup_message_headers_replace (headers, "Accept-Ranges", "bytes");
  soup_message_headers_replace (headers, "ETag", tag);
}

static guint
choose_part (Download *self, const char *range, const char *if_range)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (self->message);
  const guint64 size = vb_disk_file_get_size (self->file);
  g_autofree char *tag = g_strdup_printf ("\"%s\"", vb_disk_file_get_tag (self->file));
  gboolean same = if_range == NULL || g_str_equal (if_range, tag);
  g_autofree char *shown = NULL;

  switch (vb_byte_range_parse (same ? range : NULL, size, &self->offset, &self->end))
    {
    case VB_BYTE_RANGE_PART:
      shown
          = g_strdup_printf ("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
                             self->offset, self->end - 1, size);
      soup_message_headers_replace (headers, "Content-Range", shown);
      return SOUP_STATUS_PARTIAL_CONTENT;
    case VB_BYTE_RANGE_UNSATISFIABLE:
      shown = g_strdup_printf ("bytes */%" G_GUINT64_FORMAT, size);
      soup_message_headers_replace (headers, "Content-Range", shown);
      self->offset = self->end = 0;
      return SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE;
    default:
      return SOUP_STATUS_OK;
    }
}

void
vb_download_start (SoupServerMessage *message,
                   VbPeer *peer,
                   VbDiskFile *file,
                   const char *range,
                   const char *if_range,
                   const char *name,
                   VbWorker *worker,
                   VbDownloadEnded ended,
                   gpointer user_data)
{
  Download *self = g_new0 (Download, 1);
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);

  g_atomic_ref_count_init (&self->references);
  self->message = message;
  self->peer = g_object_ref (peer);
  self->file = g_object_ref (file);
  self->worker = worker;
  self->ended = ended;
  self->user_data = user_data;
  g_signal_connect (message, "finished", G_CALLBACK (on_finished), self);

  set_headers (message, file, name);
  soup_server_message_set_status (message, choose_part (self, range, if_range), NULL);
  soup_message_body_set_accumulate (soup_server_message_get_response_body (message), FALSE);
  soup_message_headers_set_content_length (headers, (goffset) (self->end - self->offset));
  if (soup_server_message_get_method (message) == SOUP_METHOD_HEAD || self->offset == self->end)
    {
      soup_server_message_unpause (message);
      return;
    }
  g_signal_connect (message, "wrote-chunk", G_CALLBACK (on_wrote_chunk), self);
  read_next (self);
}
