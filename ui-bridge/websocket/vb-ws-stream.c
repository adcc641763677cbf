/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-ws-stream.h"

#include "vb-frame-guard.h"

/* Pings whose answers may wait for a client that does not read. */
#define PINGS_MAX 16

struct _VbWsStream
{
  GIOStream parent_instance;

  GIOStream *base;
  GInputStream *input;
  GOutputStream *output;
  VbFrameGuard guard;
  gboolean refused;
  gboolean closing; /* the socket below may be closed before the close is done */
  char *rest;       /* a frame of which a part has gone out, or NULL */
  gsize rest_at;
  gint64 blocked_since_us;
  VbWsStreamFunc func;
  gpointer user_data;
};

/* The two halves know their whole, which outlives them (they are given out (transfer none) by
 * it). */
#define VB_TYPE_WS_INPUT (vb_ws_input_get_type ())
G_DECLARE_FINAL_TYPE (VbWsInput, vb_ws_input, VB, WS_INPUT, GFilterInputStream)
struct _VbWsInput
{
  GFilterInputStream parent_instance;

  VbWsStream *whole; /* unowned, NULL once the whole is gone */
};

#define VB_TYPE_WS_OUTPUT (vb_ws_output_get_type ())
G_DECLARE_FINAL_TYPE (VbWsOutput, vb_ws_output, VB, WS_OUTPUT, GFilterOutputStream)
struct _VbWsOutput
{
  GFilterOutputStream parent_instance;

  VbWsStream *whole; /* unowned, NULL once the whole is gone */
};

static void vb_ws_input_pollable_init (GPollableInputStreamInterface *iface);
static void vb_ws_output_pollable_init (GPollableOutputStreamInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbWsInput,
                               vb_ws_input,
                               G_TYPE_FILTER_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      vb_ws_input_pollable_init))
G_DEFINE_FINAL_TYPE_WITH_CODE (VbWsOutput,
                               vb_ws_output,
                               G_TYPE_FILTER_OUTPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM,
                                                      vb_ws_output_pollable_init))
G_DEFINE_FINAL_TYPE (VbWsStream, vb_ws_stream, G_TYPE_IO_STREAM)

/* Input */

static GPollableInputStream *
base_input (gpointer self)
{
  return G_POLLABLE_INPUT_STREAM (
      g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (self)));
}

static gboolean
input_is_readable (GPollableInputStream *pollable)
{
  return g_pollable_input_stream_is_readable (base_input (pollable));
}

/* The source of what is below, not one around it: the main loop looks at every source each time it
 * goes round, and there is one for each client. Callbacks are told the stream below; libsoup's do
 * not look. */
static GSource *
input_create_source (GPollableInputStream *pollable, GCancellable *cancellable)
{
  return g_pollable_input_stream_create_source (base_input (pollable), cancellable);
}

static void
refuse (VbWsStream *self, guint16 close_code)
{
  self->refused = TRUE;
  if (self->func != NULL)
    self->func (self, close_code, self->user_data);
}

static gssize
input_read_nonblocking (GPollableInputStream *pollable, void *buffer, gsize count, GError **error)
{
  VbWsStream *whole = VB_WS_INPUT (pollable)->whole;
  g_autoptr (VbWsStream) keep = whole != NULL ? g_object_ref (whole) : NULL;
  gssize n;

  do
    {
      guint16 code;

      n = g_pollable_input_stream_read_nonblocking (base_input (pollable), buffer, count, NULL,
                                                    error);
      if (n <= 0 || whole == NULL)
        return n;

      code = whole->refused
                 ? 0
                 : vb_frame_guard_feed (&whole->guard, g_get_monotonic_time (), buffer, (gsize) n);
      if (code != 0)
        refuse (whole, code);
  } while (whole->refused);

  return n;
}

static gssize
input_read (GInputStream *stream,
            void *buffer,
            gsize count,
            GCancellable *cancellable,
            GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                       "Only non-blocking reads are guarded");
  return -1;
}

static void
vb_ws_input_pollable_init (GPollableInputStreamInterface *iface)
{
  iface->is_readable = input_is_readable;
  iface->create_source = input_create_source;
  iface->read_nonblocking = input_read_nonblocking;
}

static void
vb_ws_input_class_init (VbWsInputClass *klass)
{
  G_INPUT_STREAM_CLASS (klass)->read_fn = input_read;
}

static void
vb_ws_input_init (VbWsInput *self)
{
}

/* Output */

static GPollableOutputStream *
base_output (gpointer self)
{
  return G_POLLABLE_OUTPUT_STREAM (
      g_filter_output_stream_get_base_stream (G_FILTER_OUTPUT_STREAM (self)));
}

static gboolean
output_is_writable (GPollableOutputStream *pollable)
{
  return g_pollable_output_stream_is_writable (base_output (pollable));
}

static GSource *
output_create_source (GPollableOutputStream *pollable, GCancellable *cancellable)
{
  return g_pollable_output_stream_create_source (base_output (pollable), cancellable);
}

/* Who writes comes back with the rest of what was not taken: a write that took less than it was
 * given means that something waits. */
static gssize
write_some (VbWsStream *self, const void *buffer, gsize count, GError **error)
{
  gssize n = g_pollable_output_stream_write_nonblocking (base_output (self->output), buffer, count,
                                                         NULL, error);

  if (n == (gssize) count)
    {
      self->blocked_since_us = 0;
      vb_frame_guard_reset_pings (&self->guard);
    }
  else if (n > 0 || self->blocked_since_us == 0)
    {
      self->blocked_since_us = g_get_monotonic_time ();
    }

  return n;
}

