"""Start-up: help and version are answered from a generated page, before anything is imported."""

import sys

from toolkit import VERSION

HELP_OPTIONS = ("-h", "--help")


def main() -> int:
    """Run the program with the process's arguments; the exit code."""
    arguments = sys.argv[1:]
    text = fast_answer(arguments)
    if text is not None:
        return say(text)
    try:
        if arguments in (["_jobs"], ["_environments"], ["_repos"]):
            from toolkit.cli.names import names

            return say(names(arguments[0]))
        _end_as_on_ctrl_c()
        from toolkit.cli.main import run
        from toolkit.cli.world import World

        return finish(run(World.of_process(arguments)))
    except KeyboardInterrupt:
        return 130


def _end_as_on_ctrl_c() -> None:
    """Let whoever ends the process, such as a cancelled CI job, be answered as Ctrl-C is.

    Locks are freed then, and what goes on without us is said. Who ignores it (nohup) means it.
    """
    import signal

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def fast_answer(arguments: list[str]) -> str | None:
    """The text that the arguments ask for, if it is help or the version; else None."""
    if arguments == ["--version"]:
        return f"toolkit {VERSION}\n"
    if not arguments or arguments == ["help"]:
        path = ""
    elif arguments[-1] in HELP_OPTIONS:
        path = " ".join(arguments[:-1])
    elif arguments[0] == "help":
        path = " ".join(arguments[1:])
    else:
        path = " ".join(arguments)
        if path not in ("dev", "secret"):
            return None
    from toolkit._help import HELP

    return HELP.get(path)


def say(text: str) -> int:
    """Write to stdout; a reader that went away is nobody's error."""
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        return finish(0)
    return finish(0)


def finish(code: int) -> int:
    """Flush what is left, so that a reader that went away is not reported at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            import os

            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return code


if __name__ == "__main__":
    sys.exit(main())
