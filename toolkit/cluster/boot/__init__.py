"""How a machine becomes one of the cluster: a stub, a script per role, and what AWS carries of it.

The script is bash and the same in AWS and in a rehearsal. All that differs is in small programs
below `/opt/toolkit/bin`, which the script writes in their form for AWS only where there are none:

==================================================  ===============================================
`toolkit-machine`                                   prints `ID ZONE ADDRESS REGISTRY`
`toolkit-secret NAME`                               prints a value; exit 3 where there is none
`toolkit-signal success|failure GROUP REASON`       how the start ended
`toolkit-disk data SLOT`, `toolkit-disk ephemeral`  prints block devices; none: folders are used
`toolkit-package PROGRAM…`                          installs programs of the system
`toolkit-service start NAME confined|open COMMAND…` runs a command that stays; again: nothing
`toolkit-service reload NAME`                       lets it read its files again (SIGHUP)
`toolkit-service system NAME`                       a service that the system brings
`toolkit-service boot COMMAND…`                     what runs at each start of the machine
`toolkit-service every SECONDS NAME COMMAND…`       what runs again and again
`toolkit-metric NAME VALUE`                         a number for the cluster's alarms
==================================================  ===============================================

Metrics, of servers only, each minute, in namespace `toolkit/CLUSTER` without dimensions:
`HasLeader`, 1 while both systems have one, and `CertificateDays` of the certificate ending first.
"""

from __future__ import annotations

from toolkit.cluster.boot.script import AWS_PROGRAMS, boot_script, script_digest
from toolkit.cluster.boot.userdata import (
    BootParameter,
    boot_arguments,
    boot_parameters,
    group_id,
    user_data,
)

__all__ = [
    "AWS_PROGRAMS",
    "BootParameter",
    "boot_arguments",
    "boot_parameters",
    "boot_script",
    "group_id",
    "script_digest",
    "user_data",
]
