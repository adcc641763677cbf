/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-pinned-address.h"

struct _VbPinnedAddress
{
  GNetworkAddress parent_instance;

  GPtrArray *addresses; /* GSocketAddress */
};

/* Hands out the addresses one after the other. */
#define VB_TYPE_PINNED_ENUMERATOR (vb_pinned_enumerator_get_type ())
G_DECLARE_FINAL_TYPE (VbPinnedEnumerator,
                      vb_pinned_enumerator,
                      VB,
                      PINNED_ENUMERATOR,
                      GSocketAddressEnumerator)

struct _VbPinnedEnumerator
{
  GSocketAddressEnumerator parent_instance;

  GPtrArray *addresses;
  guint next;
};

G_DEFINE_FINAL_TYPE (VbPinnedEnumerator, vb_pinned_enumerator, G_TYPE_SOCKET_ADDRESS_ENUMERATOR)

static void vb_pinned_address_connectable_init (GSocketConnectableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbPinnedAddress,
                               vb_pinned_address,
                               G_TYPE_NETWORK_ADDRESS,
                               G_IMPLEMENT_INTERFACE (G_TYPE_SOCKET_CONNECTABLE,
                                                      vb_pinned_address_connectable_init))

/* ---- one after the other ---- */

static GSocketAddress *
vb_pinned_enumerator_next (GSocketAddressEnumerator *enumerator,
                           GCancellable *cancellable,
                           GError **error)
{
  VbPinnedEnumerator *self = VB_PINNED_ENUMERATOR (enumerator);

  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || self->next == self->addresses->len)
    return NULL;
  return g_object_ref (g_ptr_array_index (self->addresses, self->next++));
}

static void
vb_pinned_enumerator_finalize (GObject *object)
{
  g_clear_pointer (&VB_PINNED_ENUMERATOR (object)->addresses, g_ptr_array_unref);
  G_OBJECT_CLASS (vb_pinned_enumerator_parent_class)->finalize (object);
}

static void
vb_pinned_enumerator_class_init (VbPinnedEnumeratorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_pinned_enumerator_finalize;
  G_SOCKET_ADDRESS_ENUMERATOR_CLASS (klass)->next = vb_pinned_enumerator_next;
}

static void
vb_pinned_enumerator_init (VbPinnedEnumerator *self)
{
}

/* ---- the address ---- */

static GSocketAddressEnumerator *
vb_pinned_address_enumerate (GSocketConnectable *connectable)
{
  VbPinnedEnumerator *enumerator = g_object_new (VB_TYPE_PINNED_ENUMERATOR, NULL);

  enumerator->addresses = g_ptr_array_ref (VB_PINNED_ADDRESS (connectable)->addresses);
  return G_SOCKET_ADDRESS_ENUMERATOR (enumerator);
}

static void
vb_pinned_address_connectable_init (GSocketConnectableIface *iface)
{
  iface->enumerate = vb_pinned_address_enumerate;
  /* No proxy: it would resolve the name for itself. */
  iface->proxy_enumerate = vb_pinned_address_enumerate;
}

static void
vb_pinned_address_finalize (GObject *object)
{
  g_clear_pointer (&VB_PINNED_ADDRESS (object)->addresses, g_ptr_array_unref);
  G_OBJECT_CLASS (vb_pinned_address_parent_class)->finalize (object);
}

static void
vb_pinned_address_class_init (VbPinnedAddressClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_pinned_address_finalize;
}

static void
vb_pinned_address_init (VbPinnedAddress *self)
{
  self->addresses = g_ptr_array_new_with_free_func (g_object_unref);
}

VbPinnedAddress *
vb_pinned_address_new (const char *host, guint16 port, GList *addresses)
{
  VbPinnedAddress *self
      = g_object_new (VB_TYPE_PINNED_ADDRESS, "hostname", host, "port", (guint) port, NULL);

  for (; addresses != NULL; addresses = addresses->next)
    g_ptr_array_add (self->addresses, g_inet_socket_address_new (addresses->data, port));
  return self;
}
