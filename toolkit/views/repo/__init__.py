"""Repositories and their deployments, as `toolkit repo` shows them."""
