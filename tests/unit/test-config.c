/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The config file: what it says arrives, what it must not say is refused by file, line and key. */
#include <string.h>

#include "module/vb-config-value.h"
#include "module/vb-config.h"
#include "core/base/vb-error.h"

static VbConfig *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  VbConfig *config = vb_config_parse ("test.conf", text, strlen (text), &error);

  g_assert_no_error (error);
  return config;
}

static void
test_defaults (void)
{
  g_autoptr (VbConfig) config = parse ("");

  g_assert_cmpstr (config->state_folder, ==, "/var/lib/vps-backup");
  g_assert_cmpstr (config->settings.state_folder, ==, "/var/lib/vps-backup");
  g_assert_cmpstr (config->libvirt_uri, ==, "qemu:///system");
  g_assert_cmpstr (config->pool_path, ==, "/srv/backups");
  g_assert_cmpstr (config->pool_reserve, ==, "5%");
  g_assert_cmpuint (config->claim_timeout_s, ==, 60);
  g_assert_cmpuint (config->settings.check_interval_s, ==, 30 * 24 * 3600);
  g_assert_cmpuint (config->settings.check_bandwidth_bytes_per_s, ==, 20 << 20);
  g_assert_cmpuint (config->settings.slots_included, ==, 2);
  g_assert_cmpuint (config->settings.slots_step, ==, 1);
  g_assert_cmpuint (config->settings.slots_maximum, ==, 10);
  g_assert_cmpuint (config->settings.max_concurrent, ==, 2);
  g_assert_cmpuint (config->settings.bandwidth_limit_bytes_per_s, ==, 0);
  g_assert_cmpuint (config->settings.stall_timeout_s, ==, 1800);
  g_assert_cmpuint (config->settings.freeze_timeout_s, ==, 5);
  g_assert_cmpuint (config->settings.delta_limit_bytes, ==, 1 << 30);
  g_assert_cmpuint (config->settings.scratch_reserve_bytes, ==, 1 << 30);
  g_assert_cmpuint (config->settings.undo_window_s, ==, 24 * 3600);
  g_assert_cmpstr (config->undo_reserve, ==, "10%");
  g_assert_cmpuint (config->settings.full_every, ==, 0);
  g_assert_cmpstr (config->bridge_socket, ==, "/run/vps-backup/vps-backup.sock");
  g_assert_null (config->socket_group);
  g_assert_cmpstr (config->listen, ==, "127.0.0.1:8006");
  g_assert_null (config->tls_certificate);
  g_assert_null (config->tls_key);
  g_assert_cmpstr (config->token_keys, ==, "/etc/vps-backup/keys");
  g_assert_cmpuint (g_strv_length (config->allowed_origins), ==, 0);
  g_assert_cmpuint (g_strv_length (config->trusted_proxies), ==, 0);
  g_assert_cmpuint (config->max_connections, ==, 4096);
  g_assert_cmpuint (config->max_per_address, ==, 256);
  g_assert_null (config->panel_brand);
  g_assert_null (config->panel_slots_request);
  g_assert_cmpstr (config->panel_currency, ==, "EUR");
  g_assert_null (config->push_subject);
  g_assert_null (config->webhook_url);
  g_assert_null (config->webhook_secret_file);
  g_assert_cmpuint (g_strv_length (config->mail_to), ==, 0);
  g_assert_null (config->mail_from);
  g_assert_cmpstr (config->mail_program, ==, "/usr/sbin/sendmail");
}

