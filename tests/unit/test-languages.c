/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The catalogues of this build, as a host in that language reads them. */
#include <libintl.h>
#include <locale.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

#define ONE "%u piece of 1 MiB differs from its checksum"
#define MANY "%u pieces of 1 MiB differ from their checksums"

/* One number for each form that a language has; those of a form share it. */
static const struct
{
  const char *language;
  guint form_of[8]; /* for 0, 1, 2, 5, 11, 100, 102, 1000000 */
} plurals[] = {
  { "ar", { 0, 1, 2, 3, 4, 5, 5, 5 } },    { "de", { 1, 0, 1, 1, 1, 1, 1, 1 } },
  { "es", { 1, 0, 1, 1, 1, 1, 1, 1 } },    { "fr", { 0, 0, 1, 1, 1, 1, 1, 1 } },
  { "ja", { 0, 0, 0, 0, 0, 0, 0, 0 } },    { "pt_BR", { 0, 0, 1, 1, 1, 1, 1, 1 } },
  { "zh_CN", { 0, 0, 0, 0, 0, 0, 0, 0 } },
};

static const guint numbers[] = { 0, 1, 2, 5, 11, 100, 102, 1000000 };

/* A host that has set its locale; what it has set decides, see vb-i18n.h. */
static void
speak (const char *language)
{
  g_setenv ("LANGUAGE", language, TRUE);
  /* Makes gettext look at the variable again. */
  setlocale (LC_ALL, "C");
  g_assert_nonnull (
      setlocale (LC_ALL, g_getenv ("VB_LOCALE") ? g_getenv ("VB_LOCALE") : "C.UTF-8"));
}

/* A host manager may speak any language; whom the module answers is told in English. */
static void
test_module (void)
{
  speak ("de");
  g_assert_cmpstr (vb_error_public_message (VB_ERROR_SLOTS_FULL), ==,
                   "All backup slots are in use; delete a backup or add slots first.");
  g_assert_cmpstr (vb_ngettext (ONE, MANY, 1), ==, ONE);
  g_assert_cmpstr (vb_ngettext (ONE, MANY, 2), ==, MANY);
  vb_i18n_enable ();
}

static void
test_refusals (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  const char *english;

  speak ("en");
  english = vb_error_public_message (VB_ERROR_SLOTS_FULL);
  g_assert_cmpstr (english, ==, "All backup slots are in use; delete a backup or add slots first.");
  for (gsize i = 0; i < G_N_ELEMENTS (plurals); i++)
    {
      speak (plurals[i].language);
      for (int code = VB_ERROR_INTERNAL; code <= VB_ERROR_INVALID_ARGUMENT; code++)
        {
          const char *words = vb_error_public_message (code);

          g_assert_true (g_utf8_validate (words, -1, NULL));
          g_assert_true (g_hash_table_add (seen, (char *) words));
        }
    }
  g_assert_false (g_hash_table_contains (seen, english));
}

static void
test_plurals (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (plurals); i++)
    {
      const char *forms[6] = { NULL };

      speak (plurals[i].language);
      for (gsize j = 0; j < G_N_ELEMENTS (numbers); j++)
        {
          const char **form = &forms[plurals[i].form_of[j]];
          const char *words = vb_ngettext (ONE, MANY, numbers[j]);

          g_assert_cmpstr (words, !=, ONE);
          g_assert_cmpstr (words, !=, MANY);
          if (*form == NULL)
            *form = words;
          g_assert_cmpstr (words, ==, *form);
        }
      for (gsize j = 1; j < G_N_ELEMENTS (forms) && forms[j] != NULL; j++)
        g_assert_cmpstr (forms[j - 1], !=, forms[j]);
    }
}

static void
test_unknown (void)
{
  speak ("tlh");
  g_assert_cmpstr (vb_ngettext (ONE, MANY, 1), ==, ONE);
  g_assert_cmpstr (vb_ngettext (ONE, MANY, 2), ==, MANY);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = NULL;

  g_test_init (&argc, &argv, NULL);
  folder = g_build_filename (g_getenv ("VB_BUILD"), "po", NULL);
  if (g_getenv ("VB_LOCALES"))
    g_setenv ("LOCPATH", g_getenv ("VB_LOCALES"), TRUE);
  bindtextdomain (GETTEXT_PACKAGE, folder);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  /* First: what it turns on stays on. */
  g_test_add_func ("/languages/module", test_module);
  g_test_add_func ("/languages/refusals", test_refusals);
  g_test_add_func ("/languages/plurals", test_plurals);
  g_test_add_func ("/languages/unknown", test_unknown);
  return g_test_run ();
}
