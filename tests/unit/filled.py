"""Reports with their fields filled, as JSON documents and their schemas are held to them."""

from __future__ import annotations

from ipaddress import IPv4Network

from tests.cluster.machines import cluster
from toolkit.errors import Mistake
from toolkit.spec.analysis import (
    AnalysedStep,
    AnalysisFailure,
    AnalysisReport,
    AnalysisSecond,
    AnalysisSettings,
    EdgeComparison,
    EdgeCount,
    SideCount,
)
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Extra, InstanceChain, Link, Verification
from toolkit.spec.cluster import Slot, Subnets
from toolkit.spec.cluster_template import ClusterTemplateReport, Template
from toolkit.spec.dns_reports import (
    DnsAuditReport,
    DnsChangeReport,
    DnsHeld,
    DnsIamReport,
    DnsLeaving,
    DnsListReport,
    DnsRecord,
    DnsStep,
    DnsTurnReport,
)
from toolkit.spec.events import Event
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.listing import CheckLine, DeploymentRow, InstanceRow, JobDetail, JobRow, Launched
from toolkit.spec.lock import LockReport
from toolkit.spec.plan import (
    DiffLine,
    Drift,
    GroupPlan,
    LintFinding,
    LiveJob,
    Plan,
    ScaledCount,
    VersionMark,
)
from toolkit.spec.probe import ProbeFailure, ProbeReport, ProbeSecond, ProbeSettings
from toolkit.spec.provenance import Provenance
from toolkit.spec.rehearsal import CertificateRow, MachineRow, RehearsalReport, TargetRow
from toolkit.spec.rendered import RenderedJob, SourceLine
from toolkit.spec.report import DeployReport, Timings
from toolkit.spec.target import Secret
from toolkit.spec.timeline import Bar, Mark, Sighting, Span, Timeline

HIDDEN = "hunter2-must-not-appear"

CAUSE = Cause("crash", "task app exited 1", "web", "app", "5b2c90aa-1", "node-1", ("stderr: x",))
CHAIN = InstanceChain("0a1f3c52-1", "node-1", "web", "running", "passing", "up", "1.1.0", "a:1")
VERIFICATION = Verification(
    links=(Link("nomad", "holds", "2 of 2"),),
    instances=(CHAIN,),
    extras=(Extra("consul", "stale", "web-1", "no such allocation"),),
    expected=1,
    release="1.1.0",
)
EVENT = Event("canary", "running", 1.0, (CHAIN,))
RENDERED = RenderedJob(
    JobSpec("web", "service", "jobs/web/job.toml", "jobs/web/job.nomad.hcl.j2", release="1.1.0"),
    "job {}\n",
    (SourceLine("jobs/web/job.nomad.hcl.j2", 1),),
    {},
)
DIFF = DiffLine("Meta[release]", "Edited", "1.0.0", "1.1.0")
PLAN = Plan(
    rendered=RENDERED,
    job={"ID": "web", "Meta": {"release": "1.1.0"}, "Env": {"PASSWORD": HIDDEN}},
    check_index=7,
    live=LiveJob(3, 7, "service", "1.0.0", False, True, {"web": 2}, {"Env": HIDDEN}),
    groups=(GroupPlan("web", canary=2),),
    diff=(DIFF,),
    lint=(LintFinding("count-one", "warning", "one instance", "no canary"),),
    unplaced=(CAUSE,),
    secrets=(Secret(HIDDEN),),
    drift=Drift("changed", VersionMark(4, "1.0.0", 2.0), VersionMark(3, "1.0.0", 1.0), (DIFF,)),
    scaled=(ScaledCount("web", 4, 2, True, 2, "nomad job scale", 1.0),),
    environment="dev",
    address="http://127.0.0.1:4646",
    namespace="default",
    made_at=3.0,
)
TIMELINE = Timeline(
    1.0,
    2.0,
    (
        Bar(
            "0a1f3c52-1", "web", "node-1", 4, "1.1.0", "canary", (Span("placed", 1.0, None),),
            sightings=(Sighting("0a1f3c52-1", "Consul", "passing", 1.5),),
        ),
    ),
    (Mark(1.0, "submitted", "version 4 submitted"),),
)  # fmt: skip
PROVENANCE = Provenance(
    "1.1.0-v4", "1.1.0", 4, "a" * 40, True, "d" * 64, "ann@ws", "0.1.0", "deployed", 2.0
)
PROBE = ProbeReport(
    ProbeSettings(), "http://127.0.0.1:8080", "web.localhost", 1.0, 2.0, 412, 1, 0.1, 0.02,
    first_new=1.2, last_old=1.4, last_new=2.0, over="1 of 412 requests failed, 0 may",
    seconds=(ProbeSecond(1, "1.1.0", 412, 1, 0.3, 0.01),),
    failures=(ProbeFailure(1.3, "GET", "/", "HTTP 502"),), notes=("it ended early",),
)  # fmt: skip
ANALYSIS = AnalysisReport(
    AnalysisSettings(),
    (
        AnalysedStep(
            1, "failed", "3 of 200 failed", 1.0, 2.0, SideCount(1, 200, 3, 0.02),
            SideCount(3, 200, 0, 0.02),
            EdgeComparison(EdgeCount(500, 0, 1), EdgeCount(300, 2, 1), 0.1, "too few"), 2,
            (AnalysisSecond(1, 20, 3, 0.01, 0.02, 20, 0, 0.01, 0.02),),
            (AnalysisFailure(1.0, "canary", "a", "/", "HTTP 500"),), ("alone",),
        ),
    ),
)  # fmt: skip
DEPLOY = DeployReport(
    verdict="reverted",
    sentence="web 1.1.0 did not take",
    job="web",
    environment="dev",
    address="http://127.0.0.1:4646",
    namespace="default",
    release="1.1.0",
    previous_release="1.0.0",
    serving="1.0.0",
    version=4,
    deployment="d",
    evaluation="e",
    timings=Timings(7.1),
    verification=VERIFICATION,
    causes=(CAUSE,),
    plan=PLAN,
    events=(EVENT,),
    lock=LockReport("lost", "toolkit/locks/web", "bob@ws broke it"),
    provenance=PROVENANCE,
    probe=PROBE,
    analysis=ANALYSIS,
    timeline=TIMELINE,
)
ROW = JobRow(
    "web", "service", "running", "1.1.0", 4, 2, 2, 2, "successful", True,
    launched=Launched(0, 1, 2),
)  # fmt: skip
DETAIL = JobDetail(
    ROW,
    True,
    1.0,
    DeploymentRow("d", 4, "successful", "ok", 2, 2, 2, 2, True),
    (
        InstanceRow(
            "a", "web", "n", 4, "running", True, True, False, 0, "passing", "h:1",
            (CheckLine("c", "passing", "ok"),),
        ),
    ),
    ("http://web.localhost",),
    provenance=PROVENANCE,
)  # fmt: skip
MISTAKE = Mistake("jobs/web/job.toml", "count", 3, "must be an integer", "2")

