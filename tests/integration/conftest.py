# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the tests of single layers. Those that need a libvirt run inside tests/lib/run-isolated only."""

import contextlib
import os
import pathlib
import sys

import libvirt
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

if "VB_LAB" not in os.environ:
    pytest.exit("these tests start guests: run them through tests/lib/run-isolated", returncode=4)

import guest as guests  # noqa: E402
import isolated  # noqa: E402
import libvirt_driver  # noqa: E402


@pytest.fixture
def new_guest():
    """Makes guests that are removed after the test."""
    made = []

    def make(name="guest", disks=None, kind=guests.Blank, **options):
        vps = kind(name, disks if disks is not None else [guests.Disk("vda")], **options)
        made.append(vps)
        return vps
    yield make
    for vps in made:
        with contextlib.suppress(libvirt.libvirtError):
            vps.refresh()  # libvirtd may have been restarted
        vps.remove()


@pytest.fixture
def new_driver():
    """Starts drivers, which are stopped after the test."""
    made = []

    def make(**options):
        made.append(libvirt_driver.Driver(**options))
        return made[-1]
    yield make
    for driver in made:
        driver.close()


@pytest.fixture
def driver(new_driver):
    return new_driver().wait_available()
