"""From a token to a verified caller, for every server of ours."""
