"""Git over HTTP: three routes of the smart protocol, and archives of commits.

::

    routes   -> which URLs there are; who asks, whether they may, then one of
    fetch    -> `git upload-pack`: the advertisement, and what a clone asks for
    push     -> `git receive-pack`: the advertisement, and the pack, behind the gate
    archives -> a commit as tar.gz, made once, with its checksum

    process  -> one git: started with list arguments, limited, drained, ended as a group
    body     -> a request's body: bounded, unpacked, in time
    packets  -> pkt-lines: what is told to a git client in words it shows

A name in a URL is looked up in the registry and never joined to a path. Whoever is refused is
refused before any file is touched; what a push may do beyond arriving is the gate's.
"""
