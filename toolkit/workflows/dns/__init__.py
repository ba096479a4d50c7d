"""`toolkit dns`: what people ask the kick server, which alone may change DNS.

    find      Session            -> Kick           the server, and that it is the job's
    records   Kick               -> report         list, set, delete
    turns     Kick               -> report         plan, sync: the reconciler's own
    audit     Kick               -> report         what was done; its chain is verified here
    iam       kick.toml          -> report         no network

Nothing here decides who may do what: the server does, by the caller's token and its kick.toml.
"""
