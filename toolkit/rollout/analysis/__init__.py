"""Are canaries worse than the stable instances beside them? Asked directly, and of Traefik.

sampler    asks both sides, in turns, at a bounded rate; no verdict here
metrics    Traefik's own counts of the service, before its canaries took part and since
tally      what was answered, a side at a time
judge      pure: worse or not, by an exact test whose false alarms are bounded
analyst    from the open gate to an opinion, on threads of its own; told to the watch

It begins when the gate of the canaries is open, and never promotes or fails anything itself.
"""
