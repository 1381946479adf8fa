"""The flow hello, as somebody would write it for Prefect."""

from prefect import flow, get_run_logger, task


@task
def greet(name):
    return f"Hello, {name}!"


@flow
def hello(names: list[str] = ["world"]):
    greetings = greet.map(names).result()
    for greeting in greetings:
        get_run_logger().info(greeting)
    return greetings
