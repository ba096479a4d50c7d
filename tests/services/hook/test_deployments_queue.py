"""Who has a turn, who gives way, what is resumed and gone back to; without a cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hook.deployments import Ending, Turn
from hook.deployments.deployments import WAITING

from tests.services.hook.turns_rig import ALICE, BOB, NONE, PATIENCE, TOKEN, Repos, Rig, commit
from toolkit.errors import AbsentError, RefusedError, UnavailableError
from toolkit.repos.record_logs import Place
from toolkit.repos.records import Records
from toolkit.spec.repo import RefChange, Repo


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.deployments.stop()
    assert not rig.bugs


FAILED = Ending("failed", "failed: db did not go well", {"verdict": "failed"})


def test_a_push_is_on_disk_before_its_turn_and_ends_with_its_verdict(
    rig: Rig, tmp_path: Path
) -> None:
    record = rig.push(1)
    turn = rig.stage.next()
    assert Records(tmp_path).get("shop", 1) == replace(record, id=1)
    assert (record.id, record.commit, record.before, record.digest) == (1, commit(1), None, "d")
    assert turn.who is ALICE
    turn.reach("building")
    assert rig.deployments.get("shop", 1).state == "building"
    turn.reach("deploying")
    turn.say("2 of 2", stage="gate", job="db")
    rig.stage.end()

    lines = rig.lines(record)
    assert [(line.stage, line.job, line.text) for line in lines] == [
        ("gate", "db", "2 of 2"),
        ("end", "", "deployed in 1.0 s · toolkit repo log shop 1"),
    ]
    assert lines[-1].document == {"verdict": "deployed"}
    ended = rig.deployments.get("shop", 1)
    assert (ended.state, ended.sentence, int(ended.code)) == ("deployed", "deployed in 1.0 s", 0)
    assert Records(tmp_path).get("shop", 1) == ended


def test_the_newest_push_has_the_next_turn_and_the_others_say_who_came(rig: Rig) -> None:
    first = rig.push(1)
    rig.stage.next()
    waiting = [rig.push(2), rig.push(3)]
    last = rig.push(4)
    # They end at once: nobody waits for a turn that will not come.
    for record, by in zip(waiting, (3, 4), strict=True):
        *_, line = rig.lines(record)
        assert line.text == (
            f"superseded: deployment {by} came after it · toolkit repo log shop {record.id}"
        )
        assert int(rig.deployments.get("shop", record.id).code) == 7
    # The one that runs is never interrupted.
    assert rig.deployments.busy("shop") == 1
    rig.stage.end()
    assert rig.end_of(first).state == "deployed"
    assert rig.stage.next().deployment.id == last.id
    rig.stage.end()
    assert rig.end_of(last).state == "deployed"
    assert rig.states() == ["deployed", "superseded", "superseded", "deployed"]
    assert rig.deployments.busy("shop") is None


def test_in_a_queue_each_has_its_turn(tmp_path: Path) -> None:
    rig = Rig(tmp_path, repos=Repos(Repo("shop", order="queue")))
    records = [rig.push(number) for number in (1, 2, 3)]
    assert [line.text for line in rig.deployments.read("shop", 3, Place())[0]] == [
        "waits for deployment 1"
    ]
    for record in records:
        assert rig.stage.next().deployment.id == record.id
        rig.stage.end(FAILED if record.id == 2 else None)
        rig.end_of(record)
    assert rig.states() == ["deployed", "failed", "deployed"]


def test_a_queue_has_an_end_before_any_branch_moves(tmp_path: Path) -> None:
    rig = Rig(tmp_path, repos=Repos(Repo("shop", order="queue"), Repo("other")))
    rig.push(1)
    rig.stage.next()
    for number in range(WAITING):
        rig.push(2 + number)
    at = dict(rig.repos.heads)
    begins: list[Callable[[], object]] = [
        lambda: rig.push(500),
        lambda: rig.deployments.redeploy("shop", 1, ALICE),
        lambda: rig.deployments.rollback("shop", 1, ALICE),
        lambda: rig.deployments.resume("shop", 1, ALICE),
    ]
    for refused in begins:
        with pytest.raises(UnavailableError, match="100 deployments of shop wait already"):
            refused()
    assert rig.repos.heads == at
    assert rig.push(1, repo="other").state == "waiting"
    rig.deployments.stop()


def test_repositories_do_not_wait_for_each_other(tmp_path: Path) -> None:
    rig = Rig(tmp_path, repos=Repos(Repo("shop"), Repo("other")))
    rig.push(1)
    first = rig.stage.next(), rig.stage.held
    rig.push(1, repo="other")
    assert rig.stage.next().deployment.repo == "other"
    rig.stage.end()
    assert first[1] is not None
    first[1].put(FAILED)
    assert rig.end_of(rig.deployments.get("shop", 1)).state == "failed"


def test_many_pushers_at_once_all_come_to_an_end(tmp_path: Path) -> None:
    repos = Repos(*(Repo(f"r{number}") for number in range(5)))

    def perform(turn: Turn) -> Ending:
        for number in range(20):
            turn.say(f"{turn.deployment.repo} {turn.deployment.id} {number}")
        return Ending("deployed", "deployed", {"verdict": "deployed"})

    rig = Rig(tmp_path, repos=repos, perform=perform)

    def push(number: int) -> None:
        name = f"r{number % 5}"
        change = RefChange(NONE, commit(number + 1), "refs/heads/main")
        intent = rig.deployments.intend(name, change, ALICE)
        record = rig.deployments.begin(name, change, ALICE, intent=intent)
        said = [line.text for line in rig.lines(record) if line.stage == ""]
        ended = rig.deployments.get(name, record.id)
        assert ended.is_final
        if ended.state == "deployed":
            assert said == [f"{name} {record.id} {each}" for each in range(20)]

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(push, range(60)))
    for repo in repos.all():
        records = rig.deployments.all(repo.name)
        assert [each.id for each in records] == list(range(1, 13))
        assert {each.state for each in records} <= {"deployed", "superseded"}
        assert records[-1].state == "deployed"


def test_an_error_of_our_own_ends_its_deployment_and_no_other(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    record = rig.push(1)
    rig.stage.next()
    rig.stage.end(ZeroDivisionError("secret place"))
    ended = rig.end_of(record)
    assert (ended.state, ended.sentence) == ("unknown", "an error of our own")
    assert [type(each) for each in rig.bugs] == [ZeroDivisionError]
    assert rig.done(2).state == "deployed"


def test_a_repository_whose_records_vanish_in_a_turn_has_the_next_one_all_the_same(
    tmp_path: Path,
) -> None:
    rig = Rig(tmp_path)
    rig.push(1)
    turn = rig.stage.next()
    (tmp_path / "deployments" / "shop").rename(tmp_path / "gone")
    rig.deployments.forget("shop")
    rig.stage.end()
    assert rig.broke.wait(PATIENCE)
    assert rig.done(2).state == "deployed"
    assert len(rig.bugs) == 1
    # Whoever still has the turn of before is heard by nobody.
    turn.say("late")


def test_a_repository_that_is_gone_is_not_deployed(rig: Rig) -> None:
    rig.push(1)
    rig.stage.next()
    second = rig.push(2)
    del rig.repos.known["shop"]
    rig.stage.end()
    assert rig.end_of(second).state == "refused"


def test_what_is_said_is_bounded_and_has_no_token_and_no_control_characters(rig: Rig) -> None:
    record = rig.push(1)
    turn = rig.stage.next()
    turn.say("\x1b[2Jred\nsecond\rline", stage="\x1b", job="j" * 400)
    turn.say("x" * 100_000)
    turn.say(f"token {TOKEN}")
    rig.stage.end(Ending("failed", f"it says {TOKEN}\x1b", None))
    lines = rig.lines(record)
    assert [line.text for line in lines[:2]] == ["\\x1b[2Jred", "second\\rline"]
    assert all(len(line.text) <= 2000 and len(line.job) <= 300 for line in lines)
    said = f"{lines}{rig.deployments.get('shop', 1)}"
    assert TOKEN not in said
    assert "\x1b" not in "".join(line.text + line.stage for line in lines)


# Needing a token.


def needing(rig: Rig, to: int = 1) -> int:
    """A deployment whose token is gone."""
    record = rig.push(to)
    rig.stage.next()
    rig.stage.end(Ending("needs-token", "the token was revoked"))
    assert rig.end_of(record).state == "needs-token"
    return record.id


def test_whoever_may_resumes_with_a_token_of_their_own(rig: Rig) -> None:
    number = needing(rig)
    *_, line = rig.lines(rig.deployments.get("shop", number))
    assert line.text == ("needs-token: the token was revoked · toolkit repo resume shop 1 goes on")
    assert int(rig.deployments.get("shop", number).code) == 5

    rig.deployments.resume("shop", number, BOB)
    turn = rig.stage.next()
    assert turn.who is BOB
    rig.stage.end()
    ended = rig.end_of(turn.deployment)
    assert (ended.state, ended.pusher, ended.resumed_by) == ("deployed", "alice", "bob")
    lines = rig.lines(ended)
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert "resumed by bob" in [line.text for line in lines]


def test_only_what_needs_a_token_is_resumed(rig: Rig) -> None:
    rig.done(1)
    with pytest.raises(RefusedError, match="deployment 1 of shop is deployed: nothing to resume"):
        rig.deployments.resume("shop", 1, ALICE)
    record = rig.push(2)
    rig.stage.next()
    with pytest.raises(RefusedError, match="is waiting"):
        rig.deployments.resume("shop", record.id, ALICE)
    rig.stage.end()
    with pytest.raises(AbsentError, match="no deployment 9"):
        rig.deployments.resume("shop", 9, ALICE)


def test_two_who_resume_at_once_are_one(rig: Rig) -> None:
    number = needing(rig)
    both = threading.Barrier(2)

    def resume(who: object) -> str:
        both.wait()
        try:
            rig.deployments.resume("shop", number, who)  # type: ignore[arg-type]
        except RefusedError as exc:
            return exc.message
        return "resumed"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(resume, (ALICE, BOB)))
    assert said[0].startswith("deployment 1 of shop is ")
    assert said[1] == "resumed"
    rig.stage.next()
    rig.stage.end()


def test_a_later_push_takes_the_place_of_what_needs_a_token(rig: Rig) -> None:
    number = needing(rig)
    record = rig.push(2)
    rig.stage.next()
    assert rig.deployments.get("shop", number).state == "superseded"
    rig.stage.end(FAILED)
    rig.end_of(record)
    with pytest.raises(RefusedError, match="is superseded: nothing to resume"):
        rig.deployments.resume("shop", number, ALICE)


def test_resuming_never_goes_back_behind_a_later_one(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    older = rig.done(1)
    rig.done(2)
    rig.records.write(replace(older, state="needs-token"))
    with pytest.raises(RefusedError, match="deployment 2 of shop came after 1") as caught:
        rig.deployments.resume("shop", 1, ALICE)
    assert caught.value.hint == "toolkit repo redeploy shop 1 deploys its commit all the same"


# Again and back.


def test_a_redeploy_takes_the_commit_of_a_deployment(rig: Rig) -> None:
    rig.done(1)
    rig.done(2, FAILED)
    again = rig.deployments.redeploy("shop", None, BOB)
    turn = rig.stage.next()
    assert (again.id, again.kind, again.of, again.commit) == (3, "redeploy", 2, commit(2))
    assert (turn.who, again.pusher, again.before) == (BOB, "bob", commit(2))
    rig.stage.end()
    lines = rig.lines(again)
    assert lines[0].text == "redeploy of deployment 2: 0000000, while main stays as it is"
    assert rig.repos.heads["shop"] == commit(2)

    first = rig.deployments.redeploy("shop", 1, ALICE)
    assert (first.commit, first.of) == (commit(1), 1)
    rig.stage.next()
    rig.stage.end()
    rig.end_of(first)


def test_a_rollback_goes_one_further_each_time(rig: Rig) -> None:
    rig.done(1)
    rig.done(2, FAILED)
    rig.done(3)
    rig.done(4)

    def back() -> int:
        record = rig.deployments.rollback("shop", None, ALICE)
        rig.stage.next()
        rig.stage.end()
        assert rig.end_of(record).kind == "rollback"
        return int(record.commit, 16)

    assert back() == 3
    # What failed was never there to go back to.
    assert back() == 1
    with pytest.raises(RefusedError, match="nothing to go back to"):
        rig.deployments.rollback("shop", None, ALICE)
    rig.done(5)
    # Before what was pushed since: what served then, which is what the last rollback went to.
    assert back() == 1


def test_from_a_failed_one_a_rollback_goes_to_what_served(rig: Rig) -> None:
    rig.done(1)
    rig.done(2, FAILED)
    assert rig.deployments.rollback("shop", None, ALICE).commit == commit(1)
    rig.stage.next()
    rig.stage.end()


@pytest.mark.parametrize("to", [None, 1, 2])
def test_there_is_not_always_something_to_go_back_to(rig: Rig, to: int | None) -> None:
    rig.done(1, FAILED)
    record = rig.push(2)
    rig.stage.next()
    with pytest.raises(RefusedError):
        rig.deployments.rollback("shop", to, ALICE)
    rig.stage.end()
    rig.end_of(record)


def test_a_rollback_to_one_that_was_deployed_goes_there(rig: Rig) -> None:
    rig.done(1)
    rig.done(2)
    rig.done(3)
    back = rig.deployments.rollback("shop", 1, ALICE)
    assert (back.commit, back.of) == (commit(1), 1)
    rig.stage.next()
    rig.stage.end()
    rig.end_of(back)


def test_a_repository_without_deployments_has_none_to_do_again(rig: Rig) -> None:
    for work in (rig.deployments.redeploy, rig.deployments.rollback):
        with pytest.raises(AbsentError, match="was never deployed"):
            work("shop", None, ALICE)


# The end of the server.


def test_at_the_end_what_is_open_needs_a_token_and_nothing_begins(tmp_path: Path) -> None:
    rig = Rig(tmp_path, repos=Repos(Repo("shop", order="queue")))
    first = rig.push(1)
    rig.stage.next()
    second = rig.push(2)
    change = RefChange(commit(2), commit(3), "refs/heads/main")
    intent = rig.deployments.intend("shop", change, ALICE)

    rig.deployments.stop()

    assert rig.stage.halted.is_set()
    assert rig.states() == ["needs-token", "needs-token"]
    assert rig.end_of(second).sentence == "the server stopped before its turn came"
    assert rig.end_of(first).sentence == "the server stopped"
    for refused in (
        lambda: rig.deployments.intend("shop", change, ALICE),
        lambda: rig.deployments.redeploy("shop", 1, ALICE),
        lambda: rig.deployments.rollback("shop", 1, ALICE),
        lambda: rig.deployments.resume("shop", 1, ALICE),
    ):
        with pytest.raises(UnavailableError, match="the server stops"):
            refused()
    # A push whose ref has moved already has its record all the same.
    third = rig.deployments.begin("shop", change, ALICE, intent=intent)
    assert rig.end_of(third).state == "needs-token"
    assert Records(tmp_path).get("shop", 3).state == "needs-token"


def test_a_full_disk_refuses_before_the_ref_moves_and_never_after(tmp_path: Path) -> None:
    class Full(Records):
        full = False

        def _put(self, path: Path, data: bytes) -> None:
            if self.full:
                raise OSError(28, "No space left on device")
            super()._put(path, data)

    rig = Rig(tmp_path, records=Full)
    record = rig.done(1)
    assert isinstance(rig.records, Full)
    change = RefChange(commit(1), commit(2), "refs/heads/main")
    intent = rig.deployments.intend("shop", change, ALICE)
    rig.records.full = True
    for refused in (
        lambda: rig.deployments.intend("shop", change, ALICE),
        lambda: rig.deployments.redeploy("shop", 1, ALICE),
        lambda: rig.deployments.rollback("shop", 1, ALICE),
    ):
        with pytest.raises(UnavailableError, match="no space left on device; nothing was changed"):
            refused()
    record = rig.deployments.begin("shop", change, ALICE, intent=intent)
    rig.stage.next()
    rig.stage.end()
    assert rig.end_of(record).state == "deployed"
    assert rig.states() == ["deployed", "deployed"]


def files(data: Path) -> list[str]:
    return sorted(each.name for each in (data / "deployments" / "shop").iterdir())


def test_the_oldest_that_are_over_go_with_their_logs(tmp_path: Path) -> None:
    rig = Rig(tmp_path, kept=3)
    for number in range(1, 7):
        rig.done(number)
    rig.deployments.stop()
    assert [each.id for each in rig.deployments.all("shop")] == [4, 5, 6]
    assert files(tmp_path) == sorted(f"{n}.{end}" for n in (4, 5, 6) for end in ("json", "log"))
    with pytest.raises(AbsentError, match="no deployment 1"):
        rig.deployments.get("shop", 1)
    # Nobody gets a number twice, not after a restart either.
    again = Rig(tmp_path, kept=3)
    assert again.push(9).id == 7


def test_what_is_open_serves_or_is_gone_back_to_stays_however_old(tmp_path: Path) -> None:
    rig = Rig(tmp_path, kept=2)
    failed = Ending("failed", "it did not start")
    rig.done(1)
    rig.done(2)
    assert needing(rig, 3) == 3
    # Of these none is the branch's push, and none took: all that stands between is old.
    for _ in range(4):
        record = rig.deployments.redeploy("shop", 3, ALICE)
        rig.stage.next()
        rig.stage.end(failed)
        rig.end_of(record)
    rig.deployments.stop()
    kept = {each.id: each.state for each in rig.deployments.all("shop")}
    assert kept == {1: "deployed", 2: "deployed", 3: "superseded", 6: "failed", 7: "failed"}
    assert rig.deployments.reconcile() == ()
    assert [each.id for each in rig.deployments.all("shop")] == [1, 2, 3, 6, 7]
