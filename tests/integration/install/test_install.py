# SPDX-License-Identifier: LGPL-2.1-or-later
"""An installation: every file in its place, documents that know every command and key, a unit that is hardened, and an uninstall
that leaves what is not ours."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

BUILD = pathlib.Path(os.environ["VB_BUILD"])
SOURCE = pathlib.Path(os.environ["VB_SOURCE"])
EXPOSURE_MAX = "30"  # tenths

EXPECTED = {
    "bin/vps-backupctl": 0o755,
    "include/vps-backup/vps-backup-module.h": 0o644,
    "lib/systemd/system/vps-backupd.service": 0o644,
    "lib/tmpfiles.d/vps-backup.conf": 0o644,
    "sbin/vps-backupd": 0o755,
    "share/bash-completion/completions/vps-backupctl": 0o644,
    "share/cockpit/vps-backup/index.html": 0o644,
    "share/cockpit/vps-backup/manifest.json": 0o644,
    "share/cockpit/vps-backup/panel/vps-backup.js": 0o644,
    "share/doc/vps-backup/PROTOCOL.md": 0o644,
    "share/doc/vps-backup/README.md": 0o644,
    "share/doc/vps-backup/examples/vps-backup.conf.example": 0o644,
    "share/man/man5/vps-backup.conf.5": 0o644,
    "share/man/man8/vps-backup-hook.8": 0o644,
    "share/man/man8/vps-backupctl.8": 0o644,
    "share/man/man7/vps-backup.7": 0o644,
    "share/man/man8/vps-backupd.8": 0o644,
    "share/vps-backup/apparmor-enable": 0o755,
    "share/vps-backup/selinux-label": 0o755,
    "share/vps-backup/grafana/vps-backup.grafana.json": 0o644,
    "share/vps-backup/panel/index.html": 0o644,
    "share/vps-backup/schema/vps-backup.v1.schema.json": 0o644,
}


def run(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, **options).stdout


def option(name):
    options = json.loads(run("meson", "introspect", "--buildoptions", BUILD))
    return next(one["value"] for one in options if one["name"] == name)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root)
    return root


@pytest.fixture(scope="module")
def prefix(installed):
    return installed / option("prefix").lstrip("/")


def test_files(installed, prefix):
    for name, mode in EXPECTED.items():
        assert (prefix / name).is_file(), name
        assert (prefix / name).stat().st_mode & 0o777 == mode, name
    assert (prefix / option("libdir") / "vps-backup/vps-backup.so").is_file()
    assert (installed / "etc/libvirt/hooks/qemu.d/vps-backup").stat().st_mode & 0o777 == 0o755
    assert (installed / "etc/apparmor.d/abstractions/libvirt-qemu.d/vps-backup").is_file()
    assert not (installed / "etc/vps-backup").exists(), "the config is the administrator's"
    assert not [path for path in installed.rglob("*") if "test" in path.name.lower()]


def test_programs_run_where_they_are(prefix):
    for program in ("bin/vps-backupctl", "sbin/vps-backupd"):
        assert run(prefix / program, "--version").startswith("vps-backup")


def test_unit(prefix):
    unit = prefix / "lib/systemd/system/vps-backupd.service"
    text = unit.read_text()
    assert "@" not in text.replace("@system-service", "").replace("@resources", "").replace("@privileged", "").replace("@chown", "")
    assert f"ExecStart={option('prefix')}/sbin/vps-backupd --config /etc/vps-backup/vps-backup.conf\n" in text
    assert "Type=notify\n" in text and "WatchdogSec=" in text
    run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", unit)
    for name in ("PrivateTmp", "PrivateDevices", "PrivateUsers"):  # shared sockets, LVM, disks of other users
        assert not re.search(rf"^{name}=(yes|true)", text, re.MULTILINE)


def test_manual_pages(prefix):
    for page in (prefix / "share/man").rglob("*.[578]"):
        run("mandoc", "-Tlint", "-W", "error", page)
    commands = (prefix / "share/man/man8/vps-backupctl.8").read_text()
    spoken = re.findall(r"^  (\w+)(.*)$", run(prefix / "bin/vps-backupctl", "--help").split("Commands:")[1], re.MULTILINE)
    assert len(spoken) > 10
    for command, arguments in spoken:
        described = re.findall(rf"^\.It Cm {command}\b.*$", commands, re.MULTILINE)
        assert described, command
        for word in re.findall(r"--([a-z-]+)", arguments):
            assert any(f"Fl -{word}" in line for line in described), (command, word)
    keys = (prefix / "share/man/man5/vps-backup.conf.5").read_text()
    example = (prefix / "share/doc/vps-backup/examples/vps-backup.conf.example").read_text()
    for group in re.findall(r"^\[(.*)\]", example, re.MULTILINE):
        assert f".Ss [{group}]\n" in keys
    for key in re.findall(r"^#?([a-z-]+)=", example, re.MULTILINE):
        assert f".It Ic {key} Ns =" in keys, key


def complete(script, *words):
    """What bash offers for the last word."""
    lines = f"""source {script}
