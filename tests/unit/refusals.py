#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""refusals.py SOURCE-ROOT: what the code refuses about disks is what vps-backup(7) lists, row by row.

A sentence counts when it is given with one of the reasons below, or by a function that does nothing else. In the manual each is a row of
the list in LIMITS, below its reason, with "..." where the code fills something in.
"""

import pathlib
import re
import sys

REASONS = ("UNSUPPORTED_DISK", "DISK_BUSY", "DEFINITION_DIFFERS")
# `vps-backupctl forget` and an undo refuse for themselves; a device is looked at once more before the first byte is written.
ELSEWHERE = ("plugin/offline/vb-forget.c", "plugin/storage/restore/vb-kept-images.c", "plugin/storage/restore/vb-device-restore.c",
             "plugin/storage/restore/vb-device-writer.c", "plugin/core/base/vb-error.c")

TEXT = r'((?:"(?:[^"\\]|\\.)*"\s*(?:G_GUINT64_FORMAT\s*)?)+)'
WAYS = [re.compile(r"VB_ERROR_(" + "|".join(REASONS) + r"),\s*(?:_ \()?" + TEXT)]
# File → (reason, pattern) of sentences that a helper gets.
HELPERS = {
    "plugin/core/model/vb-disk-map.c": [("DISK_MISSING", r"VB_ERROR_DISK_MISSING,\s*" + TEXT)],
    "plugin/core/base/vb-image-chain.c": [("UNSUPPORTED_DISK", r"refuse \(error, _ \(" + TEXT)],
    "plugin/storage/qcow2/vb-qcow2.c": [("UNSUPPORTED_DISK", r"return unsupported \(error, " + TEXT)],
    "plugin/libvirt/xml/vb-domain-xml.c": [("UNSUPPORTED_DISK", r"_ \(" + TEXT)],
    "plugin/libvirt/xml/vb-definition.c": [("DEFINITION_DIFFERS", r"_ \(" + TEXT)],
}


def sentence(literals):
    text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals.replace("G_GUINT64_FORMAT", '"lu"')))
    return re.sub(r"%(?:lu|[a-z])", "...", text.removesuffix("."))


def in_code(root):
    found = set()
    for path in sorted(root.glob("plugin/**/*.c")):
        name, text = str(path.relative_to(root)), path.read_text()
        if name in ELSEWHERE:
            continue
        found |= {(match[1].lower(), sentence(match[2])) for way in WAYS for match in way.finditer(text)}
        for reason, pattern in HELPERS.get(name, []):
            found |= {(reason.lower(), sentence(match[1])) for match in re.finditer(pattern, text)}
    # The qcow2 reader's are ends of one sentence.
    found = {(reason, f"The disk ... {text}" if text[:1].islower() else text) for reason, text in found}
    return {pair for pair in found if pair[1] != "The disk ..."}


def in_manual(root):
    text = (root / "plugin/packaging/man/vps-backup.7").read_text().replace("\\(lq", "“").replace("\\(rq", "”")
    limits = text[text.index(".Ss What cannot be backed up or restored"):]
    found, reason = set(), None
    for line in limits[:limits.index("\n.Sh ")].splitlines():
        if line.startswith(".It Sy "):
            found.add((reason, line[len(".It Sy "):].strip('"')))
        elif match := re.fullmatch(r"\.Dq (\w+) :", line):
            reason = match[1]
    return found


def main():
    root = pathlib.Path(sys.argv[1])
    code, manual = in_code(root), in_manual(root)
    for reason, text in sorted(code - manual):
        print(f"vps-backup(7) has no row for what the code refuses: {reason} : {text}")
    for reason, text in sorted(manual - code):
        print(f"vps-backup(7) has a row for what the code does not refuse: {reason} : {text}")
    return int(code != manual or len(code) < 20)


if __name__ == "__main__":
    sys.exit(main())
