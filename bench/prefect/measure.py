"""Prefect's part of bench/queued-runs.ts and bench/first-line.ts: asks a server for runs, and looks how they went.

Its first argument is how often (seconds) the worker asks for work. Reads `many N` and `turn N` on standard input; answers
each with one line of JSON: runs a second, and milliseconds of each. The first line says what is measured, when the flow
hello is deployed for the workers of the pool `bench`.
"""

import asyncio
import contextlib
import json
import random
import sys
from datetime import datetime, timezone
from pathlib import Path

import prefect
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, LogFilter, LogFilterFlowRunId
from prefect.states import Scheduled

POOL = "bench"


def answer(value):
    print(json.dumps(value), flush=True)


async def deploy(client):
    await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    hello = await flow.from_source(source=str(Path(__file__).parent), entrypoint="hello.py:hello")
    # What it has to say is no answer.
    with contextlib.redirect_stdout(sys.stderr):
        return await hello.deploy(name="bench", work_pool_name=POOL, print_next_steps=False)


async def ask(client, deployment):
    run = await client.create_flow_run_from_deployment(deployment, state=Scheduled())
    return run.id


async def until_over(client, ids, every):
    """Waits until all runs are in a final state, and gives them."""
    while True:
        runs = []
        for i in range(0, len(ids), 100):
            some = FlowRunFilter(id=FlowRunFilterId(any_=ids[i : i + 100]))
            runs += await client.read_flow_runs(flow_run_filter=some)
        if len(runs) == len(ids) and all(run.state.is_final() for run in runs):
            wrong = [run.state for run in runs if not run.state.is_completed()]
            if wrong:
                raise RuntimeError(f"{len(wrong)} runs did not complete: {wrong[0]}")
            return runs
        await asyncio.sleep(every)


async def first_claim(client, ids):
    times = []
    for id in ids:
        states = await client.read_flow_run_states(id)
        times += [state.timestamp for state in states if state.is_pending()]
    return min(times)


async def many(client, deployment, count):
    ids = [await ask(client, deployment) for _ in range(count)]
    runs = await until_over(client, ids, 1)
    took = max(run.end_time for run in runs) - await first_claim(client, ids)
    return count / took.total_seconds()


async def first_line(client, deployment, query_seconds):
    # Else each would be asked for soon after a query, and wait for almost the whole time until the next.
    await asyncio.sleep(1 + random.uniform(0, query_seconds))
    began = datetime.now(timezone.utc)
    id = await ask(client, deployment)
    await until_over(client, [id], 0.2)
    while True:
        logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[id])))
        times = [log.timestamp for log in logs if log.message.startswith("Hello")]
        if times:
            return (min(times) - began).total_seconds() * 1000
        await asyncio.sleep(0.2)


async def main(query_seconds):
    async with get_client() as client:
        deployment = await deploy(client)
        answer({"prefect": prefect.__version__, "python": sys.version.split()[0]})
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            what, count = line.split()[0], int(line.split()[1])
            if what == "many":
                answer(await many(client, deployment, count))
            else:
                answer([await first_line(client, deployment, query_seconds) for _ in range(count)])


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
