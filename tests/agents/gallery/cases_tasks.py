"""Tasks that do not start, or do not go on: artifacts, templates, commands, crashes."""

from __future__ import annotations

from tests.agents.gallery.case import ANY, Case
from tests.agents.gallery.hcl import (
    RESTARTS,
    STUBBORN,
    block,
    doomed,
    job,
    network,
    program,
    server,
    short_update,
    task,
    work,
)
from tests.agents.gallery.stage import Stage

PASSWORD = "correct horse battery staple"
WHERE = {"group": "web", "task": "app", "allocation": ANY, "node": ANY}
HASTY = short_update(healthy=6, steady="3s")
"""For what never becomes healthy, and is only waited for."""
UNWATCHED = block("update", max_parallel=0, min_healthy_time="15s")
CRASH = "echo FATAL no database at db:5432 >&2\nexit 3"


def _failed(name: str, mode: int | None, text: str, kind: str, says: str, **more: object) -> Case:
    how: dict[str, object] = {"place": WHERE, **more}
    return Case(name, text, "failed", 3, mode, kind=kind, says=says, **how)  # type: ignore[arg-type]


def _artifact(name: str, path: str, says: str, *options: str) -> Case:
    """A task that needs a file from elsewhere."""
    fetch = block("artifact", *options, source=f"@HTTP@/{path}", destination="local/")
    return _failed(name, 8, job(doomed(task(more=fetch))), "artifact", says)


def _template(name: str, mode: int, data: str, kind: str, says: str, **more: object) -> Case:
    """A task that needs a rendered file."""
    text = block("template", data=data, destination="local/made")
    return _failed(name, mode, job(doomed(task(more=text), update=HASTY)), kind, says, **more)


def _program(name: str, config: str, kind: str, says: str) -> Case:
    return _failed(name, 13, job(doomed(program(config))), kind, says)


def _hook(hook: str, script: str, name: str, *, sidecar: bool = False) -> str:
    """A task of another time of life."""
    return task(script, name=name, more=block("lifecycle", hook=hook, sidecar=sidecar))


def _secret(stage: Stage, name: str) -> None:
    stage.shop.secret(name, "password", PASSWORD)


UNFIT = "\n".join(
    [block("meta", label="un_fit"), block("service", name="${NOMAD_META_label}", port="http")]
)
"""Only the client can see that the service's name is none."""
TELLTALE = block(
    "template",
    data='PASSWORD={{ with nomadVar "nomad/jobs/@NAME@" }}{{ .password }}{{ end }}',
    destination="secrets/env",
    env=True,
)

CASES = (
    # What a task needs before it runs.
    _artifact("task-artifact-404", "404/app.tar.gz", r"404"),
    _artifact("task-artifact-403", "403/app.tar.gz", r"403"),
    _artifact(
        "task-artifact-checksum", "200/app.txt", r"[Cc]hecksum",
        block("options", checksum=f"sha256:{'0' * 64}"),
    ),
    _template(
        "task-template-key", 9, '{{ key "shop/colour" }}', "template", r"kv\.block\(shop/colour\)"
    ),
    _template(
        "task-template-variable", 9,
        '{{ with nomadVar "nomad/jobs/@NAME@" }}{{ .colour }}{{ end }}',
        "template", r"nomad/jobs/@NAME@",
    ),
    _template("task-template-broken", 10, "{{ if }}", "template", r"template: .*if"),
    _template(
        "task-template-forbidden", 10, '{{ plugin "true" }}', "template", r"plugin"
    ),
    # What a task is.
    _program("task-no-command", 'command = "/nowhere/binary"', "command", r"/nowhere/binary"),
    _program("task-not-executable", 'command = "@FOLDER@/server.py"', "command", r"server\.py"),
    _failed(
        "task-no-user", 13,
        job(doomed(program('command = "/bin/true"', more='user = "nobody-of-that-name"'))),
        "command", r"user.*nobody-of-that-name",
    ),
    _failed(
        "task-bad-config", 13, job(doomed(program('command = "/bin/true"\nimage = "shop:1"'))),
        "validation", r"image",
    ),
    _failed(
        "task-validation", 13,
        job(doomed(network(), task(more=UNFIT))), "validation", r"un_fit",
    ),
    # How a task ends.
    _failed(
        "task-port-taken", 6, job(doomed(network(static="@TAKEN@"), server())), "port",
        r"[Aa]ddress already in use",
    ),
    _failed("task-crash", 12, job(doomed(task(CRASH))), "crash", r"exited 3\b"),
    _failed(
        "task-crash-loop", 12, job(doomed(task(CRASH), policy=STUBBORN)), "crash",
        r"stderr: FATAL no database at db:5432", never=r"restarts|[Ee]xceeded",
    ),
    _failed(
        "task-crash-both", 12,
        job(doomed(task(CRASH), count=2, update=short_update(parallel=2, steady="20s"))),
        "crash", r"exited 3\b",
    ),
    _failed("task-exit-0", 12, job(doomed(task("echo bye"))), "crash", r"exited 0\b"),
    _failed(
        "task-exit-127", 12, job(doomed(task("no-such-program"))), "command", r"no-such-program"
    ),
    _failed("task-killed", 11, job(doomed(task("kill -9 $$"))), "crash", r"SIGKILL|signal 9"),
    _failed(
        "task-secret", 12,
        job(doomed(task('echo "cannot log in with $PASSWORD" >&2\nexit 4', more=TELLTALE))),
        "crash", r"stderr: cannot log in with", prepare=_secret, hides=(PASSWORD,),
    ),
    # Which of several tasks was first.
    _failed(
        "task-prestart", 12,
        job(doomed(_hook("prestart", "echo no schema >&2\nexit 5", "migrate"), task())),
        "crash", r"stderr: no schema", place={**WHERE, "task": "migrate"},
    ),
    _failed(
        "task-sidecar", 12,
        job(doomed(
            _hook("poststart", "sleep 1\necho no route >&2\nexit 6", "proxy", sidecar=True),
            task("trap 'echo too late >&2; exit 9' TERM\nwhile :; do sleep 0.1; done"),
        )),
        "crash", r"stderr: no route", place={**WHERE, "task": "proxy"}, never=r"too late",
    ),
    _failed(
        "task-leader", 12,
        job(doomed(task("sleep 1\nexit 7", more="leader = true"), task(name="another"))),
        "crash", r"exited 7\b",
    ),
    # Without a deployment.
    _failed(
        "task-no-deployment", 12, job(doomed(task(f"sleep 1\n{CRASH}"), update=UNWATCHED)),
        "crash", r"exited 3\b",
    ),
    _failed(
        "task-system", 12, job(doomed(task(CRASH), policy=RESTARTS), kind="system"), "crash",
        r"exited 3\b",
    ),
    _failed("task-batch", 12, work("echo on it\nexit 4"), "crash", r"stdout: on it"),
    _failed("task-sysbatch", 12, work("exit 4", kind="sysbatch"), "crash", r"exited 4\b"),
)  # fmt: skip
