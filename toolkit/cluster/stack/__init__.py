"""What CloudFormation says about a cluster's stack, read: pure.

==============  ===================================================================================
`statuses`      every status of a stack: a word, an exit code, what `up` does, what to type
`changes`       a change set in words, with a warning where a server would lose what it keeps
`progress`      events of one operation: how far it is, what failed first, which servers stand
`digests`       machines that run an earlier configuration than their group's
==============  ===================================================================================
"""
