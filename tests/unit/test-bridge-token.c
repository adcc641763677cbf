/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "auth/vb-token-key.h"
#include "auth/vb-token-keys.h"
#include "auth/vb-token.h"

#define NOW_S G_GINT64_CONSTANT (1700000000)
#define VPS "0b0a3a5e-1f6c-4f0e-9d7a-6e2a3a1c9f10"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"main\"}"
#define CLAIMS "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"perms\":[\"backup.read\"]}"

static const char key_bytes[] = "0123456789abcdef0123456789abcdef";

typedef struct
{
  char *folder;
} Fixture;

static void
write_key (Fixture *fixture, const char *name, const char *bytes, gsize length)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

  g_assert_true (g_file_set_contents (path, bytes, (gssize) length, NULL));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("vb-token-XXXXXX", NULL);
  write_key (fixture, "main", key_bytes, 32);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

      g_remove (path);
    }
  g_rmdir (fixture->folder);
  g_free (fixture->folder);
}

static char *
encode (const char *text)
{
  return vb_base64url_encode ((const guchar *) text, strlen (text));
}

/* A token signed as it should be, whatever it says. */
static char *
make (const char *header, const char *claims)
{
  g_autofree char *first = encode (header);
  g_autofree char *second = encode (claims);
  g_autofree char *text = g_strconcat (first, ".", second, NULL);
  g_autoptr (GBytes) key = g_bytes_new (key_bytes, 32);
  guchar signature[VB_TOKEN_SIGNATURE_BYTES];
  g_autofree char *third = NULL;

  vb_token_key_sign (key, text, strlen (text), signature);
  third = vb_base64url_encode (signature, sizeof signature);
  return g_strconcat (text, ".", third, NULL);
}

static VbIdentity *
verify_claims (Fixture *fixture, const char *claims, GError **error)
{
  g_autofree char *token = make (HEADER, claims);

  return vb_token_verify (token, fixture->folder, NOW_S, error);
}

static void
assert_refused (Fixture *fixture, const char *token)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbIdentity) identity = vb_token_verify (token, fixture->folder, NOW_S, &error);

  if (identity != NULL)
    g_test_message ("Accepted: %s", token);
  g_assert_null (identity);
  g_assert_error (error, VB_ERROR, VB_ERROR_FORBIDDEN);
}

static void
test_good (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbIdentity) identity = verify_claims (
      fixture,
      "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"iat\":1699999999,\"nbf\":1699999999,"
      "\"jti\":\"j1\",\"sub\":\"bob\",\"vps\":[\"0B0A3A5E-1F6C-4F0E-9D7A-6E2A3A1C9F10\"],"
      "\"perms\":[\"backup.read\",\"power\",\"of.the.future\"],\"other\":{\"a\":[1]}}",
      &error);
  g_autofree const char **vps = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (vb_identity_get_subject (identity), ==, "bob");
  g_assert_cmpstr (vb_identity_get_token_id (identity), ==, "j1");
  g_assert_cmpint (vb_identity_get_expires_at_s (identity), ==, 1700000100);
  g_assert_cmpint (vb_identity_get_issued_at_s (identity), ==, 1699999999);
  g_assert_cmpint (vb_identity_get_permissions (identity), ==,
                   VB_PERMISSION_BACKUP_READ | VB_PERMISSION_POWER);
  g_assert_true (vb_identity_may (identity, VB_PERMISSION_POWER | VB_PERMISSION_SLOTS_WRITE));
  g_assert_false (vb_identity_may (identity, VB_PERMISSION_SLOTS_WRITE));
  g_assert_true (vb_identity_sees (identity, VPS));
  g_assert_false (vb_identity_sees (identity, "0b0a3a5e-1f6c-4f0e-9d7a-6e2a3a1c9f11"));
  vps = vb_identity_list_vps (identity);
  g_assert_cmpstr (vps[0], ==, VPS);
  g_assert_null (vps[1]);
}

static void
test_scope (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VbIdentity) all = verify_claims (
      fixture,
      "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"vps\":\"*\",\"perms\":[\"backup.read\"]}",
      NULL);
  g_autoptr (VbIdentity) none
      = verify_claims (fixture, "{\"aud\":[\"x\",\"vps-backup\"],\"exp\":1700000100.5}", NULL);
  g_autoptr (VbIdentity) admin = verify_claims (
      fixture, "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"vps\":[],\"perms\":[\"admin\"]}",
      NULL);

  g_assert_true (vb_identity_sees (all, VPS));
  g_assert_null (vb_identity_list_vps (all));
  g_assert_false (vb_identity_is_admin (all));
  g_assert_false (vb_identity_sees (none, VPS));
  g_assert_cmpint (vb_identity_get_permissions (none), ==, VB_PERMISSION_NONE);
  g_assert_true (vb_identity_sees (admin, VPS));
  g_assert_true (vb_identity_may (admin, VB_PERMISSION_POWER));
}

