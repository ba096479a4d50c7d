"""A Typer group that knows its commands from the catalog and imports one only to run it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from toolkit.cli import catalog
from toolkit.cli.call import Call
from toolkit.cli.options import BUNDLES
from toolkit.cli.world import World
from toolkit.errors import ExitCode, ToolkitError

# Typer's own, which it exports only as the base of BadParameter.
UsageError: Any = typer.BadParameter.__mro__[1]

SETTINGS = {"help_option_names": ["-h", "--help"], "terminal_width": 80}
"""A fixed width: help is the same text from the fast path, in a pipe and on a terminal."""


class PlainCommand(TyperCommand):
    """A command whose usage names its arguments as the documentation does: `JOB`, not `{JOB}`."""

    def collect_usage_pieces(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The pieces of the usage line."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


class LazyGroup(TyperGroup):
    """The program, or a group of commands inside it (`prefix`)."""

    prefix = ""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002
        """Names one level below, in the catalog's order."""
        return [entry.name.split()[-1] for entry in catalog.children(self.prefix)]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]  # noqa: ARG002
        """The command, imported now; None when there is none."""
        entry = catalog.BY_NAME.get(f"{self.prefix} {cmd_name}".strip())
        if entry is None:
            return None
        return build(entry) if entry.target else build_group(entry)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """Like Typer's, with the near names of a typo taken from the catalog."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], known)
            meant = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"No such command '{args[0]}'.{meant}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command; with --json a wrong command line is a JSON document too."""
        try:
            return super().invoke(ctx)
        except UsageError as exc:
            world: World = ctx.obj
            if not self.prefix and world.says("--json"):
                message = exc.format_message().rstrip(".")
                raise ToolkitError(message, code=ExitCode.USAGE) from exc
            raise

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """The summaries of the catalog, by group, without importing a command."""
        entries = catalog.children(self.prefix)
        for group in dict.fromkeys(entry.group for entry in entries):
            rows = [(e.name.split()[-1], e.summary) for e in entries if e.group == group]
            with formatter.section(group or "Commands"):
                formatter.write_dl(rows)


def build_group(entry: catalog.Entry) -> LazyGroup:
    """A group of commands inside the program, such as `dev`."""
    group = LazyGroup(
        name=entry.name,
        help=entry.summary + ".",
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings=SETTINGS,
    )
    group.prefix = entry.name
    return group


def build(entry: catalog.Entry) -> Any:
    """Import a command's module and make the Typer command of its function."""
    module, _, name = entry.target.partition(":")
    function = getattr(importlib.import_module(module), name)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(
        entry.name.split()[-1],
        cls=PlainCommand,
        help=f"{entry.summary}.\n\n{inspect.getdoc(function) or ''}",
        epilog=examples(entry),
        context_settings=SETTINGS,
    )(runner(entry, function))
    return typer.main.get_command(app)


def examples(entry: catalog.Entry) -> str | None:
    """The examples below a command's help; a backspace keeps Typer from joining the lines."""
    if not entry.examples:
        return None
    return "\n".join(("\b", "Examples:", *("  " + line for line in entry.examples)))


def runner(entry: catalog.Entry, function: Callable[..., ExitCode]) -> Callable[..., None]:
    """What Typer calls: the command's own parameters plus its shared options, as one signature."""
    bundles = getattr(function, BUNDLES, {})
    hints = get_type_hints(function, include_extras=True)
    own = [
        parameter.replace(annotation=hints[parameter.name], kind=parameter.KEYWORD_ONLY)
        for parameter in list(inspect.signature(function).parameters.values())[1:]
    ]
    shared = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
        )
        for name, (annotation, default) in bundles.items()
    ]

    def run(ctx: typer.Context, **values: Any) -> None:
        shared = {name: values.pop(name) for name in bundles}
        call = Call.of(ctx.obj, shared, values.get("job") or values.get("what"))
        try:
            code = function(call, **values)
        except KeyboardInterrupt as exc:
            named = values.get("job") or values.get("repo")
            stopped = interruption(entry.name, named, call.output.stages)
            call.retype(stopped)
            raise stopped from exc
        except ToolkitError as error:
            call.retype(error)
            raise
        finally:
            call.output.close()
        raise typer.Exit(int(code))

    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [context, *own, *shared]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


ROLLOUTS = {"deploy", "bump", "rollback", "run", "dispatch"}


def interruption(command: str, job: str | None, stages: set[str]) -> ToolkitError:
    """Ctrl-C: what goes on without us, as far as we know, and how to watch it again."""
    code = ExitCode.INTERRUPTED
    if job is None and command in ROLLOUTS:
        return ToolkitError(
            "interrupted; what the stack had registered goes on in Nomad without us",
            hint=f"toolkit {command} --all goes on with what is left",
            code=code,
        )
    if command == "stop" and "submit" in stages:
        message = f"interrupted; {job} is stopped in Nomad, and its instances end without us"
        return ToolkitError(message, hint=f"toolkit status {job} shows what is left", code=code)
    if command == "restart" and "step" in stages:
        message = "interrupted; the instance said last comes back without us, no other is touched"
        return ToolkitError(message, hint=f"toolkit verify {job} says whether it did", code=code)
    if command == "abort" and "fail" in stages:
        message = f"interrupted; the rollout of {job} is aborted, and Nomad ends it without us"
        return ToolkitError(message, hint=f"toolkit status {job} shows what is there", code=code)
    if command in {"run", "dispatch"} and "submit" in stages:
        message = f"interrupted; the work of {job} goes on in Nomad without us"
        hint = f"toolkit attach {job} watches it again, toolkit stop {job} ends it"
        return ToolkitError(message, hint=hint, code=code)
    # Promote and resume look at a rollout that goes on whatever they came to.
    steering = command in {"promote", "resume"} and stages > {"target"}
    if "submit" in stages or command == "attach" or steering:
        return ToolkitError(
            f"interrupted; Nomad goes on with the rollout of {job} without us",
            hint=f"toolkit attach {job} watches it again, toolkit abort {job} ends it",
            code=code,
        )
    if command in ROLLOUTS:
        return ToolkitError(
            "interrupted before Nomad confirmed a submit",
            hint=f"toolkit status {job} shows what is there",
            code=code,
        )
    if command in {"repo log", "repo redeploy", "repo rollback", "repo resume"}:
        message = "interrupted; the hook server goes on with what it was asked without us"
        return ToolkitError(message, hint=f"toolkit repo log {job} follows it again", code=code)
    if command in {"dns set", "dns delete"}:
        message = "interrupted; the kick server finishes what it was asked, if it was"
        return ToolkitError(message, hint="toolkit dns list shows what is there", code=code)
    return ToolkitError("interrupted", code=code)
