"""`toolkit cluster`: a cluster in AWS, from its file to its end, and its rehearsal.

==============  ===================================================================================
`files`         the cluster file that a command names, read whole, every mistake at once
`init`          a name and a region -> a commented cluster file
`template`      the CloudFormation template of a file
`preflight`     what AWS says before anything is made; reads only
`apply`         `plan` and `up`: stack, secrets, servers, equipment
`equip`         the jobs that are a cluster's equipment, deployed and verified
`reach`         a way into a cluster: its environment's proxy, or a tunnel
`env`, `ssh`    that way for a shell; a shell on a machine
`servers`       what servers answer through it
`status`        how a cluster stands; reads only
`down`          its end
`rehearse`      the same configuration on one machine
==============  ===================================================================================
"""
