"""The program, and the one place where errors become a message, a hint and an exit code."""

from __future__ import annotations

import contextlib
import gc
from typing import Annotated

import typer

from toolkit.cli.lazy import SETTINGS, LazyGroup
from toolkit.cli.output import Output
from toolkit.cli.world import World
from toolkit.errors import ExitCode, ToolkitError
from toolkit.views import error as error_view

ABOUT = "Deploy to Nomad with Consul and Traefik, and prove that it got there."


def program() -> LazyGroup:
    """The Typer program; no command is imported."""
    app = typer.Typer(
        cls=LazyGroup,
        help=ABOUT,
        epilog="`toolkit help COMMAND` explains a command and gives examples.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
    )
    app.callback()(_options)
    group = typer.main.get_group(app)
    if not isinstance(group, LazyGroup):
        raise TypeError("Typer made another kind of group")
    return group


def _version(value: bool) -> None:
    if value:
        from toolkit import VERSION

        typer.echo(f"toolkit {VERSION}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_version, help="Print the version."),
    ] = False,
) -> None:
    """Options of the program itself."""


def run(world: World) -> int:
    """Run the command line of `world`; the exit code."""
    _prepare(world)
    # A tenth of a command's start went into collecting what imports had just made.
    gc.set_threshold(50_000)
    try:
        program().main(args=list(world.arguments), prog_name="toolkit", obj=world)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(bool(exc.code))
    except ToolkitError as error:
        return report(world, error)
    except BrokenPipeError:
        return ExitCode.OK
    except Exception as exc:  # noqa: BLE001  a bug of ours, whatever it is, gets one line
        return report(world, bug(exc))
    return ExitCode.OK


def bug(exc: Exception) -> ToolkitError:
    """An exception that nobody expected, as an error of the tree."""
    said = (str(exc).splitlines() or [""])[0]
    error = ToolkitError(
        f"a bug in toolkit: {type(exc).__name__}" + (f": {said}" if said else ""),
        hint="run it again with --debug and report the traceback",
        code=ExitCode.BUG,
    )
    error.__cause__ = exc
    return error


def report(world: World, error: ToolkitError) -> int:
    """Say what went wrong, once: JSON on stdout with --json, else on stderr."""
    output = Output(world, as_json=world.wants_json)
    if world.says("--debug"):
        import traceback

        for line in "".join(traceback.format_exception(error)).splitlines():
            output.alarm(line)
    if output.as_json:
        output.document(error_view.document(error))
    else:
        for line in error_view.lines(error):
            output.alarm(line)
    return int(error.code)


def _prepare(world: World) -> None:
    # A terminal that cannot show a character gets its escape, not a crash.
    for stream in (world.stdout, world.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            with contextlib.suppress(ValueError, OSError):
                reconfigure(errors="backslashreplace")
