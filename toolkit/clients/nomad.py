"""The client of Nomad's HTTP API: only the calls that we use.

Every method raises `ApiError` and nothing else; which child says what is wrong is decided in
`errors_map`. Reads are tried again for a moment when the connection fails; writes never are.
"""

from __future__ import annotations

from toolkit.clients.nomad_everywhere import NomadEverywhere
from toolkit.clients.nomad_files import NomadFiles
from toolkit.clients.nomad_health import NomadHealth
from toolkit.clients.nomad_identity import NomadIdentity
from toolkit.clients.nomad_jobs import NomadJobs
from toolkit.clients.nomad_locks import NomadLocks
from toolkit.clients.nomad_look import NomadLook
from toolkit.clients.nomad_raft import NomadRaft
from toolkit.clients.nomad_state import NomadState
from toolkit.clients.nomad_work import NomadWork


class Nomad(
    NomadJobs,
    NomadWork,
    NomadFiles,
    NomadLook,
    NomadState,
    NomadHealth,
    NomadLocks,
    NomadIdentity,
    NomadRaft,
    NomadEverywhere,
):
    """One connection to one Nomad in one namespace; `clone()` it for another thread."""
