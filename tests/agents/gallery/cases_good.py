"""Jobs that go well, one of every kind: a gallery without success proves nothing."""

from __future__ import annotations

from tests.agents.gallery.case import Case
from tests.agents.gallery.hcl import (
    NO_DEPLOYMENT,
    RESTARTS,
    STUBBORN,
    block,
    group,
    job,
    short_update,
    task,
    web,
    work,
)

DONE = "echo done"
ONCE_WRONG = """\
test -e "$NOMAD_ALLOC_DIR/once" && exec sleep 3600
touch "$NOMAD_ALLOC_DIR/once"
exit 9"""

CASES = (
    Case("good-service", job(web(count=2)), "deployed", 0),
    Case(
        "good-bump",
        job(web(release="1.1.0", update=short_update(canary=1, revert=True))),
        "deployed", 0,
        before=job(web()),
    ),
    Case("good-no-services", job(group(task(), count=2)), "deployed", 0),
    Case("good-no-deployment", job(group(task(), update=NO_DEPLOYMENT)), "deployed", 0),
    Case("good-count-0", job(group(task(), count=0)), "deployed", 0),
    Case("good-crashes-once", job(group(task(ONCE_WRONG), policy=STUBBORN)), "deployed", 0),
    Case("good-system", job(group(task(), policy=RESTARTS), kind="system"), "deployed", 0),
    Case("good-batch", work(DONE), "completed", 0),
    Case("good-sysbatch", work(DONE, kind="sysbatch"), "completed", 0),
    Case(
        "good-periodic", work(DONE, more=block("periodic", crons=["0 4 * * *"])),
        "deployed", 0,
    ),
    Case(
        "good-parameterized", work(DONE, more=block("parameterized")),
        "deployed", 0,
    ),
)  # fmt: skip
