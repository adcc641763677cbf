/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-nbd-source.h"

#include <errno.h>
#include <libnbd.h>
#include <poll.h>

#include "core/base/vb-error.h"
#include "vb-nbd-map.h"
#include "storage/base/vb-run-abandonable.h"

#define MAX_CONNECTIONS 4
#define POLL_MS 50

/* QEMU lets a connection beyond its limit wait for ever. */
#define CONNECT_LIMIT_S 30

/* Block status requests have 32 bits of length. */
#define SCAN_BYTES ((G_GUINT64_CONSTANT (1) << 32) - (1 << 21))

/* Parts of the map that are nearer than this are asked for at once. */
#define SCAN_GAP_BYTES (32 * 1024 * 1024)

struct _VbNbdSource
{
  struct nbd_handle *handles[MAX_CONNECTIONS + 1];
  guint in_flight[MAX_CONNECTIONS + 1];
  guint n_handles;
  guint n_readers; /* of them, from the first; the last one may be for the dirty bitmap only */
  guint n_wanted;  /* readers, when the whole disk is copied */

  char *socket;
  char *export_name;
  char *changed_context;
  guint64 size;
  gboolean has_data_map;
  gboolean has_changed;
};

/* Belongs to libnbd from the call on, which frees it when the request has ended or the connection
 * is closed. Closing a connection calls the callbacks of what is under way, too (libnbd 1.18 and
 * later): all that they use is held by it. */
typedef struct
{
  VbNbdSource *source; /* closes its connections before it goes */
  guint handle;
  VbNbdDone done;
  gpointer user_data;
  GDestroyNotify free_data;
} Request;

/* Shared by the question and libnbd's callbacks, each of which has a reference. */
typedef struct
{
  char *context;
  VbNbdMap map;
  VbRanges *ranges; /* what the map adds to */
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

/* Returns: (transfer none) (nullable): a new connection, owned by @self */
static struct nbd_handle *
connect_one (VbNbdSource *self, const char *context, GCancellable *stop, GError **error)
{
  struct nbd_handle *handle = nbd_create ();
  if (handle == NULL)
    {
      fail (error, "Failed to prepare an NBD connection");
      return NULL;
    }

  self->handles[self->n_handles++] = handle;
  /* The buffers are zeroed or fully written before anything reads them; libnbd need not clear them
   * as well. */
  if (nbd_set_pread_initialize (handle, false) != 0
      || nbd_set_export_name (handle, self->export_name ? self->export_name : "") != 0
      || (context && nbd_add_meta_context (handle, context) != 0)
      || nbd_aio_connect_unix (handle, self->socket) != 0)
    {
      fail (error, "Failed to connect to the NBD server");
      return NULL;
    }
  gint64 end_us = g_get_monotonic_time () + CONNECT_LIMIT_S * G_USEC_PER_SEC;
  while (nbd_aio_is_connecting (handle))
    {
      if (!vb_run_abandonable_check (stop, error) || !vb_nbd_source_poll (self, -1, POLL_MS, error))
        return NULL;
      if (g_get_monotonic_time () < end_us)
        continue;
      g_set_error (error, VB_ERROR, VB_ERROR_INTERRUPTED,
                   "Failed to connect to the NBD server: no answer within %d s", CONNECT_LIMIT_S);
      return NULL;
    }
  if (nbd_aio_is_ready (handle) == 1)
    return handle;
  fail (error, "Failed to connect to the NBD server");
  return NULL;
}

VbNbdSource *
vb_nbd_source_open (const char *socket,
                    const char *export_name,
                    const char *changed_context,
                    GCancellable *stop,
                    GError **error)
{
  g_autoptr (VbNbdSource) self = g_new0 (VbNbdSource, 1);
  self->socket = g_strdup (socket);
  self->export_name = g_strdup (export_name);
  self->changed_context = g_strdup (changed_context);

  struct nbd_handle *first = connect_one (self, LIBNBD_CONTEXT_BASE_ALLOCATION, stop, error);
  if (first == NULL)
    return NULL;
  gint64 size = nbd_get_size (first);
  if (size < 0)
    {
      fail (error, "Failed to ask for the size of a disk");
      return NULL;
    }
  self->size = (guint64) size;
  self->has_data_map = nbd_can_meta_context (first, LIBNBD_CONTEXT_BASE_ALLOCATION) == 1;

  self->n_readers = 1;
  self->n_wanted = nbd_can_multi_conn (first) == 1 ? MAX_CONNECTIONS : 1;

  /* A connection of its own: on the others each question would be answered for both maps, and that
   * of the data is the one that grows with the disk. */
  if (changed_context)
    {
      struct nbd_handle *last = connect_one (self, changed_context, stop, error);
      if (last == NULL)
        return NULL;
      self->has_changed = nbd_can_meta_context (last, changed_context) == 1;
    }
  return g_steal_pointer (&self);
}

static void
close_last (VbNbdSource *self)
{
  g_assert (self->in_flight[self->n_handles - 1] == 0);
  nbd_close (self->handles[--self->n_handles]);
}

/* The connection for the dirty bitmap has served its purpose. */
static void
close_changed (VbNbdSource *self)
{
  if (self->n_handles > self->n_readers)
    close_last (self);
  self->has_changed = FALSE;
}

gboolean
vb_nbd_source_widen (VbNbdSource *self, GCancellable *stop, GError **error)
{
  close_changed (self);
  for (; self->n_readers < self->n_wanted; self->n_readers++)
    if (connect_one (self, NULL, stop, error) == NULL)
      return FALSE;
  return TRUE;
}

void
vb_nbd_source_narrow (VbNbdSource *self)
{
  close_changed (self);
  while (self->n_readers > 1)
    {
      self->n_readers--;
      close_last (self);
    }
}

void
vb_nbd_source_free (VbNbdSource *self)
{
  for (guint i = 0; i < self->n_handles; i++)
    nbd_close (self->handles[i]);
  g_free (self->socket);
  g_free (self->export_name);
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

/* --- the maps --- */

static void
scan_finalize (gpointer data)
{
  Scan *scan = data;

  g_free (scan->context);
  g_clear_pointer (&scan->ranges, vb_ranges_free);
}

static void
scan_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, scan_finalize);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scan, scan_unref)

