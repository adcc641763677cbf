# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the hook decides. Its test with a real libvirt is vm/test_hook.py."""

import fcntl
import os
import re
import shlex
import signal
import subprocess
import threading

import pytest
from conftest import BEGIN, BUILD, HOOK, LOCK, LOCKS, OTHER, SETTINGS, STATE, VPS, ended, expect, expect_allowed, expect_refused, leave, \
    remove, xml

CREATED = "VPS web1: a backup is being created; it can be started when that has finished."
RESTORED = "VPS web1: a backup is being restored; it can be started when that has finished."
UNREADABLE = (f"VPS web1: its lock file {LOCK} cannot be read; restart vps-backupd, or remove that file if no backup"
              " of this VPS is being created or restored, then start it again.")


def test_no_lock():
    """No folder, an empty one, and other files in it."""
    expect_allowed()
    LOCKS.mkdir()
    expect_allowed()
    (LOCKS / OTHER).write_text("swap op\n")
    (LOCKS / f".{VPS}.new").write_text("swap op\n")
    expect_allowed()


def test_live_owner_is_refused_with_the_words_of_the_protocol(own):
    owner = own("create")
    expect_refused(CREATED)
    owner.kill()
    owner = own("restore")
    expect_refused(RESTORED)
    owner.tell("swap")
    expect_refused(RESTORED)
    owner.tell("release")
    expect_allowed()


def test_dead_owner_is_refused_only_when_a_swap_is_half_done(own):
    for word in "create", "restore":
        own(word).kill()
        assert LOCK.is_file()
        expect_allowed()
    own("swap").kill()
    expect_refused(RESTORED)


@pytest.mark.parametrize("phase", [
    "prepare end -", "prepare beginning -", "start begin -", "started begin -", "stopped end -", "stopped end shutdown", "release end -",
    "migrate begin -", "restore begin -", "reconnect begin -", "attach begin -", "unknown begin -", "begin prepare -", "prepare"])
def test_every_other_phase_passes_whatever_the_lock(own, phase):
    own("restore")
    expect(0, "", xml(), ["web1", *phase.split()])


def test_calls_without_a_phase_pass(own):
    owner = own("restore")
    expect(0, "", b"", ["web1"])
    expect(0, "", b"", [""])
    owner.kill()
    leave(b"")
    expect(0, "", xml(), ["web1", "reconnect", "begin", "-"])
    expect(0, "", xml(), ["web1", "migrate", "begin", "-"])


@pytest.mark.parametrize("phase", ["reconnect", "migrate", "started"])
def test_other_phases_do_not_wait_for_the_xml(own, phase):
    own("restore")
    reader, writer = os.pipe()
    done = subprocess.run([HOOK, "web1", phase, "begin", "-"], stdin=reader, timeout=30, check=False)
    os.close(reader)
    os.close(writer)
    assert done.returncode == 0


@pytest.mark.parametrize("line", [b"", b"\n", b"create", b"swap \n", b"restore\n", b"Swap op\n", b"swapped op\n", b"op swap\n",
                                  b"\001\377\000\n", b"\nswap op\n", b"* *\n"])
def test_garbled_lock_is_refused_with_what_to_do_owner_alive_or_dead(line):
    leave(line)
    expect_refused(UNREADABLE)
    with LOCK.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        expect_refused(UNREADABLE)


@pytest.mark.parametrize("line", [b"swap op", b"swap op more words\n", b"  swap\top\n", b"swap op\nnext line\n"])
def test_line_without_its_end_or_with_more_after_it_is_good(line):
    leave(line)
    expect_refused(RESTORED)


def test_first_line_counts():
    leave(b"create op\nswap op\n")
    expect_allowed()


@pytest.mark.parametrize("make", [LOCK.mkdir, lambda: LOCK.symlink_to("/nowhere"), lambda: os.mkfifo(LOCK), lambda: LOCK.symlink_to(VPS)],
                         ids=["folder", "dangling link", "fifo", "link to itself"])
def test_lock_that_cannot_be_read_is_refused_with_what_to_do(make):
    LOCKS.mkdir()
    make()
    expect_refused(UNREADABLE)


def test_lock_that_may_not_be_opened_is_refused_with_what_to_do():
    leave(b"create op\n")
    LOCK.chmod(0o600)
    subprocess.run(["install", "-m", "755", HOOK, "/run/hook"], check=True)  # where another user may read it
    ended(1, UNREADABLE, subprocess.run(["setpriv", "--reuid", "nobody", "--clear-groups", "/run/hook", *BEGIN], input=xml(),
                                        capture_output=True, check=False))


def test_symlink_to_a_good_lock_counts_as_that_lock(own):
    owner = own("restore")
    LOCK.rename(STATE / "elsewhere")
    LOCK.symlink_to(STATE / "elsewhere")
    expect_refused(RESTORED)
    owner.kill()
    expect_allowed()


@pytest.mark.parametrize("make", [lambda: LOCKS.write_text("\n"), lambda: LOCKS.symlink_to("/nowhere")], ids=["file", "dangling link"])
def test_lock_folder_that_is_something_else_is_refused(make):
    make()
    expect_refused(f"VPS web1: {LOCKS} is not a folder, so it cannot be told whether a backup is being created or restored;"
                   f" restart vps-backupd, or correct {SETTINGS}, then start it again.")


