"""A release written back: one value changes, or nothing does."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.config.source import spell
from toolkit.config.writeback import bump_version, write_release
from toolkit.errors import ConfigError, RefusedError, ToolkitError
from toolkit.spec.jobspec import Origin

TEXT = """\
# first
name = "web"   # the name

release = '1.0.0'	# tab, and single quotes
[ env.dev . release ]   # odd spacing
  version="1.0.0"  # here
[variables]
release = "1.0.0"
other = [ "1.0.0", # not this
]
inline = { release = "1.0.0", b = 1 }
"""


@pytest.mark.parametrize(
    ("key", "row", "after"),
    [
        ("release", 3, "release = '2.0.0-rc.1'\t# tab, and single quotes"),
        ("env.dev.release.version", 5, '  version="2.0.0-rc.1"  # here'),
        ("variables.release", 7, 'release = "2.0.0-rc.1"'),
        ("variables.inline.release", 10, 'inline = { release = "2.0.0-rc.1", b = 1 }'),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_one_row_changes(tmp_path: Path, key: str, row: int, after: str, newline: str) -> None:
    path = tmp_path / "job.toml"
    path.write_bytes(TEXT.replace("\n", newline).encode())
    write_release(tmp_path, Origin("job.toml", key), "2.0.0-rc.1")
    rows = TEXT.split("\n")
    rows[row] = after
    assert path.read_bytes().decode() == newline.join(rows)


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        (Origin("--release"), "--release"),
        (Origin("--var", "release"), "--var"),
        (Origin("default"), "default"),
        (Origin("jobs/shop.nomad.hcl", "variable.release"), "plain Nomad job file"),
        (Origin("jobs/web/job.toml", "release.version"), "came with toolkit"),
        (Origin("job.toml", "gone"), "no text at gone"),
        (Origin("job.toml", "name.deeper"), "no text"),
        (Origin("job.toml", "variables.other"), "no text"),
        (Origin("broken.toml", "release"), "no text"),
        (Origin("broken.json", "release"), "no text"),
        (Origin("list.json", "release"), "no text"),
    ],
)
def test_where_nothing_can_be_written(tmp_path: Path, origin: Origin, said: str) -> None:
    (tmp_path / "job.toml").write_text(TEXT)
    (tmp_path / "broken.toml").write_text("release = ")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[1]")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(RefusedError, match=said) as error:
        write_release(tmp_path, origin, "2")
    assert error.value.hint
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("release", ["", "a b", "a\n", "\x1b"])
def test_what_is_no_release_is_not_written(tmp_path: Path, release: str) -> None:
    (tmp_path / "job.toml").write_text(TEXT)
    with pytest.raises(ConfigError):
        write_release(tmp_path, Origin("job.toml", "release"), release)
    assert (tmp_path / "job.toml").read_text() == TEXT


def test_a_folder_that_cannot_be_written_keeps_the_file_whole(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / ("j" * 250)).write_text(TEXT)  # the name beside it is too long for the disk
    with pytest.raises(ToolkitError, match="cannot be written"):
        write_release(folder, Origin("j" * 250, "release"), "2")
    assert [path.read_text() for path in folder.iterdir()] == [TEXT]


def test_mode_and_link_are_kept_and_nothing_is_left(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text(TEXT)
    real.chmod(0o640)
    (tmp_path / "job.toml").symlink_to("real.toml")
    inode = real.stat().st_ino
    write_release(tmp_path, Origin("job.toml", "release"), "2")
    assert (tmp_path / "job.toml").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert real.stat().st_ino != inode  # renamed over, not written into
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job.toml", "real.toml"]
    assert tomllib.loads(real.read_text())["release"] == "2"


def test_json_keeps_its_formatting(tmp_path: Path) -> None:
    path = tmp_path / "values.json"
    text = '{\n\t"other": "1", "release":"1",\n  "deep": {"release": "1"}}\n'
    path.write_text(text)
    write_release(tmp_path, Origin("values.json", "release"), '2"')
    assert path.read_text() == text.replace('"release":"1"', '"release":"2\\""')
    write_release(tmp_path, Origin("values.json", "deep.release"), "3")
    assert json.loads(path.read_text()) == {
        "other": "1", "release": '2"', "deep": {"release": "3"}
    }  # fmt: skip


def test_a_var_file_outside_of_the_project_is_named_whole(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    path = tmp_path / "values.toml"
    path.write_text('release = "1"')
    write_release(tmp_path / "project", Origin(str(path), "release"), "2")
    assert path.read_text() == 'release = "2"'


@pytest.mark.parametrize(
    ("release", "patch", "minor", "major"),
    [
        ("1.2.3", "1.2.4", "1.3.0", "2.0.0"),
        ("v0.9.9", "v0.9.10", "v0.10.0", "v1.0.0"),
        ("1.2.3+build.5", "1.2.4", "1.3.0", "2.0.0"),
        ("1.2.3-rc.1", "1.2.3", "1.3.0", "2.0.0"),
        ("1.2.0-rc.1", "1.2.0", "1.2.0", "2.0.0"),
        ("2.0.0-alpha", "2.0.0", "2.0.0", "2.0.0"),
    ],
)
def test_the_next_version(release: str, patch: str, minor: str, major: str) -> None:
    assert bump_version(release, "patch") == patch
    assert bump_version(release, "minor") == minor
    assert bump_version(release, "major") == major


@pytest.mark.parametrize("release", ["latest", "1.2", "1.2.3.4", "01.2.3", "2024-01-01", "a1b2"])
def test_what_has_no_next_version(release: str) -> None:
    with pytest.raises(RefusedError, match="three numbers") as error:
        bump_version(release, "patch")
    assert "toolkit bump" in (error.value.hint or "")


names = st.sampled_from(["release", "version", "env", "dev", "a b", "x.y", "é"])
values = st.one_of(st.integers(), st.booleans(), st.sampled_from(["1.0.0", "", "#", "'", '"']))
tables = st.recursive(
    st.dictionaries(names, values, max_size=4),
    lambda inner: st.dictionaries(names, st.one_of(values, inner), max_size=4),
    max_leaves=12,
)


def write(data: dict[str, Any], draw: st.DrawFn, path: tuple[str, ...] = ()) -> list[str]:
    """The table as TOML in one of the many ways to spell it."""
    rows, later = [], []
    for name, value in data.items():
        key = spell(("k", name))[2:]
        if not isinstance(value, dict):
            rows.append(f"{key} = {scalar(value)}{draw(st.sampled_from(['', '  # 1.0.0', ' ']))}")
        elif draw(st.booleans()):
            rows.append(f"{key} = {inline(value)}")
        elif (
            value
            and not any(isinstance(inner, dict) for inner in value.values())
            and draw(st.booleans())
        ):
            rows += [f"{spell((name, k))} = {scalar(v)}" for k, v in value.items()]
        else:
            head = spell((*path, name))
            rest = write(value, draw, (*path, name))
            later += ["", f"[{head}]{draw(st.sampled_from(['', ' # x']))}", *rest]
    return rows + later


def scalar(value: Any) -> str:
    return json.dumps(value)


def inline(table: dict[str, Any]) -> str:
    body = (
        f"{spell(('k', k))[2:]} = {inline(v) if isinstance(v, dict) else scalar(v)}"
        for k, v in table.items()
    )
    return "{ " + ", ".join(body) + " }"


def strings(data: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, value in data.items():
        if isinstance(value, dict):
            found += strings(value, (*path, name))
        elif isinstance(value, str):
            found.append((*path, name))
    return found


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_exactly_one_value_changes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    before = data.draw(tables.filter(lambda table: bool(strings(table))))
    text = "\n".join(data.draw(st.composite(lambda draw: write(before, draw))()))
    assert tomllib.loads(text) == before
    path = data.draw(st.sampled_from(strings(before)))
    root = tmp_path_factory.mktemp("write")
    (root / "f.toml").write_text(text)
    write_release(root, Origin("f.toml", spell(path)), "9.9.9")
    new = (root / "f.toml").read_text()
    expected = json.loads(json.dumps(before))
    table = expected
    for name in path[:-1]:
        table = table[name]
    table[path[-1]] = "9.9.9"
    assert tomllib.loads(new) == expected
    changed = [
        pair for pair in zip(text.split("\n"), new.split("\n"), strict=True) if pair[0] != pair[1]
    ]
    assert len(changed) == 1
