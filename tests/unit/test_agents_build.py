"""Building agents: no Go, an old Go, a build that breaks, and what is kept of one that works.

`go` is a script here that fails as the real one does; the last test breaks the real one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.agents.build import build_agents, cached_build, forget_build
from toolkit.agents.find import find_agent, find_agents, find_traefik
from toolkit.agents.golang import find_go
from toolkit.agents.recipe import folder_of_builds, recipe_for
from toolkit.errors import AgentError
from toolkit.spec.dev import Machine

FACTS = {
    "GOVERSION": "go1.26.8",
    "GOHOSTOS": "linux",
    "GOHOSTARCH": "amd64",
    "GOAMD64": "v1",
    "GOARM64": "",
}

MakeGo = Callable[..., Path]


def ignore(_text: str) -> None:
    """Somebody who does not listen."""


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    """A machine with a shell and nothing else: no agents, no Go, empty caches."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "cat", "sleep"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    return Machine(
        path=str(programs),
        home=tmp_path / "home",
        cache=tmp_path / "cache",
        beside=tmp_path / "beside",
    )


@pytest.fixture
def make_go(bare: Machine) -> MakeGo:
    """Puts a `go` on the bare machine's PATH whose `list` and `build` are these shell lines."""

    def make(
        listing: str = "echo 'S example.org/a'; echo 'S example.org/b'",
        building: str = "",
        caches: Path | None = None,
        **facts: str,
    ) -> Path:
        known = FACTS | facts
        if caches is not None:
            known |= {"GOMODCACHE": str(caches), "GOCACHE": str(caches)}
        answer = Path(bare.path) / "facts.json"
        answer.write_text(json.dumps(known))
        script = Path(bare.path) / "go"
        script.write_text(
            f"""#!/bin/sh
verb=$1
case $verb in
env) cat {answer} ;;
list) {listing} ;;
build)
  {building or ":"}
  echo example.org/a; echo example.org/b
  while [ "$1" != -o ]; do shift; done
  # What it builds says its version, as an agent does.
  case $2 in */nomad.part) said="Nomad v1.11.3" ;; *) said="Consul v1.22.7" ;; esac
  echo "#!/bin/sh" > "$2"; echo "echo $said" >> "$2" ;;
esac
"""
        )
        script.chmod(0o755)
        return script

    return make


def test_no_agent_and_no_go_is_one_message_that_names_every_way(bare: Machine) -> None:
    with pytest.raises(AgentError) as caught:
        find_agents(bare, {}, say=ignore)
    assert caught.value.message == (
        "no consul on this machine, and no Go 1.25.9 or newer to build the agents with"
    )
    hint = caught.value.hint or ""
    for way in ("PATH", "--consul-bin", "CONSUL_BIN", "install Go", "pip install", "BUSL-1.1"):
        assert way in hint


def test_an_old_go_is_named_with_its_version(bare: Machine, make_go: MakeGo) -> None:
    path = make_go(GOVERSION="go1.21.6")
    with pytest.raises(AgentError, match=rf"{path} is 1\.21\.6, too old"):
        build_agents(("nomad",), bare, say=ignore)


def test_the_wheels_go_is_taken_when_the_one_on_path_is_too_old(
    bare: Machine, make_go: MakeGo
) -> None:
    new = make_go()
    bare.beside.mkdir()
    (bare.beside / "go").write_text(new.read_text().replace("facts.json", "new.json"))
    (bare.beside / "go").chmod(0o755)
    (new.parent / "new.json").write_text((new.parent / "facts.json").read_text())
    make_go(GOVERSION="go1.20")
    assert find_go(bare).path == bare.beside / "go"


