"""What a changed file means while somebody develops: the stages of `toolkit dev watch`.

::

    notice    a file changed        -> which jobs it may concern; no file is read
    settle    changes in a row      -> one piece of news, once they pause; pure
    index     the watched files     -> what they hold, as a digest
    release   a digest              -> the release that is deployed; pure
    build     the job file's command, in a process group of its own

An event is only a reason to look. What changed is what the digest says, so that a touched file, an
editor's temporary one and a checkout back and forth change nothing. Talks to no API and prints
nothing; `toolkit/workflows/dev_watch` orders the stages.
"""
