"""`toolkit logs` on real allocations."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.yard import Yard
from toolkit.errors import ConfigError, NotFoundError, RefusedError
from toolkit.spec.listing import LogLine
from toolkit.workflows.logs import logs

pytestmark = pytest.mark.agents


@pytest.fixture
def yard(cluster: LocalCluster, tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(cluster, tmp_path)
    yield yard
    yard.close()


def written(yard: Yard, name: str, text: str, *, stderr: bool = False) -> list[LogLine]:
    """What `logs` shows, once Nomad's log collector has `text`."""
    found: list[LogLine] = []

    def there() -> bool:
        found[:] = logs(yard.session(), name, stderr=stderr, lines=1000)
        return any(line.text == text for line in found)

    yard.cluster.until(f"{name} wrote {text}", there)
    return found


def test_a_job_that_nobody_knows(yard: Yard) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        logs(yard.session(), "nowhere")


def test_a_job_that_is_not_deployed(yard: Yard) -> None:
    name = yard.name()
    yard.write(name, f'job "{name}" {{\n}}\n')
    with pytest.raises(NotFoundError) as error:
        logs(yard.session(), name, follow=True)
    assert error.value.hint == f"toolkit deploy {name}"


def test_a_task_that_the_job_does_not_have(yard: Yard) -> None:
    name = yard.script("sleep 600")
    with pytest.raises(RefusedError) as error:
        logs(yard.session(), name, task="web")
    assert error.value.hint == "it has app"


def test_a_job_whose_instances_have_ended_shows_the_newest(yard: Yard) -> None:
    name = yard.script("echo last words; exit 3")
    yard.until(name, lambda views: bool(views) and views[-1].client_status == "failed")
    found = written(yard, name, "last words")
    assert found[0].source == "note" and "failed" in found[0].text
    assert found[-1].text == "last words"


def test_the_end_of_each_instance_with_its_name(yard: Yard) -> None:
    name = yard.script(
        'for n in 1 2 3 4 5; do echo "line $n"; done; echo oops >&2; sleep 600', count=2
    )
    views = yard.running(name, 2)
    written(yard, name, "line 5")
    yard.cluster.until(
        "both wrote",
        lambda: sum(x.text == "line 5" for x in logs(yard.session(), name)) == 2,
    )
    found = list(logs(yard.session(), name, lines=2))
    assert {line.allocation for line in found} == {view.id for view in views}
    assert [line.text for line in found] == ["line 4", "line 5"] * 2
    assert found[0].prefix == f"{found[0].allocation[:8]} app"
    errors = written(yard, name, "oops", stderr=True)
    assert {(line.source, line.text) for line in errors} == {("stderr", "oops")}
    assert list(logs(yard.session(), name, lines=0)) == []


def test_more_lines_than_one_fetch_holds(yard: Yard) -> None:
    # Sixteen thousand lines of about a hundred bytes: more than the first fetch.
    name = yard.script(
        "awk 'BEGIN { for (n = 1; n <= 4000; n++) printf \"%d %090d\\n\", n, n }'; "
        "echo done; sleep 600"
    )
    written(yard, name, "done")
    found = list(logs(yard.session(), name, lines=2000))
    assert len(found) == 2000
    assert [line.text.split()[0] for line in found[:-1]] == [str(n) for n in range(2002, 4001)]


def test_following_says_each_line_once_picks_up_new_instances_and_ends_with_the_job(
    yard: Yard,
) -> None:
    name = yard.script(
        'n=0; while true; do n=$((n+1)); echo "$NOMAD_ALLOC_INDEX:$n"; sleep 0.05; done'
    )
    [first] = yard.running(name, 1)
    written(yard, name, "0:5")
    session = yard.session()
    seen: dict[str, list[int]] = {}
    scaled = stopped = False
    for line in logs(session, name, follow=True, lines=3):
        if line.source == "note":
            continue
        seen.setdefault(line.allocation, []).append(int(line.text.split(":")[1]))
        if not scaled and len(seen[line.allocation]) > 10:
            yard.session().nomad.scale(name, "web", 2, message="test")
            scaled = True
        if not stopped and len(seen) == 2 and all(len(numbers) > 10 for numbers in seen.values()):
            yard.session().nomad.stop(name)
            stopped = True
    assert stopped
    for numbers in seen.values():
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    [new] = [numbers for allocation, numbers in seen.items() if allocation != first.id]
    assert new[0] == 1


def test_a_reader_that_leaves_early_ends_the_threads(yard: Yard) -> None:
    name = yard.script("while true; do echo tick; sleep 0.05; done")
    yard.running(name, 1)
    following = logs(yard.session(), name, follow=True)
    assert next(following).text == "tick"
    following.close()  # type: ignore[attr-defined]
    yard.cluster.until(
        "the threads ended",
        lambda: not any(t.name.startswith("logs-") for t in threading.enumerate()),
    )


def test_bytes_that_are_not_text(yard: Yard) -> None:
    name = yard.script("printf 'a\\377b\\n'; echo end; sleep 600")
    found = written(yard, name, "end")
    assert [line.text for line in found] == ["a\ufffdb", "end"]
