"""What a change means: for which jobs, when it is over, and what the files hold; no agents."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.config.kinds import check_release
from toolkit.errors import RefusedError
from toolkit.loop import ignored, index
from toolkit.loop.affected import affected
from toolkit.loop.environment import scrubbed
from toolkit.loop.notice import outermost, refusal
from toolkit.loop.release import dev_release
from toolkit.loop.settle import MANY, MOST, QUIET, Settling
from toolkit.workflows.dev_watch.plan import ordered

PLACES = {
    "": ("toolkit.toml", "jobs"),
    "backend": ("services/backend", "jobs/backend", "jobs/_lib", "toolkit.toml"),
    "frontend": ("services/frontend", "jobs/frontend", "jobs/_lib", "toolkit.toml"),
}


@pytest.mark.parametrize(
    ("path", "jobs"),
    [
        ("services/backend/app.py", {"backend"}),
        ("services/backend", {"backend"}),
        ("services", {"backend", "frontend"}),
        ("services/backend2/app.py", set()),
        ("jobs/frontend/job.toml", {"", "frontend"}),
        ("jobs/_lib/macros.hcl.j2", {"", "backend", "frontend"}),
        ("toolkit.toml", {"", "backend", "frontend"}),
        ("jobs/another/job.toml", {""}),
        ("README.md", set()),
        ("services/backend/.app.py.swp", set()),
        ("services/backend/app.py~", set()),
        ("services/backend/4913", set()),
        ("services/backend/.git/index", set()),
        ("services/backend/__pycache__/app.cpython-311.pyc", set()),
        ("services/backend/node_modules/x/index.js", set()),
        (".toolkit/dev/state.json", set()),
        ("services/backend/.dockerignore", {"backend"}),
        ("services/backend/.env", {"backend"}),
    ],
)
def test_which_jobs_a_path_concerns(path: str, jobs: set[str]) -> None:
    assert affected([path], PLACES) == (frozenset(jobs), int(bool(jobs)))


def test_thousands_of_paths_are_a_number_and_some_jobs() -> None:
    paths = [f"services/backend/{n}.py" for n in range(5000)]
    assert affected(paths, PLACES) == (frozenset({"backend"}), 5000)


@pytest.mark.parametrize("name", ["app.py", ".env", "Makefile", "a#b", "49130", "swap.swp", "~x"])
def test_what_somebody_wrote_counts(name: str) -> None:
    assert not ignored.file(name)


def test_one_save_is_over_at_once_and_a_checkout_when_it_pauses() -> None:
    save = Settling()
    save.note(frozenset({"backend"}), 1, 10.0)
    assert save.wait(10.0) == 0.0
    checkout = Settling()
    for tick in range(4):
        checkout.note(frozenset({"backend"}), MANY, 10.0 + tick * QUIET / 2)
    assert checkout.wait(checkout.last) == pytest.approx(QUIET)
    assert checkout.wait(checkout.last + QUIET) == 0.0
    # One that never pauses is looked at all the same.
    checkout.note(frozenset({"frontend"}), MANY, 10.0 + MOST)
    assert checkout.wait(10.0 + MOST) == 0.0
    assert checkout.jobs == {"backend", "frontend"}


def test_a_change_that_nobody_saw_is_silent_until_somebody_does() -> None:
    news = Settling()
    news.note(frozenset({"a"}), 1, 1.0, silent=True)
    assert news.silent
    news.note(frozenset({"a"}), 1, 2.0)
    assert not news.silent


@given(st.text("0123456789abcdef", min_size=16, max_size=16), st.sampled_from([None, "1.0.0"]))
def test_a_dev_release_is_one_that_can_be_deployed(digest: str, release: str | None) -> None:
    made = dev_release(release, digest)
    assert check_release(made) is None
    assert made == f"{release or '0.0.0'}-dev-{digest[:8]}"


# What the files hold.


def fill(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def later(path: Path, seconds: int = 100) -> None:
    """Touch without writing."""
    at = time.time_ns() + seconds * 1_000_000_000
    os.utime(path, ns=(at, at))


def test_a_touch_changes_no_digest_and_a_letter_does(tmp_path: Path) -> None:
    fill(tmp_path, {"s/a.py": "one", "s/b/c.py": "two"})
    first = index.look(tmp_path, ["s"], {})
    later(tmp_path / "s/a.py")
    touched = index.look(tmp_path, ["s"], first)
    assert index.digest(touched) == index.digest(first)
    assert index.changed(first, touched) == set()
    (tmp_path / "s/b/c.py").write_text("TWO")
    (tmp_path / "s/new.py").write_text("")
    (tmp_path / "s/a.py").unlink()
    now = index.look(tmp_path, ["s"], touched)
    assert index.changed(first, now) == {"s/a.py", "s/b/c.py", "s/new.py"}
    assert index.digest(now) != index.digest(first)


def test_there_and_back_is_the_same_digest(tmp_path: Path) -> None:
    fill(tmp_path, {"s/a.py": "one"})
    first = index.look(tmp_path, ["s"], {})
    (tmp_path / "s/a.py").write_text("two")
    second = index.look(tmp_path, ["s"], first)
    (tmp_path / "s/a.py").write_text("one")
    assert index.digest(index.look(tmp_path, ["s"], second)) == index.digest(first)


def test_a_file_that_was_not_written_is_not_read_again(tmp_path: Path) -> None:
    fill(tmp_path, {"s/a.py": "one"})
    first = index.look(tmp_path, ["s"], {})
    known = {"s/a.py": index.Stamp(first["s/a.py"].known_by, b"remembered")}
    assert index.look(tmp_path, ["s"], known)["s/a.py"].content == b"remembered"


def test_links_and_odd_files_are_no_trap(tmp_path: Path) -> None:
    fill(tmp_path, {"s/a.py": "one", "outside.py": "x"})
    (tmp_path / "s/loop").symlink_to(tmp_path / "s")
    (tmp_path / "s/link.py").symlink_to("../outside.py")
    os.mkfifo(tmp_path / "s/pipe")
    (tmp_path / "s/runs.sh").write_text("x")
    found = index.look(tmp_path, ["s", "s/a.py", "missing"], {})
    assert set(found) == {"s/a.py", "s/loop", "s/link.py", "s/runs.sh"}
    (tmp_path / "s/runs.sh").chmod(0o755)
    assert index.changed(found, index.look(tmp_path, ["s"], found)) == {"s/runs.sh"}
    (tmp_path / "s/link.py").unlink()
    (tmp_path / "s/link.py").symlink_to("a.py")
    assert "s/link.py" in index.changed(found, index.look(tmp_path, ["s"], found))


def test_too_many_files_are_refused_with_what_to_do(tmp_path: Path) -> None:
    fill(tmp_path, {f"s/{n}": "" for n in range(6)})
    with pytest.raises(RefusedError, match="more than 5 files") as caught:
        index.look(tmp_path, ["s"], {}, most=5)
    assert "[build] watch" in (caught.value.hint or "")


def test_many_files_are_looked_at_one_by_one_only_once(tmp_path: Path) -> None:
    fill(tmp_path, {f"s/{n % 50}/{n}.py": str(n) for n in range(500)})
    first = index.look(tmp_path, ["s"], {})
    assert len(first) == 500
    again = index.look(tmp_path, ["s"], first)
    assert all(again[path] is first[path] for path in first)


# What a build may see, and the order of jobs.


def test_a_build_sees_no_secret() -> None:
    environ = {
        "PATH": "/bin", "HOME": "/h", "NOMAD_TOKEN": "x", "CONSUL_HTTP_TOKEN": "x",
        "AWS_ACCESS_KEY_ID": "x", "GITHUB_TOKEN": "x", "MY_PASSWORD": "x", "STRIPE_API_KEY": "x",
        "DATABASE_URL": "postgres://user:hidden@db/x", "TOOLKIT_TRAEFIK_PASSWORD": "x",
        "SSH_AUTH_SOCK": "/run/agent", "KEYBOARD": "de", "https_proxy": "http://u:p@proxy:1",
        "JAVA_HOME": "/java", "VIRTUAL_ENV": "/venv", "npm_config_authToken": "x", "API_KEY": "x",
    }  # fmt: skip
    seen = scrubbed(environ, RELEASE="1.0.0-dev-1")
    assert set(seen) == {
        "PATH", "HOME", "SSH_AUTH_SOCK", "KEYBOARD", "https_proxy", "JAVA_HOME", "VIRTUAL_ENV",
        "RELEASE",
    }  # fmt: skip


def test_a_job_comes_after_those_it_depends_on() -> None:
    needs = {"front": ("back", "elsewhere"), "back": ("db",), "a": ("b",), "b": ("a",)}
    assert ordered(("front", "db", "back"), needs) == ("db", "back", "front")
    assert ordered(("a", "b"), needs) == ("b", "a")


def test_places_inside_others_are_watched_once() -> None:
    assert outermost(["jobs", "jobs/a", "jobs/_lib", "services/a", "toolkit.toml"]) == [
        "jobs", "services/a", "toolkit.toml",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ('OS file watch limit reached. about ["/x"]', "max_user_watches"),
        ("Error creating recommended watcher: Too many open files (os error 24)", "max_user_inst"),
        ("Permission denied (os error 13)", "[build] watch"),
    ],
)
def test_what_the_system_will_not_watch_is_one_sentence(said: str, hint: str) -> None:
    error = refusal(OSError(said), ["services/a"])
    assert hint in (error.hint or "")
    assert "\n" not in error.message
