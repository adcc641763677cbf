// SPDX-License-Identifier: LGPL-2.1-or-later
// What the panel takes for a WebSocket is "vps-backupctl rpc" on the host, with the rights of an administrator.

const PROBE = 'cockpit';

/** @param {(problem: string) => void} tell what keeps the command from working; empty: nothing */
export function socketOf(tell) {
  return class CommandSocket {
    /** @type {(() => void) | null} */
    onopen = null;
    /** @type {((event: {data: string}) => void) | null} */
    onmessage = null;
    /** @type {((event: {code: number}) => void) | null} */
    onclose = null;
    #process;
    #rest = '';

    constructor() {
      this.#process = cockpit.spawn(['vps-backupctl', 'rpc'], { superuser: 'require', err: 'message' });
      this.#process.stream((data) => this.#receive(data));
      this.#process.then(
        () => this.#end(''),
        (error) => this.#end(error.message || error.problem),
      );
      // A command has no moment at which it is connected but its first answer.
      this.send(JSON.stringify({ jsonrpc: '2.0', id: PROBE, method: 'session.info' }));
    }

    send(text) {
      this.#process.input(`${text}\n`, true);
    }

    close() {
      this.#process.close();
    }

    #receive(data) {
      const lines = (this.#rest + data).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.includes(`"id":"${PROBE}"`)) {
          tell('');
          this.onopen?.();
        } else this.onmessage?.({ data: line });
      }
    }

    #end(problem) {
      if (!this.onclose) return;
      tell(problem);
      this.onclose({ code: 1006 });
    }
  };
}
