/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/layout/vb-mtime-cache.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define VPS "0a0a0a0a-1111-4222-8333-444444444444"

typedef struct
{
  char *path;
  int root;
  VbMtimeCache *cache;
} Lab;

static void
set_up (Lab *lab, gconstpointer data)
{
  lab->path = g_dir_make_tmp ("vb-mtime-XXXXXX", NULL);
  lab->root = open (lab->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (mkdirat (lab->root, VPS, 0700), ==, 0);
  lab->cache = vb_mtime_cache_new ();
}

static void
tear_down (Lab *lab, gconstpointer data)
{
  g_assert_cmpint (unlinkat (lab->root, VPS, AT_REMOVEDIR), ==, 0);
  g_assert_cmpint (g_rmdir (lab->path), ==, 0);
  vb_mtime_cache_free (lab->cache);
  close (lab->root);
  g_free (lab->path);
}

static void
set_time (Lab *lab, gint64 ago_s)
{
  struct timespec times[2];

  clock_gettime (CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= ago_s;
  times[1] = times[0];
  g_assert_cmpint (utimensat (lab->root, VPS, times, 0), ==, 0);
}

static gboolean
is_changed (Lab *lab)
{
  return vb_mtime_cache_is_changed (lab->cache, lab->root, VPS);
}

static void
test_settled (Lab *lab, gconstpointer data)
{
  g_assert_true (is_changed (lab));
  set_time (lab, 10);
  vb_mtime_cache_take (lab->cache, lab->root, VPS);
  g_assert_false (is_changed (lab));
  set_time (lab, 5);
  g_assert_true (is_changed (lab));
  vb_mtime_cache_take_all (lab->cache, lab->root);
  g_assert_false (is_changed (lab));
}

/* What another host does right after the list was read may leave the folder's time as it was. */
static void
test_within_one_tick (Lab *lab, gconstpointer data)
{
  const gint64 ages_s[] = { 0, -3600 }; /* a server's clock may be ahead */

  for (gsize i = 0; i < G_N_ELEMENTS (ages_s); i++)
    {
      set_time (lab, ages_s[i]);
      vb_mtime_cache_take (lab->cache, lab->root, VPS);
      g_assert_true (is_changed (lab));
    }
}

static void
test_no_folder (Lab *lab, gconstpointer data)
{
  g_assert_false (vb_mtime_cache_is_changed (lab->cache, lab->root, "none"));
  vb_mtime_cache_take (lab->cache, lab->root, "none");
  g_assert_false (vb_mtime_cache_is_changed (lab->cache, lab->root, "none"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/mtime-cache/settled", Lab, NULL, set_up, test_settled, tear_down);
  g_test_add ("/mtime-cache/within-one-tick", Lab, NULL, set_up, test_within_one_tick, tear_down);
  g_test_add ("/mtime-cache/no-folder", Lab, NULL, set_up, test_no_folder, tear_down);
  return g_test_run ();
}
