"""A rehearsal: the machines of a cluster file on one machine, each a set of Linux namespaces.

::

    check       what this machine lacks for it          -> reasons, before anything is made
    plan        cluster file, number of workers         -> Member values: names, addresses   (pure)
    machine     folders and programs of one member      -> files below the rehearsal's folder
    spawn       switch, operator, balancer, machines    -> processes, each with its namespaces
    state       what runs                               -> one file, and marked processes
    clear       all of it, however its maker ended      -> nothing

Every namespace is held by a process and nothing else, so that it goes when the process goes: no
name below `/run/netns`, no mount, no firewall rule and no link is ever the host's. Only cgroups are
folders in the host's tree; they are below one of the rehearsal's own and go with it.

==============  ===============================================================================
switch          a bridge in a network of its own: the VPC
operator        a SOCKS relay: listens on the host's loopback, dials from the VPC
balancer        TCP in front of Traefik, by `/ping`: stands for the load balancer
machine         a server or a worker: the boot script of its role as PID 1's only child
==============  ===============================================================================
"""
