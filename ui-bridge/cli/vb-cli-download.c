/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk of a backup into a file. What was fetched of it stays beside, and the next run continues
 * there: its name says which backup and disk it is of. */
#include "vb-cli.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "vb-cli-error.h"
#include "vb-cli-resolve.h"
#include "vb-cli-text.h"

#define BUFFER_BYTES (256 * 1024)

typedef struct
{
  const char *url;
  guint64 size_bytes;
  const char *to;
  char *partial;
  int fd;
  guint64 done_bytes;
} Download;

static void
download_clear (Download *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->partial);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Download, download_clear)

static gboolean
set_file_error (GError **error, const char *path)
{
  g_autofree char *shown = g_filename_display_name (path);

  g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED, _ ("Failed to write %s: %s"), shown,
               g_strerror (errno));
  return FALSE;
}

static gboolean
open_partial (Download *self, GError **error)
{
  struct stat found;

  self->fd = open (self->partial, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (self->fd < 0 || fstat (self->fd, &found) != 0)
    return set_file_error (error, self->partial);
  self->done_bytes = (guint64) found.st_size;
  if (self->done_bytes > self->size_bytes)
    self->done_bytes = 0;
  if (ftruncate (self->fd, (off_t) self->done_bytes) != 0
      || lseek (self->fd, (off_t) self->done_bytes, SEEK_SET) < 0)
    return set_file_error (error, self->partial);
  return TRUE;
}

static GInputStream *
open_stream (Download *self, SoupSession *session, GError **error)
{
  g_autofree char *uri = g_strconcat ("http://localhost", self->url, NULL);
  g_autoptr (SoupMessage) message = soup_message_new ("GET", uri);
  g_autoptr (GInputStream) stream = NULL;

  if (self->done_bytes > 0)
    soup_message_headers_set_range (soup_message_get_request_headers (message),
                                    (goffset) self->done_bytes, -1);
  stream = soup_session_send (session, message, NULL, error);
  if (stream == NULL)
    return NULL;
  if (soup_message_get_status (message)
      == (self->done_bytes > 0 ? SOUP_STATUS_PARTIAL_CONTENT : SOUP_STATUS_OK))
    return g_steal_pointer (&stream);
  g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
               _ ("The service refused the download (HTTP status %u); try again."),
               soup_message_get_status (message));
  return NULL;
}

static gboolean
write_all (Download *self, const guint8 *data, gsize length, GError **error)
{
  while (length > 0)
    {
      gssize written = write (self->fd, data, length);
      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return set_file_error (error, self->partial);
      data += written;
      length -= (gsize) written;
      self->done_bytes += (guint64) written;
    }
  return TRUE;
}

static gboolean
copy (Download *self, GInputStream *stream, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (BUFFER_BYTES);
  g_autoptr (GError) local = NULL;
  gssize length;

  while ((length = g_input_stream_read (stream, buffer, BUFFER_BYTES, NULL, &local)) > 0)
    if (!write_all (self, buffer, (gsize) length, error))
      return FALSE;
  if (length == 0 && self->done_bytes == self->size_bytes)
    return TRUE;
  g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
               _ ("The download was interrupted (%s); run the command again, and it continues."),
               local != NULL ? local->message : _ ("the connection was closed"));
  return FALSE;
}

/* A file that has come up meanwhile is not overwritten. */
static gboolean
put_in_place (Download *self, GError **error)
{
  if (fsync (self->fd) != 0 || link (self->partial, self->to) != 0)
    return set_file_error (error, self->to);
  g_unlink (self->partial);
  return TRUE;
}

static gboolean
fetch (Download *self, SoupSession *session, GError **error)
{
  g_autoptr (GInputStream) stream = NULL;

  if (!open_partial (self, error))
    return FALSE;
  if (self->done_bytes < self->size_bytes)
    {
      stream = open_stream (self, session, error);
      if (stream == NULL || !copy (self, stream, error))
        return FALSE;
    }
  return put_in_place (self, error);
}

static gboolean
check_usage (VbCli *self, GError **error)
{
  if (self->disk == NULL || self->to == NULL)
    return vb_cli_error_set_usage (error, _ ("Name the disk with --disk and the file with --to"));
  if (!g_file_test (self->to, G_FILE_TEST_EXISTS))
    return TRUE;
  errno = EEXIST;
  return set_file_error (error, self->to);
}

gboolean
vb_cli_download (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps = NULL;
  g_autoptr (JsonObject) result = NULL;
  g_auto (Download) download = { .to = self->to, .fd = -1 };
  JsonObject *backup;
  const char *id;

  if (!check_usage (self, error))
    return FALSE;
  vps = vb_cli_resolve_vps (self, arguments[0], error);
  backup = vps != NULL ? vb_cli_resolve_backup (vps, arguments[1], error) : NULL;
  if (backup == NULL)
    return FALSE;
  id = vb_cli_get_string (backup, "id");
  result = vb_cli_call (
      self, "backup.download",
      vb_cli_params ("vps", vb_cli_get_string (vps, "vps"), "backup", id, "disk", self->disk, NULL),
      error);
  if (result == NULL)
    return FALSE;

  download.url = vb_cli_get_string (result, "url");
  download.size_bytes = (guint64) json_object_get_int_member_with_default (result, "size_bytes", 0);
  download.partial = g_strdup_printf ("%s.%s-%s.partial", self->to, id, self->disk);
  if (!fetch (&download, vb_cli_client_get_session (self->client), error))
    return FALSE;
  if (self->json)
    vb_cli_print_json (result);
  else
    vb_cli_print (stdout, _ ("Disk %s of the backup is in %s\n"), self->disk, self->to);
  return TRUE;
}
