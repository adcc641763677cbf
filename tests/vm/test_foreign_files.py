# SPDX-License-Identifier: LGPL-2.1-or-later
"""A local user may write to the folder of the images and puts something else there while the VPS is off: nothing but what the
definition names is read or overwritten, nobody is called, and nobody waits."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading

import client as clients
import guest as guests
import isolated
import pytest

MIB = 1 << 20
SIZE = 8 * MIB
SECRET = b"only root may read this\n" * 1024
USER = 65534
ANSWER_S = 60  # twice what is promised: the machine of the tests may be busy


class Listener:
    """Somebody's server, and whether anybody has come."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(path))
        self.socket.listen()
        self.visitors = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.socket.accept()[0].close()
                self.visitors += 1


@pytest.fixture
def secret():
    path = isolated.new_folder("secret") / "secret"
    path.write_bytes(SECRET + bytes(SIZE - len(SECRET)))
    path.chmod(0o600)
    return path


@pytest.fixture
def folder():
    """The user's: images in it are QEMU's, whose user is another one."""
    path = isolated.new_folder("users")
    os.chown(path, USER, USER)
    path.chmod(0o777)
    return path


def qcow2(path, *options):
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, path, str(SIZE)], check=True)
    os.chown(path, USER, USER)


def put_link(path, secret, listener):
    path.symlink_to(secret)


def put_backing(path, secret, listener):
    qcow2(path, "-u", "-F", "raw", "-b", str(secret))


def put_json_backing(path, secret, listener):
    backing = json.dumps({"driver": "raw", "file": {"driver": "file", "filename": str(secret)}})
    qcow2(path, "-u", "-F", "raw", "-b", f"json:{backing}")


def put_nbd_backing(path, secret, listener):
    qcow2(path, "-u", "-F", "raw", "-b", f"nbd+unix:///?socket={listener.socket.getsockname()}")


def put_data_file(path, secret, listener):
    copy = secret.with_name("copy")  # qemu-img writes to it
    copy.write_bytes(secret.read_bytes())
    qcow2(path, "-o", f"data_file={copy},data_file_raw=on")
    copy.write_bytes(secret.read_bytes())


PUT = [put_link, put_backing, put_json_backing, put_nbd_backing, put_data_file]


def backed_up_bytes(service, vps):
    return b"".join(path.read_bytes() for backup in service.backup_folders(vps.vps)
                    for path in service.backup_path(vps.vps, backup).glob("*.raw"))


def refused_or_failed(client, vps, method, **params):
    """Whether a request came to nothing; one that succeeds is judged by what it has done."""
    try:
        operation = client.request(method, vps=vps.vps, deadline_s=ANSWER_S, **params)["operation"]["id"]
    except clients.RpcError:
        return True
    return client.wait_operation(vps.vps, operation)["state"] != "completed"


@pytest.mark.parametrize("put", PUT, ids=[put.__name__[4:] for put in PUT])
@pytest.mark.parametrize("image_format", ["qcow2", "raw"])
def test_image_is_replaced(new_service, new_guest, folder, secret, put, image_format):
    vps = new_guest("victim", [guests.Disk("vda", size=SIZE, format=image_format)], kind=guests.Blank, folder=folder)
    service = new_service()
    client = service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    listener = Listener(isolated.new_folder("listener") / "socket")
    image = pathlib.Path(vps.inactive_disk("vda").find("source").get("file"))
    kept = image.with_name("kept")
    image.rename(kept)
    put(image, secret, listener)
    present = secret.read_bytes()

    refused_or_failed(client, vps, "backup.create")
    assert SECRET[:64] not in backed_up_bytes(service, vps), "what the user may not read is in the backup"
    refused_or_failed(client, vps, "backup.restore", backup=backup)
    assert secret.read_bytes() == present and all(path.read_bytes() == present for path in secret.parent.glob("copy"))
    assert secret.stat().st_uid == 0 and secret.stat().st_mode & 0o777 == 0o600
    assert listener.visitors == 0
    # And with the image back, all is as before.
    if image.is_symlink() or image.exists():
        image.unlink()
    for left in folder.glob(image.name + ".*"):
        left.unlink()
    kept.rename(image)
    for old in client.request("vps.get", vps=vps.vps)["backups"][:1]:
        if old["id"] != backup:
            client.request("backup.delete", vps=vps.vps, backup=old["id"])
    assert client.back_up(vps.vps)[0]["state"] == "completed"


@contextlib.contextmanager
def dead_network_disk(path):
    """An image on a file system whose server answers nobody any more."""
    process = subprocess.Popen(["nbdfuse", path, "--command", "nbdkit", "-s", "memory", str(SIZE)])
    try:
        isolated.wait_until(path.is_file, "the file system")
        process.send_signal(signal.SIGSTOP)
        yield
    finally:
        process.send_signal(signal.SIGCONT)
        subprocess.run(["umount", "--lazy", path.parent], check=False)
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def fifo(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    yield


@pytest.mark.parametrize("kind", ["fifo", "network"])
def test_images_that_nobody_can_read(new_service, new_guest, folder, kind):
    """Five of them are asked to be backed up: each is answered, and the others do not notice."""
    if kind == "network" and not pathlib.Path("/dev/fuse").exists():
        pytest.skip("needs /dev/fuse")
    service = new_service()
    client = service.client()
    other = new_guest("other", [guests.Disk("vda", size=SIZE)], kind=guests.Blank)
    other.start()
    client.follow(other.vps)
    with contextlib.ExitStack() as stack:
        victims = []
        for number in range(5):
            place = folder / str(number)
            place.mkdir()
            place.chmod(0o777)
            vps = new_guest(f"victim{number}", [guests.Disk("vda", size=SIZE, format="raw")], kind=guests.Blank, folder=place)
            client.follow(vps.vps)
            image = pathlib.Path(vps.inactive_disk("vda").find("source").get("file"))
            if kind == "fifo":
                stack.enter_context(fifo(image))
            else:
                image.unlink()
                stack.enter_context(dead_network_disk(image))
            victims.append(vps)
        started = [client.start("backup.create", vps=vps.vps) for vps in victims]
        # Meanwhile everybody else's buttons work.
        client.request("power.stop", vps=other.vps, force=True)
        client.wait_vps(other.vps, lambda now: now["power"] == "stopped", "it to be off")
        client.request("power.start", vps=other.vps)
        client.wait_vps(other.vps, lambda now: now["power"] == "running", "it to be on")
        client.request("slots.set", vps=other.vps, total=3)
        assert client.back_up(other.vps)[0]["state"] == "completed"
        for vps, number in zip(victims, started):
            with contextlib.suppress(clients.RpcError):
                operation = client.answer(number, ANSWER_S)["operation"]["id"]
                client.wait_operation(vps.vps, operation)
        assert client.request("session.info")
    assert service.alive
