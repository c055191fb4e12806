"""Past one machine: what docs/scaling.md describes, brought up from the wheels alone, each host at
an address of its own on loopback, and tortured.

`python -m benchmarks.cluster --rounds 2 --clients 8 --seed 1`
"""
