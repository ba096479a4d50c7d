"""The table of jobs that real Nomad plans and we evaluate: a name and its HCL."""

from __future__ import annotations

from collections.abc import Iterator

from tests.agents.made_jobs import block, group, job, network, port, rule, task

ON_2 = rule("${node.unique.name}", "=", "worker-2")
ON_4 = rule("${node.unique.name}", "=", "worker-4")


def cases() -> dict[str, str]:
    """Every case by name."""
    return dict(
        (*_texts(), *_orders(), *_versions(), *_sets(), *_sides(), *_distinct(), *_nodes(),
         *_amounts(), *_ports(), *_volumes(), *_implied(), *_lifecycles(), *_groups(), *_kinds())
    )  # fmt: skip


def _job(more: str = "", *, in_group: str = "", in_task: str = "", count: int = 1,
         resources: str = "cpu = 10\nmemory = 10", disk: int = 10, driver: str = "mock_driver",
         config: str = 'run_for = "6h"', **how: str) -> str:  # fmt: skip
    one = task(resources=resources, more=in_task, driver=driver, config=config)
    everywhere = how.get("kind") in {"system", "sysbatch"}
    made = group(count=None if everywhere else count, disk=disk, more=in_group, tasks=one)
    return job(made, more=more, **how)  # type: ignore[arg-type]


Cases = Iterator[tuple[str, str]]


def _texts() -> Cases:
    for operator, right in (
        ("=", "r1"), ("==", "r1"), ("is", "r2"), ("!=", "r1"), ("not", "r1"), ("is_set", None),
        ("is_not_set", None), ("regexp", "^r[12]$"), ("regexp", "1|3"), ("regexp", "(?i)R2"),
    ):  # fmt: skip
        yield f"rack {operator} {right}", _job(rule("${meta.rack}", operator, right))
    for operator in ("=", "!=", "is_set", "is_not_set", "<", "regexp", "version", "set_contains"):
        right = None if operator.startswith("is_") else "1.0"
        yield f"nothing {operator}", _job(rule("${attr.nope}", operator, right))


def _orders() -> Cases:
    for operator in ("<", "<=", ">", ">="):
        for right in ("9", "10", "9.5", "nine", "+9"):
            yield f"size {operator} {right}", _job(rule("${meta.size}", operator, right))
        yield f"ratio {operator} 10", _job(in_group=rule("${meta.ratio}", operator, "10"))


def _versions() -> Cases:
    for right in (
        ">= 1.9", ">= 1.9.3-beta", "= 2.0.0", ">= 1.2, < 2", "> 1.9.3-beta.1", "!= 1.10.0", "< 3",
        "2", "<= 1.9.3",
    ):  # fmt: skip
        for operator in ("version", "semver"):
            yield f"{operator} {right}", _job(in_task=rule("${meta.version}", operator, right))
    for right in ("~> 1.9", "~> 1.9.3-beta.1", "~> 1"):
        yield f"version {right}", _job(in_task=rule("${meta.version}", "version", right))


def _sets() -> Cases:
    for operator in ("set_contains", "set_contains_all", "set_contains_any"):
        for right in ("a", "a,b", "b ,c", "z", "a,z"):
            yield f"{operator} {right}", _job(in_group=rule("${meta.tags}", operator, right))


def _sides() -> Cases:
    for left, right in (
        ("${node.unique.name}", "worker-2"), ("${node.class}", "big"), ("${node.pool}", "gpu"),
        ("${node.datacenter}", "dc2"), ("${attr.kernel.name}", "linux"),
        ("worker-1", "${node.unique.name}"), ("${meta.rack}", "${meta.rack}"), ("one", "one"),
        ("${attr.unique.hostname}", "${attr.unique.hostname}"), ("${meta.size}", "${meta.ratio}"),
    ):  # fmt: skip
        yield f"{left} = {right}", _job(rule(left, "=", right))


def _distinct() -> Cases:
    hosts = rule("", "distinct_hosts", "true")
    yield "distinct hosts 3", _job(in_group=hosts, count=3)
    yield "distinct hosts 5", _job(hosts, count=5)
    yield "distinct hosts off", _job(rule("", "distinct_hosts", "false"), count=5)
    for count in (2, 3, 4):
        racks = rule("${meta.rack}", "distinct_property")
        yield f"distinct racks {count}", _job(in_group=racks, count=count)
        two = rule("${meta.rack}", "distinct_property", "2")
        yield f"two a rack {2 * count}", _job(two, count=2 * count)
    yield "distinct nothing", _job(rule("${meta.nope}", "distinct_property"))


def _nodes() -> Cases:
    for places in ('["nowhere"]', '["*1"]', '["e*-*"]', '["*"]', '["dc2", "d*1"]'):
        yield f"datacenters {places}", _job(datacenters=places)
    for pool in ("default", "gpu", "all"):
        yield f"pool {pool}", _job(pool=pool)
    yield "raw_exec", _job(driver="raw_exec", config='command = "/bin/true"')
    for driver in ("docker", "podman"):
        yield driver, _job(driver=driver, config='image = "nothing"')
    yield "affinity", _job(rule("${meta.rack}", "=", "zz", word="affinity", weight=100))
    yield "spread", _job(in_group=block("spread", ['attribute = "${node.datacenter}"']), count=4)
    yield "as many as worker-4 takes", _job(ON_4, count=3)
    yield "more than worker-4 takes", _job(ON_4, count=4)


