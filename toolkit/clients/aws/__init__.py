"""Every call to AWS; nothing above knows boto3."""