@pytest.mark.parametrize("name", ["state", "a state with  spaces, $x and *"])
def test_locks_dir_names_another_folder(own, tmp_path, name):
    owner = own("restore", tmp_path / name)
    expect_allowed()
    for ending in "", "\n", " \t\n", "\n/nowhere\n":
        SETTINGS.write_text(f"{tmp_path / name}/locks{ending}")
        expect_refused(RESTORED)
    owner.kill()
    expect_allowed()
    leave(b"swap op\n")
    expect_allowed()  # the usual folder does not count any more


def test_locks_dir_that_the_service_has_not_made_yet():
    SETTINGS.write_text("/nowhere/locks\n")
    expect_allowed()


NO_FOLDER = (f"VPS web1: the first line of {SETTINGS} names no folder, so it cannot be told whether a backup is being created"
             " or restored; write the full path of the service's lock folder there, then start it again.")


@pytest.mark.parametrize("text", ["", "\n", "\n/var/lib/vps-backup/locks\n", "locks\n", "./locks\n", "~/locks\n"])
def test_locks_dir_that_names_nothing_is_refused_with_what_to_do(text):
    SETTINGS.write_text(text)
    expect_refused(NO_FOLDER)


@pytest.mark.parametrize("make", [SETTINGS.mkdir, lambda: SETTINGS.symlink_to("/nowhere")], ids=["folder", "dangling link"])
def test_locks_dir_that_cannot_be_read_is_refused_with_what_to_do(make):
    make()
    expect_refused(NO_FOLDER)
    expect(0, "", xml(), ["web1", "reconnect", "begin", "-"])


@pytest.mark.parametrize("name", [
    "my web server", " outer ", "$(touch /pwned)`id`", "it's \"quoted\"", "a%s%n\\n\\\\", "*", "-n", "--", "größe ✓", "&lt;uuid&gt;", ";",
    "#1", b"bytes \xff\xfe that are not UTF-8"])
def test_names_with_any_characters(own, name):
    own("create")
    name = os.fsencode(name)
    expect(1, b"VPS %s: a backup is being created; it can be started when that has finished." % name, xml(name),
           [name, "prepare", "begin", "-"])
    assert not os.path.exists("/pwned")


@pytest.mark.parametrize("form", [
    f"<domain type='kvm' id='7'><name>web1</name><uuid>{VPS}</uuid><memory>1</memory></domain>",
    f"<domain><uuid>{VPS}</uuid><name>web1</name><metadata><uuid>{OTHER}</uuid></metadata></domain>\n",
    f"<?xml version='1.0'?>\n<domain type='kvm'\n        id='7'>\n\t<name>web1</name>\n\t<uuid>{VPS}</uuid>\n</domain>\n",
    f"<domain>\n<uuid>\n  {VPS}\n</uuid>\n</domain>\n",
    f"<domain>\n<uuid>\t{VPS} </uuid >\n</domain>\n",
    f"<domain><uuid a='1' b=\"x\">{VPS}</uuid></domain>",
    f"<domain>\n  <uuid\n  a='1'\n  >{VPS}\n  </uuid\n>\n</domain>",
    f"<domain><genid>{OTHER}</genid><uuids>{OTHER}</uuids><x:uuid>{OTHER}</x:uuid><uuid>{VPS}</uuid></domain>",
    f"<domain>\r\n  <name>web1</name>\r\n  <uuid>{VPS}</uuid>\r\n</domain>\r\n",
    f"\n\n   \\\n<domain><name>back\\slash</name><uuid>{VPS}</uuid>"])
def test_uuid_is_found_in_any_layout_of_the_xml(form):
    leave(b"swap op\n")
    expect(1, RESTORED, form.encode())
    expect(0, "", form.replace(VPS, VPS.replace("6f1c", "6f1d")).encode())


def test_of_a_long_xml_only_the_beginning_is_read():
    leave(b"swap op\n")
    reader, writer = os.pipe()
    os.write(writer, f"<domain>\n<name>web1</name>\n<uuid>{VPS}</uuid>\n".encode())  # and then nothing more comes
    done = subprocess.run([HOOK, *BEGIN], stdin=reader, capture_output=True, timeout=30, check=False)
    os.close(reader)
    os.close(writer)
    ended(1, RESTORED, done)


@pytest.mark.parametrize("form", [
    "", "<domain/>", "<domain><uuid></uuid></domain>", "<domain><uuid>abc</uuid></domain>", "<uuid>",
    "<domain><uuid>../../../../../../etc/passwd</uuid></domain>", f"<uuid>{VPS.upper()}</uuid>", f"<uuid>{VPS} {VPS}</uuid>", VPS])
def test_no_uuid_is_refused_as_long_as_there_is_any_lock(form):
    expect(0, "", form.encode())
    LOCKS.mkdir()
    expect(0, "", form.encode())
    (LOCKS / OTHER).symlink_to("/nowhere")
    expect(1, "VPS web1: no UUID was found in its description, so it cannot be told whether a backup is being created or"
              f" restored; it can be started when the folder {LOCKS} is empty.", form.encode())


