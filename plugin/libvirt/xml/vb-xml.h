/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>

G_BEGIN_DECLS

G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlDoc, xmlFreeDoc)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlXPathContext, xmlXPathFreeContext)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlXPathObject, xmlXPathFreeObject)

/**
 * vb_xml_parse:
 * @text: an XML document
 *
 * Never reads the network or another file, and prints nothing.
 *
 * Returns: (transfer full) (nullable): the document, %NULL when it is not well formed
 */
xmlDoc *vb_xml_parse (const char *text);

/** vb_xml_find: Returns: (transfer full): the nodes that @path finds below @node (%NULL: the whole
 * document) */
xmlXPathObject *vb_xml_find (xmlXPathContext *context, xmlNode *node, const char *path);

/** vb_xml_has: Returns: whether @path finds anything below @node */
gboolean vb_xml_has (xmlXPathContext *context, xmlNode *node, const char *path);

/** vb_xml_text: Returns: (transfer full) (nullable): text of the first thing that @path finds below
 * @node, if not empty */
char *vb_xml_text (xmlXPathContext *context, xmlNode *node, const char *path);

G_END_DECLS
