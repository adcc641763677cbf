# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of steps, and what they have in common."""

STEPS = {}     # name → (weight, whether it is possible now, function of (walk, vps) that says what it did)


class NotPossible(Exception):
    """libvirt or QEMU refuse what the step wanted; nothing has changed."""


def step(weight, when=lambda walk, vps: True):
    def register(function):
        STEPS[function.__name__] = (weight, when, function)
        return function
    return register


def is_on(_walk, vps):
    return vps.state.live is not None


def is_off(_walk, vps):
    return vps.state.live is None


def is_plain(vps):
    """Nothing waits for the next start, and no internal snapshot relies on the definition as it is."""
    return not vps.state.pending and not vps.state.snapshots
