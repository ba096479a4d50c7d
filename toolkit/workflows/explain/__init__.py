"""`toolkit explain`: how one thing in the cluster is, since when, why, and what now.

``find`` says what was meant, ``look`` reads what belongs to it, the file named after its kind
tells its story. Calls grow with the thing that was asked about, never with the cluster. What cannot
be seen is said; only what the story cannot be told without makes it fail.
"""
