"""Dask's part of bench/peers.ts: a LocalCluster of two one-thread processes, told what to do line by line.

Reads `map N` and `turn N` on standard input; answers each with one line of JSON, milliseconds. Its first line says
what is measured. With --tuned, Dask is set up for many small tasks, by the documented settings that helped.
"""

import json
import sys
import time

import dask
import distributed

TUNED = {
    # All tasks go to the workers at once; by default a worker is given one more than it can run.
    "distributed.scheduler.worker-saturation": float("inf"),
    "distributed.admin.event-loop": "uvloop",
    # What is only looked at, or is of no use to tasks of equal length and tiny results.
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.system-monitor.disk": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.low-level-log-length": 0,
    "distributed.diagnostics.nvml": False,
}


def inc(n):
    return n + 1


def answer(value):
    print(json.dumps(value), flush=True)


def main(tuned):
    # Not hashing the arguments, and sending the graph in pieces, so that the workers begin earlier.
    options = {"pure": False, "batch_size": 500} if tuned else {}
    cluster_options = {"dashboard_address": None} if tuned else {}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **cluster_options) as cluster:
        with distributed.Client(cluster) as client:
            answer({"dask": distributed.__version__, "python": sys.version.split()[0]})
            first = 0
            for line in sys.stdin:
                what, count = line.split()[0], int(line.split()[1])
                numbers = range(first, first + count)  # never the same ones: Dask would know the results
                first += count
                if what == "map":
                    began = time.perf_counter()
                    results = client.gather(client.map(inc, numbers, **options))
                    took = (time.perf_counter() - began) * 1000
                    assert results == [n + 1 for n in numbers]
                    answer(took)
                    del results
                else:
                    took = []
                    for n in numbers:
                        began = time.perf_counter()
                        assert client.submit(inc, n, pure=not tuned).result() == n + 1
                        took.append((time.perf_counter() - began) * 1000)
                    answer(took)


if __name__ == "__main__":
    if "--tuned" in sys.argv:
        dask.config.set(TUNED)
    main("--tuned" in sys.argv)
