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
        return vps
    yield make
    for vps in made:
        vps.remove()
