# SPDX-License-Identifier: LGPL-2.1-or-later
"""One call of a backend hangs after the other, while backups, restores, checks and schedules are under way: twenty clients see all that
a panel shows all the same, and everything goes on when it is over."""

import contextlib
import json
import time
import urllib.request

import pytest

from client import RpcError

N_CLIENTS = 20
# A connection may ask for 40 things at once, and here are two a look, the subscription and what the client itself asks for at first.
N_LOOKS = 16

METHODS = {
    "journal": ["save_operation", "find_request", "list_operations", "list_notifications", "mark_read", "save_backups", "save_schedule",
                "save_check", "save_revocation", "add_audit", "list_audit"],
    "pool": ["check", "list_vps", "check_space", "check_stage", "capture", "commit", "remove", "rename", "protect", "verify", "stage",
             "swap", "finish"],
    "hypervisor": ["get_info", "list_disks", "begin_capture", "check_capture", "end_capture", "power", "power_off", "power_restore",
                   "reset_checkpoints", "set_slots", "set_schedule", "check_restore", "fit_definition", "settle_definition"],
}


class World:
    """Two VPSs of an operator's, and those who look at them."""

    def __init__(self, host):
        self.host = host
        self.first, self.second = host.add("first"), host.add("second")
        self.admin = None
        self.connect()
        self.kept = self._back_up(self.second)
        self.clients, self.n_looks = [], 0
        self.meet_clients()
        self.started = []

    def meet_clients(self):
        """New connections of all customers' take the place of the old ones."""
        for client in self.clients:
            client.close()
        self.clients = []
        for number in range(N_CLIENTS):
            token = self.host.mint("backup.read", vps=[self.first, self.second], sub=f"customer{number}")
            self.clients.append(self.host.user(token))
            self.clients[-1].subscribe(self.first)

    def connect(self):
        """A new connection of the operator's: there is a limit to what one may ask for in a short time."""
        if self.admin is not None:
            self.admin.close()
        self.admin = self.host.admin()
        for vps in self.first, self.second:
            self.admin.subscribe(vps)

    def _wait_idle(self, vps):
        return self.admin.wait_vps(vps, lambda now: now["operation"] is None, "the end of the operation")

    def _back_up(self, vps):
        self.admin.request("backup.create", vps=vps)
        return self._wait_idle(vps)["backups"][0]["id"]

    def begin(self):
        """Asks for everything; nobody waits for the answers."""
        first, second, kept = self.first, self.second, self.kept
        for method, parameters in (
                ("operation.list", {"vps": first}), ("notification.list", {}), ("notification.read", {"up_to": 1}),
                ("audit.list", {}), ("session.revoke", {"sub": "nobody"}),
                ("backup.verify", {"vps": second, "backup": kept}), ("backup.rename", {"vps": second, "backup": kept, "name": "kept"}),
                ("backup.protect", {"vps": second, "backup": kept, "protected": True}),
                ("backup.protect", {"vps": second, "backup": kept, "protected": False}),
                ("slots.set", {"vps": first, "total": 4}), ("power.restart", {"vps": first}),
                ("schedule.set", {"vps": first, "schedule": {"at": "03:00", "keep": 1}}),
                ("backup.create", {"vps": first, "request_key": "key"}),
                ("backup.restore", {"vps": second, "backup": kept})):
            self.started.append(self.admin.start(method, **parameters))

    def look(self):
        """What a panel shows is answered."""
        self.n_looks += 1
        if self.n_looks % N_LOOKS == 0:
            self.meet_clients()
        with contextlib.closing(urllib.request.urlopen(f"http://127.0.0.1:{self.host.port}/healthz", timeout=30)) as answer:
            assert answer.read()
        asked = [(client, client.start("session.info"), client.start("vps.list")) for client in self.clients]
        for client, info, listed in asked:
            assert client.answer(info)["subject"].startswith("customer")
            assert len(client.answer(listed)["vps"]) == 2

    def end(self):
        """All answers are there, whatever they are, and nothing is under way."""
        for number in self.started:
            with contextlib.suppress(Exception):
                self.admin.answer(number)
        self.started = []
        self._wait_idle(self.second)
        for backup in self._wait_idle(self.first)["backups"]:
            self.admin.request("backup.delete", vps=self.first, backup=backup["id"])


def test_twenty_clients_while_one_call_hangs(host):
    world = World(host)
    for backend, methods in METHODS.items():
        for method in methods:
            world.connect()
            host.tell("hold", backend, method)
            try:
                world.begin()
                world.look()
                world.look()
            except BaseException as error:
                raise AssertionError(f"while {method} of the {backend} hangs: {error}") from error
            finally:
                host.tell("release", backend, method)
            world.end()


def test_the_disk_of_the_journal_hangs(host):
    """It is named, and what would have to be journalled is refused at once; the rest goes on."""
    first, second = host.add("first"), host.add("second")
    admin = host.admin()

    def health():
        with contextlib.closing(urllib.request.urlopen(f"http://127.0.0.1:{host.port}/healthz", timeout=30)) as answer:
            return json.loads(answer.read())

    def wait_health(journal):
        end = time.monotonic() + 60
        while health()["journal"] is not journal:
            assert time.monotonic() < end
            time.sleep(0.1)

    assert health()["journal"] is True
    for method in "save_operation", "list_operations":
        host.tell("hold", "journal", method)
    begun = admin.start("backup.create", vps=first)
    wait_health(False)
    assert health()["status"] == "degraded"
    assert "the disk of the state folder hangs" in host.read_log()
    with pytest.raises(RpcError) as caught:
        admin.request("backup.create", vps=second)
    assert caught.value.reason == "journal_unavailable"
    for method, parameters in (("operation.list", {"vps": first}), ("notification.list", {}), ("audit.list", {})):
        with pytest.raises(RpcError) as caught:
            admin.request(method, **parameters)
        assert caught.value.reason == "journal_unavailable", method
    with pytest.raises(RpcError) as caught:
        admin.answer(begun)
    assert caught.value.reason == "journal_unavailable"
    admin.request("power.stop", vps=second, force=True)
    for method in "save_operation", "list_operations":
        host.tell("release", "journal", method)
    wait_health(True)
    assert admin.request("backup.create", vps=second)["operation"]
