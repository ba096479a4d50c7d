"""Services and routes that a job's tags promise."""

from __future__ import annotations

from typing import Any

from toolkit.rollout.declared import routes, services


def job(*services_: dict[str, Any], **more: Any) -> dict[str, Any]:
    group = {"Name": "web", "Count": 2, "Services": list(services_), "Tasks": []}
    return {"ID": "shop", "Name": "shop", "TaskGroups": [{**group, **more}]}


def test_no_route_without_enable() -> None:
    tags = ["traefik.http.routers.web.rule=Host(`a.example`)"]
    assert routes("web", tags) == ()
    assert routes("web", ["traefik.enable=false", *tags]) == ()


def test_names_rule_host_path_and_entry_points() -> None:
    tags = [
        "traefik.enable=true",
        "traefik.http.routers.Web-1a.rule=Host(`a.example`, `b.example`) && PathPrefix(`/shop`)",
        "traefik.http.routers.Web-1a.entryPoints=public, private",
        "traefik.http.routers.Web-1a.service=Web-1a",
        "traefik.http.services.Web-1a.loadbalancer.server.scheme=http",
        "version=1.0.0",
    ]
    (route,) = routes("web", tags)
    assert (route.router, route.service) == ("Web-1a", "Web-1a")
    assert (route.host, route.path) == ("a.example", "/shop")
    assert route.entry_points == ("public", "private")


def test_the_only_service_is_the_routers_without_being_named() -> None:
    tags = ["traefik.enable=true", "traefik.http.routers.r.rule=Host(`a`)",
            "traefik.http.services.s.loadbalancer.server.scheme=http"]  # fmt: skip
    assert routes("web", tags)[0].service == "s"


def test_without_any_router_traefik_makes_one_of_the_service_name() -> None:
    (route,) = routes("my_web.svc", ["traefik.enable=true"])
    assert route.service == "my-web-svc"
    assert route.host is None


def test_group_and_task_services_of_consul_only() -> None:
    made = job(
        {"Name": "${JOB}-${TASKGROUP}", "PortLabel": "http", "Checks": [{"Type": "http"}]},
        {"Name": "native", "Provider": "nomad"},
        Tasks=[{"Name": "app", "Services": [{"Name": "${TASK}-metrics", "Provider": "consul"}]}],
    )
    found = services(made)
    assert [(s.name, s.task, s.checked) for s in found] == [
        ("shop-web", None, True),
        ("app-metrics", "app", False),
    ]


def test_meta_in_names_and_tags_is_filled_in() -> None:
    made = job(
        {"Name": "web", "Tags": ["version=${NOMAD_META_release}", "x=${node.class}"]},
        Meta={"release": "1.2.0"},
    )
    assert services(made)[0].tags == ("version=1.2.0", "x=${node.class}")
