"""Durations, addresses and near names."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.config.addresses import is_same_place, parse_address, parse_entrance
from toolkit.config.durations import LONGEST, format_duration, parse_duration
from toolkit.config.kinds import KINDS
from toolkit.config.near import near_names, suggest
from toolkit.config.schema import JOB_KEYS, PROJECT_KEYS, Key
from toolkit.spec.jobspec import Check, Resources, RolloutSettings


@pytest.mark.parametrize(
    "text",
    ["", " ", "s", "-5s", "5 s", "5x", "1s1", "1.s", ".5s", "1e3s", "1m-30s", "five", "٣s",
     True, False, None, [], {}, -1, -0.5, float("nan"), float("inf"), "9" * 400 + "h", 10**400],
)  # fmt: skip
def test_what_is_no_duration(text: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5), ("5s", 5), ("2m", 120), ("1h", 3600), ("1m30s", 90), ("1.5s", 1.5),
        ("5", 5), ("0s", 0), (0, 0), (7, 7), (0.25, 0.25), (" 5s ", 5), ("1h2m3s4ms", 3723.004),
    ],
)  # fmt: skip
def test_durations(text: Any, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=int(LONGEST * 1000)))
def test_a_duration_is_spelled_as_it_is_read(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(
        milliseconds / 1000
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "host"), ("http://", "host"), ("http://:4646", "host"), ("ftp://x", "http://"),
        ("unix:///run/nomad.sock", "unix socket"), ("/run/nomad.sock", "unix socket"),
        ("http://u:secret@x:1", "user or a password"), ("http://x/v1", "path"),
        ("http://x:1?a=b", "path"), ("http://x:1#f", "path"), ("http://x:99999", "port"),
        ("http://x:0", "port"), ("http://x:port", "port"), ("x y:1", "spaces"),
        ("http://[::1:4646", "host and port"), ("http://[nonsense]:4646", "valid"),
        ("http://x\x00:1", "spaces"), ("http://a,b:1", "host"), ("1:2:3", "valid"),
    ],
)  # fmt: skip
def test_what_is_no_address(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as error:
        parse_address(text, port=4646)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("nomad.example.com", "http://nomad.example.com:4646"),
        ("10.0.0.1:80", "http://10.0.0.1:80"),
        ("http://127.0.0.1:4646/", "http://127.0.0.1:4646"),
        (" HTTPS://Nomad.Example.COM ", "https://nomad.example.com:443"),
        ("http://x", "http://x:80"),
        ("::1", "http://[::1]:4646"),
        ("[::1]", "http://[::1]:4646"),
        ("[::1]:99", "http://[::1]:99"),
        ("https://[2001:DB8:0::1]:4646", "https://[2001:db8::1]:4646"),
    ],
)
def test_addresses(text: str, address: str) -> None:
    assert parse_address(text, port=4646) == address
    assert parse_address(address, port=1) == address


def test_tls_makes_https_of_what_says_nothing_or_http() -> None:
    assert parse_address("consul:8501", port=8500, tls=True) == "https://consul:8501"
    assert parse_address("http://consul:8501", port=8500, tls=True) == "https://consul:8501"


def test_an_entrance_keeps_the_scheme_s_port_out_of_the_host_header() -> None:
    assert parse_entrance("https://www.example.com:443/") == "https://www.example.com"
    assert parse_entrance("http://10.0.0.5:8081") == "http://10.0.0.5:8081"


def test_localhost_is_one_place_and_a_port_makes_another() -> None:
    assert is_same_place("http://localhost:4646", "http://127.0.0.1:4646")
    assert is_same_place("http://[::1]:4646", "http://127.0.0.1:4646")
    assert not is_same_place("http://localhost:4647", "http://127.0.0.1:4646")
    assert not is_same_place("https://localhost:4646", "http://127.0.0.1:4646")


@settings(deadline=None)
@given(st.text())
def test_no_text_does_anything_but_parse_or_say_why(text: str) -> None:
    for parse in (parse_duration, parse_entrance, lambda t: parse_address(t, port=1)):
        try:
            parse(text)
        except ValueError as error:
            assert str(error)


def test_near_names() -> None:
    assert near_names("canarys", ["canaries", "count"]) == ("canaries",)
    assert suggest("COUNT", ["count", "kind"]) == 'did you mean "count"?'
    assert suggest("zzz", ["b", "a"]) == "known: a, b"
    assert suggest("zzz", [f"n{number}" for number in range(30)]) is None
    assert suggest("zzz", []) is None


@pytest.mark.parametrize("key", [*PROJECT_KEYS, *JOB_KEYS], ids=lambda key: key.path)
def test_every_key_has_a_kind_and_a_sentence(key: Key) -> None:
    assert key.kind in {*KINDS, "table", "tables"}
    assert key.doc.endswith(".") or "`" in key.doc


@pytest.mark.parametrize(
    ("table", "values"), [("rollout", RolloutSettings()), ("resources", Resources()),
                          ("check", Check())],
)  # fmt: skip
def test_the_defaults_in_the_table_of_keys_are_the_defaults(table: str, values: Any) -> None:
    keys = {key.path: key for key in JOB_KEYS}
    for field in fields(values):
        key, value = keys[f"{table}.{field.name}"], getattr(values, field.name)
        if value is None:
            continue
        written = key.default.strip('"')
        if key.kind == "duration":
            assert parse_duration(written) == value
        else:
            assert written == (str(value).lower() if isinstance(value, bool) else str(value))
