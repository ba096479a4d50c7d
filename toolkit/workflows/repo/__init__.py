"""`toolkit repo`: repositories of the hook server, and the deployments that pushes to them made.

    find         Session            -> HookServer   the server, and that it is the job's
    create       name               -> report       made, or there already; git told who we are
    looking      HookServer         -> report       list, show, url
    deployments  HookServer         -> report       log, redeploy, rollback, resume
    delete       name               -> report       to the server's trash
    credential   git's question     -> git's answer a token for the one server, for nobody else

Nothing here decides who may do what: the server does, by the caller's token and its hook.toml.
"""