static void
test_bad_claims (Fixture *fixture, gconstpointer data)
{
  static const char *const cases[] = {
    "{}",
    "[]",
    "\"x\"",
    "{\"exp\":1700000100}",
    "{\"aud\":\"vps-backup\"}",
    "{\"aud\":\"vps-backup2\",\"exp\":1700000100}",
    "{\"aud\":[\"x\"],\"exp\":1700000100}",
    "{\"aud\":[1,\"vps-backup\"],\"exp\":1700000100}",
    "{\"aud\":null,\"exp\":1700000100}",
    "{\"aud\":\"vps-backup\",\"exp\":null}",
    "{\"aud\":\"vps-backup\",\"exp\":\"1700000100\"}",
    "{\"aud\":\"vps-backup\",\"exp\":-5}",
    "{\"aud\":\"vps-backup\",\"exp\":1e300}",
    "{\"aud\":\"vps-backup\",\"exp\":true}",
    "{\"aud\":\"vps-backup\",\"exp\":1699999970}",
    "{\"aud\":\"vps-backup\",\"exp\":1700086431}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"nbf\":1700000031}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"nbf\":\"x\"}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"iat\":1700000031}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"sub\":7}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"jti\":[]}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"vps\":\"" VPS "\"}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"vps\":[1]}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"vps\":{}}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"perms\":\"admin\"}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"perms\":[[\"admin\"]]}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"exp\":1700000200}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"perms\":[],\"p\\u0065rms\":[\"admin\"]}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *token = make (HEADER, cases[i]);

      assert_refused (fixture, token);
    }
}

static void
test_skew (Fixture *fixture, gconstpointer data)
{
  static const char *const cases[] = {
    "{\"aud\":\"vps-backup\",\"exp\":1699999971}",
    "{\"aud\":\"vps-backup\",\"exp\":1700086430}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"nbf\":1700000030}",
    "{\"aud\":\"vps-backup\",\"exp\":1700000100,\"iat\":1700000030}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (VbIdentity) identity = verify_claims (fixture, cases[i], &error);

      g_assert_no_error (error);
    }
}

static void
test_bad_headers (Fixture *fixture, gconstpointer data)
{
  static const char *const cases[] = {
    "{}",
    "{\"alg\":\"HS256\"}",
    "{\"kid\":\"main\"}",
    "{\"alg\":\"none\",\"kid\":\"main\"}",
    "{\"alg\":\"hs256\",\"kid\":\"main\"}",
    "{\"alg\":\"HS512\",\"kid\":\"main\"}",
    "{\"alg\":\"RS256\",\"kid\":\"main\"}",
    "{\"alg\":[\"HS256\"],\"kid\":\"main\"}",
    "{\"alg\":\"none\",\"alg\":\"HS256\",\"kid\":\"main\"}",
    "{\"alg\":\"HS256\",\"kid\":\"other\"}",
    "{\"alg\":\"HS256\",\"kid\":7}",
    "{\"alg\":\"HS256\",\"kid\":\"\"}",
    "{\"alg\":\"HS256\",\"kid\":\"./main\"}",
    "{\"alg\":\"HS256\",\"kid\":\"../main\"}",
    "{\"alg\":\"HS256\",\"kid\":\".\"}",
    "{\"alg\":\"HS256\",\"kid\":\".hidden\"}",
    "{\"alg\":\"HS256\",\"kid\":\"/etc/passwd\"}",
    "{\"alg\":\"HS256\",\"kid\":\"short\"}",
    "{\"alg\":\"HS256\",\"kid\":\"main\",\"crit\":[\"exp\"]}",
  };

  write_key (fixture, "short", key_bytes, 31);
  write_key (fixture, ".hidden", key_bytes, 32);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *token = make (cases[i], "{\"aud\":\"vps-backup\",\"exp\":1700000100}");

      assert_refused (fixture, token);
    }
}

