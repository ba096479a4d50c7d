"""The audit over HTTP once its oldest files were moved away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from kick import endpoints_audit

from tests.services.kick.rig import ALICE, CONFIG, SHOP, make_rig
from toolkit.config.kick import load_kick


def test_what_is_left_is_found_however_much_was_moved_away(
    portal: BlockingPortal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file holds more entries than one request looks at: a page without any is not the end."""
    monkeypatch.setattr(endpoints_audit, "_SEARCHED", 2)
    config = load_kick(CONFIG)
    config = replace(config, limits=replace(config.limits, audit_file=1))
    with make_rig(portal, tmp_path, config=config) as rig:
        for number in range(10):
            body = {"ip_address": f"203.0.113.{number}"}
            rig.ask("PUT", "/record/shop.apps.example.com", SHOP, body)
        files = sorted((tmp_path / "audit").glob("audit-*.jsonl"))
        for old in files[: len(files) - 3]:
            old.unlink()
        left = [entry["seq"] for entry in rig.entries()]
        assert left[0] > 10
        found: list[int] = []
        after = 0
        for _ in range(30):
            page = rig.ask("GET", f"/audit?after={after}", ALICE).json()
            found += [entry["seq"] for entry in page["entries"]]
            if page["next"] is None:
                break
            assert page["next"] > after
            after = page["next"]
        assert found == left
