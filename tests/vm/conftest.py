# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the tests with real guests. They run inside tests/lib/run-isolated only."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

if "VB_LAB" not in os.environ:
    pytest.exit("these tests start guests: run them through tests/lib/run-isolated", returncode=4)

import guest as guests  # noqa: E402
import isolated  # noqa: E402
import service as services  # noqa: E402

_started = []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    """The end of the service's log goes with the report of a test that has failed."""
    report = (yield).get_result()
    if report.failed:
        for service in _started:
            report.sections.append(("vps-backupd", service.log_tail(80)))


def _not_yet():
    """What does not work yet, and what comes instead: {test, or test[parameters]: what comes}."""
    lines = (pathlib.Path(__file__).parent / "not-yet").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def pytest_collection_modifyitems(items):
    """Tests marked `long` run with tests/check --long only; those in the file not-yet must fail."""
    not_yet = _not_yet()
    for item in items:
        came = not_yet.get(item.name) or not_yet.get(item.originalname)
        if came:
            item.add_marker(pytest.mark.xfail(strict=True, raises=AssertionError, reason=came))
        if item.get_closest_marker("long") and not os.environ.get("VB_LONG"):
            item.add_marker(pytest.mark.skip(reason="takes long: tests/check --long"))


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with tests/check --long")


@pytest.fixture
def tree():
    """A folder with what a guest's file system starts with: small and larger files, names that are not plain ASCII."""
    folder = isolated.new_folder("tree")
    (folder / "etc").mkdir()
    (folder / "etc/hostname").write_text("vps-under-test\n")
    (folder / "naïve name.txt").write_text("grüße\n", encoding="utf-8")
    (folder / "random.bin").write_bytes(os.urandom(3 << 20))
    (folder / "zeroes.bin").write_bytes(bytes(1 << 20))
    return folder


@pytest.fixture
def new_guest():
    """Makes guests that are removed after the test."""
    made = []

    def make(name="guest", disks=None, kind=guests.Guest, **options):
        vps = kind(name, disks if disks is not None else [guests.Disk("vda")], **options)
        made.append(vps)
        for service in _started:
            if service.alive:
                with service.client() as client:
                    client.follow(vps.vps)
        return vps
    yield make
    for vps in made:
        vps.remove()


@pytest.fixture
def new_blank(new_guest):
    """A started machine without a system whose disk (32 MiB) has 16 MiB of data."""
    def make(name="blank", disks=None, start=True, **options):
        vps = new_guest(name, disks if disks is not None else [guests.Disk("vda", size=32 << 20)], kind=guests.Blank, **options)
        if start:
            vps.start()
            for disk in vps.disks:
                vps.qemu_io(disk.target, "write -P 0xa1 1M 16M")
        return vps
    return make


@pytest.fixture
def new_service(new_guest):  # pylint: disable=unused-argument # so that services are stopped before the guests go
    """Starts services; after the test they must stop in order, and no client may have seen what the protocol does not allow."""
    _started.clear()

    def make(**config):
        service = services.Service(**config).init_pool()
        _started.append(service)
        return service.start()
    yield make
    problems = []
    for service in _started:
        problems += service.problems()
        service.stop()
    assert not problems, "\n".join(problems[:20])


@pytest.fixture
def service(new_service):
    return new_service()


@pytest.fixture
def slow_service(new_service):
    """Copies 4 MiB a second: what happens during an operation can be seen and disturbed."""
    return new_service(operations={"bandwidth-limit": "4M"})