static void
test_bad_shapes (Fixture *fixture, gconstpointer data)
{
  g_autofree char *good = make (HEADER, "{\"aud\":\"vps-backup\",\"exp\":1700000100}");
  g_autofree char *padded = g_strconcat (good, "=", NULL);
  g_autofree char *longer = g_strconcat (good, ".x", NULL);
  g_autofree char *unsigned_text = g_strndup (good, (gsize) (strrchr (good, '.') - good + 1));
  g_autofree char *huge = g_strnfill (100000, 'a');
  const char *const cases[]
      = { "", ".", "..", "...", "a.b.c", "a.b", padded, longer, unsigned_text, huge };
  g_autoptr (VbIdentity) identity = vb_token_verify (good, fixture->folder, NOW_S, NULL);

  g_assert_nonnull (identity);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (fixture, cases[i]);

  /* Not one character of it may be another. */
  for (char *p = good; *p != '\0'; p++)
    {
      char was = *p;

      *p = was == 'A' ? 'B' : 'A';
      assert_refused (fixture, good);
      *p = was;
    }
}

static void
test_other_key (Fixture *fixture, gconstpointer data)
{
  g_autofree char *token = make (HEADER, "{\"aud\":\"vps-backup\",\"exp\":1700000100}");

  write_key (fixture, "main", "another key of thirty-two bytes!", 32);
  assert_refused (fixture, token);
}

static void
test_keys (Fixture *fixture, gconstpointer data)
{
  g_autofree char *missing = g_build_filename (fixture->folder, "missing", NULL);
  g_autofree char *path = g_build_filename (fixture->folder, "main", NULL);

  g_assert_true (vb_token_has_keys (fixture->folder));
  g_assert_false (vb_token_has_keys (missing));
  g_assert_false (vb_token_has_keys (NULL));
  g_assert_false (vb_token_has_keys (""));
  g_remove (path);
  g_assert_false (vb_token_has_keys (fixture->folder));
  write_key (fixture, "short", key_bytes, 31);
  g_assert_false (vb_token_has_keys (fixture->folder));
}

