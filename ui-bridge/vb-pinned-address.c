/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-pinned-address.h"

struct _VbPinnedAddress
{
  GNetworkAddress parent_instance;

  GSocketAddress *address;
};

static void vb_pinned_address_connectable_init (GSocketConnectableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbPinnedAddress,
                               vb_pinned_address,
                               G_TYPE_NETWORK_ADDRESS,
                               G_IMPLEMENT_INTERFACE (G_TYPE_SOCKET_CONNECTABLE,
                                                      vb_pinned_address_connectable_init))

/* A socket address is a connectable of itself. */
static GSocketAddressEnumerator *
vb_pinned_address_enumerate (GSocketConnectable *connectable)
{
  return g_socket_connectable_enumerate (
      G_SOCKET_CONNECTABLE (VB_PINNED_ADDRESS (connectable)->address));
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
  g_clear_object (&VB_PINNED_ADDRESS (object)->address);
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
}

VbPinnedAddress *
vb_pinned_address_new (const char *host, guint16 port, GInetAddress *address)
{
  VbPinnedAddress *self
      = g_object_new (VB_TYPE_PINNED_ADDRESS, "hostname", host, "port", (guint) port, NULL);

  self->address = g_inet_socket_address_new (address, port);
  return self;
}