/* Returns: %FALSE while a part of a frame waits */
static gboolean
write_rest (VbWsStream *self, GError **error)
{
  gssize n;

  if (self->rest == NULL)
    return TRUE;

  n = write_some (self, self->rest + self->rest_at,
                  g_ref_string_length (self->rest) - self->rest_at, error);
  if (n < 0)
    return FALSE;

  self->rest_at += (gsize) n;
  if (self->rest_at == g_ref_string_length (self->rest))
    g_clear_pointer (&self->rest, g_ref_string_release);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK,
                         "The client has not read the frame before");
  return self->rest == NULL;
}

/* libsoup's own frames: answers to pings, and the close. They wait until the one before them is
 * whole. */
static gssize
output_write_nonblocking (GPollableOutputStream *pollable,
                          const void *buffer,
                          gsize count,
                          GError **error)
{
  VbWsStream *whole = VB_WS_OUTPUT (pollable)->whole;

  if (whole == NULL)
    return g_pollable_output_stream_write_nonblocking (base_output (pollable), buffer, count, NULL,
                                                       error);
  if (!write_rest (whole, error))
    return -1;

  return write_some (whole, buffer, count, error);
}

static void
vb_ws_output_pollable_init (GPollableOutputStreamInterface *iface)
{
  iface->is_writable = output_is_writable;
  iface->create_source = output_create_source;
  iface->write_nonblocking = output_write_nonblocking;
}

static void
vb_ws_output_class_init (VbWsOutputClass *klass)
{
}

static void
vb_ws_output_init (VbWsOutput *self)
{
}

/* The whole */

static GInputStream *
vb_ws_stream_get_input (GIOStream *stream)
{
  return VB_WS_STREAM (stream)->input;
}

static GOutputStream *
vb_ws_stream_get_output (GIOStream *stream)
{
  return VB_WS_STREAM (stream)->output;
}

static gboolean
vb_ws_stream_close (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  VB_WS_STREAM (stream)->closing = TRUE;
  return g_io_stream_close (VB_WS_STREAM (stream)->base, cancellable, error);
}

static void
on_base_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (g_io_stream_close_finish (G_IO_STREAM (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
vb_ws_stream_close_async (GIOStream *stream,
                          int priority,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = g_task_new (stream, cancellable, callback, user_data);

  VB_WS_STREAM (stream)->closing = TRUE;
  g_task_set_source_tag (task, vb_ws_stream_close_async);
  g_io_stream_close_async (VB_WS_STREAM (stream)->base, priority, cancellable, on_base_closed,
                           task);
}

static gboolean
vb_ws_stream_close_finish (GIOStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
vb_ws_stream_finalize (GObject *object)
{
  VbWsStream *self = VB_WS_STREAM (object);

  VB_WS_INPUT (self->input)->whole = NULL;
  VB_WS_OUTPUT (self->output)->whole = NULL;
  g_clear_pointer (&self->rest, g_ref_string_release);
  g_clear_object (&self->input);
  g_clear_object (&self->output);
  g_clear_object (&self->base);
  G_OBJECT_CLASS (vb_ws_stream_parent_class)->finalize (object);
}

static void
vb_ws_stream_class_init (VbWsStreamClass *klass)
{
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = vb_ws_stream_finalize;
  stream_class->get_input_stream = vb_ws_stream_get_input;
  stream_class->get_output_stream = vb_ws_stream_get_output;
  stream_class->close_fn = vb_ws_stream_close;
  stream_class->close_async = vb_ws_stream_close_async;
  stream_class->close_finish = vb_ws_stream_close_finish;
}

static void
vb_ws_stream_init (VbWsStream *self)
{
}

VbWsStream *
vb_ws_stream_new (GIOStream *base, guint64 message_max_bytes)
{
  VbWsStream *self = g_object_new (VB_TYPE_WS_STREAM, NULL);

  self->base = g_object_ref (base);
  vb_frame_guard_init (&self->guard, message_max_bytes, PINGS_MAX);
  self->input = g_object_new (VB_TYPE_WS_INPUT, "base-stream", g_io_stream_get_input_stream (base),
                              "close-base-stream", FALSE, NULL);
  self->output
      = g_object_new (VB_TYPE_WS_OUTPUT, "base-stream", g_io_stream_get_output_stream (base),
                      "close-base-stream", FALSE, NULL);
  VB_WS_INPUT (self->input)->whole = self;
  VB_WS_OUTPUT (self->output)->whole = self;
  return self;
}

void
vb_ws_stream_set_func (VbWsStream *self, VbWsStreamFunc func, gpointer user_data)
{
  self->func = func;
  self->user_data = user_data;
}

gboolean
vb_ws_stream_is_closing (VbWsStream *self)
{
  return self->closing;
}

gboolean
vb_ws_stream_can_send (VbWsStream *self)
{
  return self->blocked_since_us == 0 && !self->closing;
}

gboolean
vb_ws_stream_has_rest (VbWsStream *self)
{
  return self->rest != NULL;
}

void
vb_ws_stream_send (VbWsStream *self, char *frame)
{
  g_return_if_fail (self->rest == NULL);

  self->rest = g_ref_string_acquire (frame);
  self->rest_at = 0;
  vb_ws_stream_flush (self);
}

void
vb_ws_stream_flush (VbWsStream *self)
{
  /* A connection that is broken ends with the next read. */
  write_rest (self, NULL);
}

gint64
vb_ws_stream_get_blocked_since_us (VbWsStream *self)
{
  return self->blocked_since_us;
}

GSource *
vb_ws_stream_create_write_source (VbWsStream *self)
{
  return g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM (self->output), NULL);
}
