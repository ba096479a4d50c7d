"""What our change sets and requests are called, and what is known to be ours by that."""

from __future__ import annotations

import hashlib
import json

from toolkit.clients.aws.stacks import Stacks
from toolkit.spec.cloudformation import StackView
from toolkit.spec.cluster_template import Template

OURS = "toolkit-"
"""Begins the name of every change set that we make."""
_DIGITS = 16


def change_set_name(template: Template, stack: StackView | None) -> str:
    """The same for the same change of the same stack as it stands, and for nothing else.

    So a run that was killed finds the change set that it made, and one that is found under this
    name is of no earlier file and no earlier state.
    """
    state = None if stack is None else (stack.id, stack.status, str(stack.updated))
    parts = [template.body, sorted(template.tags.items()), state]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return f"{OURS}up-{digest[:_DIGITS]}"


def execute_token(change_set_id: str) -> str:
    """One change set is executed once, by whichever run, under one token."""
    digest = hashlib.sha256(change_set_id.encode()).hexdigest()
    return f"{OURS}{digest[:32]}"


def is_our_draft(stacks: Stacks, stack: StackView) -> bool:
    """Whether an empty stack is there because of change sets of ours alone; one call, or none.

    Tags are the change set's until it is executed.
    """
    if stack.status != "REVIEW_IN_PROGRESS" or stack.tags:
        return False
    names = [each.name for each in stacks.change_sets(stack.name)]
    return bool(names) and all(name.startswith(OURS) for name in names)
