/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-session-registry.h"

#include "auth/vb-ahead-tokens.h"
#include "protocol/vb-close-codes.h"
#include "vb-events.h"
#include "vb-token-key-monitor.h"
#include "vb-subscriptions.h"

#define CHECK_EACH_US G_USEC_PER_SEC
#define KEYS_EACH_US (5 * G_USEC_PER_SEC)

struct _VbSessionRegistry
{
  GObject parent_instance;

  VbManager *manager;
  VbTokenKeys *token_keys;
  VbDownloads *downloads; /* NULL: they are turned off */
  GHashTable *sessions;   /* set, owns them */
  VbSubscriptions *subscriptions;
  VbAheadTokens *ahead;
  guint check; /* the one timer of all sessions, while there are any */
  gint64 check_at_us;
  gint64 keys_checked_us; /* monotonic */
};

enum
{
  MESSAGE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* One event in the forms that go out; made when somebody is there to read it. */
typedef char *(*EventFunc) (gpointer data, gboolean for_admin);

G_DEFINE_FINAL_TYPE (VbSessionRegistry, vb_session_registry, G_TYPE_OBJECT)

static gboolean
may_hear (VbSession *session, const char *vps)
{
  VbIdentity *identity = vb_session_get_identity (session);

  return vb_identity_may (identity, VB_PERMISSION_BACKUP_READ) && vb_identity_sees (identity, vps);
}

/* The one way for an event to a client; permission and scope are asked here and nowhere else. */
static void
deliver (VbSessionRegistry *self,
         VbSendKind kind,
         const char *vps,
         gboolean admins_only,
         EventFunc make,
         gpointer data)
{
  g_autoptr (GPtrArray) listeners = vb_subscriptions_collect (self->subscriptions, vps);
  char *texts[2] = { NULL, NULL };

  for (guint i = 0; listeners != NULL && i < listeners->len; i++)
    {
      VbSession *session = g_ptr_array_index (listeners, i);
      gboolean for_admin;

      /* Sending may close a session, which drops it from the set: ask before touching it. */
      if (!g_hash_table_contains (self->sessions, session) || !may_hear (session, vps))
        continue;

      for_admin = vb_identity_is_admin (vb_session_get_identity (session)) ? 1 : 0;
      if (admins_only && !for_admin)
        continue;
      if (texts[for_admin] == NULL)
        texts[for_admin] = make (data, for_admin);
      vb_session_send (session, kind, vps, texts[for_admin]);
    }

  g_clear_pointer (&texts[0], g_ref_string_release);
  g_clear_pointer (&texts[1], g_ref_string_release);
}

typedef struct
{
  VbVps *vps;
  const char *uuid;
  VbOperation *operation;
  VbNotification *notification;
  guint64 seq;
} Event;

static char *
make_changed (gpointer data, gboolean for_admin)
{
  return vb_event_vps_changed (((Event *) data)->vps, for_admin);
}

static char *
make_removed (gpointer data, gboolean for_admin)
{
  Event *event = data;

  return vb_event_vps_removed (event->uuid, event->seq);
}

static char *
make_progress (gpointer data, gboolean for_admin)
{
  Event *event = data;

  return vb_event_operation_progress (event->vps, event->operation, event->seq, for_admin);
}

static char *
make_notification (gpointer data, gboolean for_admin)
{
  return vb_event_notification_added (((Event *) data)->notification);
}

static void
on_vps_changed (VbManager *manager, VbVps *vps, guint64 seq, gpointer user_data)
{
  Event event = { .vps = vps, .seq = seq };

  deliver (user_data, VB_SEND_STATE, vb_vps_get_uuid (vps), FALSE, make_changed, &event);
}

static void
on_vps_removed (VbManager *manager, const char *vps, guint64 seq, gpointer user_data)
{
  Event event = { .uuid = vps, .seq = seq };

  deliver (user_data, VB_SEND_ALWAYS, vps, FALSE, make_removed, &event);
}

static void
on_progress (VbManager *manager,
             VbVps *vps,
             VbOperation *operation,
             guint64 seq,
             gpointer user_data)
{
  Event event = { .vps = vps, .operation = operation, .seq = seq };

  deliver (user_data, VB_SEND_PROGRESS, vb_vps_get_uuid (vps), FALSE, make_progress, &event);
}

static void
on_notification (VbManager *manager, VbNotification *notification, gpointer user_data)
{
  Event event = { .notification = notification };

  deliver (user_data, VB_SEND_ALWAYS, notification->vps,
           vb_notification_type_is_for_admins (notification->type), make_notification, &event);
}

static void check_sessions (VbSessionRegistry *self);

static gboolean
on_check (gpointer user_data)
{
  VbSessionRegistry *self = user_data;

  self->check = 0;
  check_sessions (self);
  return G_SOURCE_REMOVE;
}

/* The timer runs on the monotonic clock and tokens on the other one, so it never runs for long. */
static void
check_by (VbSessionRegistry *self, gint64 at_us)
{
  gint64 now_us = g_get_real_time ();

  at_us = CLAMP (at_us, now_us, now_us + CHECK_EACH_US);
  if (self->check != 0 && self->check_at_us <= at_us && self->check_at_us > now_us - CHECK_EACH_US)
    return;

  g_clear_handle_id (&self->check, g_source_remove);
  self->check_at_us = at_us;
  self->check = g_timeout_add ((guint) ((at_us - now_us) / 1000 + 1), on_check, self);
}

static void
check_keys (VbSessionRegistry *self, gpointer *sessions, guint n)
{
  gint64 now_us = g_get_monotonic_time ();

  if (self->token_keys == NULL || now_us < self->keys_checked_us + KEYS_EACH_US)
    return;

  self->keys_checked_us = now_us;
  vb_token_key_monitor_check (self->token_keys, sessions, n);
}

static void
check_sessions (VbSessionRegistry *self)
{
  guint n;
  g_autofree gpointer *sessions = g_hash_table_get_keys_as_array (self->sessions, &n);
  gint64 next_us = G_MAXINT64;

  check_keys (self, sessions, n);
  for (guint i = 0; i < n; i++)
    next_us = MIN (
        next_us, vb_session_check_clock (sessions[i], g_get_monotonic_time (), g_get_real_time ()));
  if (n > 0)
    check_by (self, next_us);
}

static void
vb_session_registry_dispose (GObject *object)
{
  VbSessionRegistry *self = VB_SESSION_REGISTRY (object);

  g_clear_handle_id (&self->check, g_source_remove);
  if (self->manager != NULL)
    g_signal_handlers_disconnect_by_data (self->manager, self);
  if (self->downloads != NULL)
    vb_downloads_set_revocations (self->downloads, NULL, NULL);
  g_clear_object (&self->downloads);
  g_clear_object (&self->manager);
  G_OBJECT_CLASS (vb_session_registry_parent_class)->dispose (object);
}

static void
vb_session_registry_finalize (GObject *object)
{
  VbSessionRegistry *self = VB_SESSION_REGISTRY (object);
  GHashTableIter iter;
  gpointer session;

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, &session, NULL))
    g_signal_handlers_disconnect_by_data (session, self);
  g_hash_table_unref (self->sessions);
  vb_subscriptions_free (self->subscriptions);
  vb_ahead_tokens_free (self->ahead);
  g_clear_pointer (&self->token_keys, vb_token_keys_unref);
  G_OBJECT_CLASS (vb_session_registry_parent_class)->finalize (object);
}

