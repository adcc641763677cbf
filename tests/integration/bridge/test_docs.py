# SPDX-License-Identifier: LGPL-2.1-or-later
"""The description of the protocol knows everything that the schema knows, and nothing more."""

import json
import os
import pathlib
import re

import pytest

SOURCE = pathlib.Path(os.environ.get("VB_SOURCE", pathlib.Path(__file__).resolve().parents[3]))
SCHEMA = json.loads((SOURCE / "ui-bridge/schema/vps-backup.v1.schema.json").read_text(encoding="utf-8"))["definitions"]
TEXT = (SOURCE / "ui-bridge/PROTOCOL.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[\w.-]+", TEXT))

OBJECTS = ("Vps", "Slots", "Backup", "BackupDisk", "Operation", "OperationError", "Notification", "SessionInfo", "PowerActions",
           "CanCreate", "Activity", "AuditEntry")


def section(title):
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title):
    """First cells of the tables of a section, names in backquotes only."""
    found = set()
    for line in section(title).splitlines():
        if line.startswith("| `"):
            found |= set(re.findall(r"`([^`]+)`", line.split("|")[1]))
    return found


def test_methods():
    assert rows("Methods") == set(SCHEMA["methods"])


def test_params_and_results():
    for name, method in SCHEMA["methods"].items():
        line = next(line for line in section("Methods").splitlines() if line.startswith("|") and f"`{name}`" in line)
        for param in method["params"]["properties"]:
            optional = param not in method["params"].get("required", [])
            assert re.search(rf"`{param}{re.escape('?') if optional else ''}`", line), (name, param)
        for member in method["result"].get("properties", {}):
            assert re.search(rf"\b{member}\b", line), (name, member)


def test_events():
    assert rows("Events") == set(SCHEMA["events"])


def test_reasons():
    assert rows("Errors") == set(SCHEMA["Reason"]["enum"])


def test_permissions():
    assert rows("Permissions") == set(SCHEMA["Permission"]["enum"])


def test_permissions_of_methods():
    for line in section("Permissions").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `") or cells[0] == "`admin`":
            continue
        permission, = re.findall(r"`([^`]+)`", cells[0])
        assert set(re.findall(r"`([^`]+)`", cells[1])) == {
            name for name, method in SCHEMA["methods"].items() if permission in method["permissions"]}, permission


@pytest.mark.parametrize("name", OBJECTS)
def test_members_and_words_of_objects(name):
    def visit(node):
        for member, inner in node.get("properties", {}).items():
            assert member in WORDS, member
            visit(inner)
        for word in node.get("enum", []):
            assert word in WORDS, word
    visit(SCHEMA[name])


def test_examples_are_json():
    for line in re.findall(r"^[→←] (\{.*\})$", TEXT, re.MULTILINE):
        if "…" not in line:
            json.loads(line)
