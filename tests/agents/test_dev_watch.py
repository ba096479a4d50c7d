"""`toolkit dev watch` on real agents: what is saved is what is served."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import APP, Shop
from tests.docs.schemas import check

pytestmark = pytest.mark.agents

SECONDS = 60.0
SAYS = 'sys.stderr.write("hello from WORD\\n"); sys.stderr.flush()\n'


class Loop:
    """A running `dev watch`; both streams as they come, in one list."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seen: list[str] = []
        self._from = 0
        self._lines: queue.Queue[str | None] = queue.Queue()
        for stream in (process.stdout, process.stderr):
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: object) -> None:
        with contextlib.suppress(ValueError):
            for line in stream:  # type: ignore[attr-defined]
                self._lines.put(line)
        self._lines.put(None)

    def then(self) -> None:
        """From now on only what is said later counts."""
        while True:
            try:
                self.seen += [self._lines.get_nowait() or ""]
            except queue.Empty:
                break
        self._from = len(self.seen)

    def until(self, *words: str, number: int = 1) -> str:
        """The first, or another, line since the last `then` that has all the words."""
        ends = time.monotonic() + SECONDS
        while True:
            found = [each for each in self.seen[self._from :] if all(w in each for w in words)]
            if len(found) >= number:
                return found[number - 1]
            over = self.process.poll() is not None
            try:
                self.seen.append(self._lines.get(timeout=1) or "")
            except queue.Empty:
                said = "".join(self.seen)
                assert time.monotonic() < ends and not over, f"never said {words}:\n{said}"

    def count(self, word: str) -> int:
        """Lines with the word since the last `then`."""
        return sum(word in line for line in self.seen[self._from :])

    def interrupt(self) -> int:
        """Ctrl-C, and the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(cluster, tmp_path_factory.mktemp("shops") / "developed")
    yield made
    made.close()


@contextlib.contextmanager
def looping(shop: Shop, *arguments: str, environ: dict[str, str] | None = None) -> Iterator[Loop]:
    process = subprocess.Popen(
        shop.command("dev", "watch", *arguments),
        cwd=shop.root, env={**shop.environ(), **(environ or {})}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Loop(process)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate(timeout=30)


def developed(shop: Shop, more: str = "", **how: object) -> tuple[str, Path]:
    """A job whose program is in the project, in services/NAME."""
    name = shop.name("loop")
    app = shop.root / "services" / name / "app.py"
    app.parent.mkdir(parents=True)
    app.write_text(APP)
    change = {'"APP"': json.dumps(str(app))}
    shop.write(name, more=more, change=change, **how)  # type: ignore[arg-type]
    return name, app


def says(app: Path, word: str) -> None:
    """Change the program."""
    head, _, rest = APP.partition("BORN =")
    app.write_text(head + SAYS.replace("WORD", word) + "BORN =" + rest)


def test_what_is_saved_is_served_and_what_is_wrong_is_said_in_place(shop: Shop) -> None:
    name, app = developed(shop, count=2)
    template = shop.root / "jobs" / name / "job.nomad.hcl.j2"
    good = template.read_text()
    with looping(shop, name) as loop:
        loop.until("deployed", name, "2 of 2 verified")
        loop.until("watching")
        [first] = set(shop.serves(name))
        assert first.startswith("1.0.0-dev-")

        loop.then()
        says(app, "two")
        loop.until("deployed", "2 of 2 verified", "1 file changed")
        [second] = set(shop.serves(name))
        assert second != first
        assert loop.until("hello from two").startswith(f"{name:<10} | ")

        loop.then()
        app.touch()
        loop.until("nothing changed")
        loop.then()
        template.write_text(good + "[% block task %]\n[[ nonsense ]]\n[% endblock %]\n")
        said = loop.until("mistake")
        assert f"jobs/{name}/job.nomad.hcl.j2:3: " in said
        assert "nonsense" in said
        assert second in loop.until("goes on")
        loop.then()
        template.write_text(good)
        loop.until("well again")

        loop.then()
        with (shop.root / "toolkit.toml").open("a") as project:
            project.write("= nonsense\n")
        loop.until("mistake", "toolkit.toml:")
        loop.until("goes on")
        loop.then()
        shop.environment()
        loop.until("toolkit.toml is well again")

        loop.then()
        # A crash is taken back, and its output shown.
        app.write_text('raise SystemExit("FATAL no such table")\n')
        loop.until("reverted")
        loop.until("FATAL no such table")
        assert set(shop.serves(name)) == {second}
        loop.then()
        says(app, "two")
        loop.until("unchanged", second)
        assert loop.interrupt() == 0
    assert not [line for line in loop.seen if "Traceback" in line]
    # It goes on without us, and another loop finds nothing to do.
    assert set(shop.serves(name)) == {second}


def test_thousands_of_files_at_once_are_one_rollout(shop: Shop) -> None:
    name, app = developed(shop)
    elsewhere = shop.root / "elsewhere"
    for number in range(5000):
        folder = elsewhere / str(number % 50)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.py").write_text(str(number))
    with looping(shop, name) as loop:
        loop.until("watching")
        loop.then()
        elsewhere.rename(app.parent / "many")
        line = loop.until("deployed", "changed")
        assert "5000 files changed" in line
        app.touch()
        loop.until("nothing changed")
        assert loop.count("submit") == 1
        loop.then()
        # Edits while it rolls are one more rollout, to the newest of them.
        for word in ("one", "two", "three"):
            says(app, word)
            if word == "one":
                loop.until("submit")
        loop.until("files changed meanwhile")
        loop.until("hello from three")
        loop.until("deployed", "in", number=2)
        assert loop.count("submit") == 2
        assert loop.interrupt() == 0


BUILD = """
[build]
command = ["sh", "build.sh"]
directory = "services/DIRECTORY"
watch = ["services/DIRECTORY"]
"""


def test_what_is_built_runs_and_what_cannot_be_built_does_not(shop: Shop) -> None:
    name = shop.name("built")
    folder = shop.root / "services" / name
    for part in ("parts", "dist"):
        (folder / part).mkdir(parents=True)
    (folder / "parts" / "app.py").write_text(APP)
    (folder / "build.sh").write_text(
        "echo building $RELEASE ${MY_SECRET:-unknown}\ncat parts/* > dist/app.py\n"
    )
    change = {'"APP"': json.dumps(str(folder / "dist" / "app.py"))}
    shop.write(name, more=BUILD.replace("DIRECTORY", name), change=change)
    with looping(shop, name, "--json", environ={"MY_SECRET": "hidden"}) as loop:
        assert "unknown" in loop.until("build", "building 1.0.0-dev-")
        first = json.loads(loop.until('"deployed"'))
        loop.until("not watched from now on")
        loop.then()
        says(folder / "parts" / "app.py", "two")
        second = json.loads(loop.until('"deployed"'))
        assert second["release"] != first["release"]
        assert shop.serves(name) == [second["release"]]
        loop.until("hello from two")
        loop.then()
        (folder / "parts" / "app.py").rename(folder / "app.py")
        (folder / "parts" / "b").mkdir()
        failed = json.loads(loop.until('"build failed"'))
        assert failed["sentence"].startswith("exit 1")
        assert shop.serves(name) == [second["release"]]
        assert loop.interrupt() == 0
    for line in loop.seen:
        if line.startswith("{"):
            check(json.loads(line))


HCL = """
job "NAME" {
  type = "service"
  group "app" {
    count = 1
    update {
      min_healthy_time = "500ms"
      health_check = "task_states"
    }
    task "app" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args = ["-c", ". APP; exec sleep 600"]
      }
      resources {
        cpu = 20
        memory = 20
      }
    }
  }
}
"""


def test_a_job_that_knows_no_release_is_restarted(shop: Shop) -> None:
    name = shop.name("plain")
    script = shop.root / "services" / name / "run.sh"
    script.parent.mkdir(parents=True)
    script.write_text("echo first words\n")
    shop.plain(name, HCL.replace("NAME", name).replace("APP", str(script)))
    with looping(shop, name) as loop:
        loop.until("watching")
        loop.then()
        script.write_text("echo second words\n")
        loop.until("restarted", name)
        loop.until("|", "second words")
        assert loop.interrupt() == 0


def test_ctrl_c_during_a_rollout_says_what_goes_on(shop: Shop) -> None:
    name, app = developed(shop)
    with looping(shop, name) as loop:
        loop.until("watching")
        loop.then()
        says(app, "late")
        loop.until("submit")
        assert loop.interrupt() == 130
        loop.until(f"toolkit attach {name}")


def test_where_it_is_not_for(shop: Shop, tmp_path: Path) -> None:
    (shop.root / "toolkit.toml").write_text(
        'default_environment = "dev"\n[environments.dev]\nlocal = true\ndriver = "raw_exec"\n'
        f'[environments.far]\nnomad = "{shop.cluster.nomad_address}"\n'
        f'consul = "{shop.cluster.consul_address}"\n'
    )
    said = shop.toolkit("dev", "watch", "--env", "far")
    shop.environment()
    assert (said.code, "for local clusters only" in said.err) == (1, True)
    (tmp_path / "toolkit.toml").write_text("[environments.dev]\nlocal = true\n")
    said = shop.toolkit("dev", "watch", folder=tmp_path)
    assert (said.code, "toolkit dev up" in said.err) == (1, True)
    said = shop.toolkit("dev", "watch", "nobody-knows-it", "--json")
    assert said.code == 1


def test_what_was_refused_is_tried_again_at_the_next_save(shop: Shop) -> None:
    name, app = developed(shop)
    with looping(shop, name, environ={"NOMAD_TOKEN": "no-token"}) as loop:
        loop.until("refused", "token")
        loop.until("watching")
        loop.then()
        # Nothing else is in the file, and yet it is tried.
        app.touch()
        loop.until("refused", "token")
        assert loop.interrupt() == 0
