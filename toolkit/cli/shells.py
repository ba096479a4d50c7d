"""Completion scripts for bash, zsh and fish, made from the catalog and the commands' options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from toolkit.cli import catalog
from toolkit.cli.lazy import build, build_group


class Option(NamedTuple):
    """One option of a command."""

    names: tuple[str, ...]
    takes_value: bool
    help: str


class Word(NamedTuple):
    """One command or group, with what can follow it."""

    path: str
    summary: str
    options: tuple[Option, ...]
    takes_job: bool
    takes_repo: bool = False


FILES = ("--var-file", "--out", "-o", "--nomad-bin", "--consul-bin", "--traefik-bin")
"""Options that take the path of a file."""

HELP = Option(("-h", "--help"), False, "Show this message and exit.")


def words() -> tuple[Word, ...]:
    """Every command of the catalog; imports them all, once, when a script is printed."""
    return tuple(_word(entry) for entry in catalog.COMMANDS)


def _word(entry: catalog.Entry) -> Word:
    command: Any = build(entry) if entry.target else build_group(entry)
    named = [p for p in command.params if p.param_type_name == "option"]
    jobs = any(p.name in {"job", "jobs", "what"} for p in command.params)
    options = tuple(
        Option((*p.opts, *p.secondary_opts), not p.is_flag, p.help or "") for p in named
    )
    repos = any(p.name == "repo" for p in command.params) and entry.name != "repo create"
    return Word(entry.name, entry.summary, (*options, HELP), jobs, repos)


def bash(words: tuple[Word, ...]) -> str:
    """For bash: one function, a case for each command."""
    valued = sorted({n for w in words for o in w.options if o.takes_value for n in o.names})
    cases = "\n".join(
        f'    "{word.path}") options="{" ".join(n for o in word.options for n in o.names)}"'
        f' more="{_more(word)}" ;;'
        for word in words
    )
    groups = "|".join(f'"{name}"' for name in _groups())
    return f"""\
# bash completion of toolkit: eval "$(toolkit completion bash)"
_toolkit() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="" word command="" options="" more="" i
  COMPREPLY=()
  (( COMP_CWORD > 0 )) && previous="${{COMP_WORDS[COMP_CWORD-1]}}"
  for (( i = 1; i < COMP_CWORD; i++ )); do
    word="${{COMP_WORDS[i]}}"
    case "$word" in
      -*) continue ;;
    esac
    case "$command" in
      "") command="$word" ;;
      {groups}) command="$command $word" ;;
      *) break ;;
    esac
  done
  case "$command" in
    "") options="-h --help --version" more="{_names("")}" ;;
{cases}
  esac
  case "$previous" in
    -e|--env)
      more="$(toolkit _environments 2>/dev/null)"
      COMPREPLY=( $(compgen -W "$more" -- "$current") )
      return ;;
    {"|".join(FILES)}) COMPREPLY=( $(compgen -f -- "$current") ); return ;;
    {"|".join(valued)}) return ;;
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=( $(compgen -W "$options" -- "$current") )
  elif [[ "$more" == "<job>" ]]; then
    more="$(toolkit _jobs 2>/dev/null)"
    COMPREPLY=( $(compgen -W "$more" -- "$current") $(compgen -f -X '!*.hcl' -- "$current") )
  elif [[ "$more" == "<repo>" ]]; then
    more="$(toolkit _repos 2>/dev/null)"
    COMPREPLY=( $(compgen -W "$more" -- "$current") )
  elif [[ -n "$more" ]]; then
    COMPREPLY=( $(compgen -W "$more" -- "$current") )
  fi
}}
complete -F _toolkit toolkit
"""


def _more(word: Word) -> str:
    """Words that can follow a command: its subcommands, its shells, or names of the user's."""
    if word.path == "completion":
        return "bash zsh fish"
    if word.path == "help":
        return _names("")
    if word.path == "dev logs":
        return "consul nomad"
    if word.takes_repo:
        return "<repo>"
    return _names(word.path) or ("<job>" if word.takes_job else "")


def _groups() -> list[str]:
    """Commands that are followed by another command: `dev`, `cluster rehearse`."""
    return [entry.name for entry in catalog.COMMANDS if not entry.target]


def _names(prefix: str) -> str:
    return " ".join(entry.name.split()[-1] for entry in catalog.children(prefix))


