"""The kick server: the one holder of DNS rights, which workloads and people ask over HTTP."""
