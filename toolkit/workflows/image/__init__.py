"""Images: built by an engine, pushed to the environment's registry, deployed by digest.

::

    naming.named    settings, job     -> Named        what is built, and what it is called
    build           Named             -> ImageReport  [image] command, then the engine
    push            Named             -> ImageReport  look, make the repository, push, look again
    pin             JobSpec           -> JobSpec      the release's tag, by what it stands for now

The tag is the release, and the registry is where a tag's digest is kept; a job is registered with
the digest, so that Nomad's versions keep it from then on: what is rolled back to is what ran.
"""