static void
test_everything (void)
{
  g_autoptr (VbConfig) config
      = parse ("# a comment\n\n"
               "[host]\nstate-dir=/s\n"
               "[libvirt]\n  uri = test:///default\r\n"
               "[pool]\npath=/p with space\nreserve=20G\n"
               "[slots]\nincluded=3\nstep=5\nmaximum=23\n"
               "[operations]\nmax-concurrent=4\nbandwidth-limit=100M\nstall-timeout=60\n"
               "freeze-timeout=0\ndelta-limit=0\nscratch-reserve=2T\nundo-window=0\nundo-reserve="
               "5G\nfull-every=7\n"
               "[bridge]\nsocket=/run/s#1\nsocket-group=panel   # those may do everything\n"
               "listen=[::1]:443\ntls-certificate=/c\ntls-key=/k\ntoken-keys=\n"
               "allowed-origins=https://Panel.Example:443/; http://b.example:8080 "
               ";http://[::1]:80\nmax-connections=9\n");

  g_assert_cmpstr (config->settings.state_folder, ==, "/s");
  g_assert_cmpstr (config->libvirt_uri, ==, "test:///default");
  g_assert_cmpstr (config->pool_path, ==, "/p with space");
  g_assert_cmpstr (config->pool_reserve, ==, "20G");
  g_assert_cmpuint (config->settings.slots_included, ==, 3);
  g_assert_cmpuint (config->settings.slots_step, ==, 5);
  g_assert_cmpuint (config->settings.slots_maximum, ==, 23);
  g_assert_cmpuint (config->settings.max_concurrent, ==, 4);
  g_assert_cmpuint (config->settings.bandwidth_limit_bytes_per_s, ==, 100 << 20);
  g_assert_cmpuint (config->settings.stall_timeout_s, ==, 60);
  g_assert_cmpuint (config->settings.freeze_timeout_s, ==, 0);
  g_assert_cmpuint (config->settings.delta_limit_bytes, ==, 0);
  g_assert_cmpuint (config->settings.scratch_reserve_bytes, ==, G_GUINT64_CONSTANT (2) << 40);
  g_assert_cmpuint (config->settings.undo_window_s, ==, 0);
  g_assert_cmpstr (config->undo_reserve, ==, "5G");
  g_assert_cmpuint (config->settings.full_every, ==, 7);
  g_assert_cmpstr (config->bridge_socket, ==, "/run/s#1");
  g_assert_cmpstr (config->socket_group, ==, "panel");
  g_assert_cmpstr (config->listen, ==, "[::1]:443");
  g_assert_cmpstr (config->tls_certificate, ==, "/c");
  g_assert_cmpstr (config->tls_key, ==, "/k");
  g_assert_null (config->token_keys);
  g_assert_cmpstr (config->allowed_origins[0], ==, "https://panel.example");
  g_assert_cmpstr (config->allowed_origins[1], ==, "http://b.example:8080");
  g_assert_cmpstr (config->allowed_origins[2], ==, "http://[::1]");
  g_assert_null (config->allowed_origins[3]);
  g_assert_cmpuint (config->max_connections, ==, 9);
}

static void
test_panel_and_messages (void)
{
  g_autoptr (VbConfig) config
      = parse ("[panel]\nbrand=Kiste & Söhne\naccent=b3261e,FFB4AB\n"
               "support-url=mailto:help@example.org\nprice=2.50\ncurrency=CHF\n"
               "slots-request=https://shop.example/{vps}?n={total}\n"
               "frame-ancestors=https://billing.example\n"
               "[push]\nsubject=mailto:ops@example.org\n"
               "[webhook]\nurl=https://hooks.example/in?x=1#f\nsecret-file=/w\n"
               "[mail]\nto=ops@example.org; on-call+1@b.example\nfrom=backup@example.org\n"
               "program=/usr/bin/msmtp\n");

  g_assert_cmpstr (config->panel_brand, ==, "Kiste & Söhne");
  g_assert_cmpstr (config->panel_accent, ==, "b3261e,FFB4AB");
  g_assert_cmpstr (config->panel_support_url, ==, "mailto:help@example.org");
  g_assert_cmpstr (config->panel_price, ==, "2.50");
  g_assert_cmpstr (config->panel_currency, ==, "CHF");
  g_assert_cmpstr (config->panel_slots_request, ==, "https://shop.example/{vps}?n={total}");
  g_assert_cmpstr (config->panel_frame_ancestors[0], ==, "https://billing.example");
  g_assert_cmpstr (config->push_subject, ==, "mailto:ops@example.org");
  g_assert_cmpstr (config->webhook_url, ==, "https://hooks.example/in?x=1#f");
  g_assert_cmpstr (config->webhook_secret_file, ==, "/w");
  g_assert_cmpstr (config->mail_to[0], ==, "ops@example.org");
  g_assert_cmpstr (config->mail_to[1], ==, "on-call+1@b.example");
  g_assert_cmpuint (g_strv_length (config->mail_to), ==, 2);
  g_assert_cmpstr (config->mail_from, ==, "backup@example.org");
  g_assert_cmpstr (config->mail_program, ==, "/usr/bin/msmtp");
}

