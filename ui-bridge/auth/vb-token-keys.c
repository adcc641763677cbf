/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-token-keys.h"

#include "core/base/vb-bounded-call.h"
#include "core/base/vb-error.h"
#include "core/base/vb-log.h"
#include "vb-token-key.h"
#include "vb-token.h"

/* Reading a small file takes less than a millisecond; a loaded machine is no hung one. */
#define LIMIT_MS 200

struct _VbTokenKeys
{
  char *folder;
  VbBoundedCall *call;
  GHashTable *known; /* id → GBytes: those that were read last */
  gboolean is_late;  /* that was logged */
};

typedef struct
{
  char *folder;
  char *kid;
  guint64 print;
} Question;

typedef struct
{
  GBytes *key;
  GError *error;
} Answer;

VbTokenKeys *
vb_token_keys_new (const char *folder)
{
  if (folder == NULL || *folder == '\0')
    return NULL;
  VbTokenKeys *self = g_rc_box_new0 (VbTokenKeys);
  self->folder = g_strdup (folder);
  self->call = vb_bounded_call_new (LIMIT_MS);
  self->known
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  return self;
}

VbTokenKeys *
vb_token_keys_ref (VbTokenKeys *self)
{
  return g_rc_box_acquire (self);
}

static void
token_keys_clear (gpointer data)
{
  VbTokenKeys *self = data;

  vb_bounded_call_free (self->call);
  g_hash_table_unref (self->known);
  g_free (self->folder);
}

void
vb_token_keys_unref (VbTokenKeys *self)
{
  g_rc_box_release_full (self, token_keys_clear);
}

const char *
vb_token_keys_get_folder (VbTokenKeys *self)
{
  return self->folder;
}

static void
question_free (gpointer data)
{
  Question *question = data;
  g_free (question->folder);
  g_free (question->kid);
  g_free (question);
}

static void
answer_free (gpointer data)
{
  Answer *answer = data;
  g_clear_pointer (&answer->key, g_bytes_unref);
  g_clear_error (&answer->error);
  g_free (answer);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Answer, answer_free)

/* Returns: whether there is an answer, which may be NULL */
static gboolean
ask (VbTokenKeys *self,
     VbBoundedCallFunc func,
     const char *kid,
     guint64 print,
     gpointer *answer,
     GDestroyNotify free_answer)
{
  Question *question = g_new0 (Question, 1);
  question->folder = g_strdup (self->folder);
  question->kid = g_strdup (kid);
  question->print = print;

  *answer = NULL;
  gboolean is_late
      = !vb_bounded_call_run (self->call, func, question, question_free, answer, free_answer);
  if (is_late && !self->is_late)
    vb_log_warning (NULL, NULL, NULL,
                    "The token keys in %s cannot be read now; those that were read before stand",
                    self->folder);
  if (!is_late && self->is_late)
    vb_log_info (NULL, NULL, NULL, "The token keys in %s can be read again", self->folder);
  self->is_late = is_late;
  return !is_late;
}

static gpointer
load_in_thread (gpointer data)
{
  const Question *question = data;
  Answer *answer = g_new0 (Answer, 1);
  answer->key = vb_token_key_load (question->folder, question->kid, &answer->error);
  return answer;
}

/* Only keys that are there are kept, so nobody can make them many. */
GBytes *
vb_token_keys_load (VbTokenKeys *self, const char *kid, GError **error)
{
  gpointer result;

  if (!ask (self, load_in_thread, kid, 0, &result, answer_free))
    {
      GBytes *known = g_hash_table_lookup (self->known, kid);
      if (known == NULL)
        g_set_error (error, VB_ERROR, VB_ERROR_FORBIDDEN, "the key “%s” cannot be read now", kid);
      return known != NULL ? g_bytes_ref (known) : NULL;
    }
  g_autoptr (Answer) answer = result;
  if (answer->key != NULL)
    g_hash_table_replace (self->known, g_strdup (kid), g_bytes_ref (answer->key));
  else
    g_hash_table_remove (self->known, kid);
  if (answer->error != NULL)
    g_propagate_error (error, g_steal_pointer (&answer->error));
  return g_steal_pointer (&answer->key);
}

static gpointer
find_in_thread (gpointer data)
{
  return vb_token_key_find_newest (((const Question *) data)->folder);
}

gboolean
vb_token_keys_has_any (VbTokenKeys *self)
{
  gpointer newest;
  gboolean has = ask (self, find_in_thread, NULL, 0, &newest, g_free) && newest != NULL;
  g_free (newest);
  return has;
}

static gpointer
look_in_thread (gpointer data)
{
  const Question *question = data;
  return GINT_TO_POINTER (vb_token_key_is_gone (question->folder, question->kid, question->print));
}

static void
free_nothing (gpointer data)
{
}

gboolean
vb_token_keys_is_gone (VbTokenKeys *self, const char *kid, guint64 print)
{
  gpointer gone;
  return ask (self, look_in_thread, kid, print, &gone, free_nothing) && GPOINTER_TO_INT (gone);
}

static gpointer
list_in_thread (gpointer data)
{
  return vb_token_key_list_exposed (((const Question *) data)->folder);
}

char **
vb_token_keys_list_exposed (VbTokenKeys *self)
{
  gpointer names;
  return ask (self, list_in_thread, NULL, 0, &names, (GDestroyNotify) g_strfreev) ? names : NULL;
}

static GBytes *
load (gpointer keys, const char *kid, GError **error)
{
  return vb_token_keys_load (keys, kid, error);
}

VbIdentity *
vb_token_keys_verify (VbTokenKeys *self, const char *token, gint64 now_s, GError **error)
{
  return vb_token_verify_with (token, load, self, now_s, error);
}
