"""Why something failed, from what was seen of it.

``gather`` asks, bounded in calls and bytes, and returns `Evidence`; ``classify`` is pure and makes
one `Cause` of one allocation and its evidence, so that recorded answers can be judged again;
``merge`` puts causes in order. ``chain`` makes causes of a broken chain. Nothing here decides what
becomes of a rollout.
"""
