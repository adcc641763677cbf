/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/vb-error.h"

#include <errno.h>

/* Only of the pool's own files a read-only file system says anything about the pool. */
static void
test_errno (void)
{
  static const struct
  {
    int errno_value;
    VbError code;
  } cases[] = {
    { ENOSPC, VB_ERROR_INSUFFICIENT_SPACE },
    { EDQUOT, VB_ERROR_INSUFFICIENT_SPACE },
    { EFBIG, VB_ERROR_DISK_TOO_LARGE },
    { EROFS, VB_ERROR_INTERNAL },
    { EIO, VB_ERROR_INTERNAL },
    { ENOMEM, VB_ERROR_INTERNAL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      vb_error_set_errno (&error, cases[i].errno_value, "Failed to write %s", "the lock file");
      g_assert_error (error, VB_ERROR, (int) cases[i].code);
      g_assert_true (g_str_has_prefix (error->message, "Failed to write the lock file: "));
    }
}

static void
test_reasons (void)
{
  for (int code = 0; code < VB_ERROR_INVALID_ARGUMENT; code++)
    {
      const char *reason = vb_error_reason ((VbError) code);
      g_assert_nonnull (reason);
      g_assert_cmpint (vb_error_code_from_reason (reason), ==, code);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/error/errno", test_errno);
  g_test_add_func ("/error/reasons", test_reasons);
  return g_test_run ();
}
