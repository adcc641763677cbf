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
        self._frozen = False

    def start(self, pool="plain", **config):
        """pool: "xfs" for one with reflinks that can be frozen."""
        path = None
        if pool == "xfs":
            path = isolated.mount_xfs(isolated.new_folder("pool"), 2 << 30) / "backups"
        self._service = services.Service(pool_path=path, **config).init_pool().start()
        return {"port": services.PORT}

    def configure(self, **config):
        """Other settings, and a restart in order."""
        for group, values in config.items():
            self._service.config.setdefault(group, {}).update(values)
        self._service.stop()
        self._service.write_config()
        self._service.start()

    def kill(self):
        self._service.kill()

    def stop(self):
        self._service.stop()

    def restart(self):
        self._service.start()

    def guest(self, name, mib=24):
        folder = isolated.new_folder("tree")
        (folder / "letter").write_text("first\n")
        (folder / "data").write_bytes(os.urandom(mib * MIB))
        vps = guests.Guest(name, [guests.Disk("vda", size=max(64, 3 * mib) * MIB, tree=folder)], counter=False)
        self._guests[vps.vps] = vps
        vps.boot()
        return vps.vps

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

    def freeze(self):
        """The pool hangs."""
        isolated.run("fsfreeze", "-f", self._service.pool.parent)
        self._frozen = True

    def thaw(self):
        if self._frozen:
            isolated.run("fsfreeze", "-u", self._service.pool.parent)
        self._frozen = False

    def log(self):
        return self._service.log_tail(60)

    def end(self):
        self.thaw()
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
