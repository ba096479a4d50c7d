"""`toolkit cluster`: a cluster in AWS, from its file to its end, and its rehearsal.

init      name, region       -> report         writes clusters/NAME.toml
files     project, name      -> ClusterFile    read whole, every mistake at once
"""
