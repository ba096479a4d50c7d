"""Local agents: a real Consul and a real Nomad on this machine's loopback.

::

    find       given -> cache -> PATH -> build        AgentName  -> Binary
    ports      which process has a port                AgentPorts -> nothing, or PortTakenError
    configure  what each agent is told: pure           Setup      -> configuration, environment
    start      one process, recorded as it starts      Setup      -> AgentProcess
    stop       processes, what they left, mounts       Layout     -> nothing is left
    state      .toolkit/dev/state.json                 AgentState <-> file

No HTTP here: waiting until the agents are ready and handing out ACL tokens is `workflows.dev`'s.
Every process that is started here carries `TOOLKIT_DEV_DIR` in its environment, and Nomad hands
it on to tasks, so that all of them are found again even when the state file is lost.
"""
