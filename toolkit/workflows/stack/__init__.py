"""A stack: the jobs of `[stack] jobs`, each deployed as it is alone, in the order of their needs.

::

    order.arrange      -> (StackJob, …)  pure: who waits for whom; circles and wrong gates refused
    prepare.prepare    -> (Prepared, …)  every job rendered and planned; nothing is changed
    board.Board                          pure: whose turn it is, under a limit
    perform.perform    -> results        a thread and a session a turn; events on the caller's
    turn.forward       -> DeployReport | WorkReport   one job's turn: what `deploy` or `run` does
    restore.restore                      with `atomic`: back to the versions before the start
    record                               the versions at which all of it was verified

`deploy.deploy_all`, `look.plan_all`, `look.verify_all` and `rollback.rollback_all` are these in
different numbers. Nothing here registers, watches or judges a job by itself.
"""
