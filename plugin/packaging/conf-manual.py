#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""conf-manual.py EXAMPLE MANUAL: makes vps-backup.conf(5) of the commented example, so that no key is described twice."""

import re
import sys

HEAD = r""".\" SPDX-License-Identifier: LGPL-2.1-or-later
.\" Made of vps-backup.conf.example.
.Dd November 23, 2026
.Dt VPS-BACKUP.CONF 5
.Os vps-backup
.Sh NAME
.Nm vps-backup.conf
.Nd config file of vps-backupd
.Sh SYNOPSIS
.Pa /etc/vps-backup/vps-backup.conf
.Sh DESCRIPTION
Groups in brackets, and
.Ar key Ns = Ns Ar value
lines below them.
Every key is optional.
An unknown group or key, or a value that cannot be, is an error that names the line: the service then does not start.
Sizes are bytes, or a whole number of K, M, G or T (powers of 1024).
A
.Ql #
at the beginning of a line, or after a space, begins a comment.
The file is read when the service starts.
.Pp
Shown with each key is its default.
"""
TAIL = r""".Sh SEE ALSO
.Xr vps-backupd 8 ,
.Xr vps-backupctl 8
"""


def escape(text):
    text = text.replace("\\", "\\e").replace("`", "")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def describe(lines):
    """Groups and keys. A key takes the comment above it; keys in a row share one."""
    comment, opened, fresh = [], False, True
    for line in lines:
        group = re.fullmatch(r"\[(.*)\]", line)
        key = re.fullmatch(r"#?([a-z-]+)=(.*)", line)
        if group:
            if opened:
                yield ".El"
            yield from (f".Ss [{group[1]}]", ".Bl -tag -width Ds")
            comment, opened = [], True
        elif key and opened:
            yield f".It Ic {key[1]} Ns = Ns {escape(key[2])}" if key[2] else f".It Ic {key[1]} Ns ="
            yield from (escape(sentence) for sentence in re.split(r"(?<=[.;]) (?=[A-Z])", " ".join(comment)) if sentence)
            fresh = True
        elif line.startswith("# "):
            comment = [line[2:]] if fresh else [*comment, line[2:]]
            fresh = False
    if opened:
        yield ".El"


def main():
    with open(sys.argv[1], encoding="utf-8") as example, open(sys.argv[2], "w", encoding="utf-8") as manual:
        manual.write(HEAD + "\n".join(describe(example.read().splitlines())) + "\n" + TAIL)


if __name__ == "__main__":
    main()
