// SPDX-License-Identifier: LGPL-2.1-or-later
// The protocol's objects, the elements with their properties and events, and the store's state: for JSDoc, and for pages that are
// written in TypeScript. JSX is in react.d.ts, templates are in vue.d.ts and svelte.d.ts.

export type Reason =
  | 'not_found' | 'forbidden' | 'slots_full' | 'slots_in_use' | 'operation_running' | 'backup_not_ready'
  | 'pool_unavailable' | 'insufficient_space' | 'unsupported_disk' | 'disk_missing' | 'disk_busy' | 'disk_unavailable'
  | 'disk_too_large' | 'definition_differs' | 'hypervisor_unavailable' | 'journal_unavailable'
  | 'checksum_mismatch' | 'too_late' | 'cancelled' | 'interrupted' | 'rate_limited' | 'too_busy' | 'internal';

export type Power = 'running' | 'stopped' | 'paused' | 'crashed';
export type Status = Power | 'creating_backup' | 'restoring_backup';
export type PowerAction = 'start' | 'stop' | 'restart';

export interface Slots {
  used: number;
  total: number;
  included: number;
  extra: number;
  step: number;
  maximum: number;
  billable_steps: number;
}

export interface Backup {
  id: string;
  name: string;
  state: 'queued' | 'creating' | 'available' | 'restoring';
  progress: number | null;
  size_bytes: number | null;
  /** what deleting it would free, when that is known */
  unique_bytes?: number;
  /** the point in time; null until it is known */
  created_at: string | null;
  completed_at: string | null;
  consistency: 'filesystem' | 'crash' | 'offline';
  incremental: boolean;
  /** it cannot be deleted before that is taken back; missing, as all that follow, in older services */
  protected?: boolean;
  scheduled?: boolean;
  /** what was read back is not what was written: it cannot be restored */
  damaged?: boolean;
  /** when all of it was read back last and found whole */
  verified_at?: string | null;
  disks: { target: string; virtual_size_bytes: number; size_bytes: number }[];
}

export interface Schedule {
  /** HH:MM, the first time of day; calendar needs none */
  at?: string;
  /** mon, tue and so on; missing: all */
  days?: string[];
  /** around the clock; missing: once a day */
  every_hours?: number;
  /** in the place of at, days and every_hours, as systemd writes it */
  calendar?: string;
  keep: number;
  /** also the last one of each of so many days, weeks, months */
  keep_daily?: number;
  keep_weekly?: number;
  keep_monthly?: number;
  jitter_minutes?: number;
  zone?: string;
}

export interface ScheduleEntry {
  id: string;
  schedule: Schedule;
  next_run_at: string | null;
  /** most backups that it keeps at a time */
  slots_needed: number;
}

export interface SchedulePreview {
  next_runs: string[];
  /** newest first, once it has run for long enough */
  kept: { at: string; rules: ('last' | 'daily' | 'weekly' | 'monthly')[] }[];
  /** ids of the backups that the next run removes */
  removes: string[];
  /** by all schedules of the VPS, with this one */
  slots_needed: number;
  slots_total: number;
  fits: boolean;
}

export interface Operation {
  id: string;
  kind: 'create' | 'restore' | 'undo';
  backup: string;
  state: 'queued' | 'preparing' | 'copying' | 'finishing' | 'completed' | 'failed' | 'cancelled';
  progress: number;
  bytes_done: number;
  bytes_total: number;
  rate_bytes_per_s: number;
  eta_s: number | null;
  stalled: boolean;
  /** of a restore: the backup of the present state, until it is complete */
  first_backup?: string;
  /** an instant restore: the VPS runs already, its data is filled in behind; missing in older services */
  usable?: boolean;
  started_at: string;
  ended_at: string | null;
  error: { reason: Reason; message: string } | null;
}

/** What the last restore has replaced, and until when it is kept. */
export interface Undo {
  backup: string;
  restored_at: string;
  until: string;
}

export interface Vps {
  vps: string;
  name: string;
  power: Power;
  status: Status;
  power_actions: Record<PowerAction, boolean>;
  slots: Slots;
  can_create: { allowed: boolean; reason: Reason | null };
  operation: Operation | null;
  backups: Backup[];
  /** missing, as the next ones, in older services */
  schedule?: Schedule | null;
  /** all of them, schedule is the first */
  schedules?: ScheduleEntry[];
  next_run_at?: string | null;
  undo?: Undo | null;
  seq: number;
}

export interface BackupNotification {
  id: number;
  type:
    | 'backup_completed' | 'backup_failed' | 'restore_completed' | 'restore_failed' | 'undo_completed' | 'undo_failed'
    | 'operation_stalled' | 'schedule_skipped' | 'backup_damaged'
    | 'journal_lost' | 'restore_unfinished';
  vps: string;
  vps_name: string;
  /** null, as the next two, when a schedule was skipped */
  backup: string | null;
  backup_name: string | null;
  operation: string | null;
  reason: Reason | null;
  created_at: string;
  read: boolean;
}

/** Who has done what to a VPS. */
export interface Activity {
  id: number;
  at: string;
  /** sub of the token, operator or schedule */
  by: string;
  method: string;
  vps: string;
  target: string | null;
}

