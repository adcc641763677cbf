# SPDX-License-Identifier: LGPL-2.1-or-later
"""Something that the service stands on hangs: what a panel shows is answered at once all the same."""

import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request

import isolated
import pytest
import service as services

MIB = 1 << 20
LIMIT_S = 0.5  # the contract's


@contextlib.contextmanager
def frozen(mount):
    isolated.run("fsfreeze", "-f", mount)
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "-u", mount], check=False, stderr=subprocess.DEVNULL)


def healthz():
    with contextlib.suppress(urllib.error.HTTPError):  # 503 is an answer
        urllib.request.urlopen(f"http://127.0.0.1:{services.PORT}/healthz", timeout=30).read()


def slow(ask):
    """How long an answer took, when it was over the limit twice in a row: once may be the test's machine."""
    for _ in range(2):
        began = time.monotonic()
        ask()
        took = time.monotonic() - began
        if took < LIMIT_S:
            return None
    return took


def expect_answers(client, vps, rounds=20):
    asked = {
        "/healthz": healthz,
        "session.info": lambda: client.request("session.info"),
        "vps.list": lambda: client.request("vps.list"),
        "vps.get": lambda: client.request("vps.get", vps=vps.vps),
    }
    for turn in range(rounds):
        for name, ask in asked.items():
            assert slow(ask) is None, f"{name} took over {LIMIT_S} s in round {turn}"
        time.sleep(0.3)  # so that the rounds cover what the service does each few seconds


def get(path, service):
    request = urllib.request.Request(f"http://127.0.0.1:{services.PORT}{path}", headers={
        "Authorization": f"Bearer {service.token(perms=['admin'])}"})
    with contextlib.closing(urllib.request.urlopen(request, timeout=30)) as answer:
        return answer.read().decode()


def problems_of_doctor(service):
    """It ends, whatever hangs."""
    doctor = service.run_ctl("--json", "doctor", "--config", service.config_path)
    assert doctor.returncode == 1, doctor
    return {one["check"] for one in json.loads(doctor.stdout.splitlines()[0])["findings"] if one["verdict"] == "problem"}


def expect_named(service, client, vps):
    """The hung disk of the journal is named wherever an operator looks, and what needs it is refused with a reason of its own."""
    isolated.wait_until(lambda: not json.loads(get("/healthz", service))["journal"], "/healthz names the journal", 60)
    assert "vps_backup_journal_up 0" in get("/metrics", service)
    assert "the disk of the state folder hangs" in service.log()
    now = client.wait_vps(vps.vps, lambda now: not now["can_create"]["allowed"], "it is said at the VPS")
    assert now["can_create"]["reason"] == "journal_unavailable"
    assert client.refusal("backup.create", vps=vps.vps, request_key="key").reason == "journal_unavailable"
    assert client.refusal("operation.list", vps=vps.vps).reason == "journal_unavailable"
    assert "journal" in problems_of_doctor(service)


def begin(client, vps):
    operation = client.request("backup.create", vps=vps.vps)["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1)
    return operation


@pytest.fixture
def folder():
    return isolated.new_folder("service")


def test_state_folder_hangs_in_mid_backup(new_service, new_blank, folder):
    isolated.mount_ext4(folder / "state", 128 * MIB)
    vps, other = new_blank("blank"), new_blank("other")
    service = new_service(folder=folder, operations={"bandwidth-limit": "1M", "scratch-reserve": "1M"})
    client = service.client()
    client.follow(vps.vps)
    client.follow(other.vps)
    operation = begin(client, vps)
    with frozen(folder / "state"):
        expect_answers(client, vps)
        with service.client() as second:  # one who comes now sees everything as well
            second.follow(other.vps)
            assert {one["vps"] for one in second.request("vps.list")["vps"]} == {vps.vps, other.vps}
        expect_named(service, client, other)
    assert client.wait_operation(vps.vps, operation)["state"] == "completed"
    assert client.back_up(other.vps)[0]["state"] == "completed"


def test_pool_hangs_in_mid_backup(new_service, new_blank):
    pool = isolated.mount_ext4(isolated.new_folder("pool") / "pool", 512 * MIB)
    vps = new_blank("blank")
    service = new_service(pool_path=pool, operations={"bandwidth-limit": "1M", "scratch-reserve": "1M"})
    client = service.client()
    client.follow(vps.vps)
    operation = begin(client, vps)
    with frozen(pool):
        expect_answers(client, vps)
        isolated.wait_until(lambda: not json.loads(get("/healthz", service))["pool"], "/healthz names the pool", 90)
        assert "pool" in problems_of_doctor(service)
    assert client.wait_operation(vps.vps, operation)["state"] == "completed"