DNS_RECORD = DnsRecord(
    name="shop.apps.example.com", type="A", zone="public",
    values=("203.0.113.7", "203.0.113.8"), ttl=60, owner="default/shop of cluster dev",
    state="INSYNC",
)  # fmt: skip
DNS_LIST = DnsListReport("dev", "http://k", (DNS_RECORD,))
DNS_CHANGE = DnsChangeReport(
    "set",
    "done",
    "dev",
    "http://k",
    DNS_RECORD.name,
    "A",
    DNS_RECORD,
    DNS_RECORD,
    ("n",),
    "dig",
    0.1,
)
DNS_TURN = DnsTurnReport(
    "plan",
    "dev",
    "http://k",
    (
        DnsStep("update", DNS_RECORD.name, "A", "public", "default/shop", ("203.0.113.7",),
                ("203.0.113.8",), 60, "1 of 1 instances passes", "failed", "throttled"),
    ),
    (DnsHeld("a.example.org", "A", None, "default/shop", "no-zone", "lies in no zone", True),),
    (DnsLeaving("old.apps.example.com", ("A",), "public", "default/old", "the job is dead", 1.5),),
    2,
    1,
    0.1,
)  # fmt: skip
DNS_INTENT = {
    "seq": 3, "time": "2026-11-23T09:31:34.107+00:00", "prev": "ab", "hash": "cd",
    "kind": "intent", "action": "dns.set", "subject": DNS_RECORD.name, "via": "request",
    "zone": "apps.example.com (public)", "request": "r", "key": "k", "fingerprint": "f",
    "actor": {"kind": "workload", "namespace": "default", "job": "shop", "task": "app"},
    "before": {"marks": [], "records": []},
    "after": {"marks": [], "records": [{"type": "A", "values": ["203.0.113.7"]}]},
}  # fmt: skip
DNS_OUTCOME = {
    "seq": 4, "time": "2026-11-23T09:31:34.109+00:00", "prev": "cd", "hash": "ef",
    "kind": "outcome", "action": "dns.set", "intent": 3, "result": "done",
    "actor": {"kind": "workload", "namespace": "default", "job": "shop"},
}  # fmt: skip
DNS_AUDIT = DnsAuditReport("dev", "http://k", (DNS_INTENT, DNS_OUTCOME), True, "ef", 4)
DNS_IAM = DnsIamReport("jobs/kick/kick.production.toml", {"Version": "2012-10-17"})

TEMPLATE = ClusterTemplateReport(
    cluster(),
    Template("prod", '{"Resources":{}}', {"toolkit:cluster": "prod"}, ("CAPABILITY_NAMED_IAM",), 0),
    (Slot(1, "eu-west-1a", "10.40.0.11", "server-1.prod.internal"),),
    (Subnets("eu-west-1a", IPv4Network("10.40.192.0/21"), IPv4Network("10.40.0.0/19")),),
)

REHEARSAL = RehearsalReport(
    "prod", "prod-rehearsal", "unwell", "worker-1 is off",
    (MachineRow("worker-1", "worker", "eu-west-1a", "worker", "10.40.0.33", "off", "down", "x"),),
    (TargetRow("frontend-1", "10.40.0.32:80", True),),
    (CertificateRow("server/tls/nomad", "2027-11-23", 365),),
    ("Consul: server-1 does not answer for itself",), 1, 9.5, ("consul 1.22.6 runs here",),
    ("toolkit cluster rehearse up prod",),
)  # fmt: skip
