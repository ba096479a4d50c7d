"""What `toolkit cluster` found and did, as text and as documents."""