export interface SessionInfo {
  server: { name: string; version: string };
  subject: string;
  permissions: string[];
  vps: string[] | '*';
  expires_at: string | null;
  /** without progress for so long an operation counts as stalled; missing in older services */
  stall_timeout_s?: number;
  /** what this service can do besides; missing in older services */
  features?: ('activity' | 'instant' | 'backup_first' | 'undo' | string)[];
}

/**
 * connecting: a socket is being opened; open: live; waiting: lost, the next try comes at `retryAt`;
 * ended: the token is refused and no other one is to be had.
 */
export type ConnectionState = 'connecting' | 'open' | 'waiting' | 'ended';

/** Answers a token that is valid now. A second call within a session means that the first one is used up. */
export type GetToken = () => string | null | Promise<string | null>;

export type View = 'overview' | 'backups' | 'resources';

/** The elements' events; all bubble and leave the shadow root. */
export interface BackupEvents {
  'vps-backup-status': CustomEvent<{ vps: string; status: Status; power: Power; operation: Operation | null }>;
  'vps-backup-connection': CustomEvent<{ state: ConnectionState }>;
  'vps-backup-notification': CustomEvent<BackupNotification>;
  'vps-backup-open': CustomEvent<{ vps: string; view: View }>;
  'vps-backup-view': CustomEvent<{ vps: string; view: View }>;
  /** a file of ours is gone: the service has been replaced, and the page is to be loaded again */
  'vps-backup-outdated': CustomEvent<{}>;
  'vps-backup-slots-request': CustomEvent<{ vps: string; total: number; billable_steps: number }>;
}

/** What can be set on every element: as a property, and, strings and numbers, as an attribute with hyphens. */
export interface BackupProperties {
  endpoint?: string | null;
  vps?: string | null;
  token?: string | null;
  tokenUrl?: string | null;
  getToken?: GetToken | null;
  lang?: string;
  theme?: 'light' | 'dark' | null;
}

export interface ResourcesProperties extends BackupProperties {
  price?: number | string | null;
  currency?: string | null;
  slotsRequest?: boolean;
}

export interface PanelProperties extends BackupProperties {
  supportUrl?: string | null;
}

export interface NotificationsProperties extends BackupProperties {
  serviceWorker?: string | null;
  pushUrl?: string | null;
}

export interface CardProperties extends BackupProperties {
  kind?: 'backups' | 'latest' | 'slots' | null;
  href?: string | null;
}

export interface OverviewProperties extends BackupProperties {
  compact?: boolean;
}

export interface AppProperties extends ResourcesProperties, PanelProperties, NotificationsProperties {
  view?: View | null;
}

/** The properties of each element. */
export interface BackupElementProperties {
  'vps-backup-app': AppProperties;
  'vps-backup-overview': OverviewProperties;
  'vps-backup-card': CardProperties;
  'vps-backup-panel': PanelProperties;
  'vps-backup-resources': ResourcesProperties;
  'vps-backup-list': BackupProperties;
  'vps-backup-notifications': NotificationsProperties;
}

type WithEvents<Properties> = HTMLElement &
  Required<Properties> & {
    addEventListener<Name extends keyof BackupEvents>(
      type: Name, listener: (event: BackupEvents[Name]) => void, options?: boolean | AddEventListenerOptions): void;
    removeEventListener<Name extends keyof BackupEvents>(
      type: Name, listener: (event: BackupEvents[Name]) => void, options?: boolean | EventListenerOptions): void;
  };

export type AppElement = WithEvents<AppProperties> & { /** the VPS that is shown */ current: string };
export type OverviewElement = WithEvents<OverviewProperties>;
export type CardElement = WithEvents<CardProperties>;
export type PanelElement = WithEvents<PanelProperties>;
export type ResourcesElement = WithEvents<ResourcesProperties>;
export type ListElement = WithEvents<BackupProperties>;
export type NotificationsElement = WithEvents<NotificationsProperties>;

/** Speaks another language from now on; with messages of your own, see README. */
export declare function setLanguage(
  wanted?: string, own?: Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>): Promise<void>;

declare global {
  interface HTMLElementTagNameMap {
    'vps-backup-app': AppElement;
    'vps-backup-overview': OverviewElement;
    'vps-backup-card': CardElement;
    'vps-backup-panel': PanelElement;
    'vps-backup-resources': ResourcesElement;
    'vps-backup-list': ListElement;
    'vps-backup-notifications': NotificationsElement;
  }
  interface HTMLElementEventMap extends BackupEvents {}
  interface DocumentEventMap extends BackupEvents {}
}

/** The store's; not for pages. */
export interface State {
  connection: ConnectionState;
  /** milliseconds since 1970, while waiting */
  retryAt: number | null;
  /** the service answers, but not to this page */
  refused: boolean;
  info: SessionInfo | null;
  vps: Map<string, Vps>;
  /** UUIDs that the server does not know, or not for this token */
  missing: Set<string>;
  /** of each watched VPS the latest operations, newest first */
  operations: Map<string, Operation[]>;
  /** id of an operation → who began it, where the service tells */
  authors: Map<string, string>;
  /** oldest first */
  notifications: BackupNotification[];
}
