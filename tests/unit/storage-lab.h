/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/pool/vb-directory-pool.h"
#include "core/base/vb-error.h"

/* A folder with a pool and disk images, for tests of the storage layer. Failures end the test. */
typedef struct
{
  char *folder;
  char *pool_path;
  VbPool *pool;
  char *vps;
} StorageLab;

#define MIB ((guint64) 1024 * 1024)

/* As g_test_run(), but warnings in the log, which are meant to come, end no test. */
int storage_lab_run_tests (void);

StorageLab *storage_lab_new (void);

/* As above, with the pool in @pool_path, which may be on another file system. */
StorageLab *storage_lab_new_with_pool (const char *pool_path, const char *reserve);
void storage_lab_free (StorageLab *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StorageLab, storage_lab_free)

/* Runs a program; it must succeed. Returns: its output */
char *storage_lab_run (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Whether a program succeeds; its output is dropped. */
gboolean storage_lab_try (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* A path in the lab's folder. */
char *storage_lab_path (StorageLab *self, const char *name);

/* A new disk image with random data in several places, some of it zeros. @options: of qemu-img
 * create, or "" */
char *storage_lab_disk (StorageLab *self,
                        const char *name,
                        const char *format,
                        guint64 size,
                        const char *options);

/* Writes random data into an image. */
void storage_lab_scribble (const char *path, const char *format, guint64 offset, guint64 length);

/* Both images show the same disk. */
void
storage_lab_assert_same (const char *format_a, const char *a, const char *format_b, const char *b);

/* What a hypervisor would say of a VPS that is off, with one disk. */
VbCapture *storage_lab_capture (StorageLab *self, const char *path, const char *format);

/* Captures and commits. */
VbBackupInfo *storage_lab_back_up (StorageLab *self, const VbCapture *capture);

/* The path of a file of a backup. */
char *storage_lab_file (StorageLab *self, const char *backup, const char *name);

/* The chain of an image that says itself what is below it. */
VbImageChain *storage_lab_chain (const char *path, const char *format);

/* The VPS's disks, as the hypervisor lists them. */
GPtrArray *storage_lab_disks (const char *target, const char *path, const char *format);

/* Flips one bit. */
void storage_lab_flip (const char *path, guint64 offset);

/* How many entries a folder has. */
guint storage_lab_count (const char *folder);

/* Whether a process runs that has @text among its arguments. */
gboolean storage_lab_is_running (const char *text);

/* Mounts what this process alone sees, until it ends; skips the test and returns FALSE where that
 * is not allowed. */
gboolean
storage_lab_mount (const char *source, const char *folder, const char *type, const char *options);

/* Waits until @transfer has moved something; ends the test when that never happens. */
void storage_lab_wait_moving (VbTransfer *transfer);