@pytest.mark.parametrize(
    ("said", "reason", "advice"),
    [
        ("x509: certificate signed by unknown authority", "certificates", "ca-certificates"),
        ("write /x: no space left on device", "the disk is full", "XDG_CACHE_HOME"),
        ("verifying m@v1: checksum mismatch", "contents that it should", "GOPROXY"),
        ('Get "https://p/": dial tcp: lookup p: no such host', "a download failed", "HTTPS_PROXY"),
        ("reading https://p/m/@v/v1.zip: 404 Not Found", "a download failed", "GOPROXY"),
        ("unexpected EOF", "a download failed", "try again"),
        ("compile: signal: killed", "ran out of memory", "3 GB"),
        ("x.go:1:1: syntax error", "Go failed", "read what Go said"),
    ],
)
def test_a_broken_build_says_why_and_what_to_do(
    bare: Machine, make_go: MakeGo, said: str, reason: str, advice: str
) -> None:
    make_go(listing=f"echo '{said}' >&2; exit 1")
    with pytest.raises(AgentError) as caught:
        build_agents(("nomad",), bare, say=ignore)
    assert caught.value.message.startswith("nomad 1.11.3 was not built: ")
    assert reason in caught.value.message
    assert said in caught.value.message
    assert advice in (caught.value.hint or "")
    assert not (folder_of_builds(bare.cache) / "workshop").exists()
    assert cached_build("nomad", bare) is None


def test_a_build_that_breaks_while_it_compiles_keeps_nothing(
    bare: Machine, make_go: MakeGo
) -> None:
    make_go(building="echo example.org/a; echo 'link: signal: killed'; exit 1")
    with pytest.raises(AgentError, match="out of memory"):
        build_agents(("nomad",), bare, say=ignore)
    assert list(folder_of_builds(bare.cache).glob("nomad-*")) == []


def test_an_interrupted_build_ends_its_compilers_and_keeps_nothing(
    bare: Machine, make_go: MakeGo, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    make_go(listing=f"echo $$ > {pid_file}; echo 'go: downloading x'; exec sleep 3600")

    def interrupt(text: str) -> None:
        if "fetching" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_agents(("nomad",), bare, say=interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert not (folder_of_builds(bare.cache) / "workshop").exists()


def test_a_cache_that_cannot_be_written_is_named(bare: Machine, make_go: MakeGo) -> None:
    make_go()
    bare.cache.write_text("a file in the way")
    with pytest.raises(AgentError, match="cannot keep a build of nomad in"):
        build_agents(("nomad",), bare, say=ignore)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_too_little_room_is_said_before_minutes_of_compiling(
    bare: Machine, make_go: MakeGo
) -> None:
    make_go(listing="echo never; exit 1")
    bare.cache.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(bare.cache)], check=True)
    try:
        with pytest.raises(AgentError, match=r"not enough room in .*: 6\.4 GB are needed"):
            build_agents(("nomad",), bare, say=ignore)
    finally:
        subprocess.run(["umount", str(bare.cache)], check=True)


def test_a_build_is_kept_and_needs_no_go_afterwards(bare: Machine, make_go: MakeGo) -> None:
    go = make_go()
    said: list[str] = []
    built = find_agents(bare, {}, say=said.append)
    assert {each.origin for each in built.values()} == {"built"}
    assert any("BUSL-1.1" in text for text in said)
    assert any("compiling" in text and "of 2 packages" in text for text in said)
    go.unlink()
    again = find_agents(bare, {}, say=said.append)
    assert {name: each.path for name, each in again.items()} == {
        name: each.path for name, each in built.items()
    }
    assert {each.origin for each in again.values()} == {"kept build"}


def test_another_go_builds_again(bare: Machine, make_go: MakeGo) -> None:
    make_go()
    first = build_agents(("nomad",), bare, say=ignore)["nomad"]
    make_go(GOVERSION="go1.27.3")
    assert cached_build("nomad", bare) is None
    second = build_agents(("nomad",), bare, say=ignore)["nomad"]
    assert first.path != second.path
    assert cached_build("nomad", bare) == second


def test_our_caches_go_and_the_users_stay(bare: Machine, make_go: MakeGo, tmp_path: Path) -> None:
    make_go(building="echo used > $GOMODCACHE/used")
    build_agents(("nomad",), bare, say=ignore)
    assert [path.name for path in folder_of_builds(bare.cache).iterdir()].count("workshop") == 0
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    make_go(building="echo used > $GOMODCACHE/used", caches=theirs, GOVERSION="go1.27.3")
    build_agents(("nomad",), bare, say=ignore)
    assert (theirs / "used").exists()


