"""Scripts of a repository, run on the server as somebody who may do nothing there.

::

    scripts.Scripts.run_hooks   which script, what it is told, what becomes of its end
    view.make_view              a small repository with the pushed commits, the script's own
    box.Box                     a private folder and an account of its own for one run
    launcher                    a process of its own: limits, another user, no more than its folder
                                to write to; ends with the last of the script's processes

Nothing here decides whether a push is accepted but the script's own exit code.
"""

from hook.sandbox.scripts import Scripts

__all__ = ["Scripts"]