static void
vb_session_registry_class_init (VbSessionRegistryClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vb_session_registry_dispose;
  G_OBJECT_CLASS (klass)->finalize = vb_session_registry_finalize;
  signals[MESSAGE] = g_signal_new ("message", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 2, VB_TYPE_SESSION, G_TYPE_BYTES);
}

static void
vb_session_registry_init (VbSessionRegistry *self)
{
  self->sessions = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->subscriptions = vb_subscriptions_new ();
  self->ahead = vb_ahead_tokens_new ();
}

VbSessionRegistry *
vb_session_registry_new (VbManager *manager, VbTokenKeys *token_keys)
{
  VbSessionRegistry *self = g_object_new (VB_TYPE_SESSION_REGISTRY, NULL);

  self->manager = g_object_ref (manager);
  self->token_keys = token_keys != NULL ? vb_token_keys_ref (token_keys) : NULL;
  g_signal_connect (manager, "vps-changed", G_CALLBACK (on_vps_changed), self);
  g_signal_connect (manager, "vps-removed", G_CALLBACK (on_vps_removed), self);
  g_signal_connect (manager, "operation-progress", G_CALLBACK (on_progress), self);
  g_signal_connect (manager, "notification-added", G_CALLBACK (on_notification), self);
  return self;
}

static gboolean
is_download_revoked (gpointer user_data, VbIdentity *identity)
{
  return vb_session_registry_is_revoked (user_data, identity);
}

