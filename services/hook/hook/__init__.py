"""The hook server: the git repository of a cluster, where a push deploys."""
