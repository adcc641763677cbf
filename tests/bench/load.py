# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many panels on one bridge, beside the least that a server on npm's ws needs. Prints a table for README.md."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ["VB_BUILD"]).resolve()
sys.path.insert(0, str(HERE.parent / "lib"))

import client as clients  # noqa: E402

OPERATIONS = 20
STATES_A_SECOND = 20
MIB = 1 << 20


class Subject:
    """A server that is told over stdin what happens."""

    def __init__(self, command):
        self.vps = [str(uuid.uuid4()) for _ in range(OPERATIONS)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        cwd=HERE)
        word, _, port = self.process.stdout.readline().strip().partition(" ")
        assert word == "ready", word
        self.port = int(port)

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == "ok"

    def change(self, number):
        self.tell("add", self.vps[number % OPERATIONS], f"t{time.monotonic_ns()}")

    def tick(self):
        """Called each quarter of a second while it is measured."""

    def memory_kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.kill()
        self.process.wait()


class Bridge(Subject):
    """The real bridge and manager on a fake hypervisor, whose disks are read a mebibyte each quarter of a second."""

    name = "vps-backup"

    def __init__(self, folder, n_connections):
        key = os.urandom(32)
        (folder / "keys").mkdir()
        (folder / "keys/bench").write_bytes(key)
        super().__init__([BUILD / "tests/integration/bridge/bridge-host", folder, "listen=127.0.0.1:0", f"max-concurrent={OPERATIONS}",
                          f"max-connections={2 * n_connections + 100}"])
        self.token = clients.mint(key, "bench", perms=["backup.read"], vps=self.vps)
        self.allowed = 0
        self.tell("disk-bytes", 10 << 30)
        self.tell("allow", 0)
        for number in range(OPERATIONS):
            self.change(number)
        with clients.Client(socket=folder / "run/socket") as admin:
            for vps in self.vps:
                admin.request("backup.create", vps=vps)

    def tick(self):
        self.allowed += MIB
        self.tell("allow", self.allowed)


class Peer(Subject):
    """load-peer.js"""

    name = "ws"

    def __init__(self, folder, n_connections):
        super().__init__(["node", HERE / "load-peer.js"])
        self.token = "-"
        for number, vps in enumerate(self.vps):
            self.change(number)
            self.tell("operate", vps)


def run_events(subject, seconds):
    """Changes of state and ticks at their pace, or as near to it as the subject allows."""
    begun = time.monotonic()
    done, ticks = 0, 0
    while (passed := time.monotonic() - begun) < seconds:
        if passed * STATES_A_SECOND >= done:
            subject.change(done)
            done += 1
        if passed * 4 >= ticks:
            subject.tick()
            ticks += 1
        time.sleep(0.002)


def measure(kind, n_connections, seconds, stalled=0):
    with tempfile.TemporaryDirectory(prefix="vb-load-") as folder:
        subject = kind(pathlib.Path(folder), n_connections)
        try:
            before = subject.memory_kib()
            command = [BUILD / "tests/bench/load-client", subject.port, n_connections, subject.token, stalled, *subject.vps]
            with subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
                begun = time.monotonic()
                assert client.stdout.readline() == "ready\n"
                connected = time.monotonic() - begun
                each = (subject.memory_kib() - before) / n_connections
                run_events(subject, 2)
                client.stdin.write("begin\n")
                client.stdin.flush()
                cpu = subject.cpu_s()
                run_events(subject, seconds)
                cpu = subject.cpu_s() - cpu
                busy = subject.memory_kib()
                client.stdin.write("end\n")
                client.stdin.flush()
                result = json.loads(client.stdout.readline())
        finally:
            subject.stop()
    return {**result, "subject": kind.name, "connections": n_connections, "stalled": stalled, "connect_s": connected, "kib_each": each,
            "cpu": cpu / seconds, "messages_s": result["messages"] / seconds, "rss_mib": busy / 1024}


def row(result):
    what = f"{result['connections']:,}" + (f", {result['stalled']} of them stalled" if result["stalled"] else "")
    return (f"| {what} | {result['subject']} | {result['kib_each']:.1f} KB | {result['messages_s']:,.0f} | {result['p50_ms']:.1f} ms | "
            f"{result['p99_ms']:.1f} ms | {result['max_ms']:.0f} ms | {result['cpu'] * 100:.0f} % | {result['connect_s']:.1f} s |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--only", choices=["vps-backup", "ws"])
    parser.add_argument("connections", type=int, nargs="*", default=[100, 1000, 10000])
    options = parser.parse_args()
    kinds = [kind for kind in (Bridge, Peer) if options.only in (None, kind.name)]
    print("| connections | server | memory each | messages a second | delay p50 | p99 | longest | processor | to connect all |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    for n in options.connections:
        for kind in kinds:
            print(row(measure(kind, n, options.seconds)), flush=True)
        if n == 1000:
            print(row(measure(Bridge, n, options.seconds, stalled=1)), flush=True)
    print(f"\nload average {os.getloadavg()[0]:.1f}", file=sys.stderr)


if __name__ == "__main__":
    main()
