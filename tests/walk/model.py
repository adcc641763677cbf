# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the disks of the walk's VPSs and their backups must hold: kept in Python, apart from everything that is tested."""

import dataclasses
import itertools

_ids = itertools.count(1)


@dataclasses.dataclass(eq=False)
class Disk:
    """One disk of the customer, whatever its file or target is called now."""
    content: bytearray
    format: str
    template: "Template | None" = None
    number: int = dataclasses.field(default_factory=lambda: next(_ids))

    def write(self, offset, data):
        self.content[offset:offset + len(data)] = data

    def padded(self, content):
        """A backup's content in this disk, which may have grown since."""
        return bytearray(bytes(content).ljust(len(self.content), b"\0"))


@dataclasses.dataclass(eq=False)
class Template:
    """An image that others rest on; it has no VPS of its own."""
    path: object
    size: int


@dataclasses.dataclass
class Backup:
    """Content of each target when the backup was made, and which disk it was."""
    content: dict
    disks: dict


@dataclasses.dataclass
class Copy:
    """A file that the operator has put aside."""
    path: object
    disk: Disk
    content: bytes


@dataclasses.dataclass
class State:
    """All that is known of one VPS. live: the disks that a running VPS has; defined: those that it has from the next start on."""
    defined: dict
    live: dict | None = None
    backups: dict = dataclasses.field(default_factory=dict)
    snapshots: dict = dataclasses.field(default_factory=dict)   # internal ones: name → {disk: content}
    copies: list = dataclasses.field(default_factory=list)

    @property
    def now(self):
        """The disks that the guest has, or would have if it were started."""
        return self.defined if self.live is None else self.live

    @property
    def pending(self):
        """Whether the next start changes what the guest has."""
        return self.live is not None and self.live != self.defined


def first_difference(found, expected):
    """Where a content is not as expected, in words; None if it is."""
    if found == expected:
        return None
    if len(found) != len(expected):
        return f"{len(found)} bytes instead of {len(expected)}"
    block = next(at for at in range(0, len(found), 65536) if found[at:at + 65536] != expected[at:at + 65536])
    at = next(at for at in range(block, block + 65536) if found[at] != expected[at])
    wrong = sum(found[one:one + 4096] != expected[one:one + 4096] for one in range(0, len(found), 4096))
    return f"from 0x{at:x} on it is 0x{found[at]:02x} instead of 0x{expected[at]:02x}, {wrong} blocks of 4 KiB differ"
