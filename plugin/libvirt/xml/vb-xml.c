/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-xml.h"

#include <string.h>

xmlDoc *
vb_xml_parse (const char *text)
{
  return xmlReadMemory (text, (int) strlen (text), "libvirt.xml", NULL,
                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

xmlXPathObject *
vb_xml_find (xmlXPathContext *context, xmlNode *node, const char *path)
{
  context->node = node != NULL ? node : xmlDocGetRootElement (context->doc);
  return xmlXPathEvalExpression (BAD_CAST path, context);
}

gboolean
vb_xml_has (xmlXPathContext *context, xmlNode *node, const char *path)
{
  g_autoptr (xmlXPathObject) found = vb_xml_find (context, node, path);

  return found != NULL && found->nodesetval != NULL && found->nodesetval->nodeNr > 0;
}

char *
vb_xml_text (xmlXPathContext *context, xmlNode *node, const char *path)
{
  g_autoptr (xmlXPathObject) found = vb_xml_find (context, node, path);
  xmlChar *content;
  char *text;

  if (found == NULL || found->nodesetval == NULL || found->nodesetval->nodeNr == 0)
    return NULL;
  content = xmlNodeGetContent (found->nodesetval->nodeTab[0]);
  text = content != NULL && content[0] != '\0' ? g_strdup ((const char *) content) : NULL;
  xmlFree (content);
  return text;
}
