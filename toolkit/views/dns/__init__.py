"""What `toolkit dns` found and did, as text and as documents."""
