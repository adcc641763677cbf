# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VPS of the walk: its domain, what its definition says, and the model of its bytes."""

import copy
import json
import pathlib
import uuid
import xml.etree.ElementTree as ElementTree

import guest as guests
import guest_view
import isolated
import libvirt
import model

INACTIVE = libvirt.VIR_DOMAIN_XML_INACTIVE
CLUSTER = 64 << 10


def disk_xml(target, path, image_format, backing=""):
    return (f"<disk type='file' device='disk'><driver name='qemu' type='{image_format}' discard='unmap'/><source file='{path}'/>"
            f"{backing}<target dev='{target}' bus='virtio'/></disk>")


class Machine(guests.Blank):
    """disks: {target: (model.Disk, path, XML of what the definition says of lower images)}."""

    def __init__(self, name, disks):
        self.own_xml = "".join(disk_xml(target, path, disk.format, backing) for target, (disk, path, backing) in disks.items())
        self.state = model.State({target: disk for target, (disk, _, _) in disks.items()})
        super().__init__(name, [])

    @classmethod
    def from_definition(cls, root, disks):
        """A VPS that is defined as root says: {target: model.Disk}."""
        made = cls.__new__(cls)
        made.name, made.vps, made.disks = root.find("name").text, root.find("uuid").text, []
        made.state = model.State(disks)
        made.connection = guests.connect()
        made.define(root)
        return made

    def own_devices(self):
        return self.own_xml

    # ---- definitions

    def definition(self):
        return ElementTree.fromstring(self.domain.XMLDesc(INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE))

    def define(self, root):
        self.domain = self.connection.defineXML(ElementTree.tostring(root, encoding="unicode"))

    @staticmethod
    def element(root, target):
        return next(disk for disk in root.iterfind("devices/disk") if disk.find("target").get("dev") == target)

    def path(self, target):
        """File that the next start uses for a target."""
        return pathlib.Path(self.inactive_disk(target).find("source").get("file"))

    def has_lower_images(self, target):
        """Whether a disk rests on others, as the definition or the image itself says."""
        said = self.inactive_disk(target).find("backingStore")
        if said is not None and said.find("source") is not None:
            return True
        return "backing-filename" in json.loads(isolated.run("qemu-img", "info", "-U", "--output=json", self.path(target)))

    def live_targets(self):
        return {disk.find("target").get("dev") for disk in self.live_xml().iterfind("devices/disk")}

    def lower_files(self, target):
        """Files below a running VPS's disk, from the top one down."""
        return [pathlib.Path(one.get("file")) for one in self.live_disk(target).iterfind(".//backingStore/source")]

    def copy_of_definition(self, name, sources):
        """A definition of a clone: {target: path}."""
        root = self.definition()
        root.find("name").text = name
        root.find("uuid").text = str(uuid.uuid4())
        for target, path in sources.items():
            self.element(root, target).find("source").set("file", str(path))
        metadata = root.find("metadata")
        if metadata is not None:
            root.remove(metadata)
        return root

    def add_to_definition(self, xml):
        root = self.definition()
        root.find("devices").append(ElementTree.fromstring(xml))
        self.define(root)

    def remove_from_definition(self, target):
        root = self.definition()
        root.find("devices").remove(self.element(root, target))
        self.define(root)

    def exchange(self, one, other):
        """Two disks of the definition change places: sources, formats and chains."""
        root = self.definition()
        first, second = self.element(root, one), self.element(root, other)
        kept = {}
        for disk in (first, second):
            kept[disk] = [copy.deepcopy(child) for child in disk if child.tag in ("driver", "source", "backingStore")]
            for child in [child for child in disk if child.tag in ("driver", "source", "backingStore")]:
                disk.remove(child)
        for disk, children in ((first, kept[second]), (second, kept[first])):
            for child in reversed(children):
                disk.insert(0, child)
        self.define(root)

    def rename_target(self, old, new):
        root = self.definition()
        disk = self.element(root, old)
        disk.find("target").set("dev", new)
        for child in [child for child in disk if child.tag in ("address", "alias")]:
            disk.remove(child)
        self.define(root)

    # ---- bytes

    def regions_of(self, target, template):
        """(start, length) of what a disk of this VPS, which is off, reads from a template."""
        node = guest_view.offline_node(self, target)
        files = _chain(json.loads(node.removeprefix("json:")))
        if str(template) not in files:
            return []
        depth = files.index(str(template))
        extents = json.loads(isolated.run("qemu-img", "map", "-U", "--output=json", node))
        return [(one["start"], one["length"]) for one in extents if one["depth"] == depth]


def _chain(node):
    """Names of a chain's images, from the top down; QEMU's own words where the definition says nothing."""
    files = [node["file"]["filename"]]
    if node["driver"] == "raw":
        return files
    if "backing" in node:
        return files if node["backing"] is None else files + _chain(node["backing"])
    below = json.loads(isolated.run("qemu-img", "info", "-U", "--output=json", files[0])).get("full-backing-filename")
    return files if below is None else files + _chain({"driver": "qcow2", "file": {"filename": below}})