/* Each text is refused with an error that holds both words. */
static const struct
{
  const char *text;
  const char *where;
  const char *what;
} refusals[] = {
  { "[host]\nstate-dri=/x\n", "test.conf, line 2:", "state-dri" },
  { "\n\n[hots]\n", "line 3:", "[hots]" },
  { "[hots]\nstate-dir=/x\n", "line 1:", "[hots]" },
  { "[host]\nuri=qemu:///system\n", "line 2:", "uri" },
  { "[host]\nstate-dir[de]=/x\n", "line 2:", "state-dir[de]" },
  { "state-dir=/x\n", "line 1:", "before the first group" },
  { "[host]\nnonsense\n", "line 2:", "KEY=VALUE" },
  { "[host]   state-dir=/x\n", "line 1:", "before the first group" },
  { "[slots]\nincluded=2  step=1\n", "line 2:", "included" },
  { "[host]\nstate-dir=\n", "line 2:", "must have a value" },
  { "[host]\nstate-dir=relative\n", "line 2:", "absolute" },
  { "[host]\nstate-dir=/a\\q\n", "line 2:", "\\" },
  { "[host]\nstate-dir=/a\n\nstate-dir=/b\n", "line 4:", "line 2" },
  { "[host]\nstate-dir=/a\n[pool]\n[host]\nstate-dir=/b\n", "line 5:", "line 2" },
  { "[slots]\nincluded=-1\n", "line 2:", "whole number" },
  { "[slots]\nstep=0\n", "line 2:", "from 1" },
  { "[slots]\nmaximum=99999999999999999999\n", "line 2:", "whole number" },
  { "[slots]\nmaximum=2x\n", "line 2:", "2x" },
  { "[slots]\nmaximum=1\n", "line 2:", "included" },
  { "[slots]\nmaximum=3\nincluded=4\n", "line 3:", "maximum" },
  { "[operations]\nmax-concurrent=0\n", "line 2:", "from 1" },
  { "[operations]\ndelta-limit=1.5G\n", "line 2:", "1.5G" },
  { "[operations]\ndelta-limit=G\n", "line 2:", "bytes" },
  { "[operations]\ndelta-limit=9999999T\n", "line 2:", "bytes" },
  { "[operations]\nstall-timeout=\n", "line 2:", "whole number" },
  { "[pool]\nreserve=91%\n", "line 2:", "90%" },
  { "[pool]\ncheck-interval=5w\n", "line 2:", "days" },
  { "[pool]\nclaim-timeout=1\n", "line 2:", "2" },
  { "[pool]\nreserve=%\n", "line 2:", "90%" },
  { "[pool]\nreserve=lots\n", "line 2:", "lots" },
  { "[bridge]\nlisten=8006\n", "line 2:", "port" },
  { "[bridge]\nlisten=:8006\n", "line 2:", "port" },
  { "[bridge]\nlisten=127.0.0.1:0\n", "line 2:", "port" },
  { "[bridge]\nlisten=127.0.0.1:70000\n", "line 2:", "port" },
  { "[bridge]\ntls-certificate=/c\n", "line 2:", "tls-key" },
  { "[bridge]\nallowed-origins=*\n", "line 2:", "origins" },
  { "[bridge]\nallowed-origins=https://a.example/path\n", "line 2:", "origins" },
  { "[bridge]\nallowed-origins=ftp://a.example\n", "line 2:", "origins" },
  { "[bridge]\nmax-connections=0\n", "line 2:", "from 1" },
  { "[bridge]\ntrusted-proxies=127.0.0.1;proxy.example\n", "line 2:", "IP addresses" },
  { "[push]\nsubject=ops\n", "line 2:", "mailto" },
  { "[panel]\naccent=red\n", "line 2:", "3646c6" },
  { "[panel]\naccent=123456,#12345\n", "line 2:", "3646c6" },
  { "[panel]\nsupport-url=javascript:alert(1)\n", "line 2:", "https" },
  { "[panel]\nslots-request=https://a.example/\"x\n", "line 2:", "https" },
  { "[panel]\nprice=2,50\n", "line 2:", "2.50" },
  { "[panel]\ncurrency=Euro\n", "line 2:", "EUR" },
  { "[panel]\nframe-ancestors=*\n", "line 2:", "origins" },
  { "[webhook]\nurl=hooks.example\n", "line 2:", "URL" },
  { "[webhook]\nurl=https://hooks.example\n", "line 2:", "secret-file" },
  { "[mail]\nto=ops\n", "line 2:", "mail address" },
  { "[mail]\nto=-oQ/tmp@example.org\n", "line 2:", "mail address" },
  { "[mail]\nto=a@example.org,b@example.org\n", "line 2:", "mail address" },
  { "[mail]\nto=a@example.org\\nBcc: b@example.org\n", "line 2:", "mail address" },
  { "[mail]\nfrom=Ops <a@example.org>\n", "line 2:", "mail address" },
  { "[mail]\nprogram=sendmail\n", "line 2:", "absolute" },
  { "[bridge]\nsocket=/"
    "0123456789012345678901234567890123456789012345678901234567890123456789"
    "0123456789012345678901234567890123456789\n",
    "line 2:", "108 bytes" },
  { "[host]\n# \xff\n", "test.conf:", "UTF-8" },
};

