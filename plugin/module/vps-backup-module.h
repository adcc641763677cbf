/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vps-backup-module.h: how a host manager loads vps-backup into its own process.
 *
 * This header is all that a host needs; it depends on GLib and GIO. vps-backupd, the small host
 * that ships with vps-backup, uses nothing else.
 *
 * 1. Check that the process can take the module: vps_backup_module_check_process().
 *
 * 2. Open vps-backup.so with g_module_open (path, G_MODULE_BIND_LOCAL), not lazily, and look up the
 * one symbol that it exports, VPS_BACKUP_MODULE_SYMBOL.
 *
 * 3. Check what you found with vps_backup_module_check(). Call nothing before.
 *
 * 4. g_module_make_resident(): GLib types cannot be unregistered, so it can never be unloaded.
 *
 * 5. create() a service from a config file, start_async() it, and iterate the main context.
 *
 * 6. stop_async() it, wait for the answer, then drop the last reference. Another one may be created
 * afterwards.
 *
 * == Threads and event loop ==
 *
 * All functions are called on the thread that iterates GLib's default main context, and all answers
 * and signals arrive there. The host has to iterate that context from create() until the answer of
 * stop_async(), with a GMainLoop or by other means; the module never runs a loop of its own. It
 * does its slow work in threads of its own and never blocks the main context for longer than
 * reading a small local file takes. libvirt's event loop is looked for: if the host has registered
 * an implementation, that one is used; otherwise libvirt's default one is registered, which runs on
 * the default main context.
 *
 * == What the module leaves alone ==
 *
 * It does not change locale, default text domain, umask, working directory, environment, signal
 * handlers, resource limits or user of the process, and neither ends nor aborts it. (GIO itself
 * makes every process that uses sockets ignore SIGPIPE.) It starts child processes (qemu-nbd,
 * qemu-img) and reaps them by pid: a host that sets SIGCHLD to SIG_IGN, or reaps all children with
 * waitpid (-1, …), breaks that. It logs through g_log_structured() in the domain "vps-backup", with
 * the fields VPS, OPERATION and BACKUP where they apply; the host's writer decides where that goes.
 * It needs the rights of a libvirt administrator and, to restore disks, of root.
 *
 * == Errors ==
 *
 * Functions follow GLib's rules: on failure they return NULL or FALSE and set the error, whose
 * message is one plain sentence in English for the operator. Programming errors, such as starting
 * twice, are criticals in the log.
 *
 * == Promise ==
 *
 * Within one VPS_BACKUP_MODULE_ABI members are only appended to the descriptor, and struct_size
 * grows: a host built against an older header works with a newer module of the same ABI. A host
 * that uses an appended member has to check struct_size first. Anything else changes the ABI
 * number, and vps_backup_module_check() then refuses. */
#ifndef VPS_BACKUP_MODULE_H
#define VPS_BACKUP_MODULE_H

#include <dlfcn.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VPS_BACKUP_MODULE_MAGIC:
 *
 * First bytes of every descriptor of whatever ABI: "VPSBKMOD" when read as a little-endian number.
 */
#define VPS_BACKUP_MODULE_MAGIC G_GUINT64_CONSTANT (0x444f4d4b42535056)

/**
 * VPS_BACKUP_MODULE_ABI:
 *
 * The ABI that this header describes.
 */
#define VPS_BACKUP_MODULE_ABI 1

/**
 * VPS_BACKUP_MODULE_SYMBOL:
 *
 * Name of the symbol to look up; it is a #VpsBackupModule, not a pointer to one.
 */
#define VPS_BACKUP_MODULE_SYMBOL "vps_backup_module"

