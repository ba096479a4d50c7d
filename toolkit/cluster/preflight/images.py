"""Machine images: the parameters that hold them, their processors and their disks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from toolkit.cluster.preflight.places import PROCESSORS
from toolkit.cluster.preflight.saying import Findings
from toolkit.cluster.template.bastion import ROOT_VOLUME
from toolkit.cluster.template.machines import ROOT_DEVICE
from toolkit.config.clusterfile_machines import IMAGES
from toolkit.spec.aws import ImageView
from toolkit.spec.cluster import Arch, Cluster, arch_of
from toolkit.spec.preflight import Seen, Unseen


class Image(NamedTuple):
    """What one processor's machines start from."""

    arch: Arch
    said: str
    """`ami-…`, or the parameter."""


def images(cluster: Cluster) -> tuple[Image, ...]:
    """Every image that machines start from; the bastion's may be of a processor of its own."""
    found = {arch: cluster.images[arch] for arch in cluster.arches}
    if cluster.bastion is not None:
        arch = arch_of(cluster.bastion.type)
        found.setdefault(arch, cluster.images.get(arch, IMAGES[arch]))
    return tuple(Image(arch, said) for arch, said in found.items())


def image_ids(cluster: Cluster, parameters: Mapping[str, str] | Unseen | None) -> tuple[str, ...]:
    """Ids of the images, as far as they are known; AWS's own of today are asked for by nobody.

    What those are is said by their parameter's name.
    """
    told = parameters if isinstance(parameters, Mapping) else {}
    ids = {
        told.get(image.said, "") if image.said.startswith("/") else image.said
        for image in images(cluster)
        if image.said not in IMAGES.values()
    }
    return tuple(sorted(each for each in ids if each.startswith("ami-")))


def judge_images(cluster: Cluster, seen: Seen, found: Findings) -> None:
    """Parameters exist and hold images; images exist, are of the processor, and fit the disks."""
    if isinstance(seen.parameters, Unseen):
        found.unchecked("image", "the parameters of the images", seen.parameters)
    if isinstance(seen.images, Unseen):
        found.unchecked("image", "the images", seen.images)
    for image in images(cluster):
        said = _resolve(image, cluster, seen, found)
        if said is None or not isinstance(seen.images, Mapping):
            continue
        if said in seen.images:
            _judge(image, seen.images[said], cluster, found)
        elif image.said not in IMAGES.values():
            message = f"there is no image {said} that this account may use in {cluster.region}"
            hint = f"aws ec2 describe-images --region {cluster.region} --image-ids {said}"
            found.stops("image", message, hint, ("images", image.arch))


def _resolve(image: Image, cluster: Cluster, seen: Seen, found: Findings) -> str | None:
    if not image.said.startswith("/"):
        return image.said
    if not isinstance(seen.parameters, Mapping):
        return None
    held = seen.parameters.get(image.said)
    key = ("images", image.arch)
    if held is None:
        message = f"there is no parameter {image.said} in {cluster.region}"
        found.stops("image", message, "name another, or an image: ami-…", key)
        return None
    if not held.startswith("ami-"):
        message = f"the parameter {image.said} holds no image"
        found.stops("image", message, "its value has to be ami-…", key)
        return None
    return held


def _judge(image: Image, is_: ImageView, cluster: Cluster, found: Findings) -> None:
    key = ("images", image.arch)
    if is_.architecture != PROCESSORS[image.arch]:
        message = f"{is_.id} is for {is_.architecture}, not for {PROCESSORS[image.arch]}"
        found.stops("image", message, f"an image for {image.arch} machines", key)
    if is_.state != "available":
        found.stops("image", f"{is_.id} is {is_.state}", "an image that is available", key)
    if is_.root_device and is_.root_device != ROOT_DEVICE:
        message = (
            f"{is_.id} starts from {is_.root_device}: the disk at {ROOT_DEVICE} would be another,"
            " and the one that it starts from not encrypted by us"
        )
        found.stops("image", message, f"an image whose root disk is {ROOT_DEVICE}", key)
    for path, what, size in _disks(image.arch, cluster):
        if is_.root_size > size:
            message = f"{what} has a root disk of {size} GB, and {is_.id} needs {is_.root_size}"
            found.stops("image", message, None, path)


def _disks(arch: Arch, cluster: Cluster) -> Iterator[tuple[tuple[str, ...], str, int]]:
    own = cluster.servers
    if own.arch == arch:
        yield ("servers", "root_volume"), "a server", own.root_volume
    for pool in cluster.all_pools:
        if pool.arch == arch:
            path = ("control",) if pool.role == "control" else ("pools", pool.name)
            what = "the control machine" if pool.role == "control" else f"pool {pool.name}"
            yield (*path, "root_volume"), what, pool.root_volume
    if cluster.bastion is not None and arch_of(cluster.bastion.type) == arch:
        yield ("bastion",), "the bastion", ROOT_VOLUME
