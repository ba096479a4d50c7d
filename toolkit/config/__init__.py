"""toolkit.toml, job files, flags and the environment -> validated values; no network, no clock.

::

    settings.load_settings   flags, environ, folder -> Settings    the one reader of the environment
      project.find_project   folder -> Project                     toolkit.toml, validated
      target.resolve_target  Project, flags, variables -> Target   addresses, tokens, edge
    jobs.load_job            Project, name, Target -> JobSpec      every layer applied
    writeback.write_release  Origin, release -> a file changed     after a deploy that took

What is read comes from a tree (`tree`), never from beside it; only files that the user names with
a flag or a variable are opened as they are. Whatever is wrong is collected as `Mistake`s and raised
as one `ConfigError`. `schema` is the table of all keys: validation, documentation and tests read
it.

Values that never leave this room are named tuples: every start of a command defines them, and a
frozen dataclass takes ten times as long.
"""
