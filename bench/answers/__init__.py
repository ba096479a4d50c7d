"""`make answers`: what docs/answers.md says, measured again on this machine."""
