"""Frozen values that flow between the rooms, one subject a file; no I/O, no behaviour of their own.

- `target`   where to talk to: environment, endpoints, edge
- `tree`     what is read: path -> bytes
- `jobspec`  what to deploy, validated
- `rendered` the HCL and which template line made it
- `plan`     what Nomad says will happen
- `observed` what Nomad, Consul and Traefik say is there
- `cause`    why something failed, with evidence and advice
- `chain`    allocation -> Consul instance -> Traefik server -> served release
- `report`   the outcome, printed as text or JSON; carries the exit code
- `events`   progress, said once per change
- `agents`   the local agents' state
"""
