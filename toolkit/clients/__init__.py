"""Every network call: Nomad, Consul, Traefik and plain HTTP. Nothing above knows their libraries.

- `nomad`, `consul`, `traefik`  one client per system, only the calls that we use
- `http`        probes of what we deployed; a failure is an answer, never an exception
- `session`     how a connection is made: TLS, proxy, timeouts, no redirects, no environment
- `retry`       which failures of a read are tried again, and for how long
- `errors_map`  the one door at which the vendors' errors become ours

No decision is taken here: what an answer means for a rollout is said in `rollout`. No client is
shared between threads: `clone()` makes one for another thread.
"""