def _amounts() -> Cases:
    for memory in (412, 512, 513, 900, 901, 1000, 1001, 1500, 1501, 1599, 1600, 1601, 1901):
        yield f"memory {memory}", _job(resources=f"cpu = 10\nmemory = {memory}")
    for cpu in (1899, 1900, 1901, 2000, 2001, 2449, 2450, 2451):
        yield f"cpu {cpu}", _job(resources=f"cpu = {cpu}\nmemory = 10")
    for disk in (3879, 3880, 3881, 3899, 3900, 3901, 4000, 4001):
        yield f"disk {disk}", _job(disk=disk)
    yield "memory_max", _job(resources="cpu = 10\nmemory = 100\nmemory_max = 9000")
    for cores in (1, 2, 3):
        yield f"cores {cores}", _job(resources=f"cores = {cores}\nmemory = 10")
    yield "cores, six times", _job(resources="cores = 1\nmemory = 10", count=6)
    for count in (8, 15, 22, 23, 24, 30):
        yield f"150 MiB, {count} times", _job(resources="cpu = 10\nmemory = 150", count=count)
    for secrets in (100, 101):
        resources = f"cpu = 10\nmemory = 1500\nsecrets = {secrets}"
        yield f"secrets {secrets}", _job(resources=resources)


def _ports() -> Cases:
    for value in (22, 80, 8005, 9000, 7000, 30001):
        yield f"port {value}", _job(in_group=network(port("p", value)))
    for count in (7, 8, 9):
        yield f"port 81, {count} times", _job(in_group=network(port("p", 81)), count=count)
    shared = port("p", 22, extra="ignore_collision = true")
    yield "port shared", _job(in_group=network(shared, mode="host"))
    for name in ("public", "default", "nope", "${node.class}"):
        yield f"host network {name}", _job(in_group=network(port("p", None, name)))
        yield f"port 7000 of {name}", _job(in_group=network(port("p", 7000, name)))
    for number in (1, 2, 3, 4):
        many = network(*(port(f"p{index}") for index in range(number)))
        yield f"{number} dynamic ports", _job(ON_2, in_group=many)
    for count in (3, 4, 5):
        yield f"dynamic, {count} times", _job(ON_2, in_group=network(port("p")), count=count)
    for mode in ("bridge", "host", "none", "cni/nope"):
        yield f"{mode} mode", _job(in_group=network(mode=mode))


def _volumes() -> Cases:
    for name, more in (("writing", ""), ("reading", "read_only = true")):
        lines = ['type = "host"', 'source = "data"', more]
        yield f"volume for {name}", _job(in_group=block('volume "v"', lines))
    nowhere = ['type = "host"', 'source = "nope"']
    yield "no such volume", _job(in_group=block('volume "v"', nowhere))
    each = ['type = "host"', 'source = "data"', "per_alloc = true"]
    yield "a volume each", _job(in_group=block('volume "v"', each))
    device = "cpu = 10\nmemory = 10\n" + block('device "nvidia/gpu"')
    yield "a device", _job(resources=device)


def _implied() -> Cases:
    consul = block("service", ['name = "x"', 'provider = "consul"'])
    yield "service in Consul", _job(in_group=consul)
    native = block("service", ['name = "x"', 'provider = "nomad"', 'port = "p"'])
    yield "service in Nomad", _job(in_group=network(port("p")) + native)
    for signal in ("SIGUSR1", "SIGNOPE"):
        yield f"kill signal {signal}", _job(in_task=f'kill_signal = "{signal}"')
    lines = ['data = "x"', 'destination = "local/x"', 'change_mode = "signal"']
    template = block("template", [*lines, 'change_signal = "sighup"'])
    yield "template with a signal", _job(in_task=template)
    for provider in ("nomad", "nope"):
        secret = block('secret "s"', [f'provider = "{provider}"', 'path = "x"'])
        yield f"secret of {provider}", _job(in_task=secret)


def _lifecycles() -> Cases:
    for hook, sidecar in (
        ("prestart", False), ("prestart", True), ("poststart", False), ("poststop", False),
    ):  # fmt: skip
        lines = [f'hook = "{hook}"', *(["sidecar = true"] if sidecar else [])]
        for memory in (512, 1500, 1501, 1600, 1601):
            beside = task(
                "beside", resources=f"cpu = 10\nmemory = {memory}", more=block("lifecycle", lines)
            )
            both = task(resources="cpu = 10\nmemory = 100") + beside
            yield f"{hook} {sidecar} {memory}", job(group(tasks=both))


def _groups() -> Cases:
    def two(first: int, second: int, more: str = "") -> str:
        made = [task(resources=f"cpu = 10\nmemory = {size}") for size in (first, second)]
        return job(group("one", tasks=made[0]) + group("two", tasks=made[1]), more=more)

    yield "two groups", two(100, 100)
    yield "two groups, together just so", two(500, 400, ON_2)
    yield "two groups, together not", two(500, 401, ON_2)
    yield "two groups, one nowhere", two(100, 9000)
    yield "no instance", _job(count=0)


def _kinds() -> Cases:
    for kind in ("system", "sysbatch", "batch"):
        yield kind, _job(kind=kind)
        yield f"{kind} nowhere", _job(rule("${meta.rack}", "=", "zz"), kind=kind)
        yield f"{kind} in no datacenter", _job(kind=kind, datacenters='["none"]')
        for memory in (600, 1700):
            yield f"{kind} of {memory}", _job(kind=kind, resources=f"cpu = 10\nmemory = {memory}")
        yield f"{kind} port 9000", _job(kind=kind, in_group=network(port("p", 9000)))
    yield "parameterized", _job("parameterized {}", kind="batch")
    yield "periodic", _job(block("periodic", ['crons = ["0 0 * * *"]']), kind="batch")
