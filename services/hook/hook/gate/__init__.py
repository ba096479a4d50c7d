"""Before a ref moves, and right after it: what every push passes.

::

    Gate.admit     repo, who       -> Admitted   a push may begin; its nonce, our hooks' folder
      script       git's hook      -> ears       what git tells its hooks, over a socket of ours
      ears         nonce, lines    -> Push       who may speak: this user, one push, once a hook
      Push.before  ref lines       -> 0 or 1     refs, files, plan, own hooks, audit, intent
        checks     commit, token   -> Checked    files gathered; the rest in a child
        checking   Errand          -> Message    in that child: load, render, plan
      Push.after   ref lines       -> 0          the record, then the deployment's log
      Push.close                                 an intent whose ref did not move is dropped

Nothing of this changes a cluster. A push that is refused leaves nothing: git keeps what it brought
in quarantine until `before` has said yes.
"""
