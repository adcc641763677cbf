# SPDX-License-Identifier: LGPL-2.1-or-later
"""What strace has seen of a service: which writes were on stable storage when something was sent."""

import dataclasses
import re

CALLS = ["write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "fallocate", "copy_file_range", "ioctl", "fsync", "fdatasync",
         "renameat", "renameat2", "rename", "unlinkat", "unlink", "link", "linkat", "mkdirat", "mkdir", "sendmsg", "sendto"]
# Change the content of the file whose descriptor comes first.
WRITES = {"write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "fallocate"}
_LINE = re.compile(r"^(\d+)\s+(.*)$")
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
_FIRST = re.compile(r"^\w+\((?:\d+|AT_FDCWD)<([^>]*)>")
_NAMED = re.compile(r'(?:\d+|AT_FDCWD)<([^>]*)>, "([^"]*)"')


def wrapper(path):
    """Words that start a program under strace, which stays its parent's child."""
    return f"strace -D -f -y -s 4200 -e trace={','.join(CALLS)} -e signal=none -o {path}"


@dataclasses.dataclass
class Call:
    """One system call: began and ended are positions in the order of events of all threads."""
    name: str
    text: str
    began: int
    ended: int

    @property
    def failed(self):
        return " = -1 " in self.text

    @property
    def path(self):
        """Of the first descriptor."""
        found = _FIRST.match(self.text)
        return found.group(1) if found else ""

    def named(self):
        """(folder, name) of each name that is relative to a descriptor."""
        return _NAMED.findall(self.text)


def read(path):
    """All calls, by the order of their ends."""
    calls, open_calls = [], {}
    with open(path, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines):
            found = _LINE.match(line.rstrip("\n"))
            if not found:
                continue
            pid, text = found.groups()
            resumed = _RESUMED.match(text)
            began = number
            if resumed:
                began, start = open_calls.pop(pid, (number, f"{resumed.group(1)}("))
                text = start + resumed.group(2)
            elif text.endswith("<unfinished ...>"):
                open_calls[pid] = (number, text.removesuffix("<unfinished ...>"))
                continue
            if (name := text.partition("(")[0]) in CALLS:
                calls.append(Call(name, text, began, number))
    return calls


def first_sent(calls, thing, state):
    """The first call that tells a client that the thing with an id is in a state."""
    told = re.compile(rf'"id":"{thing}"[^{{}}]*"state":"{state}"')
    for call in calls:
        if call.name in ("sendmsg", "sendto", "write", "writev") and "socket:" in call.path and told.search(call.text.replace('\\"', '"')):
            return call
    raise AssertionError(f"nobody was told that {thing} is {state}")


def _syncs(calls, path, before):
    return [call for call in calls if call.name in ("fsync", "fdatasync") and call.path == path and call.ended < before and not call.failed]


def unsynced(calls, before, is_wanted):
    """Files and folders that were changed before the position `before` and not synced between that and it. is_wanted(path) says which
    are looked at."""
    last = {}
    for call in calls:
        if call.began >= before or call.failed:
            continue
        if call.name in WRITES or call.name == "ioctl" and "FICLONE" in call.text or call.name == "copy_file_range":
            changed = [re.findall(r"\d+<([^>]*)>", call.text)[1 if call.name == "copy_file_range" else 0]]
        elif call.name in ("renameat", "renameat2", "linkat", "mkdirat"):
            changed = [call.named()[-1][0]]
        else:
            continue
        for path in filter(is_wanted, changed):
            if "/#" in path:
                continue  # it has no name, so nobody will ever find it
            last[path] = max(last.get(path, 0), call.ended)
    return sorted(path for path, end in last.items() if not any(sync.began > end for sync in _syncs(calls, path, before)))


def changed_paths(calls, before, is_wanted):
    return sorted({call.path for call in calls if call.name in WRITES and call.began < before and is_wanted(call.path)})
