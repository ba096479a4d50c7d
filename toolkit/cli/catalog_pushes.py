"""The rows of the catalog that speak of pushes: repositories of the hook server, and hooks."""

from __future__ import annotations

from toolkit.cli.catalog_entry import Entry

PUSHES = (
    Entry("repo", "", "Repositories on the hook server: a push deploys", "Deploying"),
    Entry(
        "repo create", "toolkit.cli.repo:create", "Make a repository, and let git push to it", "",
        (
            "toolkit repo create shop",
            "toolkit repo create shop --branch release --order queue --json",
        ),
    ),
    Entry(
        "repo url", "toolkit.cli.repo:url", "Print the address that git pushes to", "",
        ("git remote add hook $(toolkit repo url shop)",),
    ),
    Entry(
        "repo list", "toolkit.cli.repo:list_", "List the repositories that you may read", "",
        ("toolkit repo list", "toolkit repo list -e production --json"),
    ),
    Entry(
        "repo show", "toolkit.cli.repo:show", "Show a repository and what was deployed of it", "",
        ("toolkit repo show shop", "toolkit repo show shop --last 50 --json"),
    ),
    Entry(
        "repo log", "toolkit.cli.repo:log", "Follow a deployment that a push began", "",
        ("toolkit repo log shop", "toolkit repo log shop 31 --no-follow --json"),
    ),
    Entry(
        "repo redeploy", "toolkit.cli.repo:redeploy", "Deploy a commit that was pushed once more",
        "", ("toolkit repo redeploy shop", "toolkit repo redeploy shop 31"),
    ),
    Entry(
        "repo rollback", "toolkit.cli.repo:rollback", "Deploy the commit that was deployed before",
        "", ("toolkit repo rollback shop", "toolkit repo rollback shop --to 31"),
    ),
    Entry(
        "repo resume", "toolkit.cli.repo:resume", "Let a deployment go on with your token", "",
        ("toolkit repo resume shop 31",),
    ),
    Entry(
        "repo delete", "toolkit.cli.repo:delete", "Delete a repository; its jobs stay", "",
        ("toolkit repo delete shop", "toolkit repo delete shop --yes"),
    ),
    Entry(
        "repo restore", "toolkit.cli.repo:restore", "Have a deleted repository back", "",
        ("toolkit repo restore shop",),
    ),
    Entry(
        "repo build", "toolkit.cli.repo_build:build", "Say what is built of a push, and how", "",
        (
            "toolkit repo build shop web --command 'make web' --artifact dist/web.tar.gz",
            "toolkit repo build shop backend --dockerfile Dockerfile",
            "toolkit repo build shop --json",
        ),
    ),
    Entry(
        "repo code", "toolkit.cli.repo_build:code", "Print what a push gives its jobs", "",
        ("toolkit repo code shop > code.toml",),
    ),
    Entry("hook", "", "The scripts that run on a push, in versions", "Deploying"),
    Entry(
        "hook create", "toolkit.cli.hook:create", "Let a repository have hooks, and make it", "",
        ("toolkit hook create shop", "toolkit hook create shop hooks/"),
    ),
    Entry(
        "hook push", "toolkit.cli.hook:push", "Let the files of a folder run on pushes", "",
        ("toolkit hook push shop hooks/", "toolkit hook push shop hooks/ --json"),
    ),
    Entry(
        "hook list", "toolkit.cli.hook:list_", "List the hooks of repositories, or all versions",
        "", ("toolkit hook list", "toolkit hook list shop --json"),
    ),
    Entry(
        "hook show", "toolkit.cli.hook:show", "Show the files of a version of the hooks", "",
        ("toolkit hook show shop", "toolkit hook show shop 4be1c02a"),
    ),
    Entry(
        "hook rollback", "toolkit.cli.hook:rollback", "Let the version before run again", "",
        ("toolkit hook rollback shop", "toolkit hook rollback shop 4be1c02a"),
    ),
    Entry(
        "hook rm", "toolkit.cli.hook:rm", "Let no hook run, or not one; nothing is deleted", "",
        ("toolkit hook rm shop", "toolkit hook rm shop post-receive"),
    ),
    Entry(
        "hook destroy", "toolkit.cli.hook:destroy", "Move all versions of the hooks to the trash",
        "", ("toolkit hook destroy shop", "toolkit hook destroy shop --yes"),
    ),
    Entry(
        "repo credential", "toolkit.cli.repo:credential", "Answer git's question for a token", "",
        ("toolkit repo credential get -e production < question",),
    ),
)  # fmt: skip