static void
test_refusal (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (VbConfig) config
      = vb_config_parse ("test.conf", refusals[i].text, strlen (refusals[i].text), &error);

  g_assert_null (config);
  g_assert_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, refusals[i].where));
  g_assert_nonnull (strstr (error->message, refusals[i].what));
}

static void
test_nul (void)
{
  const char text[] = "[host]\n\0state-dir=/x\n";
  g_autoptr (GError) error = NULL;

  g_assert_null (vb_config_parse ("test.conf", text, sizeof text - 1, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT);
}

static void
test_missing_file (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (vb_config_load ("/nonexistent/test.conf", &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "/nonexistent/test.conf"));
}

static void
test_example (void)
{
  g_autofree char *file
      = g_build_filename (g_getenv ("VB_SOURCE"), "plugin/module/vps-backup.conf.example", NULL);
  g_autofree char *text = NULL;
  g_autofree char *uncommented = NULL;
  g_autoptr (GRegex) regex = g_regex_new ("^#(?=[a-z-]+=)", G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VbConfig) config = NULL;
  g_autoptr (VbConfig) loaded = vb_config_load (file, &error);

  g_assert_no_error (error);
  g_assert_nonnull (loaded);

  /* Every key it shows is one, with the value that it has by default. */
  g_assert_true (g_file_get_contents (file, &text, NULL, NULL));
  uncommented = g_regex_replace (regex, text, -1, 0, "", 0, NULL);
  config = parse (uncommented);
  g_assert_cmpmem (&config->settings.slots_included,
                   sizeof (VbSettings) - G_STRUCT_OFFSET (VbSettings, slots_included),
                   &loaded->settings.slots_included,
                   sizeof (VbSettings) - G_STRUCT_OFFSET (VbSettings, slots_included));
  g_assert_cmpstr (config->state_folder, ==, loaded->state_folder);
  g_assert_cmpstr (config->listen, ==, loaded->listen);
  g_assert_cmpuint (config->max_connections, ==, loaded->max_connections);
  g_assert_cmpuint (config->max_per_address, ==, loaded->max_per_address);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/defaults", test_defaults);
  g_test_add_func ("/config/everything", test_everything);
  g_test_add_func ("/config/panel-and-messages", test_panel_and_messages);
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autofree char *path = g_strdup_printf ("/config/refusal/%u", i);
      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_refusal);
    }
  g_test_add_func ("/config/nul", test_nul);
  g_test_add_func ("/config/missing-file", test_missing_file);
  g_test_add_func ("/config/example", test_example);
  return g_test_run ();
}
