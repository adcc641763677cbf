/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-definition.h"

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "vb-domain-metadata.h"
#include "vb-xml.h"

#define ROOT "backup"
#define NOTE "replaced"
#define CHAIN "chain"
#define SNAPSHOT "snapshot"

#define OUR_ROOT                                                                                   \
  "/domain/metadata/*[local-name()='" ROOT "' and namespace-uri()='" VB_DOMAIN_METADATA_URI "']"
#define OUR_NOTE OUR_ROOT "/*[local-name()='" NOTE "']"

/* A definition that is being changed. */
typedef struct
{
  xmlDoc *document;
  xmlXPathContext *context;
} Editor;

static void
editor_clear (Editor *editor)
{
  g_clear_pointer (&editor->context, xmlXPathFreeContext);
  g_clear_pointer (&editor->document, xmlFreeDoc);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Editor, editor_clear)

static gboolean
editor_open (Editor *editor, const char *xml, GError **error)
{
  editor->document = vb_xml_parse (xml);
  editor->context = editor->document != NULL ? xmlXPathNewContext (editor->document) : NULL;
  if (editor->context != NULL && vb_xml_has (editor->context, NULL, "/domain"))
    return TRUE;
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL,
                       "The permanent definition of the VPS is not understood");
  return FALSE;
}

static char *
editor_print (Editor *editor)
{
  xmlChar *text = NULL;
  char *copy;
  int length;

  xmlDocDumpMemory (editor->document, &text, &length);
  copy = g_strdup ((const char *) text);
  xmlFree (text);
  return copy;
}

static xmlNode *
find_first (Editor *editor, xmlNode *node, const char *path)
{
  g_autoptr (xmlXPathObject) found = vb_xml_find (editor->context, node, path);

  return found != NULL && found->nodesetval != NULL && found->nodesetval->nodeNr > 0
             ? found->nodesetval->nodeTab[0]
             : NULL;
}

static void
remove_node (xmlNode *node)
{
  if (node == NULL)
    return;
  xmlUnlinkNode (node);
  xmlFreeNode (node);
}

/* Targets come from libvirt, but they are a guest's or a customer's choice: never part of a
 * path. */
static xmlNode *
find_disk (Editor *editor, const char *target)
{
  g_autoptr (xmlXPathObject) found = vb_xml_find (editor->context, NULL, "/domain/devices/disk");

  for (int i = 0; found != NULL && found->nodesetval != NULL && i < found->nodesetval->nodeNr; i++)
    {
      xmlNode *node = found->nodesetval->nodeTab[i];
      g_autofree char *name = vb_xml_text (editor->context, node, "target/@dev");

      if (g_strcmp0 (name, target) == 0)
        return node;
    }
  return NULL;
}

static xmlNode *
child (Editor *editor, xmlNode *parent, const char *name, const char *path)
{
  xmlNode *found = find_first (editor, NULL, path);

  return found != NULL ? found : xmlNewChild (parent, parent->ns, BAD_CAST name, NULL);
}

static xmlNode *
our_root (Editor *editor)
{
  xmlNode *domain = xmlDocGetRootElement (editor->document);
  xmlNode *metadata = child (editor, domain, "metadata", "/domain/metadata");
  xmlNode *root = find_first (editor, NULL, OUR_ROOT);

  if (root != NULL)
    return root;
  root = xmlNewChild (metadata, NULL, BAD_CAST ROOT, NULL);
  xmlSetNs (root, xmlNewNs (root, BAD_CAST VB_DOMAIN_METADATA_URI, BAD_CAST "vps-backup"));
  return root;
}

/* --- taking out --- */

static xmlNode *
add_note (Editor *editor)
{
  xmlNode *root = our_root (editor);

  return child (editor, root, NOTE, OUR_NOTE);
}

static char *
print_node (Editor *editor, xmlNode *node)
{
  xmlBuffer *buffer = xmlBufferCreate ();
  char *text;

  xmlNodeDump (buffer, editor->document, node, 0, 0);
  text = g_strdup ((const char *) xmlBufferContent (buffer));
  xmlBufferFree (buffer);
  return text;
}

/* Returns: whether there was a chain */
static gboolean
take_out_chain (Editor *editor, const char *target)
{
  xmlNode *disk = find_disk (editor, target);
  xmlNode *chain = disk != NULL ? find_first (editor, disk, "backingStore[*]") : NULL;
  g_autofree char *text = NULL;
  xmlNode *entry;

  if (chain == NULL)
    return FALSE;
  text = print_node (editor, chain);
  remove_node (chain);
  entry = xmlNewTextChild (add_note (editor), NULL, BAD_CAST CHAIN, BAD_CAST text);
  xmlSetNs (entry, entry->parent->ns);
  xmlSetProp (entry, BAD_CAST "target", BAD_CAST target);
  return TRUE;
}

