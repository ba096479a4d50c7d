"""Ctrl-C while news comes in: it is never lost, and never becomes another error."""

from __future__ import annotations

import subprocess
import sys

STORM = """
import random, signal, threading
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.rollout.feed import Feed
from toolkit.rollout.world import World
from toolkit.spec.target import Endpoint, Target

nomad, consul = (Endpoint(each, "http://127.0.0.1:9", "test") for each in ("Nomad", "Consul"))
world = World(Target("test", nomad, consul), Nomad(nomad), Consul(consul))
over = threading.Event()

def interrupt(*_):
    raise KeyboardInterrupt

def wake(feed):
    while not over.wait(0.0002):
        feed.wake()

with Feed(world, "web") as feed:
    for _ in range(4):
        threading.Thread(target=wake, args=(feed,), daemon=True).start()
    signal.signal(signal.SIGALRM, interrupt)
    for number in range(1000):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0005 + random.random() * 0.002)
            while True:
                feed.next(0.01)
        except KeyboardInterrupt:
            continue
    over.set()
print("ended")
"""


def test_ctrl_c_in_a_storm_of_news() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", STORM], capture_output=True, text=True, timeout=90, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "ended\n"), ran.stderr[-2000:]
