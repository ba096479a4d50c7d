"""What the user types: commands, options, output, and the one map from errors to exit codes.

`catalog` names every command without importing it; `lazy` imports one when it is called; a command
takes a `Call`, calls one workflow and shows its report through a view. Nothing here decides
anything about a rollout, and nothing below this room prints.
"""
