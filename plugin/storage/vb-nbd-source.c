/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-nbd-source.h"

#include <errno.h>
#include <libnbd.h>
#include <poll.h>

#include "vb-error.h"
#include "vb-run.h"

#define MAX_CONNECTIONS 4
#define POLL_MS 50

/* Block status requests have 32 bits of length. */
#define SCAN_BYTES (G_GUINT64_CONSTANT (1) << 31)

struct _VbNbdSource
{
  struct nbd_handle *handles[MAX_CONNECTIONS];
  guint in_flight[MAX_CONNECTIONS];
  guint n_handles;

  char *changed_context;
  guint64 size;
  gboolean has_data_map;
  gboolean has_changed;
  struct Scan *scan; /* kept until the connections are closed: an unanswered request points to it */
};

typedef struct
{
  VbNbdSource *source;
  guint handle;
  VbNbdDone done;
  gpointer user_data;
} Request;

typedef struct Scan
{
  VbNbdSource *source;
  VbRanges *data;
  VbRanges *changed;
  guint64 data_end;    /* up to here the map of the data is known */
  guint64 changed_end; /* and the dirty bitmap */
  gboolean done;
  int error_number;
} Scan;

static gboolean
fail (GError **error, const char *doing)
{
  g_set_error (error, VB_ERROR, VB_ERROR_INTERRUPTED, "%s: %s", doing, nbd_get_error ());
  return FALSE;
}

/* --- connecting --- */

