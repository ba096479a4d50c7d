"""The demonstration frontend: a page with its own release and that of a backend found in Consul.

`python -m frontend` runs it; `frontend.settings` lists the environment variables it reads.
"""
