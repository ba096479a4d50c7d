"""The scripts that run on a push: kept beside a repository, in versions, never inside it.

Every command here asks the hook server of the environment; only `folder` reads this machine.
"""
