/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-fair-stream.h"

struct _VbFairStream
{
  GIOStream parent_instance;

  GIOStream *base;
  GInputStream *input;
};

#define VB_TYPE_FAIR_INPUT (vb_fair_input_get_type ())
G_DECLARE_FINAL_TYPE (VbFairInput, vb_fair_input, VB, FAIR_INPUT, GFilterInputStream)
struct _VbFairInput
{
  GFilterInputStream parent_instance;

  VbPeer *peer;
  gsize taken;     /* bytes of this turn */
  gboolean is_tls; /* then poll() does not see what has been decrypted */
  GSource *resume; /* child of the newest source, ready when a turn has been ended; TLS only */
};

static void vb_fair_input_pollable_init (GPollableInputStreamInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbFairInput,
                               vb_fair_input,
                               G_TYPE_FILTER_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      vb_fair_input_pollable_init))
G_DEFINE_FINAL_TYPE (VbFairStream, vb_fair_stream, G_TYPE_IO_STREAM)

/* Input */

static GPollableInputStream *
get_base_input (gpointer self)
{
  return G_POLLABLE_INPUT_STREAM (
      g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (self)));
}

static gboolean
fair_input_is_readable (GPollableInputStream *pollable)
{
  return g_pollable_input_stream_is_readable (get_base_input (pollable));
}

static gboolean
on_resume_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return G_SOURCE_CONTINUE;
}

static GSource *
fair_input_create_source (GPollableInputStream *pollable, GCancellable *cancellable)
{
  static GSourceFuncs resume_funcs = { .dispatch = on_resume_dispatch };
  VbFairInput *self = VB_FAIR_INPUT (pollable);
  GSource *source = g_pollable_input_stream_create_source (get_base_input (self), cancellable);

  /* A socket that has more to read is ready by itself. */
  if (!self->is_tls)
    return source;

  g_clear_pointer (&self->resume, g_source_unref);
  self->resume = g_source_new (&resume_funcs, sizeof (GSource));
  g_source_set_ready_time (self->resume, self->taken >= VB_FAIR_STREAM_TURN_BYTES ? 0 : -1);
  g_source_add_child_source (source, self->resume);
  return source;
}

static gssize
fair_input_read_nonblocking (GPollableInputStream *pollable,
                             void *buffer,
                             gsize count,
                             GError **error)
{
  VbFairInput *self = VB_FAIR_INPUT (pollable);
  gssize n;

  /* The kernel goes on taking what a client sends after a shutdown(). */
  if (vb_peer_is_cut (self->peer))
    return 0;

  if (self->taken >= VB_FAIR_STREAM_TURN_BYTES)
    {
      self->taken = 0;
      if (self->resume != NULL)
        g_source_set_ready_time (self->resume, 0);
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "Others have their turn");
      return -1;
    }

  n = g_pollable_input_stream_read_nonblocking (
      get_base_input (self), buffer, MIN (count, VB_FAIR_STREAM_TURN_BYTES), NULL, error);
  self->taken = n > 0 ? self->taken + (gsize) n : 0;
  return n;
}

static void
vb_fair_input_pollable_init (GPollableInputStreamInterface *iface)
{
  iface->is_readable = fair_input_is_readable;
  iface->create_source = fair_input_create_source;
  iface->read_nonblocking = fair_input_read_nonblocking;
}

static void
vb_fair_input_finalize (GObject *object)
{
  VbFairInput *self = VB_FAIR_INPUT (object);

  g_clear_pointer (&self->resume, g_source_unref);
  g_clear_object (&self->peer);
  G_OBJECT_CLASS (vb_fair_input_parent_class)->finalize (object);
}

static void
vb_fair_input_class_init (VbFairInputClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_fair_input_finalize;
}

static void
vb_fair_input_init (VbFairInput *self)
{
}

/* The stream */

static GInputStream *
vb_fair_stream_get_input (GIOStream *stream)
{
  return VB_FAIR_STREAM (stream)->input;
}

static GOutputStream *
vb_fair_stream_get_output (GIOStream *stream)
{
  return g_io_stream_get_output_stream (VB_FAIR_STREAM (stream)->base);
}

static gboolean
vb_fair_stream_close (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  return g_io_stream_close (VB_FAIR_STREAM (stream)->base, cancellable, error);
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
vb_fair_stream_close_async (GIOStream *stream,
                            int priority,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, vb_fair_stream_close_async);
  g_io_stream_close_async (VB_FAIR_STREAM (stream)->base, priority, cancellable, on_base_closed,
                           task);
}

static gboolean
vb_fair_stream_close_finish (GIOStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
vb_fair_stream_finalize (GObject *object)
{
  VbFairStream *self = VB_FAIR_STREAM (object);

  g_clear_object (&self->input);
  g_clear_object (&self->base);
  G_OBJECT_CLASS (vb_fair_stream_parent_class)->finalize (object);
}

static void
vb_fair_stream_class_init (VbFairStreamClass *klass)
{
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = vb_fair_stream_finalize;
  stream_class->get_input_stream = vb_fair_stream_get_input;
  stream_class->get_output_stream = vb_fair_stream_get_output;
  stream_class->close_fn = vb_fair_stream_close;
  stream_class->close_async = vb_fair_stream_close_async;
  stream_class->close_finish = vb_fair_stream_close_finish;
}

static void
vb_fair_stream_init (VbFairStream *self)
{
}

VbFairStream *
vb_fair_stream_new (GIOStream *base, VbPeer *peer)
{
  VbFairStream *self = g_object_new (VB_TYPE_FAIR_STREAM, NULL);

  self->base = g_object_ref (base);
  self->input
      = g_object_new (VB_TYPE_FAIR_INPUT, "base-stream", g_io_stream_get_input_stream (base),
                      "close-base-stream", FALSE, NULL);
  VB_FAIR_INPUT (self->input)->peer = g_object_ref (peer);
  VB_FAIR_INPUT (self->input)->is_tls = G_IS_TLS_CONNECTION (base);
  return self;
}