gboolean
vb_definition_take_out (const char *xml,
                        const char *const *targets,
                        GPtrArray *snapshots,
                        char **changed,
                        GError **error)
{
  g_auto (Editor) editor = { NULL };
  xmlNode *old;
  gboolean any;

  *changed = NULL;
  if (!editor_open (&editor, xml, error))
    return FALSE;
  old = find_first (&editor, NULL, OUR_NOTE);
  any = old != NULL || snapshots->len > 0;
  remove_node (old);
  for (; *targets != NULL; targets++)
    any = take_out_chain (&editor, *targets) || any;
  for (guint i = 0; i < snapshots->len; i++)
    {
      xmlNode *note = add_note (&editor);
      xmlNode *entry
          = xmlNewTextChild (note, NULL, BAD_CAST SNAPSHOT, g_ptr_array_index (snapshots, i));

      xmlSetNs (entry, note->ns);
    }
  if (any)
    *changed = editor_print (&editor);
  return TRUE;
}

/* --- putting back --- */

static void
put_back_chain (Editor *editor, xmlNode *entry)
{
  g_autofree char *target = vb_xml_text (editor->context, entry, "@target");
  xmlChar *text = xmlNodeGetContent (entry);
  g_autoptr (xmlDoc) fragment = text != NULL ? vb_xml_parse ((const char *) text) : NULL;
  xmlNode *disk = find_disk (editor, target);

  xmlFree (text);
  if (disk == NULL || fragment == NULL)
    return;
  remove_node (find_first (editor, disk, "backingStore"));
  xmlAddChild (disk, xmlDocCopyNode (xmlDocGetRootElement (fragment), editor->document, 1));
}

gboolean
vb_definition_put_back (const char *xml, char **changed, GPtrArray **snapshots, GError **error)
{
  g_auto (Editor) editor = { NULL };
  xmlNode *note;

  *changed = NULL;
  *snapshots = g_ptr_array_new_with_free_func (g_free);
  if (!editor_open (&editor, xml, error))
    return FALSE;
  note = find_first (&editor, NULL, OUR_NOTE);
  if (note == NULL)
    return TRUE;
  for (xmlNode *entry = note->children; entry != NULL; entry = entry->next)
    if (entry->type != XML_ELEMENT_NODE)
      continue;
    else if (xmlStrEqual (entry->name, BAD_CAST CHAIN))
      put_back_chain (&editor, entry);
    else if (xmlStrEqual (entry->name, BAD_CAST SNAPSHOT))
      {
        xmlChar *text = xmlNodeGetContent (entry);

        g_ptr_array_add (*snapshots, g_strdup ((const char *) text));
        xmlFree (text);
      }
  remove_node (note);
  *changed = editor_print (&editor);
  return TRUE;
}

gboolean
vb_definition_settle (const char *xml, char **changed, GError **error)
{
  g_auto (Editor) editor = { NULL };
  xmlNode *note;

  *changed = NULL;
  if (!editor_open (&editor, xml, error))
    return FALSE;
  note = find_first (&editor, NULL, OUR_NOTE);
  if (note == NULL)
    return TRUE;
  remove_node (note);
  *changed = editor_print (&editor);
  return TRUE;
}

/* --- comparing --- */

static gboolean
differs (GError **error, const char *format, const char *target)
{
  g_autofree char *sentence = g_strdup_printf (format, target);

  g_set_error_literal (error, VB_ERROR, VB_ERROR_DEFINITION_DIFFERS, sentence);
  return FALSE;
}

static gboolean
is_drive (const VbDomainDisk *disk)
{
  return g_strcmp0 (disk->skipped, "cdrom") == 0 || g_strcmp0 (disk->skipped, "floppy") == 0;
}

static gboolean
compare_disk (const VbDomainDisk *live, VbDomainXml *permanent, GError **error)
{
  const VbDomainDisk *next = vb_domain_xml_find_disk (permanent, live->target);

  /* What lies in a drive comes and goes. */
  if (is_drive (live))
    return TRUE;
  if (next == NULL)
    return differs (error,
                    _ ("The disk %s is attached only until the VPS stops, and a restore stops it; "
                       "attach it permanently or detach it first."),
                    live->target);
  if (live->skipped == NULL
      && (next->skipped != NULL || g_strcmp0 (live->path, next->path) != 0
          || g_strcmp0 (live->format, next->format) != 0))
    return differs (error,
                    _ ("The disk %s will be another one when the VPS starts again; restart the VPS "
                       "first, or correct its definition."),
                    live->target);
  return TRUE;
}

gboolean
vb_definition_compare (VbDomainXml *live, VbDomainXml *permanent, GError **error)
{
  for (guint i = 0; i < live->disks->len; i++)
    if (!compare_disk (g_ptr_array_index (live->disks, i), permanent, error))
      return FALSE;
  if (live->nvram_path == NULL || permanent->nvram_path == NULL
      || g_str_equal (live->nvram_path, permanent->nvram_path))
    return TRUE;
  return differs (
      error,
      _ ("The UEFI variables (%s) will be others when the VPS starts again; restart the "
         "VPS first, or correct its definition."),
      "nvram");
}
