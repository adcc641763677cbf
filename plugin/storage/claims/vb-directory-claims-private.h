/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by vb-directory-claims.c, its thread and lifecycle, and vb-directory-claims-take.c, what
 * others ask of it. */

#include "vb-claim-watch.h"
#include "vb-directory-claims.h"

G_BEGIN_DECLS

typedef struct
{
  VbClaimRecord *record;
  guint count;       /* 0: given back, but the file may still be there */
  gint64 renewed_us; /* by the clock that runs on while the machine sleeps: when the last renewal
                        that succeeded began */
  gboolean lost;
  gboolean failing; /* it was said that it cannot be renewed */
} VbHeldClaim;

struct _VbDirectoryClaims
{
  GObject parent_instance;

  VbPoolHandle *root;
  char *owner;
  guint timeout_s;

  GMutex io; /* held while files are worked on; protects watch; taken before mutex */
  VbClaimWatch *watch;

  GMutex mutex; /* protects the rest; never held while files are worked on */
  GCond changed;
  GHashTable *held;      /* VPS → VbHeldClaim */
  GHashTable *elsewhere; /* set of VPSs that others hold */
  GHashTable *expired;   /* set of VPSs whose claim has expired */
  gboolean remains;      /* something was taken over since bury() */
  gboolean running;
  gboolean poked;
  gboolean stopped;
};

/** vb_directory_claims_now_us: by the clock that runs on while the machine sleeps */
gint64 vb_directory_claims_now_us (void);

/** vb_directory_claims_open: Returns: a descriptor of the folder of claims, or -1; @root: (out):
 * one of the pool's folder */
int vb_directory_claims_open (VbDirectoryClaims *self, gboolean create, int *root, GError **error);

/** vb_directory_claims_renew: caller holds io. Returns: %FALSE when it could not be, or is not ours
 * any more */
gboolean vb_directory_claims_renew (VbDirectoryClaims *self,
                                    int folder,
                                    const char *vps,
                                    VbHeldClaim *claim,
                                    GError **error);

/** vb_directory_claims_poke: caller holds mutex: the thread renews and watches now */
void vb_directory_claims_poke (VbDirectoryClaims *self);

void vb_directory_claims_iface_init (VbClaimsInterface *iface);

G_END_DECLS
