"""Nomad: jobs, from text to registration, and what can be done to a registered one."""

from __future__ import annotations

import time
from typing import Any, cast

from toolkit.clients.errors_map import shorten
from toolkit.clients.nomad_watch import NomadWatch
from toolkit.clients.page import Page
from toolkit.errors import InvalidRequestError, NotFoundError

Json = dict[str, Any]

SETTLE_SECONDS = 10.0


class NomadJobs(NomadWatch):
    """Calls about jobs; job ids may hold any character."""

    def parse(self, hcl: str, variables: str = "", *, canonicalize: bool = True) -> Json:
        """The job in `hcl` as Nomad reads it; `variables` is the text of a variable file.

        InvalidRequestError holds the parser's own text, with `input.hcl:LINE,COLUMN`.
        """
        body = {"JobHCL": hcl, "Variables": variables, "Canonicalize": canonicalize}
        return cast(
            Json, self._json("jobs", "parse", method="post", body=body, read=True, has="ID")
        )

    def validate(self, job: Json) -> Json:
        """Nomad's validation: read `ValidationErrors`, `Error` and `Warnings` of the answer.

        Each error is a line, however Nomad's lists of them are nested.
        """
        body = {"Job": job}
        answer = cast(Json, self._json("validate", "job", method="post", body=body, read=True))
        found = [shorten(str(each)) for each in answer.get("ValidationErrors") or []]
        return {**answer, "ValidationErrors": found, "Error": shorten(answer.get("Error") or "")}

    def plan(self, job: Json, *, diff: bool = True) -> Json:
        """The scheduler's dry run; changes nothing."""
        self._refuse_other_namespace(job)
        body = {"Job": job, "Diff": diff}
        return cast(
            Json,
            self._json(
                "job",
                job["ID"],
                "plan",
                method="post",
                body=body,
                read=True,
                has="JobModifyIndex",
            ),
        )

    def register(self, job: Json, *, check_index: int, submission: Json | None = None) -> Json:
        """Register `job` if its JobModifyIndex still is `check_index` (0: it must not exist).

        ConflictError when it is not. UnreachableError with `lost_reply` when the request was
        sent and no usable reply came: it may be registered, and is never sent a second time.
        """
        self._refuse_other_namespace(job)
        body: Json = {"Job": job, "EnforceIndex": True, "JobModifyIndex": check_index}
        if submission is not None:
            body["Submission"] = submission
        return cast(Json, self._json("jobs", method="post", body=body, has="JobModifyIndex"))

    def job(self, id: str) -> Json | None:  # noqa: A002 - Nomad's own word
        """The job as registered, or None."""
        try:
            return cast(Json, self._json("job", id, has="ID"))
        except NotFoundError:
            return None

    def jobs(self, prefix: str = "", *, meta: bool = False) -> list[Json]:
        """Stubs of all jobs of the namespace whose id starts with `prefix`; `meta` adds `Meta`."""
        params = {"prefix": prefix or None, "meta": "true" if meta else None}
        return cast(list[Json], self._json("jobs", kind=list, params=params))

    def jobs_page(self, *, index: int = 0, wait: float = 0.0) -> Page:
        """The same as a query that blocks: answers when a job, or the count of one, changes."""
        return self._page("jobs", index=index, wait=wait)

    def statuses(self, *, per_page: int = 500) -> list[Json]:
        """Version, counts and allocations of every job of the namespace, in brief.

        A call per `per_page` jobs. NotFoundError from a Nomad older than 1.8.
        """
        # In the order of their last change: what changes meanwhile moves to pages yet to come.
        found: dict[str, Json] = {}
        tokens = [""]
        while True:
            query = {"per_page": per_page, "reverse": "true", "next_token": tokens[-1] or None}
            response = self._ask("jobs", "statuses", params=query)
            for item in self._decode(response, list, read=True):
                found[str(item.get("ID"))] = item
            token = response.headers.get("X-Nomad-NextToken") or ""
            if not token or token in tokens:
                return list(found.values())
            tokens.append(token)

    def versions(
        self,
        id: str,  # noqa: A002 - Nomad's own word
        *,
        diffs: bool = False,
        since: int | None = None,
    ) -> list[Json]:
        """The kept versions, newest first.

        With `diffs` each has its change against the version before it as `Diff`; with `since` its
        change against that version, which must be a kept one. Empty when there is no such job.
        """
        wanted = diffs or since is not None
        try:
            answer = self._json(
                "job",
                id,
                "versions",
                params={"diffs": "true" if wanted else None, "diff_version": since},
                has="Versions",
            )
        except NotFoundError:
            return []
        versions = cast(list[Json], answer.get("Versions") or [])
        for version, diff in zip(versions, answer.get("Diffs") or [], strict=False):
            version["Diff"] = diff
        return versions

    def submission(self, id: str, version: int) -> Json | None:  # noqa: A002
        """What the version was registered from, if it was kept.

        A version registered without any shows the one of the version before it.
        """
        try:
            return cast(Json, self._json("job", id, "submission", params={"version": version}))
        except NotFoundError:
            return None

    def evaluations(self, job_id: str) -> list[Json]:
        """All evaluations of the job that Nomad still keeps."""
        return cast(list[Json], self._json("job", job_id, "evaluations", kind=list))

    def evaluate(self, job_id: str) -> Json:
        """Have the scheduler look at the job again."""
        return cast(
            Json, self._json("job", job_id, "evaluate", method="post", body={"JobID": job_id})
        )

    def revert(self, job_id: str, version: int, *, prior_version: int | None = None) -> Json:
        """Register an earlier version again; ConflictError if the job is not `prior_version`."""
        body: Json = {"JobID": job_id, "JobVersion": version}
        if prior_version is not None:
            body["EnforcePriorVersion"] = prior_version
        return cast(Json, self._json("job", job_id, "revert", method="post", body=body))

    def scale(self, job_id: str, group: str, count: int, *, message: str) -> Json:
        """Set the count of one group; `message` stays in the job's scaling events."""
        body = {"Count": count, "Target": {"Group": group}, "Message": message}
        return cast(Json, self._json("job", job_id, "scale", method="post", body=body))

    def scale_status(self, job_id: str) -> Json:
        """Wanted and running counts of each group, with scaling events."""
        return cast(Json, self._json("job", job_id, "scale"))

    def stop(self, job_id: str, *, purge: bool = False) -> Json:
        """Stop the job; `purge` then forgets it as well."""
        answer = cast(Json, self._json("job", job_id, method="delete"))
        if not purge:
            return answer
        self._settle(job_id)
        return cast(Json, self._json("job", job_id, method="delete", params={"purge": "true"}))

    def _settle(self, job_id: str) -> None:
        """Wait until the scheduler is done with the stopped job, for some seconds at most.

        Nomad 1.11.3 dies of a nil pointer (`applyPlan`) when a job is forgotten while a plan to
        place it is under way: a purge right after a registration would stop the server.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        for evaluation in self.evaluations(job_id):
            page = Page(0, evaluation, changed=True)
            while page.value["Status"] == "pending" and time.monotonic() < deadline:
                page = self.evaluation(evaluation["ID"], index=page.index, wait=2.0)

    def tag_version(self, job_id: str, name: str, version: int, description: str) -> None:
        """Name a version, which Nomad then keeps; again: say its description anew.

        ConflictError when another version has the name; InvalidRequestError before Nomad 1.9.
        """
        body = {"Version": version, "Description": description}
        try:
            self._ask("job", job_id, "versions", name, "tag", method="post", body=body)
        except InvalidRequestError as exc:
            exc.message = f"{exc.message}; Nomad tags versions from 1.9 on"
            raise

    def untag_version(self, job_id: str, name: str) -> None:
        """Take a version's name away; of two with that name, a newer one's."""
        self._ask("job", job_id, "versions", name, "tag", method="delete")

    def _refuse_other_namespace(self, job: Json) -> None:
        """Nomad puts the job where the request says, whatever the job file says: no silence.

        `default` is what Nomad's parser writes into a job that names none.
        """
        named = job.get("Namespace")
        if named in {None, "", "default", self.namespace}:
            return
        raise InvalidRequestError(
            f"the job names namespace {named!r}, and the environment {self.namespace!r}",
            system=self.endpoint.system,
            address=self.endpoint.address,
            hint="make them agree, or leave the namespace out of the job file",
        )