void
vb_session_registry_set_downloads (VbSessionRegistry *self, VbDownloads *downloads)
{
  g_set_object (&self->downloads, downloads);
  if (downloads != NULL)
    vb_downloads_set_revocations (downloads, is_download_revoked, self);
}

VbDownloads *
vb_session_registry_get_downloads (VbSessionRegistry *self)
{
  return self->downloads;
}

static void
on_session_message (VbSession *session, GBytes *message, gpointer user_data)
{
  g_signal_emit (user_data, signals[MESSAGE], 0, session, message);
}

static gboolean
keep_if_heard (const char *vps, gpointer user_data)
{
  return may_hear (user_data, vps);
}

static void
on_identity_changed (VbSession *session, gpointer user_data)
{
  VbSessionRegistry *self = user_data;

  vb_subscriptions_retain (self->subscriptions, session, keep_if_heard, session);
  check_by (self, vb_session_check_clock (session, g_get_monotonic_time (), g_get_real_time ()));
}

static void
on_session_closed (VbSession *session, gpointer user_data)
{
  VbSessionRegistry *self = user_data;

  g_signal_handlers_disconnect_by_data (session, self);
  vb_subscriptions_remove (self->subscriptions, session, NULL);
  g_hash_table_remove (self->sessions, session);
}

gboolean
vb_session_registry_is_revoked (VbSessionRegistry *self, VbIdentity *identity)
{
  const char *subject = vb_identity_get_subject (identity);
  gint64 issued_at_s = vb_identity_get_issued_at_s (identity);
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;

  if (vb_identity_get_expires_at_s (identity) == 0)
    return FALSE;
  if (vb_manager_is_revoked (self->manager, subject, vb_identity_get_token_id (identity),
                             issued_at_s)
      || vb_ahead_tokens_is_suspect (self->ahead, subject, issued_at_s, now_s))
    return TRUE;

  vb_ahead_tokens_add (self->ahead, subject, issued_at_s, now_s);
  return FALSE;
}

gint64
vb_session_registry_revoke_ahead (VbSessionRegistry *self, const char *subject)
{
  return vb_ahead_tokens_revoke (self->ahead, subject, g_get_real_time () / G_USEC_PER_SEC);
}

void
vb_session_registry_close_if_revoked (VbSessionRegistry *self, VbSession *session)
{
  if (vb_session_registry_is_revoked (self, vb_session_get_identity (session)))
    vb_session_close (session, VB_CLOSE_TOKEN_ENDED, "token revoked");
}

guint
vb_session_registry_close_revoked (VbSessionRegistry *self, VbSession *except)
{
  guint n, n_closed = 0;
  g_autofree gpointer *sessions = g_hash_table_get_keys_as_array (self->sessions, &n);

  for (guint i = 0; i < n; i++)
    {
      if (!vb_session_registry_is_revoked (self, vb_session_get_identity (sessions[i])))
        continue;

      n_closed++;
      if (sessions[i] != except)
        vb_session_close (sessions[i], VB_CLOSE_TOKEN_ENDED, "token revoked");
    }

  return n_closed;
}

void
vb_session_registry_add (VbSessionRegistry *self, VbSession *session)
{
  /* Its token may have been taken back between the request and here. */
  vb_session_registry_close_if_revoked (self, session);
  if (!vb_session_is_open (session))
    return;

  g_hash_table_add (self->sessions, g_object_ref (session));
  g_signal_connect (session, "message", G_CALLBACK (on_session_message), self);
  g_signal_connect (session, "identity-changed", G_CALLBACK (on_identity_changed), self);
  g_signal_connect (session, "closed", G_CALLBACK (on_session_closed), self);
  check_by (self, vb_session_check_clock (session, g_get_monotonic_time (), g_get_real_time ()));
}

guint
vb_session_registry_get_n_sessions (VbSessionRegistry *self)
{
  return g_hash_table_size (self->sessions);
}

void
vb_session_registry_close_all (VbSessionRegistry *self, guint16 code, const char *reason)
{
  guint n;
  g_autofree gpointer *sessions = g_hash_table_get_keys_as_array (self->sessions, &n);

  for (guint i = 0; i < n; i++)
    vb_session_close (sessions[i], code, reason);
}

void
vb_session_registry_subscribe (VbSessionRegistry *self, VbSession *session, const char *vps)
{
  if (g_hash_table_contains (self->sessions, session))
    vb_subscriptions_add (self->subscriptions, session, vps);
}

void
vb_session_registry_unsubscribe (VbSessionRegistry *self, VbSession *session, const char *vps)
{
  vb_subscriptions_remove (self->subscriptions, session, vps);
}
