/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-script.h"

#include "doubles.h"

#define KEY "vb-fake-script"
#define PATIENCE_US (30 * G_USEC_PER_SEC)

typedef struct
{
  GMutex mutex;
  GCond cond;
  GHashTable *calls;    /* method → how often entered */
  GHashTable *failures; /* method → VbError + 1 of the next call */
  GHashTable *held;     /* set of methods */
} Script;

static void
script_free (gpointer data)
{
  Script *script = data;

  g_hash_table_unref (script->calls);
  g_hash_table_unref (script->failures);
  g_hash_table_unref (script->held);
  g_mutex_clear (&script->mutex);
  g_cond_clear (&script->cond);
  g_free (script);
}

void
vb_fake_script_init (gpointer fake)
{
  Script *script = g_new0 (Script, 1);

  g_mutex_init (&script->mutex);
  g_cond_init (&script->cond);
  script->calls = g_hash_table_new (g_str_hash, g_str_equal);
  script->failures = g_hash_table_new (g_str_hash, g_str_equal);
  script->held = g_hash_table_new (g_str_hash, g_str_equal);
  g_object_set_data_full (fake, KEY, script, script_free);
}

static Script *
script_of (gpointer fake)
{
  return g_object_get_data (fake, KEY);
}

gboolean
vb_fake_script_enter (gpointer fake, const char *method, GCancellable *cancellable, GError **error)
{
  Script *script = script_of (fake);
  const char *name = g_intern_string (method);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&script->mutex);
  guint failure;

  g_hash_table_insert (
      script->calls, (gpointer) name,
      GUINT_TO_POINTER (GPOINTER_TO_UINT (g_hash_table_lookup (script->calls, name)) + 1));

  while (g_hash_table_contains (script->held, name))
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      g_cond_wait_until (&script->cond, &script->mutex, g_get_monotonic_time () + 5000);
    }

  failure = GPOINTER_TO_UINT (g_hash_table_lookup (script->failures, name));
  if (failure == 0)
    return TRUE;

  g_hash_table_remove (script->failures, name);
  g_set_error (error, VB_ERROR, (int) failure - 1, "%s was told to fail: /secret/path of %s",
               method, G_OBJECT_TYPE_NAME (fake));
  return FALSE;
}

void
vb_fake_fail (gpointer fake, const char *method, VbError code)
{
  Script *script = script_of (fake);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&script->mutex);

  g_hash_table_insert (script->failures, (gpointer) g_intern_string (method),
                       GUINT_TO_POINTER (code + 1));
}

void
vb_fake_hold (gpointer fake, const char *method)
{
  Script *script = script_of (fake);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&script->mutex);

  g_hash_table_add (script->held, (gpointer) g_intern_string (method));
}

void
vb_fake_release (gpointer fake, const char *method)
{
  Script *script = script_of (fake);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&script->mutex);

  g_hash_table_remove (script->held, method);
  g_cond_broadcast (&script->cond);
}

guint
vb_fake_get_calls (gpointer fake, const char *method)
{
  Script *script = script_of (fake);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&script->mutex);

  return GPOINTER_TO_UINT (g_hash_table_lookup (script->calls, method));
}

/* Waiting */

typedef struct
{
  gpointer fake;
  const char *method;
  guint n;
} Calls;

static gboolean
has_calls (gpointer data)
{
  const Calls *calls = data;

  return vb_fake_get_calls (calls->fake, calls->method) >= calls->n;
}

void
vb_fake_wait_calls (gpointer fake, const char *method, guint n)
{
  Calls calls = { fake, method, n };

  vb_fake_wait_until (has_calls, &calls, method);
}

static gboolean
wake (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
vb_fake_wait_until (gboolean (*condition) (gpointer data), gpointer data, const char *what)
{
  gint64 end_us = g_get_monotonic_time () + PATIENCE_US;
  guint timer = g_timeout_add (5, wake, NULL);

  while (!condition (data))
    {
      if (g_get_monotonic_time () > end_us)
        g_error ("Waited 30 s in vain for %s", what);
      g_main_context_iteration (NULL, TRUE);
    }

  g_source_remove (timer);
}
