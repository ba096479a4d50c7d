"""A cluster in AWS: what its file leads to, as values that workflows hand to clients.

Nothing here calls an API: a template, a machine's files and a secret's name are computed, and what
is done with them is a workflow's.
"""
