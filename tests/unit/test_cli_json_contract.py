"""The keys of every JSON document, pinned: a script that reads them must go on working."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.contract_clusters import CLUSTERS
from tests.unit.contract_hooks import HOOKS
from tests.unit.contract_repos import REPOS
from tests.unit.filled import (
    CAUSE,
    CHAIN,
    DEPLOY,
    DETAIL,
    DIFF,
    DNS_AUDIT,
    DNS_CHANGE,
    DNS_IAM,
    DNS_LIST,
    DNS_TURN,
    EVENT,
    HIDDEN,
    MISTAKE,
    PLAN,
    PROVENANCE,
    RENDERED,
    ROW,
    VERIFICATION,
)
from toolkit.errors import ConfigError, ExitCode
from toolkit.spec.depends import Need
from toolkit.spec.dev import AgentRow, DevReport
from toolkit.spec.doctor import Check, DoctorReport, Right
from toolkit.spec.explain import ExplainReport, Explanation, Fact, Moment, Subject
from toolkit.spec.fit import Cell, Demand, DryRun, FitReport, GroupFit, NodeFit
from toolkit.spec.image import ImageReport
from toolkit.spec.kept import KeptReport, KeptReports, PageReport
from toolkit.spec.listing import (
    HistoryReport,
    InitReport,
    LogLine,
    OperateReport,
    SecretReport,
    StatusReport,
    ValidateReport,
    VersionRow,
)
from toolkit.spec.lock import Holder, UnlockReport
from toolkit.spec.loop import Turn
from toolkit.spec.provenance import LastVerified
from toolkit.spec.sight import Change, JobSight, Sight
from toolkit.spec.stack import Serves, StackError, StackReport, StackRow
from toolkit.spec.work import WorkInstance, WorkReport
from toolkit.views import (
    deploy,
    dev,
    doctor,
    error,
    explain,
    history,
    image,
    init,
    logs,
    loop,
    operate,
    plan,
    render,
    report,
    secret,
    sight,
    stack,
    status,
    unlock,
    validate,
    verify,
    why_not,
    work,
)
from toolkit.views.dns import audit as dns_audit
from toolkit.views.dns import change as dns_change
from toolkit.views.dns import iam as dns_iam
from toolkit.views.dns import records as dns_records
from toolkit.views.dns import turn as dns_turn

DNS_RECORD_KEYS = "name type zone values[] ttl alias owner state"
CHAIN_KEYS = "allocation node group nomad consul traefik serves address version leaving"
CAUSE_KEYS = "kind summary group task allocation node evidence[] advice at count"
PLAN_KEYS = (
    "schema job code changed fits check_index release "
    "live(version release stopped counts(web)) "
    "groups[](group place canary replace in_place stop migrate preempt ignore) "
    "diff[](path kind old new) lint[](rule level message reason allowed) "
    f"warnings[] notes[] question unplaced[]({CAUSE_KEYS}) "
    "drift(state since(version release at) live(version release at) "
    "changes[](path kind old new) detail) "
    "scaled[](group live asked kept previous by at message) environment address namespace made_at"
)
VERIFICATION_KEYS = (
    "holds expected verified release links[](name state detail) "
    f"instances[]({CHAIN_KEYS}) extras[](where kind what detail)"
)
EVENT_KEYS = f"stage text at instances[]({CHAIN_KEYS})"
PROVENANCE_KEYS = "tag release version commit dirty digest actor tool verdict at copy_of"
PROBE_KEYS = (
    "settings(rate paths[] methods[] expect[] timeout settle most_requests "
    "budget(failed gap latency percentile)) address host began ended requests failed longest_gap "
    "latency first_new last_old last_new mixed over "
    "seconds[](at release requests failed slowest mean) failures[](at method path what release) "
    "notes[]"
)
TIMELINE_KEYS = (
    "began ended bars[](allocation group node version release role spans[](phase began ended) end "
    "sightings[](system word at)) marks[](at kind text allocation) notes[]"
)
ANALYSIS_KEYS = (
    "word settings(samples rate hold deadline paths[] timeout errors confidence latency "
    "latency_least percentile) steps[](canaries word reason began ended "
    "canary(instances requests failed latency) stable(instances requests failed latency) "
    "edge(before(requests failed slow) since(requests failed slow) slow_above unseen whole) looks "
    "seconds[](at canary_requests canary_failed canary_mean canary_slowest "
    "stable_requests stable_failed stable_mean stable_slowest) "
    "failures[](at side allocation path what) notes[])"
)
DEPLOY_KEYS = (
    "schema verdict code sentence job environment address namespace release previous_release "
    "serving version deployment evaluation "
    "timings(total render plan submit nomad healthy gate verify edge_wait) "
    f"verification({VERIFICATION_KEYS}) causes[]({CAUSE_KEYS}) next plan({PLAN_KEYS}) "
    f"events[]({EVENT_KEYS}) calls expired_waits lock(state path reason waited) "
    f"provenance({PROVENANCE_KEYS}) probe({PROBE_KEYS}) analysis({ANALYSIS_KEYS}) "
    f"timeline({TIMELINE_KEYS})"
)
ROW_KEYS = (
    "name kind state release version wanted running healthy deployment ours failed lost complete "
    "launched(pending running dead)"
)
MISTAKE_KEYS = "where key line message hint"

CONTRACT: list[tuple[str, dict[str, Any], str]] = [
    ("toolkit.deploy/1", deploy.document(DEPLOY), DEPLOY_KEYS),
    ("toolkit.deploy/1", verify.document(DEPLOY), DEPLOY_KEYS),
    ("toolkit.plan/1", plan.document(PLAN), PLAN_KEYS),
    (
        "toolkit.render/1",
        render.document(RENDERED),
        "schema job release source template hcl variables lines[](path line)",
    ),
    (
        "toolkit.validate/1",
        validate.document(ValidateReport("dev", ("web",), "Nomad", "1.11.3", (MISTAKE,))),
        f"schema code environment jobs[] judge judge_detail mistakes[]({MISTAKE_KEYS}) warnings[]",
    ),
    (
        "toolkit.status/1",
        status.document(
            StatusReport(
                "dev", "http://a", "default", (ROW,), DETAIL, (), 1, {"running": 2}, ("web",)
            )
        ),
        f"schema environment address namespace jobs[]({ROW_KEYS}) detail(job({ROW_KEYS}) stable "
        "submitted_at deployment(id version status description placed healthy desired canaries "
        "promoted) instances[](allocation group node version state wanted healthy canary restarts "
        "consul address checks[](name status output)) routes[] drift "
        f"provenance({PROVENANCE_KEYS})) notes[] left_out "
        "states(running) short[] calls",
    ),
    (
        "toolkit.status-watch/1",
        sight.document(
            Sight(
                "dev", "http://a", "default", "seen", 1.0, (Change("job", "web 1.1.0"),),
                JobSight("web", "running", "1.1.0", 4, "successful", 2, 2), (CHAIN,), (ROW,),
            )
        ),
        "schema word at environment address namespace changes[](word text) "
        "job(name state release version deployment healthy wanted) "
        f"instances[]({CHAIN_KEYS}) jobs[]({ROW_KEYS})",
    ),
    (
        "toolkit.report/1",
        report.document(
            PageReport(
                "kept", "20260504-123000417-web-3f2a", 1.0, deploy.document(DEPLOY), (DIFF,)
            )
        ),
        "schema source id at file notes[] changes[](path kind old new) "
        f"report({DEPLOY_KEYS})",
    ),
    (
        "toolkit.reports/1",
        report.list_document(
            KeptReports(
                "/r",
                (KeptReport("i", 1.0, "web", "dev", "default", "deployed", "ok", "1.1.0", 4),),
            )
        ),
        "schema folder reports[](id at job environment namespace verdict sentence release "
        "version) notes[]",
    ),
    (
        "toolkit.dev-watch/1",
        loop.document(Turn("deployed", "web", "web 1.0.0-dev-1", 1.0, 2, "1.0.0-dev-1")),
        "schema word job sentence seconds files release hint causes[]",
    ),
    (
        "toolkit.history/1",
        history.document(
            HistoryReport(
                "dev", "http://a", "default", "web",
                (
                    VersionRow(
                        4, "1.1.0", 1.0, True, True, (), None, {"web": 2}, changes=(DIFF,),
                        provenance=PROVENANCE, last_verified=True,
                    ),
                ),
                LastVerified("web", "1.1.0", 4, 2.0, "1.1.0-v4", "ann@ws", 77),
                ("the rest cannot be seen",),
            )
        ),
        "schema environment address namespace job versions[](version release submitted_at stable "
        "live stopped tags[] deployment counts(web) summary changes[](path kind old new) "
        f"provenance({PROVENANCE_KEYS}) last_verified) "
        "last_verified(release version at tag actor) notes[]",
    ),
    (
        "toolkit.explain/1",
        explain.document(
            ExplainReport(
                "dev", "http://a", "default", "web", 2.0,
                Explanation(
                    Subject("job", "web"), "web", "well", "web is well", 1.0, (CAUSE,),
                    (Fact("version", "4"),), (Moment(1.0, "app", "Started"),), ("stderr: x",),
                ),
            )
        ),
        "schema code environment address namespace asked now kind id job word sentence since "
        f"causes[]({CAUSE_KEYS}) facts[](name text) timeline[](at who text) output[] unseen[] next "
        "calls",
    ),
    (
        "toolkit.log/1",
        logs.document(LogLine("a", "app", "stdout", "hello")),
        "schema allocation task source text",
    ),
    (
        "toolkit.secret/1",
        secret.document(SecretReport("dev", "web", "nomad/jobs/web", "set", "k", ("k",))),
        "schema environment job path action key keys[] missing[] unused[] notes[]",
    ),
    (
        "toolkit.operate/1",
        operate.document(
            OperateReport(
                "scaled", "web 2 → 3", "scale", "web", "dev", "http://a", "default",
                verification=VERIFICATION, events=(EVENT,),
            )
        ),
        "schema verdict code sentence action job environment address namespace release deployment "
        f"verification({VERIFICATION_KEYS}) notes[] next events[]({EVENT_KEYS}) seconds",
    ),
    (
        "toolkit.unlock/1",
        unlock.document(
            UnlockReport(
                "unlocked", "web", "dev", "http://a", "default", "toolkit/locks/web", "it hangs",
                Holder(HIDDEN, "ann@ws", "ws", "deploy", "1.1.0", 1.0),
            )
        ),
        "schema code action job environment address namespace path reason "
        "holder(actor host command release since)",
    ),
    (
        "toolkit.work/1",
        work.document(
            WorkReport(
                "failed", "migrate failed", "migrate", "dev", "http://a", "default", "1.0.0",
                instances=(WorkInstance("a", "g", "app", "n", "failed", 7),), causes=(CAUSE,),
                events=(EVENT,),
            )
        ),
        "schema verdict code sentence job child environment address namespace release version "
        "evaluation exit_code instances[](allocation group task node state exit_code signal "
        "restarts oom started finished replaced) "
        f"causes[]({CAUSE_KEYS}) notes[] next timings(total plan submit work) "
        f"events[]({EVENT_KEYS}) calls",
    ),
    (
        "toolkit.stack/1",
        stack.document(
            StackReport(
                "deploy", "failed", "web did not go well", "dev", "http://a", "default",
                (
                    StackRow(
                        "web", (Need("db", "verified"),), "failed", "web failed",
                        error=StackError("gone", None, ExitCode.FAILED), before=3, back="reverted",
                        serves=Serves("1.0.0", 4, "verified", "web 1.0.0, 2 of 2 verified"),
                    ),
                ),
                4, events=(EVENT,),
            )
        ),
        "schema action verdict code sentence environment address namespace parallel atomic "
        "jobs[](job needs[](job gate) verdict code sentence before error(message hint code) plan "
        "deploy work back(verdict sentence deploy operate) serves(release version word sentence)) "
        f"notes[] next events[]({EVENT_KEYS}) seconds calls",
    ),
    (
        "toolkit.init/1",
        init.document(InitReport("shop", ("toolkit.toml",), ("toolkit dev up",))),
        "schema folder files[] next[]",
    ),
    (
        "toolkit.image/1",
        image.document(
            ImageReport(
                "pushed", "prod", "backend", "1.1.0", "registry.example/shop/backend:1.1.0",
                "sha256:aa", 1, "sha256:bb", 2.0, ("made",), "toolkit deploy backend",
            )
        ),
        "schema verdict environment job release image id digest size seconds notes[] next",
    ),
    *CLUSTERS,
    *HOOKS,
    *REPOS,
    (
        "toolkit.dev/1",
        dev.document(
            DevReport(
                "started", "ready",
                (AgentRow("nomad", "running", 1, "1.11.3", "/n", "http://a", "/l"),),
                {"Nomad": "http://a"},
            )
        ),
        "schema word code sentence agents[](name status pid version binary address log "
        "last_lines[]) addresses(Nomad) acl data state_file notes[] next",
    ),
    (
        "toolkit.doctor/1",
        doctor.document(
            DoctorReport(
                "dev", "http://a", "http://b", "default",
                (Check("nomad", "failed", "nothing answers", ("refused",), ("x",), "start it"),),
                (Right("deploy", "may not", ("submit-job in namespace default",)),),
            )
        ),
        "schema code sentence environment address consul_address namespace "
        "checks[](name word summary evidence[] notes[] advice) rights[](command may lacks[]) "
        "seconds",
    ),
    (
        "toolkit.why-not/1",
        why_not.document(
            FitReport(
                "web", "service",
                (
                    GroupFit(
                        "g", "no", 1, 0, 0, 0, 0, (Demand("resource", "memory", "memory 1 MiB"),),
                        (NodeFit("a", "n", "dc1", "default", "", (Cell("no", "lacks"),), 0),),
                    ),
                ),
                "no", 1, "registered, version 0", "dev", "http://a", "default", DryRun({"g": 1}),
            )
        ),
        "schema environment address namespace job kind source code fits sentence total_nodes "
        "groups[](group fits wanted placed stays canaries replaced possible reason advice "
        "demands[](kind label text implied met unmet unknown) nodes[](id name datacenter pool "
        "class mark room runs score lacks[] unclear[] cells[])) dry_run(unplaced(g) error) "
        "notes[] calls",
    ),
    (
        "toolkit.dns-list/1",
        dns_records.document(DNS_LIST),
        f"schema environment address records[]({DNS_RECORD_KEYS})",
    ),
    (
        "toolkit.dns-change/1",
        dns_change.document(DNS_CHANGE),
        f"schema verdict code sentence environment address name type before({DNS_RECORD_KEYS}) "
        f"after({DNS_RECORD_KEYS}) notes[] next seconds",
    ),
    (
        "toolkit.dns-turn/1",
        dns_turn.document(DNS_TURN),
        "schema action code environment address steps[](action name type zone owner before[] "
        "after[] ttl why result detail) held[](name type zone owner reason detail refused) "
        "leaving[](name types[] zone owner why seconds) unchanged jobs seconds",
    ),
    (
        "toolkit.dns-audit/1",
        dns_audit.document(DNS_AUDIT),
        "schema environment address entries[](seq intent time kind action subject zone via request "
        "key fingerprint result detail prev hash actor(kind namespace job task allocation accessor "
        "name) before(marks[] records[]) after(marks[] records[](type values[]))) verified head "
        "count anchor",
    ),
    (
        "toolkit.dns-iam/1",
        dns_iam.document(DNS_IAM),
        "schema source policy(Version)",
    ),
    (
        "toolkit.error/1",
        error.document(ConfigError([MISTAKE])),
        f"schema verdict code error(kind message hint code mistakes[]({MISTAKE_KEYS}))",
    ),
]  # fmt: skip


def shape(value: Any) -> str:
    """The keys of a document, in order: `a b(c) d[](e)`; an empty list is `[]`."""
    return " ".join(key + _inner(item) for key, item in value.items())


def _inner(item: Any) -> str:
    if isinstance(item, dict):
        return f"({shape(item)})"
    if isinstance(item, list):
        return "[]" + (_inner(item[0]) if item and isinstance(item[0], dict) else "")
    return ""


@pytest.mark.parametrize(("schema", "document", "keys"), CONTRACT)
def test_the_keys_of_a_document_stay(schema: str, document: dict[str, Any], keys: str) -> None:
    assert document["schema"] == schema
    assert shape(document) == keys


@pytest.mark.parametrize(("schema", "document", "keys"), CONTRACT)
def test_a_document_is_plain_json(schema: str, document: dict[str, Any], keys: str) -> None:
    assert json.loads(json.dumps(document)) == document


def test_no_document_holds_what_only_nomad_may_see() -> None:
    assert HIDDEN not in json.dumps([document for _, document, _ in CONTRACT])
    assert HIDDEN not in "\n".join([*plan.lines(PLAN), *deploy.lines(DEPLOY)])
