#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the panel's catalogue of one language: what its JavaScript says, out of a .po file, as JSON.

A sentence becomes {"English": "translation"}, one with plural forms {"English": {"one": "…", "other": "…"}} with the names that
Intl.PluralRules gives to the forms. Which one is which stands in the header of the .po file, as X-Plural-Categories.
"""

import argparse
import json
import pathlib
import struct
import subprocess
import tempfile

HEADER = ""


def run(*command):
    subprocess.run([str(word) for word in command], check=True)


def javascript(potfiles):
    return [line for line in potfiles.read_text().split() if line.endswith(".js")]


def read_mo(path):
    """Yields (msgid, msgstr) of a little-endian .mo file; plural forms are separated by NUL."""
    content = path.read_bytes()
    count, originals, translations = struct.unpack_from("<3I", content, 8)
    for number in range(count):
        pair = []
        for table in (originals, translations):
            length, offset = struct.unpack_from("<2I", content, table + 8 * number)
            pair.append(content[offset:offset + length].decode())
        yield pair


def compile_part(options, files, folder):
    """The translations of what is said in these files, as a .mo file."""
    template, part, compiled = (folder / name for name in ("panel.pot", "panel.po", "panel.mo"))
    run("xgettext", *options.arguments, "--directory", options.source, "--output", template, *files)
    run("msgmerge", "--quiet", "--no-fuzzy-matching", "--output-file", part, options.po, template)
    run("msgfmt", "--check", "--endianness=little", "--output-file", compiled, part)
    return compiled


def convert(pairs):
    header = dict(line.split(": ", 1) for line in pairs.pop(HEADER).splitlines())
    categories = header["X-Plural-Categories"].split()
    catalogue = {}
    for english, translation in pairs.items():
        one, *plural = english.split("\0")
        catalogue[one] = dict(zip(categories, translation.split("\0"), strict=True)) if plural else translation
    return catalogue


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--depfile", type=pathlib.Path, required=True)
    parser.add_argument("potfiles", type=pathlib.Path)
    parser.add_argument("po", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("arguments", nargs="+", help="for xgettext")
    options = parser.parse_args()

    files = javascript(options.potfiles)
    with tempfile.TemporaryDirectory() as folder:
        catalogue = convert(dict(read_mo(compile_part(options, files, pathlib.Path(folder)))))
    options.output.write_text(json.dumps(catalogue, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")
    options.depfile.write_text(f"{options.output}: {' '.join(str(options.source / name) for name in files)}\n")


if __name__ == "__main__":
    main()
