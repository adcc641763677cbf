# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks of backups by HTTP: a stand-alone qcow2 that is computed while it is sent."""

import http.client
import socket
import subprocess
import urllib.parse

import guest as guests
import pytest
import service as services

SIZE = 3 << 30  # beyond one refcount block, and L2 tables that are left out


def convert_checked(path, raw):
    """The image is without fault and holds the bytes of @raw."""
    assert subprocess.run(["qemu-img", "check", "-f", "qcow2", path], capture_output=True, check=False).returncode == 0
    subprocess.run(["qemu-img", "compare", "-f", "qcow2", "-F", "raw", path, raw], check=True, capture_output=True)


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self.path))


def get(service, url, method="GET", tcp=False, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", services.PORT) if tcp else Unix(service.socket)
    connection.request(method, url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return connection.getresponse()


@pytest.fixture
def backed_up(new_service, new_guest):
    """A service, a VPS with data here and there, and its backup."""
    def make(**config):
        service = new_service(**config)
        vps = new_guest("web1", [guests.Disk("vda", size=SIZE), guests.Disk("vdb", size=(5 << 20) + 512, format="raw")])
        vps.start()
        for at, length in (("0", "64k"), ("1M", "3M"), ("513M", "64k"), ("2500M", "9M"), (str(SIZE - 65536), "64k")):
            vps.qemu_io("vda", f"write -P 0x{len(at):02x} {at} {length}")
        vps.qemu_io("vda", "write -P 0x11 100M 1M")
        vps.qemu_io("vda", "write -z 100M 512k")
        vps.qemu_io("vdb", "write -P 0x77 5M 512")
        client = service.client()
        client.subscribe(vps.vps)
        return service, vps, client, client.back_up(vps.vps)[1]
    return make


def offer(client, vps, backup, disk="vda"):
    return client.request("backup.download", vps=vps.vps, backup=backup, disk=disk)


def test_command_line(backed_up, tmp_path):
    service, vps, _, backup = backed_up()
    for disk in "vda", "vdb":
        service.ctl("download", "web1", "latest", "--disk", disk, "--to", tmp_path / disk)
        convert_checked(tmp_path / disk, service.backup_path(vps.vps, backup) / f"{disk}.raw")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vda", "vdb"]
    assert (tmp_path / "vda").stat().st_size < 20 << 20, "holes are not sent"
    again = service.run_ctl("download", "web1", "latest", "--disk", "vda", "--to", tmp_path / "vda")
    assert again.returncode == 1 and "exists" in again.stderr
    missing = service.run_ctl("download", "web1", "latest", "--disk", "vdz", "--to", tmp_path / "vdz")
    assert missing.returncode == 3 and "not_found" in missing.stderr
    assert service.run_ctl("download", "web1", "latest").returncode == 2


def test_interrupted_download_continues(backed_up, tmp_path):
    service, vps, client, backup = backed_up()
    whole = get(service, offer(client, vps, backup)["url"]).read()
    partial = tmp_path / f"image.{backup}-vda.partial"
    partial.write_bytes(whole[:5_000_001])
    service.ctl("download", "web1", backup, "--disk", "vda", "--to", tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == whole
    assert not partial.exists()


@pytest.mark.parametrize("tcp", [False, True])
def test_ranges(backed_up, tcp):
    service, vps, client, backup = backed_up()
    given = offer(client, vps, backup)
    answer = get(service, given["url"], tcp=tcp)
    whole = answer.read()
    assert answer.status == 200 and len(whole) == given["size_bytes"] == int(answer.headers["Content-Length"])
    assert answer.headers["Accept-Ranges"] == "bytes" and "attachment" in answer.headers["Content-Disposition"]
    assert urllib.parse.quote(given["name"]) in answer.headers["Content-Disposition"]
    tag, size = answer.headers["ETag"], len(whole)
    for asked, first, last in (("bytes=0-0", 0, 0), ("bytes=65530-65541", 65530, 65541), (f"bytes={size - 5}-", size - 5, size - 1),
                               ("bytes=-7", size - 7, size - 1), (f"bytes=1000000-{size * 2}", 1_000_000, size - 1)):
        part = get(service, given["url"], tcp=tcp, Range=asked, If_Range=tag)
        assert part.status == 206 and part.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert part.read() == whole[first:last + 1]
    behind = get(service, given["url"], tcp=tcp, Range=f"bytes={size}-")
    assert behind.status == 416 and behind.headers["Content-Range"] == f"bytes */{size}"
    for ignored in {"Range": "bytes=0-1,5-6"}, {"Range": "lines=1-2"}, {"Range": "bytes=9-3"}, {"Range": "bytes=0-1", "If-Range": '"other"'}:
        assert get(service, given["url"], tcp=tcp, **ignored).status == 200
    head = get(service, given["url"], method="HEAD", tcp=tcp)
    assert head.status == 200 and int(head.headers["Content-Length"]) == size and head.read() == b""


def test_a_ticket_is_the_permission(backed_up):
    service, vps, client, backup = backed_up()
    reader = service.customer(vps.vps, "backup.read", "backup.restore")
    assert reader.refusal("backup.download", vps=vps.vps, backup=backup, disk="vda").reason == "forbidden"
    owner = service.customer(vps.vps, "backup.download", sub="owner")
    url = offer(owner, vps, backup)["url"]
    assert get(service, url, tcp=True).read(4) == b"QFI\xfb"
    for guess in url[:-1] + ("0" if url[-1] != "0" else "1"), "/v1/download/", "/v1/download/x", url + "/", url + "0":
        assert get(service, guess, tcp=True).status == 404
    stranger = service.customer("11111111-2222-4333-8444-555555555555", "backup.download")
    assert stranger.refusal("backup.download", vps=vps.vps, backup=backup, disk="vda").reason == "not_found"
    client.request("session.revoke", sub="owner")
    assert get(service, url, tcp=True).status == 404


def test_what_is_gone_or_damaged_is_not_handed_out(backed_up):
    service, vps, client, backup = backed_up()
    url = offer(client, vps, backup)["url"]
    image = service.backup_path(vps.vps, backup) / "vda.raw"
    with image.open("r+b") as file:
        file.seek(2501 << 20)
        file.write(b"rotten")
    answer = get(service, url)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    other = offer(client, vps, backup, "vdb")["url"]
    client.request("backup.delete", vps=vps.vps, backup=backup)
    assert get(service, other).status == 404


def test_turned_off(backed_up):
    service, vps, client, backup = backed_up(files={"enabled": "no"})
    assert client.refusal("backup.download", vps=vps.vps, backup=backup, disk="vda").reason == "forbidden"
    assert get(service, "/v1/download/" + "0" * 64).status == 404


def test_a_client_that_does_not_read_holds_up_nobody(backed_up):
    service, vps, client, backup = backed_up()
    urls = [offer(client, vps, backup)["url"] for _ in range(5)]
    lazy = []
    for url in urls[:4]:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        one.connect(str(service.socket))
        one.sendall(f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert one.recv(12) == b"HTTP/1.1 200"
        lazy.append(one)
    assert get(service, urls[4]).status == 503, "four for each subject"
    owner = service.customer(vps.vps, "backup.download", sub="owner")
    assert len(get(service, offer(owner, vps, backup)["url"], tcp=True).read()) > 10 << 20
    for one in lazy:
        one.close()


def test_nobody_has_a_download_cut(backed_up):
    """However many connect meanwhile: the connection of a download is one that stays, like a websocket."""
    service, vps, client, backup = backed_up(bridge={"max-connections": "8"})
    url = offer(client, vps, backup)["url"]
    whole = get(service, url, tcp=True).read()
    slow = socket.create_connection(("127.0.0.1", services.PORT))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    slow.sendall(f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = http.client.HTTPResponse(slow)
    answer.begin()
    first = answer.read(1 << 20)
    flood = []
    for _ in range(120):  # more than there is room for, twice
        flood.append(socket.create_connection(("127.0.0.1", services.PORT)))
    for one in flood:
        one.close()
    assert first + answer.read() == whole
    slow.close()
