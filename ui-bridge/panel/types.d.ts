// SPDX-License-Identifier: LGPL-2.1-or-later
// The protocol's objects and the store's state, for JSDoc and for panels written in TypeScript. Not served.

export type Reason =
  | 'not_found' | 'forbidden' | 'slots_full' | 'slots_in_use' | 'operation_running' | 'backup_not_ready'
  | 'pool_unavailable' | 'insufficient_space' | 'unsupported_disk' | 'disk_missing' | 'hypervisor_unavailable'
  | 'checksum_mismatch' | 'too_late' | 'cancelled' | 'interrupted' | 'rate_limited' | 'internal';

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
  /** the point in time; null until it is known */
  created_at: string | null;
  completed_at: string | null;
  consistency: 'filesystem' | 'crash' | 'offline';
  incremental: boolean;
  /** it cannot be deleted before that is taken back; missing in older services */
  protected?: boolean;
  scheduled?: boolean;
  disks: { target: string; virtual_size_bytes: number; size_bytes: number }[];
}

export interface Schedule {
  /** HH:MM */
  at: string;
  keep: number;
  jitter_minutes?: number;
  zone?: string;
}

export interface Operation {
  id: string;
  kind: 'create' | 'restore';
  backup: string;
  state: 'queued' | 'preparing' | 'copying' | 'finishing' | 'completed' | 'failed' | 'cancelled';
  progress: number;
  bytes_done: number;
  bytes_total: number;
  rate_bytes_per_s: number;
  eta_s: number | null;
  stalled: boolean;
  started_at: string;
  ended_at: string | null;
  error: { reason: Reason; message: string } | null;
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
  /** missing, as the next, in older services */
  schedule?: Schedule | null;
  next_run_at?: string | null;
  seq: number;
}

export interface Notification {
  id: number;
  type: 'backup_completed' | 'backup_failed' | 'restore_completed' | 'restore_failed' | 'operation_stalled' | 'schedule_skipped' | 'backup_damaged';
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

export interface SessionInfo {
  server: { name: string; version: string };
  subject: string;
  permissions: string[];
  vps: string[] | '*';
  expires_at: string | null;
  /** without progress for so long an operation counts as stalled; missing in older services */
  stall_timeout_s?: number;
}

/**
 * connecting: a socket is being opened; open: live; waiting: lost, the next try comes at `retryAt`;
 * ended: the token is refused and no other one is to be had.
 */
export type ConnectionState = 'connecting' | 'open' | 'waiting' | 'ended';

/** Answers a token that is valid now. A second call within a session means that the first one is used up. */
export type GetToken = () => string | null | Promise<string | null>;

export interface State {
  connection: ConnectionState;
  /** milliseconds since 1970, while waiting */
  retryAt: number | null;
  info: SessionInfo | null;
  vps: Map<string, Vps>;
  /** UUIDs that the server does not know, or not for this token */
  missing: Set<string>;
  /** newest ended or running operation of each watched VPS */
  lastOperation: Map<string, Operation>;
  /** oldest first */
  notifications: Notification[];
}
