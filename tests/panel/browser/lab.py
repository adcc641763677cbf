# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real service, libvirt and guests for the browser tests, at the other end of a pipe.

One JSON object a line: {"id", "do", "with": {…}} is answered by {"id", "result"} or {"id", "error"}. Runs inside run-isolated.
"""

import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))

import guest as guests  # noqa: E402
import isolated  # noqa: E402
import service as services  # noqa: E402

MIB = 1 << 20
EVERYTHING = ["backup.read", "backup.create", "backup.restore", "backup.delete", "power"]


class Lab:
    """Each public method is a command."""

    def __init__(self):
        self._service = None
        self._guests = {}

    def start(self, **config):
        self._service = services.Service(**{**config, "operations": {"undo-window": "24h", **config.get("operations", {})}}).init_pool().start()
        return {"port": services.PORT}

    def configure(self, **config):
        """Other settings, and a restart in order if they are not in force."""
        wanted = {group: {**self._service.config.get(group, {}), **values} for group, values in config.items()}
        if all(self._service.config.get(group) == values for group, values in wanted.items()) and self._service.alive:
            return
        self._service.config.update(wanted)
        self._service.stop()
        self._service.write_config()
        self._service.start()

    def reset(self, **config):
        """As at the start: these settings, guests running, two slots, no backups."""
        self.configure(**config)
        with self._service.client() as client:
            for guest in self._guests.values():
                state = client.subscribe(guest.vps)
                if state["operation"]:
                    client.start("operation.cancel", vps=guest.vps, operation=state["operation"]["id"])
                    client.wait_operation(guest.vps, state["operation"]["id"])
                for backup in client.request("vps.get", vps=guest.vps)["backups"]:
                    if backup["protected"]:
                        client.request("backup.protect", vps=guest.vps, backup=backup["id"], protected=False)
                    client.request("backup.delete", vps=guest.vps, backup=backup["id"])
                client.request("slots.set", vps=guest.vps, total=2)
                if not guest.active:
                    client.request("power.start", vps=guest.vps)
                guest.wait_ready()

    def backup(self, vps, name):
        """A complete backup; the result is its id."""
        with self._service.client() as client:
            client.subscribe(vps)
            ended, backup = client.back_up(vps, name=name)
            assert ended["state"] == "completed", ended
            return backup

    def kill(self):
        self._service.kill()

    def stop(self):
        self._service.stop()

    def restart(self):
        self._service.start()

    def guests(self, sizes):
        """Names and MiB of data; the results are UUIDs. They boot at the same time."""
        for name, mib in sizes.items():
            folder = isolated.new_folder("tree")
            (folder / "letter").write_text("first\n")
            (folder / "data").write_bytes(os.urandom(mib * MIB))
            guest = guests.Guest(name, [guests.Disk("vda", size=max(64, 3 * mib) * MIB, tree=folder)], counter=False)
            self._guests[guest.vps] = guest.start()
        return [vps for vps, guest in self._guests.items() if guest.wait_ready()]

    def write(self, vps, text):
        self._guests[vps].write_file("/mnt/vda/letter", text.encode())

    def read(self, vps):
        return self._guests[vps].wait_ready().sh("cat /mnt/vda/letter")

    def active(self, vps):
        return self._guests[vps].active

    def token(self, vps, perms=None, ttl_s=600, **claims):
        return self._service.token(vps=vps, perms=perms or EVERYTHING, exp=int(time.time()) + ttl_s, **claims)

    def state(self, vps):
        """The VPS as the service tells an administrator."""
        return self.call("vps.get", {"vps": vps})

    def call(self, method, params=None):
        with self._service.client() as client:
            return client.request(method, **(params or {}))

    def pool(self, away):
        """Takes the pool away, or brings it back."""
        here, elsewhere = self._service.pool, self._service.pool.with_name("elsewhere")
        (here if away else elsewhere).rename(elsewhere if away else here)

    def damage(self, vps, backup):
        """Flips bytes in the middle of what a backup holds."""
        path = self._service.backup_path(vps, backup) / "vda.raw"
        with open(path, "r+b") as image:
            for offset in range(0, path.stat().st_size, MIB):
                image.seek(offset + 4096)
                data = image.read(64)
                if any(data):
                    image.seek(offset + 4096)
                    image.write(bytes(byte ^ 0xFF for byte in data))

    def log(self):
        return self._service.log_tail(60)

    def end(self):
        if self._service is not None:
            self._service.stop()
        for vps in self._guests.values():
            vps.remove()


def main():
    lab = Lab()
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"id": request["id"]}
        try:
            answer["result"] = getattr(lab, request["do"])(**request.get("with", {}))
        except Exception as error:  # pylint: disable=broad-except # whatever it is, the test has to see it
            answer["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)
        if request["do"] == "end":
            break


if __name__ == "__main__":
    main()
