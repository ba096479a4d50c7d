"""The stages after rendering, in the order in which a deploy passes them.

::

    plan      RenderedJob      -> Plan           Nomad's parser, validator and scheduler dry run; changes nothing
    submit    Plan             -> Submission     check index, read back; the only stage that registers a job
    watch     Submission       -> Outcome        follows allocations and deployments by blocking queries
      gate      canaries       -> GateAnswer     promotes only what Nomad, Consul, Traefik and the release agree on
      hopeless  allocations    -> Cause          pure: an allocation that can no longer become healthy
    verify    live job         -> Verification   allocation -> Consul instance -> Traefik server -> served release
    verdict   all of these     -> DeployReport   pure: one word, one exit code, the first cause

`read` turns answers into `spec.observed` values, `declared` reads what a job promises (services,
routes), `reasons` turns evidence into causes. A `World` carries the clients and the clocks; the
stages keep no state between calls and never print: progress goes through `OnEvent`.
"""  # noqa: E501
