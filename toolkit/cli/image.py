"""`toolkit image build | push`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import RELEASE, TALK, VALUES, Env, Job, takes
from toolkit.errors import ExitCode


@takes({"environment": (Env, None)}, VALUES, RELEASE, TALK)
def build(call: Call, job: Job) -> ExitCode:
    """From services/JOB, or where [image] in its job file says, by Docker's own tool.

    The release is the tag; in an environment with a registry its name comes before it.
    """
    from toolkit.views import image as view
    from toolkit.workflows.image.build import Telling, build_image

    report = build_image(
        call.settings(), job, environ=call.world.environ, telling=Telling(call.on_event)
    )
    return call.show(view, report)


@takes({"environment": (Env, None)}, VALUES, RELEASE, TALK)
def push(call: Call, job: Job) -> ExitCode:
    """To the `registry` of the environment; prints the digest that a deploy will register.

    A release that is another image there already is refused. In ECR the repository is made where
    there is none, scanned and with immutable tags; elsewhere `registry_user` and
    TOOLKIT_REGISTRY_PASSWORD log in, or Docker's own logins do.
    """
    from toolkit.views import image as view
    from toolkit.workflows.image.build import Telling
    from toolkit.workflows.image.push import push_image

    report = push_image(
        call.settings(), job, environ=call.world.environ, telling=Telling(call.on_event)
    )
    return call.show(view, report)
