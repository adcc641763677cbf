# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail on failure: what a program with sendmail's interface is given, and what happens when it takes its time or fails."""

import email
import email.policy
import sys

from push_lab import admin_of, wait_for

PROGRAM = """#!{python}
import os, sys, pathlib
folder = pathlib.Path({folder!r})
text = sys.stdin.buffer.read()
name = str(len(list(folder.glob("*.mail"))))
(folder / (name + ".args")).write_text("\\n".join(sys.argv[1:]))
(folder / (name + ".part")).write_bytes(text)
os.rename(folder / (name + ".part"), folder / (name + ".mail"))
{more}
"""
ARGUMENTS = ["-i", "-f", "backup@example.org", "--", "ops@example.org", "on-call@example.org"]


def settings(folder, more=""):
    program = folder / "sendmail"
    program.write_text(PROGRAM.format(python=sys.executable, folder=str(folder), more=more))
    program.chmod(0o755)
    return {"mail_program": str(program), "mail_to": "ops@example.org;on-call@example.org"}


def mails(folder, count):
    wait_for(lambda: len(list(folder.glob("*.mail"))) >= count, f"mail {count}")
    return [email.message_from_bytes((folder / f"{index}.mail").read_bytes(), policy=email.policy.default) for index in range(count)]


def fail(host, client, vps, name="Nightly"):
    host.tell("fail", "pool", "capture", "insufficient_space")
    operation = client.request("backup.create", vps=vps, name=name)["operation"]["id"]
    assert client.wait_operation(vps, operation)["state"] == "failed"
    return operation


def test_a_failure(new_host, tmp_path):
    host = new_host(**settings(tmp_path))
    vps, client = host.add("web"), admin_of(host)
    client.back_up(vps)  # nobody is told of what has worked
    operation = fail(host, client, vps)
    (mail,) = mails(tmp_path, 1)
    assert (tmp_path / "0.args").read_text(encoding="utf-8").split("\n") == ARGUMENTS
    assert mail["To"] == "ops@example.org, on-call@example.org" and mail["From"] == "backup@example.org"
    assert mail["Subject"].endswith(": 1 failure") and mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.tzinfo is not None and not mail.defects
    body = mail.get_content()
    assert body.startswith(f"Backup Failed\n  VPS: web\n  UUID: {vps}\n  Backup: Nightly\n")
    assert f"  Operation: {operation}\n  Reason: insufficient_space\n" in body


def test_a_name_is_never_a_header_nor_a_line(new_host, tmp_path):
    host = new_host(**settings(tmp_path))
    vps, client = host.add("web"), admin_of(host)
    fail(host, client, vps, "Näme “.” Bcc: evil@example.org")
    (mail,) = mails(tmp_path, 1)
    assert set(mail.keys()) == {"From", "To", "Date", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
    assert "  Backup: Näme “.” Bcc: evil@example.org\n" in mail.get_content()
    assert (tmp_path / "0.args").read_text(encoding="utf-8").split("\n") == ARGUMENTS


def test_what_happens_meanwhile_is_in_the_next(new_host, tmp_path):
    """While one program runs there is no other, and the service answers as ever."""
    gate = tmp_path / "gate"
    host = new_host(**settings(tmp_path, f"import time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)"))
    vps, client = host.add("web"), admin_of(host)
    fail(host, client, vps)
    mails(tmp_path, 1)
    operations = [fail(host, client, vps) for _ in range(3)]
    assert client.request("vps.get", vps=vps)["status"] == "running"
    assert len(list(tmp_path.glob("*.mail"))) == 1
    gate.touch()
    second = mails(tmp_path, 2)[1]
    assert second["Subject"].endswith(": 3 failures")
    assert all(f"Operation: {operation}" in second.get_content() for operation in operations)


def test_a_program_that_fails_is_in_the_log(new_host, tmp_path):
    host = new_host(**settings(tmp_path, "sys.exit(75)"))
    vps, client = host.add("web"), admin_of(host)
    fail(host, client, vps)
    wait_for(lambda: "ended with status 75" in host.read_log(), "the warning")
    fail(host, client, vps)
    mails(tmp_path, 2)
