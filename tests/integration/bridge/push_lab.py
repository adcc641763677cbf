# SPDX-License-Identifier: LGPL-2.1-or-later
"""The other ends of push messages and webhooks: receiver/receiver.js, which opens and checks what comes with other people's code."""

import json
import pathlib
import subprocess
import time
import urllib.request

RECEIVER = pathlib.Path(__file__).resolve().parent / "receiver/start"
SUBJECT = "mailto:ops@example.org"
DEADLINE_S = 60


def wait_for(condition, what, deadline_s=DEADLINE_S):
    """What the condition says, once it says something."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {deadline_s} s in vain for {what}")


def admin_of(host):
    """An administrator who hears of all VPSs."""
    client = host.admin()
    client.subscribe("*")
    return client


class Receiver:
    """Push services and webhooks' receivers under any name."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        certificate, key = folder / "receiver.crt", folder / "receiver.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-keyout", key, "-out", certificate, "-subj", "/CN=localhost"], check=True, capture_output=True)
        self.process = subprocess.Popen([RECEIVER, certificate, key], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.push_port, self.hook_port = map(int, self.process.stdout.readline().split())
        self.origin = f"https://localhost:{self.push_port}"

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.hook_port}{path}", data, method=method)) as answer:
            return json.load(answer)

    def browser(self, name, *plan):
        """Its subscription; plan: how its push service answers at first."""
        if plan:
            self._ask("PUT", f"/plan/push/{name}", list(plan))
        return self._ask("POST", f"/subscribe/{name}")

    def hook(self, name, *plan):
        """URL of a receiver of a webhook; plan: as above, may be given again later."""
        self._ask("PUT", f"/plan/hook/{name}", list(plan))
        return f"http://127.0.0.1:{self.hook_port}/hook/{name}"

    def requests(self, kind, name):
        return self._ask("GET", f"/requests/{kind}/{name}")

    def wait(self, kind, name, count):
        """The first requests, when there are so many."""
        return wait_for(lambda: (lambda all: len(all) >= count and all)(self.requests(kind, name)), f"{count} requests at {kind}/{name}")

    def wait_taken(self, kind, name, count):
        """Those that were accepted, when there are so many."""
        def taken():
            found = [one for one in self.requests(kind, name) if one["plan"] in (200, 201)]
            return len(found) >= count and found
        return wait_for(taken, f"{count} messages accepted at {kind}/{name}")

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