def zsh(words: tuple[Word, ...]) -> str:
    """For zsh: `_describe` for commands, `_arguments` for options."""
    cases = "\n".join(_zsh_case(word) for word in words if catalog.BY_NAME[word.path].target)
    groups = "|".join(f'"{name}"' for name in _groups())
    lists = "\n".join(
        f'        "{name}")\n          choices=({_zsh_described(name)})\n'
        f"          _describe -t commands '{name} command' choices ;;"
        for name in _groups()
    )
    return f"""\
#compdef toolkit
# zsh completion of toolkit: toolkit completion zsh > a folder of $fpath, as _toolkit
_toolkit_jobs() {{
  local -a names
  names=(${{(f)"$(toolkit _jobs 2>/dev/null)"}})
  _describe -t jobs job names
  _files -g '*.hcl'
}}
_toolkit_repos() {{
  local -a names
  names=(${{(f)"$(toolkit _repos 2>/dev/null)"}})
  _describe -t repos repository names
}}
_toolkit_environments() {{
  local -a names
  names=(${{(f)"$(toolkit _environments 2>/dev/null)"}})
  _describe -t environments environment names
}}
_toolkit() {{
  local -a choices
  local command="${{words[2]}}"
  if (( CURRENT == 2 )); then
    choices=({_zsh_described("")})
    _describe -t commands 'toolkit command' choices
    return
  fi
  # A group may be in a group; in each its own name is taken for the first word of the rest.
  while [[ "$command" == ({groups}) ]]; do
    if (( CURRENT == 3 )); then
      case "$command" in
{lists}
      esac
      return
    fi
    command="$command ${{words[3]}}"
    shift words
    (( CURRENT-- ))
  done
  shift words
  (( CURRENT-- ))
  case "$command" in
{cases}
  esac
}}
if [ "$funcstack[1]" = "_toolkit" ]; then
  _toolkit "$@"
else
  compdef _toolkit toolkit
fi
"""


def _zsh_case(word: Word) -> str:
    specs = []
    for option in word.options:
        text = _zsh_quote(option.help)
        action = _zsh_action(option) if option.takes_value else ""
        specs += [f"'*{name}[{text}]{action}'" for name in option.names]
    more = _more(word)
    if more == "<job>":
        specs.append("'*:job:_toolkit_jobs'")
    elif more == "<repo>":
        specs.append("'*:repository:_toolkit_repos'")
    elif more:
        specs.append(f"'*:word:({more})'")
    return f'    "{word.path}")\n      _arguments {" ".join(specs)} ;;'


def _zsh_action(option: Option) -> str:
    if "--env" in option.names:
        return ":environment:_toolkit_environments"
    return ":file:_files" if _wants_file(option) else ":value:"


def _zsh_described(prefix: str) -> str:
    return " ".join(
        f"'{entry.name.split()[-1]}:{_zsh_quote(entry.summary)}'"
        for entry in catalog.children(prefix)
    )


def _zsh_quote(text: str) -> str:
    plain = text.replace("'", "'\\''")
    for special in ":[]":
        plain = plain.replace(special, "\\" + special)
    return plain


FISH = """\
# fish completion of toolkit:
# toolkit completion fish > ~/.config/fish/completions/toolkit.fish
function __toolkit_words
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; or echo $word
    end
end
function __toolkit_at # true after these words and perhaps more
    set -l words (__toolkit_words)
    string match -q -- "$argv *" "$words "
end
function __toolkit_after # true after exactly these words
    set -l words (__toolkit_words)
    test "$words" = "$argv"
end
complete -c toolkit -f
complete -c toolkit -n __toolkit_after -l version -d 'Print the version.'
"""


def fish(words: tuple[Word, ...]) -> str:
    """For fish: a line for each command and each option."""
    lines = []
    for word in words:
        parent, _, name = word.path.rpartition(" ")
        after = f"__toolkit_after {parent}".strip()
        lines.append(f"complete -c toolkit -n '{after}' -a {name} -d '{_fish_quote(word.summary)}'")
        lines += _fish_word(word)
    return FISH + "\n".join(lines) + "\n"


def _fish_word(word: Word) -> list[str]:
    seen = f"__toolkit_at {word.path}"
    lines = []
    for option in word.options:
        flags = " ".join(
            f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
        )
        value = ""
        if "--env" in option.names:
            value = " -x -a '(toolkit _environments 2>/dev/null)'"
        elif option.takes_value:
            value = " -r -F" if _wants_file(option) else " -x"
        lines.append(
            f"complete -c toolkit -n '{seen}' {flags}{value} -d '{_fish_quote(option.help)}'"
        )
    more = _more(word)
    if more == "<job>":
        lines.append(f"complete -c toolkit -n '{seen}' -a '(toolkit _jobs 2>/dev/null)'")
    elif more == "<repo>":
        lines.append(f"complete -c toolkit -n '{seen}' -a '(toolkit _repos 2>/dev/null)'")
    elif more and catalog.BY_NAME[word.path].target:
        lines.append(f"complete -c toolkit -n '{seen}' -a '{more}'")
    return lines


def _fish_quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _wants_file(option: Option) -> bool:
    return not {*FILES}.isdisjoint(option.names)


SCRIPTS: dict[str, Callable[[tuple[Word, ...]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