COMP_WORDS=({' '.join(f"'{word}'" for word in words)}) COMP_CWORD={len(words) - 1}
_vps_backupctl
printf '%s\\n' "${{COMPREPLY[@]}}" """
    return run("bash", "-c", lines, env={"PATH": "/nowhere:/usr/bin:/bin"}).split()


def test_completion(prefix):
    script = prefix / "share/bash-completion/completions/vps-backupctl"
    commands = re.findall(r"^  (\w+)", run(prefix / "bin/vps-backupctl", "--help").split("Commands:")[1], re.MULTILINE)
    assert sorted(complete(script, "vps-backupctl", "")) == sorted(commands)
    assert complete(script, "vps-backupctl", "rec") == ["recover"]
    assert complete(script, "vps-backupctl", "pool", "ch") == ["check"]
    assert complete(script, "vps-backupctl", "recover", "web1", "--n") == ["--no-define"]
    assert complete(script, "vps-backupctl", "restore", "web1", "la") == ["latest"]


def test_host_managers_find_the_module(installed, prefix, tmp_path):
    """With pkg-config: the header compiles alone, and the module is where the variable says."""
    environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / option("libdir") / "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": ""}
    where = run("pkg-config", "--variable=module", "vps-backup", env=environment).strip()
    assert (installed / where.lstrip("/")).is_file()
    folder = run("pkg-config", "--variable=includedir", "vps-backup", env=environment).strip()
    assert f"-I{folder}/vps-backup" in run("pkg-config", "--cflags", "vps-backup", env=environment).split()
    flags = run("pkg-config", "--cflags", "gio-2.0").split()
    source = tmp_path / "host.c"
    source.write_text("#include <vps-backup-module.h>\nint main (void) { return 0; }\n")
    run("gcc", "-Wall", "-Werror", "-fsyntax-only", f"-I{installed}{folder}/vps-backup", *flags, source)


LIBVIRT_RULES = """#include <abstractions/base>
{}
"""
PROFILE = """#include <tunables/global>
profile libvirt-of-a-vps {
  #include <abstractions/libvirt-qemu>
}
"""


@pytest.mark.skipif(not shutil.which("apparmor_parser"), reason="apparmor_parser is not installed")
@pytest.mark.parametrize("includes", ["  include if exists <abstractions/libvirt-qemu.d>", "  #include <local/abstractions/libvirt-qemu>"])
def test_apparmor_rule(installed, prefix, tmp_path, includes):
    """Whichever of the two places this libvirt's profiles take, AppArmor's parser finds the rule and it is right. Parsed, not loaded."""
    folder = tmp_path / "apparmor.d"
    shutil.copytree("/etc/apparmor.d", folder, symlinks=True)
    shutil.copytree(installed / "etc/apparmor.d", folder, dirs_exist_ok=True)
    (folder / "abstractions/libvirt-qemu").write_text(LIBVIRT_RULES.format(includes))
    (folder / "local/abstractions").mkdir(parents=True, exist_ok=True)
    (folder / "local/abstractions/libvirt-qemu").write_text("# of the administrator\n")
    (folder / "vps").write_text(PROFILE)

    def rules():
        whole = run("apparmor_parser", "--base", folder, "--skip-kernel-load", "--skip-cache", "--preprocess", folder / "vps")
        return [line for line in whole.splitlines() if "run/vps-backup/**" in line and "rwk" in line]
    enable = prefix / "share/vps-backup/apparmor-enable"
    for _ in range(2):
        run(enable, folder)
        assert len(rules()) == 1
    run("apparmor_parser", "--base", folder, "--skip-kernel-load", "--skip-cache", folder / "vps")
    run(enable, "--remove", folder)
    assert (folder / "local/abstractions/libvirt-qemu").read_text() == "# of the administrator\n"


def test_uninstall_leaves_what_is_not_ours(installed, prefix):
    kept = [installed / name for name in ("srv/backups/vps-backup.json", "var/lib/vps-backup/journal.sqlite",
                                          "etc/vps-backup/vps-backup.conf", "etc/libvirt/hooks/qemu.d/other")]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kept")
    run("ninja", "-C", BUILD, "uninstall")
    assert all(path.read_text() == "kept" for path in kept)
    left = [path for path in installed.rglob("*") if path.is_file() and path not in kept and path.suffix != ".pyc"]
    assert left == []
