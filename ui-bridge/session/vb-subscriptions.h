/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbSubscriptions:
 *
 * Who listens to which VPS. A listener names VPSs one by one, or listens to all of them, also those
 * that appear later, but for some that it has left out. Listeners are plain pointers, not owned.
 * Main context only.
 */
typedef struct _VbSubscriptions VbSubscriptions;

VbSubscriptions *vb_subscriptions_new (void);
void vb_subscriptions_free (VbSubscriptions *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbSubscriptions, vb_subscriptions_free)

/** vb_subscriptions_add: @vps: (nullable): UUID, %NULL for all */
void vb_subscriptions_add (VbSubscriptions *self, gpointer listener, const char *vps);
/** vb_subscriptions_remove: @vps: (nullable): UUID, %NULL for everything of @listener */
void vb_subscriptions_remove (VbSubscriptions *self, gpointer listener, const char *vps);

/**
 * VbSubscriptionsFunc:
 * Returns: whether @vps stays subscribed
 */
typedef gboolean (*VbSubscriptionsFunc) (const char *vps, gpointer user_data);

/** vb_subscriptions_retain: drops those VPSs that @listener has named and @func does not want to
 * keep */
void vb_subscriptions_retain (VbSubscriptions *self,
                              gpointer listener,
                              VbSubscriptionsFunc func,
                              gpointer user_data);

/** vb_subscriptions_collect: Returns: (transfer container) (nullable): who listens to @vps, each
 * once; %NULL for nobody */
GPtrArray *vb_subscriptions_collect (VbSubscriptions *self, const char *vps);

G_END_DECLS
