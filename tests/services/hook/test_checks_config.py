"""Files that are wrong, or made to cost much, and Nomads that say no: refused, and in time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hook.children.children import Children
from hook.children.errand import Result, Work
from hook.children.files import MOST, gather
from hook.gate import checks
from hook.gate.checking import Check

from tests.faults.scripted import Asked, Reply, Scripted
from tests.services.hook.gate_rig import FILES, TOKEN, config, files_of
from toolkit.errors import RefusedError
from toolkit.spec.hook import HookConfig, PushLimits
from toolkit.spec.target import Secret
from toolkit.spec.tree import DictTree

TOML, JOB = FILES["toolkit.toml"], FILES["jobs/web/job.toml"]
TEMPLATE = "jobs/web/job.nomad.hcl.j2"
PLAIN = {path: text for path, text in FILES.items() if path != TEMPLATE}


def checked(
    children: Children,
    files: dict[str, str],
    *,
    seconds: float = 30.0,
    known: HookConfig | None = None,
) -> Result:
    work = Work(checks.CALL, Check(known or config()), Secret(TOKEN), files_of(files))
    return children.run(work, memory=256 << 20, seconds=seconds)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"toolkit.toml": f"{TOML}x = {'[' * 50_000}"}, "toolkit.toml: is nested too deeply"),
        ({"toolkit.toml": f"{TOML}x = {'{a=' * 9000}1"}, "toolkit.toml: is nested too deeply"),
        ({"toolkit.toml": f"{TOML}[{'.'.join('a' * 9000)}]\n"}, "toolkit.toml: is nested too"),
        ({"toolkit.toml": f"{TOML}x = {'9' * 500_000}\n"}, "toolkit.toml: is not valid TOML"),
        ({"toolkit.toml": f"{TOML}x = '\0'\n"}, "toolkit.toml:6: is not valid TOML: found invalid"),
        ({"toolkit.toml": "".join(f"[x{n}]\n" for n in range(9000))}, "toolkit.toml:1: x0: unkn"),
        ({"toolkit.toml": ""}, "toolkit.toml names no jobs of a stack"),
        ({"toolkit.toml": TOML.replace('"web"', '"wbe"')}, 'toolkit.toml:3: stack.jobs: there'),
        ({"jobs/web/job.toml": JOB.replace("web", "web\\n")}, "jobs/web/job.toml:2: name: must"),
        ({"jobs/web/job.toml": f"count = {'9' * 20}\n{JOB}"}, "jobs/web/job.toml:1: count: is too"),
        ({"jobs/web/job.toml": JOB + "[rollout]\nmin_healthy_time = '" + "1h" * 90_000 + "x'\n"},
         "jobs/web/job.toml:9: rollout.min_healthy_time: must be a duration"),
        ({TEMPLATE: "a = 1\n[[ nope ]]\n"}, f"{TEMPLATE}:2: 'nope' is undefined"),
        ({"jobs/kick/kick.dev.toml": "[" * 9000, "toolkit.toml": TOML.replace('"web"', '"kick"')},
         "jobs/kick/kick.dev.toml:1: is not valid TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_file_and_line(
    children: Children, files: dict[str, str], told: str
) -> None:
    result = checked(children, {**FILES, **files})
    assert result.end == "refused", result
    assert result.error in {"ConfigError", "RenderError", "RefusedError"}
    assert result.message.startswith(told)
    assert len(result.message) <= 64 << 10


def test_no_configuration_at_all(children: Children) -> None:
    result = checked(children, {"jobs/web/job.toml": JOB})
    assert result.message == f"toolkit.toml: does not exist in {'c' * 40}"
    assert result.hint == "toolkit init makes one"


def test_the_mistakes_of_all_jobs_are_said_at_once(children: Children) -> None:
    files = {"toolkit.toml": TOML.replace('"web"', '"web", "b"')}
    for name in ("web", "b"):
        files[f"jobs/{name}/job.toml"] = "colour = 1\n" + JOB.replace("web", name)
        files[f"jobs/{name}/job.nomad.hcl.j2"] = FILES[TEMPLATE]
    lines = checked(children, files).message.splitlines()
    assert [line.split(":")[0] for line in lines] == ["jobs/web/job.toml", "jobs/b/job.toml"]


def test_plain_job_files_that_are_made_to_cost_much(children: Children) -> None:
    for text in ("/*" * 200_000, 'job "web" {\n' + '"${' * 90_000, 'job "web" ' + "{" * 90_000):
        result = checked(children, {**PLAIN, "jobs/web/job.nomad.hcl": text})
        assert (result.end, result.error) == ("refused", "ConfigError")


@pytest.mark.parametrize(
    "files",
    [
        {"toolkit.toml": TOML + ".".join("a" * 200_000) + " = 1\n"},
        {"jobs/web/job.nomad.hcl": 'job "web" {\n' + "x = <<EOF\n" * 90_000},
    ],
)
def test_what_takes_too_long_is_ended(children: Children, files: dict[str, str]) -> None:
    result = checked(children, {**PLAIN, **files}, seconds=0.7)
    assert (result.end, result.message) == ("deadline", "was not done after 0.7 s")
    told = checks.refusal(result)
    assert told.message == "the check of this commit was not done after 0.7 s"


def test_a_stack_of_very_many_jobs(children: Children) -> None:
    names = [f"j{number}" for number in range(600)]
    listed = ", ".join(f'"{name}"' for name in names)
    files = {f"jobs/{name}/job.toml": JOB.replace("web", name) for name in names}
    result = checked(children, {**files, "toolkit.toml": f"[stack]\njobs = [{listed}]\n"})
    told = "[stack] in toolkit.toml has 600 jobs, and one push deploys 200 at most"
    assert (result.end, result.message) == ("refused", told)


# Nomad.


def test_a_nomad_that_is_not_there_is_the_reason(children: Children) -> None:
    result = checked(children, FILES)
    assert (result.error, result.message) == (
        "UnreachableError",
        "Nomad at http://127.0.0.1:9 cannot be reached: connection refused",
    )


def test_a_nomad_that_refuses_the_token_is_the_reason(children: Children) -> None:
    def deny(asked: Asked) -> Reply:
        return Reply(b"Permission denied", 403)

    with Scripted(deny) as nomad:
        result = checked(children, FILES, known=config(nomad.address))
    assert (result.end, result.error) == ("refused", "DeniedError")
    assert TOKEN not in result.message
    assert {asked.headers["X-Nomad-Token"] for asked in nomad.asked} == {TOKEN}
    assert len(nomad.asked) <= 2


def test_a_nomad_that_says_nothing_is_not_waited_for_longer_than_allowed(
    children: Children,
) -> None:
    with Scripted(Reply(hold=True)) as nomad:
        result = checked(children, FILES, seconds=0.7, known=config(nomad.address))
    assert result.end == "deadline"


def test_only_the_servers_nomad_is_asked(children: Children) -> None:
    """Wherever a pushed file says that Nomad is, nobody is asked there."""
    with Scripted(Reply(b"Permission denied", 403)) as ours, Scripted(Reply()) as other:
        lines = "".join(
            f'{key} = "{other.address}"\n' for key in ("nomad", "consul", "kick", "hook", "proxy")
        )
        files = {**FILES, "toolkit.toml": TOML + lines}
        assert checked(children, files, known=config(ours.address)).error == "DeniedError"
    assert ours.asked and not other.asked and not other.connections


# What is gathered.


def test_a_file_that_is_too_large_is_refused_where_it_is_read(children: Children) -> None:
    small = replace(config(), limits=PushLimits(file_bytes=2000))
    big = {path: text.encode() for path, text in FILES.items()}
    big["jobs/web/big"] = b"x" * 2001
    tree = gather(DictTree(big, "c"), small.limits)
    assert "jobs/web/big" in tree.paths("jobs/")
    with pytest.raises(RefusedError, match="jobs/web/big has 2,001 bytes, and 2,000 are the most"):
        tree.read("jobs/web/big")
    files = gather(DictTree({**big, TEMPLATE: b"[[ file('big') ]]"}, "c"), small.limits)
    work = Work(checks.CALL, Check(config()), Secret(TOKEN), files)
    result = children.run(work, memory=256 << 20, seconds=30)
    assert result.end == "refused" and "jobs/web/big has 2,001 bytes" in result.message


def test_all_together_may_be_too_large() -> None:
    files = {f"jobs/web/{number}": b"x" * (1 << 20) for number in range((MOST >> 20) + 1)}
    with pytest.raises(RefusedError, match="has more than 32 MB"):
        gather(DictTree(files, "c"), PushLimits())


def test_only_what_configuration_reads_is_gathered() -> None:
    tree = gather(DictTree({"toolkit.toml": b"", "src/a.py": b"", "jobs/a/b": b""}), PushLimits())
    assert list(tree.paths()) == ["jobs/a/b", "toolkit.toml"]
    assert list(tree.paths("jobs/a")) == ["jobs/a/b"]
    assert list(tree.paths("zzz")) == []
    with pytest.raises(KeyError):
        tree.read("src/a.py")


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (Result("memory", message="needs more than 512 MB of memory"), "the check of this commit"),
        (Result("stopped"), "the server is stopping: push again"),
        (Result("died", message="killed"), "an error of the server's own while it checked"),
        (Result("bug", message="ValueError"), "an error of the server's own while it checked"),
    ],
)
def test_how_a_check_that_did_not_go_well_is_told(result: Result, told: str) -> None:
    assert checks.refusal(result).message.startswith(told)


def test_a_check_under_way_ends_with_the_server_and_later_ones_do_not_begin(
    children: Children,
) -> None:
    asked = threading.Event()

    def hold(_asked: Asked) -> Reply:
        asked.set()
        return Reply(hold=True)

    with Scripted(hold) as nomad, ThreadPoolExecutor(1) as pool:
        check = checks.Checks(config(nomad.address), children)
        running = pool.submit(check.check, files_of(FILES), Secret(TOKEN), given={})
        assert asked.wait(60)
        check.stop()
        with pytest.raises(RefusedError, match="the server is stopping: push again"):
            running.result(60)
        with pytest.raises(RefusedError, match="the server is stopping: push again"):
            check.check(files_of(FILES), Secret(TOKEN), given={})


def test_what_broke_of_ours_is_told_to_the_log(tmp_path: object) -> None:
    class Broken:
        def run(self, work: Work, **more: object) -> Result:
            return Result("bug", message="ValueError at somewhere:1")

    faults: list[str] = []
    check = checks.Checks(config(), Broken())  # type: ignore[arg-type]
    with pytest.raises(RefusedError, match="an error of the server's own"):
        check.check(DictTree({}), Secret(TOKEN), given={}, on_fault=faults.append)
    assert faults == ["ValueError at somewhere:1"]