def test_a_kept_build_that_does_not_run_is_built_again(bare: Machine, make_go: MakeGo) -> None:
    make_go()
    kept = build_agents(("nomad",), bare, say=ignore)["nomad"]
    kept.path.write_text("broken")
    said: list[str] = []
    assert find_agent("nomad", bare, None, say=said.append) is None
    assert said[0].startswith("passing over")
    assert find_agents(bare, {}, say=ignore)["nomad"].origin == "built"


def test_a_forgotten_build_is_none(bare: Machine, make_go: MakeGo) -> None:
    make_go()
    forget_build(build_agents(("nomad",), bare, say=ignore)["nomad"])
    assert cached_build("nomad", bare) is None


def write_agent(path: Path, says: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_the_order_is_given_then_kept_then_path(
    bare: Machine, make_go: MakeGo, tmp_path: Path
) -> None:
    on_path = write_agent(Path(bare.path) / "nomad", "Nomad v1.10.0")
    found = find_agent("nomad", bare, None, say=ignore)
    assert found is not None
    assert (found.path, found.origin, found.version) == (on_path, "PATH", "1.10.0")

    make_go()
    kept = build_agents(("nomad",), bare, say=ignore)["nomad"]
    found = find_agent("nomad", bare, None, say=ignore)
    assert found is not None
    assert (found.path, found.origin) == (kept.path, "kept build")

    variable = write_agent(tmp_path / "variable" / "nomad", "Nomad v1.9.0")
    flag = write_agent(tmp_path / "flag" / "nomad", "Nomad v1.8.0")
    machine = replace(bare, nomad_bin=variable)
    found = find_agent("nomad", machine, None, say=ignore)
    assert found is not None
    assert found.path == variable
    found = find_agent("nomad", machine, flag, say=ignore)
    assert found is not None
    assert found.path == flag


def test_a_given_program_that_is_not_there_is_an_error(bare: Machine, tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="no such file"):
        find_agent("nomad", bare, tmp_path / "none", say=ignore)


def test_a_stranger_on_path_is_passed_over(bare: Machine) -> None:
    write_agent(Path(bare.path) / "consul", "I give advice")
    said: list[str] = []
    assert find_agent("consul", bare, None, say=said.append) is None
    assert "does not work as consul" in said[0]


def test_traefik_is_found_on_path_then_beside_the_interpreter(bare: Machine) -> None:
    with pytest.raises(AgentError) as caught:
        find_traefik(bare, None)
    assert "nomad-toolkit[agents]" in (caught.value.hint or "")
    wheel = write_agent(bare.beside / "traefik", "Version:      3.7.15")
    assert find_traefik(bare, None).path == wheel
    on_path = write_agent(Path(bare.path) / "traefik", "Version:      3.6.0")
    assert find_traefik(bare, None).path == on_path


def test_the_pinned_versions_are_the_tested_ones() -> None:
    assert recipe_for("nomad").version == "1.11.3"
    assert recipe_for("consul").version == "1.22.7"
    for name in ("nomad", "consul"):
        assert "\ngo 1.25.9\n" in recipe_for(name).go_mod
        assert "\ntoolchain" not in recipe_for(name).go_mod


def test_a_real_go_without_its_download_servers(tmp_path: Path) -> None:
    machine = Machine.of(os.environ)
    try:
        find_go(machine)
    except AgentError as error:
        pytest.skip(f"needs Go: {error.message}")
    machine = replace(
        machine,
        cache=tmp_path / "cache",
        go_environment={
            **machine.go_environment,
            "GOPROXY": "http://127.0.0.1:9",
            "GOMODCACHE": str(tmp_path / "modules"),
        },
    )
    with pytest.raises(AgentError, match="a download failed") as caught:
        build_agents(("nomad",), machine, say=ignore)
    assert "127.0.0.1:9" in caught.value.message
