"""The web front: what stands between a client's connection and a thread of the application.

Granian takes connections and reads heads of requests; `gateway` reads bodies, answers what needs no
thread and sends answers, all in one event loop; `threads` runs Django, as `lanes` allows.
"""

import signal

# What the process that starts the others tells them before they are to end.
STOP_SOON = signal.SIGUSR1
