"""The Terraform module keeps step with what `toolkit cluster template --json` prints.

Terraform's own provider is not to be had here: the module is parsed, its layout is compared with
`terraform fmt`'s rules, and every name in it is looked up in the document and in the template.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest

from tests.cluster.templates import full, rendered
from toolkit.cluster.network import slots, subnets
from toolkit.cluster.template import render_template
from toolkit.spec.cluster_template import ClusterTemplateReport
from toolkit.views.cluster.template import document

MODULE = Path(__file__).parents[2] / "terraform-shim"
FILES = sorted(MODULE.glob("*.tf"))
BOOKKEEPING = {"schema", "bytes", "resources", "capabilities", "tags", "template"}
"""Keys of the document that the module uses or has no use for: the stack is made with them."""
IDS = {"stack_id", "vpc_id", "private_subnet_ids", "public_subnet_ids"}
"""Outputs that only AWS knows."""


def printed() -> dict[str, Any]:
    one = full()
    template = render_template(one)
    return document(ClusterTemplateReport(one, template, slots(one), subnets(one)))


def blocks(kind: str) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Labels and body of every block of a kind, in all files."""
    for path in FILES:
        for block in hcl2.loads(path.read_text()).get(kind, []):
            labels: list[str] = []
            body = block
            while "__is_block__" not in body:
                [(label, body)] = body.items()
                labels.append(label.strip('"'))
            yield labels, body


def source() -> str:
    return "\n".join(path.read_text() for path in FILES)


def test_the_module_has_the_files_that_people_look_for() -> None:
    assert [path.name for path in FILES] == [
        "main.tf", "outputs.tf", "variables.tf", "versions.tf"]  # fmt: skip


def test_what_the_module_reads_is_in_the_document() -> None:
    read = set(re.findall(r"\blocal\.cluster\.(\w+)", source()))
    assert read <= set(printed())
    assert {"stack", "template", "capabilities", "tags", "region", "account"} <= read
    inner = set(re.findall(r"\beach\.value\.(\w+)", source())) | {"zone"}
    assert inner <= set(printed()["subnets"][0])


def test_the_module_takes_no_other_document() -> None:
    [schema] = re.findall(r'"(toolkit\.[a-z-]+/\d+)"', source())
    assert schema == printed()["schema"]


def test_outputs_are_what_the_cluster_file_comes_to() -> None:
    outputs = {labels[0]: body for labels, body in blocks("output")}
    assert set(outputs) == (set(printed()) - BOOKKEEPING) | IDS
    for name, body in outputs.items():
        assert body["description"].strip('"')
        if name not in IDS:
            assert body["value"] == f"${{local.cluster.{name}}}"


def test_every_variable_is_used_described_and_typed_and_no_other_is_named() -> None:
    variables = {labels[0]: body for labels, body in blocks("variable")}
    assert set(re.findall(r"\bvar\.(\w+)", source())) == set(variables)
    assert all({"description", "type"} <= set(body) for body in variables.values())
    required = {name for name, body in variables.items() if "default" not in body}
    assert required == {"rendered", "name", "region"}
    assert {"name": printed()["stack"], "region": printed()["region"]} == {
        "name": full().name, "region": full().region}  # fmt: skip


def test_the_stack_is_made_of_what_was_rendered_and_keeps_its_evidence() -> None:
    [(labels, stack)] = list(blocks("resource"))
    assert labels == ["aws_cloudformation_stack", "cluster"]
    assert stack["name"] == "${local.cluster.stack}"
    assert stack["template_body"] == "${local.cluster.template}"
    assert stack["capabilities"] == "${local.cluster.capabilities}"
    assert stack["on_failure"] == '"DO_NOTHING"'
    # The file's own win: the machines' rights look for them.
    assert stack["tags"] == "${merge(var.tags, local.cluster.tags)}"
    [lifecycle] = stack["lifecycle"]
    said = " ".join(each["condition"] for each in lifecycle["precondition"])
    assert all(f"local.cluster.{key}" in said for key in ("stack", "region", "account"))


def test_what_is_looked_up_by_its_name_in_the_template_has_that_name() -> None:
    names = re.findall(r'"aws:cloudformation:logical-id"\s*=\s*"(\w+)"', source())
    assert names == ["Vpc"]
    assert rendered(full()).resources["Vpc"]["Type"] == "AWS::EC2::VPC"
    ranges = {each["CidrBlock"] for _, each in rendered(full()).each("EC2::Subnet")}
    said = {each[kind] for each in printed()["subnets"] for kind in ("public", "private")}
    assert said == ranges


def test_the_template_in_the_document_is_what_would_be_sent() -> None:
    assert printed()["template"] == render_template(full()).body
    assert json.loads(printed()["template"])["Resources"]


def badly_laid_out(text: str) -> list[str]:
    """What `terraform fmt` would change: ends, indentation, and `=` of neighbours in a column."""
    found = []
    depth = 0
    column: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip() or "\t" in line:
            found.append(f"{number}: blanks")
        bare = re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
        closes = len(re.match(r"[\s})\]]*", bare)[0].strip()) if bare.strip() else 0  # type: ignore[index]
        if line.strip() and len(line) - len(line.lstrip()) != 2 * (depth - closes):
            found.append(f"{number}: indentation")
        depth += sum(bare.count(each) for each in "{[(") - sum(bare.count(each) for each in "}])")
        equals = re.match(r'\s*(?:[\w-]+|"[^"]*")(\s+)= \S', line)
        if equals is None or (bare.count("{") != bare.count("}")):
            if equals is not None and len(equals[1]) != 1:
                found.append(f"{number}: = of a block")
            column = None
            continue
        place = (depth, line.index("=", len(line[: equals.end(1)])))
        if column is not None and column != place:
            found.append(f"{number}: = not below the one before")
        column = place
    if not text.endswith("\n") or text.endswith("\n\n"):
        found.append("end")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_module_is_laid_out_as_terraform_would(path: Path) -> None:
    assert badly_laid_out(path.read_text()) == []
    if (terraform := shutil.which("terraform")) is not None:
        environ = {"PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1"}
        ran = subprocess.run(
            [terraform, "fmt", "-check", "-diff", str(path)],
            capture_output=True, text=True, timeout=60, env=environ,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("text", [
    'a = 1\nbb = 2\n', 'a {\n    b = 1\n}\n', 'a {\n  b = 1 \n}\n', 'a {\n\tb = 1\n}\n', 'a = 1',
    'a {\n  b = 1\n  }\n', 'a = 1\n\n',
])  # fmt: skip
def test_what_is_badly_laid_out_is_seen(text: str) -> None:
    assert badly_laid_out(text)


def test_the_readme_shows_the_module_as_it_is() -> None:
    readme = (MODULE / "README.md").read_text()
    [example] = re.findall(r"```hcl\n(.*?)```", readme, re.DOTALL)
    [module] = hcl2.loads(example)["module"]
    said = set(module['"cluster"']) - {"__is_block__", "source"}
    assert said == {labels[0] for labels, body in blocks("variable") if "default" not in body}
