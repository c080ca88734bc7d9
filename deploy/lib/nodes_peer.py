"""The peers of the benchmark `engine nodes`: tasks that do nothing.

    nodes_peer.py ray|distributed|hyperqueue WORKERS SHAPE COUNT [WIDTH]

Starts the peer's own local cluster with so many workers of one processor each,
runs a few tasks so that the workers are warm, and prints one object of JSON:
the peer's version and the seconds that COUNT tasks took, from the first that
is handed in to the last that has come back.

SHAPE is `independent`, or `layers`: WIDTH tasks beside each other, each of
which takes the results of two of the layer before.
"""

import importlib.metadata
import json
import logging
import os
import shutil
import sys
import tempfile
import time

WARM = 200


def nothing(index, *inputs):
    return index


def plan(shape, count, width):
    """For each task, those that it takes the results of."""
    if shape == "independent":
        return [()] * count
    return [
        () if index < width else (index - width, index - index % width - width + (index + 1) % width)
        for index in range(count)
    ]


def measure_ray(workers, tasks):
    # It would print a warning, and has nothing to do with what is measured.
    os.environ["RAY_AUTH_MODE"] = "disabled"
    import ray

    ray.init(
        num_cpus=workers,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        configure_logging=False,
    )
    try:
        remote = ray.remote(num_cpus=1)(nothing)

        def perform(tasks):
            references = []
            for index, inputs in enumerate(tasks):
                references.append(remote.remote(index, *(references[one] for one in inputs)))
            return ray.get(references)

        return timed(perform, tasks)
    finally:
        ray.shutdown()


def measure_distributed(workers, tasks):
    import distributed

    with distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        silence_logs=logging.ERROR,
    ) as cluster, distributed.Client(cluster) as client:

        def perform(tasks):
            futures = []
            for index, inputs in enumerate(tasks):
                # Not pure: equal calls would be one task.
                futures.append(client.submit(nothing, index, *(futures[one] for one in inputs), pure=False))
            return client.gather(futures)

        return timed(perform, tasks)


def measure_hyperqueue(workers, tasks):
    import hyperqueue
    from hyperqueue.cluster import LocalCluster, WorkerConfig

    home = tempfile.mkdtemp(prefix="hyperqueue-")
    true = shutil.which("true")
    if true is None:
        raise SystemExit("there is no program true on the path")
    try:
        with LocalCluster(server_dir=home) as cluster:
            for _ in range(workers):
                cluster.start_worker(WorkerConfig(cores=1))
            client = cluster.client(python_env=None)

            def perform(tasks):
                # A program: a function of Python would cost the start of an interpreter for each task.
                job = hyperqueue.Job()
                made = []
                for inputs in tasks:
                    before = [made[one] for one in dict.fromkeys(inputs)]
                    made.append(job.program([true], stdout=None, stderr=None, deps=before))
                client.wait_for_jobs([client.submit(job)])
                return range(len(made))

            return timed(perform, tasks)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def timed(perform, tasks):
    perform([()] * WARM)
    began = time.perf_counter()
    results = list(perform(tasks))
    seconds = time.perf_counter() - began
    if results != list(range(len(tasks))):
        raise SystemExit("some tasks returned something else")
    return seconds


PEERS = {"ray": measure_ray, "distributed": measure_distributed, "hyperqueue": measure_hyperqueue}


def main():
    if len(sys.argv) not in (5, 6) or sys.argv[1] not in PEERS:
        raise SystemExit(__doc__)
    name, workers, shape, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    width = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    # What a peer prints while it works is none of the result.
    output = os.dup(1)
    os.dup2(2, 1)
    seconds = PEERS[name](workers, plan(shape, count, width))
    with os.fdopen(output, "w") as result:
        json.dump({"version": importlib.metadata.version(name), "seconds": seconds}, result)


if __name__ == "__main__":
    main()
