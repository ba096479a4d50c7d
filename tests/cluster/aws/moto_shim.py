"""moto's server in a process of its own, with our CloudFormation, and with faults on demand.

`python -m tests.cluster.aws.moto_shim` prints its port and serves on loopback until its standard
input ends. Test-only, and for the very version of moto that is pinned: it reaches into it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
from typing import Any

import boto3
import moto
from moto import mock_aws
from moto.autoscaling.models import FakeAutoScalingGroup
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.ec2.models import EC2Backend, instances
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.utils import convert_tag_spec, random_instance_id
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.models import ServiceQuotasBackend
from werkzeug.serving import make_server

from tests.cluster.aws.faults import Faults
from tests.cluster.aws.formation import Formation

VERSION = "5.2.5"
ACCOUNT = "123456789012"
OPERATIONS = (
    "CreateChangeSet", "DescribeChangeSet", "ListChangeSets", "DeleteChangeSet",
    "ExecuteChangeSet", "DescribeStacks", "ListStacks", "DescribeStackEvents",
    "DescribeStackResources", "ListStackResources", "GetTemplate", "UpdateTerminationProtection",
    "SignalResource", "ContinueUpdateRollback", "DeleteStack",
)  # fmt: skip


class Cloud:
    """Everything that a reset begins anew."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.regions: dict[str, Formation] = {}
        self.clients: dict[tuple[str, str], Any] = {}
        self.mock = mock_aws()
        self.mock.start()

    def client(self, service: str, region: str) -> Any:
        """A client that reaches moto without the way round by the network."""
        with self.lock:
            key = (service, region)
            if key not in self.clients:
                session = boto3.session.Session(
                    aws_access_key_id="id", aws_secret_access_key="key", region_name=region
                )
                self.clients[key] = session.client(service)
            return self.clients[key]

    def formation(self, region: str) -> Formation:
        """The stacks of a region."""
        with self.lock:
            if region not in self.regions:
                self.regions[region] = Formation(
                    region, ACCOUNT, lambda service: self.client(service, region)
                )
            return self.regions[region]

    def reset(self) -> None:
        """Forget all there is."""
        for formation in self.regions.values():
            formation.stop()
        self.regions.clear()
        BackendDict.reset()
        # moto lists all that was ever made, for a page that nobody looks at.
        reset_model_data()

    def turn(self, said: dict[str, Any]) -> None:
        """Turn the knobs of a region: `pace`, `page`, `looks`, `fails`, `held`."""
        knobs = self.formation(said.get("region", "eu-west-1")).knobs
        for name, value in said.items():
            if name == "held":
                knobs.held = set(value)
            elif name != "region":
                assert hasattr(knobs, name), name
                setattr(knobs, name, value)
        knobs.turn()


def serve_stacks(cloud: Cloud) -> None:
    """Put our CloudFormation where moto has its own."""

    def answer(operation: str) -> Any:
        name = _snake(operation)

        def method(self: CloudFormationResponse) -> ActionResult:
            formation = cloud.formation(self.region)
            return ActionResult(getattr(formation, name)(dict(self.params)))

        return method

    CloudFormationResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER = {}
    for name, each in list(vars(CloudFormationResponse).items()):
        # What is not ours would answer from stacks that do not exist.
        if not name.startswith("_") and callable(each) and name in _MOTOS:
            delattr(CloudFormationResponse, name)
    for operation in OPERATIONS:
        setattr(CloudFormationResponse, _snake(operation), answer(operation))


_MOTOS = {
    "create_stack", "update_stack", "create_stack_set", "validate_template", "list_exports",
    "get_template_summary", "describe_stack_resource",
}  # fmt: skip


IMAGES = {"ami-0123456789abcdef0": "x86_64", "ami-0123456789abcdef1": "arm64"}
"""Images that every region has, with their architecture."""
QUOTA = 256.0
"""Of everything that moto knows no quota of."""


def offer_images() -> None:
    """Let every region have the images that tests name."""
    begin = EC2Backend.__init__

    def begun(self: EC2Backend, *args: Any, **more: Any) -> None:
        begin(self, *args, **more)
        for name, architecture in IMAGES.items():
            image = self.register_image(name)
            del self.amis[image.id]
            image.id, image.architecture = name, architecture
            image.root_device_name = "/dev/xvda"
            self.amis[name] = image

    _put(EC2Backend, "__init__", begun)


