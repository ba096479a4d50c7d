"""Every command by name: where its function lives, what it does in one line, and examples.

Imports nothing but its rows, so that help, completion and typo suggestions cost no command's
imports.
"""

from __future__ import annotations

from toolkit.cli.catalog_entry import Entry as Entry
from toolkit.cli.catalog_pushes import PUSHES

GROUPS = ("Projects", "Deploying", "Looking", "Operating", "Clusters", "This machine")

COMMANDS = (
    Entry(
        "init", "toolkit.cli.init:init", "Start a project: toolkit.toml and a job that deploys",
        "Projects", ("toolkit init shop", "cd shop && toolkit dev up && toolkit deploy hello"),
    ),
    Entry(
        "render", "toolkit.cli.render:render", "Print the HCL that a job's template makes",
        "Projects",
        (
            "toolkit render backend -e production",
            "toolkit render backend --release 1.1.0 --var greeting=hi -o backend.hcl",
        ),
    ),
    Entry(
        "validate", "toolkit.cli.validate:validate", "Check job files without changing anything",
        "Projects", ("toolkit validate", "toolkit validate backend frontend --json"),
    ),
    Entry(
        "plan", "toolkit.cli.plan:plan", "Show what a deploy would change, and whether it fits",
        "Deploying", ("toolkit plan backend", "toolkit plan backend --release 1.1.0 -e production"),
    ),
    Entry(
        "deploy", "toolkit.cli.deploy:deploy", "Deploy a job and prove that it got there",
        "Deploying",
        (
            "toolkit deploy backend --release 1.1.0",
            "toolkit deploy backend -e production --yes --json",
            "toolkit deploy ./shop.nomad.hcl   # needs no project",
            "toolkit deploy --all --atomic   # the stack, whole or not at all",
        ),
    ),
    Entry(
        "run", "toolkit.cli.run:run", "Run a batch job to its end, with its output",
        "Deploying",
        (
            "toolkit run migrate",
            "toolkit run nightly   # a periodic job, now",
            "toolkit run report --detach",
        ),
    ),
    Entry(
        "dispatch", "toolkit.cli.dispatch:dispatch",
        "Dispatch a parameterized job and follow it to its end",
        "Deploying",
        (
            "toolkit dispatch import --meta day=2026-01-31",
            "toolkit dispatch import --meta day=2026-01-31 --payload rows.csv",
        ),
    ),
    Entry(
        "attach", "toolkit.cli.attach:attach",
        "Watch a rollout or a run under way, whoever started it",
        "Deploying",
        ("toolkit attach backend", "toolkit attach import/dispatch-1764000000-5527d246"),
    ),
    Entry(
        "bump", "toolkit.cli.bump:bump", "Deploy the next release and write it to the job file",
        "Deploying", ("toolkit bump backend 1.1.0", "toolkit bump backend --minor"),
    ),
    Entry(
        "rollback", "toolkit.cli.rollback:rollback", "Go back to the release that served before",
        "Deploying",
        (
            "toolkit rollback backend", "toolkit rollback backend --to 1.0.0",
            "toolkit rollback --all",
        ),
    ),
    Entry(
        "verify", "toolkit.cli.verify:verify", "Prove that what is deployed serves, up to the edge",
        "Looking", ("toolkit verify backend", "toolkit verify backend --json"),
    ),
    Entry(
        "status", "toolkit.cli.status:status", "Show what runs, in Nomad, Consul and Traefik",
        "Looking",
        ("toolkit status", "toolkit status backend --json", "toolkit status backend --watch"),
    ),
    Entry(
        "explain", "toolkit.cli.explain:explain", "Explain how something is, why, and what now",
        "Looking",
        (
            "toolkit explain backend",
            "toolkit explain 5f2c9a1e   # an evaluation, deployment, allocation or node",
        ),
    ),
    Entry(
        "history", "toolkit.cli.history:history", "List the versions of a job and their releases",
        "Looking", ("toolkit history backend",),
    ),
    Entry(
        "report", "toolkit.cli.report:report", "Show a rollout as a page: in time, and why",
        "Looking",
        (
            "toolkit report backend --open",
            "toolkit report backend --last 2 -o before.html",
            "toolkit report --list",
        ),
    ),
    Entry(
        "logs", "toolkit.cli.logs:logs", "Print what a job's tasks wrote", "Looking",
        ("toolkit logs backend -f", "toolkit logs backend --task app --stderr"),
    ),
    Entry(
        "why-not", "toolkit.cli.why_not:why_not", "Say what each node lacks to run a job",
        "Looking", ("toolkit why-not backend", "toolkit why-not backend --live --all"),
    ),
    Entry(
        "doctor", "toolkit.cli.doctor:doctor", "Check the cluster, and what your tokens may do",
        "Looking", ("toolkit doctor", "toolkit doctor -e production --only edge --only rights"),
    ),
    Entry(
        "scale", "toolkit.cli.scale:scale", "Change the number of instances", "Operating",
        ("toolkit scale backend 4",),
    ),
    Entry(
        "restart", "toolkit.cli.restart:restart", "Restart the instances, one after the other",
        "Operating", ("toolkit restart backend",),
    ),
    Entry(
        "stop", "toolkit.cli.stop:stop", "Stop a job; its history stays", "Operating",
        ("toolkit stop backend", "toolkit stop backend --yes"),
    ),
    Entry(
        "promote", "toolkit.cli.promote:promote", "Promote the canaries of a held rollout",
        "Operating", ("toolkit promote backend",),
    ),
    Entry(
        "abort", "toolkit.cli.abort:abort", "Fail the rollout under way, so that it reverts",
        "Operating", ("toolkit abort backend",),
    ),
    Entry(
        "pause", "toolkit.cli.pause:pause", "Pause the rollout under way", "Operating",
        ("toolkit pause backend",),
    ),
    Entry(
        "resume", "toolkit.cli.resume:resume", "Resume a paused rollout", "Operating",
        ("toolkit resume backend",),
    ),
    Entry(
        "unlock", "toolkit.cli.unlock:unlock", "Break the lock of a job that somebody else holds",
        "Operating", ('toolkit unlock backend --reason "the CI job hangs"',),
    ),
    Entry("secret", "", "Set, list and delete the secrets of a job", "Operating"),
    Entry(
        "secret set", "toolkit.cli.secret:set_", "Set a secret, read from standard input",
        "",
        ("toolkit secret set backend db_password   # asks", "toolkit secret set backend key < f"),
    ),
    Entry(
        "secret list", "toolkit.cli.secret:list_", "List the keys of a job's secrets",
        "", ("toolkit secret list backend",),
    ),
    Entry(
        "secret delete", "toolkit.cli.secret:delete", "Delete a secret", "",
        ("toolkit secret delete backend db_password",),
    ),
    Entry("dns", "", "See and change DNS records, through the kick server", "Operating"),
    Entry(
        "dns list", "toolkit.cli.dns:list_", "List the records, their values and owners", "",
        ("toolkit dns list", "toolkit dns list --type A --zone public --owner shop --json"),
    ),
    Entry(
        "dns set", "toolkit.cli.dns:set_", "Set a record, and wait until it is answered", "",
        (
            "toolkit dns set shop.apps.example.com 203.0.113.7",
            "toolkit dns set www.apps.example.com shop.example.com --type CNAME",
            "toolkit dns set www.apps.example.com --alias lb.example.com@Z0123 --no-wait",
        ),
    ),
    Entry(
        "dns delete", "toolkit.cli.dns:delete", "Delete a record", "",
        ("toolkit dns delete shop.apps.example.com --type A",),
    ),
    Entry(
        "dns plan", "toolkit.cli.dns:plan", "Show what the records would follow the jobs to", "",
        ("toolkit dns plan",),
    ),
    Entry(
        "dns sync", "toolkit.cli.dns:sync", "Let the records follow the jobs now", "",
        ("toolkit dns sync",),
    ),
    Entry(
        "dns audit", "toolkit.cli.dns:audit", "Show who changed what, and whether that holds", "",
        (
            "toolkit dns audit --since 24h",
            "toolkit dns audit --verify --head 5f2c9a1e",
            "toolkit dns audit --name shop.apps.example.com --json",
        ),
    ),
    Entry(
        "dns iam", "toolkit.cli.dns:iam", "Print the IAM policy that the kick server needs", "",
        ("toolkit dns iam -e production > kick-policy.json",),
    ),
    Entry("image", "", "Build services' images, and push them to the registry", "Deploying"),
    Entry(
        "image build", "toolkit.cli.image:build", "Build the image that a job runs", "",
        ("toolkit image build backend -e prod", "toolkit image build backend --release 1.1.0"),
    ),
    Entry(
        "image push", "toolkit.cli.image:push", "Push it to the environment's registry", "",
        (
            "toolkit image push backend -e prod",
            "toolkit image push backend -e prod --release 1.1.0 --json",
        ),
    ),
    *PUSHES,
    Entry("cluster", "", "Make a cluster in AWS, and rehearse it on this machine", "Clusters"),
    Entry(
        "cluster init", "toolkit.cli.cluster:init", "Write a cluster file with sane defaults", "",
        (
            "toolkit cluster init prod --region eu-west-1",
            "toolkit cluster init staging --region eu-central-1 --offline --json",
        ),
    ),
    Entry(
        "cluster plan", "toolkit.cli.cluster_apply:plan",
        "Show what cluster up would do, and what is billed", "",
        (
            "toolkit cluster plan prod",
            "toolkit cluster plan prod --prices prices.toml --json",
        ),
    ),
    Entry(
        "cluster up", "toolkit.cli.cluster_apply:up",
        "Make a cluster in AWS, or change it to what its file says", "",
        ("toolkit cluster up prod", "toolkit cluster up prod --yes --timeout 1h --json"),
    ),
    Entry(
        "cluster template", "toolkit.cli.cluster:template",
        "Print the CloudFormation template of a cluster", "",
        (
            "toolkit cluster template prod > prod.template.json",
            "toolkit cluster template prod --json > prod.json   # for terraform-shim",
        ),
    ),
    Entry(
        "cluster env", "toolkit.cli.cluster_reach:env",
        "Print what leads a shell into a cluster", "",
        (
            'eval "$(toolkit cluster env prod)"   # then: toolkit deploy -e prod backend',
            'eval "$(toolkit cluster env prod --stop)"',
            'eval "$(sudo toolkit cluster env prod-rehearsal)"',
        ),
    ),
    Entry(
        "cluster ssh", "toolkit.cli.cluster_reach:ssh", "Open a shell on a cluster's machine", "",
        (
            "toolkit cluster ssh prod server-1",
            "toolkit cluster ssh prod frontend -- docker ps",
        ),
    ),
    Entry(
        "cluster status", "toolkit.cli.cluster_look:status",
        "Show how a cluster in AWS, or a rehearsal, stands", "",
        (
            "toolkit cluster status prod",
            "toolkit cluster status prod --json",
            "sudo toolkit cluster status prod-rehearsal",
        ),
    ),
    Entry(
        "cluster down", "toolkit.cli.cluster_look:down",
        "Leave nothing of a cluster in AWS", "",
        ("toolkit cluster down prod", "toolkit cluster down prod --keep-data --yes"),
    ),
    Entry("cluster rehearse", "", "Run a cluster's machines as namespaces of this one", ""),
    Entry(
        "cluster rehearse up", "toolkit.cli.cluster_rehearse:up",
        "Start a cluster's machines on this one, or what is missing", "",
        (
            "sudo toolkit cluster rehearse up prod",
            "sudo toolkit cluster rehearse up prod --workers 3 --json",
        ),
    ),
    Entry(
        "cluster rehearse down", "toolkit.cli.cluster_rehearse:down",
        "End a rehearsal and all that it kept", "",
        ("sudo toolkit cluster rehearse down prod",),
    ),
    Entry(
        "cluster rehearse status", "toolkit.cli.cluster_rehearse:status",
        "Show how a rehearsal's machines and servers are", "",
        ("sudo toolkit cluster rehearse status prod",),
    ),
    Entry("dev", "", "Run Nomad, Consul and Traefik on this machine", "This machine"),
    Entry(
        "dev up", "toolkit.cli.dev:up", "Start the local agents", "",
        ("toolkit dev up", "toolkit dev up --acl --port-offset 1000"),
    ),
    Entry("dev down", "toolkit.cli.dev:down", "Stop the local agents and what they run", ""),
    Entry("dev status", "toolkit.cli.dev:status", "Say which local agents run, and where", ""),
    Entry(
        "dev logs", "toolkit.cli.dev:logs", "Print the log of a local agent", "",
        ("toolkit dev logs nomad",),
    ),
    Entry(
        "dev watch", "toolkit.cli.dev_watch:watch", "Deploy what changes, and show the logs", "",
        ("toolkit dev watch", "toolkit dev watch backend frontend"),
    ),
    Entry(
        "schema", "toolkit.cli.schema:schema", "Print the JSON Schema of what --json prints",
        "This machine", ("toolkit schema", "toolkit schema deploy > deploy.schema.json"),
    ),
    Entry(
        "completion", "toolkit.cli.completion:completion", "Print the completion script of a shell",
        "This machine",
        (
            "eval \"$(toolkit completion bash)\"",
            "toolkit completion zsh > ~/.zfunc/_toolkit",
            "toolkit completion fish > ~/.config/fish/completions/toolkit.fish",
        ),
    ),
    Entry(
        "help", "toolkit.cli.help:help_", "Print the help of a command", "This machine",
        ("toolkit help deploy", "toolkit help dev up"),
    ),
)  # fmt: skip

BY_NAME = {entry.name: entry for entry in COMMANDS}


def children(prefix: str) -> list[Entry]:
    """The commands one level below `prefix`: `""` is the program, `dev` the group of that name."""
    lead = prefix + " " if prefix else ""
    return [
        entry
        for entry in COMMANDS
        if entry.name.startswith(lead) and " " not in entry.name[len(lead) :]
    ]
