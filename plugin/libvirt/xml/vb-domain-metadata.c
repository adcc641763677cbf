/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-domain-metadata.h"

#include <string.h>

#include "core/base/vb-error.h"

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

static gint64
read_number (const char *text, const char *unit, gint64 fallback)
{
  guint64 number;

  if (text == NULL)
    return fallback;
  g_autofree char *digits = g_str_has_suffix (text, unit)
                                ? g_strndup (text, strlen (text) - strlen (unit))
                                : g_strdup (text);
  if (!g_ascii_string_to_unsigned (digits, 10, 0, G_MAXINT32, &number, NULL))
    return -1;
  return (gint64) number;
}

static VbSchedule *
read_schedule (xmlXPathContext *context, xmlNode *node, GError **error)
{
  g_autofree char *id = vb_xml_text (context, node, "@id");
  g_autofree char *at = vb_xml_text (context, node, "@at");
  g_autofree char *days = vb_xml_text (context, node, "@days");
  g_autofree char *every = vb_xml_text (context, node, "@every");
  g_autofree char *calendar = vb_xml_text (context, node, "@calendar");
  g_autofree char *jitter = vb_xml_text (context, node, "@jitter");
  g_autofree char *zone = vb_xml_text (context, node, "@zone");
  g_autofree char *keep = vb_xml_text (context, node, "@keep");
  g_autofree char *daily = vb_xml_text (context, node, "@keep-daily");
  g_autofree char *weekly = vb_xml_text (context, node, "@keep-weekly");
  g_autofree char *monthly = vb_xml_text (context, node, "@keep-monthly");
  const VbScheduleForm form = { .id = id,
                                .at = at,
                                .days = days,
                                .every_hours = read_number (every, "h", 0),
                                .calendar = calendar,
                                .jitter_minutes = read_number (jitter, "m", 0),
                                .zone = zone,
                                .keep = read_number (keep, "", -1),
                                .keep_daily = read_number (daily, "", 0),
                                .keep_weekly = read_number (weekly, "", 0),
                                .keep_monthly = read_number (monthly, "", 0) };

  return vb_schedule_new (&form, error);
}

/* The first of an id counts. */
static GPtrArray *
add_schedule (GPtrArray *schedules, VbSchedule *schedule, GError **error)
{
  const char *id = vb_schedule_get_id (schedule);
  GPtrArray *more;

  if (vb_schedules_find (schedules, id) != NULL
      || (schedules != NULL && schedules->len == VB_SCHEDULES_MAX))
    {
      if (*error == NULL)
        g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                     "id: %s is there already, or there are too many schedules.", id);
      return schedules;
    }
  more = vb_schedules_with (schedules, id, schedule);
  g_clear_pointer (&schedules, g_ptr_array_unref);
  return more;
}

GPtrArray *
vb_domain_metadata_get_schedules (xmlXPathContext *context, GError **error)
{
  g_autoptr (xmlXPathObject) found = vb_xml_find (context, NULL, ELEMENT (SCHEDULE));
  GPtrArray *schedules = NULL;
  g_autoptr (GError) first = NULL;

  for (int i = 0; found != NULL && found->nodesetval != NULL && i < found->nodesetval->nodeNr; i++)
    {
      g_autoptr (VbSchedule) schedule
          = read_schedule (context, found->nodesetval->nodeTab[i], first == NULL ? &first : NULL);
      if (schedule != NULL)
        schedules = add_schedule (schedules, schedule, &first);
    }
  if (first != NULL)
    g_propagate_error (error, g_steal_pointer (&first));
  return schedules;
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

typedef struct
{
  const char *id;
  const VbSchedule *schedule;
} ScheduleEdit;

static void
set_text (xmlNode *child, const char *name, const char *value)
{
  if (value != NULL)
    xmlSetProp (child, BAD_CAST name, BAD_CAST value);
  else
    xmlUnsetProp (child, BAD_CAST name);
}

static void
set_number (xmlNode *child, const char *name, guint number, const char *unit)
{
  g_autofree char *text = g_strdup_printf ("%u%s", number, unit);

  set_text (child, name, text);
}

static void
set_rule (xmlNode *child, const char *name, guint number)
{
  if (number > 0)
    set_number (child, name, number, "");
  else
    set_text (child, name, NULL);
}

/* Older versions of the service know the first schedule, once a day. */
static gboolean
edit_schedule (xmlNode *child, gconstpointer data)
{
  const ScheduleEdit *edit = data;
  const VbSchedule *schedule = edit->schedule;

  if (schedule == NULL)
    return FALSE;
  const VbCalendar *calendar = vb_schedule_get_calendar (schedule);
  const VbKeep *keep = vb_schedule_get_keep (schedule);
  gboolean plain = vb_schedule_is_plain (schedule);
  guint step = vb_calendar_get_step (calendar);
  g_autofree char *days = plain ? vb_schedule_get_days (schedule) : NULL;
  g_autofree char *every = plain && step < 24 ? g_strdup_printf ("%uh", step) : NULL;
  g_autofree char *text = plain ? NULL : vb_calendar_to_string (calendar);
  set_text (child, "id", g_str_equal (edit->id, VB_SCHEDULE_FIRST) ? NULL : edit->id);
  set_text (child, "at", vb_schedule_get_at (schedule));
  set_text (child, "days", days);
  set_text (child, "every", every);
  set_text (child, "calendar", text);
  set_number (child, "jitter", vb_schedule_get_jitter_minutes (schedule), "m");
  set_number (child, "keep", keep->last, "");
  set_rule (child, "keep-daily", keep->daily);
  set_rule (child, "keep-weekly", keep->weekly);
  set_rule (child, "keep-monthly", keep->monthly);
  set_text (child, "zone", vb_schedule_get_zone (schedule));
  return TRUE;
}

static gboolean
has_id (xmlNode *child, const char *id)
{
  xmlChar *its = xmlGetNoNsProp (child, BAD_CAST "id");
  gboolean has = g_strcmp0 (its != NULL ? (const char *) its : VB_SCHEDULE_FIRST, id) == 0;

  xmlFree (its);
  return has;
}

/* @id: (nullable): of several of that name */
static xmlNode *
find_child (xmlNode *root, const char *name, const char *id)
{
  for (xmlNode *child = root->children; child != NULL; child = child->next)
    if (child->type == XML_ELEMENT_NODE && child->ns == root->ns
        && xmlStrEqual (child->name, BAD_CAST name) && (id == NULL || has_id (child, id)))
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
edit_element (const char *element, const char *name, const char *id, Edit edit, gconstpointer data)
{
  g_autoptr (xmlDoc) document = parse_element (element);
  xmlNode *root = xmlDocGetRootElement (document);
  xmlNode *child = find_child (root, name, id);
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
  return edit_element (element, SLOTS, NULL, edit_slots, &total);
}

char *
vb_domain_metadata_edit_schedule (const char *element, const char *id, const VbSchedule *schedule)
{
  const ScheduleEdit edit = { id, schedule };

  return edit_element (element, SCHEDULE, id, edit_schedule, &edit);
}