static Scan *
scan_new (const char *context, guint32 mask, gboolean wanted)
{
  Scan *scan = g_atomic_rc_box_new0 (Scan);
  scan->context = g_strdup (context);
  scan->ranges = vb_ranges_new ();
  scan->map = (VbNbdMap){ .mask = mask, .wanted = wanted, .ranges = scan->ranges };
  return scan;
}

static int
on_extents (void *data,
            const char *context,
            uint64_t offset,
            uint32_t *entries,
            size_t n,
            int *error)
{
  Scan *scan = data;

  if (g_str_equal (context, scan->context))
    vb_nbd_map_add (&scan->map, offset, entries, n);
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

static gboolean
scan_from (VbNbdSource *self,
           Scan *scan,
           guint handle,
           guint64 offset,
           guint64 end,
           GCancellable *stop,
           GError **error)
{
  nbd_extent_callback extents
      = { .callback = on_extents, .user_data = g_atomic_rc_box_acquire (scan), .free = scan_unref };
  nbd_completion_callback scanned
      = { .callback = on_scanned, .user_data = g_atomic_rc_box_acquire (scan), .free = scan_unref };

  scan->done = FALSE;
  scan->map.end = offset;
  scan->map.limit = end;
  if (nbd_aio_block_status (self->handles[handle], MIN (SCAN_BYTES, end - offset), offset, extents,
                            scanned, 0)
      < 0)
    return fail (error, "Failed to ask for the map of a disk");
  while (!scan->done)
    if (!vb_run_abandonable_check (stop, error) || !vb_nbd_source_poll (self, -1, POLL_MS, error))
      return FALSE;
  if (scan->error_number != 0 || scan->map.end <= offset)
    {
      vb_error_set_errno (error, scan->error_number ? scan->error_number : EPROTO,
                          "Failed to read the map of a disk");
      return FALSE;
    }
  return TRUE;
}

static gboolean
scan_range (VbNbdSource *self,
            Scan *scan,
            guint handle,
            const VbRange *range,
            GCancellable *stop,
            GError **error)
{
  for (guint64 at = range->start; at < range->end; at = scan->map.end)
    if (!scan_from (self, scan, handle, at, range->end, stop, error))
      return FALSE;
  return TRUE;
}

VbRanges *
vb_nbd_source_scan_changed (VbNbdSource *self, GCancellable *stop, GError **error)
{
  VbRange all = { 0, self->size };
  g_autoptr (Scan) scan = scan_new (self->changed_context, 1, TRUE);

  if (!scan_range (self, scan, self->n_handles - 1, &all, stop, error))
    return NULL;
  close_changed (self);
  scan->map.ranges = NULL; /* every question was answered: nothing adds to it any more */
  return g_steal_pointer (&scan->ranges);
}

VbRanges *
vb_nbd_source_scan_data (VbNbdSource *self,
                         const VbRanges *within,
                         GCancellable *stop,
                         GError **error)
{
  const VbRange *range;
  g_autoptr (VbRanges) all = vb_ranges_new ();

  vb_ranges_add (all, 0, self->size);
  if (!self->has_data_map)
    return vb_ranges_intersect (all, within ? within : all);
  g_autoptr (VbRanges) questions = vb_ranges_close_gaps (within ? within : all, SCAN_GAP_BYTES);
  g_autoptr (Scan) scan = scan_new (LIBNBD_CONTEXT_BASE_ALLOCATION, LIBNBD_STATE_ZERO, FALSE);
  for (gsize i = 0; (range = vb_ranges_get (questions, i)) != NULL; i++)
    if (!scan_range (self, scan, 0, range, stop, error))
      return NULL;
  return vb_ranges_intersect (scan->ranges, within ? within : all);
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

static void
request_free (gpointer data)
{
  Request *request = data;

  if (request->free_data)
    request->free_data (request->user_data);
  g_free (request);
}

gboolean
vb_nbd_source_read (VbNbdSource *self,
                    void *buffer,
                    gsize length,
                    guint64 offset,
                    VbNbdDone done,
                    gpointer user_data,
                    GDestroyNotify free_data,
                    GError **error)
{
  guint best = 0;
  for (guint i = 1; i < self->n_readers; i++)
    if (self->in_flight[i] < self->in_flight[best])
      best = i;

  Request *request = g_new0 (Request, 1);
  *request = (Request){ self, best, done, user_data, free_data };
  self->in_flight[best]++;
  nbd_completion_callback callback
      = { .callback = on_read, .user_data = request, .free = request_free };
  if (nbd_aio_pread (self->handles[best], buffer, length, offset, callback, 0) < 0)
    {
      self->in_flight[best]--;
      return fail (error, "Failed to read a disk");
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
  struct pollfd fds[MAX_CONNECTIONS + 2];

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
      vb_error_set_errno (error, errno, "Failed to wait for an NBD server");
      return FALSE;
    }
  for (guint i = 0; i < self->n_handles; i++)
    {
      if (fds[i].revents && !notify (self->handles[i], fds[i].revents))
        return fail (error, "Failed to talk to the NBD server");
      if (nbd_aio_is_dead (self->handles[i]) || nbd_aio_is_closed (self->handles[i]))
        return fail (error, "The NBD server has gone away");
    }
  return TRUE;
}
