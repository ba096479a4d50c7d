"""Work on what was pushed, in processes that have nothing but that work.

::

    Children.run   Work                  -> Result   on a thread of the server
      zygote       channel, status       -> pid      one process, everything imported, forks
        confine    user, limits          -> ()       before the child reads a byte
        child      Work -> Errand        -> messages, and one last line

The zygote is started before anything else of the server: it has none of its sockets, secrets and
files, an empty environment, and one thread. A child gets its work over a socket that is its own,
says what it has to say in bounded JSON lines, and is killed with its group when its time is over,
when the server asks for it, or when the server itself is gone.

What a child may not do: write a file, read a file of the server's (where the server is root), or
keep anything.
"""
