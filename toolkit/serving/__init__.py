"""What both servers stand on: limits, logs, problems, actions, the audit; nothing of DNS or git."""
