/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-domain-metadata.h"

#define ROOT "backup"
#define SLOTS "slots"
#define SCHEDULE "schedule"
#define ELEMENT(name)                                                                              \
  "/domain/metadata/*[local-name()='" ROOT "' and namespace-uri()='" VB_DOMAIN_METADATA_URI        \
  "']/*[local-name()='" name "']"

/* --- reading --- */

gint64
vb_domain_metadata_get_slots (xmlXPathContext *context)
{
  g_autofree char *text = vb_xml_text (context, NULL, ELEMENT (SLOTS) "/@total");
  guint64 total;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32, &total, NULL))
    return -1;
  return (gint64) total;
}

gboolean
vb_domain_metadata_forbids_bitmaps (xmlXPathContext *context)
{
  return vb_xml_has (context, NULL, ELEMENT ("bitmaps") "[@keep='no']");
}

VbSchedule *
vb_domain_metadata_get_schedule (xmlXPathContext *context, GError **error)
{
  g_autofree char *at = vb_xml_text (context, NULL, ELEMENT (SCHEDULE) "/@at");
  g_autofree char *jitter = vb_xml_text (context, NULL, ELEMENT (SCHEDULE) "/@jitter");
  g_autofree char *keep = vb_xml_text (context, NULL, ELEMENT (SCHEDULE) "/@keep");
  g_autofree char *zone = vb_xml_text (context, NULL, ELEMENT (SCHEDULE) "/@zone");

  return vb_xml_has (context, NULL, ELEMENT (SCHEDULE))
             ? vb_schedule_parse (at, jitter, keep, zone, error)
             : NULL;
}

/* --- changing: one child, and nothing else --- */

/* Changes @child, which is new when there was none yet; FALSE: it is to go. */
typedef gboolean (*Edit) (xmlNode *child, gconstpointer data);

static gboolean
edit_slots (xmlNode *child, gconstpointer data)
{
  g_autofree char *total = g_strdup_printf ("%u", *(const guint *) data);

  xmlSetProp (child, BAD_CAST "total", BAD_CAST total);
  return TRUE;
}

static gboolean
edit_schedule (xmlNode *child, gconstpointer data)
{
  const VbSchedule *schedule = data;

  if (schedule == NULL)
    return FALSE;
  g_autofree char *jitter = g_strdup_printf ("%um", vb_schedule_get_jitter_minutes (schedule));
  g_autofree char *keep = g_strdup_printf ("%u", vb_schedule_get_keep (schedule));
  xmlSetProp (child, BAD_CAST "at", BAD_CAST vb_schedule_get_at (schedule));
  xmlSetProp (child, BAD_CAST "jitter", BAD_CAST jitter);
  xmlSetProp (child, BAD_CAST "keep", BAD_CAST keep);
  xmlSetProp (child, BAD_CAST "zone", BAD_CAST vb_schedule_get_zone (schedule));
  return TRUE;
}

static xmlNode *
find_child (xmlNode *root, const char *name)
{
  for (xmlNode *child = root->children; child != NULL; child = child->next)
    if (child->type == XML_ELEMENT_NODE && child->ns == root->ns
        && xmlStrEqual (child->name, BAD_CAST name))
      return child;
  return NULL;
}

/* What has another name is nothing of ours. */
static xmlDoc *
parse_element (const char *element)
{
  g_autoptr (xmlDoc) document = element != NULL ? vb_xml_parse (element) : NULL;
  xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;

  if (root != NULL && xmlStrEqual (root->name, BAD_CAST ROOT))
    return g_steal_pointer (&document);
  return vb_xml_parse ("<" ROOT "/>");
}

static char *
edit_element (const char *element, const char *name, Edit edit, gconstpointer data)
{
  g_autoptr (xmlDoc) document = parse_element (element);
  xmlNode *root = xmlDocGetRootElement (document);
  xmlNode *child = find_child (root, name);
  xmlBuffer *buffer = xmlBufferCreate ();
  char *text;

  if (child == NULL)
    child = xmlNewChild (root, root->ns, BAD_CAST name, NULL);
  if (!edit (child, data))
    {
      xmlUnlinkNode (child);
      xmlFreeNode (child);
    }
  xmlNodeDump (buffer, document, root, 0, 0);
  text = g_strdup ((const char *) xmlBufferContent (buffer));
  xmlBufferFree (buffer);
  return text;
}

char *
vb_domain_metadata_edit_slots (const char *element, guint total)
{
  return edit_element (element, SLOTS, edit_slots, &total);
}

char *
vb_domain_metadata_edit_schedule (const char *element, const VbSchedule *schedule)
{
  return edit_element (element, SCHEDULE, edit_schedule, schedule);
}
