"""placeholder"""


class KickProcess: ...


def kick_process(p): ...