def grant_quotas() -> None:
    """Let Service Quotas answer for more than the one service that moto knows."""
    ask = ServiceQuotasBackend.get_service_quota

    def asked(self: ServiceQuotasBackend, service: str = "", code: str = "", **said: str) -> Any:
        service, code = said.get("service_code", service), said.get("quota_code", code)
        try:
            return ask(self, service, code)
        except NoSuchResource:
            return {"ServiceCode": service, "QuotaCode": code, "Value": QUOTA}

    _put(ServiceQuotasBackend, "get_service_quota", asked)


def keep_user_data() -> None:
    """Let a launch template's later versions start machines: their user data is plain text."""
    create = LaunchTemplate.create_version

    def created(
        self: LaunchTemplate, data: dict[str, Any], description: str
    ) -> LaunchTemplateVersion:
        said = data.get("UserData")
        if isinstance(said, str) and not isinstance(said, Base64EncodedString):
            data = {**data, "UserData": Base64EncodedString(said)}
        return create(self, data, description)

    _put(LaunchTemplate, "create_version", created)


def finish_machines(cloud: Cloud) -> None:
    """Let a group's machines take their volumes with them, and have what the template says.

    A server slot's has the address of its network interface; ids are those that a test wants.
    """
    wanted: list[str] = []
    usual = random_instance_id
    _put(instances, "random_instance_id", lambda: wanted.pop(0) if wanted else usual())

    launch = FakeAutoScalingGroup.replace_autoscaling_group_instances

    def replaced(self: FakeAutoScalingGroup, count: int, tags: dict[str, str]) -> None:
        before = {state.instance.id for state in self.instance_states}
        own = cloud.formation(self.autoscaling_backend.region_name).knobs.names
        wanted[:] = [each for each in own.get(self.name, []) if each not in before]
        launch(self, count, tags)
        wanted.clear()
        fresh = [each.instance for each in self.instance_states if each.instance.id not in before]
        template = self.ec2_launch_template
        if template is None:
            return
        data = template.get_version(self.launch_template_version).data
        volume_tags = convert_tag_spec(data.get("TagSpecifications", [])).get("volume", {})
        for instance in fresh:
            instance.nics[0].delete_on_termination = True
            _without_default_disk(instance, data)
            for _, device in instance.get_block_device_mapping:
                device.delete_on_termination = True
                instance.ec2_backend.create_tags([device.volume_id], volume_tags)
        interfaces = data.get("NetworkInterfaces") or data.get("NetworkInterface") or [{}]
        pinned = next(iter(interfaces)).get("NetworkInterfaceId")
        if not pinned:
            return
        interface = self.autoscaling_backend.ec2_backend.get_network_interface(pinned)
        for instance in fresh:
            nic = instance.nics[0]
            nic.private_ip_addresses[0]["PrivateIpAddress"] = interface.private_ip_address
            nic.private_ip_address = interface.private_ip_address

    _put(FakeAutoScalingGroup, "replace_autoscaling_group_instances", replaced)
    terminate = instances.Instance.terminate

    def terminated(self: instances.Instance, *args: Any, **more: Any) -> Any:
        ended = terminate(self, *args, **more)
        if not self.id.startswith("i-"):
            # EC2's own list of tags cannot tell what such an id is of.
            self.ec2_backend.tags.pop(self.id, None)
        return ended

    _put(instances.Instance, "terminate", terminated)


def _without_default_disk(instance: instances.Instance, data: dict[str, Any]) -> None:
    """Take away the disk that moto adds beside those of the template."""
    said = {each["DeviceName"] for each in data.get("BlockDeviceMappings", [])}
    for path, device in instance.get_block_device_mapping:
        if said and path not in said:
            instance.ec2_backend.detach_volume(device.volume_id, instance.id, path)
            instance.ec2_backend.delete_volume(device.volume_id)


def _put(where: object, name: str, what: object) -> None:
    """Put something of ours in the place of moto's; what is not there is not pinned any more."""
    assert hasattr(where, name), f"moto has no {name} here"
    setattr(where, name, what)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class _Handler(MotoRequestHandler):
    def log_request(self, *_: Any, **__: Any) -> None:
        """Nobody reads it."""


def main() -> int:
    """Serve until the one who started us is gone."""
    if moto.__version__ != VERSION:
        sys.stderr.write(f"moto {moto.__version__}, and this reaches into {VERSION}\n")
        return 1
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    cloud = Cloud()
    serve_stacks(cloud)
    offer_images()
    grant_quotas()
    keep_user_data()
    finish_machines(cloud)
    faults = Faults(DomainDispatcherApplication(create_backend_app), cloud.reset, cloud.turn)
    server = make_server("127.0.0.1", 0, faults, threaded=True, request_handler=_Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"port": server.server_port}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    # In order, all that moto has would be taken apart piece by piece, for seconds.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