static void
test_mint (Fixture *fixture, gconstpointer data)
{
  static const char *const permissions[] = { "backup.read", "backup.create", NULL };
  static const char *const vps[] = { VPS, NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *token
      = vb_token_mint (fixture->folder, NULL, "bob", permissions, vps, 600, NOW_S, &error);
  g_autoptr (VbIdentity) identity = vb_token_verify (token, fixture->folder, NOW_S, &error);
  g_autofree char *other
      = vb_token_mint (fixture->folder, "main", "b", permissions, NULL, 86400, NOW_S, &error);
  g_autoptr (VbIdentity) all = vb_token_verify (other, fixture->folder, NOW_S, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (vb_identity_get_subject (identity), ==, "bob");
  g_assert_cmpint (vb_identity_get_expires_at_s (identity), ==, NOW_S + 600);
  g_assert_cmpint (vb_identity_get_issued_at_s (identity), ==, NOW_S);
  g_assert_nonnull (vb_identity_get_token_id (identity));
  g_assert_true (vb_identity_sees (identity, VPS));
  g_assert_false (vb_identity_sees (identity, "x"));
  g_assert_true (vb_identity_sees (all, "x"));
}

static void
test_mint_refusals (Fixture *fixture, gconstpointer data)
{
  static const char *const permissions[] = { "backup.read", NULL };
  static const char *const unknown[] = { "backup.explode", NULL };
  static const struct
  {
    const char *kid;
    const char *const *permissions;
    gint64 lifetime_s;
  } cases[] = {
    { NULL, unknown, 60 },       { NULL, permissions, 0 },       { NULL, permissions, 86401 },
    { "none", permissions, 60 }, { "../main", permissions, 60 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (vb_token_mint (fixture->folder, cases[i].kid, "bob", cases[i].permissions,
                                    NULL, cases[i].lifetime_s, NOW_S, &error));
      g_assert_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_base64url (Fixture *fixture, gconstpointer data)
{
  static const char *const bad[]
      = { "A", "AAAAA", "AB=", "AB==", "A+AA", "A/AA", "A AA", "AB", "AAB", "A\nAA" };
  guchar bytes[256];

  for (guint i = 0; i < 256; i++)
    bytes[i] = (guchar) (255 - i);
  for (guint length = 0; length <= 256; length++)
    {
      g_autofree char *text = vb_base64url_encode (bytes, length);
      g_autoptr (GBytes) back = vb_base64url_decode (text, strlen (text));
      g_autoptr (GBytes) wanted = g_bytes_new (bytes, length);

      g_assert_true (g_bytes_equal (back, wanted));
    }

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_null (vb_base64url_decode (bad[i], strlen (bad[i])));
}

/* RFC 7515, appendix A.1, with its key of 64 bytes. */
static void
test_rfc7515 (Fixture *fixture, gconstpointer data)
{
  const char text[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
                      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
                      "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  const char key_text[]
      = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
  g_autoptr (GBytes) key = vb_base64url_decode (key_text, strlen (key_text));
  guchar signature[VB_TOKEN_SIGNATURE_BYTES];
  g_autofree char *encoded = NULL;

  vb_token_key_sign (key, text, strlen (text), signature);
  encoded = vb_base64url_encode (signature, sizeof signature);
  g_assert_cmpstr (encoded, ==, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

/* A good signature and something more, or a part of it. */
static void
test_signatures_of_other_lengths (Fixture *fixture, gconstpointer data)
{
  g_autofree char *good = make (HEADER, CLAIMS);
  g_autoptr (VbIdentity) identity = vb_token_verify (good, fixture->folder, NOW_S, NULL);
  const char *dot = strrchr (good, '.');
  g_autoptr (GBytes) signature = vb_base64url_decode (dot + 1, strlen (dot + 1));
  guchar bytes[VB_TOKEN_SIGNATURE_BYTES + 1] = { 0 };

  g_assert_nonnull (identity);
  memcpy (bytes, g_bytes_get_data (signature, NULL), VB_TOKEN_SIGNATURE_BYTES);
  for (gsize length = 0; length <= sizeof bytes; length++)
    {
      g_autofree char *other = vb_base64url_encode (bytes, length);
      g_autofree char *token = g_strdup_printf ("%.*s.%s", (int) (dot - good), good, other);

      if (length != VB_TOKEN_SIGNATURE_BYTES)
        assert_refused (fixture, token);
    }
}

/* What is in the folder and is no key must not hang or be read. */
static void
test_no_regular_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "fifo", NULL);
  g_autofree char *token = make ("{\"alg\":\"HS256\",\"kid\":\"fifo\"}", CLAIMS);

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  alarm (60);
  assert_refused (fixture, token);
  g_assert_true (vb_token_has_keys (fixture->folder));
  alarm (0);
}

static void
test_a_key_that_goes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VbIdentity) identity = verify_claims (fixture, CLAIMS, NULL);
  g_autofree char *path = g_build_filename (fixture->folder, "main", NULL);
  guint64 print;
  const char *kid = vb_identity_get_key (identity, &print);

  g_assert_cmpstr (kid, ==, "main");
  g_assert_false (vb_token_key_is_gone (fixture->folder, kid, print));
  write_key (fixture, "main", "0123456789abcdef0123456789abcdeX", 32);
  g_assert_true (vb_token_key_is_gone (fixture->folder, kid, print));
  write_key (fixture, "main", key_bytes, 32);
  g_assert_false (vb_token_key_is_gone (fixture->folder, kid, print));
  /* Being written anew: neither there nor gone. */
  write_key (fixture, "main", "", 0);
  g_assert_false (vb_token_key_is_gone (fixture->folder, kid, print));
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_true (vb_token_key_is_gone (fixture->folder, kid, print));
}

/* As the main context sees the folder: each change at once. */
static void
test_keys_of_the_main_context (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VbTokenKeys) keys = vb_token_keys_new (fixture->folder);
  g_autofree char *token = make (HEADER, CLAIMS);
  g_autofree char *path = g_build_filename (fixture->folder, "main", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VbIdentity) identity = vb_token_keys_verify (keys, token, NOW_S, &error);
  guint64 print;

  g_assert_no_error (error);
  g_assert_cmpstr (vb_identity_get_key (identity, &print), ==, "main");
  g_assert_true (vb_token_keys_has_any (keys));
  g_assert_false (vb_token_keys_is_gone (keys, "main", print));
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_true (vb_token_keys_is_gone (keys, "main", print));
  g_assert_null (vb_token_keys_verify (keys, token, NOW_S, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_FORBIDDEN);
  g_assert_null (vb_token_keys_new (NULL));
  g_assert_null (vb_token_keys_new (""));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (Fixture *, gconstpointer);
  } tests[] = {
    { "/token/good", test_good },
    { "/token/scope", test_scope },
    { "/token/bad-claims", test_bad_claims },
    { "/token/skew", test_skew },
    { "/token/bad-headers", test_bad_headers },
    { "/token/bad-shapes", test_bad_shapes },
    { "/token/other-key", test_other_key },
    { "/token/keys", test_keys },
    { "/token/mint", test_mint },
    { "/token/mint-refusals", test_mint_refusals },
    { "/token/base64url", test_base64url },
    { "/token/rfc7515", test_rfc7515 },
    { "/token/signatures-of-other-lengths", test_signatures_of_other_lengths },
    { "/token/no-regular-file", test_no_regular_file },
    { "/token/a-key-that-goes", test_a_key_that_goes },
    { "/token/keys-of-the-main-context", test_keys_of_the_main_context },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].test, tear_down);
  return g_test_run ();
}