static gboolean
connect_one (VbNbdSource *self, const char *socket, const char *export_name, GCancellable *stop, GError **error)
{
  struct nbd_handle *handle = nbd_create ();
  if (handle == NULL)
    return fail (error, "Preparing an NBD connection");

  guint number = self->n_handles++;
  self->handles[number] = handle;
  /* The buffers are zeroed or fully written before anything reads them; libnbd need not clear them as well. */
  if (nbd_set_pread_initialize (handle, false) != 0
      || nbd_set_export_name (handle, export_name ? export_name : "") != 0
      || (number == 0 && nbd_add_meta_context (handle, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0)
      || (number == 0 && self->changed_context && nbd_add_meta_context (handle, self->changed_context) != 0)
      || nbd_aio_connect_unix (handle, socket) != 0)
    return fail (error, "Connecting to the NBD server");

  while (nbd_aio_is_connecting (handle))
    if (!vb_run_check (stop, error) || !vb_nbd_source_poll (self, -1, POLL_MS, error))
      return FALSE;
  return nbd_aio_is_ready (handle) == 1 || fail (error, "Connecting to the NBD server");
}

VbNbdSource *
vb_nbd_source_open (const char *socket,
                    const char *export_name,
                    const char *changed_context,
                    GCancellable *stop,
                    GError **error)
{
  g_autoptr (VbNbdSource) self = g_new0 (VbNbdSource, 1);
  self->changed_context = g_strdup (changed_context);
  if (!connect_one (self, socket, export_name, stop, error))
    return NULL;

  struct nbd_handle *first = self->handles[0];
  gint64 size = nbd_get_size (first);
  if (size < 0)
    {
      fail (error, "Asking for the size of a disk");
      return NULL;
    }
  self->size = (guint64) size;
  self->has_data_map = nbd_can_meta_context (first, LIBNBD_CONTEXT_BASE_ALLOCATION) == 1;
  self->has_changed = changed_context && nbd_can_meta_context (first, changed_context) == 1;

  guint connections = nbd_can_multi_conn (first) == 1 ? MAX_CONNECTIONS : 1;
  while (self->n_handles < connections)
    if (!connect_one (self, socket, export_name, stop, error))
      return NULL;
  return g_steal_pointer (&self);
}

void
vb_nbd_source_free (VbNbdSource *self)
{
  for (guint i = 0; i < self->n_handles; i++)
    nbd_close (self->handles[i]);
  g_free (self->scan);
  g_free (self->changed_context);
  g_free (self);
}

guint64
vb_nbd_source_get_size (VbNbdSource *self)
{
  return self->size;
}

gboolean
vb_nbd_source_has_changed (VbNbdSource *self)
{
  return self->has_changed;
}

/* --- the map --- */

/* The server may tell more or less than it was asked: keep what is new. */
static void
add_extents (VbRanges *ranges, guint64 *end, guint64 offset, const guint32 *entries, gsize n, gboolean is_data)
{
  for (gsize i = 0; i + 1 < n; i += 2)
    {
      guint64 next = offset + entries[i];
      gboolean wanted = is_data ? (entries[i + 1] & LIBNBD_STATE_ZERO) == 0 : (entries[i + 1] & 1) != 0;
      if (wanted && next > *end && ranges != NULL)
        vb_ranges_add (ranges, MAX (offset, *end), next);
      *end = MAX (*end, next);
      offset = next;
    }
}

static int
on_extents (void *data, const char *context, uint64_t offset, uint32_t *entries, size_t n, int *error)
{
  Scan *scan = data;

  if (g_str_equal (context, LIBNBD_CONTEXT_BASE_ALLOCATION))
    add_extents (scan->data, &scan->data_end, offset, entries, n, TRUE);
  else if (g_strcmp0 (context, scan->source->changed_context) == 0)
    add_extents (scan->changed, &scan->changed_end, offset, entries, n, FALSE);
  return 0;
}

static int
on_scanned (void *data, int *error)
{
  Scan *scan = data;

  scan->done = TRUE;
  scan->error_number = *error;
  return 1;
}

static guint64
scanned_up_to (const Scan *scan)
{
  guint64 end = scan->source->size;

  if (scan->source->has_data_map)
    end = MIN (end, scan->data_end);
  if (scan->changed)
    end = MIN (end, scan->changed_end);
  return end;
}

static gboolean
scan_from (Scan *scan, guint64 offset, GCancellable *stop, GError **error)
{
  VbNbdSource *self = scan->source;
  guint64 length = MIN (SCAN_BYTES, self->size - offset);

  scan->done = FALSE;
  if (nbd_aio_block_status (self->handles[0], length, offset,
                            (nbd_extent_callback){ .callback = on_extents, .user_data = scan },
                            (nbd_completion_callback){ .callback = on_scanned, .user_data = scan }, 0)
      < 0)
    return fail (error, "Asking for the map of a disk");
  while (!scan->done)
    if (!vb_run_check (stop, error) || !vb_nbd_source_poll (self, -1, POLL_MS, error))
      return FALSE;
  if (scan->error_number != 0 || scanned_up_to (scan) <= offset)
    {
      vb_error_set_errno (error, scan->error_number ? scan->error_number : EPROTO, "Reading the map of a disk");
      return FALSE;
    }
  return TRUE;
}

gboolean
vb_nbd_source_scan (VbNbdSource *self, VbRanges *data, VbRanges *changed, GCancellable *stop, GError **error)
{
  Scan *scan = g_new0 (Scan, 1);
  *scan = (Scan){ .source = self, .data = data, .changed = self->has_changed ? changed : NULL };
  g_free (self->scan);
  self->scan = scan;

  if (!self->has_data_map)
    vb_ranges_add (data, 0, self->size);
  for (guint64 at = 0; (self->has_data_map || scan->changed) && at < self->size; at = scanned_up_to (scan))
    if (!scan_from (scan, at, stop, error))
      return FALSE;
  return TRUE;
}

/* --- reading --- */

static int
on_read (void *data, int *error)
{
  Request *request = data;

  request->source->in_flight[request->handle]--;
  request->done (request->user_data, *error);
  return 1;
}

gboolean
vb_nbd_source_read (VbNbdSource *self,
                    void *buffer,
                    gsize length,
                    guint64 offset,
                    VbNbdDone done,
                    gpointer user_data,
                    GError **error)
{
  guint best = 0;
  for (guint i = 1; i < self->n_handles; i++)
    if (self->in_flight[i] < self->in_flight[best])
      best = i;

  Request *request = g_new0 (Request, 1);
  *request = (Request){ self, best, done, user_data };
  self->in_flight[best]++;
  nbd_completion_callback callback = { .callback = on_read, .user_data = request, .free = g_free };
  if (nbd_aio_pread (self->handles[best], buffer, length, offset, callback, 0) < 0)
    {
      self->in_flight[best]--;
      return fail (error, "Reading a disk");
    }
  return TRUE;
}

guint
vb_nbd_source_get_in_flight (VbNbdSource *self)
{
  guint sum = 0;
  for (guint i = 0; i < self->n_handles; i++)
    sum += self->in_flight[i];
  return sum;
}

static gboolean
notify (struct nbd_handle *handle, short events)
{
  unsigned wanted = nbd_aio_get_direction (handle);

  if ((wanted & LIBNBD_AIO_DIRECTION_READ) && (events & (POLLIN | POLLHUP | POLLERR)))
    return nbd_aio_notify_read (handle) == 0;
  if ((wanted & LIBNBD_AIO_DIRECTION_WRITE) && (events & (POLLOUT | POLLHUP | POLLERR)))
    return nbd_aio_notify_write (handle) == 0;
  return TRUE;
}

gboolean
vb_nbd_source_poll (VbNbdSource *self, int extra_fd, int timeout_ms, GError **error)
{
  struct pollfd fds[MAX_CONNECTIONS + 1];

  for (guint i = 0; i < self->n_handles; i++)
    {
      unsigned wanted = nbd_aio_get_direction (self->handles[i]);
      fds[i] = (struct pollfd){ .fd = nbd_aio_get_fd (self->handles[i]) };
      if (wanted & LIBNBD_AIO_DIRECTION_READ)
        fds[i].events |= POLLIN;
      if (wanted & LIBNBD_AIO_DIRECTION_WRITE)
        fds[i].events |= POLLOUT;
    }
  fds[self->n_handles] = (struct pollfd){ .fd = extra_fd, .events = POLLIN };

  if (poll (fds, self->n_handles + 1, timeout_ms) < 0 && errno != EINTR)
    {
      vb_error_set_errno (error, errno, "Waiting for an NBD server");
      return FALSE;
    }
  for (guint i = 0; i < self->n_handles; i++)
    {
      if (fds[i].revents && !notify (self->handles[i], fds[i].revents))
        return fail (error, "Talking to the NBD server");
      if (nbd_aio_is_dead (self->handles[i]) || nbd_aio_is_closed (self->handles[i]))
        return fail (error, "The NBD server has gone away");
    }
  return TRUE;
}
