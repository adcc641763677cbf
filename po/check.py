#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check.py SOURCE-ROOT: is everything that people read in po/, and is it right? Prints what is not, and fails then.

What customers read has to be there in every language; what only operators read may be missing, and is English then.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from catalogue import HEADER, read_mo  # noqa: E402

OPERATORS = (
    "ui-bridge/cli/", "ui-bridge/vb-", "ui-bridge/net/", "ui-bridge/auth/", "ui-bridge/delivery/", "ui-bridge/http/",
    "plugin/storage/", "plugin/offline/", "plugin/module/", "plugin/libvirt/xml/vb-domain-move.c",
    "plugin/libvirt/xml/vb-definition.c", "plugin/core/base/vb-image-", "plugin/core/base/vb-trusted-path.c",
)
FOLDERS = ("plugin", "ui-bridge", "hooks")
MARKS = {".c": re.compile(r'\b(?:N?_|vb_ngettext) \((?=\s*")'), ".js": re.compile(r"(?<![.#\w])tn?\((?=\s*')")}
# What xgettext cannot read: t() of something else than a plain string.
ODD = {".c": re.compile(r'\bN?_ \(\s*"[^"\n]*"\s*[A-Z]'), ".js": re.compile(r"(?<![.#\w])tn?\((?!\s*')")}
PLACEHOLDER = re.compile(r"\{\w+\}")
ONE_OF_A_KIND = {"zero", "one", "two"}

problems = []


def complain(words):
    problems.append(words)
    print(words)


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        complain(done.stderr.strip())
    return done.stdout


def arguments(root):
    """What meson gives to xgettext."""
    block = re.search(r"xgettext_arguments = \[(.*?)\]", (root / "po/meson.build").read_text(), re.S)[1]
    return re.findall(r"'([^']*)'", block)


def compiled(catalogue, folder):
    target = folder / "compiled.mo"
    run("msgfmt", "--check", "--endianness=little", "--output-file", target, catalogue)
    return dict(read_mo(target))


def template(root, files, folder, name):
    """What is said in these files: the file, and the set of it."""
    target = folder / name
    run("xgettext", *arguments(root), "--package-name=vps-backup", "--directory", root, "--output", target, *files)
    full = folder / "english.po"
    run("msgen", "--output-file", full, target)
    # Ours, so that msgfmt has nothing to complain of.
    text = full.read_text().replace("charset=ASCII", "charset=UTF-8")
    full.write_text(re.sub(r'"Language: .*\\n"', '"Language: en\\\\n"', text))
    english = folder / "english.mo"
    subprocess.run(["msgfmt", "--endianness=little", "--output-file", english, full], check=True)
    return target, set(dict(read_mo(english))) - {HEADER}


def check_potfiles(root):
    listed = (root / "po/POTFILES").read_text().split()
    marked = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.*")):
            name = str(path.relative_to(root))
            if path.suffix not in MARKS:
                continue
            text = path.read_text(encoding="utf-8")
            if MARKS[path.suffix].search(text):
                marked.append(name)
            if name in listed and ODD[path.suffix].search(text):
                complain(f"{name}: xgettext cannot read {ODD[path.suffix].search(text)[0]!r}; give it one plain string")
    for name in sorted(set(marked) - set(listed)):
        complain(f"po/POTFILES lacks {name}")
    for name in sorted(set(listed) - set(marked)):
        complain(f"po/POTFILES: nothing is said in {name}")
    if listed != sorted(listed):
        complain("po/POTFILES is not sorted")
    return listed


def check_placeholders(language, categories, english, translation):
    source, *plural = english.split("\0")
    needed = set(PLACEHOLDER.findall(source)) | set(PLACEHOLDER.findall("".join(plural)))
    for category, form in zip(categories if plural else ["other"], translation.split("\0"), strict=True):
        has = set(PLACEHOLDER.findall(form))
        missing = needed - has - ({"{count}"} if category in ONE_OF_A_KIND else set())
        if has - needed or missing:
            complain(f"po/{language}.po: “{form}” has {sorted(has)}, “{source}” has {sorted(needed)}")
    if source[:1] in " >" and translation[0] != source[0]:
        complain(f"po/{language}.po: “{translation}” has to begin like “{source}”")
    if source.endswith(" ") and not translation.endswith(" "):
        complain(f"po/{language}.po: “{translation}” has to end with a blank")


def check_language(root, language, everything, customers, folder):
    po, merged = root / f"po/{language}.po", folder / "merged.po"
    if re.search(r"^#,.*\bfuzzy\b", po.read_text(encoding="utf-8"), re.M):
        complain(f"po/{language}.po has fuzzy entries: look at them, and take the mark away")
    run("msgmerge", "--quiet", "--no-fuzzy-matching", "--output-file", merged, po, everything[0])
    translations = compiled(merged, folder)
    header = dict(line.split(": ", 1) for line in translations.pop(HEADER).splitlines() if ": " in line)
    categories = header.get("X-Plural-Categories", "").split()
    if header.get("Language") != language or f"nplurals={len(categories)};" not in header["Plural-Forms"]:
        complain(f"po/{language}.po: Language, Plural-Forms and X-Plural-Categories in the header do not agree")
        return
    for english in sorted(customers[1] - set(translations)):
        complain(f"po/{language}.po lacks “{english.split(chr(0))[0]}”")
    for english, translation in translations.items():
        check_placeholders(language, categories, english, translation)
    print(f"# {language}: {len(translations)} of {len(everything[1])}")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    listed = check_potfiles(root)
    languages = (root / "po/LINGUAS").read_text().split()
    if sorted(path.stem for path in (root / "po").glob("*.po")) != languages:
        sys.exit("po/LINGUAS does not list the .po files, sorted")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        everything = template(root, listed, folder, "all.pot")
        customers = template(root, [path for path in listed if not path.startswith(OPERATORS)], folder, "customers.pot")
        for language in languages:
            check_language(root, language, everything, customers, folder)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
