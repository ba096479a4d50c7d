"""From a token to a verified caller, for every server of ours.

::

    header     Authorization, X-Nomad-Token  -> Credential   which of the two kinds of token it is
    compact    the text of a JWT             -> Compact      its shape; nothing is believed yet
    keys       a JSON Web Key of Nomad's     -> Key          and the one algorithm it is good for
    keyring    a key's id                    -> Key          cached, read again now and then
    workload   Compact, Key and the time     -> Workload     pure: signature, audience, time, claims
    alive      Workload                      -> None         its allocation is its job's, and lives
    person     an ACL token                  -> Person       as Nomad itself describes its holder
    verify     both headers                  -> Caller       ties them

Whoever cannot be verified is an IdentityError whose `reason` is a key of `reasons.REASONS`; when
Nomad cannot be asked, and what it said before is too old, an ApiError: nobody is let in then.
No token, nor a part of one, is kept, logged or repeated in an error.
"""
