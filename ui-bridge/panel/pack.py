#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Puts the panel's files into C, as vps-backup-panel.gresource.xml lists them.

The files run as they are. With esbuild at hand each one is copied without comments and with short names first, which halves what
a page loads; modules stay modules, nothing is bundled.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

PACKED = {".js", ".css"}
STYLE = re.compile(r"css`([^`]*)`")


def run(*command):
    subprocess.run([str(word) for word in command], check=True)


def squeeze(match):
    """A style sheet in a template string, which esbuild leaves alone."""
    text = re.sub(r"\s+", " ", match.group(1).strip())
    return "css`" + re.sub(r" ?([{};]) ?|([:,]) ", r"\1\2", text).replace(";}", "}") + "`"


def pack(esbuild, source, target, names):
    shutil.rmtree(target, ignore_errors=True)
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)
    if not esbuild:
        return
    files = [target / name for name in names if pathlib.Path(name).suffix in PACKED]
    for path in files:
        path.write_text(STYLE.sub(squeeze, path.read_text(encoding="utf-8")), encoding="utf-8")
    run(esbuild, "--minify", "--target=es2022", "--charset=utf8", "--legal-comments=none", "--log-level=warning",
        f"--outbase={target}", f"--outdir={target}", "--allow-overwrite", *files)


def with_catalogues(manifest, catalogues, folder):
    """A copy of the manifest that lists the catalogues, too; they are put where it says."""
    tree = ElementTree.parse(manifest)
    (folder / "locale").mkdir()
    for path in catalogues:
        shutil.copyfile(path, folder / "locale" / path.name)
        ElementTree.SubElement(tree.find("gresource"), "file").text = f"locale/{path.name}"
    complete = folder / manifest.name
    tree.write(complete, encoding="utf-8")
    return complete


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--esbuild", default="")
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--depfile", type=pathlib.Path, required=True)
    parser.add_argument("--catalogues", type=pathlib.Path, nargs="*", default=[])
    parser.add_argument("manifest", type=pathlib.Path)
    parser.add_argument("code", type=pathlib.Path)
    parser.add_argument("header", type=pathlib.Path)
    options = parser.parse_args()

    source = options.manifest.parent
    names = [node.text for node in ElementTree.parse(options.manifest).iter("file")]
    pack(options.esbuild, source, options.folder, names)
    manifest = with_catalogues(options.manifest, options.catalogues, options.folder)
    for kind, output in (("--generate-source", options.code), ("--generate-header", options.header)):
        run(options.compiler, kind, "--internal", "--c-name=vb_panel", f"--sourcedir={options.folder}", f"--target={output}",
            manifest)
    needed = " ".join(str(source / name) for name in names)
    options.depfile.write_text(f"{options.code}: {needed}\n")


if __name__ == "__main__":
    main()
