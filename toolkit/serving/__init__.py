"""What both servers stand on, to be put around a table of actions; nothing of DNS or git.

::

    limits_wire, serve    a connection and its deadlines; the process until a signal
    app                   URLs: three open pages, the table's paths, and what a server adds
    desk                  one request: limits -> who asks -> body -> schema -> policy -> effect
    actions               what an action is: Ask in, Answer out, by way of the audit
    reading, bodies, schemas, incoming    what is read of a request, strictly
    problems, answers     what is wrong with it (RFC 9457); errors of the tree as such
    openapi               the description, made from the same table
    audit, audit_files, chain    append-only lines, on disk before what they tell of happens
    server                what all this asks of a server: Serves and About
    base, parts, lifetime, process    what servers do alike from their first line to their last
    places, quota, limits, log, metrics, bounded    turns, bounds, lines, counters, harmless text
"""
