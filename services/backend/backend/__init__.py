"""The demonstration backend: JSON that says which release answers, from which allocation.

`python -m backend` runs it; `backend.settings` lists the environment variables it reads.
"""
