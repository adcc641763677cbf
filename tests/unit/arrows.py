#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which folder may see which: each #include "folder/header.h" of the product is held against this table.

Usage: arrows.py SOURCE-ROOT. Prints each line that is not allowed, and fails when there is one.
"""

import pathlib
import re
import sys

BASE = "core/base"
MODEL = BASE, "core/model"
CORE = *MODEL, "core/interfaces"
STORE = *CORE, "storage/base"
SEES = {
    "core/base": (),
    "core/model": (BASE, "core/interfaces"),
    "core/interfaces": MODEL,
    "core/operations": CORE,
    "core/manager": (*CORE, "core/operations"),
    "json": (BASE,),
    "libvirt/xml": MODEL,
    "libvirt/connection": CORE,
    "libvirt/domain": (*CORE, "libvirt/xml", "libvirt/connection"),
    "libvirt/checkpoint": (*MODEL, "libvirt/xml", "libvirt/connection", "libvirt/domain"),
    "libvirt/capture": (*MODEL, "libvirt/xml", "libvirt/connection", "libvirt/domain", "libvirt/checkpoint"),
    "libvirt": (*CORE, "libvirt/connection", "libvirt/domain", "libvirt/checkpoint", "libvirt/capture"),
    "storage/base": MODEL,
    "storage/nbd": (BASE, "storage/base"),
    "storage/qcow2": (BASE, "json", "storage/base"),
    "storage/layout": (*STORE, "json"),
    "storage/proof": (*STORE, "storage/nbd", "storage/layout"),
    "storage/capture": (*STORE, "storage/nbd", "storage/layout", "storage/proof"),
    "storage/restore": (*STORE, "json", "storage/nbd", "storage/qcow2", "storage/layout", "storage/proof"),
    "storage/claims": (*STORE, "storage/layout"),
    "storage/pool": (*STORE, "storage/nbd", "storage/qcow2", "storage/layout", "storage/capture", "storage/restore",
                     "storage/claims"),
    "storage/journal": (*CORE, "json"),
    "offline": (*CORE, "libvirt/xml", "libvirt/connection", "libvirt/checkpoint", "libvirt/domain", "storage/pool",
                "core/operations"),
    "net": (BASE,),
    "auth": (BASE, "json"),
    "protocol": MODEL,
    "websocket": (BASE, "protocol"),
    "delivery": (*CORE, "core/manager", "json", "auth", "protocol"),
    "download": (*CORE, "core/manager", "auth", "net"),
    "session": (*MODEL, "download", "core/manager", "json", "net", "auth", "protocol", "websocket"),
    "rpc": (*CORE, "download", "core/manager", "json", "auth", "protocol", "delivery", "session"),
    "http": (BASE, "download", "core/manager", "net", "auth", "session"),
    "": (BASE, "download", "core/manager", "auth", "net", "protocol", "delivery", "session", "rpc", "http"),
    "module": (*CORE, "core/manager", "libvirt", "storage/claims", "storage/journal", "storage/pool", "", "protocol"),
    # The command line works on pools and domains without a service, too.
    "cli": (*MODEL, "json", "auth", "protocol", "storage/pool", "offline"),
}

# Foreign libraries: only the layers named may include them.
FOREIGN = {
    "libvirt/": ("libvirt", "offline"),
    "libsoup/": ("bridge", "module"),
    "sqlite3": ("storage",),
    "libnbd": ("storage",),
    "xxhash": ("storage",),
    "json-glib/": ("json", "storage", "libvirt", "bridge"),
    "libxml/": ("libvirt", "offline"),
    "openssl/": ("bridge",),
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]')
# What runs on a host's behalf takes names from outside: never through a shell.
SHELL = re.compile(r'[^_a-z](system|popen) \(|"(/bin/)?(ba|da)?sh"|g_spawn_command_line|g_shell_')


def faults(folder, layer, line):
    include = INCLUDE.match(line)
    if include and include[1] == '"' and "/" in include[2]:
        seen = include[2].rpartition("/")[0]
        if seen not in SEES[folder]:
            yield f"{folder or 'ui-bridge'} may not see {seen}"
    if include and include[1] == "<":
        for prefix, layers in FOREIGN.items():
            if include[2].startswith(prefix) and layer not in layers:
                yield f"{layer} may not use {prefix}"
    if SHELL.search(line):
        yield "a shell"


def main(root):
    bad = files = 0
    for path in sorted([*root.glob("plugin/**/*.[ch]"), *root.glob("ui-bridge/**/*.[ch]")]):
        top, *rest = path.relative_to(root).parent.parts
        folder, layer = "/".join(rest), rest[0] if top == "plugin" else "bridge"
        files += 1
        if folder not in SEES:
            print(f"{path}: add {folder} to the table")
            bad += 1
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for fault in faults(folder, layer, line):
                print(f"{path}:{number}: {fault}: {line.strip()}")
                bad += 1
    return 1 if bad or files < 100 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
