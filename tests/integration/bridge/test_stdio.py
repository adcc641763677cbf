# SPDX-License-Identifier: LGPL-2.1-or-later
"""vps-backupctl rpc: the protocol over stdin and stdout."""

import json
import os
import pathlib
import queue
import subprocess
import threading

import pytest

PROGRAM = pathlib.Path(os.environ.get("VB_BUILD", "build")) / "ui-bridge/vps-backupctl"
DEADLINE_S = 60


def request(number, method, **params):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def run(host, text, socket=None):
    """Everything at once: exit status, what it printed line by line, and its complaints."""
    done = subprocess.run([PROGRAM, "--socket", socket or host.socket, "rpc"], input=text, capture_output=True, text=True,
                          timeout=DEADLINE_S, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


class Session:
    """One that stays."""

    def __init__(self, host):
        self.process = subprocess.Popen([PROGRAM, "--socket", host.socket, "rpc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self._lines = queue.Queue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def send(self, *arguments, **params):
        self.process.stdin.write(request(*arguments, **params) + "\n")
        self.process.stdin.flush()

    def next(self):
        return self._lines.get(timeout=DEADLINE_S)

    def wait(self, wanted):
        while True:
            message = self.next()
            if wanted(message):
                return message

    def end(self):
        self.process.stdin.close()
        status = self.process.wait(DEADLINE_S)
        self._thread.join()
        return status


@pytest.mark.parametrize("text", ["", "\n\n", "   \n"])
def test_nothing_to_do(host, text):
    assert run(host, text) == (0, [], "")


def test_answers_come_before_the_end(host):
    """However late they are, and whether or not the last line is ended."""
    vps = host.add()
    text = "\n".join([request(1, "session.info"), request("two", "vps.get", vps=vps), request(3, "backup.create", vps=vps), "rubbish", "[]",
                      request(4, "no.such"), '{"jsonrpc":"2.0","method":"session.info"}'])
    status, messages, complaints = run(host, text)
    assert (status, complaints) == (0, "")
    answers = [message for message in messages if "method" not in message]
    by_id = {message["id"]: message for message in answers if message["id"] is not None}
    assert set(by_id) == {1, "two", 3, 4} and len(answers) == 6
    assert by_id[1]["result"]["subject"] == "uid:0" and by_id["two"]["result"]["vps"] == vps
    assert by_id[3]["result"]["operation"]["kind"] == "create" and by_id[4]["error"]["code"] == -32601
    assert sorted(message["error"]["code"] for message in answers if message["id"] is None) == [-32700, -32600]


def test_many_requests_are_not_a_flood(host):
    status, messages, complaints = run(host, "".join(request(number, "session.info") + "\n" for number in range(100)))
    assert (status, complaints) == (0, "")
    assert [message["id"] for message in messages if "result" in message] == list(range(100))


def test_events(host):
    vps = host.add()
    session = Session(host)
    session.send(1, "vps.subscribe", vps="*")
    assert session.wait(lambda message: message.get("id") == 1)["result"]
    session.send(2, "backup.create", vps=vps, name="by lines")
    event = session.wait(lambda message: message.get("method") == "notification.added")
    assert event["params"]["vps"] == vps and event["params"]["type"] == "backup_completed"
    assert session.end() == 0


def test_the_service_goes_away(host):
    session = Session(host)
    session.send(1, "session.info")
    session.next()
    host.tell("stop-bridge")
    assert session.process.wait(DEADLINE_S) == 4
    assert "shutting down" in session.process.stderr.read()
    session.end()


def test_no_service(host, tmp_path):
    status, messages, complaints = run(host, request(1, "session.info"), socket=tmp_path / "none")
    assert (status, messages) == (4, []) and "No service answers" in complaints


def test_activity_is_what_was_done_and_nothing_that_was_refused(host):
    own, admin = host.add(), host.admin()
    admin.request("slots.set", vps=own, total=3)
    assert admin.refusal("slots.set", vps=own, total=99).code == -32602

    def activity(*arguments):
        done = subprocess.run([PROGRAM, "--socket", host.socket, "--json", "activity", *arguments], capture_output=True, text=True,
                              timeout=DEADLINE_S, check=True)
        return json.loads(done.stdout)["entries"]

    of_one, of_all = activity(own), activity("--limit", "1")
    assert of_one == admin.request("activity.list", vps=own)["entries"]
    assert [(one["by"], one["method"], one["vps"]) for one in of_one] == [("operator", "slots.set", own)]
    assert of_all == of_one
