"""From a token to a verified caller, for every server of ours.

::

    header     Authorization, X-Nomad-Token  -> Credential    which of the two kinds of token it is
    compact    a JWT's text                  -> Compact       its shape, nothing believed yet
    keys       Nomad's JSON Web Key          -> Key           with the one algorithm it is good for
    keyring    a key's id                    -> Key           cached, refetched now and then
    workload   Compact, Key, the time        -> Workload      pure: signature, audience, times, claims
    alive      Workload                      -> Workload      its allocation exists, is its job's, runs
    person     an ACL token                  -> Person        as Nomad itself describes its holder
    verify     both headers                  -> Caller        ties them

Whoever cannot be verified is an IdentityError whose `reason` is a key of `reasons.REASONS`; when
Nomad cannot be asked, and what it said before is too old, an ApiError: nobody is let in then.
No token, nor a part of one, is kept, logged or repeated in an error.
"""
