"""Git over HTTP: three routes of the smart protocol, and archives of commits.

::

    routes    which URLs there are, and who may: then one of
    services  what is told before, `git upload-pack` and, behind the gate, `git receive-pack`
    archives  a commit as tar.gz, made once, with its checksum

    head      the beginning of a push, judged before any git is started
    body      a request's body: bounded, unpacked, in time
    process   one git: started with list arguments, limited, drained, ended as a group
    exchange  a body into git and its output to the client, both at once
    places    how much goes on at once, of all and of each
    packets, telling  what is refused, in words that a git client shows

A name in a URL is looked up in the registry and never joined to a path. Whoever is refused is
refused before any file is touched; what a push may do beyond arriving is the gate's.
"""