/**
 * VpsBackupModule:
 * @magic: %VPS_BACKUP_MODULE_MAGIC
 * @abi_version: %VPS_BACKUP_MODULE_ABI of the header that the module was built with
 * @struct_size: size of the module's descriptor in bytes
 * @name: "vps-backup"
 * @version: version of the module, such as "0.1.0"; for people, not for comparisons
 * @create: reads and checks the config file and makes a service that does nothing yet. Never
 * touches the network or the pool. The error names file, line and key. Returns: (transfer full)
 * (nullable): the service, a #GObject
 * @start_async: starts @service; answers when requests can be served, even if the pool or the
 * hypervisor is away: the service waits for them and says so. To be called once
 * @start_finish: takes the answer. Fails, with nothing left running, when the state folder, the
 * journal or a socket cannot be used, when another process uses the same state folder, or when
 * stop_async() came first (%G_IO_ERROR_CANCELLED)
 * @stop_async: stops @service: no new requests, clients are told, operations that can be cancelled
 * safely are, the others are left to the recovery at the next start. Takes a few seconds at most.
 * May be called at any time after create, once
 * @stop_finish: takes the answer; afterwards the sockets and the state folder are free. It has
 * always stopped; an error says what did not go well
 *
 * What the module exports. It is constant and lives as long as the process.
 *
 * The service is owned by whoever called create(); g_object_unref() it after stop_async() has
 * answered. Its property:
 *
 *  - "status" (string, readable, notifies): what it does at the moment, one short English line for
 * people
 *
 * Its signals, for hosts that want no websocket. Their a{sv} are the objects of
 * ui-bridge/PROTOCOL.md, member for
 * member, as an administrator sees them: objects are a{sv}, arrays av, integers x, null is an empty
 * mv. Connect before
 * start_async(), and each VPS that is found announces itself.
 *
 *  - "vps-changed" (string uuid, GVariant Vps): anything but progress has changed
 *  - "vps-removed" (string uuid)
 *  - "operation-progress" (string uuid, GVariant Operation): at most 4 a second, at least every 2 s
 *  - "notification-added" (GVariant Notification)
 *
 * Members may be added to the objects, as in the protocol. Don't drop the last reference to the
 * service in a handler.
 */
typedef struct
{
  guint64 magic;
  guint32 abi_version;
  guint32 struct_size;
  const char *name;
  const char *version;

  GObject *(*create) (const char *config_file, GError **error);
  void (*start_async) (GObject *service, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*start_finish) (GObject *service, GAsyncResult *result, GError **error);
  void (*stop_async) (GObject *service, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*stop_finish) (GObject *service, GAsyncResult *result, GError **error);
} VpsBackupModule;

/**
 * vps_backup_module_check_process:
 *
 * The module uses libsoup 3, which ends the process at once when libsoup 2 is loaded; only the host
 * can prevent that, before it opens the module.
 *
 * Returns: whether the module may be opened in this process; otherwise @error is set
 */
static inline gboolean
vps_backup_module_check_process (GError **error)
{
  void *library = dlopen ("libsoup-2.4.so.1", RTLD_LAZY | RTLD_NOLOAD);
  void *process = dlopen (NULL, RTLD_LAZY);
  gboolean found = library != NULL || dlsym (process, "soup_uri_new") != NULL;

  if (library != NULL)
    dlclose (library);
  dlclose (process);
  if (found)
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "This process has loaded libsoup 2, which cannot live beside the libsoup 3 that "
        "vps-backup needs; run vps-backupd as a process of its own instead.");
  return !found;
}

/**
 * vps_backup_module_check:
 * @module: (nullable): what %VPS_BACKUP_MODULE_SYMBOL led to
 *
 * Returns: whether @module is one that this header describes; otherwise @error is set and nothing
 * of it may be called
 */
static inline gboolean
vps_backup_module_check (const VpsBackupModule *module, GError **error)
{
  if (module == NULL || module->magic != VPS_BACKUP_MODULE_MAGIC)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                           "This is not a module of vps-backup.");
      return FALSE;
    }
  if (module->abi_version != VPS_BACKUP_MODULE_ABI)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   "The module has ABI %u, but this host manager was built for ABI %u; install "
                   "versions that go together.",
                   module->abi_version, VPS_BACKUP_MODULE_ABI);
      return FALSE;
    }
  if (module->struct_size < sizeof (VpsBackupModule))
    {
      g_set_error (
          error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
          "The module is older than this host manager (its descriptor has %u bytes, %u are "
          "needed); install versions that go together.",
          module->struct_size, (guint) sizeof (VpsBackupModule));
      return FALSE;
    }
  return TRUE;
}

G_END_DECLS

#endif /* VPS_BACKUP_MODULE_H */
