#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Puts the panel's files into C, as vps-backup-panel.gresource.xml lists them.

The sources run as they are. For the module they are packed: comments and indentation go, modules that are needed together become one
file, and all of them lie in a folder that is named by their content, so that a browser may keep them for good. index.html, sw.js and
vps-backup.js keep their addresses. What a browser can unpack is there as gzip, too, and as brotli where there is that program. Nothing but Python is needed for it.
"""

import argparse
import gzip
import hashlib
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

# Each module goes into the first file that needs it, with all that it imports.
CHUNKS = {
    "core.js": ["vps-backup.js", "elements/summary-view.js", "elements/activity-view.js", "page.js"],
    "outcomes.js": ["outcomes.js"],
    "push.js": ["push.js"],
    "questions.js": ["elements/questions.js"],
    "panel.js": ["elements/panel-view.js", "elements/row.js", "elements/schedule.js"],
    "resources.js": ["elements/resources-view.js"],
    "list.js": ["elements/list-view.js"],
    "bell.js": ["elements/notification-list.js"],
    "toasts.js": ["elements/toasts.js"],
    "card.js": ["elements/card-view.js"],
}
PAGE = "page.js"
WORKER = "sw.js"  # has to be at its own address, in one piece

IMPORT = re.compile(r"^import \{ ([^}]*) \} from '([^']+)';\n", re.M)
LAZY = re.compile(r"import\('([^']+)'\)")
EXPORT = re.compile(r"^export ((?:async )?function|class|const|let) (\w+)", re.M)
EXPORT_LIST = re.compile(r"^export \{ ([^}]*) \};\n", re.M)
STYLE = re.compile(r"css`([^`]*)`")
BEFORE_REGEX = set("(,=:[!&|?{};+\n") | {""}


def squeeze(match):
    """A style sheet in a template string."""
    text = re.sub(r"/\*.*?\*/", "", match.group(1), flags=re.S)
    text = re.sub(r"\s+", " ", text.strip())
    return "css`" + re.sub(r" ?([{};]) ?|([:,]) ", r"\1\2", text).replace(";}", "}") + "`"


def end_of_literal(text, start):
    """The place after a string, template or regular expression that begins there."""
    quote, at, in_class = text[start], start + 1, False
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif quote == "`" and text.startswith("${", at):
            depth, at = 1, at + 2
            while depth:
                if text[at] in "'\"`":
                    at = end_of_literal(text, at) - 1
                depth += {"{": 1, "}": -1}.get(text[at], 0)
                at += 1
            continue
        elif quote == "/" and text[at] in "[]":
            in_class = text[at] == "["
        elif text[at] == quote and not in_class:
            return at + 1
        at += 1
    raise ValueError(f"a literal has no end: {text[start:start + 40]!r}")


def without_comments(text):
    result, at, last = [], 0, ""
    while at < len(text):
        if text.startswith("//", at):
            at = text.index("\n", at)
            continue
        if text.startswith("/*", at):
            at = text.index("*/", at) + 2
            continue
        end = at + 1
        if text[at] in "'\"`" or (text[at] == "/" and last in BEFORE_REGEX):
            end = end_of_literal(text, at)
        piece = text[at:end]
        result.append(piece)
        if not piece.isspace():
            last = piece[-1]
        at = end
    return "".join(result)


def shrink(text):
    """JavaScript without comments, indentation and empty lines. Line ends stay where they are: nothing else is known to be safe."""
    text = STYLE.sub(squeeze, text)
    lines = (line.strip() for line in without_comments(text).split("\n"))
    return "\n".join(line for line in lines if line) + "\n"


class Module:
    def __init__(self, source, name):
        text = (source / name).read_text(encoding="utf-8")
        folder = pathlib.PurePosixPath(name).parent
        self.name = name
        self.id = "$" + re.sub(r"\W", "_", name.removesuffix(".js"))
        self.imports = [(names, self.resolve(folder, path)) for names, path in IMPORT.findall(text)]
        self.text = LAZY.sub(lambda match: f"import('{self.resolve(folder, match[1])}')", IMPORT.sub("", text))

    @staticmethod
    def resolve(folder, path):
        parts = []
        for part in (folder / path).parts:
            parts = parts[:-1] if part == ".." else [*parts, part]
        return "/".join(parts)

    def body(self, modules, chunk_of):
        """The module as a function that is called once and answers what it exports."""
        text = LAZY.sub(lambda match: f"import('./{chunk_of[match[1]]}').then((all) => all.{modules[match[1]].id})", self.text)
        names = [name for _, name in EXPORT.findall(text)]
        for some in EXPORT_LIST.findall(text):
            names += some.split(", ")
        text = EXPORT.sub(r"\1 \2", EXPORT_LIST.sub("", text))
        taken = "".join(f"const {{ {names.replace(' as ', ': ')} }} = {modules[path].id};\n" for names, path in self.imports)
        return f"const {self.id} = (() => {{\n{taken}{text}return {{ {', '.join(names)} }};\n}})();\n"


def closure(modules, source, roots):
    """What these need, what is needed first."""
    order = []

    def visit(name):
        if name in order:
            return
        modules.setdefault(name, Module(source, name))
        for _, needed in modules[name].imports:
            visit(needed)
        order.append(name)

    for root in roots:
        visit(root)
    return order


def write_chunks(source, target):
    """The files of the folder that is named by its content."""
    modules, chunk_of, contents = {}, {}, {}
    for chunk, roots in CHUNKS.items():
        contents[chunk] = [name for name in closure(modules, source, roots) if name not in chunk_of]
        chunk_of.update(dict.fromkeys(contents[chunk], chunk))
    for chunk, names in contents.items():
        outside = {}
        for name in names:
            for _, path in modules[name].imports:
                if chunk_of[path] != chunk:
                    outside.setdefault(chunk_of[path], set()).add(modules[path].id)
        text = "".join(f"import {{ {', '.join(sorted(ids))} }} from './{other}';\n" for other, ids in outside.items())
        text += "".join(modules[name].body(modules, chunk_of) for name in names)
        # The page's own program runs on that page alone; other pages have one of their own.
        text = text.replace(f"const ${PAGE.removesuffix('.js')} = (() => {{", "if (document.querySelector('script[data-page]')) (async () => {")
        text += f"export {{ {', '.join(modules[name].id for name in names if name != PAGE)} }};\n"
        # The service worker stays where it is, whatever the folder is called.
        (target / chunk).write_text(shrink(text.replace("new URL('sw.js',", "new URL('../sw.js',")), encoding="utf-8")


def write_worker(source, target):
    modules = {}
    names = closure(modules, source, [WORKER])
    text = "".join(modules[name].body(modules, {}) for name in names)
    target.write_text(shrink(text), encoding="utf-8")


def write_page(source, target, folder):
    """The page asks for all that it needs at once, by the name of the folder."""
    text = (source / "index.html").read_text(encoding="utf-8")
    text = re.sub(r'<link rel="modulepreload"[^>]*>\n', "", text)
    text = text.replace('href="page.css"', f'href="{folder}/page.css"').replace('src="page.js"', f'src="{folder}/core.js" data-page')
    target.write_text(text, encoding="utf-8")


def pack(source, target, names, catalogues):
    """Fills the folder; answers the files in it."""
    shutil.rmtree(target, ignore_errors=True)
    inner = target / "content"
    (inner / "locale").mkdir(parents=True)
    write_chunks(source, inner)
    style = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", (source / "page.css").read_text(encoding="utf-8"), flags=re.S))
    (inner / "page.css").write_text(style.strip() + "\n", encoding="utf-8")
    for path in catalogues:
        shutil.copyfile(path, inner / "locale" / path.name)
    digest = hashlib.sha256()
    for path in sorted(inner.rglob("*.*")):
        digest.update(path.read_bytes())
    folder = inner.rename(target / digest.hexdigest()[:12])
    shutil.copytree(folder / "locale", target / "locale")  # the service worker's
    for name in (name for name in names if name.endswith(".svg")):
        (target / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source / name, target / name)
    write_page(source, target / "index.html", folder.name)
    write_worker(source, target / WORKER)
    (target / "vps-backup.js").write_text(f"import {{ $vps_backup }} from './{folder.name}/core.js';\nexport const {{ setLanguage }} = $vps_backup;\n", encoding="utf-8")
    return sorted(str(path.relative_to(target)) for path in target.rglob("*.*"))


def add_packed(target, names, brotli):
    """Where it is shorter; always the same bytes for the same file. Of the page itself the service makes it: it fills it in."""
    for name in names:
        content = (target / name).read_bytes()
        packed = {"gz": gzip.compress(content, 9, mtime=0)}
        if brotli:
            packed["br"] = subprocess.run([brotli, "--best", "--stdout", "-"], input=content, stdout=subprocess.PIPE, check=True).stdout
        for suffix, shorter in packed.items():
            if len(shorter) < len(content) * 0.9 and name != "index.html":
                (target / f"{name}.{suffix}").write_bytes(shorter)
                yield f"{name}.{suffix}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--brotli", help="the program, where there is one")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--depfile", type=pathlib.Path, required=True)
    parser.add_argument("--catalogues", type=pathlib.Path, nargs="*", default=[])
    parser.add_argument("manifest", type=pathlib.Path)
    parser.add_argument("code", type=pathlib.Path)
    parser.add_argument("header", type=pathlib.Path)
    options = parser.parse_args()

    source = options.manifest.parent
    tree = ElementTree.parse(options.manifest)
    needed = [node.text for node in tree.iter("file")]
    files = pack(source, options.folder, needed, options.catalogues)
    files += add_packed(options.folder, list(files), options.brotli)
    resource = tree.find("gresource")
    for node in list(resource):
        resource.remove(node)
    for name in files:
        ElementTree.SubElement(resource, "file").text = name
    complete = options.folder.with_suffix(".xml")
    tree.write(complete, encoding="utf-8")
    for kind, output in (("--generate-source", options.code), ("--generate-header", options.header)):
        subprocess.run([options.compiler, kind, "--internal", "--c-name=vb_panel", f"--sourcedir={options.folder}", f"--target={output}", complete], check=True)
    options.depfile.write_text(f"{options.code}: {' '.join(str(source / name) for name in needed)}\n")


if __name__ == "__main__":
    main()
