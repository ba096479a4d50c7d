"""Repositories of the hook server: names, rights, refs, trees, hook bundles, deployment records."""
