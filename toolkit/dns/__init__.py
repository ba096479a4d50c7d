"""DNS decisions: names, policy, ownership, what is wanted and what has to change; pure."""
