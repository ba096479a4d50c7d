"""How the cluster itself is: judgements on what was seen of it, pure.

- `look`        what was asked for, or why it could not be seen
- `facts`       answers of Nomad, Consul and Traefik read into values
- `versions`, `bugs`    which versions are supported, and what is known to be wrong with them
- `servers`, `nodes`, `bridge`, `clocks`, `edge`, `instances`, `tls`, `local`   a subject a file
- `policy`, `rights`    what our tokens may, command by command

A judge takes looks and gives one `Check`. It says `failed` only of what it saw, and `could not
tell` of what it did not: a token without a right looks just like an empty cluster.
"""