def test_two_readers_do_not_take_each_other_for_an_owner():
    leave(b"create op\n")
    with LOCK.open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        expect_allowed()


@pytest.fixture
def with_flock(tmp_path):
    """Runs the hook with another flock(1), which carries out a script before the real one looks at the lock."""
    def run(script, pass_fds=()):
        real, false = tmp_path / "flock", tmp_path / "false-flock"
        subprocess.run(["cp", "/usr/bin/flock", real], check=True)
        false.write_text(f'#!/bin/bash\n{script}\nexec {shlex.quote(str(real))} "$@"\n')
        false.chmod(0o755)
        return subprocess.run(["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /usr/bin/flock && shift && exec "$@"', "sh", false,
                               HOOK, *BEGIN], input=xml(), capture_output=True, pass_fds=pass_fds, check=False)
    return run


def once(done, deed):
    return f"[ -e {done} ] || {{ {deed}; touch {done}; }}"


def ask(owner, word):
    """A shell's words for Owner.tell()."""
    return f"echo {word} >&{owner.process.stdin.fileno()}; read -r _ <&{owner.process.stdout.fileno()}"


def pipes(owner):
    return owner.process.stdin.fileno(), owner.process.stdout.fileno()


@pytest.mark.parametrize("word, status, words", [("swap", 1, RESTORED), ("release", 0, "")])
def test_owner_replaces_or_releases_its_lock_while_we_look(own, with_flock, tmp_path, word, status, words):
    owner, done = own("restore"), tmp_path / "done"
    result = with_flock(once(done, ask(owner, word)), pipes(owner))
    assert done.exists()
    ended(status, words, result)


def test_owner_changes_the_word_and_dies_while_we_look(own, with_flock, tmp_path):
    owner, done = own("create"), tmp_path / "done"
    pid = owner.process.pid
    result = with_flock(once(done, f"{ask(owner, 'swap')}; kill -KILL {pid}; while kill -0 {pid} 2>/dev/null &&"
                                   f" ! grep -q '^State:.Z' /proc/{pid}/status; do :; done"), pipes(owner))
    assert done.exists()
    ended(1, RESTORED, result)


def test_next_operations_owner_comes_while_we_look_at_a_dead_ones_lock(with_flock, tmp_path):
    leave(b"create op\n")
    stdin, stdout, done, pid = (tmp_path / name for name in ("in", "out", "done", "pid"))
    os.mkfifo(stdin)
    os.mkfifo(stdout)
    ends = os.open(stdin, os.O_RDWR), os.open(stdout, os.O_RDWR)
    command = f"{BUILD}/tests/hooks/lock-owner {STATE} {VPS} create <&{ends[0]} >&{ends[1]} 2>&{ends[1]} &"
    result = with_flock(once(done, f"{command} echo $! >{pid}; read -r _ <&{ends[1]}"), ends)
    os.kill(int(pid.read_text()), signal.SIGKILL)
    for end in ends:
        os.close(end)
    ended(1, CREATED, result)


def test_owner_that_changes_its_lock_all_the_time_never_lets_a_start_through(own):
    owner, stop = own("restore"), threading.Event()

    def keep_changing():
        while not stop.is_set():
            owner.tell("swap")
            owner.tell("restore")

    busy = threading.Thread(target=keep_changing)
    busy.start()
    try:
        for _ in range(200):
            ended(1, RESTORED, subprocess.run([HOOK, *BEGIN], input=xml(), capture_output=True, check=False))
    finally:
        stop.set()
        busy.join()
    assert owner.process.poll() is None


def test_flock_that_fails_is_refused_with_what_to_do(own, with_flock):
    owner = own("create")
    words = (f"VPS web1: it cannot be told whether its lock file {LOCK} is still in use, because flock failed (status %d);"
             " see to it that /usr/bin/flock of the package util-linux works, then start it again.")
    ended(1, words % 71, with_flock("exit 71"))
    owner.kill()
    ended(1, words % 127, with_flock("exit 127"))


def calls(trace, names):
    return len(re.findall(rf"(?:{names})\(", trace.read_text()))


def test_it_starts_no_process_but_flock_and_connects_to_nothing(tmp_path):
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-o", trace, "-e", "trace=process,network", HOOK, *BEGIN]
    subprocess.run(command, input=xml(), check=True)
    assert calls(trace, "clone3?|fork|execve|socket|connect") == 1  # the hook itself
    leave(b"create op\n")
    subprocess.run(command, input=xml(), check=True)
    assert calls(trace, "execve") == 2 and calls(trace, "clone3?|fork") == 1 and calls(trace, "socket|connect") == 0


def state_of_lock():
    found = LOCK.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, LOCK.read_bytes(), sorted(os.listdir(LOCKS))


def test_it_leaves_the_lock_as_it_was(own):
    owner = own("restore")
    before = state_of_lock()
    expect_refused(RESTORED)
    assert state_of_lock() == before
    owner.tell("swap")  # the owner can go on as if nobody had looked
    remove(LOCKS)
